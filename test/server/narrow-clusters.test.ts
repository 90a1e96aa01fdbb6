/**
 * Vectors in a few narrow clusters, such as the chunks of a few documents: an hnsw index of all
 * rows finds less than one of some of them promises, however it is built.
 */
import { beforeAll, expect, it } from "vitest";
import { configure, QUICK } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

/** Time for a slow machine, too. */
const TRIAL = { recall_trial_ms: 60_000 };

interface Kept {
  readonly measured: { readonly recall: number };
  readonly trial: {
    readonly recall: number;
    readonly sampled: number;
    readonly rows: number;
    readonly since_made: number;
  };
}

const seen = async (table: string) => {
  const { lambda, metrics } = await db.value<{
    lambda: number;
    metrics: { recall: Record<string, { baseline: number; due_from: string }> };
  }>("SELECT ruvector_integrity_sample($1)", [table]);
  const { measured, trial } = await db.value<Kept>(
    `SELECT m.value -> ($1 || '_i') FROM ruvector.integrity_measurements m
       JOIN ruvector.collections c USING (collection_id)
      WHERE kind = 'centroids' AND c.table_name = replace($1, 'public.', '')`,
    [`public.${table}`],
  );
  return { lambda, ...metrics.recall[`public.${table}_i`]!, measured, trial };
};

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, recall_budget_ms: 60_000, ...TRIAL });
  for (const statement of [
    "CREATE TABLE built (id int PRIMARY KEY, e vector(16)) WITH (autovacuum_enabled = off)",
    "INSERT INTO built SELECT g, (SELECT array_agg(sin(g % 20 * 7.13 + d * (1 + g % 20)) + " +
      "random() * 0.00001 ORDER BY d) FROM generate_series(1, 16) d)::vector " +
      "FROM generate_series(1, 14000) g",
    "CREATE INDEX built_i ON built USING hnsw (e vector_l2_ops)",
    "ANALYZE built",
    "SELECT ruvector_healing_register('built')",
    // It holds 3,600 of the rows: on any machine the trial is one of some of them.
    "SET maintenance_work_mem = '4MB'",
  ])
    await db.client.query(statement);
});

it("what was just built is well, whatever fewer rows promise", async () => {
  const { lambda, measured, trial, baseline } = await seen("built");
  expect(trial.sampled).toBeLessThan(trial.rows);
  expect(trial.since_made).toBe(0);
  expect(trial.recall).toBeLessThanOrEqual(measured.recall);
  expect(baseline).toBeLessThanOrEqual(measured.recall);
  expect(lambda).toBe(1);
});

const sinceMade = async (index: string, rows: number): Promise<number | null> => {
  const wanted = { k: 10, probes: 40, rows, samples: 20, seed: 1, sample_rows: 2000 };
  const { since_made } = await db.value<{ since_made: number | null }>(
    "SELECT ruvector.healing_trial_index($1::regclass, $2)",
    [index, JSON.stringify({ ...wanted, budget_ms: TRIAL.recall_trial_ms })],
  );
  return since_made;
};

it("rows that were written since are told: a fresh build may find more of them", async () => {
  await db.client.query("UPDATE built SET id = id WHERE id <= 4000");
  const since_made = await sinceMade("built_i", 14_000);
  expect(since_made).toBeGreaterThan(0.2);
  expect(since_made).toBeLessThan(0.4);
});

it("so they are where rows and index came in one transaction, as migrations run", async () => {
  const table = "CREATE TABLE one (id int, e vector(3))";
  const rows = "INSERT INTO one SELECT g, ARRAY[g, 1, 2]::vector FROM generate_series(1, 500) g";
  const index = "CREATE INDEX one_i ON one USING hnsw (e vector_l2_ops)";
  await db.client.query([table, rows, index, "ANALYZE one"].join("; "));
  expect(await sinceMade("one_i", 500)).toBe(0);
  await db.client.query(["DROP TABLE one", table, index, rows, "ANALYZE one"].join("; "));
  expect(await sinceMade("one_i", 500)).toBe(1);
});

it("after pg_upgrade nothing is told: catalogues are made anew, files are kept", async () => {
  const statements = [
    "CREATE TABLE moved (id int, e vector(3))",
    "INSERT INTO moved SELECT g, ARRAY[g, 1, 2]::vector FROM generate_series(1, 500) g",
    "CREATE INDEX moved_i ON moved USING hnsw (e vector_l2_ops)",
    "ANALYZE moved",
  ];
  for (const statement of statements) await db.client.query(statement);
  expect(await sinceMade("moved_i", 500)).toBe(0);
  await db.client.query("SET allow_system_table_mods = on");
  await db.client.query(
    "UPDATE pg_attribute SET attname = attname WHERE attrelid = 'moved'::regclass AND attnum < 0",
  );
  await db.client.query("RESET allow_system_table_mods");
  expect(await sinceMade("moved_i", 500)).toBeNull();
});
