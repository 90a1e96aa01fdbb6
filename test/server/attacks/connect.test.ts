/** What anybody who may connect can lock or name: nothing of it stops the loop or a person. */
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HOT, makeTable } from "../support/collection.ts";
import { testDatabase, type TestDatabase } from "./support/database.ts";

let db: TestDatabase;
let eve: pg.Client;
beforeAll(async () => {
  db = await testDatabase();
  await makeTable(db, { table: "locked", rows: HOT });
  await db.client.query(`CREATE ROLE "${db.name}_eve" LOGIN`);
  const url = new URL(db.url);
  url.username = `${db.name}_eve`;
  eve = new pg.Client({ connectionString: url.href });
  await eve.connect();
});
afterAll(async () => {
  await eve.end();
  await db.client.query(`DROP OWNED BY "${db.name}_eve"; DROP ROLE "${db.name}_eve"`);
});

const ticks = () => db.value<string>("SELECT ticks::text FROM ruvector.healing_ticks");
const samples = () => db.value<number>("SELECT count(*)::int FROM ruvector.integrity_samples");

it("every advisory key of older versions, taken by a role without any right, holds up nobody", async () => {
  // First shown to bite on something of the same shape.
  await eve.query("SELECT pg_advisory_lock(1381389896, 0)");
  expect(await db.value("SELECT pg_try_advisory_xact_lock(1381389896, 0)")).toBe(false);
  for (const [kind, id] of [[1381389896, -1], [1381389896, -2], [1381389896, -40], [1381389896, 1], [1381389897, 1], [1381389897, 2]]) await eve.query("SELECT pg_advisory_lock($1, $2)", [kind, id]);
  const before = [await ticks(), await samples()];
  await db.client.query("CALL ruvector_healing_tick()");
  expect(Number(await ticks())).toBe(Number(before[0]) + 1);
  expect(await samples()).toBe(Number(before[1]) + 1);
  expect(await db.value("SELECT ruvector_healing_configure('{\"max_attempts_per_hour\": 30}')")).toBeTruthy();
  expect(await db.value("SELECT ruvector_healing_trigger('locked') ->> 'outcome'")).not.toBe("deferred");
  expect(await db.value("SELECT ruvector_healing_verify_audit() -> 'unchained'")).toBe(0);
  await db.client.query(`SELECT ruvector_healing_grant('${db.name}_eve', 'viewer')`);
  await db.client.query(`SELECT ruvector_healing_revoke('${db.name}_eve')`);
  await eve.query("SELECT pg_advisory_unlock_all()");
});

it("its rows can be locked, read and written by nobody without rights on the table", async () => {
  for (const statement of ["SELECT FROM ruvector.healing_locks FOR UPDATE", "SELECT FROM ruvector.healing_locks", "BEGIN; LOCK TABLE ruvector.healing_locks", "DELETE FROM ruvector.healing_locks", "SELECT ruvector.healing_try_lock('tick')"]) {
    await expect(eve.query(statement), statement).rejects.toMatchObject({ code: "42501" });
    await eve.query("ROLLBACK");
  }
});

it("a procedure of the same name in public makes people's CALL ambiguous, not the loop's", async () => {
  await db.client.query(`GRANT CREATE ON SCHEMA public TO "${db.name}_eve"`);
  await eve.query("CREATE PROCEDURE public.ruvector_healing_tick(x int DEFAULT 1) LANGUAGE sql AS ''");
  await eve.query("CREATE FUNCTION public.ruvector_healing_verify_audit(a text DEFAULT '', b bigint DEFAULT 1, c text DEFAULT '', d int DEFAULT 1) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb'");
  await eve.query("CREATE FUNCTION public.ruvector_healing_breaker(x int DEFAULT 1) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb'");
  try {
    await expect(db.client.query("CALL public.ruvector_healing_tick()")).rejects.toMatchObject({ code: "42725" });
    const before = Number(await ticks());
    await db.client.query("CALL ruvector.healing_tick()");
    expect(Number(await ticks())).toBe(before + 1);
    expect(await db.value("SELECT ruvector_healing_status() -> 'breaker' ->> 'state'")).toBe("closed");
  } finally {
    await eve.query("DROP PROCEDURE public.ruvector_healing_tick(int); DROP FUNCTION public.ruvector_healing_verify_audit(text, bigint, text, int); DROP FUNCTION public.ruvector_healing_breaker(int)");
  }
});

it("locks come and go with their collection, and come back where a restored dump has none", async () => {
  const kinds = () => db.value("SELECT array_agg(kind || ' ' || id ORDER BY kind, id) FROM ruvector.healing_locks WHERE id <> 0");
  const id = await db.value<number>("SELECT collection_id FROM ruvector.collections WHERE table_name = 'locked'");
  expect(await kinds()).toEqual([`collection ${id}`]);
  await db.client.query("DELETE FROM ruvector.healing_locks");
  await db.client.query("CALL ruvector_healing_tick()");
  expect(await kinds()).toEqual([`collection ${id}`]);
  expect(await db.value("SELECT count(*)::int FROM ruvector.healing_locks WHERE id = 0")).toBe(4);
  await db.client.query("SELECT ruvector_healing_abort(id) FROM ruvector.healing_actions WHERE state IN ('planned', 'executing', 'stabilizing')");
  for (let n = 0; n < 20 && (await db.value("SELECT count(*)::int FROM ruvector.healing_actions WHERE finished_at IS NULL")) !== 0; n++) await db.client.query("CALL ruvector_healing_tick()");
  await db.client.query("SELECT ruvector_healing_unregister('locked')");
  expect(await kinds()).toBeNull();
});
