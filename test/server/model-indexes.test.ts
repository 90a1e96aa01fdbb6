/**
 * Vectors of several models in one column, each with an index on its own cast: the cast of a row of
 * another model raises, and its predicate may be dearer than the cast.
 */
import { expect, it } from "vitest";
import { configure, QUICK } from "../support/collection.ts";
import { testDatabase } from "../support/database.ts";

it("recall of each is measured by the rows that its predicate takes", async () => {
  const db = await testDatabase();
  await configure(db, {
    ...QUICK,
    enabled: false,
    recall_budget_ms: 60_000,
    recall_error: 0,
    recall_trial_ms: 200,
  });
  await db.client.query(`
    CREATE TABLE chunks (id int PRIMARY KEY, meta jsonb NOT NULL, e vector NOT NULL);
    INSERT INTO chunks SELECT g,
        jsonb_build_object('model', CASE g % 3 WHEN 0 THEN 'a' ELSE 'b' END),
        (SELECT array_agg((hashint8extended(g * 64 + d, 7) & 1023)::real)
           FROM generate_series(1, CASE g % 3 WHEN 0 THEN 3 ELSE 5 END) d)::vector
      FROM generate_series(1, 2100) g;
    CREATE INDEX chunks_a ON chunks USING hnsw ((e::vector(3)) vector_l2_ops)
      WHERE meta->>'model' = 'a';
    CREATE INDEX chunks_b ON chunks USING hnsw ((e::vector(5)) vector_l2_ops)
      WHERE lower(meta->>'model') = 'b';
    CREATE INDEX chunks_d ON chunks USING ivfflat ((e::vector(5)) vector_l2_ops)
      WITH (lists = 4) WHERE vector_dims(e) = 5;
    ANALYZE chunks`);
  await db.client.query("SELECT ruvector_healing_register('chunks')");
  const { metrics, unmeasured } = await db.value<{
    metrics: { recall: Record<string, { recall: number }> };
    unmeasured: readonly { what: string }[];
  }>("SELECT ruvector_integrity_sample('chunks')");
  expect(Object.keys(metrics.recall)).toEqual([
    "public.chunks_a",
    "public.chunks_b",
    "public.chunks_d",
  ]);
  expect(metrics.recall["public.chunks_a"]!.recall).toBeGreaterThan(0.9);
  expect(unmeasured.filter(({ what }) => /recall|fresh/.test(what))).toEqual([]);
  // Of more rows than recall_max_rows a sample of the blocks is what it is held against.
  await configure(db, { recall_max_rows: 1000 });
  expect(await db.rows("SELECT index, note FROM ruvector_healing_recall('chunks')")).toEqual(
    ["a", "b", "d"].map((name) => ({ index: `public.chunks_${name}`, note: null })),
  );
});

it("of another model's vectors no more is due than an index built on them finds", async () => {
  const db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, recall_budget_ms: 60_000 });
  const sample = async () =>
    (
      await db.value<{ metrics: { recall: Record<string, { recall: number; baseline: number }> } }>(
        "SELECT ruvector_integrity_sample('docs')",
      )
    ).metrics.recall["public.docs_e"]!;
  // On a line, then all over: an index finds more of the former.
  await db.client.query(`
    CREATE TABLE docs (id int PRIMARY KEY, e vector(32));
    INSERT INTO docs SELECT g, (SELECT array_agg(g::real * d) FROM generate_series(1, 32) d)::vector
      FROM generate_series(1, 1000) g;
    CREATE INDEX docs_e ON docs USING hnsw (e vector_l2_ops) WITH (m = 4, ef_construction = 8);
    ANALYZE docs`);
  await db.client.query("SELECT ruvector_healing_register('docs')");
  const before = await sample();
  await db.client.query(`
    UPDATE docs SET e = (SELECT array_agg((hashint8extended(id * 64 + d, 7) & 1023)::real)
      FROM generate_series(1, 32) d)::vector`);
  await db.client.query("REINDEX INDEX docs_e");
  // The first look at it fails, and the next is the first as well.
  const other = await db.connect();
  await other.query("BEGIN; LOCK TABLE docs IN ACCESS EXCLUSIVE MODE");
  expect(await sample()).toBeUndefined();
  await other.query("ROLLBACK");
  const after = await sample();
  expect(after.recall).toBeLessThan(0.9 * before.baseline);
  expect(after.baseline).toBeLessThanOrEqual(after.recall);
});

it("nor where every vector was replaced and the index was left as it is", async () => {
  const db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, recall_budget_ms: 60_000 });
  const sample = () =>
    db.value<{
      lambda: number;
      metrics: { recall: Record<string, { recall: number; baseline: number }> };
    }>("SELECT ruvector_integrity_sample('notes')");
  await db.client.query(`
    CREATE TABLE notes (id int PRIMARY KEY, seen int, e vector(32))
      WITH (autovacuum_enabled = off);
    INSERT INTO notes SELECT g, 0,
        (SELECT array_agg(g::real * d) FROM generate_series(1, 32) d)::vector
      FROM generate_series(1, 1000) g;
    CREATE INDEX notes_e ON notes USING hnsw (e vector_l2_ops) WITH (m = 4, ef_construction = 8);
    ANALYZE notes`);
  await db.client.query("SELECT ruvector_healing_register('notes')");
  const before = await sample();
  const { baseline } = before.metrics.recall["public.notes_e"]!;
  // The same vectors: what was the best of them still is.
  await db.client.query("UPDATE notes SET seen = 1");
  await db.client.query("VACUUM (INDEX_CLEANUP ON) notes");
  const seen = await sample();
  expect(seen.metrics.recall["public.notes_e"]!.baseline).toBeGreaterThan(0.97 * baseline);
  await db.client.query(`
    UPDATE notes SET e = (SELECT array_agg((hashint8extended(id * 64 + d, 7) & 1023)::real)
      FROM generate_series(1, 32) d)::vector`);
  await db.client.query("VACUUM (INDEX_CLEANUP ON) notes");
  const after = await sample();
  const { recall, baseline: due } = after.metrics.recall["public.notes_e"]!;
  expect(recall).toBeLessThan(0.9 * baseline);
  expect(due).toBeLessThan(0.95 * baseline);
  expect(after.lambda).toBe(1);
});
