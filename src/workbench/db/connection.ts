import pg from "pg";
import { chosen, LANGUAGES, wantedInWords } from "./language.ts";
import { database, recipe, superuser } from "./places.ts";
import { ServerProblem } from "./problem.ts";

export function loopbackUrl(port: number, name: string): string {
  return `postgresql://${superuser}@127.0.0.1:${port}/${encodeURIComponent(name)}`;
}

/** Runs work on a connection of its own. */
export async function connected<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: "ruvector-healing db",
  });
  // A server that goes away while the connection is idle is the business of the next query.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Whether a server answers on this port, which a live process or container does not promise. */
export function answers(port: number): Promise<boolean> {
  return connected(loopbackUrl(port, "postgres"), async (client) => {
    await client.query("SELECT 1");
    return true;
  }).catch(() => false);
}

/** The database and the extensions that every server made here has. */
export async function ensureDatabase(port: number): Promise<void> {
  await connected(loopbackUrl(port, "postgres"), async (client) => {
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [
      database,
    ]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
  });
  await connected(loopbackUrl(port, database), async (client) => {
    await client.query("SET client_min_messages = warning");
    const { rows } = await client.query<{ name: string }>(
      "SELECT name FROM pg_available_extensions",
    );
    const there = new Set(rows.map(({ name }) => name));
    const language = chosen(there);
    const wanted = recipe.extensions().map((statement) => /(\w+);$/.exec(statement)![1]!);
    const missing = wanted.filter((name) =>
      LANGUAGES.includes(name as never) ? language === undefined : !there.has(name),
    );
    // What there is is made all the same: the server can be looked at.
    for (const name of wanted) {
      if (!missing.includes(name))
        await client.query(
          `CREATE EXTENSION IF NOT EXISTS ${LANGUAGES.includes(name as never) ? language! : name}`,
        );
    }
    if (missing.length === 0) return;
    throw new ServerProblem(
      "The server runs, and lacks extensions:",
      ...missing.map((name) => `- ${LANGUAGES.includes(name as never) ? wantedInWords() : name}`),
      "Install them where its PostgreSQL is, then start it again.",
    );
  });
}
