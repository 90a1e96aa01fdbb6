/**
 * A table that somebody has to themselves for hours: nobody waits for it but who asks for its rows,
 * whatever hangs on it.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { configure, IN_ONE_GO } from "../../support/collection.ts";
import { type TestDatabase, testDatabase } from "../../support/database.ts";
import { type Cast, cast, type Role, ticksOn } from "./roles.ts";

let db: TestDatabase;
let roles: Cast;
let owner: Role;
const index = (table: string) => `
  CREATE TABLE ${table} (id int PRIMARY KEY, e vector(3));
  INSERT INTO ${table} SELECT g, ARRAY[g, 1, 2]::real[]::vector FROM generate_series(1, 300) g;
  CREATE INDEX ${table}_part ON ${table} USING hnsw (e vector_l2_ops) WHERE id > 5`;

beforeAll(async () => {
  db = await testDatabase();
  roles = cast(db);
  owner = await roles.role("owner");
  await configure(db, { ...IN_ONE_GO, mode: "observe", recall_trial_ms: 0 });
  for (const table of ["served", "locked", "policed"])
    await db.client.query(`${index(table)}; ALTER TABLE ${table} OWNER TO ${owner.name}`);
  await db.client.query(`
    ALTER TABLE policed ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON policed USING (id::text = current_setting('app.tenant', true));
    SELECT ruvector_healing_register(t) FROM unnest(ARRAY['served', 'locked']) t`);
});
afterAll(() => roles.end());

it("one with a policy that is no collection: every collection of its owner is served", async () => {
  const session = await owner.connect();
  await session.query("BEGIN; LOCK TABLE policed");
  expect(await ticksOn(db, "served", 20)).toEqual({ ticked: true, sampled: true });
  await session.query("ROLLBACK");
});

it("names that read like a constant's bytes end no sample", async () => {
  await db.client.query(`
    CREATE TABLE named (id int, "x[ 99999999999 ]y" text, "[ 1 2 3 4 -200 77 ]" text);
    ALTER TABLE named OWNER TO ${owner.name};
    CREATE POLICY own ON named USING (EXISTS (SELECT FROM (SELECT 'a' AS "[ 99999999999 ]") t
      WHERE current_setting(t."[ 99999999999 ]", true) = "x[ 99999999999 ]y")
      OR current_setting(repeat("[ 1 2 3 4 -200 77 ]", 2), true) IS NULL)`);
  expect(await ticksOn(db, "served", 20)).toEqual({ ticked: true, sampled: true });
  expect(await db.rows("SELECT ruvector.healing_policy_settings() AS name")).toContainEqual({
    name: "app.tenant",
  });
});

it("a collection: its indexes are named, with why nothing is measured", async () => {
  const session = await owner.connect();
  await session.query("BEGIN; LOCK TABLE locked");
  // JavaScript has not run in it: lock_timeout ends what would wait.
  const asking = await db.connect();
  await asking.query("SET lock_timeout = '5s'");
  const { rows } = await asking.query(
    "SELECT index, method, recall, note FROM ruvector_healing_recall('locked')",
  );
  expect(rows).toEqual([
    {
      index: "public.locked_part",
      method: "hnsw",
      recall: null,
      note: expect.stringContaining("could not obtain lock"),
    },
  ]);
  expect(await ticksOn(db, "served", 20)).toEqual({ ticked: true, sampled: true });
  await session.query("ROLLBACK");
});
