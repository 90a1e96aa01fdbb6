/** What is read for people and programs: a few connections of their own, so that a slow page never holds up the actuator's work. */
import pg, { type QueryResultRow } from "pg";
import { connect, type Target } from "../connect.ts";

export interface Reader {
  /** Rows of one reading statement; ended after 10 s, refused after 5 s without a connection. */
  query<Row extends QueryResultRow>(statement: string, parameters?: readonly unknown[]): Promise<Row[]>;
  end(): Promise<void>;
}

export function reader(target: Target): Reader {
  let pool: pg.Pool | undefined;
  /** Whether the server speaks TLS is found out by the first connection. */
  const opened = async (): Promise<pg.Pool> => {
    if (pool) return pool;
    const probe = await connect(target);
    const ssl = (probe as unknown as { ssl: pg.ClientConfig["ssl"] }).ssl;
    await probe.end();
    pool ??= new pg.Pool({ ...target.config, ...(ssl !== undefined && { ssl }), max: 3, idleTimeoutMillis: 30_000, connectionTimeoutMillis: 5000, statement_timeout: 10_000 });
    pool.on("error", () => undefined);
    return pool;
  };
  return {
    query: async <Row extends QueryResultRow>(statement: string, parameters: readonly unknown[] = []) =>
      (await (await opened()).query<Row>(statement, [...parameters])).rows,
    end: async () => pool?.end(),
  };
}
