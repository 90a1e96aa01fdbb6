/**
 * What people do to a table between the exchange of its index and the end of the action: partitions
 * leave, the new index is renamed. Builds are jobs of pg_cron, which start with the next minute:
 * all cases walk through theirs side by side.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, QUICK, ticks } from "./support/collection.ts";
import { cronServer, external } from "./support/cron.ts";
import { ticking } from "./support/ticking.ts";
import { insertClusters, makeDrifted } from "./support/vectors.ts";

describe.skipIf(external)("an index that was exchanged", async () => {
  const db = external ? (undefined as never) : await cronServer({ suffix: "meanwhile" });

  /** Vector indexes by what they are called, with the table that each is of. */
  const indexes = async (table: string): Promise<Record<string, string>> =>
    Object.fromEntries(
      (
        await db.rows<{ name: string; heap: string }>(
          `SELECT c.relname AS name, i.indrelid::regclass::text AS heap
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             JOIN pg_am a ON a.oid = c.relam AND a.amname = 'ivfflat'
            WHERE starts_with(i.indrelid::regclass::text, $1) ORDER BY 1`,
          [table],
        )
      ).map(({ name, heap }) => [name, heap]),
    );
  const action = async (table: string) =>
    (
      await db.rows<{ id: string; state: string; message: string; reversible: boolean }>(
        `SELECT id::text, state, message, reversible FROM ruvector.healing_actions
          WHERE collection = 'public.' || $1 ORDER BY id DESC LIMIT 1`,
        [table],
      )
    )[0]!;
  const ENDED = /succeeded|rolled_back|failed|aborted/;
  const undone = async (table: string) => {
    await db.client.query("SELECT ruvector_healing_rollback($1)", [table]);
    await ticking(db, async () => ENDED.test((await action(table)).state));
    return action(table);
  };
  const WHOLE = ["detached", "dropped", "kept"];
  const DRIFTED = ["renamed", "twofold", "joined", "late"];
  const ALL = [...WHOLE, ...DRIFTED];
  const before: Record<string, Record<string, string>> = {};
  /** ATTACH PARTITION makes the oldest index that fits a part of the new table's. */
  const joining = (table: string): string => `
    CREATE TABLE all_${table} (LIKE ${table}) PARTITION BY RANGE (id);
    CREATE INDEX all_${table}_e ON all_${table} USING ivfflat (embedding vector_l2_ops);
    ALTER TABLE all_${table} ATTACH PARTITION ${table} FOR VALUES FROM (0) TO (1000000)`;

  beforeAll(async () => {
    await configure(db, {
      ...QUICK,
      kept_index_seconds: 3600,
      recall_budget_ms: 60_000,
      recall_trial_ms: 60_000,
    });
    await configure(db, { enabled: false });
    for (const table of WHOLE) {
      await db.client.query(`
        CREATE TABLE ${table} (id bigserial, part int DEFAULT 0, embedding vector(8),
          PRIMARY KEY (part, id)) PARTITION BY LIST (part);
        CREATE TABLE ${table}_0 PARTITION OF ${table} FOR VALUES IN (0);
        CREATE TABLE ${table}_1 PARTITION OF ${table} FOR VALUES IN (1)`);
      for (const late of [false, true]) {
        for (const part of [0, 1])
          await insertClusters(db, table, {
            ...(late
              ? { rows: 5500, clusters: 10, first: 1000, at: 50 }
              : { rows: 500, clusters: 20 }),
            columns: "part, ",
            values: `${part}, `,
          });
        if (!late)
          await db.client.query(`CREATE INDEX ${table}_idx ON ${table}
            USING ivfflat (embedding vector_l2_ops) WITH (lists = 20)`);
      }
      await db.client.query(`ANALYZE ${table}; SELECT ruvector_healing_register('${table}')`);
    }
    for (const table of [...DRIFTED, "fell"])
      await makeDrifted(db, table, { early: 500, late: 4000, index: `${table}_idx` });
    await db.client.query(`ALTER TABLE twofold ADD other vector(8);
      UPDATE twofold SET other = (SELECT array_agg(hashint4(id::int * 8 + d) % 1000)
        FROM generate_series(1, 8) d)::vector;
      CREATE INDEX twofold_other ON twofold USING ivfflat (other vector_l2_ops) WITH (lists = 60)`);
    for (const table of [...ALL, "fell"]) {
      before[table] = await indexes(table);
      await db.value("SELECT ruvector_integrity_sample($1)", [table]);
      const answer = await db.value("SELECT ruvector_healing_execute($1, 'rebuild_centroids')", [
        table,
      ]);
      expect(answer, JSON.stringify(answer)).toMatchObject({ outcome: "started" });
    }
    // Its other index falls while the one is built anew: deeper than that was, all into one list.
    await db.client.query(
      "UPDATE twofold SET other = array_fill((5000 + id % 50)::real, '{8}')::vector",
    );
    // Its index becomes a part of another one while the new one is built.
    await db.client.query(joining("late"));
    // As if lambda had been 1 when it began; its build waits for a writer.
    await db.client.query(
      "UPDATE ruvector.healing_actions SET initial_lambda = 1 WHERE collection = 'public.fell'",
    );
    const writer = await db.connect();
    await writer.query("BEGIN; LOCK TABLE fell IN ROW EXCLUSIVE MODE");
    const all = async () => {
      if ((await action("fell")).state !== "executing") await writer.query("ROLLBACK");
      for (const table of [...ALL, "fell"])
        if (!ENDED.test((await action(table)).state)) return false;
      return true;
    };
    await ticking(db, all, 300);
    for (const table of ALL.filter((one) => one !== "late"))
      expect(await action(table), table).toMatchObject({ state: "succeeded", reversible: true });
  });

  it("is dropped where lambda fell while it was built, and is not blamed before", async () => {
    const { id, state, message } = await action("fell");
    expect({ state, message }).toEqual({
      state: "failed",
      message: expect.stringMatching(/^undone: lambda fell from 1 to 0\.\d+$/),
    });
    expect(await indexes("fell")).toEqual(before["fell"]);
    // One that has not begun lowers nothing.
    expect(
      await db.value(
        "SELECT bool_and(started_at IS NOT NULL) FROM ruvector.healing_jobs WHERE action_id = $1",
        [id],
      ),
    ).toBe(true);
  });

  it("stays where another index of the table has fallen meanwhile", async () => {
    expect((await action("twofold")).message).toMatch(
      /^verified: .*twofold_idx rose from .*; meanwhile .*twofold_other fell from 1 to/,
    );
    const { id } = await action("twofold");
    const explained = await db.value<string>("SELECT ruvector_healing_explain($1::bigint)", [id]);
    const said = explained.replace(/\s+/g, " ");
    expect(said).toContain("It did what it is for, and something else fell meanwhile: lambda");
    expect(said).toMatch(/Mended: the fullest list of public\.twofold_idx rose .* Worse meanwhile/);
    // What others did counts against nobody.
    expect(
      await db.value(`SELECT improvement_pct IS NULL AND success FROM ruvector.healing_outcomes
        WHERE collection = 'public.twofold'`),
    ).toBe(true);
  });

  it("goes back where a partition was taken out, which keeps the new one alone", async () => {
    await db.client.query("ALTER TABLE detached DETACH PARTITION detached_1");
    expect(await undone("detached")).toMatchObject({ state: "rolled_back" });
    expect(await indexes("detached")).toEqual(before["detached"]);
  });

  it("goes back where a partition was dropped", async () => {
    // Somebody else's index, called as the one that went with it.
    const kept = await db.value<string>(
      `SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = 'dropped_1'::regclass AND starts_with(c.relname, 'ruvector_kept_')`,
    );
    await db.client.query(`DROP TABLE dropped_1; CREATE ROLE ruvector_test_decoy;
      CREATE SCHEMA decoy; CREATE TABLE decoy.t (id int);
      CREATE INDEX ${kept} ON decoy.t (id); ALTER TABLE decoy.t OWNER TO ruvector_test_decoy`);
    expect(await undone("dropped")).toMatchObject({ state: "rolled_back" });
    expect(await db.value("SELECT to_regclass($1)::text", [`decoy.${kept}`])).toBe(`decoy.${kept}`);
    const { [`dropped_1_embedding_idx`]: _, ...left } = before["dropped"]!;
    expect(await indexes("dropped")).toEqual(left);
  });

  it("takes the old one along, of a partition that was taken out as well", async () => {
    await db.client.query(`CREATE SCHEMA archive; ALTER TABLE kept DETACH PARTITION kept_1;
      ALTER TABLE kept_1 SET SCHEMA archive`);
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"kept_index_seconds\": 0}', 'kept')",
    );
    await ticking(db, async () => !(await action("kept")).reversible);
    const { kept_1_embedding_idx: _, ...left } = before["kept"]!;
    expect(await indexes("kept")).toEqual(left);
    expect(await indexes("archive.kept")).toEqual({ kept_1_embedding_idx: "archive.kept_1" });
  });

  it("that was renamed goes, and the old one has the name that it had", async () => {
    await db.client.query(`ALTER INDEX renamed_idx RENAME TO better;
      CREATE INDEX renamed_idx ON renamed (id)`);
    expect(await undone("renamed")).toMatchObject({ state: "rolled_back" });
    expect(await indexes("renamed")).toEqual({ better: "renamed" });
  });

  it("is none where the old one had become a part of a partitioned index", async () => {
    expect(await action("late")).toMatchObject({
      state: "failed",
      message: expect.stringContaining("late_idx is a part of public.all_late_e by now"),
    });
    expect(await indexes("late")).toEqual(before["late"]);
  });

  it("goes back where the kept one became such a part, which nobody can drop", async () => {
    await db.client.query(`${joining("joined")};
      SELECT ruvector_healing_configure('{"kept_index_seconds": 0}', 'joined')`);
    const said = () =>
      db.value<string | null>(`SELECT string_agg(message, ' ') FROM ruvector.healing_events
        WHERE kind = 'action_index_stays' AND collection = 'public.joined'`);
    await ticking(db, async () => (await said()) !== null);
    await ticks(db, 2);
    const [, statement] = /(SELECT .*;)$/.exec((await said())!)!;
    expect((await said())!.match(/stays/g)).toHaveLength(1);
    expect(
      await db.value(`SELECT statement FROM ruvector.healing_left_indexes(0)
        WHERE statement ~ 'joined'`),
    ).toBe("-- DROP INDEX public.all_joined_e; drops the whole index that it is a part of.");
    await db.client.query(statement!);
    await ticking(db, async () => ENDED.test((await action("joined")).state));
    expect(await action("joined")).toMatchObject({ state: "rolled_back" });
    expect(await indexes("joined")).toEqual(before["joined"]);
  });

  it("leaves the old one behind where its table is another one now, and says so", async () => {
    const kept = "DROP INDEX CONCURRENTLY public.ruvector_kept_";
    await db.client.query("ALTER TABLE twofold RENAME COLUMN embedding TO vectors");
    await ticking(db, async () => true);
    expect(
      await db.value(`SELECT message FROM ruvector.healing_events WHERE kind = 'table_missing'
        AND collection = 'public.twofold'`),
    ).toMatch(
      / no column embedding of .*; index \S+ what action \d+ replaced, .* stays: DROP INDEX/,
    );
    const { left } = await db.value<{ left: { what: string; statement: string }[] }>(
      "SELECT ruvector_healing_unregister('twofold')",
    );
    expect(left).toEqual([{ what: expect.any(String), statement: expect.stringContaining(kept) }]);
    await db.client.query(left[0]!.statement);
    expect(await indexes("twofold")).toEqual(before["twofold"]);
  });
});
