import { type Failures, loop } from "../../load.ts";
import type { Drill } from "../drill.ts";
import { makeTable, partition } from "../table.ts";

const PARTITIONS = [0, 1, 2, 3];
const ROWS = 4000;

/**
 * The memory that the server is said to have becomes less than the part of the table that is read,
 * by queries that name a partition.
 */
export const memoryPressure: Drill = {
  name: "memory",
  fault: "the working set is a tenth more than the memory there is",
  problem_class: "memory_pressure",
  strategy: "evict_cold_data",
  unavailable: async ({ server }) =>
    server.kind === "external"
      ? "it lowers effective_cache_size of the whole database: on throwaway servers only"
      : null,
  options: { access_column: "seen_at", cold_partition: 99 },
  prepare: ({ client, table }) => makeTable(client, table, { rows: PARTITIONS.map(() => ROWS) }),
  inject: async (stage) => {
    const { client, table, server } = stage;
    const { rows } = await client.query<{ bytes: string; database: string }>(
      `
      SELECT sum(pg_total_relation_size(name::regclass))::bigint::text AS bytes,
        quote_ident(current_database()) AS database
        FROM unnest($1::text[]) name`,
      [PARTITIONS.map((key) => partition(table, key))],
    );
    const { bytes, database } = rows[0]!;
    stage.atEnd(() => client.query(`ALTER DATABASE ${database} RESET effective_cache_size`));
    await client.query(
      `ALTER DATABASE ${database} SET effective_cache_size = ` +
        `'${Math.round(Number(bytes) / 1.1 / 1024)}kB'`,
    );
    const result: Failures = { errors: {} };
    let turn = 0;
    stage.background(
      await loop(
        server.url(),
        result,
        async (other) => {
          await other.query(
            `SELECT sum(length(payload)) FROM ${table} WHERE partition_id = $1 AND id > 0`,
            [PARTITIONS[turn++ % PARTITIONS.length]],
          );
        },
        100,
      ),
    );
  },
};
