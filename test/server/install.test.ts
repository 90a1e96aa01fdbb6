/** Installing, as far as it takes a second session: other sessions notice a new bundle. */
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import pg from "pg";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { makeBundles } from "../../build/bundle.ts";
import { type Language, root, version } from "../../build/project.ts";
import { plainScript, readSources } from "../../build/script.ts";
import { configure, HOT, makeTable, QUICK } from "./support/collection.ts";
import { databaseUrl, raised, type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;
let script: string;

beforeAll(async () => {
  db = await testDatabase();
  script = await readFile(join(root, `dist/ruvector_healing.${inject("language")}.sql`), "utf8");
});

it("a new bundle is noticed by sessions that hold an older bundle", async () => {
  const session = await db.connect();
  expect((await raised(session, "SELECT ruvector_healing_explain(99)")).message).toBe(
    "there is no action 99",
  );
  // As long as it was: the core knows where each section begins.
  const said = /there is no action /g;
  const { loop, audit } = await makeBundles();
  const other = { source: loop.source.replace(said, "no such an action: "), hash: "0".repeat(64) };
  expect(other.source).not.toBe(loop.source);
  const newer = plainScript(
    inject("language") as Language,
    { loop: other, audit },
    await readSources(),
  );
  await db.client.query(`BEGIN; ${newer} COMMIT;`);
  expect((await raised(session, "SELECT ruvector_healing_explain(99)")).message).toContain(
    "no such an action: ",
  );
  await db.client.query(`BEGIN; ${script} COMMIT;`);
  expect((await raised(session, "SELECT ruvector_healing_explain(99)")).message).toBe(
    "there is no action 99",
  );
});

it("upgrades deadlock with nobody, while the loop heals, people call, scrapers read", async () => {
  await configure(db, { ...QUICK, batch_rows: 50 });
  await makeTable(db, { rows: HOT });
  const went: Record<string, number> = {};
  const errors: string[] = [];
  let running = true;
  const again = async (name: string, statement: string): Promise<void> => {
    const client = await db.connect();
    // Each rests as long as it worked: on a slow machine too there are moments in which nobody
    // holds anything.
    for (went[name] = 0; running;) {
      const begin = performance.now();
      await client.query(statement).then(
        () => went[name]!++,
        (error: Error & { code: string }) => errors.push(`${name}: ${error.code} ${error.message}`),
      );
      await new Promise((resolve) => setTimeout(resolve, Math.max(10, performance.now() - begin)));
    }
  };
  const others = [
    again("tick", "CALL ruvector_healing_tick()"),
    again("trigger", "SELECT ruvector_healing_trigger('embeddings')"),
    again("configure", "SELECT ruvector_healing_configure('{\"max_attempts_per_hour\": 1000}')"),
    again(
      "read",
      "SELECT ruvector_healing_status(), (SELECT count(*) FROM ruvector_healing_metric_samples())",
    ),
    again("route", "SELECT ruvector_healing_route('embeddings')"),
    again("heat", "UPDATE embeddings SET partition_id = 3 WHERE partition_id = 2 AND id % 5 = 0"),
  ];
  const upgrader = await db.connect();
  try {
    // Without sql/install/lock_order.sql two of three ended in 40P01.
    for (let time = 0; time < 6; time++) await upgrader.query(`BEGIN; ${script} COMMIT;`);
  } finally {
    running = false;
    await Promise.all(others);
  }
  // A tick and a person's call do not wait for each other's locks, and a batch's writers retry:
  // README.
  expect(errors.filter((error) => !/ (55P03|40001) /.test(error))).toEqual([]);
  expect(
    Object.values(went).every((times) => times > 0),
    JSON.stringify(went),
  ).toBe(true);
});

/** A database with what is needed, and nothing of ours, while the test lasts. */
async function inEmpty(work: (url: string, clients: pg.Client[]) => Promise<void>): Promise<void> {
  const name = `${db.name}_empty`;
  await db.client.query(`CREATE DATABASE "${name}" TEMPLATE template0`);
  const url = databaseUrl(db.url, name);
  const clients = [0, 1, 2].map(() => new pg.Client({ connectionString: url }));
  try {
    for (const client of clients) await client.connect();
    await clients[0]!.query(`CREATE EXTENSION ${inject("language")}; CREATE EXTENSION vector`);
    await work(url, clients);
  } finally {
    for (const client of clients) await client.end();
    await db.client.query(`DROP DATABASE "${name}" WITH (FORCE)`);
  }
}

describe("two first installations at once", () => {
  it.each(["COMMIT", "ROLLBACK"])("the second waits for the %s of the first", (end) =>
    inEmpty(async (_, [first, second, watcher]) => {
      await first!.query(`BEGIN; ${script}`);
      let over = false;
      const other = second!.query(script).finally(() => (over = true));
      const waits = `SELECT count(*)::int AS n FROM pg_locks
        WHERE NOT granted AND pid <> pg_backend_pid()`;
      while (!over && (await watcher!.query<{ n: number }>(waits)).rows[0]!.n === 0);
      expect(over).toBe(false);
      await first!.query(end);
      await other;
      expect((await watcher!.query("SELECT ruvector_healing_status()")).rows).toHaveLength(1);
    }),
  );
});

it.skipIf(spawnSync("psql", ["--version"]).status !== 0)(
  "psql makes all of it or nothing, without a transaction and going on behind errors",
  () =>
    inEmpty(async (url, [client]) => {
      const made = `SELECT (SELECT count(*) FROM pg_class WHERE oid >= 16384
          AND relnamespace <> 'pg_toast'::regnamespace)
        + (SELECT count(*) FROM pg_proc WHERE oid >= 16384)
        + (SELECT count(*) FROM pg_namespace) AS made`;
      const psql = async () => {
        const file = join(root, `dist/ruvector_healing.${inject("language")}.sql`);
        const { stderr } = await execa("psql", ["-qX", "-d", url, "-f", file]);
        return stderr;
      };
      const refusals = [
        ["CREATE SCHEMA ruvector CREATE TABLE mine ()", "DROP SCHEMA ruvector CASCADE"],
        ["DROP EXTENSION vector", "CREATE EXTENSION vector"],
        [
          "DROP SCHEMA public CASCADE",
          `CREATE SCHEMA public; CREATE EXTENSION IF NOT EXISTS ${inject("language")};
            CREATE EXTENSION vector`,
        ],
        // Not foreseen: somewhere in the middle.
        [
          `CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
            IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() d
              WHERE d.object_identity LIKE 'ruvector.healing_leases%') THEN
              RAISE EXCEPTION 'not today'; END IF; END $$;
          CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION refuse()`,
          "DROP EVENT TRIGGER refuse; DROP FUNCTION refuse()",
        ],
      ] as const;
      for (const [before, after] of refusals) {
        await client!.query(before);
        const { rows } = await client!.query(made);
        const said = await psql();
        expect(said.match(/ERROR:/g), said).toHaveLength(1);
        expect(said.length).toBeLessThan(1500);
        expect(said).not.toMatch(/^(HINT|DETAIL): *$/m);
        if (said.includes("not today"))
          expect(said).toContain("In sql/tables/healing_leases.sql. Nothing was changed.");
        expect((await client!.query(made)).rows, before).toEqual(rows);
        await client!.query(after);
      }
      expect(await psql()).toBe("");
      expect(await psql()).toBe("");
      await client!.query("SELECT ruvector_healing_status()");
    }),
);

it("is not written into the server's log as a whole where it is refused", () =>
  inEmpty(async (_, [client]) => {
    const log = `regexp_replace(current_setting('data_directory'), '[^/]*$', 'postgresql.log')`;
    const size = async (): Promise<number | null> => {
      const { rows } = await client!.query<{ size: string | null }>(
        `SELECT size FROM pg_stat_file(${log}, true)`,
      );
      return rows[0]!.size === null ? null : Number(rows[0]!.size);
    };
    const grown = async (statement: string): Promise<number> => {
      const before = (await size())!;
      await raised(client!, statement);
      return (await size())! - before;
    };
    // Where the server's log is kept elsewhere, there is nothing to compare.
    if ((await size()) === null) return;
    expect(await grown(`SELECT 1 / 0 /* ${"x".repeat(500_000)} */`)).toBeGreaterThan(500_000);
    await client!.query("DROP EXTENSION vector");
    const whole = `dist/ruvector_healing.${inject("language")}.one-statement.sql`;
    for (const refused of [script, await readFile(join(root, whole), "utf8")])
      expect(await grown(refused)).toBeLessThan(100_000);
    // What fails after it is logged as ever.
    expect(
      (await client!.query("SELECT current_setting('log_min_error_statement') AS now")).rows,
    ).toEqual([{ now: "error" }]);
  }));

it("says what to type where the time of a statement is over, and not the whole of it", () =>
  inEmpty(async (_, clients) => {
    const whole = `dist/ruvector_healing.${inject("language")}.one-statement.sql`;
    const scripts = [script, await readFile(join(root, whole), "utf8")];
    // Wherever it was by then: in its first statement that makes something.
    await clients[0]!.query(
      `CREATE FUNCTION public.slow() RETURNS event_trigger LANGUAGE plpgsql AS
          $$ BEGIN PERFORM pg_sleep(60); END $$;
        CREATE EVENT TRIGGER slow ON ddl_command_start EXECUTE FUNCTION public.slow()`,
    );
    for (const [place, late] of scripts.entries()) {
      // Each its own: a session in which PLJS has run ends by no timeout any more.
      const client = clients[place + 1]!;
      await client.query("SET statement_timeout = '2s'");
      const error = await client.query(late).catch((failed: pg.DatabaseError) => failed);
      expect(error).toMatchObject({
        code: "57014",
        hint: expect.stringContaining("statement_timeout is 2s: SET statement_timeout = 0;"),
        where: expect.stringMatching(/^.{1,200}$/),
      });
    }
    await clients[0]!.query("DROP EVENT TRIGGER slow; DROP FUNCTION public.slow()");
    await clients[0]!.query(script);
  }));

it("says what a role lacks to install, and nothing more; then it installs, and upgrades", () =>
  inEmpty(async (_, [client]) => {
    const role = `${db.name}_installer`;
    const run = `SET ROLE ${role}; ${script}`;
    const language = inject("language");
    await client!.query(`CREATE ROLE ${role}; REVOKE USAGE ON LANGUAGE ${language} FROM PUBLIC`);
    try {
      const refused = await raised(client!, run);
      expect(refused).toMatchObject({
        code: "42501",
        message: `role ${role} may not create what is installed`,
        hint: expect.stringMatching(/^GRANT CREATE ON DATABASE .* SCHEMA public .* LANGUAGE /),
      });
      await client!.query("RESET ROLE");
      for (const typed of refused.hint!.match(/GRANT [^;]+;/g)!) await client!.query(typed);
      await client!.query(`${run}; RESET ROLE`);
      // An upgrade makes no schema.
      const database = `"${db.name}_empty"`;
      await client!.query(`REVOKE CREATE ON DATABASE ${database} FROM ${role}; ${run}; RESET ROLE`);
      expect(await raised(client!, `BEGIN READ ONLY; ${script}`)).toMatchObject({
        code: "25006",
        hint: expect.stringContaining("SET default_transaction_read_only = off;"),
      });
      await client!.query("ROLLBACK");
    } finally {
      await client!.query(`RESET ROLE; DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
    }
  }));

it("a language dropped with CASCADE is missed in words; made again, nothing is lost", async () => {
  const language = inject("language");
  const other = await testDatabase();
  await configure(other, { max_attempts_per_hour: 7 });
  await makeTable(other, { rows: HOT });
  await other.client.query(`DROP EXTENSION ${language} CASCADE`);
  const typed = [
    "SELECT ruvector_healing_configure('{}')",
    "SELECT ruvector_healing_explain('embeddings')",
    "SELECT ruvector_healing_trigger('embeddings')",
    "SELECT ruvector_healing_audit_rotate_key()",
  ];
  const file = `ruvector_healing.${language}.sql`;
  const again = `run the script of ${version} or newer again: psql -f ${file}`;
  for (const statement of typed)
    expect(await raised(await other.connect(), statement), statement).toMatchObject({
      code: "RV044",
      detail: expect.stringContaining("nothing is lost"),
      hint: expect.stringMatching(new RegExp(`^CREATE EXTENSION ${language};  and ${again}`)),
    });
  // What needs no JavaScript goes on; a tick keeps what it met.
  await other.client.query("CALL ruvector_healing_tick()");
  await other.client.query("SELECT ruvector_healing_status(), ruvector_healing_history()");
  expect(await other.value("SELECT last_error FROM ruvector.healing_ticks")).toContain(
    `in ${language} are gone`,
  );
  await other.client.query(`CREATE EXTENSION ${language}`);
  expect(await raised(await other.connect(), typed[0]!)).toMatchObject({
    code: "RV044",
    hint: expect.stringMatching(new RegExp(`^R${again.slice(1)}`)),
  });
  await other.client.query(script);
  const session = await other.connect();
  for (const statement of typed) await session.query(statement);
  expect(
    await other.value(
      "SELECT value FROM ruvector_healing_config() WHERE key = 'max_attempts_per_hour'",
    ),
  ).toBe(7);
  await session.query("CALL ruvector_healing_tick()");
});

it.each(["LATIN1", "SQL_ASCII", "WIN1252"])(
  "a database in %s is refused before anything is made, with the statement that makes one in UTF8",
  async (encoding) => {
    const name = `${db.name}_${encoding.toLowerCase()}`;
    await db.client.query(
      `CREATE DATABASE "${name}" TEMPLATE template0 ENCODING '${encoding}' LOCALE 'C'`,
    );
    const url = new URL(db.url);
    url.pathname = `/${name}`;
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    try {
      await client.query(`CREATE EXTENSION ${inject("language")}; CREATE EXTENSION vector`);
      const error = await raised(client, script);
      expect(error).toMatchObject({
        code: "0A000",
        message: "ruvector_healing needs a database in UTF8",
        detail: `The encoding of database ${name} is ${encoding}.`,
      });
      expect((await client.query("SELECT to_regnamespace('ruvector') AS made")).rows).toEqual([
        { made: null },
      ]);
      const statement = /^CREATE DATABASE .*?;/.exec(error.hint!)![0];
      await client.query(statement);
      await client.query(`DROP DATABASE "${name}_utf8"`);
    } finally {
      await client.end();
      await db.client.query(`DROP DATABASE "${name}"`);
    }
  },
);
