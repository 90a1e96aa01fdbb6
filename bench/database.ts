/** A database of its own on a throwaway server, ruvector_healing as this checkout builds it. */
import pg from "pg";
import { languageOf } from "../src/workbench/db/language.ts";
import { type Server, startServer } from "../src/workbench/db/server.ts";
import { installScript } from "../src/workbench/project.ts";

export interface Bench {
  readonly server: Server;
  readonly client: pg.Client;
  /** Drops the database; the server stays. */
  end(): Promise<void>;
}

const connected = async (connectionString: string): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
};

/** @param settings of the server, which restarts where they change */
export async function benchDatabase(
  name: string,
  database: string,
  settings: Record<string, string> = {},
): Promise<Bench> {
  const server = await startServer({ name, settings, log: (line) => console.error(line) });
  const admin = await connected(server.url());
  const language = await languageOf(admin);
  await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${database}`);
  const client = await connected(server.url(database));
  await client.query(`CREATE EXTENSION IF NOT EXISTS ${language}; CREATE EXTENSION vector`);
  await client.query(`BEGIN; ${await installScript(language)}; COMMIT`);
  return {
    server,
    client,
    end: async () => {
      await client.end();
      await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
      await admin.end();
    },
  };
}

/** What cannot be told from a table is printed as one, numbers to the right. */
export function printTable(given: readonly object[]): void {
  const rows = given as readonly Readonly<Record<string, unknown>>[];
  const heads = Object.keys(rows[0] ?? {});
  const text = (value: unknown): string => (value === null ? "-" : String(value));
  const widths = heads.map((head) =>
    Math.max(head.length, ...rows.map((row) => text(row[head]).length)),
  );
  const line = (cells: readonly unknown[]): string =>
    cells
      .map((cell, i) =>
        typeof cell === "number" || cell === null
          ? text(cell).padStart(widths[i]!)
          : text(cell).padEnd(widths[i]!),
      )
      .join("  ")
      .trimEnd();
  console.log(line(heads));
  for (const row of rows) console.log(line(heads.map((head) => row[head])));
}
