/** Healthy collections, as many as wanted, and the ticks that look after them. */
import pg from "pg";
import type { Bench } from "../database.ts";
import type { Context } from "../part.ts";
import { cpuOf } from "../cpu.ts";

export const PARTITIONS = 16;
/** Rows of a partition: judged by their load, and cheap to count. */
const ROWS = 64;

/** Statements are counted by pg_stat_statements, which only a start of the server loads. */
export const SETTINGS = {
  shared_preload_libraries: "pg_cron,pg_stat_statements",
  "pg_stat_statements.track": "none",
  "pg_stat_statements.max": "10000",
  fsync: "off",
  autovacuum: "off",
} as const;

const oneMore = (place: number): string => `
  CREATE TABLE c${place} (id int, shard int, embedding vector(8), PRIMARY KEY (id, shard))
    PARTITION BY LIST (shard);
  DO $do$ BEGIN FOR i IN 0..${PARTITIONS - 1} LOOP
    EXECUTE format('CREATE TABLE c${place}_%1$s PARTITION OF c${place} FOR VALUES IN (%1$s)', i);
  END LOOP; END $do$;
  INSERT INTO c${place} SELECT g, g % ${PARTITIONS},
    ARRAY(SELECT random() FROM generate_series(1, 8) WHERE g > 0)::vector
    FROM generate_series(1, ${PARTITIONS * ROWS}) g;
  SELECT ruvector_healing_register('c${place}')`;

/** Makes collections until there are so many. */
export async function grow({ client }: Bench, context: Context, to: number): Promise<void> {
  const { rows } = await client.query("SELECT count(*)::int AS n FROM ruvector.collections");
  for (let place = Number(rows[0].n) + 1; place <= to; place++) {
    if (place % 100 === 0) context.say(`${place} of ${to} collections made`);
    await client.query(oneMore(place));
  }
  await client.query("ANALYZE");
}

/** A turn of the loop over all of them. */
export const tick = (client: pg.Client): Promise<unknown> =>
  client.query("CALL ruvector.healing_tick()");

/** The settings that let ticks follow each other at once. */
export const prepare = (client: pg.Client): Promise<unknown> =>
  client.query(`CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    SELECT ruvector_healing_configure('{"mode": "observe", "min_sample_interval_seconds": 0}')`);

/** Ticks until all rest. */
export async function settle(client: pg.Client): Promise<void> {
  for (let left = 1; left > 0;) {
    await tick(client);
    const { rows } = await client.query<{ n: number }>(`
      SELECT count(*)::int AS n FROM ruvector.collections c
        LEFT JOIN ruvector.healing_rests r USING (collection_id)
        LEFT JOIN ruvector.integrity_state s USING (collection_id)
       WHERE r.sample_id IS DISTINCT FROM s.sample_id
          OR r.server <> (SELECT ruvector.healing_server_seen())
          OR NOT EXISTS (SELECT FROM ruvector.integrity_samples m
               WHERE m.collection_id = c.collection_id AND m.same_as IS NOT NULL)`);
    left = rows[0]!.n;
  }
}

interface Statements {
  readonly statements: number;
  readonly checks: number;
}

/**
 * Statements of one tick, those in functions included, and how many checks of foreign keys there
 * were: one for each row that is kept, of a plan that stays.
 */
export async function statementsOf(client: pg.Client): Promise<Statements> {
  await client.query("SET pg_stat_statements.track = 'all'");
  await client.query("SELECT pg_stat_statements_reset()");
  await tick(client);
  const { rows } = await client.query<{ statements: number; checks: number }>(`
    SELECT coalesce(sum(calls) FILTER (WHERE NOT foreign_key), 0)::int AS statements,
           coalesce(sum(calls) FILTER (WHERE foreign_key), 0)::int AS checks
      FROM (SELECT calls, query LIKE 'SELECT % FROM ONLY %FOR KEY SHARE OF x' AS foreign_key
              FROM pg_stat_statements) s`);
  await client.query("SET pg_stat_statements.track = 'none'");
  return rows[0]!;
}

/** A connection of its own; ends with `work`. */
export async function connection<T>(
  { server, client }: Bench,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const fresh = new pg.Client({ connectionString: server.url(client.database) });
  await fresh.connect();
  try {
    return await work(fresh);
  } finally {
    await fresh.end();
  }
}

/** Processor's milliseconds of a session; where that is not to be seen, the clock's. */
export async function costOf(client: pg.Client): Promise<() => number> {
  return (await cpuOf(client)) ?? (() => performance.now());
}
