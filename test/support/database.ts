/**
 * A database of its own for a test file, with ruvector_healing installed: on the real server in the
 * project "server", in this process (PGlite) in the project "embedded". Either way it is asked with
 * node-postgres, so that types, errors and notices are the same.
 */
import type pg from "pg";
import { inject } from "vitest";
import { embeddedDatabase } from "./embedded-database.ts";
import { serverDatabase } from "./server-database.ts";

export interface Engine {
  readonly name: "server" | "embedded";
  readonly language: string;
  /** How many connections there can be at once: 1 embedded. */
  readonly sessions: number;
}

export interface TestDatabase {
  readonly engine: Engine;
  readonly name: string;
  /** The first connection; tests that need more sessions ask `connect()`. */
  readonly client: pg.Client;
  /** For clients of another process; only of a server. */
  readonly url: string;
  connect(): Promise<pg.Client>;
  /** Rows of a statement on the first connection. */
  rows<Row extends object>(statement: string, parameters?: unknown[]): Promise<Row[]>;
  /** First column of the first row. */
  value<T>(statement: string, parameters?: unknown[]): Promise<T>;
}

declare module "vitest" {
  interface ProvidedContext {
    engine: "server" | "embedded";
    language: string;
  }
}

/**
 * Made before the file's tests and removed after them. Call it in beforeAll or at the top of a
 * file.
 */
export const testDatabase = (): Promise<TestDatabase> =>
  inject("engine") === "embedded" ? embeddedDatabase() : serverDatabase();

/** The short ways to ask. */
export function asked(client: pg.Client): Pick<TestDatabase, "rows" | "value"> {
  const rows = async <Row extends object>(statement: string, parameters: unknown[] = []) =>
    (await client.query<Row & pg.QueryResultRow>(statement, parameters)).rows;
  return {
    rows,
    value: async <T>(statement: string, parameters: unknown[] = []) =>
      Object.values((await rows(statement, parameters))[0] ?? {})[0] as T,
  };
}

export interface Raised {
  readonly code: string;
  readonly message: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
}

/** The error a statement raises; fails when it raises none. */
export async function raised(
  client: pg.Client,
  statement: string,
  parameters: unknown[] = [],
): Promise<Raised> {
  try {
    await client.query(statement, parameters);
  } catch (error) {
    const { code, message, detail, hint } = error as pg.DatabaseError;
    return { code: code ?? "", message, detail, hint };
  }
  throw new Error(`no error was raised by: ${statement}`);
}

export { databaseUrl, serverEngine } from "./server-database.ts";
