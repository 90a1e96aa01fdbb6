import type { Drill } from "../drill.ts";
import { makeTable, partition } from "../table.ts";

const ROWS = 20_000;

/** A retention job deletes most of the rows: the indexes keep their size. */
export const fragmentation: Drill = {
  name: "fragmentation",
  fault: "70 % of the rows are deleted; the indexes on them stay as large as they were",
  problem_class: "index_fragmentation",
  strategy: "compact_indexes",
  // The default goes by a measurement for ten minutes.
  settings: { fragmentation_interval_seconds: 5 },
  prepare: ({ client, table }) =>
    makeTable(client, table, { rows: [ROWS, ROWS], index: "(payload)" }),
  inject: async ({ client, table }) => {
    await client.query(`DELETE FROM ${table} WHERE id % 10 < 7`);
    // Reported before the VACUUM counts, as between statements that are seconds apart.
    await client.query("SELECT pg_stat_force_next_flush()");
    for (const key of [0, 1]) await client.query(`VACUUM (ANALYZE) ${partition(table, key)}`);
  },
};
