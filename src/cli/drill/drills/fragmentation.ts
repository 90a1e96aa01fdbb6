import type { Drill } from "../drill.ts";
import { makeTable } from "../table.ts";

/** Every row is updated again and again, then most are deleted: the indexes keep the space. */
export const fragmentation: Drill = {
  name: "fragmentation",
  fault: "indexes bloated by updates and deletes",
  problem_class: "index_fragmentation",
  strategy: "compact_indexes",
  settings: { fragmentation_interval_seconds: 5 },
  prepare: async ({ client, table }) => {
    await makeTable(client, table, { rows: [40_000] });
    await client.query(`CREATE INDEX ON ${table} (payload)`);
    await client.query(`VACUUM (ANALYZE) ${table}`);
  },
  inject: async ({ client, table }) => {
    for (let round = 0; round < 3; round++) await client.query(`UPDATE ${table} SET payload = md5(payload || ${round})`);
    await client.query(`DELETE FROM ${table} WHERE id % 10 < 7`);
    await client.query(`VACUUM (ANALYZE) ${table}`);
  },
};
