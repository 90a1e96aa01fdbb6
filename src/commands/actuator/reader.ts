/**
 * What is read for people and programs: a few connections of their own, so that a slow page never
 * holds up the actuator's work.
 */
import pg, { type QueryResultRow } from "pg";
import { connect, type Target } from "../connect.ts";

export interface Reader {
  /** Rows of one reading statement; ended after 10 s, refused after 5 s without a connection. */
  query<Row extends QueryResultRow>(
    statement: string,
    parameters?: readonly unknown[],
  ): Promise<Row[]>;
  /**
   * The same on a connection that is closed behind it: for functions that run JavaScript. PLJS
   * 1.0.5 takes SIGTERM from a session that it has run in, also while it is idle: "pg_ctl stop -m
   * fast" would wait for as long as somebody looks at the page.
   */
  once<Row extends QueryResultRow>(
    statement: string,
    parameters?: readonly unknown[],
  ): Promise<Row[]>;
  end(): Promise<void>;
}

interface Pools {
  readonly lasting: pg.Pool;
  readonly single: pg.Pool;
}

const LIMIT_MS = 10_000;
/** So that it holds on the server, too. */
const ON_SERVER = { statement_timeout: LIMIT_MS } as const;

/** PgBouncer takes no such parameter, in any mode, unless ignore_startup_parameters names it. */
const poolerRefuses = (error: unknown): boolean =>
  error instanceof pg.DatabaseError &&
  error.code === "08P01" &&
  error.message.includes("statement_timeout");

export function reader(target: Target): Reader {
  let pools: Pools | undefined;
  /** Whether it speaks TLS, and is a pooler, is found out by the first connection. */
  const opened = async (): Promise<Pools> => {
    if (pools) return pools;
    let limit: pg.ClientConfig = ON_SERVER;
    const probe = await connect(target, limit).catch((error: unknown) => {
      if (!poolerRefuses(error)) throw error;
      limit = { query_timeout: LIMIT_MS };
      return connect(target);
    });
    const ssl = (probe as unknown as { ssl: pg.ClientConfig["ssl"] }).ssl;
    await probe.end();
    const pool = (limits: pg.PoolConfig): pg.Pool => {
      const made = new pg.Pool({
        ...target.config,
        ...(ssl !== undefined && { ssl }),
        connectionTimeoutMillis: 5000,
        ...limit,
        ...limits,
      });
      made.on("error", () => undefined);
      return made;
    };
    pools ??= {
      lasting: pool({ max: 3, idleTimeoutMillis: 30_000 }),
      single: pool({ max: 2, maxUses: 1 }),
    };
    return pools;
  };
  const asked =
    (which: keyof Pools) =>
    async <Row extends QueryResultRow>(statement: string, parameters: readonly unknown[] = []) =>
      (await (await opened())[which].query<Row>(statement, [...parameters])).rows;
  return {
    query: asked("lasting"),
    once: asked("single"),
    end: async () => void (await Promise.all([pools?.lasting.end(), pools?.single.end()])),
  };
}
