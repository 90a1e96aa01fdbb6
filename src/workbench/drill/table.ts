/** The drills' table: rows by partition, vectors round a few centres as real embeddings cluster. */
import type pg from "pg";

export const DIMENSIONS = 32;

export interface TableSpec {
  readonly rows: readonly number[];
  /** Centres that vectors lie round. */
  readonly centres?: number;
  /** An index to make once the rows are there, as CREATE INDEX ... ON table <index>. */
  readonly index?: string;
}

/** One vector round centre number `centre` (an SQL expression); noise is independent by row. */
export const vectorAround = (centre: string): string =>
  `(SELECT array_agg((sin((${centre} + 1) * d * 0.7) + random() * 0.2)::real) FROM ` +
  `generate_series(1, ${DIMENSIONS}) d WHERE g > 0)::vector`;

export async function makeTable(
  client: pg.Client,
  table: string,
  { rows, centres = 32, index }: TableSpec,
): Promise<void> {
  await client.query(`
    CREATE TABLE ${table} (
      id bigint NOT NULL,
      partition_id int NOT NULL,
      tenant_id text NOT NULL,
      seen_at timestamptz NOT NULL,
      payload text NOT NULL,
      embedding vector(${DIMENSIONS}) NOT NULL,
      PRIMARY KEY (partition_id, id)
    ) PARTITION BY LIST (partition_id)`);
  let first = 1;
  for (const [key, count] of rows.entries()) {
    await client.query(
      `CREATE TABLE ${partition(table, key)} PARTITION OF ${table} FOR VALUES IN (${key})`,
    );
    await addRows(client, table, { key, first, count, centres });
    first += count;
  }
  if (index !== undefined) await client.query(`CREATE INDEX ON ${table} ${index}`);
  await client.query(`ANALYZE ${table}`);
}

/** A plain table, as most people have one. */
export async function makePlainTable(
  client: pg.Client,
  table: string,
  { rows, centres = 32, index }: Omit<TableSpec, "rows"> & { readonly rows: number },
): Promise<void> {
  await client.query(`
    CREATE TABLE ${table} (
      id bigint PRIMARY KEY,
      partition_id int NOT NULL,
      tenant_id text NOT NULL,
      seen_at timestamptz NOT NULL,
      payload text NOT NULL,
      embedding vector(${DIMENSIONS}) NOT NULL
    )`);
  if (rows > 0) await addRows(client, table, { key: 0, first: 1, count: rows, centres });
  if (index !== undefined) await client.query(`CREATE INDEX ON ${table} ${index}`);
  await client.query(`ANALYZE ${table}`);
}

export const partition = (table: string, key: number): string => `${table}_p${key}`;

export interface Batch {
  readonly key: number;
  readonly first: number;
  readonly count: number;
  readonly centres: number;
  /** Number of the first centre: another one than before is a drift. */
  readonly centre?: number;
}

export async function addRows(
  client: pg.Client,
  table: string,
  { key, first, count, centres, centre = 0 }: Batch,
): Promise<void> {
  await client.query(
    `
    INSERT INTO ${table} (id, partition_id, tenant_id, seen_at, payload, embedding)
    SELECT g, $1::int, 'tenant-' || g % 20, now() - g * interval '1 second', md5(g::text),
      ${vectorAround(`(g % ${centres} + ${centre})`)}
      FROM generate_series($2::bigint, $3::bigint) g`,
    [key, first, first + count - 1],
  );
}
