/** ruvector_healing_route() as a DEFAULT: whatever becomes of the table, its writers go on. */
import { beforeAll, expect, it } from "vitest";
import { configure, QUICK, ticks } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false });
  await db.client.query(`
    CREATE SCHEMA far;
    CREATE TABLE routed (id bigint GENERATED ALWAYS AS IDENTITY, v vector(3), shard int NOT NULL
      DEFAULT ruvector_healing_route('routed')::int, PRIMARY KEY (shard, id))
      PARTITION BY LIST (shard);
    CREATE TABLE routed_0 PARTITION OF routed FOR VALUES IN (0);
    CREATE TABLE routed_1 PARTITION OF routed FOR VALUES IN (1);
    CREATE TABLE routed_2 PARTITION OF routed FOR VALUES IN (2);
    ALTER TABLE routed_2 SET SCHEMA far;
    SELECT ruvector_healing_register('routed')`);
});

/** How many of 60 new rows came to each partition. */
const written = async (table: string): Promise<Record<string, number>> => {
  await db.client.query(`INSERT INTO ${table} (v) SELECT '[1,2,3]' FROM generate_series(1, 60)`);
  const rows = await db.rows<{ shard: number; rows: number }>(
    `WITH gone AS (DELETE FROM ${table} RETURNING shard)
     SELECT shard, count(*)::int AS rows FROM gone GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ shard, rows: count }) => [shard, count]));
};

it("a partition in another schema takes as many rows as the others", async () => {
  // 300 draws of a third each: 100, with a deviation of 8.
  await db.client.query("INSERT INTO routed (v) SELECT '[1,2,3]' FROM generate_series(1, 300)");
  expect(await db.value("SELECT count(*)::int FROM far.routed_2")).toBeGreaterThan(60);
  await db.client.query("DELETE FROM routed");
});

it("the DEFAULT of a table that was renamed has its former name, and goes on", async () => {
  await db.client.query("ALTER TABLE routed RENAME TO other");
  expect(Object.keys(await written("other"))).toEqual(["0", "1", "2"]);
  await ticks(db, 1);
  expect(await db.value("SELECT table_name FROM ruvector.collections")).toBe("other");
  expect(Object.keys(await written("other"))).toEqual(["0", "1", "2"]);
  // A name that no DEFAULT of a collection has is still nobody's.
  await expect(db.value("SELECT ruvector_healing_route('rooted')")).rejects.toMatchObject({
    code: "RV002",
  });
});

it("goes on without a partition that was detached, before a tick has come by", async () => {
  await db.client.query("ALTER TABLE other DETACH PARTITION routed_1");
  expect(Object.keys(await written("other"))).toEqual(["0", "2"]);
  await db.client.query("ALTER TABLE other DETACH PARTITION far.routed_2");
  expect(await written("other")).toEqual({ 0: 60 });
  await db.client.query("ALTER TABLE routed_0 RENAME TO renamed_0");
  await ticks(db, 1);
  expect(await written("other")).toEqual({ 0: 60 });
});

it("unregistering says that the DEFAULT fails from then on, and what ends that", async () => {
  const { note } = await db.value<{ note: string }>("SELECT ruvector_healing_unregister('other')");
  const [, statement] = /\(RV002\): (ALTER TABLE public\.other .*)$/.exec(note)!;
  await expect(written("other")).rejects.toMatchObject({ code: "RV002" });
  await db.client.query(statement!);
  await db.client.query("INSERT INTO other (v, shard) VALUES ('[1,2,3]', 0)");
  await db.client.query("SELECT ruvector_healing_register('other')");
  expect(await db.value("SELECT ruvector_healing_unregister('other')")).toEqual({
    collection: "public.other",
    unregistered: true,
  });
});
