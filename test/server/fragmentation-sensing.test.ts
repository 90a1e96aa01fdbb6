/**
 * Real bloat, sensed with and without pgstattuple, and compared with what a rebuild really gives
 * back.
 */
import { beforeAll, expect, inject, it } from "vitest";
import { configure, makeTable, QUICK, ticks } from "./support/collection.ts";
import { testDatabase, type TestDatabase } from "./support/database.ts";
import { handTo } from "./support/plain-role.ts";

let db: TestDatabase;

interface Index {
  readonly index: string;
  readonly bytes: number;
  readonly expected_bytes: number | null;
  readonly fragmentation_pct: number | null;
  readonly source: string;
}

/** Takes a sample that measures anew and returns what it found, by index. */
async function sensed(): Promise<Record<string, Index>> {
  await configure(db, { fragmentation_interval_seconds: 0 });
  await db.client.query("SELECT ruvector_integrity_sample('embeddings')");
  const indexes = await db.value<Index[]>(
    "SELECT value -> 'indexes' FROM ruvector.integrity_measurements WHERE kind = 'fragmentation'",
  );
  return Object.fromEntries(indexes.map((one) => [one.index.replace("public.", ""), one]));
}
const unmeasured = () =>
  db.value<{ what: string; hint: string }[]>(
    "SELECT unmeasured FROM ruvector.integrity_samples ORDER BY id DESC LIMIT 1",
  );
const metrics = () =>
  db.value<{ index_fragmentation_pct: number | null; fragmented_indexes: string[] }>(
    "SELECT metrics FROM ruvector.integrity_samples ORDER BY id DESC LIMIT 1",
  );
const pages = (index: string) =>
  db.value<number>("SELECT (pg_relation_size($1::regclass) / 8192)::int", [index]);

beforeAll(async () => {
  db = await testDatabase();
  await makeTable(db, { rows: [30_000, 6_000] });
  await db.client.query(`
    CREATE INDEX by_payload ON embeddings_p0 (payload);
    CREATE INDEX by_list ON embeddings_p0 USING ivfflat (embedding vector_l2_ops) WITH (lists = 10);
    CREATE INDEX by_graph ON embeddings_p1 USING hnsw (embedding vector_l2_ops);
    CREATE INDEX by_length ON embeddings_p0 ((payload || 'x'));
    ANALYZE embeddings, embeddings_p0, embeddings_p1`);
  // Two partitions of 30,000 and 6,000 rows are a hotspot; here only the indexes matter.
  await configure(db, { ...QUICK, partition_load_pair: [3, 4, 5] });
});

it("a fresh index is not fragmented", async () => {
  const indexes = await sensed();
  for (const name of ["by_payload", "by_list", "by_graph", "by_length"]) {
    expect(indexes[name]).toMatchObject({ source: "estimate" });
    expect(indexes[name]!.fragmentation_pct).toBeLessThan(8);
  }
  expect(indexes["embeddings_p1_pkey"]).toMatchObject({ source: "small", fragmentation_pct: 0 });
  expect((await metrics()).fragmented_indexes).toEqual([]);
});

it("what updates and deletes leave is sensed, exactly where pgstattuple may be used", async () => {
  await db.client.query("DELETE FROM embeddings WHERE id % 10 < 7");
  await db.client.query("SELECT pg_stat_force_next_flush()");
  await db.client.query("VACUUM (ANALYZE) embeddings_p0, embeddings_p1");
  const estimated = await sensed();
  expect(await unmeasured()).toContainEqual(
    expect.objectContaining({
      what: "exact fragmentation of btree indexes",
      hint: "CREATE EXTENSION pgstattuple;",
    }),
  );
  await db.client.query("CREATE EXTENSION pgstattuple");
  const exact = await sensed();
  expect((await unmeasured()).map(({ what }) => what)).not.toContain(
    "exact fragmentation of btree indexes",
  );
  expect(exact["by_payload"]).toMatchObject({ source: "pgstattuple" });
  expect(exact["by_list"]).toMatchObject({ source: "estimate" });
  const { index_fragmentation_pct, fragmented_indexes } = await metrics();
  expect(index_fragmentation_pct).toBeGreaterThan(55);
  // (payload || 'x') is as bloated as payload; the order of the worst is theirs.
  expect(fragmented_indexes).toEqual(
    Object.values(exact)
      .filter((one) => one.fragmentation_pct! > 15)
      .sort((a, b) => b.fragmentation_pct! - a.fragmentation_pct! || b.bytes - a.bytes)
      .map(({ index }) => index),
  );
  for (const name of ["by_payload", "by_list", "by_graph", "by_length"]) {
    const before = await pages(name);
    await db.client.query(`REINDEX INDEX ${name}`);
    const given = 100 * (1 - (await pages(name)) / before);
    expect(given, name).toBeGreaterThan(50);
    expect(
      Math.abs(estimated[name]!.fragmentation_pct! - given),
      `${name} estimated ${estimated[name]!.fragmentation_pct}, given back ${given}`,
    ).toBeLessThan(8);
    expect(Math.abs(exact[name]!.fragmentation_pct! - given), `${name} exact`).toBeLessThan(8);
  }
  for (const name of ["by_payload", "by_list", "by_graph", "by_length"])
    expect((await sensed())[name]!.fragmentation_pct, name).toBeLessThan(8);
});

it("without pg_cron in the database nothing is rebuilt; the command to run is said", async () => {
  const answer = await db.value(
    "SELECT ruvector_healing_execute('embeddings', 'compact_indexes', '{\"indexes\": " +
      '["by_payload"]}\')',
  );
  expect(answer).toMatchObject({
    outcome: "deferred",
    reason: "nothing_to_do",
    message: expect.stringContaining("pg_cron is not installed in database"),
    hint: expect.stringContaining("REINDEX INDEX CONCURRENTLY public.by_payload;"),
  });
});

it("a role without rights estimates, and names the GRANT", async () => {
  const role = `ruvector_plain_${db.name.slice(-12)}`;
  const owner = await db.value<string>("SELECT quote_ident(current_user)");
  await db.client.query(`CREATE ROLE ${role}`);
  try {
    await handTo(db, role, inject("language"));
    expect((await sensed())["by_payload"]).toMatchObject({ source: "small" });
    await db.client.query(
      "UPDATE embeddings SET payload = payload || repeat('w', 40) WHERE partition_id = 0",
    );
    expect((await sensed())["by_payload"]).toMatchObject({
      source: "estimate",
      fragmentation_pct: expect.any(Number),
    });
    expect(await unmeasured()).toContainEqual(
      expect.objectContaining({ hint: `GRANT pg_stat_scan_tables TO ${role};` }),
    );
    await db.client.query(`GRANT pg_stat_scan_tables TO ${role}`);
    expect((await sensed())["by_payload"]).toMatchObject({ source: "pgstattuple" });
  } finally {
    await handTo(db, owner, inject("language"));
    await db.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

it("is remembered, and a pushed figure wins", async () => {
  await configure(db, { fragmentation_interval_seconds: 3600 });
  const at = () =>
    db.value<string>(
      "SELECT measured_at::text FROM ruvector.integrity_measurements WHERE kind = 'fragmentation'",
    );
  const before = await at();
  await ticks(db, 2);
  expect(await at()).toBe(before);
  await configure(db, { fragmentation_interval_seconds: 0 });
  await ticks(db, 1);
  expect(await at()).not.toBe(before);
  await db.client.query(
    `SELECT ruvector_integrity_report('embeddings',
      '{"metrics": {"index_fragmentation_pct": 77, "fragmented_indexes": ["pushed"]}}')`,
  );
  await db.client.query("SELECT ruvector_integrity_sample('embeddings')");
  expect(await metrics()).toMatchObject({
    index_fragmentation_pct: 77,
    fragmented_indexes: ["pushed"],
  });
  await db.client.query("DELETE FROM ruvector.integrity_reports");
});

it("a locked index is not waited for; one of unknown width is unknown, not healthy", async () => {
  const other = await db.connect();
  await other.query("BEGIN; LOCK TABLE embeddings_p1 IN SHARE MODE; REINDEX INDEX by_graph");
  await configure(db, { fragmentation_interval_seconds: 0, exact_count_pages: 0 });
  expect(Object.keys(await sensed())).toContain("by_graph");
  await other.query("ROLLBACK");
  // An ANALYZE by autovacuum between here and the sample would find the width again (45.6 % then).
  await db.client.query("ALTER TABLE embeddings_p0 SET (autovacuum_enabled = false)");
  await db.client.query(
    "DROP EXTENSION pgstattuple; DELETE FROM pg_statistic WHERE starelid = 'by_length'::regclass",
  );
  // Bloat it above the size from which an index counts.
  await db.client.query(
    `UPDATE embeddings SET payload = payload || repeat('y', 40) WHERE partition_id = 0;
      UPDATE embeddings SET payload = payload || 'z' WHERE partition_id = 0`,
  );
  expect((await sensed())["by_length"]).toMatchObject({ fragmentation_pct: null });
  expect(await unmeasured()).toContainEqual(
    expect.objectContaining({
      what: expect.stringContaining("public.by_length"),
      hint: expect.stringContaining("ANALYZE public.embeddings_p0"),
    }),
  );
});
