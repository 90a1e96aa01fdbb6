/**
 * The tables of a chaos run: one whose rows are moved, one whose indexes are rebuilt. Every row
 * carries a sum over itself.
 */
import type { World } from "./world.ts";

export interface Table {
  readonly name: string;
  /** Registration options. */
  readonly options: object;
  readonly keys: readonly number[];
  readonly rows: number;
}

/** Key of the partition that evict_cold_data may make and fill. */
export const COLD_KEY = 99;

export const BUSY: Table = {
  name: "chaos.busy",
  options: { movable: true, access_column: "used_at", cold_partition: COLD_KEY },
  keys: [0, 1, 2, 3, 4, 5],
  rows: 900,
};

/** Not partitioned. */
export const PLAIN: Table = { name: "chaos.plain", options: {}, keys: [], rows: 900 };

export const TABLES: readonly Table[] = [BUSY, PLAIN];

export const partitionOf = (key: number): string => `${BUSY.name}_p${key}`;

/** A row of id $1 (an SQL expression) with payload $2. */
export const SUM = "md5(id::text || payload || embedding::text)";

const columns = (key: string): string =>
  `id bigint NOT NULL, partition_id int NOT NULL DEFAULT ${key}, payload text NOT NULL, ` +
  "used_at timestamptz NOT NULL DEFAULT clock_timestamp(), embedding vector(8) NOT NULL, sum " +
  "text NOT NULL";

/** Vectors round 12 centres, by id alone: what is there can be computed again. */
export const vectorOf = (id: string): string =>
  `(SELECT array_agg((sin((${id} % 12 + 1) * d * 0.7) + sin(${id} * d) * 0.2)::real) FROM ` +
  "generate_series(1, 8) d)::vector";

export async function makeTables(world: World): Promise<void> {
  await world.ask(`
    CREATE TABLE ${BUSY.name} (${columns("0")}, PRIMARY KEY (partition_id, id))
      PARTITION BY LIST (partition_id);
    CREATE INDEX busy_payload ON ${BUSY.name} (payload);
    CREATE TABLE ${PLAIN.name} (${columns("0")}, PRIMARY KEY (id))`);
  for (const key of BUSY.keys)
    await world.ask(
      `CREATE TABLE ${partitionOf(key)} PARTITION OF ${BUSY.name} FOR VALUES IN (${key})`,
    );
  for (const { name, keys, rows } of TABLES) {
    const key =
      keys.length > 0 ? `CASE WHEN id <= ${rows / 2} THEN 1 ELSE id % ${keys.length} END` : "0";
    await world.ask(`
      INSERT INTO ${name} (id, partition_id, payload, used_at, embedding, sum)
      SELECT g.id, g.key, g.payload, now() - g.id * interval '1 minute', g.embedding,
        md5(g.id::text || g.payload || g.embedding::text)
        FROM (SELECT id,
                     ${key} AS key, 'base-' || id AS payload, ${vectorOf("id")} AS embedding
                FROM generate_series(1, ${rows}) id) g`);
  }
  await world.ask(
    `CREATE INDEX plain_payload ON ${PLAIN.name} (payload);
      CREATE INDEX plain_embedding ON ${PLAIN.name} USING ivfflat (embedding vector_l2_ops)
      WITH (lists = 5)`,
  );
  await world.ask(`ANALYZE ${BUSY.name}, ${PLAIN.name}`);
}
