/** Two indexes that serve the same searches: the planner takes one of them, both are measured. */
import { beforeAll, expect, it } from "vitest";
import { configure, QUICK } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
const sample = () =>
  db.value<{
    metrics: { recall: Record<string, { recall: number; probes: number }> };
    unmeasured: readonly { what: string; why: string; hint: string }[];
  }>("SELECT ruvector_integrity_sample('docs')");

beforeAll(async () => {
  db = await testDatabase();
  const cheap = { recall_budget_ms: 60_000, recall_trial_ms: 0, recall_error: 0 };
  await configure(db, { ...QUICK, ...cheap, enabled: false });
  await db.client.query(`
    CREATE TABLE docs (id int PRIMARY KEY, e vector(16));
    INSERT INTO docs SELECT g, (SELECT array_agg((hashint8extended(g * 64 + d, 7) & 1023)::real)
        FROM generate_series(1, 16) d)::vector FROM generate_series(1, 1500) g;
    CREATE INDEX docs_h ON docs USING hnsw (e vector_l2_ops);
    CREATE INDEX docs_i ON docs USING ivfflat (e vector_l2_ops) WITH (lists = 30);
    ANALYZE docs`);
  await db.client.query(`SELECT ruvector_healing_register('docs',
    '{"searches": [{"where": {"id": [1, 2, 3]}}]}')`);
});

it("an hnsw beside an ivfflat index, each with what a session has", async () => {
  const { recall } = (await sample()).metrics;
  expect(recall).toMatchObject({ "public.docs_h": { probes: 40 }, "public.docs_i": { probes: 1 } });
  expect(recall["public.docs_h"]!.recall).toBeGreaterThan(0.95);
  expect(recall["public.docs_i"]!.recall).toBeLessThan(0.8);
});

it("recall_probes are at most what each method takes", async () => {
  await configure(db, { recall_probes: 5000 });
  const { metrics, unmeasured } = await sample();
  expect(metrics.recall).toMatchObject({
    "public.docs_h": { probes: 1000 },
    "public.docs_i": { probes: 5000, recall: 1 },
  });
  expect(unmeasured.filter(({ what }) => /^(recall|searches)/.test(what))).toEqual([]);
  await configure(db, { recall_probes: 0 });
});

it("of two that are the same the one that is not taken is named", async () => {
  await db.client.query("CREATE INDEX docs_h2 ON docs USING hnsw (e vector_l2_ops)");
  const { unmeasured } = await sample();
  const [one, ...others] = unmeasured.filter(({ what }) => what.startsWith("recall of "));
  expect(others).toEqual([]);
  expect(one!.why).toMatch(/^the planner takes docs_h2? in its place$/);
  expect(one!.hint).toBe("Where another index serves the same searches, one of the two is enough.");
});

it("a table that inherits from another, which is not registered", async () => {
  await db.client.query(`
    CREATE TABLE above (LIKE docs);
    CREATE TABLE below () INHERITS (above);
    INSERT INTO below SELECT * FROM docs;
    CREATE INDEX below_h ON below USING hnsw (e vector_l2_ops);
    ANALYZE below;
    SELECT ruvector_healing_register('below', '{"searches": [{"where": {"id": [1, 2]}}]}')`);
  const rows = await db.rows<{ recall: number; note: string | null }>(
    "SELECT recall, note FROM ruvector_healing_recall('below')",
  );
  expect(rows).toEqual([
    { recall: expect.any(Number), note: null },
    { recall: expect.any(Number), note: expect.stringContaining("rows returned") },
  ]);
});
