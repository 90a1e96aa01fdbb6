/** The demo's table. */
import type { Session } from "../session.ts";

/** Ids of the writer begin here: its rows can be told from the original ones. */
export const WRITER_IDS = 1_000_000_000;
export const DIMENSIONS = 64;
const PARTITIONS = 8;
const HOT = 3;

/** Says that the table is the demo's own, to be dropped by the next demo. */
export const MARK = "Made by npm run demo of ruvector_healing; the next demo drops it.";

/**
 * 60 % of the rows in one of eight partitions. Vectors are drawn round 32 centres, as real
 * embeddings cluster: an ivfflat index on noise would have nothing to index.
 */
export async function makeTable(session: Session, rows: number): Promise<void> {
  await session.query(`
    CREATE TABLE public.embeddings (
      id bigint NOT NULL,
      partition_id int NOT NULL,
      tenant_id text NOT NULL,
      embedding vector(${DIMENSIONS}) NOT NULL,
      PRIMARY KEY (partition_id, id)
    ) PARTITION BY LIST (partition_id)`);
  await session.query(`COMMENT ON TABLE public.embeddings IS '${MARK}'`);
  for (let key = 0; key < PARTITIONS; key++) {
    await session.query(
      `CREATE TABLE public.embeddings_p${key} PARTITION OF public.embeddings FOR VALUES IN ` +
        `(${key})`,
    );
  }
  await session.query(
    `
    INSERT INTO embeddings
    SELECT g, CASE WHEN g % 10 < 6 THEN ${HOT}
      ELSE (ARRAY[0, 1, 2, 4, 5, 6, 7])[1 + g % 7] END, 'tenant-' || g % 20,
           (SELECT array_agg((sin((g % 32) * d) + random() * 0.3)::real)
             FROM generate_series(1, ${DIMENSIONS}) d)::vector
      FROM generate_series(1, $1::int) g`,
    [rows],
  );
  await session.query(
    "CREATE INDEX ON embeddings USING ivfflat (embedding vector_l2_ops) WITH (lists = 30)",
  );
  await session.query("ANALYZE embeddings");
}

export async function rowsByPartition(session: Session): Promise<Record<string, number>> {
  const { rows } = await session.query<{ name: string; rows: number }>(
    "SELECT tableoid::regclass::text AS name, count(*)::int AS rows FROM embeddings GROUP BY " +
      "1 ORDER BY 1",
  );
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]));
}
