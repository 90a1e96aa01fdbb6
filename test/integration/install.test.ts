/** Installing: twice is harmless, builds are identical, PUBLIC gets nothing. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { build } from "../../build/build.ts";
import { root, version } from "../../build/project.ts";
import { configure, HOT, makeTable } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
let script: string;

beforeAll(async () => {
  db = await testDatabase();
  script = await readFile(join(root, `dist/ruvector_healing.${db.engine.language}.sql`), "utf8");
  await makeTable(db, { rows: HOT });
});

describe("the plain script", () => {
  it("is byte-identical when built again", async () => {
    const paths = [
      "dist/ruvector_healing.plv8.sql",
      "dist/ruvector_healing.pljs.sql",
      `extension/plv8/ruvector_healing--${version}.sql`,
      `extension/pljs/ruvector_healing--${version}.sql`,
    ];
    const hashes = () =>
      Promise.all(
        paths.map(async (path) =>
          createHash("sha256")
            .update(await readFile(join(root, path)))
            .digest("hex"),
        ),
      );
    const first = await hashes();
    await build();
    expect(await hashes()).toEqual(first);
  });

  it("runs again over an installation and keeps its state, settings and grants", async () => {
    await configure(db, { max_attempts_per_hour: 7 });
    await db.client.query(
      `CREATE ROLE ruvector_test_viewer;
        GRANT EXECUTE ON FUNCTION ruvector_healing_status(text) TO ruvector_test_viewer`,
    );
    try {
      await db.client.query(`BEGIN; ${script} COMMIT;`);
      expect(
        await db.value(
          "SELECT value FROM ruvector_healing_config() WHERE key = 'max_attempts_per_hour'",
        ),
      ).toBe(7);
      expect(await db.value("SELECT count(*)::int FROM ruvector.collections")).toBe(1);
      expect(
        await db.value(
          `SELECT has_function_privilege('ruvector_test_viewer', 'ruvector_healing_status(text)',
            'EXECUTE')`,
        ),
      ).toBe(true);
    } finally {
      await db.client.query("DROP OWNED BY ruvector_test_viewer; DROP ROLE ruvector_test_viewer");
    }
  });

  it("runs over one whose healing_loop() told less of the loop", async () => {
    await db.client.query(
      `DROP FUNCTION ruvector.healing_loop();
      CREATE FUNCTION ruvector.healing_loop()
        RETURNS TABLE (condition text, sentence text, statement text)
        LANGUAGE sql AS $$ SELECT 'running', 'The loop runs.', NULL $$;
      BEGIN; ${script} COMMIT;`,
    );
    expect(await db.value("SELECT ruvector_healing_status() -> 'loop' ->> 'title'")).toBe(
      await db.value("SELECT title FROM ruvector.healing_loop()"),
    );
  });
});

it("says its version, and an older script changes nothing over a newer installation", async () => {
  expect(await db.value("SELECT ruvector_healing_version()")).toBe(version);
  const [release] = version.split("-");
  const says = (installed: string) =>
    db.client.query(`CREATE OR REPLACE FUNCTION ruvector.healing_version() RETURNS text
      LANGUAGE sql IMMUTABLE AS $function$SELECT '${installed}'$function$`);
  try {
    for (const newer of [
      release!.replace(/\d+$/, "10"),
      "1.0.0-dev",
      ...(version === release ? [] : [release!]),
    ]) {
      await says(newer);
      const error = await raised(db.client, `BEGIN; ${script} COMMIT;`);
      await db.client.query("ROLLBACK");
      expect(error).toMatchObject({
        code: "RV036",
        message: "this script is older than what is installed",
        detail: `Installed is ruvector_healing ${newer}, this script is of ${version}.`,
        hint: expect.stringContaining(`Take the script of ${newer} or newer.`),
      });
      expect(await db.value("SELECT ruvector_healing_version()")).toBe(newer);
    }
    for (const older of ["0.0.99", `${release}-alpha`]) {
      await says(older);
      await db.client.query(`BEGIN; ${script} COMMIT;`);
      expect(await db.value("SELECT ruvector_healing_version()"), older).toBe(version);
    }
  } finally {
    await says(version);
  }
});

it(
  "takes the locks of an upgrade at its beginning, all of them, and none that users' " +
    "statements would wait for",
  async () => {
    const prelude = await readFile(join(root, "sql/install/lock_order.sql"), "utf8");
    const listed = (name: string) =>
      new RegExp(`${name} constant [^']*((?:'[^']+'\\s*)+);`)
        .exec(prelude)![1]!
        .replace(/'\s*'?/g, "")
        .split(",")
        .map((table) => `ruvector.${table}`);
    await db.client.query(`BEGIN; ${script}`);
    const held = await db.rows<{ mode: string; tables: string[] }>(`
    SELECT l.mode, array_agg(DISTINCT l.relation::regclass::text
      ORDER BY l.relation::regclass::text) AS tables
      FROM pg_locks l JOIN pg_class c ON c.oid = l.relation AND c.relkind = 'r'
     WHERE l.pid = pg_backend_pid() AND c.relnamespace = 'ruvector'::regnamespace
       AND l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
       GROUP BY l.mode ORDER BY l.mode`);
    await db.client.query("ROLLBACK");
    const tables = (...modes: string[]) =>
      [
        ...new Set(held.filter(({ mode }) => modes.includes(mode)).flatMap((one) => one.tables)),
      ].sort();
    expect(tables("AccessExclusiveLock")).toEqual(listed("read_by_none"));
    expect(
      tables("AccessExclusiveLock", "ExclusiveLock", "ShareRowExclusiveLock", "ShareLock"),
    ).toEqual([...listed("read_by_none"), ...listed("written_by_none")].sort());
  },
);

it("runs as one statement too, and an error of it is told without all of its text", async () => {
  const one = await readFile(
    join(root, `dist/ruvector_healing.${db.engine.language}.one-statement.sql`),
    "utf8",
  );
  const bodies = `SELECT md5(string_agg(prosrc, '' ORDER BY oid)) FROM pg_proc
    WHERE pronamespace = 'ruvector'::regnamespace`;
  const before = await db.value(bodies);
  // As a statement that is prepared.
  await db.client.query({ name: "one", text: one });
  expect(await db.value(bodies)).toBe(before);
  await db.client.query("CREATE ROLE ruvector_test_other; SET ROLE ruvector_test_other");
  try {
    const error = await db.client.query(one).catch((failed: pg.DatabaseError) => failed);
    expect(error).toMatchObject({
      code: "RV032",
      message: expect.stringMatching(/^schema ruvector belongs to role /),
      detail: expect.stringContaining("ruvector_test_other"),
      hint: expect.stringContaining("SET ROLE"),
      where: expect.stringMatching(/^.{1,200}$/),
    });
  } finally {
    await db.client.query("RESET ROLE; DROP ROLE ruvector_test_other");
  }
});

it("opens nothing to PUBLIC but the routing of new rows", async () => {
  const open = await db.rows<{ name: string }>(`
    SELECT p.proname AS name
      FROM pg_proc p CROSS
      JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     WHERE a.grantee = 0 AND (p.pronamespace = 'ruvector'::regnamespace
       OR p.proname LIKE 'ruvector\\_%') ORDER BY 1`);
  expect(open.map(({ name }) => name)).toEqual(["ruvector_healing_route"]);
});

it("pins the search_path of every SECURITY DEFINER function", async () => {
  expect(
    await db.rows(`
    SELECT proname FROM pg_proc WHERE prosecdef AND (pronamespace = 'ruvector'::regnamespace
      OR proname LIKE 'ruvector\\_%')
      AND NOT coalesce(proconfig::text LIKE '%search_path=pg_catalog, pg_temp%', false)`),
  ).toEqual([]);
});

it("comments every function and table", async () => {
  expect(
    await db.rows(`
    SELECT p.oid::regprocedure::text AS what FROM pg_proc p WHERE p.proname LIKE 'ruvector\\_%'
      AND obj_description(p.oid, 'pg_proc') IS NULL
    UNION ALL
    SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'ruvector'::regnamespace
      AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') IS NULL`),
  ).toEqual([]);
});

it("routines of our names are neither overwritten nor dropped; others are told", async () => {
  const other = await testDatabase();
  await other.client.query(
    `SELECT ruvector_healing_uninstall();
    CREATE FUNCTION ruvector_healing_status() RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$;
    CREATE PROCEDURE ruvector_healing_tick() LANGUAGE sql AS '';
    CREATE SCHEMA app; CREATE FUNCTION app.ruvector_healing_version() RETURNS int
      LANGUAGE sql AS $$ SELECT 7 $$`,
  );
  const refused = await raised(other.client, script);
  expect(refused).toMatchObject({
    code: "RV032",
    detail: "ruvector_healing_status(), ruvector_healing_tick().",
    hint: expect.stringMatching(/^ALTER ROUTINE .* and run the script again\.$/),
  });
  for (const statement of refused.hint!.match(/ALTER [^;]+;/g)!)
    await other.client.query(statement);
  const warned: (string | undefined)[] = [];
  other.client.on("notice", ({ message }) => warned.push(message));
  await other.client.query(script);
  expect(warned).toEqual([
    "other schemas have routines of the names of ours: app.ruvector_healing_version()",
  ]);
  // Our own, left behind, are nobody else's.
  await other.client.query(`DROP SCHEMA ruvector CASCADE; ${script}`);
  await other.client.query("SELECT ruvector_healing_uninstall()");
  expect(await other.value("SELECT ruvector_healing_status_own()")).toBe("mine");
});

it("uninstalls beside a trigger on sql_drop that has the session's search_path", async () => {
  const other = await testDatabase();
  await other.client.query(
    `CREATE SCHEMA notes; CREATE TABLE notes.dropped (what text);
    CREATE FUNCTION notes.keep() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO dropped SELECT object_identity FROM pg_event_trigger_dropped_objects(); END $$;
    CREATE EVENT TRIGGER keep ON sql_drop EXECUTE FUNCTION notes.keep();
    SET search_path = notes, public; SELECT ruvector_healing_uninstall()`,
  );
  expect(await other.value("SHOW search_path")).toBe("notes, public");
  expect(
    await other.value("SELECT count(*)::int FROM dropped WHERE what ~ '^(ruvector|public)[.]'"),
  ).toBeGreaterThan(300);
  expect(await other.value("SELECT to_regnamespace('ruvector') IS NULL")).toBe(true);
});

describe("a schema ruvector", () => {
  it("that somebody has for something else is not made ours, nor dropped with us", async () => {
    const other = await testDatabase();
    await other.client.query(
      `SELECT ruvector_healing_uninstall();
      CREATE SCHEMA ruvector; CREATE TABLE ruvector.mine AS SELECT 42 AS answer`,
    );
    const refused = await raised(other.client, `BEGIN; ${script} COMMIT;`);
    await other.client.query("ROLLBACK");
    expect(refused).toMatchObject({
      code: "RV032",
      message: "schema ruvector is there, and is not ours",
      detail: expect.stringContaining("It has table ruvector.mine."),
    });
    await other.client.query(/^ALTER SCHEMA [^;]+;/.exec(refused.hint!)![0]);
    // An empty one is taken, and one that an earlier run left half made.
    await other.client.query(`CREATE SCHEMA ruvector; BEGIN; ${script} COMMIT;`);
    await other.client.query(
      `DROP FUNCTION ruvector.healing_version() CASCADE; BEGIN; ${script} COMMIT;
      SELECT ruvector_healing_uninstall()`,
    );
    expect(await other.value("SELECT answer FROM ruvector_own.mine")).toBe(42);
  });

  it("is not dropped while there is anything in it that is not ours", async () => {
    const other = await testDatabase();
    expect(await other.rows("SELECT * FROM ruvector.healing_dependents()")).toEqual([]);
    await other.client.query(
      `SET search_path = ruvector, public;
      CREATE TYPE mood AS ENUM ('well'); CREATE TYPE pair AS (a int, b int);
      CREATE TABLE docs (id serial, m mood, p pair); INSERT INTO docs (m) VALUES ('well');
      CREATE VIEW seen AS SELECT * FROM docs; CREATE VIEW public.outside AS SELECT * FROM docs;
      CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM docs';
      RESET search_path;
      CREATE FUNCTION ruvector_healing_of_mine() RETURNS int LANGUAGE sql AS 'SELECT 7'`,
    );
    const refused = await raised(other.client, "SELECT ruvector_healing_uninstall()");
    expect(refused).toMatchObject({
      code: "RV037",
      detail: expect.stringContaining("table ruvector.docs"),
    });
    expect(refused.hint!.split(/(?<=;) /).sort()).toEqual([
      "ALTER ROUTINE ruvector.counted() SET SCHEMA public;",
      "ALTER TABLE ruvector.docs SET SCHEMA public;",
      "ALTER TYPE ruvector.mood SET SCHEMA public;",
      "ALTER TYPE ruvector.pair SET SCHEMA public;",
      "ALTER VIEW ruvector.seen SET SCHEMA public;",
    ]);
    await other.client.query(`${refused.hint}; SELECT ruvector_healing_uninstall()`);
    expect(await other.rows("SELECT id, m::text FROM public.outside")).toEqual([
      { id: 1, m: "well" },
    ]);
    // Nor is what is named as ours are, in public.
    expect(await other.value("SELECT ruvector_healing_of_mine()")).toBe(7);
    expect(
      await other.rows("SELECT proname FROM pg_proc WHERE proname ~ '^ruvector_|^healing_'"),
    ).toEqual([{ proname: "ruvector_healing_of_mine" }]);
  });
});
