import type { Drill } from "../drill.ts";
import { addRows, makeTable } from "../table.ts";

/**
 * An index built on early data; then most of the data comes from somewhere else, and lands in few
 * of its lists.
 */
export const centroidDrift: Drill = {
  name: "centroid-drift",
  fault: "an ivfflat index built on early data, then ten times as many rows from elsewhere",
  problem_class: "centroid_skew",
  strategy: "rebuild_centroids",
  settings: { recall_interval_seconds: 5 },
  prepare: ({ client, table }) =>
    makeTable(client, table, {
      rows: [2000],
      centres: 40,
      index: "USING ivfflat (embedding vector_l2_ops) WITH (lists = 40)",
    }),
  inject: async ({ client, table }) => {
    await addRows(client, table, {
      key: 0,
      first: 100_001,
      count: 20_000,
      centres: 40,
      centre: 1000,
    });
    await client.query(`ANALYZE ${table}`);
  },
};
