/** The demo's table, its installation, and the check that no row was lost or changed. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { root } from "../../../build/project.ts";

/** Ids of the writer begin here: its rows can be told from the original ones. */
export const WRITER_IDS = 1_000_000_000;
export const DIMENSIONS = 64;
export const PARTITIONS = 8;
export const HOT = 3;

/** Removes what an earlier demo left in this database, then installs from the plain script. */
export async function install(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>("SELECT extname AS name FROM pg_extension WHERE extname IN ('pljs', 'plv8') ORDER BY 1");
  const language = rows[0]?.name;
  if (language === undefined) throw new Error("neither pljs nor plv8 is installed in this database: CREATE EXTENSION pljs;");
  await client.query("SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = 'ruvector_healing_tick' AND database = current_database()");
  await client.query("DROP TABLE IF EXISTS embeddings");
  await client.query("DROP SCHEMA IF EXISTS ruvector CASCADE");
  await client.query(`BEGIN; ${await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8")}; COMMIT;`);
  return language;
}

/**
 * 60 % of the rows in one of eight partitions. Vectors are drawn round 32 centres, as real embeddings cluster:
 * an ivfflat index on noise would have nothing to index.
 */
export async function makeTable(client: pg.Client, rows: number): Promise<void> {
  await client.query(`
    CREATE TABLE embeddings (
      id bigint NOT NULL,
      partition_id int NOT NULL,
      tenant_id text NOT NULL,
      embedding vector(${DIMENSIONS}) NOT NULL,
      PRIMARY KEY (partition_id, id)
    ) PARTITION BY LIST (partition_id)`);
  for (let key = 0; key < PARTITIONS; key++) await client.query(`CREATE TABLE embeddings_p${key} PARTITION OF embeddings FOR VALUES IN (${key})`);
  await client.query(`
    INSERT INTO embeddings
    SELECT g, CASE WHEN g % 10 < 6 THEN ${HOT} ELSE (ARRAY[0, 1, 2, 4, 5, 6, 7])[1 + g % 7] END, 'tenant-' || g % 20,
           (SELECT array_agg((sin((g % 32) * d) + random() * 0.3)::real) FROM generate_series(1, ${DIMENSIONS}) d)::vector
      FROM generate_series(1, $1::int) g`, [rows]);
  await client.query("CREATE INDEX ON embeddings USING ivfflat (embedding vector_l2_ops) WITH (lists = 30)");
  await client.query("ANALYZE embeddings");
}

export interface RowsCheck {
  readonly rows: number;
  /** Over id and vector of all original rows, in order of id. */
  readonly checksum: string;
}

export async function checkRows(client: pg.Client): Promise<RowsCheck> {
  const { rows } = await client.query<{ rows: string; checksum: string }>(`
    SELECT count(*) AS rows, md5(string_agg(md5(id::text || embedding::text), '' ORDER BY id)) AS checksum FROM embeddings WHERE id < ${WRITER_IDS}`);
  return { rows: Number(rows[0]?.rows), checksum: rows[0]?.checksum ?? "" };
}

/** How many of the writer's rows are there exactly once. */
export async function writersRows(client: pg.Client, ids: readonly number[]): Promise<number> {
  const { rows } = await client.query<{ found: string }>(`
    SELECT count(*) AS found FROM (SELECT id FROM embeddings WHERE id >= ${WRITER_IDS} GROUP BY id HAVING count(*) = 1) e
      JOIN unnest($1::bigint[]) w(id) USING (id)`, [ids]);
  return Number(rows[0]?.found);
}

export async function rowsByPartition(client: pg.Client): Promise<Record<string, number>> {
  const { rows } = await client.query<{ name: string; rows: number }>(
    "SELECT tableoid::regclass::text AS name, count(*)::int AS rows FROM embeddings GROUP BY 1 ORDER BY 1");
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]));
}
