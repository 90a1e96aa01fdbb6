/** A database of its own for a test file, cloned from the template, and short ways to ask it. */
import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, inject } from "vitest";
import type {} from "./global-setup.ts";

export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  /** The first connection; tests that need more sessions ask `connect()`. */
  readonly client: pg.Client;
  connect(): Promise<pg.Client>;
  /** Rows of a statement on the first connection. */
  rows<Row extends object>(statement: string, parameters?: unknown[]): Promise<Row[]>;
  /** First column of the first row. */
  value<T>(statement: string, parameters?: unknown[]): Promise<T>;
}

export function databaseUrl(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

/** Makes the database and drops it after the file's tests. Call it in beforeAll or at the top of a file. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = inject("serverUrl");
  const template = inject("template");
  const name = template.replace(/template$/, randomBytes(6).toString("hex"));
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`CREATE DATABASE "${name}" TEMPLATE ${template}`);
  await admin.end();
  const url = databaseUrl(server, name);
  const clients: pg.Client[] = [];
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url });
    // A backend that a test kills must not end the test process.
    client.on("error", () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  afterAll(async () => {
    await Promise.allSettled(clients.map((client) => client.end()));
    const last = new pg.Client({ connectionString: server });
    await last.connect();
    await last.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    await last.end();
  });
  const client = await connect();
  const rows = async <Row extends object>(statement: string, parameters: unknown[] = []) => (await client.query<Row>(statement, parameters)).rows;
  return {
    name,
    url,
    client,
    connect,
    rows,
    value: async <T>(statement: string, parameters: unknown[] = []) => Object.values((await rows(statement, parameters))[0] ?? {})[0] as T,
  };
}

export interface Raised {
  readonly code: string;
  readonly message: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
}

/** The error a statement raises; fails when it raises none. */
export async function raised(client: pg.Client, statement: string, parameters: unknown[] = []): Promise<Raised> {
  try {
    await client.query(statement, parameters);
  } catch (error) {
    const { code, message, detail, hint } = error as pg.DatabaseError;
    return { code: code ?? "", message, detail, hint };
  }
  throw new Error(`no error was raised by: ${statement}`);
}
