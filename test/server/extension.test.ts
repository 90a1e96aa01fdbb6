/**
 * The extension: made anew, over a plain installation, and with it gone; what registers it with
 * pg_tle hands over the same script.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { type Language, root, version } from "../../build/project.ts";
import { members, objects } from "../support/catalogue.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";
import { configure, HOT, makeTable, QUICK, ticks } from "./support/collection.ts";
import { CANNOT_PLACE, canPlace, ExtensionFiles } from "./support/extension.ts";

const language = inject("language") as Language;
const role = `ruvector_test_${process.pid}_viewer`;
let plain: TestDatabase;
let fresh: TestDatabase;
let files: ExtensionFiles;
let can: boolean;

const read = (path: string) => readFile(join(root, path), "utf8");

beforeAll(async () => {
  [plain, fresh] = [await testDatabase(), await testDatabase()];
  can = await canPlace(plain.client);
  if (!can) return;
  files = await ExtensionFiles.make(plain.client, `extension_test_${process.pid}`);
  await files.putControl(language, version);
  await files.putFiles([join(root, `extension/${language}/ruvector_healing--${version}.sql`)]);
  for (const { client } of [plain, fresh]) await client.query(files.setting);
  await plain.client.query(`CREATE ROLE ${role}`);
});

afterAll(async () => {
  if (!can) return;
  await files.remove();
  await plain.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
});

it("takes a plain installation over with its state, and is then as a new one", async (test) => {
  test.skip(!can, CANNOT_PLACE);
  await configure(plain, { ...QUICK, batch_rows: 20, slice_seconds: 0.1 });
  await makeTable(plain, { rows: HOT });
  await plain.client.query(`SELECT ruvector_healing_grant('${role}', 'viewer')`);
  const { action_id } = await plain.value<{ action_id: number }>(
    `SELECT ruvector_healing_execute('embeddings', 'rebalance_partitions')`,
  );
  const state = () =>
    plain.rows(
      `SELECT (SELECT jsonb_agg(c) FROM ruvector.collections c) AS collections,
          (SELECT jsonb_agg(c) FROM ruvector.healing_config c) AS settings,
          (SELECT jsonb_agg(a) FROM ruvector.healing_actions a) AS actions,
          (SELECT jsonb_agg(s) FROM ruvector.healing_steps s) AS steps,
          (SELECT count(*) FROM ruvector.healing_events) AS events,
          has_function_privilege('${role}', 'ruvector_healing_status(text)', 'EXECUTE') AS granted`,
    );
  const before = await state();
  await plain.client.query("CREATE EXTENSION ruvector_healing");
  expect(await state()).toEqual(before);
  const slices = "SELECT slices FROM ruvector.healing_actions WHERE id = $1";
  const done = await plain.value<number>(slices, [action_id]);
  await ticks(plain, 1);
  expect(await plain.value(slices, [action_id])).toBeGreaterThan(done);

  await fresh.client.query(
    "SET client_min_messages = warning; SELECT ruvector_healing_uninstall(); " +
      "CREATE EXTENSION ruvector_healing",
  );
  const ungranted = (lines: string[]) =>
    lines.map((line) => line.replaceAll(/(, )?(EXECUTE|USAGE) to ruvector_test_\w+/g, ""));
  expect(
    ungranted(await objects(plain)).map((line) => line.replace(/rights: $/, "rights: none")),
  ).toEqual(await objects(fresh));
  expect(await members(plain)).toEqual(await members(fresh));
  expect((await members(fresh)).length).toBeGreaterThan(300);
});

it("is not run over by the plain script", async (test) => {
  test.skip(!can, CANNOT_PLACE);
  const script = await read(`dist/ruvector_healing.${language}.sql`);
  const error = await fresh.client
    .query(`BEGIN; ${script} COMMIT;`)
    .catch((failed: pg.DatabaseError) => failed);
  await fresh.client.query("ROLLBACK");
  expect(error).toMatchObject({
    code: "RV038",
    detail: `Installed is ${version}, this is the plain script of ${version}.`,
    hint: "ALTER EXTENSION ruvector_healing UPDATE;",
  });
});

it("does not take over what another role installed", async (test) => {
  test.skip(!can, CANNOT_PLACE);
  const other = await testDatabase();
  await other.client.query(`${files.setting}; ALTER SCHEMA ruvector OWNER TO ${role}`);
  expect(await raised(other.client, "CREATE EXTENSION ruvector_healing")).toMatchObject({
    code: "RV032",
    message: `schema ruvector belongs to role ${role}`,
  });
  await other.client.query("ALTER SCHEMA ruvector OWNER TO CURRENT_USER");
});

it("goes by DROP EXTENSION, with nothing of it left", async (test) => {
  test.skip(!can, CANNOT_PLACE);
  await fresh.client.query("DROP EXTENSION ruvector_healing");
  expect(
    await fresh.rows("SELECT proname FROM pg_proc WHERE proname ~ '^ruvector_|^healing_'"),
  ).toEqual([]);
  expect(await fresh.value("SELECT to_regnamespace('ruvector')")).toBeNull();
});

it("is handed to pg_tle as it is, once, and its name, needs and schema with it", async () => {
  // What pg_tle itself has, as far as the script calls it; it keeps the arguments.
  const db = await testDatabase();
  await db.client.query(
    `CREATE SCHEMA pgtle;
     CREATE TABLE pgtle.given (name text, version text, description text, ext text,
       requires text[], schema text);
     CREATE FUNCTION pgtle.available_extensions() RETURNS TABLE (name name) LANGUAGE sql
       AS $$ SELECT g.name::name FROM pgtle.given g $$;
     CREATE FUNCTION pgtle.install_extension(name text, version text, description text, ext text,
         requires text[], schema text) RETURNS boolean LANGUAGE sql
       AS $$ INSERT INTO pgtle.given VALUES ($1, $2, $3, $4, $5, $6); SELECT true $$;
     CREATE FUNCTION pgtle.set_default_version(name text, version text) RETURNS boolean
       LANGUAGE sql AS $$ SELECT true $$;
     CREATE FUNCTION pgtle.extension_update_paths(name text)
       RETURNS TABLE (source text, target text, path text) LANGUAGE sql
       AS $$ SELECT NULL::text, NULL::text, NULL::text WHERE false $$;
     CREATE TABLE pgtle.updates (source text, target text, ext text);
     CREATE FUNCTION pgtle.install_update_path(name text, source text, target text, ext text)
       RETURNS boolean LANGUAGE sql
       AS $$ INSERT INTO pgtle.updates VALUES ($2, $3, $4); SELECT true $$`,
  );
  const script = await read(`dist/ruvector_healing.${language}.pg_tle.sql`);
  const whole = await read(`extension/${language}/ruvector_healing--${version}.sql`);
  const own = whole.replace(/^[^]*?\n\\echo .*\n/, "\n");
  await db.client.query(script);
  expect(await db.rows("SELECT * FROM pgtle.given")).toEqual([
    {
      name: "ruvector_healing",
      version,
      description: "PostgreSQL that runs vector search and heals itself from inside",
      ext: own,
      requires: [language, "vector"],
      schema: "public",
    },
  ]);
  await db.client.query(script);
  expect(await db.value("SELECT count(*)::int FROM pgtle.given")).toBe(1);
  expect(
    await db.value("SELECT bool_and(ext = $1 AND target = $2) FROM pgtle.updates", [own, version]),
  ).not.toBe(false);
  // pg_tle refuses a script in which its own quotes stand.
  expect(own).not.toMatch(/\$_pgtle_[io]_\$/);
});
