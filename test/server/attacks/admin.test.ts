/**
 * An admin registers, configures and grants: by these it reaches no table and no right that it has
 * not, and what it leaves open holds up nobody else.
 */
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, LEVEL, makeTable } from "../../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../../support/database.ts";
import { type Cast, cast, type Role, ticksOn } from "./roles.ts";

let db: TestDatabase;
let roles: Cast;
let admin: pg.Client;
let role: Role;

beforeAll(async () => {
  db = await testDatabase();
  roles = cast(db);
  await configure(db, { ...IN_ONE_GO, learning_enabled: false });
  await makeTable(db, { table: "held", rows: HOT });
  await makeTable(db, { table: "other", rows: LEVEL });
  await makeTable(db, { table: "fresh", rows: [10], register: false });
  await db.client.query(`
    CREATE TABLE victim (id int); INSERT INTO victim VALUES (1);
    CREATE SCHEMA closed; CREATE TABLE closed.vault (id bigint PRIMARY KEY, embedding vector(3));
      INSERT INTO closed.vault VALUES (4711, '[1,2,3]');
    -- The same shape, without asking whether the caller may use the schema.
    CREATE FUNCTION public.control(relation oid) RETURNS bigint
      LANGUAGE plpgsql SECURITY DEFINER AS $$
      DECLARE n bigint; BEGIN EXECUTE format('SELECT count(*) FROM %s', relation::regclass) INTO n;
        RETURN n; END $$`);
  role = await roles.role("admin", "admin");
  admin = await role.connect();
});
afterAll(() => roles.end());

const vault = () => db.value<number>("SELECT 'closed.vault'::regclass::oid::int");

describe("a table of a schema that is closed to it", () => {
  it("is not registered by its number either, by whatever session", async () => {
    expect((await admin.query("SELECT public.control($1)", [await vault()])).rows).toEqual([
      { control: "1" },
    ]);
    for (const session of ["", `SET ROLE ${role.name}`]) {
      await admin.query(session);
      expect(await raised(admin, "SELECT ruvector_healing_register('closed.vault')")).toMatchObject(
        { code: expect.stringMatching(/^(RV002|RV010)$/) },
      );
      expect(
        await raised(admin, "SELECT ruvector.healing_register($1, '{}')", [await vault()]),
      ).toMatchObject({ code: "RV010" });
    }
    // A superuser's session that took the admin's role has not more than the admin.
    const borrowed = await db.connect();
    await borrowed.query(`SET ROLE ${role.name}`);
    expect(
      await raised(borrowed, "SELECT ruvector.healing_register($1, '{}')", [await vault()]),
    ).toMatchObject({ code: "RV010" });
    expect(
      await db.value("SELECT count(*)::int FROM ruvector.collections WHERE table_name = 'vault'"),
    ).toBe(0);
  });

  it("is not looked at by any function of ours that takes a table, number or text", async () => {
    const routines = await db.rows<{ call: string }>(
      `
      SELECT format('%I.%I(%s)', n.nspname, p.proname, (
               SELECT string_agg(CASE format_type(t, NULL) WHEN 'oid'
                 THEN 'closed.vault'::regclass::oid::text WHEN 'regclass'
                 THEN quote_literal('closed.vault'::regclass::oid)
                                   WHEN 'text' THEN quote_literal('closed.vault') WHEN 'name'
                                     THEN quote_literal('vault')
                                     ELSE 'NULL::' || format_type(t, NULL) END, ', ' ORDER BY place)
                 FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a(t, place))) AS call
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname IN ('public', 'ruvector') AND p.proname ~ '^(ruvector_)?healing_|^ruvector_'
         AND p.prokind = 'f' AND p.pronargs > 0
         AND has_function_privilege($1, p.oid, 'EXECUTE')
           AND p.proname !~ 'schedule|rotate_key|revoke'`,
      [role.name],
    );
    expect(routines.length).toBeGreaterThan(40);
    for (const { call } of routines) {
      await admin.query("BEGIN");
      const said = await admin.query(`SELECT ${call}`).then(
        ({ rows }) => JSON.stringify(rows),
        (error: pg.DatabaseError) => `${error.code} ${error.message} ${error.detail}`,
      );
      await admin.query("ROLLBACK");
      expect(said, call).not.toContain("4711");
      expect(said, call).not.toMatch(/"(rows|embedding)":\s*1\b/);
    }
  });
});

describe("what an admin writes into options and settings", () => {
  const EVIL = "1); DROP TABLE victim; --";
  it.each([
    { cold_partition: EVIL },
    { access_column: EVIL },
    { tenant_column: EVIL },
    { vector_column: EVIL },
    { partition_column: EVIL },
    { tenant: EVIL },
    { movable: EVIL },
    { id_column: EVIL },
  ])("%j is no SQL", async (options) => {
    await admin.query("BEGIN; SELECT ruvector_healing_unregister('other')").catch(() => undefined);
    await admin
      .query("SELECT ruvector_healing_register('other', $1)", [JSON.stringify(options)])
      .catch((error: pg.DatabaseError) => expect(error.code).toMatch(/^RV0/));
    await admin.query("ROLLBACK");
    expect(await db.value("SELECT count(*)::int FROM victim")).toBe(1);
  });

  it("a level, a role, a job or a key is a name, and never more than a name", async () => {
    for (const call of [
      `grant($1, 'viewer')`,
      `grant('x', $1)`,
      `grant('x', 'viewer', $1)`,
      "revoke($1)",
      "audit_rotate_key($1)",
      "configure(to_jsonb($1))",
      "unregister($1)",
    ]) {
      const hostile = call.replace("$1", "'" + EVIL.replaceAll("'", "''") + "'::text");
      expect((await raised(admin, `SELECT ruvector_healing_${hostile}`)).code, call).toMatch(
        /^RV0|^22/,
      );
    }
    // Jobs may be named before there are any.
    await admin.query(
      "BEGIN; SELECT ruvector_healing_job_priority('1); DROP TABLE victim; --', 'high'); ROLLBACK",
    );
    expect(await db.value("SELECT count(*)::int FROM victim")).toBe(1);
  });
});

it("gives nobody, itself included, more than the levels there are", async () => {
  const attributes = () =>
    db.rows(
      `SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
        pg_has_role(rolname, 'pg_read_all_data', 'USAGE') AS reads FROM pg_roles
        WHERE rolname = $1`,
      [role.name],
    );
  const before = await attributes();
  await admin.query("SELECT ruvector_healing_grant($1, 'actuator')", [role.name]);
  for (const level of ["table_owner", "owner", "everybody", "superuser", "tenant"])
    expect(
      await raised(admin, "SELECT ruvector_healing_grant($1, $2)", [role.name, level]),
      level,
    ).toMatchObject({ code: "RV031" });
  expect(await attributes()).toEqual(before);
  expect(await raised(admin, "SELECT FROM ruvector.healing_audit_keys")).toMatchObject({
    code: "42501",
  });
  expect(
    await raised(admin, "CREATE FUNCTION ruvector.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
  ).toMatchObject({ code: "42501" });
});

describe("a call left in an open transaction", () => {
  it.each([
    `ruvector_healing_configure('{"max_attempts_per_hour": 7}')`,
    `ruvector_healing_configure('{"max_attempts_per_hour": 7}', 'held')`,
    "ruvector_healing_register('held', '{\"movable\": true}')",
    "ruvector_healing_register('fresh')",
    "ruvector_healing_unregister('held')",
    "ruvector_healing_grant('ROLE', 'actuator')",
    "ruvector_healing_revoke('ROLE')",
    "ruvector_healing_audit_rotate_key()",
    "* FROM ruvector_healing_audit_export()",
  ])("%s holds up no tick of another collection", async (call) => {
    const other = call.includes("revoke") ? await roles.role("revoked", "viewer") : role;
    await admin.query("BEGIN");
    try {
      await admin.query(`SELECT ${call.replace("ROLE", other.name)}`);
      expect(await ticksOn(db, "other")).toEqual({ ticked: true, sampled: true });
    } finally {
      await admin.query("ROLLBACK");
    }
  });
});
