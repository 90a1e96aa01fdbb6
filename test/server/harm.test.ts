/**
 * What searches cost: measured by the index, asked of the planner as the table's owner, and a veto
 * where an action made them dearer.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { pattern } from "../support/pattern.ts";
import { configure, IN_ONE_GO, placement, places } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...IN_ONE_GO, enabled: false, recall_budget_ms: 60_000 });
});

/** Wide vectors, so that a list is many pages, and short enough to stay in their rows. */
const DIMENSIONS = 400;

/** Vectors along the diagonal from a place on, in as many clusters as asked for. */
const vectors = (at: number, clusters: number): string =>
  `('[' || repeat((${at} + g % ${clusters} + round(random()::numeric * 0.1, 4)) || ',', ` +
  `${DIMENSIONS - 1}) || '0]')::vector`;

/**
 * Four partitions with an index each, of their own rows; the first is hot, and its rows lie
 * elsewhere than those of the others.
 */
async function hotTable(table: string, at: number): Promise<void> {
  await db.client.query(`
    CREATE TABLE ${table} (id bigint NOT NULL, partition_id int NOT NULL,
      embedding vector(${DIMENSIONS}), PRIMARY KEY (partition_id, id))
      PARTITION BY LIST (partition_id)`);
  for (const [place, rows] of [5600, 300, 300, 300].entries()) {
    await db.client.query(`
      CREATE TABLE ${table}_p${place} PARTITION OF ${table} FOR VALUES IN (${place});
      INSERT INTO ${table}
        SELECT ${place} * 10000 + g, ${place}, ${vectors(place === 0 ? at : 0, 10)}
        FROM generate_series(1, ${rows}) g;
      CREATE INDEX ${table}_i${place} ON ${table}_p${place} USING ivfflat (embedding vector_l2_ops)
        WITH (lists = 10)`);
  }
  await db.client.query(`ANALYZE ${table}`);
  await db.client.query("SELECT ruvector_healing_register($1, '{\"movable\": true}')", [table]);
}

const heal = (table: string) =>
  db.value<{ outcome: string; action_id: string; message: string }>(
    "SELECT ruvector_healing_execute($1, 'rebalance_partitions')",
    [table],
  );
const ended = (table: string) =>
  db
    .rows<{
      id: string;
      state: string;
      verified: boolean;
      message: string;
      looked_at: string;
      worse: string[];
      initial_lambda: number;
      final_lambda: number;
    }>(
      `
  SELECT id::text, state, verified, message, system_metrics #>> '{verification,looked_at}'
    AS looked_at, system_metrics #> '{verification,worse}' AS worse, initial_lambda, final_lambda
    FROM ruvector.healing_actions WHERE collection = $1 ORDER BY id DESC LIMIT 1`,
      [`public.${table}`],
    )
    .then(([row]) => row!);

async function untilEnded(table: string): Promise<Awaited<ReturnType<typeof ended>>> {
  await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": true}', $1)", [table]);
  for (let tick = 0; tick < 20; tick++) {
    await db.client.query("CALL ruvector_healing_tick()");
    const row = await ended(table);
    if (!["planned", "executing", "stabilizing", "rolling_back"].includes(row.state)) break;
  }
  await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": false}', $1)", [table]);
  return ended(table);
}

describe("a rebalance", () => {
  it("that crowds rows into one list of an index is undone, row by row, and says why", async () => {
    await hotTable("crowded", 500);
    // Just built, of vectors that could be compressed: a trial whose entries were read 18 blocks.
    const { metrics } = await db.value<{
      metrics: { recall: Record<string, { blocks: number; due_blocks?: number }> };
    }>("SELECT ruvector_integrity_sample('crowded')");
    const { blocks, due_blocks = blocks } = metrics.recall["public.crowded_i0"]!;
    expect(blocks / due_blocks).toBeLessThan(1.5);
    const before = await places(db, "crowded");
    await heal("crowded");
    const action = await untilEnded("crowded");
    expect(action).toMatchObject({ state: "rolled_back", verified: false });
    expect(action.message).toMatch(
      pattern(
        /vetoed: searches by public\.crowded_i\d read [\d.]+ blocks instead of [\d.]+ /,
        /\(for \d+ rows instead of 300\)/,
      ),
    );
    expect(await places(db, "crowded")).toBe(before);
    const text = await db.value<string>("SELECT ruvector_healing_explain($1::bigint)", [action.id]);
    // Where a fresh index was tried the dear one holds lambda down by itself.
    expect(text).toMatch(
      /It (?:helped and )?did harm, so it was undone: vetoed: searches by public\.crowded_i/,
    );
    expect(text).toContain("Worse for it: searches by");
    const [outcome] = await db.rows<{ worse: string[]; verified: boolean; error_message: string }>(
      `
      SELECT system_metrics #> '{verification,worse}' AS worse, verified, error_message
        FROM ruvector.healing_outcomes WHERE action_id = $1::bigint`,
      [action.id],
    );
    expect(outcome!.verified).toBe(false);
    expect(outcome!.worse).toEqual(action.worse);
    expect(action.worse.length).toBeGreaterThan(0);
  });

  it("whose rows find their own lists stays: more rows may cost as much more", async () => {
    await hotTable("roomy", 0);
    await heal("roomy");
    const action = await untilEnded("roomy");
    // What was searched to find that out is no traffic of anybody's: 20 sequential scans of each
    // partition would be.
    const { metrics } = await db.value<{ metrics: { partitions: { reads_per_second: number }[] } }>(
      "SELECT ruvector_integrity_sample('roomy')",
    );
    for (const { reads_per_second } of metrics.partitions)
      expect(reads_per_second).toBeLessThan(50);
    expect(action).toMatchObject({ state: "succeeded", verified: true, worse: [] });
    expect(action.looked_at).toMatch(
      pattern(
        /searches by public\.roomy_i1 \([\d.]+ -> [\d.]+ blocks, recall .*\), /,
        /public\.roomy_i2 \(.*\), public\.roomy_i3 \(/,
      ),
    );
    expect(Math.max(...Object.values(await placement(db, "roomy")))).toBeLessThan(3000);
    expect(await db.value("SELECT ruvector_healing_explain($1::bigint)", [action.id])).toContain(
      "nothing did by it",
    );
  });
});

describe("what a search costs", () => {
  interface Measured {
    search_blocks: number;
    blocks: number[];
    searches_ms: number[];
    takes: string | null;
    index_name: string;
    recall: number | null;
    probes: number;
  }
  const measure = (index: string, wanted: object = {}) =>
    db.value<Measured>("SELECT ruvector.healing_measure_index($1::regclass, $2::jsonb)", [
      index,
      JSON.stringify({
        k: 10,
        samples: 20,
        probes: 0,
        seed: 1,
        max_rows: 50_000,
        budget_ms: 60_000,
        exact_count_pages: 8192,
        occupancy: false,
        cost: true,
        ...wanted,
      }),
    ]);

  beforeAll(async () => {
    await db.client.query(`
      CREATE TABLE costs (id int PRIMARY KEY, embedding vector(${DIMENSIONS}));
      INSERT INTO costs SELECT g, ${vectors(0, 4000)} FROM generate_series(1, 4000) g;
      CREATE INDEX costs_i ON costs USING ivfflat (embedding vector_l2_ops) WITH (lists = 40);
      ANALYZE costs`);
  });

  it("is the same number each time, as EXPLAIN counts it, and grows with the probes", async () => {
    const [one, again] = [await measure("costs_i"), await measure("costs_i")];
    expect(again.blocks).toEqual(one.blocks);
    expect(one.blocks).toHaveLength(20);
    expect(one.searches_ms.every((ms) => ms >= 0)).toBe(true);
    const many = await measure("costs_i", { probes: 20 });
    expect(many.search_blocks).toBeGreaterThan(5 * one.search_blocks);
    await db.client.query("SET enable_seqscan = off; SET ivfflat.probes = 20");
    const [plan] = await db.value<
      { Plan: { "Shared Hit Blocks": number; "Shared Read Blocks": number } }[]
    >(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT ctid FROM costs
        ORDER BY embedding <-> (SELECT embedding FROM costs WHERE id = 7) LIMIT 11`,
    );
    await db.client.query("RESET enable_seqscan; RESET ivfflat.probes");
    const explained = plan!.Plan["Shared Hit Blocks"] + plan!.Plan["Shared Read Blocks"];
    expect(many.search_blocks).toBeGreaterThan(0.6 * explained);
    expect(many.search_blocks).toBeLessThan(1.4 * explained);
  });

  it("without an exact search beside each has no recall, and costs the same", async () => {
    const quick = await measure("costs_i", { exact: false });
    expect(quick.recall).toBeNull();
    expect(quick.blocks).toEqual((await measure("costs_i")).blocks);
  });

  it("asks the planner with the owner's settings: whatever this session has set", async () => {
    expect((await measure("costs_i")).takes).toBe("costs_i");
    expect((await measure("costs_i", { probes: 40 })).takes).toBeNull();
    await db.client.query(
      "SET enable_seqscan = off; SET enable_sort = off; SET random_page_cost = 0.001",
    );
    expect((await measure("costs_i", { probes: 40 })).takes).toBeNull();
    await db.client.query("SET enable_seqscan = on; SET enable_indexscan = off");
    expect((await measure("costs_i")).takes).toBe("costs_i");
    await db.client.query("RESET ALL");
    const role = await db.value<string>("SELECT quote_ident(current_user)");
    await db.client.query(`ALTER ROLE ${role} SET enable_indexscan = off`);
    expect((await measure("costs_i")).takes).toBeNull();
    await db.client.query(
      `ALTER ROLE ${role} RESET enable_indexscan; ALTER ROLE ${role} SET ivfflat.probes = 40`,
    );
    expect(await measure("costs_i")).toMatchObject({ probes: 40, takes: null });
    await db.client.query(`ALTER ROLE ${role} RESET ivfflat.probes`);
  });

  it("leaves no setting behind", async () => {
    const settings = () =>
      db.value<string>(
        "SELECT md5(string_agg(name || setting, ',' ORDER BY name)) FROM pg_settings",
      );
    const before = await settings();
    await measure("costs_i");
    expect(await settings()).toBe(before);
  });
});
