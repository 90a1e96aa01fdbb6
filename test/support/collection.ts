/** Tables for tests: LIST-partitioned vectors with as many rows a partition as asked for. */
import { SETTLED } from "../../src/configuration/settings.ts";
import type { TestDatabase } from "./database.ts";

export interface TableOptions {
  /** Quoted as SQL wants it; default embeddings. */
  readonly table?: string;
  /** Rows of partition 0, 1, 2... */
  readonly rows: readonly number[];
  readonly dimensions?: number;
  readonly register?: boolean;
}

/** A hot partition among eight: lambda about 0.32. */
export const HOT: readonly number[] = [120, 120, 120, 1260, 120, 120, 120, 120];
export const LEVEL: readonly number[] = [300, 300, 300, 300, 300, 300, 300, 300];

export async function makeTable(
  db: TestDatabase,
  { table = "embeddings", rows, dimensions = 8, register = true }: TableOptions,
): Promise<void> {
  const partitions = rows.map(
    (_, place) =>
      `CREATE TABLE ${table.replace(/("?)$/, `_p${place}$1`)} PARTITION OF ${table} FOR ` +
      `VALUES IN (${place})`,
  );
  await db.client.query(`
    CREATE TABLE ${table} (id bigint NOT NULL, partition_id int NOT NULL, payload text,
      embedding vector(${dimensions}),
                           PRIMARY KEY (partition_id, id)) PARTITION BY LIST (partition_id);
    ${partitions.join(";")}`);
  // Partition by partition, as an application's rows of one place have come.
  await db.client.query(
    `
    INSERT INTO ${table}
    SELECT id, place - 1, md5(id::text), (SELECT array_agg(random())
      FROM generate_series(1, ${dimensions}) WHERE id > 0)::vector
      FROM (SELECT row_number() OVER (ORDER BY place, g) AS id, place
              FROM unnest($1::int[]) WITH ORDINALITY p(count, place),
                generate_series(1, p.count) g) r ORDER BY id`,
    [rows],
  );
  // A session reports its counts once a second: whoever looks at once would see an empty table.
  await db.client.query("SELECT pg_stat_force_next_flush()");
  if (register)
    await db.client.query("SELECT ruvector_healing_register($1, '{\"movable\": true}')", [table]);
}

/**
 * What must not change whatever is done to a table: every row with its content, without its place.
 */
export const checksum = (
  db: TestDatabase,
  table = "embeddings",
): Promise<{ rows: string; hash: string }> =>
  db
    .rows<{ rows: string; hash: string }>(`
    SELECT count(*)::text AS rows, md5(string_agg(md5(id::text || payload || embedding::text), ''
      ORDER BY id)) AS hash FROM ${table}`)
    .then(([row]) => row!);

/** Rows by partition key. */
export const placement = async (
  db: TestDatabase,
  table = "embeddings",
): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await db.rows<{ key: string; rows: number }>(
        `SELECT partition_id::text AS key, count(*)::int AS rows FROM ${table} GROUP BY 1
          ORDER BY 1`,
      )
    ).map(({ key, rows }) => [key, rows]),
  );

/** Every row's exact place. */
export const places = (db: TestDatabase, table = "embeddings"): Promise<string> =>
  db.value<string>(
    `SELECT md5(string_agg(id::text || ':' || partition_id, ',' ORDER BY id)) FROM ${table}`,
  );

/**
 * A tick samples every collection, 0.1 to 0.3 s each: those of earlier tests are in the way of the
 * next. What is still at work on them ends as it is; nobody looks at their rows any more.
 */
export const forget = (db: TestDatabase): Promise<unknown> =>
  db.client.query(`
  UPDATE ruvector.healing_actions SET state = 'failed', finished_at = clock_timestamp()
    WHERE finished_at IS NULL;
  SELECT ruvector_healing_unregister(format('%I.%I', schema_name, table_name))
    FROM ruvector.collections`);

/** Settings that let a test walk through the states without waiting. */
export const QUICK = {
  ...SETTLED,
  stabilize_seconds: 0,
  min_sample_interval_seconds: 0,
  min_transition_interval_seconds: 0,
  stress_samples: 1,
  critical_samples: 1,
  min_healing_interval_seconds: 0,
  max_attempts_per_hour: 1000,
};

/** And moves everything in one slice, however slow the machine is. */
export const IN_ONE_GO = { ...QUICK, slice_seconds: 60 };

export const configure = (db: TestDatabase, settings: object): Promise<unknown> =>
  db.client.query("SELECT ruvector_healing_configure($1)", [JSON.stringify(settings)]);

export async function ticks(db: TestDatabase, times: number): Promise<void> {
  for (let tick = 0; tick < times; tick++) await db.client.query("CALL ruvector_healing_tick()");
}
