/** The demo on a real server: pg_cron runs the loop, and it goes on without the demo. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { root } from "../project.ts";
import { languageOf } from "../db/language.ts";
import { SETTLED } from "../../configuration/settings.ts";
import { type Server, ServerProblem, startServer } from "../db/server.ts";
import type { Session } from "../session.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { MARK } from "./table.ts";
import { settingsInWords, type Venue } from "./venue.ts";

export interface ServerVenue extends Venue {
  readonly server: Server;
  readonly name: string;
}

/** A demo is watched: where one action is not enough, the next one may follow soon. */
const SHORT = { ...SETTLED, min_healing_interval_seconds: 5 };

export async function serverVenue(
  name: string,
  watch: Stopwatch,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ServerVenue> {
  const server = await startServer({ name, log: say });
  watch.lap("server");
  const client = new pg.Client({ connectionString: server.url() });
  let lost: Error | undefined;
  client.on("error", (error) => (lost = error));
  try {
    await client.connect();
    await alone(client);
    if (server.kind === "external") await refuseToDrop(client);
    const language = await install(client);
    await client.query("SELECT ruvector_healing_configure($1)", [JSON.stringify(SHORT)]);
    watch.lap("install");
    say(`ruvector_healing installed (${language}).`);
    say(`For a short demo: ${settingsInWords(SHORT)}.`);
    return { ...venue(name, server, client, language, signal), lost: () => lost };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

function venue(
  name: string,
  server: Server,
  client: pg.Client,
  language: string,
  signal: AbortSignal,
): Omit<ServerVenue, "lost"> {
  let scheduled = false;
  const unschedule = async (): Promise<void> => {
    if (scheduled) await client.query("SELECT ruvector_healing_unschedule()");
    scheduled = false;
  };
  return {
    server,
    name,
    kind: server.kind,
    language,
    session: client,
    settings: SHORT,
    psql: server.psql,
    interruptibly: (work) => cancellable(server, signal, work),
    async connect() {
      const other = new pg.Client({ connectionString: server.url() });
      other.on("error", () => undefined);
      await other.connect();
      return other;
    },
    async schedule(seconds) {
      scheduled = true;
      const { rows } = await client.query<{ schedule: string }>(
        "SELECT ruvector_healing_schedule(make_interval(secs => $1)) ->> 'schedule' AS schedule",
        [seconds],
      );
      return { by: "pg_cron", schedule: rows[0]?.schedule ?? "" };
    },
    unschedule,
    async close() {
      await unschedule().catch(() => undefined);
      await client.end().catch(() => undefined);
    },
  };
}

/** Two demos at once would drop each other's table; the lock ends with the connection. */
async function alone(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ mine: boolean }>(
    "SELECT pg_try_advisory_lock(hashtext('ruvector_healing demo')) AS mine",
  );
  if (!rows[0]?.mine)
    throw new ServerProblem(
      "Another demo is running on this server.",
      "Wait until it ends, or stop it with Ctrl-C.",
    );
}

interface Found {
  /** Whether there is a table public.embeddings, and whether a demo made it. */
  readonly table: boolean;
  readonly mine: boolean;
  /** Whether there is a schema ruvector. */
  readonly healing: boolean;
}

/** On somebody's own server nothing is dropped that a demo did not make. */
async function refuseToDrop(client: pg.Client): Promise<void> {
  const { rows } = await client.query<Found>(
    `
    SELECT to_regclass('public.embeddings') IS NOT NULL AS table,
           coalesce(obj_description(to_regclass('public.embeddings'), 'pg_class') = $1,
             false) AS mine,
           to_regnamespace('ruvector') IS NOT NULL AS healing`,
    [MARK],
  );
  const what = await foreign(client, rows[0]);
  if (what === undefined) return;
  throw new ServerProblem(
    `The database of DATABASE_URL has ${what} that this demo did not make, and the demo ` +
      "would drop it.",
    "Name an empty database in DATABASE_URL, or unset it to get a throwaway server.",
  );
}

/** What a demo did not make, in words. */
async function foreign(client: pg.Client, found: Found | undefined): Promise<string | undefined> {
  if (found?.table && !found.mine) return "a table public.embeddings";
  if (found?.healing && !found.mine) return "a schema ruvector";
  return others(client, found?.healing);
}

async function others(
  client: pg.Client,
  healing: boolean | undefined,
): Promise<string | undefined> {
  if (!healing) return undefined;
  const { rows } = await client.query<{ name: string }>(
    "SELECT collection_name AS name FROM ruvector_integrity_status() WHERE collection_name " +
      "<> 'public.embeddings' LIMIT 1",
  );
  return rows[0] && `a registered collection ${rows[0].name}`;
}

/** Removes what an earlier demo left in this database, then installs from the plain script. */
async function install(client: pg.Client): Promise<string> {
  const language = await languageOf(client);
  const cron = await client.query("SELECT FROM pg_extension WHERE extname = 'pg_cron'");
  if (cron.rowCount === 0)
    throw new ServerProblem(
      "pg_cron is not installed in this database, and it is what runs the loop.",
      "CREATE EXTENSION pg_cron;",
    );
  await client.query(
    "SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname ~ " +
      "'^ruvector_healing_(tick|watch)(_|$)' AND database = current_database()",
  );
  const script = await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8");
  try {
    await client.query("BEGIN");
    await client.query("DROP TABLE IF EXISTS public.embeddings");
    await client.query("DROP SCHEMA IF EXISTS ruvector CASCADE");
    await client.query(script);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
  return language;
}

/**
 * Making a large table takes a while; Ctrl-C cancels the statement instead of waiting for it. On a
 * connection of its own: once PLJS 1.0.5 has run in a session (installing is enough) no cancel
 * reaches it any more.
 */
async function cancellable(
  server: Server,
  signal: AbortSignal,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({ connectionString: server.url() });
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const cancel = async (): Promise<void> => {
    const other = new pg.Client({ connectionString: server.url() });
    await other.connect();
    await other.query("SELECT pg_cancel_backend($1)", [rows[0]?.pid]);
    await other.end();
  };
  const listener = (): void => void cancel().catch(() => undefined);
  signal.addEventListener("abort", listener);
  try {
    signal.throwIfAborted();
    await work(client);
  } finally {
    signal.removeEventListener("abort", listener);
    await client.end();
  }
}
