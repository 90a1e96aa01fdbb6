/**
 * The most usual user: a plain table with a vector index. Recall that was lost, or never was there,
 * is sensed, and found again by the least that finds it. Cases B1 and B2, and their kind.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, QUICK, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

const RANDOM = (dimensions: number, row: string): string =>
  `(SELECT array_agg(random()) FROM generate_series(1, ${dimensions}) WHERE ${row} > 0)::vector`;
/** Clusters that overlap: lists of no rows find little in them. */
const CLUSTERED =
  "(SELECT array_agg(sin((g % 200) * 12.9898 * i + (g % 200) ^ 2 * 0.731 * i) + " +
  "2 * (random() + random() + random() - 1.5)) FROM generate_series(1, 32) i)::vector";

interface Sampled {
  lambda: number;
  metrics: {
    recall: Record<
      string,
      {
        recall: number;
        baseline: number;
        due_from: string;
        probes: number;
        dead_rows: number;
        live_rows: number;
        vacuum: string | null;
      }
    >;
    invalid_indexes?: string[];
    incomplete_indexes?: { lacking: number; statements: string[] }[];
  };
}

const sample = (table: string) =>
  db.value<Sampled>("SELECT ruvector_integrity_sample($1)", [table]);
const classOf = async (table: string) => {
  const { problem } = await db.value<{ problem: { class: string; summary: string } }>(
    "SELECT ruvector_healing_trigger($1)",
    [table],
  );
  return problem;
};
const plan = async (table: string, strategy: string, params: object = {}) =>
  db.value<{ message: string; hint: string }>("SELECT ruvector_healing_execute($1, $2, $3)", [
    table,
    strategy,
    JSON.stringify({ ...params, dry_run: true }),
  ]);

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, recall_budget_ms: 60_000 });
});

describe("hnsw after updates without a vacuum (B1)", () => {
  beforeAll(async () => {
    await db.client.query(`
      CREATE TABLE h (id int PRIMARY KEY, e vector(16)) WITH (autovacuum_enabled = off);
      INSERT INTO h SELECT g, ${RANDOM(16, "g")} FROM generate_series(1, 1000) g;
      CREATE INDEX ON h USING hnsw (e vector_l2_ops);
      ANALYZE h`);
    await db.client.query("SELECT ruvector_healing_register('h')");
    // The 2 s that are usual served 15 searches of a trial on a busy machine, sure of 0.88.
    await db.client.query("SELECT ruvector_healing_configure('{\"recall_trial_ms\": 60000}', 'h')");
  });

  it("is sensed as recall_loss, beside what is due and what a search costs", async () => {
    const before = await sample("h");
    expect(before.lambda).toBe(1);
    for (let round = 0; round < 8; round++)
      await db.client.query(`UPDATE h SET e = ${RANDOM(16, "h.id")}`);
    const after = await sample("h");
    const { recall, baseline, due_from } = after.metrics.recall["public.h_e_idx"]!;
    expect(recall).toBeLessThan(0.8);
    expect(baseline).toBeGreaterThan(0.9);
    expect(due_from).toBe("best");
    expect(after.lambda).toBeLessThan(0.8);
    const problem = await classOf("h");
    expect(problem.class).toBe("recall_loss");
    expect(problem.summary).toMatch(/^Recall@10 of public\.h_e_idx is 0\.\d+, at best it was /);
  });

  it("says how many rows are dead there, and when they were vacuumed", async () => {
    await db.client.query("SELECT pg_stat_force_next_flush()");
    const { dead_rows, live_rows, vacuum } = (await sample("h")).metrics.recall["public.h_e_idx"]!;
    expect(dead_rows).toBeGreaterThan(4 * live_rows);
    expect(vacuum).toBeNull();
    expect(await db.value("SELECT ruvector_healing_explain('h')")).toMatch(
      /table of public\.h_e_idx has \d+ dead rows beside \d+ live ones, no vacuum known/,
    );
  });

  it("has a curve, of which the point in effect is one", async () => {
    const points = await db.rows<{
      value: number;
      recall: number;
      blocks: number;
      current: boolean;
    }>("SELECT * FROM ruvector_healing_recall_curve('h', 'h_e_idx')");
    expect(points.length).toBeGreaterThanOrEqual(5);
    expect(points.length).toBeLessThanOrEqual(7);
    expect(points.filter(({ current }) => current)).toMatchObject([{ value: 40 }]);
    const [least] = points;
    const most = points[points.length - 1]!;
    expect(most.recall).toBeGreaterThan(least!.recall);
    expect(most.blocks).toBeGreaterThan(least!.blocks);
  });

  it("each remedy says by measurement what it would find, or why not", async () => {
    const tuned = await plan("h", "tune_search");
    expect(tuned.message).toMatch(/times what a search costs now; search_cost_ratio allows 2/);
    // What it says to type lets it, whatever was rounded.
    await db.client.query(/^SELECT .*?\);/.exec(tuned.hint)![0]);
    expect((await plan("h", "tune_search")).message ?? "").not.toContain("search_cost_ratio");
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"search_cost_ratio\": null}', 'h')",
    );
    // Eight of nine entries are dead: without them most of the index is room.
    expect((await plan("h", "vacuum_index")).message).toMatch(
      /a vacuum would leave public\.h_e_idx with 8\d(\.\d)? % room, which is fragmented/,
    );
    // No pg_cron in this database: what it would do is said to be done by hand.
    expect((await plan("h", "rebuild_index")).hint).toMatch(
      /CREATE INDEX CONCURRENTLY ON public\.h USING hnsw \(e \S*vector_l2_ops\);/,
    );
  });

  it("a deeper search is set for the owner, and taken back exactly", async () => {
    const settings = () =>
      db.rows(
        "SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d " +
          "ON d.oid = s.setdatabase WHERE d.datname = current_database()",
      );
    expect(await settings()).toEqual([]);
    await configure(db, { enabled: true, search_cost_ratio: 100 });
    const { action_id } = await db.value<{ action_id: number }>(
      "SELECT ruvector_healing_execute('h', 'tune_search')",
    );
    for (let turn = 0; turn < 20; turn++) {
      await ticks(db, 1);
      const state = await db.value<string>(
        "SELECT state FROM ruvector.healing_actions WHERE id = $1",
        [action_id],
      );
      if (state === "succeeded") break;
    }
    const [set] = (await settings()) as { setconfig: string[] }[];
    expect(set?.setconfig).toEqual([expect.stringMatching(/^hnsw\.ef_search=\d+$/)]);
    const role = await db.value<string>("SELECT current_user");
    expect(await db.value("SELECT ruvector_healing_explain($1::bigint)", [action_id])).toContain(
      `search_setting of ${role} ends by itself at `,
    );
    expect((await sample("h")).lambda).toBeGreaterThanOrEqual(0.8);
    await db.client.query("SELECT ruvector_healing_rollback('h')");
    await ticks(db, 2);
    expect(await settings()).toEqual([]);
    await configure(db, { enabled: false, search_cost_ratio: 2 });
  });

  it("what somebody set meanwhile is theirs", async () => {
    await configure(db, { enabled: true, search_cost_ratio: 100 });
    expect((await sample("h")).lambda).toBeLessThan(0.8);
    const answer = await db.value<{ action_id: number | null; message: string }>(
      "SELECT ruvector_healing_execute('h', 'tune_search')",
    );
    expect(answer.action_id, answer.message).not.toBeNull();
    const database = await db.value<string>("SELECT quote_ident(current_database())");
    await db.client.query(
      `ALTER ROLE CURRENT_USER IN DATABASE ${database} SET hnsw.ef_search = 77`,
    );
    await db.client.query("SELECT ruvector_healing_rollback('h')");
    await ticks(db, 2);
    expect(
      await db.value(
        "SELECT setconfig::text FROM pg_db_role_setting s JOIN pg_database d " +
          "ON d.oid = s.setdatabase WHERE d.datname = current_database()",
      ),
    ).toBe("{hnsw.ef_search=77}");
    await db.client.query(`ALTER ROLE CURRENT_USER IN DATABASE ${database} RESET hnsw.ef_search`);
    await configure(db, { enabled: false, search_cost_ratio: 2 });
  });
});

describe("a deeper search that is not needed any more", () => {
  it("is taken back by the loop, and says why", async () => {
    await configure(db, { enabled: true, search_cost_ratio: 100, stabilize_seconds: 3600 });
    await sample("h");
    const answer = await db.value<{ action_id: number | null; message: string }>(
      "SELECT ruvector_healing_execute('h', 'tune_search')",
    );
    expect(answer.action_id, answer.message).not.toBeNull();
    const leases = () =>
      db.rows<{ end_reason: string | null }>(
        `SELECT end_reason FROM ruvector.healing_leases
          WHERE kind = 'search_setting' ORDER BY id DESC LIMIT 1`,
      );
    expect(await leases()).toEqual([{ end_reason: null }]);
    await ticks(db, 1);
    expect(await leases()).toEqual([{ end_reason: null }]);
    await db.client.query("VACUUM (INDEX_CLEANUP ON) h");
    await configure(db, { tune_recheck_seconds: 0 });
    await ticks(db, 2);
    // Not while an action is at work there, which may still be undone.
    expect(await leases()).toEqual([{ end_reason: null }]);
    await configure(db, { stabilize_seconds: 0 });
    await db.client.query(
      "UPDATE ruvector.healing_actions SET stabilize_until = now() WHERE state = 'stabilizing'",
    );
    await ticks(db, 3);
    expect(await leases()).toEqual([
      { end_reason: "not needed any more: hnsw.ef_search = 40 finds what is due" },
    ]);
    await configure(db, { enabled: false, search_cost_ratio: 2 });
  });
});

describe("what stands in the way of a remedy", () => {
  const needed = async () => {
    await configure(db, { enabled: true, search_cost_ratio: 100, tune_recheck_seconds: 21_600 });
    await db.client.query(`UPDATE h SET e = ${RANDOM(16, "h.id")}`);
    for (let round = 0; round < 7; round++)
      await db.client.query(`UPDATE h SET e = ${RANDOM(16, "h.id")}`);
    expect((await sample("h")).lambda).toBeLessThan(0.8);
  };

  it("a table that somebody locks is said in the plan, and ends no tick", async () => {
    await needed();
    const other = await db.connect();
    await other.query("BEGIN; LOCK TABLE h IN ACCESS EXCLUSIVE MODE");
    const [point] = await db.rows<{ note: string }>(
      "SELECT note FROM ruvector_healing_recall_curve('h')",
    );
    expect(point!.note).toContain("could not obtain lock");
    const errors = () => db.value<number>("SELECT errors::int FROM ruvector.healing_ticks");
    const before = await errors();
    await ticks(db, 2);
    expect(await errors()).toBe(before);
    await other.query("ROLLBACK");
    await other.end();
  });

  it("an owner who cannot log in has no sessions that a setting reaches", async () => {
    const owner = `ruvector_test_owner_${process.pid}`;
    await db.client.query(`CREATE ROLE ${owner}; ALTER TABLE h OWNER TO ${owner}`);
    const refused = await plan("h", "tune_search");
    expect(refused.message).toContain(`${owner} cannot log in`);
    expect(refused.hint).toContain("tune_roles");
    await db.client.query(
      `ALTER TABLE h OWNER TO CURRENT_USER; DROP OWNED BY ${owner}; DROP ROLE ${owner}`,
    );
    await configure(db, { enabled: false, search_cost_ratio: 2 });
  });

  // The last: the rows it counts change what the planner takes.
  it("a vacuum is not said to be no remedy where the server lost its counters", async () => {
    await db.client.query("SELECT pg_stat_reset_single_table_counters('h'::regclass)");
    const lost = await plan("h", "vacuum_index");
    expect(lost.message).toMatch(
      /no count of the dead rows of public\.h: whether they are why public\.h_e_idx finds too/,
    );
    const [statement] = /^ANALYZE public\.h;/.exec(lost.hint)!;
    await db.client.query(statement);
    await db.client.query("SELECT pg_stat_force_next_flush()");
    expect((await plan("h", "vacuum_index")).message).toMatch(/a vacuum would leave/);
  });
});

describe("a load that is not committed yet", () => {
  it("takes places that its rows have not: what is found less is not believed", async () => {
    await db.client.query(`
      CREATE TABLE loaded (id int PRIMARY KEY, e vector(16)) WITH (autovacuum_enabled = off);
      INSERT INTO loaded SELECT g, ${RANDOM(16, "g")} FROM generate_series(1, 300) g;
      CREATE INDEX ON loaded USING hnsw (e vector_l2_ops);
      ANALYZE loaded`);
    await db.client.query("SELECT ruvector_healing_register('loaded')");
    expect((await sample("loaded")).lambda).toBe(1);
    const other = await db.connect();
    await other.query(`BEGIN;
      INSERT INTO loaded SELECT g, ${RANDOM(16, "g")} FROM generate_series(301, 6000) g`);
    const during = await sample("loaded");
    expect(during.lambda).toBe(1);
    expect(during.metrics.recall["public.loaded_e_idx"]!.recall).toBe(1);
    const untold = await db.value<{ what: string; hint: string }[]>(
      "SELECT unmeasured FROM ruvector_integrity_status('loaded')",
    );
    const doubted = untold.find(({ what }) => what === "recall of public.loaded_e_idx now")!;
    const [, statement] = /(SELECT .*;)/.exec(doubted.hint)!;
    expect(await db.rows(statement!)).toHaveLength(1);
    await other.query("ROLLBACK");
    await other.end();
    // What is left of it is dead, and takes the places until a vacuum: that is a loss.
    const after = await sample("loaded");
    expect(after.metrics.recall["public.loaded_e_idx"]!.recall).toBeLessThan(0.8);
    expect(after.lambda).toBeLessThan(0.8);
  });
});

describe("an ivfflat index built on nothing (B2)", () => {
  beforeAll(async () => {
    await db.client.query(`
      CREATE TABLE v (id int PRIMARY KEY, e vector(32));
      CREATE INDEX v_i ON v USING ivfflat (e vector_cosine_ops) WITH (lists = 60);
      INSERT INTO v SELECT g, ${CLUSTERED} FROM generate_series(1, 5000) g;
      ANALYZE v`);
    await db.client.query("SELECT ruvector_healing_register('v')");
  });

  it("is sick from the beginning: what a fresh build attains is due", async () => {
    const { lambda, metrics } = await sample("v");
    const { recall, baseline, due_from } = metrics.recall["public.v_i"]!;
    expect(due_from).toBe("fresh_build");
    expect(recall).toBeLessThan(baseline);
    expect(lambda).toBeLessThan(0.8);
    expect((await classOf("v")).class).toBe("recall_loss");
    // Nothing of the trial is left.
    expect(
      await db.rows("SELECT relname FROM pg_class WHERE relname ~ '^ruvector_(sample|trial)'"),
    ).toEqual([]);
  });

  it("how far a vacuum is that runs there", async () => {
    const other = await db.connect();
    const pid = (await other.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]!.pid;
    await other.query("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1");
    const ended = other.query("VACUUM (INDEX_CLEANUP ON) v").catch(() => "cancelled");
    let seen: string | null = null;
    while (seen === null) seen = (await sample("v")).metrics.recall["public.v_i"]!.vacuum;
    expect(seen).toMatch(/^(initializing|scanning heap)( \(\d+ %\))?$/);
    await db.client.query("SELECT pg_cancel_backend($1)", [pid]);
    await ended;
    await other.end();
  });

  it("is taken on with the same lists first, and by rebuild_centroids too", async () => {
    for (const strategy of ["rebuild_index", "rebuild_centroids"])
      expect((await plan("v", strategy)).hint).toMatch(
        /CREATE INDEX CONCURRENTLY ON public\.v USING ivfflat \(e \S+\) WITH \(lists = \d+\);/,
      );
    expect((await plan("v", "rebuild_index")).hint).toContain("lists = 60");
  });

  it("recall_target stands over it", async () => {
    await db.client.query("SELECT ruvector_healing_configure('{\"recall_target\": 0.05}', 'v')");
    expect((await sample("v")).metrics.recall["public.v_i"]).toMatchObject({
      baseline: 0.05,
      due_from: "target",
    });
  });
});

describe("an INVALID index", () => {
  it("is named, and what to type; the loop repairs none by itself", async () => {
    await db.client.query("CREATE TABLE broken (id int PRIMARY KEY, e vector(3))");
    await db.client.query("INSERT INTO broken SELECT g, '[1,2,3]' FROM generate_series(1, 50) g");
    await db.client.query("CREATE INDEX broken_i ON broken USING hnsw (e vector_l2_ops)");
    await db.client.query("SELECT ruvector_healing_register('broken')");
    await db.client.query(
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken_i'::regclass",
    );
    const { lambda, metrics } = await sample("broken");
    expect(lambda).toBe(0.5);
    expect(metrics.invalid_indexes).toEqual(["public.broken_i"]);
    expect((await classOf("broken")).summary).toBe(
      "public.broken_i is INVALID: no search uses it, and every write keeps it.",
    );
    // While somebody drops (or builds) an index there, it is theirs.
    const other = await db.connect();
    await other.query("BEGIN; LOCK TABLE broken IN SHARE UPDATE EXCLUSIVE MODE");
    expect((await sample("broken")).metrics.invalid_indexes).toBeUndefined();
    await other.query("ROLLBACK");
    await other.end();
    await sample("broken");
    // Those that an INVALID index does not concern are asked first, and have no say.
    await configure(db, { enabled: true });
    await classOf("broken");
    await configure(db, { enabled: false });
    expect(
      await db.value(
        `SELECT to_jsonb(r) FROM ruvector.healing_refusals r
          WHERE collection = 'public.broken' AND reason = 'nothing_to_do'`,
      ),
    ).toMatchObject({
      measured: "rebuild_index",
      message: expect.stringContaining("public.broken_i is INVALID") as string,
      flips_at: expect.stringContaining("REINDEX INDEX CONCURRENTLY public.broken_i;") as string,
    });
    const refused = await plan("broken", "rebuild_index");
    expect(refused.hint).toContain("DROP INDEX CONCURRENTLY public.broken_i;");
    expect(refused.hint).toContain("REINDEX INDEX CONCURRENTLY public.broken_i;");
    const asked = await plan("broken", "rebuild_index", { index: "broken_i" });
    expect(asked.hint).toMatch(/by hand: REINDEX INDEX CONCURRENTLY public\.broken_i;$/);
  });

  it("beside a valid one that says the same is to be dropped: nobody needs two", async () => {
    await db.client.query("CREATE TABLE twice (id int PRIMARY KEY, e vector(3))");
    await db.client.query("INSERT INTO twice SELECT g, '[1,2,3]' FROM generate_series(1, 50) g");
    for (const name of ["twice_i", "twice_i_ccnew"])
      await db.client.query(`CREATE INDEX ${name} ON twice USING hnsw (e vector_l2_ops)`);
    await db.client.query("CREATE INDEX twice_cos ON twice USING hnsw (e vector_cosine_ops)");
    await db.client.query("SELECT ruvector_healing_register('twice')");
    await db.client.query(
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'twice_i_ccnew'::regclass",
    );
    await configure(db, { repair_invalid_indexes: true });
    await sample("twice");
    expect(await plan("twice", "rebuild_index")).toMatchObject({
      message: "public.twice_i_ccnew is INVALID, and public.twice_i says the same",
      hint: "DROP INDEX CONCURRENTLY public.twice_i_ccnew;",
    });
    // Another distance is another index.
    await db.client.query(
      `UPDATE pg_index SET indisvalid = indexrelid <> 'twice_cos'::regclass
        WHERE indrelid = 'twice'::regclass`,
    );
    await sample("twice");
    expect((await plan("twice", "rebuild_index")).hint).toMatch(
      /REINDEX INDEX CONCURRENTLY public\.twice_cos;$/,
    );
    await configure(db, { repair_invalid_indexes: false });
    await db.client.query("SELECT ruvector_healing_unregister('twice')");
  });

  it("of a table whose partitions lack parts is named, and no sickness", async () => {
    await db.client.query(`
      CREATE TABLE parted (id int, k int, e vector(3), PRIMARY KEY (id, k)) PARTITION BY LIST (k);
      CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
      CREATE TABLE "Parted 2" PARTITION OF parted FOR VALUES IN (2);
      CREATE TABLE parted_3 PARTITION OF parted FOR VALUES IN (3);
      INSERT INTO parted SELECT g, 1 + g % 3, ARRAY[g, 2, 3] FROM generate_series(1, 300) g;
      CREATE INDEX parted_i ON ONLY parted USING hnsw (e vector_l2_ops) WITH (m = 8);
      CREATE INDEX ON parted_1 USING hnsw (e vector_cosine_ops);
      CREATE INDEX parted_3_i ON parted_3 USING hnsw (e vector_l2_ops);
      ANALYZE parted`);
    await db.client.query("SELECT ruvector_healing_register('parted')");
    const told = async () => (await sample("parted")).metrics.incomplete_indexes ?? [];
    const { lambda, metrics } = await sample("parted");
    expect(lambda).toBe(1);
    expect(metrics.invalid_indexes).toBeUndefined();
    expect(metrics.incomplete_indexes).toMatchObject([
      {
        index: "public.parted_i",
        partitions: 3,
        lacking: 3,
        named: ["Parted 2", "parted_1", "parted_3"],
      },
    ]);
    expect(
      (await db.value<string>("SELECT ruvector_healing_explain('parted')")).replaceAll(/\s+/g, " "),
    ).toContain("public.parted_i is INVALID as a whole: 3 of 3 partitions have no part of it");
    // Not while somebody builds there.
    const other = await db.connect();
    await other.query("BEGIN; LOCK TABLE parted_1 IN SHARE UPDATE EXCLUSIVE MODE");
    expect(await told()).toEqual([]);
    await other.query("ROLLBACK");
    await other.end();
    // What it says to type makes it whole.
    for (let left = 3; left > 0; left--) {
      const [index] = await told();
      expect(index!.lacking).toBe(left);
      for (const statement of index!.statements[0]!.split("; ")) await db.client.query(statement);
    }
    expect(await told()).toEqual([]);
    expect(
      await db.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'parted_i'::regclass"),
    ).toBe(true);
    expect(
      await db.value(`SELECT count(*)::int FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
        WHERE h.inhparent = 'parted_i'::regclass AND c.reloptions = '{m=8}'`),
    ).toBe(2);
    // A part that is INVALID is the sickness, and the whole follows it.
    await db.client.query(
      `UPDATE pg_index SET indisvalid = false
        WHERE indexrelid IN ('parted_i'::regclass, 'parted_3_i'::regclass)`,
    );
    const again = (await sample("parted")).metrics;
    expect(again.invalid_indexes).toEqual(["public.parted_3_i"]);
    expect(again.incomplete_indexes).toMatchObject([
      {
        lacking: 0,
        statements: [
          "REINDEX INDEX CONCURRENTLY public.parted_3_i; " +
            "ALTER INDEX public.parted_i ATTACH PARTITION public.parted_3_i;",
        ],
      },
    ]);
    await db.client.query("SELECT ruvector_healing_unregister('parted')");
  });

  it("of a partition is not told to be dropped: it cannot be, alone", async () => {
    await db.client.query(`
      CREATE TABLE halves (k int, e vector(3)) PARTITION BY RANGE (k);
      CREATE TABLE halves_1 PARTITION OF halves FOR VALUES FROM (0) TO (10);
      CREATE INDEX halves_i ON halves USING hnsw (e vector_l2_ops);
      INSERT INTO halves SELECT g % 10, '[1,2,3]' FROM generate_series(1, 50) g`);
    await db.client.query("SELECT ruvector_healing_register('halves')");
    await db.client.query(
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'halves_1_e_idx'::regclass",
    );
    await sample("halves");
    expect((await plan("halves", "rebuild_index")).hint).toBe(
      "SELECT ruvector_healing_execute('public.halves', 'rebuild_index', " +
        '\'{"index":"public.halves_1_e_idx"}\'); or by hand REINDEX INDEX CONCURRENTLY ' +
        "public.halves_1_e_idx;",
    );
  });
});

it("bad input of the curve", async () => {
  expect(
    await raised(db.client, "SELECT * FROM ruvector_healing_recall_curve('nix')"),
  ).toMatchObject({
    code: "RV002",
  });
  expect(
    await raised(db.client, "SELECT * FROM ruvector_healing_recall_curve(NULL)"),
  ).toMatchObject({
    code: "RV001",
  });
  expect(
    await raised(db.client, "SELECT * FROM ruvector_healing_recall_curve('h', 'nix')"),
  ).toMatchObject({ code: "RV001", hint: expect.stringContaining("public.h_e_idx") });
});
