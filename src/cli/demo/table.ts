/** The demo's table and the installation of ruvector_healing beside it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { root } from "../../../build/project.ts";
import { ServerProblem } from "../db/server.ts";

/** Ids of the writer begin here: its rows can be told from the original ones. */
export const WRITER_IDS = 1_000_000_000;
export const DIMENSIONS = 64;
const PARTITIONS = 8;
const HOT = 3;

/** Says that the table is the demo's own, to be dropped by the next demo. */
const MARK = "Made by npm run demo of ruvector_healing; the next demo drops it.";

/** Two demos at once would drop each other's table; the lock ends with the connection. */
export async function alone(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ mine: boolean }>("SELECT pg_try_advisory_lock(hashtext('ruvector_healing demo')) AS mine");
  if (!rows[0]?.mine) throw new ServerProblem("Another demo is running on this server.", "Wait until it ends, or stop it with Ctrl-C.");
}

/** On somebody's own server nothing is dropped that a demo did not make. */
export async function refuseToDrop(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ table: boolean; mine: boolean; healing: boolean }>(`
    SELECT to_regclass('public.embeddings') IS NOT NULL AS table,
           coalesce(obj_description(to_regclass('public.embeddings'), 'pg_class') = $1, false) AS mine,
           to_regnamespace('ruvector') IS NOT NULL AS healing`, [MARK]);
  const found = rows[0];
  const what = found?.table && !found.mine ? "a table public.embeddings" : found?.healing && !found.mine ? "a schema ruvector" : await others(client, found?.healing);
  if (what === undefined) return;
  throw new ServerProblem(
    `The database of DATABASE_URL has ${what} that this demo did not make, and the demo would drop it.`,
    "Name an empty database in DATABASE_URL, or unset it to get a throwaway server.",
  );
}

async function others(client: pg.Client, healing: boolean | undefined): Promise<string | undefined> {
  if (!healing) return undefined;
  const { rows } = await client.query<{ name: string }>(
    "SELECT collection_name AS name FROM ruvector_integrity_status() WHERE collection_name <> 'public.embeddings' LIMIT 1");
  return rows[0] && `a registered collection ${rows[0].name}`;
}

/** Removes what an earlier demo left in this database, then installs from the plain script. */
export async function install(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>("SELECT extname AS name FROM pg_extension WHERE extname IN ('pljs', 'plv8') ORDER BY 1");
  const language = rows[0]?.name;
  if (language === undefined) throw new ServerProblem("Neither pljs nor plv8 is installed in this database.", "CREATE EXTENSION pljs;");
  const cron = await client.query("SELECT FROM pg_extension WHERE extname = 'pg_cron'");
  if (cron.rowCount === 0) throw new ServerProblem("pg_cron is not installed in this database, and it is what runs the loop.", "CREATE EXTENSION pg_cron;");
  await client.query("SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = 'ruvector_healing_tick' AND database = current_database()");
  const script = await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8");
  try {
    await client.query("BEGIN");
    await client.query("DROP TABLE IF EXISTS public.embeddings");
    await client.query("DROP SCHEMA IF EXISTS ruvector CASCADE");
    await client.query(script);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
  return language;
}

/**
 * 60 % of the rows in one of eight partitions. Vectors are drawn round 32 centres, as real embeddings cluster:
 * an ivfflat index on noise would have nothing to index.
 */
export async function makeTable(client: pg.Client, rows: number): Promise<void> {
  await client.query(`
    CREATE TABLE public.embeddings (
      id bigint NOT NULL,
      partition_id int NOT NULL,
      tenant_id text NOT NULL,
      embedding vector(${DIMENSIONS}) NOT NULL,
      PRIMARY KEY (partition_id, id)
    ) PARTITION BY LIST (partition_id)`);
  await client.query(`COMMENT ON TABLE public.embeddings IS '${MARK}'`);
  for (let key = 0; key < PARTITIONS; key++) {
    await client.query(`CREATE TABLE public.embeddings_p${key} PARTITION OF public.embeddings FOR VALUES IN (${key})`);
  }
  await client.query(`
    INSERT INTO embeddings
    SELECT g, CASE WHEN g % 10 < 6 THEN ${HOT} ELSE (ARRAY[0, 1, 2, 4, 5, 6, 7])[1 + g % 7] END, 'tenant-' || g % 20,
           (SELECT array_agg((sin((g % 32) * d) + random() * 0.3)::real) FROM generate_series(1, ${DIMENSIONS}) d)::vector
      FROM generate_series(1, $1::int) g`, [rows]);
  await client.query("CREATE INDEX ON embeddings USING ivfflat (embedding vector_l2_ops) WITH (lists = 30)");
  await client.query("ANALYZE embeddings");
}

export async function rowsByPartition(client: pg.Client): Promise<Record<string, number>> {
  const { rows } = await client.query<{ name: string; rows: number }>(
    "SELECT tableoid::regclass::text AS name, count(*)::int AS rows FROM embeddings GROUP BY 1 ORDER BY 1");
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]));
}
