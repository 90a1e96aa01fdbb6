/**
 * One session of a database, as the commands use it: a pg.Client is one, an embedded database has
 * one.
 */
import type { QueryResultRow } from "pg";
import type { EmbeddedDatabase } from "../plv8-pglite/index.ts";

export interface Session {
  query<Row extends QueryResultRow>(
    statement: string,
    parameters?: unknown[],
  ): Promise<{ readonly rows: Row[] }>;
}

export const sessionOf = (database: EmbeddedDatabase): Session => ({
  query: async <Row extends QueryResultRow>(statement: string, parameters: unknown[] = []) => ({
    rows: await database.query<Row>(statement, parameters),
  }),
});
