/**
 * pg_cron lives in one database of a server (cron.database_name). `cronDatabase` lends that
 * database of the test server to one test file at a time; `cronServer` makes a server of its own,
 * for tests that kill it or set it up differently.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import { root } from "../../../build/project.ts";
import { type Server, startServer } from "../../../src/workbench/db/server.ts";
import { databaseUrl, serverEngine, type TestDatabase } from "./database.ts";
import { afterwards } from "../../support/afterwards.ts";
import { waitEnds } from "../../support/patience.ts";

export interface CronDatabase extends TestDatabase {
  /**
   * Polls until the statement's first value satisfies; the last value when it never does within
   * the wait.
   */
  until<T>(
    statement: string,
    satisfied: (value: T) => boolean,
    parameters?: unknown[],
    seconds?: number,
  ): Promise<T>;
}

export interface CronServer extends CronDatabase {
  readonly server: Server;
  /** SIGKILL to the whole server, then a start; `client` is a new connection. */
  killAndRestart(): Promise<void>;
}

/**
 * Databases of a server of DATABASE_URL are not ours to empty: skip with
 * `describe.skipIf(external)`.
 */
export const external = process.env["DATABASE_URL"] !== undefined;

/**
 * The name that says whose connection holds, or waits for, the lock: cleaning up leaves it alone.
 */
const HOLDER = "ruvector_test_cron_lock";
const LOCK = "pg_try_advisory_lock(7293, 1) AS free";

/**
 * The database of pg_cron with ruvector_healing freshly installed, pljs (or plv8), vector and
 * pg_cron in it and nothing else; this file's alone until its tests are over, emptied afterwards.
 * Await it at the top of a test file: the wait for another file to end knows no time limit there
 * (in beforeAll, hookTimeout would end it).
 */
export async function cronDatabase(): Promise<CronDatabase> {
  if (external)
    throw new Error(
      "cronDatabase() empties the database it is given: skip these tests when DATABASE_URL is set",
    );
  const server = inject("serverUrl");
  const asker = await connected(server);
  const name = (
    await asker.query<{ cron: string }>("SELECT current_setting('cron.database_name') AS cron")
  ).rows[0]!.cron;
  await asker.end();
  const url = databaseUrl(server, name);
  const holder = await connected(url, HOLDER);
  // Asked for again and again: a statement that waits keeps a snapshot, and every CONCURRENTLY of
  // the file before waits for that.
  while (!(await holder.query<{ free: boolean }>(`SELECT ${LOCK}`)).rows[0]!.free)
    await new Promise((resolve) => setTimeout(resolve, 200));
  const { base, end } = await lend(() => url, name);
  afterwards(async () => {
    await end();
    await emptied(holder);
    await holder.end();
  });
  return base;
}

/**
 * The same on a new server of this file's own, which may be killed and restarted.
 * @param suffix tells the servers of one test run apart
 * @param settings PostgreSQL settings on top of the project's, e.g. {
 *   "cron.use_background_workers": "on" }
 */
export async function cronServer({
  suffix,
  settings = {},
}: {
  suffix: string;
  settings?: Record<string, string>;
}): Promise<CronServer> {
  if (external)
    throw new Error(
      "cronServer() is a server of its own: skip these tests when DATABASE_URL is set",
    );
  const server = await startServer({
    name: `${process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test"}-${suffix}`,
    fresh: true,
    settings,
  });
  const { base, end, reconnect } = await lend(() => server.url(), "ruvector");
  afterwards(async () => {
    await end();
    await server.destroy();
  });
  return Object.defineProperties(
    {
      server,
      killAndRestart: async () => {
        await server.kill9();
        await end();
        await server.restart();
        await reconnect();
      },
    },
    Object.getOwnPropertyDescriptors(base),
  ) as CronServer;
}

async function connected(url: string, application?: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    ...(application !== undefined && { application_name: application }),
  });
  // A backend that a test kills must not end the test process.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

async function lend(url: () => string, name: string) {
  const clients: pg.Client[] = [];
  const connect = async (): Promise<pg.Client> => {
    const client = await connected(url());
    clients.push(client);
    return client;
  };
  let client = await connect();
  await emptied(client);
  await installed(client);
  const rows = async <Row extends object>(statement: string, parameters: unknown[] = []) =>
    (await client.query<Row>(statement, parameters)).rows;
  const value = async <T>(statement: string, parameters: unknown[] = []) =>
    Object.values((await rows(statement, parameters))[0] ?? {})[0] as T;
  const base: CronDatabase = {
    engine: serverEngine(),
    name,
    get url() {
      return url();
    },
    get client() {
      return client;
    },
    connect,
    rows,
    value,
    until: async <T>(
      statement: string,
      satisfied: (one: T) => boolean,
      parameters: unknown[] = [],
      seconds?: number,
    ) => {
      const end = waitEnds(seconds);
      for (;;) {
        const began = Date.now();
        const current = await value<T>(statement, parameters);
        if (satisfied(current) || Date.now() > end) return current;
        // What is waited for needs the processor more than the question.
        const pause = Math.max(50, 5 * (Date.now() - began));
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    },
  };
  return {
    base,
    end: async (): Promise<void> => {
      await Promise.allSettled(clients.splice(0).map((one) => one.end()));
    },
    reconnect: async (): Promise<void> => {
      client = await connect();
    },
  };
}

/**
 * Nothing of an earlier file is left: no job, no session of one, no schema, no row of pg_cron. Jobs
 * first, so that none starts again; a session that PLJS has run in may take a while to end
 * (platform: signals are handled late there).
 */
async function emptied(client: pg.Client): Promise<void> {
  await client.query("SELECT cron.unschedule(jobid) FROM cron.job");
  const gone = waitEnds();
  for (;;) {
    const { rowCount } = await client.query(
      `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> $1
          AND backend_type NOT IN ('pg_cron launcher', 'autovacuum worker', 'parallel worker')`,
      [HOLDER],
    );
    if (rowCount === 0) break;
    if (Date.now() > gone) throw new Error("sessions of an earlier test file do not end");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await client.query("DELETE FROM cron.job_run_details");
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(nspname) AS name FROM pg_namespace WHERE nspname !~ '^pg_'
      AND nspname NOT IN ('information_schema', 'cron')`,
  );
  for (const { name } of rows) await dropped(client, name);
  await client.query(
    `CREATE SCHEMA public AUTHORIZATION pg_database_owner; GRANT USAGE ON SCHEMA public TO PUBLIC`,
  );
}

/**
 * A hundred objects are locked one after the other: what else is at one of them (a worker of
 * autovacuum, pg_cron's launcher) is met again.
 */
export async function dropped(client: pg.Client, schema: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return void (await client.query(`DROP SCHEMA ${schema} CASCADE`));
    } catch (error) {
      if ((error as pg.DatabaseError).code !== "40P01" || attempt === 5) throw error;
    }
  }
}

async function installed(client: pg.Client): Promise<void> {
  const language = inject("language");
  await client.query(
    // pg_cron before 1.5 would be in public, and go with it.
    `CREATE EXTENSION IF NOT EXISTS ${language}; CREATE EXTENSION IF NOT EXISTS vector;
      CREATE EXTENSION IF NOT EXISTS pg_cron SCHEMA pg_catalog`,
  );
  await client.query(
    `BEGIN; ${await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8")}; ` +
      "COMMIT;",
  );
}
