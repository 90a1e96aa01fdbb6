/** Where no remedy finds what is due, ticks do not look for one again and again. */
import { beforeAll, expect, it } from "vitest";
import { configure, QUICK, ticks } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

const planned = () =>
  db.rows<{ at: string; strategies: string[] }>(`
    SELECT measured_at::text AS at, ARRAY(SELECT jsonb_object_keys(value) ORDER BY 1) AS strategies
      FROM ruvector.integrity_measurements WHERE kind = 'dear_plans'`);
const actions = () => db.rows("SELECT strategy_name FROM ruvector.healing_actions");

beforeAll(async () => {
  db = await testDatabase();
  await db.client.query(`
    CREATE TABLE h (id int PRIMARY KEY, e vector(64));
    INSERT INTO h SELECT g, (SELECT array_agg((hashint8extended(g * 64 + d, 7) & 1023)::real)
        FROM generate_series(1, 64) d)::vector FROM generate_series(1, 3000) g;
    CREATE INDEX h_e ON h USING hnsw (e vector_l2_ops) WITH (m = 2, ef_construction = 4);
    ANALYZE h`);
  await db.client.query("SELECT ruvector_healing_register('h')");
  await configure(db, { ...QUICK, recall_target: 1, recall_budget_ms: 60_000 });
});

it("the answer stands until recall is measured again", async () => {
  await ticks(db, 2);
  const [first] = await planned();
  expect(first!.strategies).toContain("tune_search");
  await ticks(db, 3);
  expect(await planned()).toEqual([first]);
  const text = await db.value<string>("SELECT ruvector_healing_explain('h')");
  expect(text.replace(/\s+/g, " ")).toMatch(
    /no hnsw.ef_search finds what is due of public.h_e: at 1000 its recall is 0.\d+, 1 is due/,
  );
  await db.value("SELECT ruvector_integrity_sample('h')");
  await ticks(db, 1);
  expect((await planned())[0]!.at).not.toBe(first!.at);
  expect(await actions()).toEqual([]);
});

it("with other settings it is asked for at once", async () => {
  await configure(db, { recall_target: 0.3, search_cost_ratio: 100 });
  await ticks(db, 2);
  expect(await actions()).toEqual([{ strategy_name: "tune_search" }]);
});
