/**
 * The measurement of recall against exact answers by plain statements. On real vectors, a hundred
 * times over: bench/recall.ts.
 */
import { beforeAll, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
const ROWS = 300;
const K = 10;

beforeAll(async () => {
  db = await testDatabase();
  // Many equal distances: whole numbers. And equal vectors, and some that are not there.
  await db.client.query(`
    CREATE TABLE m (id int PRIMARY KEY, e vector(6)) WITH (fillfactor = 10);
    INSERT INTO m SELECT g, CASE WHEN g % 50 > 0 THEN (SELECT array_agg(
      (hashint8extended(g / 2 * 64 + d, 0) & 15)::real ORDER BY d)
      FROM generate_series(1, 6) d)::vector END FROM generate_series(1, ${ROWS}) g;
    CREATE INDEX m_i ON m USING ivfflat (e vector_l2_ops) WITH (lists = 12);
    ANALYZE m`);
});

interface Measured {
  readonly recall: number;
  readonly recall_error: number;
  readonly samples: number;
  readonly share: number;
  readonly kth: readonly number[];
}

const measure = (wanted: object): Promise<Measured> =>
  db.value("SELECT ruvector.healing_measure_index('m_i'::regclass, $1::jsonb)", [
    JSON.stringify({
      ...{ k: K, samples: 2 * ROWS, seed: 1, probes: 1, budget_ms: 600_000, max_rows: 50_000 },
      ...{ exact_count_pages: 8192, occupancy: false, cost: true, ...wanted },
    }),
  ]);

/** Of all rows, by a statement each way; ordered as the sampled rows are. */
async function truth(): Promise<{ recall: number; kth: number[] }> {
  const nearest = (count: number): string =>
    `(SELECT id, e <-> q.e AS d FROM m WHERE e IS NOT NULL ORDER BY e <-> q.e LIMIT ${count}) n`;
  await db.client.query(`
    SET ivfflat.probes = 1; SET enable_sort = off; SET enable_seqscan = off;
    CREATE TEMP TABLE found AS SELECT q.id, n.d FROM m q CROSS JOIN LATERAL ${nearest(K + 1)}
      WHERE q.e IS NOT NULL AND n.id <> q.id;
    RESET ALL; SET enable_indexscan = off`);
  const rows = await db.rows<{ hits: number; kth: number }>(`
    SELECT x.kth, (SELECT count(*)::int FROM (SELECT d FROM found WHERE found.id = q.id ORDER BY d
        LIMIT ${K}) f WHERE f.d <= x.kth) AS hits
      FROM m q CROSS JOIN LATERAL (SELECT max(d) AS kth FROM (SELECT d FROM ${nearest(K + 1)}
        WHERE n.id <> q.id ORDER BY d LIMIT ${K}) o) x
     WHERE q.e IS NOT NULL ORDER BY hashtext(q.ctid::text || '1')`);
  await db.client.query("RESET ALL; DROP TABLE found");
  return {
    recall: rows.reduce((sum, { hits }) => sum + hits, 0) / (K * rows.length),
    kth: rows.map(({ kth }) => kth),
  };
}

it("searches in batches find what each by itself does, ties and equal rows included", async () => {
  const [all, exact] = [await measure({}), await truth()];
  expect(all).toMatchObject({ share: 1, samples: exact.kth.length });
  expect(all.kth).toEqual(exact.kth);
  expect(all.recall).toBeCloseTo(exact.recall, 10);
  expect(exact.recall).toBeLessThan(0.9);
  // Told how far the k-th rows are, it need not look.
  const told = await measure({ kth: all.kth, exact: false });
  expect(told.recall).toBeCloseTo(exact.recall, 10);
});

it("searches go on until recall is as near as asked for, or the time is over", async () => {
  expect((await measure({ samples: 20 })).samples).toBe(20);
  const until = await measure({ samples: 20, error: 0.06 });
  expect(until.samples).toBeGreaterThan(20);
  expect(1.96 * until.recall_error).toBeLessThanOrEqual(0.06);
  const short = await measure({ samples: 20, error: 0.001, budget_ms: 1 });
  expect(short.samples).toBeLessThanOrEqual(4);
  // An index that finds all shows it with no fewer than would show a loss of so much.
  expect(await measure({ samples: 5, error: 0.1, probes: 12 })).toMatchObject({
    recall: 1,
    samples: 30,
  });
});

it("a loss shows in a table of which only a twentieth is read", async () => {
  const [all, sampled] = [await measure({}), await measure({ max_rows: ROWS / 20 })];
  expect(sampled.share).toBeCloseTo(0.05, 2);
  expect(Math.abs(sampled.recall - all.recall)).toBeLessThan(0.06);
});
