/** What has a percent sign or a parameter's name in it: an operator, a key, a filter's value. */
import { expect, it } from "vitest";
import { configure, QUICK } from "../support/collection.ts";
import { testDatabase } from "../support/database.ts";

it("is measured as any other", async () => {
  const db = await testDatabase();
  const cheap = { recall_budget_ms: 60_000, recall_trial_ms: 0, recall_error: 0 };
  await configure(db, { ...QUICK, ...cheap, enabled: false });
  await db.client.query(`
    CREATE TABLE hashes (id int PRIMARY KEY, b bit(64), e vector(8), price text, pad text)
      WITH (fillfactor = 10);
    INSERT INTO hashes SELECT g, (g * 7919::bigint * 104729)::bit(64),
        (SELECT array_agg((hashint8extended(g * 64 + d, 7) & 1023)::real)
          FROM generate_series(1, 8) d)::vector,
        (ARRAY['50% off', '$1 %s', '%I $2'])[1 + g % 3], repeat('x', 700)
      FROM generate_series(1, 1000) g;
    CREATE INDEX hashes_b ON hashes USING hnsw (b bit_jaccard_ops);
    CREATE INDEX hashes_e ON hashes USING hnsw
      ((CASE WHEN id % 4 <> 0 THEN e END::vector(8)) vector_l2_ops);
    ANALYZE hashes`);
  const searches = ["50% off", "$1 %s"].map((price) => ({ where: { price }, k: 5 }));
  await db.value("SELECT ruvector_healing_register('hashes', $1)", [JSON.stringify({ searches })]);
  const { metrics, unmeasured } = await db.value<{
    metrics: {
      recall: Record<string, { recall: number }>;
      filtered_searches: readonly { search: string; recall: number }[];
    };
    unmeasured: readonly { what: string }[];
  }>("SELECT ruvector_integrity_sample('hashes')");
  expect(unmeasured.filter(({ what }) => /recall|searches/.test(what))).toEqual([]);
  expect(Object.keys(metrics.recall)).toEqual(["public.hashes_b", "public.hashes_e"]);
  // By each of the two keys.
  expect(metrics.filtered_searches.map(({ search }) => search)).toEqual([
    "price = '50% off'",
    "price = '50% off'",
    "price = '$1 %s'",
    "price = '$1 %s'",
  ]);
  for (const { recall } of metrics.filtered_searches) expect(recall).toBeGreaterThan(0.5);
});
