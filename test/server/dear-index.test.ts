/**
 * A vector index that finds what is due, at many times the cost: an ivfflat index keeps the pages
 * that dead entries were on, with a VACUUM or without.
 */
import { beforeAll, expect, it } from "vitest";
import { configure, QUICK } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

/** Spread evenly: no list is overfull, which would be another class. */
const VECTOR = (row: string): string =>
  `(SELECT array_agg(random()) FROM generate_series(1, 16) WHERE ${row} > 0)::vector`;

interface Metric {
  readonly recall: number;
  readonly probes: number;
  readonly blocks: number;
  readonly due_blocks?: number;
}

const sample = async () => {
  const { lambda, metrics } = await db.value<{
    lambda: number;
    metrics: { recall: Record<string, Metric> };
  }>("SELECT ruvector_integrity_sample('v')");
  return { lambda, ...metrics.recall["public.v_e_idx"]! };
};
const said = async (strategy: string) => {
  const answer = await db.value<{ message: string; hint: string }>(
    "SELECT ruvector_healing_execute('v', $1, $2)",
    [strategy, '{"dry_run": true}'],
  );
  return `${answer.message} ${answer.hint}`;
};
const rewrite = async (rounds: number): Promise<void> => {
  for (let round = 1; round <= rounds; round++)
    await db.client.query(`UPDATE v SET e = ${VECTOR("v.id")}`);
};
const after = async (statement: string) => {
  await db.client.query(statement);
  return sample();
};
const kept = () =>
  db.value<{ costs: unknown[]; trial: { blocks: number } }>(
    `SELECT m.value -> 'public.v_e_idx' FROM ruvector.integrity_measurements m
      WHERE kind = 'centroids'`,
  );

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, recall_budget_ms: 60_000 });
  await db.client.query(`
    CREATE TABLE v (id int PRIMARY KEY, e vector(16)) WITH (autovacuum_enabled = off);
    INSERT INTO v SELECT g, ${VECTOR("g")} FROM generate_series(1, 1500) g;
    CREATE INDEX ON v USING ivfflat (e vector_l2_ops) WITH (lists = 10);
    ANALYZE v;
    ALTER ROLE CURRENT_USER IN DATABASE ${db.name} SET ivfflat.probes = 3;
    SELECT ruvector_healing_register('v')`);
});

it("is well as it was built, with more rows and with deeper searches", async () => {
  const built = await sample();
  expect(built).toMatchObject({ lambda: 1, probes: 3 });
  expect(built).not.toHaveProperty("due_blocks");
  await db.client.query(
    `INSERT INTO v SELECT g, ${VECTOR("g")} FROM generate_series(1501, 2500) g`,
  );
  const grown = await sample();
  expect(grown.lambda).toBe(1);
  expect(grown.blocks).toBeGreaterThan(built.blocks);
  await db.client.query(`ALTER ROLE CURRENT_USER IN DATABASE ${db.name} SET ivfflat.probes = 9`);
  const deeper = await sample();
  expect(deeper).toMatchObject({ lambda: 1, probes: 9 });
  expect(deeper.blocks).toBeGreaterThan(1.3 * grown.blocks);
  await db.client.query(`ALTER ROLE CURRENT_USER IN DATABASE ${db.name} SET ivfflat.probes = 3`);
  expect((await sample()).lambda).toBe(1);
  expect((await kept()).costs).toHaveLength(2);
});

it("full of dead entries it is sick by its cost, and the classifier says so", async () => {
  await rewrite(3);
  const { lambda, blocks, due_blocks } = await sample();
  expect(lambda).toBeLessThan(0.8);
  expect(blocks).toBeGreaterThan(2 * due_blocks!);
  const { problem } = await db.value<{ problem: { class: string; summary: string } }>(
    "SELECT ruvector_healing_trigger('v')",
  );
  expect(problem.class).toBe("recall_loss");
  expect(problem.summary).toMatch(
    /^Searches by public\.v_e_idx read \S+ blocks each at 3, those by a fresh index \S+ \(recall/,
  );
});

it("so it is where an older version remembered nothing of costs", async () => {
  await db.client.query(
    `UPDATE ruvector.integrity_measurements SET value = value #- '{public.v_e_idx,costs}'
        #- '{public.v_e_idx,trial,blocks}' WHERE kind = 'centroids'`,
  );
  const { lambda, due_blocks } = await sample();
  expect(lambda).toBeLessThan(0.8);
  expect((await kept()).trial.blocks).toBe(due_blocks);
});

it("a VACUUM spares it the visits to dead rows, as is foreseen", async () => {
  await db.client.query("SELECT pg_stat_force_next_flush()");
  // Whatever is due: of rows at random it finds a little more or less.
  await configure(db, { recall_target: 1 });
  expect(await said("vacuum_index")).toContain("leaves it the pages that they were on");
  await configure(db, { recall_target: 0.01 });
  expect(await said("tune_search")).toContain("no vector index finds less than what is due");
  const refused = await said("vacuum_index");
  expect(refused).toContain("leaves it the pages that they were on");
  const foreseen = Number(/would read ([\d.]+) blocks/.exec(refused)![1]);
  // No pg_cron in this database: what they would do is said to be done by hand.
  expect(await said("rebuild_index")).toMatch(
    /CREATE INDEX CONCURRENTLY ON public\.v USING ivfflat .* WITH \(lists = 10\);/,
  );
  // What it would read then is fine beside three times.
  await configure(db, { search_cost_ratio: 3 });
  expect((await sample()).lambda).toBeLessThan(0.8);
  expect(await said("vacuum_index")).toContain(
    "Or by hand: VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) public.v;",
  );
  const vacuumed = await after("VACUUM (INDEX_CLEANUP ON) v");
  expect(vacuumed.lambda).toBe(1);
  expect(Math.abs(vacuumed.blocks - foreseen)).toBeLessThan(0.1 * foreseen);
  await configure(db, { search_cost_ratio: 2, recall_target: 0 });
});

it("with more dead the pages themselves are too many, and only a rebuild helps", async () => {
  await rewrite(9);
  await db.client.query("SELECT pg_stat_force_next_flush()");
  const before = await sample();
  expect(before.lambda).toBeLessThan(0.8);
  expect(await said("vacuum_index")).toMatch(
    /would leave public\.v_e_idx with \S+ % room|leaves it the pages that they were on/,
  );
  const vacuumed = await after("VACUUM (INDEX_CLEANUP ON) v");
  expect(vacuumed.blocks).toBeGreaterThan(2 * vacuumed.due_blocks!);
  const rebuilt = await after("REINDEX INDEX v_e_idx");
  expect(rebuilt).not.toHaveProperty("due_blocks");
  expect(rebuilt.blocks).toBeLessThan(before.blocks / 2);
  expect((await kept()).costs).toHaveLength(1);
});

it("where no trial can be made, nobody is accused", async () => {
  await configure(db, { recall_trial_ms: 0 });
  // Its trial is of the file before, and of its name.
  await db.client.query("DROP INDEX v_e_idx");
  await db.client.query(
    "CREATE INDEX v_e_idx ON v USING ivfflat (e vector_l2_ops) WITH (lists = 10)",
  );
  const { blocks } = await sample();
  await rewrite(3);
  const dear = await sample();
  expect(dear.blocks).toBeGreaterThan(2 * blocks);
  expect(dear).not.toHaveProperty("due_blocks");
});
