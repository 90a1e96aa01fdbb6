/** Searches that go on until there are k rows, because the database has it so. */
import { beforeAll, expect, it } from "vitest";
import { configure, QUICK } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
const recall = async (table: string, index: string) =>
  (
    await db.value<{ metrics: { recall: Record<string, { recall: number; baseline: number }> } }>(
      "SELECT ruvector_integrity_sample($1)",
      [table],
    )
  ).metrics.recall[index]!;
const scan = (method: string, mode: string) =>
  db.client.query(
    `DO $do$ BEGIN EXECUTE format('ALTER DATABASE %I SET ${method}.iterative_scan = ${mode}',
      current_database()); END $do$`,
  );

beforeAll(async () => {
  db = await testDatabase();
  const cheap = { recall_budget_ms: 60_000, recall_trial_ms: 0, recall_error: 0 };
  await configure(db, { ...QUICK, ...cheap, enabled: false });
  const vector = (place: string) => `(SELECT array_agg((hashint8extended(${place} * 64 + d, 7)
      & 1023)::real) FROM generate_series(1, 8) d)::vector`;
  await db.client.query(`
    CREATE TABLE docs (id int PRIMARY KEY, e vector(8)) WITH (autovacuum_enabled = off);
    INSERT INTO docs SELECT g, ${vector("g")} FROM generate_series(1, 800) g;
    CREATE INDEX docs_h ON docs USING hnsw (e vector_l2_ops);
    CREATE INDEX docs_i ON docs USING ivfflat (e vector_cosine_ops) WITH (lists = 200);
    ANALYZE docs`);
  await db.client.query("SELECT ruvector_healing_register('docs')");
  await recall("docs", "public.docs_h");
  for (let round = 1; round <= 8; round++)
    await db.client.query(`UPDATE docs SET e = ${vector(`(id + ${round} * 1000)`)}`);
});

it("an hnsw index finds what its owner's sessions find past dead rows", async () => {
  expect((await recall("docs", "public.docs_h")).recall).toBeLessThan(0.7);
  await scan("hnsw", "strict_order");
  expect((await recall("docs", "public.docs_h")).recall).toBeGreaterThan(0.85);
});

it("nor is what was found so due without it", async () => {
  await scan("hnsw", "off");
  const { recall: found, baseline } = await recall("docs", "public.docs_h");
  expect(found).toBeLessThan(0.7);
  expect(baseline).toBeLessThanOrEqual(found);
});

it("set for a filter, it helps searches without one past dead rows: foreseen", async () => {
  const any = `(SELECT array_agg(random()) FROM generate_series(1, 32) WHERE both_sick.id > 0)`;
  await db.client.query(`
    CREATE TABLE both_sick (id int PRIMARY KEY, tenant_id int, e vector(32))
      WITH (autovacuum_enabled = off);
    INSERT INTO both_sick SELECT g, g % 50 FROM generate_series(1, 2000) g;
    UPDATE both_sick SET e = ${any}::vector`);
  await db.client.query("VACUUM both_sick");
  await db.client.query(`
    CREATE INDEX both_h ON both_sick USING hnsw (e vector_l2_ops); ANALYZE both_sick;
    SELECT ruvector_healing_register('both_sick', '{"searches": [{"where": {"tenant_id": 7}}]}')`);
  await recall("both_sick", "public.both_h");
  for (let round = 1; round <= 8; round++)
    await db.client.query(`UPDATE both_sick SET e = ${any}::vector`);
  expect((await recall("both_sick", "public.both_h")).recall).toBeLessThan(0.7);
  const plan = await db.value<{
    plan: { setting: string; value: string; remaining: string[]; predicted_lambda: number };
    notice?: string;
  }>(`SELECT ruvector_healing_execute('both_sick', 'tune_search', '{"dry_run": true}')`);
  expect(plan.plan).toMatchObject({ setting: "hnsw.iterative_scan", value: "strict_order" });
  expect(plan.plan.predicted_lambda).toBeGreaterThan(0.2);
  expect(plan).not.toHaveProperty("notice");
});

it("in relaxed order the rows count, not their places", async () => {
  const before = (await recall("docs", "public.docs_i")).recall;
  await scan("ivfflat", "relaxed_order");
  expect((await recall("docs", "public.docs_i")).recall).toBeGreaterThan(before + 0.1);
});

it("k may be more than ef_search", async () => {
  await db.client.query(`
    CREATE TABLE few AS SELECT id, e FROM docs;
    CREATE INDEX few_h ON few USING hnsw (e vector_l2_ops);
    ANALYZE few; SELECT ruvector_healing_register('few')`);
  await configure(db, { recall_k: 100, recall_target: 0.9 });
  expect((await recall("few", "public.few_h")).recall).toBeLessThan(0.5);
  await scan("hnsw", "strict_order");
  expect((await recall("few", "public.few_h")).recall).toBeGreaterThan(0.9);
});
