/**
 * A server of its own with streaming replicas, for tests of replication; null where none can be
 * made.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { expect, inject } from "vitest";
import { root } from "../../../build/project.ts";
import { afterwards } from "../../support/afterwards.ts";
import {
  canHaveReplicas,
  type Replica,
  type Server,
  startServer,
} from "../../../src/workbench/db/server.ts";
import type { SlowLink } from "../../../src/workbench/db/slow-link.ts";
import { waitEnds } from "../../support/patience.ts";

export const replicasPossible = (): Promise<boolean> => canHaveReplicas("replicas");

/** A server of this run's own; it is removed after the file's tests. */
export async function serverWithReplicas(
  which: string,
  replicas: number,
  settings: Record<string, string> = {},
): Promise<Server> {
  const server = await startServer({ name: `${which}-${process.pid}`, replicas, settings });
  afterwards(() => server.destroy());
  return server;
}

/** Installs ruvector_healing into the server's own database. */
export async function install(client: pg.Client): Promise<void> {
  const script = await readFile(
    join(root, `dist/ruvector_healing.${inject("language")}.sql`),
    "utf8",
  );
  await client.query(`BEGIN; ${script}; COMMIT;`);
}

/**
 * A session on the server or on a replica, closed after the file's tests; a server that goes away
 * does not end the test process.
 */
export async function session(of: Server | Replica, database?: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: of.url(database) });
  client.on("error", () => undefined);
  await client.connect();
  afterwards(() => client.end().catch(() => undefined));
  return client;
}

export const valueOf = async <T>(
  client: pg.Client,
  statement: string,
  parameters: unknown[] = [],
): Promise<T> => Object.values((await client.query(statement, parameters)).rows[0] ?? {})[0] as T;

/**
 * Polls until the statement's first value is what is wanted; fails with the last value when it
 * never is. Also for hooks, where expect.poll is not allowed.
 */
export async function becomes(
  client: pg.Client,
  statement: string,
  wanted: unknown,
  seconds?: number,
): Promise<void> {
  const end = waitEnds(seconds);
  for (;;) {
    const value = await valueOf(client, statement);
    if (value === wanted) return;
    if (Date.now() > end) return expect(value, statement).toEqual(wanted);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until a replica has replayed all that the primary has written so far. */
export const caughtUp = (primary: pg.Client, replica: string): Promise<void> =>
  becomes(
    primary,
    `SELECT coalesce(bool_or(state = 'streaming'
      AND replay_lsn >= pg_current_wal_flush_lsn()), false)
                      FROM pg_stat_replication WHERE application_name = '${replica}'`,
    true,
  );

/**
 * Has a replica follow through a link, and waits until it has caught up by that: the connection
 * from before may be shown for a while, and a first one that finds its slot still in use is tried
 * again 5 s later.
 */
export async function followThrough(
  link: SlowLink,
  primary: pg.Client,
  replica: Replica,
  name: string,
): Promise<void> {
  const one = `FROM pg_stat_replication WHERE application_name = '${name}'`;
  const before = await valueOf<number>(primary, `SELECT pid ${one}`);
  await replica.follow(link.port);
  await becomes(primary, `SELECT coalesce(bool_and(pid <> ${before}), false) ${one}`, true);
  await caughtUp(primary, name);
  expect(link.passed()).toBeGreaterThan(0);
}
