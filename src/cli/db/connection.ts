import pg from "pg";
import { database, recipe, superuser } from "./places.ts";

export function loopbackUrl(port: number, name: string): string {
  return `postgresql://${superuser}@127.0.0.1:${port}/${encodeURIComponent(name)}`;
}

/** Runs work on a connection of its own. */
export async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
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
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
  });
  await connected(loopbackUrl(port, database), async (client) => {
    await client.query("SET client_min_messages = warning");
    for (const statement of recipe.extensions()) await client.query(statement);
  });
}
