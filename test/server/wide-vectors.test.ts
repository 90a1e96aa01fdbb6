/** Vectors of 1,536 dimensions: 6 kB each, kept outside of their rows. */
import { beforeAll, expect, it } from "vitest";
import { configure, QUICK } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

const ROWS = 500;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, recall_budget_ms: 60_000 });
  await db.client.query(`
    CREATE TABLE wide (id int PRIMARY KEY, e vector(1536));
    INSERT INTO wide SELECT g, (SELECT array_agg((random() + sin(g * d))::real)
      FROM generate_series(1, 1536) d WHERE g > 0)::vector FROM generate_series(1, ${ROWS}) g;
    CREATE INDEX wide_e ON wide USING hnsw (e vector_l2_ops);
    ANALYZE wide;
    SELECT ruvector_healing_register('wide')`);
});

const trial = (wanted: object) =>
  db.value<{ why?: string; memory?: number; sampled?: number }>(
    "SELECT ruvector.healing_trial_index('wide_e'::regclass, $1)",
    [
      JSON.stringify({
        k: 10,
        samples: 100,
        probes: 40,
        iterative: "off",
        rows: ROWS,
        seed: 1,
        sample_rows: 20_000,
        budget_ms: 60_000,
        options: {},
        ...wanted,
      }),
    ],
  );

it("a trial has its time for all that it does, and begins with few of them", async () => {
  expect((await trial({ budget_ms: 1 })).why).toMatch(/^100 rows take \d+ ms to build/);
  expect(await trial({})).toMatchObject({ sampled: ROWS });
});

it("each is fetched once for all searches, not once for each", async () => {
  await db.client.query(`
    CREATE SEQUENCE fetched;
    CREATE FUNCTION counted(vector) RETURNS vector(1536) IMMUTABLE LANGUAGE plpgsql
      AS $$ BEGIN PERFORM nextval('public.fetched'); RETURN $1; END $$;
    CREATE INDEX wide_counted ON wide USING hnsw ((counted(e)::vector(1536)) vector_l2_ops)
      WITH (m = 4, ef_construction = 8)`);
  const before = await db.value<number>("SELECT last_value::int FROM fetched");
  const { others } = await db.value<{ others: number[] }>(`
    SELECT to_jsonb(e) FROM (SELECT array_agg(e::text) AS vectors, array_agg(ctid) AS places,
      array_agg(1e9::float8) AS farthest FROM wide WHERE id <= 20) s,
      ruvector.healing_kth('wide_counted'::regclass, vectors, places, farthest, 10) e`);
  expect(others).toHaveLength(20);
  const calls = (await db.value<number>("SELECT last_value::int FROM fetched")) - before;
  // Once for the condition, once for the distances.
  expect(calls).toBeLessThanOrEqual(2 * ROWS);
  await db.client.query("DROP INDEX wide_counted");
});

it("little maintenance_work_mem is told as that, with what to type", async () => {
  await db.client.query("SET maintenance_work_mem = '1MB'");
  await db.client.query("SELECT ruvector_integrity_sample('wide')");
  const untold = await db.value<{ what: string; why: string; hint: string }[]>(
    "SELECT unmeasured FROM ruvector_integrity_status('wide')",
  );
  const told = untold.find(({ what }) => what === "what a fresh build of public.wide_e attains")!;
  expect(told.why).toMatch(/^maintenance_work_mem is 1MB: .* holds \d+ rows/);
  const [, statement] = /^(ALTER ROLE .* SET maintenance_work_mem = '\d+ MB';)/.exec(told.hint)!;
  await db.client.query("BEGIN");
  await db.client.query(statement!);
  await db.client.query("ROLLBACK");
  // Mended, and asked for again: it is made.
  await db.client.query("RESET maintenance_work_mem");
  await db.client.query("SELECT ruvector_integrity_sample('wide')");
  expect(
    JSON.stringify(await db.value("SELECT unmeasured FROM ruvector_integrity_status('wide')")),
  ).not.toContain("what a fresh build");
});

it("nor are those that match a filter fetched once for each search", async () => {
  const fetched = async (searches: number) =>
    db.value<number>(
      `WITH made AS MATERIALIZED (
         SELECT pg_stat_get_xact_blocks_fetched(c.reltoastrelid) AS before FROM pg_class c
          WHERE c.oid = 'wide'::regclass
       ), done AS MATERIALIZED (
         SELECT e FROM made CROSS JOIN (SELECT array_agg(e::text) AS vectors,
             array_agg(ctid) AS places, array_agg(tableoid) AS relations,
             array_agg('-infinity'::float8) AS farthest, array_agg('{}'::text) AS names
             FROM wide WHERE id <= $1) s CROSS JOIN ruvector.healing_search_exact(
               'wide_e'::regclass, '{"source": "public.wide", "predicate": "true", "k": 10,
                 "sampled": false}', vectors, relations, places, farthest, names) e
          WHERE made.before >= 0
       )
       SELECT (pg_stat_get_xact_blocks_fetched(c.reltoastrelid) - made.before)::int
         FROM made, done, pg_class c WHERE c.oid = 'wide'::regclass`,
      [searches],
    );
  const one = await fetched(1);
  expect(one).toBeGreaterThan(ROWS);
  // Those of the rows searched for, too.
  expect(await fetched(20)).toBeLessThan(1.2 * one);
});

it("recall_max_rows is of 2 kB: wider ones are compared with as many bytes", async () => {
  const wanted = { k: 10, samples: 20, seed: 1, max_rows: 600, budget_ms: 60_000 };
  // The width of most of what pgvector is used for; 600 would be all of them.
  const share = (600 * 2000) / (ROWS * (1536 * 4 + 8));
  const plain = await db.value<{ share: number; recall: number }>(
    "SELECT ruvector.healing_measure_index('wide_e'::regclass, $1)",
    [JSON.stringify({ ...wanted, probes: 0, exact_count_pages: 1000, occupancy: false })],
  );
  expect(plain.share).toBeCloseTo(share, 2);
  expect(plain.recall).toBeGreaterThan(0.9);
  const filtered = await db.value<{ share: number; indexes: string[] }>(
    "SELECT ruvector.healing_measure_search('wide_e'::regclass, 'wide'::regclass, $1)",
    [
      JSON.stringify({
        ...wanted,
        predicate: "id > 0",
        settings: { "hnsw.iterative_scan": "strict_order", enable_seqscan: "off" },
      }),
    ],
  );
  expect(filtered.share).toBeCloseTo(share, 2);
  // Of few that match there is nothing to spare.
  const few = await db.value<{ share: number }>(
    "SELECT ruvector.healing_measure_search('wide_e'::regclass, 'wide'::regclass, $1)",
    [JSON.stringify({ ...wanted, predicate: "id <= 150" })],
  );
  expect(few.share).toBe(1);
});
