/**
 * Vectors of zeros (empty texts) under cosine distance: they are in no index, and as near to one
 * row as to another.
 */
import { beforeAll, expect, it } from "vitest";
import { configure, QUICK } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
const ZEROS = "'[0,0,0,0,0,0,0,0]'";

interface Sampled {
  readonly lambda: number;
  readonly metrics: { readonly recall?: Record<string, { readonly recall: number }> };
  readonly unmeasured: readonly { what: string; why: string; hint: string }[];
}

beforeAll(async () => {
  db = await testDatabase();
  const cheap = { recall_budget_ms: 60_000, recall_trial_ms: 0, recall_error: 0 };
  await configure(db, { ...QUICK, ...cheap, enabled: false });
  await db.client.query(`
    CREATE TABLE most (id int PRIMARY KEY, few boolean, e vector(8)) WITH (fillfactor = 10);
    INSERT INTO most SELECT g, g <= 50, CASE WHEN g % 10 < 9 AND g <> 7 THEN ${ZEROS} ELSE
      (SELECT array_agg((hashint8extended(g * 64 + d, 7) & 1023)::real)
         FROM generate_series(1, 8) d)::vector END FROM generate_series(1, 3000) g;
    CREATE INDEX most_e ON most USING hnsw (e vector_cosine_ops);
    CREATE TABLE zeros AS SELECT g AS id, ${ZEROS}::vector(8) AS e FROM generate_series(1, 500) g;
    CREATE INDEX zeros_e ON zeros USING hnsw (e vector_cosine_ops);
    ANALYZE most, zeros;
    SELECT ruvector_healing_register('zeros')`);
  // That it has rows at all is known by the counters.
  await db.client.query("SELECT pg_stat_force_next_flush()");
});

it("are not searched for: whatever came would count as found", async () => {
  const { samples } = await db.value<{ samples: number }>(
    `SELECT ruvector.healing_measure_index('most_e'::regclass, '{"k": 10, "samples": 40,
       "probes": 0, "seed": 1, "max_rows": 50000, "budget_ms": 60000, "exact_count_pages": 1000,
       "occupancy": false}')`,
  );
  expect(samples).toBeGreaterThan(0);
  // A tenth of the rows have a direction, and so have those searched for.
  expect(samples).toBeLessThan(15);
});

it("are missed by no search with a filter", async () => {
  const answer = await db.value<{ asked: number }>(
    `SELECT ruvector.healing_measure_search('most_e'::regclass, 'most'::regclass, '{"k": 10,
       "predicate": "few", "samples": 50, "seed": 1, "max_rows": 50000, "budget_ms": 60000,
       "settings": {"hnsw.iterative_scan": "strict_order", "enable_seqscan": "off"}}')`,
  );
  // Six of the fifty have a direction; each has five others.
  expect(answer).toMatchObject({ indexes: ["public.most_e"], samples: 6, asked: 5, recall: 1 });
});

it("an index of nothing else is one without rows, not one that finds nothing", async () => {
  const { lambda, metrics, unmeasured } = await db.value<Sampled>(
    "SELECT ruvector_integrity_sample('zeros')",
  );
  expect(lambda).toBe(1);
  expect(metrics.recall?.["public.zeros_e"]).toBeUndefined();
  expect(unmeasured.find(({ what }) => what === "recall of public.zeros_e")!.hint).toContain(
    "one by cosine none that are all zeros",
  );
});
