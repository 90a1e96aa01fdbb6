/**
 * What a trial may not promise of an ivfflat index: of noise, few rows fit many lists by chance,
 * and few searches have luck.
 */
import { beforeAll, expect, it } from "vitest";
import { configure, QUICK } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { insertClusters } from "./support/vectors.ts";

let db: TestDatabase;
const WANTED = {
  k: 10,
  probes: 1,
  seed: 1,
  rows: 6000,
  budget_ms: 300_000,
  exact_count_pages: 1e6,
};

const answerOf = (call: string, wanted: object) =>
  db.value<{ recall: number; recall_error: number; sampled: number; why: string }>(
    `SELECT ruvector.${call}('noise_e'::regclass, $1)`,
    [JSON.stringify({ ...WANTED, ...wanted })],
  );

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, recall_budget_ms: 60_000 });
  await db.client.query("CREATE TABLE noise (id bigserial PRIMARY KEY, embedding vector(64))");
  await insertClusters(db, "noise", { rows: 6000, clusters: 6000, dimensions: 64 });
  await db.client.query(`
    CREATE INDEX noise_e ON noise USING ivfflat (embedding vector_l2_ops) WITH (lists = 150);
    ANALYZE noise; SELECT ruvector_healing_register('noise')`);
});

it("a part of the rows promises no more than all of them keep", async () => {
  const all = await answerOf("healing_measure_index", { samples: 300, max_rows: 1e9 });
  // Builds differ, of few rows by a third.
  let promised = 0;
  for (const seed of [1, 2, 3, 4]) {
    const part = await answerOf("healing_trial_index", { samples: 300, sample_rows: 2000, seed });
    expect(part.sampled).toBe(2000);
    promised += (part.recall - 2 * part.recall_error) / 4;
  }
  expect(promised).toBeLessThan(all.recall + 2 * all.recall_error);
  // Lists of which the sample fills none: nothing is known.
  const few = await answerOf("healing_trial_index", { samples: 50, sample_rows: 1000 });
  expect(few).toMatchObject({ recall: 0, sampled: 1000 });
});

it("few searches have the error that one more may make, and fewer than ten are none", async () => {
  const some = await answerOf("healing_trial_index", { samples: 12, sample_rows: 6000 });
  expect(some.recall_error).toBeGreaterThanOrEqual(1 / 14);
  const one = await answerOf("healing_trial_index", { samples: 1, sample_rows: 6000 });
  expect(one.why).toMatch(/^6000 rows take \d+ ms to build, which leaves no time to search for /);
});

it("an index that was just built is well, however little time a trial has", async () => {
  for (const recall_trial_ms of [100, 300, 900]) {
    await configure(db, { recall_trial_ms });
    await db.client.query("DROP INDEX noise_e");
    await db.client.query(
      `CREATE INDEX noise_e ON noise USING ivfflat (embedding vector_l2_ops) WITH (lists = 150)`,
    );
    // More than a tenth is younger: the index is not taken for what a fresh one finds.
    await db.client.query("UPDATE noise SET id = id WHERE id % 6 = 0");
    expect(await db.value("SELECT ruvector_integrity_sample('noise')")).toMatchObject({
      lambda: 1,
    });
  }
});

it("lists as full as a fresh build leaves them are fine, whatever has come since", async () => {
  await db.client.query(`CREATE TABLE lumps (id bigserial PRIMARY KEY, embedding vector(8))`);
  // A quarter of the rows is nearly the same text: they lie in one list of 30, whatever is built.
  const load = async (rows: number) => {
    await insertClusters(db, "lumps", { rows, clusters: 1, first: 500 });
    await insertClusters(db, "lumps", { rows: 3 * rows, clusters: 60 });
  };
  await load(1000);
  await db.client.query(
    "CREATE INDEX ON lumps USING ivfflat (embedding vector_l2_ops) WITH (lists = 30)",
  );
  await load(500);
  await configure(db, { recall_trial_ms: 60_000 });
  await db.client.query("ANALYZE lumps; SELECT ruvector_healing_register('lumps')");
  const seen = await db.value<{ lambda: number; metrics: { centroid_occupancy: object } }>(
    "SELECT ruvector_integrity_sample('lumps')",
  );
  expect(Math.max(...Object.values(seen.metrics.centroid_occupancy))).toBeGreaterThan(6);
  expect(seen.lambda).toBe(1);
  // What a build would spread is judged all the same.
  await insertClusters(db, "lumps", { rows: 6000, clusters: 40, first: 1000, at: 50 });
  expect(
    await db.value<{ lambda: number }>("SELECT ruvector_integrity_sample('lumps')"),
  ).toMatchObject({ lambda: expect.closeTo(0.4, 0) });
});

it("without the time to tell, full lists are neither judged nor said to be well", async () => {
  await db.client.query("CREATE TABLE hurried (id bigserial PRIMARY KEY, embedding vector(8))");
  await insertClusters(db, "hurried", { rows: 1000, clusters: 60 });
  await db.client.query(
    "CREATE INDEX hurried_e ON hurried USING ivfflat (embedding vector_l2_ops) WITH (lists = 30)",
  );
  await insertClusters(db, "hurried", { rows: 6000, clusters: 40, first: 1000, at: 50 });
  await configure(db, { recall_trial_ms: 1 });
  await db.client.query("ANALYZE hurried; SELECT ruvector_healing_register('hurried')");
  const look = () =>
    db.value<{ lambda: number; unmeasured: { what: string; why: string; hint: string }[] }>(
      "SELECT ruvector_integrity_sample('hurried')",
    );
  const { lambda, unmeasured } = await look();
  expect(lambda).toBe(1);
  const gap = unmeasured.find(({ what }) => what.startsWith("how full a fresh build leaves"))!;
  expect(gap.why).toMatch(/its fullest list, of \d+\.\d times the mean, is not judged$/);
  const planned = () =>
    db.value<{ message: string; hint: string }>(
      `SELECT ruvector_healing_execute('hurried', 'rebuild_centroids', '{"dry_run": true}')`,
    );
  const { message, hint } = await planned();
  expect(message).toMatch(
    /whether a list of public\.hurried_e is overfull is not known: .* to build, .*no time/,
  );
  expect(hint.startsWith(gap.hint)).toBe(true);
  await db.client.query(/^SELECT .*?\);/.exec(hint)![0]);
  expect(
    await db.value(
      "SELECT value::int FROM ruvector_healing_config('hurried') WHERE key = 'recall_trial_ms'",
    ),
  ).toBe(5);
  await db.client.query(
    "SELECT ruvector_healing_configure('{\"recall_trial_ms\": 60000}', 'hurried')",
  );
  expect((await look()).lambda).toBeLessThan(0.8);
  expect((await planned()).message).not.toContain("is not known");
});

it("says nothing of its own table to whoever asked for a look", async () => {
  await db.client.query("CREATE TABLE little (id bigserial PRIMARY KEY, embedding vector(8))");
  await insertClusters(db, "little", { rows: 400, clusters: 10, dimensions: 8 });
  await db.client.query(`
    CREATE INDEX little_e ON little USING ivfflat (embedding vector_l2_ops) WITH (lists = 1000);
    ANALYZE little; SELECT ruvector_healing_register('little')`);
  const said: string[] = [];
  const hear = ({ message }: { message?: string | undefined }): unknown => said.push(message ?? "");
  db.client.on("notice", hear);
  await db.client.query("SELECT ruvector_integrity_sample('little')");
  db.client.off("notice", hear);
  expect(
    await db.value(`SELECT m.value #> '{public.little_e,trial}' IS NOT NULL
      FROM ruvector.integrity_measurements m JOIN ruvector.collections c USING (collection_id)
      WHERE c.table_name = 'little' AND m.kind = 'centroids'`),
  ).toBe(true);
  expect(said).toEqual([]);
  // Found by nobody, and shown.
  const explained = (await db.value<string>("SELECT ruvector_healing_explain('little')")).replace(
    /\s+/g,
    " ",
  );
  expect(explained).toContain("Shown, not judged: searches by public.little_e find");
  // Typed as it is said, it is judged.
  await db.client.query(
    /SELECT ruvector_healing_configure\([^;]*recall_target[^;]*;/.exec(explained)![0],
  );
  expect(await db.value("SELECT ruvector_integrity_sample('little') ->> 'lambda'")).not.toBe("1");
});
