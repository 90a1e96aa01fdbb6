/**
 * ALTER DEFAULT PRIVILEGES of the installing role: what it gives to others with each function and
 * table that is made (Supabase's gives anon all functions in public) is not theirs of ours.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { raised, type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;
let script: string;
const other = `ruvector_test_anon_${process.pid}`;
const owner = `ruvector_test_default_owner_${process.pid}`;

beforeAll(async () => {
  db = await testDatabase();
  script = await readFile(join(root, `dist/ruvector_healing.${inject("language")}.sql`), "utf8");
  await db.client.query(`SELECT ruvector_healing_uninstall();
    CREATE ROLE ${other}; CREATE ROLE ${owner}; GRANT CREATE ON SCHEMA public TO ${owner};
    ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO ${other};
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ${other}, PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO ${other};
    ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO ${other};
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO ${other}`);
  await db.client.query(`BEGIN; ${script} COMMIT;`);
});

afterAll(() =>
  db.client.query(`DROP OWNED BY ${other}, ${owner} CASCADE; DROP ROLE ${other}, ${owner}`),
);

/** What of ours the role may use. */
const open = (): Promise<string[] | null> =>
  db.value(
    `SELECT array_agg(what ORDER BY what) FROM (
       SELECT p.oid::regprocedure::text AS what, p.proacl AS acl FROM pg_proc p
        WHERE p.pronamespace = 'ruvector'::regnamespace
           OR (p.pronamespace = 'public'::regnamespace AND starts_with(p.proname, 'ruvector_'))
        UNION ALL
       SELECT c.oid::regclass::text, c.relacl FROM pg_class c
        WHERE c.relnamespace = 'ruvector'::regnamespace
        UNION ALL
       SELECT n.nspname, n.nspacl FROM pg_namespace n WHERE n.nspname = 'ruvector') o
      WHERE EXISTS (SELECT FROM aclexplode(o.acl) a WHERE a.grantee = $1::regrole)
         OR (what !~ 'ruvector_healing_route'
           AND EXISTS (SELECT FROM aclexplode(o.acl) a WHERE a.grantee = 0))`,
    [other],
  );

it("opens nothing that an installation makes, nor what runs as a table's owner", async () => {
  expect(await open()).toBeNull();
  await db.client.query(`SET ROLE ${owner};
    CREATE TABLE docs (id int PRIMARY KEY, embedding vector(3)); RESET ROLE;
    INSERT INTO docs VALUES (1, '[1,2,3]')`);
  const client = await db.connect();
  await db.client.query("SELECT ruvector_healing_register('docs')");
  await db.client.query("SELECT ruvector_integrity_sample('docs')");
  expect(
    await db.value("SELECT count(*)::int FROM pg_proc WHERE proname ~ '^healing_as_[0-9]'"),
  ).toBe(1);
  expect(await open()).toBeNull();
  await client.query(`SET ROLE ${other}`);
  expect(
    await raised(client, `SELECT ruvector_healing_configure('{"mode": "off"}')`),
  ).toMatchObject({ code: "42501" });
});

it("takes nothing from a level, nor what was granted by hand, when it is run again", async () => {
  await db.client.query(`SELECT ruvector_healing_grant('${other}', 'viewer');
    GRANT EXECUTE ON FUNCTION ruvector_healing_uninstall() TO ${other};
    GRANT SELECT ON ruvector.collections TO ${other}`);
  const before = await open();
  expect(before).not.toBeNull();
  await db.client.query(`BEGIN; ${script} COMMIT;`);
  expect(await open()).toEqual(before);
});
