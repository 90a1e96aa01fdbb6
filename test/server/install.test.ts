/** Installing: again over itself, over an older bundle, as an extension; and what it lets whom do. */
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { build } from "../../build/build.ts";
import { LANGUAGES, root, version } from "../../build/project.ts";
import { STATE_TABLES } from "../../build/script.ts";
import { checksum, configure, HOT, makeTable, places, QUICK, ticks } from "./support/collection.ts";
import { databaseUrl, raised, type TestDatabase, testDatabase } from "./support/database.ts";

const external = (process.env["DATABASE_URL"] ?? "") !== "";
const language = inject("language");
const plain = (): Promise<string> => readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8");
const run = async (client: pg.Client, script: string): Promise<void> => void (await client.query(`BEGIN; ${script}; COMMIT;`));

let db: TestDatabase;
/** Roles belong to the whole server: a name of this run's own, removed at the end. */
const stranger = `ruvector_stranger_${randomBytes(4).toString("hex")}`;

beforeAll(async () => {
  db = await testDatabase();
  await db.client.query(`CREATE ROLE ${stranger}`);
});

afterAll(async () => {
  await db.client.query(`DROP OWNED BY ${stranger}; DROP ROLE ${stranger};`);
});

/** Every row of every table of ours. */
const state = async () => {
  const tables: Record<string, unknown> = {};
  for (const table of [...STATE_TABLES, "healing_ticks"]) {
    tables[table] = await db.value(`SELECT jsonb_agg(to_jsonb(t) ORDER BY to_jsonb(t)::text) FROM ruvector.${table} t`);
  }
  return tables;
};

describe("the plain script", () => {
  it("runs again over itself and keeps settings, history, learning and grants", async () => {
    await configure(db, { ...QUICK, stabilize_seconds: 0 });
    await makeTable(db, { rows: HOT });
    const before = await places(db);
    await ticks(db, 4);
    await db.client.query(`GRANT EXECUTE ON FUNCTION ruvector_healing_status(text) TO ${stranger}`);
    const kept = await state();
    expect(kept["healing_outcomes"]).toHaveLength(1);
    expect(kept["healing_weights"]).not.toBeNull();

    await run(db.client, await plain());
    await run(db.client, await plain());
    expect(await state()).toEqual(kept);
    expect(await db.value("SELECT has_function_privilege($1, 'ruvector_healing_status(text)', 'EXECUTE')", [stranger])).toBe(true);
    await db.client.query(`REVOKE EXECUTE ON FUNCTION ruvector_healing_status(text) FROM ${stranger}`);

    // And works on: what was moved before goes back after.
    await db.value("SELECT ruvector_healing_rollback('embeddings')");
    expect(await places(db)).toBe(before);
  });

  it("says the version it installed", async () => {
    expect(await db.value("SELECT ruvector.healing_version()")).toBe(version);
  });

  it("raises no notice on a second run", async () => {
    const client = await db.connect();
    const notices: unknown[] = [];
    client.on("notice", ({ message }) => void notices.push(message));
    await run(client, await plain());
    expect(notices).toEqual([]);
  });
});

describe("a session that holds an older bundle", () => {
  it("runs the new one from its next call on", async () => {
    const script = await plain();
    const old = "there is no strategy";
    const fresh = "no such strategy as";
    const hash = await db.value<string>("SELECT ruvector.healing_bundle_hash()");
    expect(script.split(old)).toHaveLength(2);
    expect(script.split(hash)).toHaveLength(2);
    const ask = () => raised(db.client, "SELECT ruvector_healing_execute('embeddings', 'x')");
    expect((await ask()).message).toBe(`${old} "x"`);

    const other = await db.connect();
    await run(other, script.replace(old, fresh).replace(hash, createHash("sha256").update(fresh).digest("hex")));
    expect((await ask()).message).toBe(`${fresh} "x"`);

    await run(other, script);
    expect((await ask()).message).toBe(`${old} "x"`);
  });
});

describe("the build", () => {
  it("makes the same bytes each time", async () => {
    const files = LANGUAGES.flatMap((one) => [
      `extension/${one}/ruvector_healing.control`, `extension/${one}/ruvector_healing--${version}.sql`, `dist/ruvector_healing.${one}.sql`,
    ]);
    const sums = async () =>
      Object.fromEntries(await Promise.all(files.map(async (file) => [file, createHash("sha256").update(await readFile(join(root, file))).digest("hex")])));
    await build();
    const first = await sums();
    await build();
    expect(await sums()).toEqual(first);
    expect(new Set(Object.values(first)).size).toBe(files.length);
  });
});

/** Routines of ours with whether a role may call them. */
const routines = (client: pg.Client, role: string) =>
  client.query<{ name: string; allowed: boolean }>(`
    SELECT p.oid::regprocedure::text AS name, has_function_privilege($1, p.oid, 'EXECUTE') AS allowed
      FROM pg_proc p
     WHERE p.pronamespace = 'ruvector'::regnamespace OR (p.pronamespace = 'public'::regnamespace AND p.proname ~ '^ruvector_')
     ORDER BY 1`, [role]).then(({ rows }) => rows);

const ROUTE = "ruvector_healing_route(text,text)";

describe("somebody without rights", () => {
  it("may execute nothing of ours but the routing of new rows", async () => {
    const all = await routines(db.client, stranger);
    expect(all.length).toBeGreaterThan(25);
    expect(all.filter(({ allowed }) => allowed).map(({ name }) => name)).toEqual([ROUTE]);
    // PUBLIC itself, for rights that a role might have from elsewhere; a NULL acl means that PUBLIC may.
    const open = await db.rows<{ name: string }>(`
      SELECT p.oid::regprocedure::text AS name
        FROM pg_proc p CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
       WHERE a.grantee = 0 AND (p.pronamespace = 'ruvector'::regnamespace OR (p.pronamespace = 'public'::regnamespace AND p.proname ~ '^ruvector_'))`);
    expect(open).toEqual([{ name: ROUTE }]);
  });

  it("may read and write none of our tables", async () => {
    const open = await db.rows(`
      SELECT relname FROM pg_class c
       WHERE relnamespace = 'ruvector'::regnamespace AND relkind IN ('r', 'S', 'v')
         AND CASE relkind WHEN 'S' THEN has_sequence_privilege($1, c.oid, 'USAGE, SELECT, UPDATE')
                          ELSE has_table_privilege($1, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') END`, [stranger]);
    expect(open).toEqual([]);
  });

  it("is refused by the server, and can still insert where the route is a default", async () => {
    await db.client.query(`
      ALTER TABLE embeddings ALTER partition_id SET DEFAULT ruvector_healing_route('embeddings')::int;
      GRANT INSERT ON embeddings TO ${stranger};`);
    const client = await db.connect();
    await client.query(`SET ROLE ${stranger}`);
    for (const call of ["SELECT ruvector_healing_status()", "SELECT ruvector_healing_trigger('embeddings')", "CALL ruvector_healing_tick()", "SELECT ruvector.healing_bundle()"]) {
      expect(await raised(client, call)).toMatchObject({ code: "42501" });
    }
    const inserted = await client.query("INSERT INTO embeddings (id, payload, embedding) SELECT g, 'routed', '[1,2,3,4,5,6,7,8]' FROM generate_series(90001, 90100) g");
    expect(inserted.rowCount).toBe(100);
  });
});

describe.skipIf(external)("CREATE EXTENSION", () => {
  const folder = `/tmp/ruvector-extension-${randomBytes(4).toString("hex")}`;
  let inside: TestDatabase;

  /** Files get there through the server itself, wherever it runs. */
  beforeAll(async () => {
    inside = await testDatabase();
    await inside.client.query(`COPY (SELECT 1) TO PROGRAM 'mkdir -p ${folder}/extension'`);
    for (const file of ["ruvector_healing.control", `ruvector_healing--${version}.sql`]) {
      const content = await readFile(join(root, "extension", language, file));
      await inside.client.query("SELECT lo_export(o, $2), lo_unlink(o) FROM lo_from_bytea(0, $1) o", [content, `${folder}/extension/${file}`]);
    }
    await inside.client.query("DROP SCHEMA ruvector CASCADE");
    const left = await inside.rows<{ name: string }>(
      "SELECT oid::regprocedure::text AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ '^ruvector_'");
    for (const { name } of left) await inside.client.query(`DROP ROUTINE ${name} CASCADE`);
    await inside.client.query(`SET extension_control_path = '${folder}:$system'`);
  });

  afterAll(async () => {
    await db.client.query(`COPY (SELECT 1) TO PROGRAM 'rm -r ${folder}'`);
  });

  it("installs what the plain script installs, with the same rights", async () => {
    await inside.client.query("CREATE EXTENSION ruvector_healing CASCADE");
    expect(await inside.value("SELECT extversion FROM pg_extension WHERE extname = 'ruvector_healing'")).toBe(version);
    expect(await routines(inside.client, stranger)).toEqual(await routines(db.client, stranger));
    const relations = "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'ruvector'::regnamespace ORDER BY 1";
    expect(await inside.rows(relations)).toEqual(await db.rows(relations));
  });

  it("hands every table of state to pg_dump", async () => {
    const dumped = await inside.rows<{ name: string }>(
      "SELECT relname AS name FROM pg_extension, unnest(extconfig) r JOIN pg_class c ON c.oid = r WHERE extname = 'ruvector_healing' AND relkind = 'r'");
    const tables = await inside.rows<{ name: string }>("SELECT relname AS name FROM pg_class WHERE relnamespace = 'ruvector'::regnamespace AND relkind = 'r'");
    const names = (rows: { name: string }[]) => rows.map(({ name }) => name).sort();
    // The installation makes the one row of healing_ticks itself.
    expect(names(dumped)).toEqual(names(tables).filter((name) => name !== "healing_ticks"));
    const sequences = await inside.value(`
      SELECT count(*)::int FROM pg_class WHERE relnamespace = 'ruvector'::regnamespace AND relkind = 'S'
         AND oid <> ALL ((SELECT extconfig FROM pg_extension WHERE extname = 'ruvector_healing')::oid[])`);
    expect(sequences).toBe(0);
  });

  it("heals and undoes", async () => {
    await configure(inside, QUICK);
    await makeTable(inside, { rows: HOT });
    const [before, content] = [await places(inside), await checksum(inside)];
    expect(await inside.value("SELECT (ruvector_healing_trigger('embeddings') ->> 'rows_moved')::int")).toBeGreaterThan(800);
    await inside.value("SELECT ruvector_healing_rollback('embeddings')");
    expect(await places(inside)).toBe(before);
    expect(await checksum(inside)).toEqual(content);
  });

  it("leaves nothing of ours when it is dropped, and the user's table as it is", async () => {
    const content = await checksum(inside);
    await inside.client.query("DROP EXTENSION ruvector_healing");
    expect(await inside.value("SELECT to_regnamespace('ruvector')::text")).toBeNull();
    expect(await inside.value("SELECT count(*)::int FROM pg_proc WHERE proname ~ '^ruvector_'")).toBe(0);
    expect(await checksum(inside)).toEqual(content);
  });
});

describe("the schedule", () => {
  /** pg_cron lives in one database of the server. All happens in a transaction that is rolled back. */
  async function inCronDatabase(work: (client: pg.Client) => Promise<void>, skip: (note: string) => void): Promise<void> {
    const database = await db.value<string | null>("SELECT current_setting('cron.database_name', true)");
    if (database === null) return skip("the server has no pg_cron");
    const client = new pg.Client({ connectionString: databaseUrl(inject("serverUrl"), database) });
    await client.connect();
    try {
      await client.query("BEGIN");
      await client.query(await plain());
      await work(client);
    } finally {
      await client.query("ROLLBACK");
      await client.end();
    }
  }

  const schedule = async (client: pg.Client, every: string): Promise<unknown> =>
    (await client.query("SELECT ruvector_healing_schedule($1) ->> 'schedule' AS schedule", [every])).rows[0].schedule;
  const jobs = async (client: pg.Client): Promise<unknown> =>
    (await client.query("SELECT schedule, command, active FROM cron.job WHERE jobname = 'ruvector_healing_tick' AND database = current_database()")).rows;

  it("is one pg_cron job, in seconds or in minutes that divide the hour", async ({ skip }) => {
    await inCronDatabase(async (client) => {
      for (const [every, wanted] of [
        ["1 second", "1 second"], ["5 seconds", "5 seconds"], ["59 seconds", "59 seconds"], ["1.5 seconds", "2 seconds"], ["1 minute", "*/1 * * * *"],
        ["90 seconds", "*/2 * * * *"], ["7 minutes", "*/10 * * * *"], ["30 minutes", "*/30 * * * *"], ["1 hour", "0 * * * *"],
      ] as const) {
        expect([every, await schedule(client, every)]).toEqual([every, wanted]);
        expect(await jobs(client)).toEqual([{ schedule: wanted, command: "CALL public.ruvector_healing_tick()", active: true }]);
      }
      const off = (await client.query("SELECT ruvector_healing_unschedule() AS a")).rows[0].a;
      expect(off).toEqual({ scheduled: false, removed: 1 });
      expect(await jobs(client)).toEqual([]);
      expect((await client.query("SELECT ruvector_healing_unschedule() AS a")).rows[0].a).toEqual({ scheduled: false, removed: 0 });
    }, skip);
  });

  it("falls back to every minute on a pg_cron without seconds, and says so", async ({ skip }) => {
    await inCronDatabase(async (client) => {
      const notices: string[] = [];
      client.on("notice", ({ message }) => void notices.push(message ?? ""));
      for (const [of, wanted] of [["1.4", "* * * * *"], ["1.4-1", "* * * * *"], ["1.5", "5 seconds"], ["1.6.7", "5 seconds"], ["1.10", "5 seconds"]] as const) {
        notices.length = 0;
        await client.query("UPDATE pg_extension SET extversion = $1 WHERE extname = 'pg_cron'", [of]);
        expect([of, await schedule(client, "5 seconds")]).toEqual([of, wanted]);
        if (wanted === "5 seconds") expect(notices).toEqual([]);
        else expect(notices.join()).toContain(`pg_cron ${of} has no schedules in seconds`);
      }
    }, skip);
  });
});
