/** What is said of the recall of indexes that have no rows, and by which names they are found. */
import { beforeAll, expect, it } from "vitest";
import { configure, QUICK } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

const VECTORS =
  "(SELECT array_agg((hashint8extended(g * 64 + d, 7) & 1023)::real) " +
  "FROM generate_series(1, 8) d)::vector FROM generate_series(1, 300) g";
const untold = async () => {
  const { unmeasured } = await db.value<{ unmeasured: { what: string; why: string }[] }>(
    "SELECT ruvector_integrity_sample('docs')",
  );
  return unmeasured.filter(({ what }) => what.startsWith("recall of"));
};

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, recall_budget_ms: 60_000, recall_error: 0 });
  await db.client.query(`
    CREATE TABLE docs (id int PRIMARY KEY, e vector(8), kind int DEFAULT 0);
    INSERT INTO docs (id, e) SELECT g, ${VECTORS};
    CREATE INDEX docs_idx ON docs USING hnsw (e vector_l2_ops);
    CREATE INDEX "Docs rare" ON docs USING hnsw (e vector_l2_ops) WHERE kind = 7;
    ANALYZE docs;
    SELECT ruvector_healing_register('docs')`);
  await db.client.query("SELECT pg_stat_force_next_flush()");
});

it("a partial index that no row is in is told, and not the others", async () => {
  expect(await untold()).toMatchObject([
    { what: 'recall of public."Docs rare"', why: expect.stringMatching(/no two rows in it/) },
  ]);
});

it("so is one whose rows came after it was measured, and none of an empty table", async () => {
  await db.client.query("TRUNCATE docs");
  await db.client.query("SELECT pg_stat_force_next_flush()");
  expect(await untold()).toEqual([]);
  await db.client.query(`INSERT INTO docs (id, e) SELECT g, ${VECTORS}`);
  await db.client.query("SELECT pg_stat_force_next_flush()");
  // As the loop looks, which remembers what it measured.
  await db.client.query("CALL ruvector_healing_tick()");
  const told = await db.value<{ what: string }[]>(
    "SELECT unmeasured FROM ruvector_integrity_status('docs')",
  );
  expect(told.map(({ what }) => what)).toContain("recall of public.docs_idx");
});

it("the index is the same by its name with quotes", async () => {
  const curve = await db.rows<{ index: string }>(
    "SELECT DISTINCT index_ AS index FROM ruvector_healing_recall_curve('docs', $1)",
    ['"docs_idx"'],
  );
  expect(curve).toEqual([{ index: "public.docs_idx" }]);
  for (const strategy of ["rebuild_index", "tune_search"])
    expect(
      await db.value("SELECT ruvector_healing_execute('docs', $1, $2) ->> 'message'", [
        strategy,
        JSON.stringify({ dry_run: true, index: 'public."docs_idx"' }),
      ]),
    ).not.toMatch(/there is no vector index/);
});
