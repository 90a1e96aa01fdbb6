import type { Drill } from "../drill.ts";
import { addRows, makeTable } from "../table.ts";

/** Somebody loads 20,000 rows into one of eight partitions. */
export const hotspotRows: Drill = {
  name: "hotspot-rows",
  fault: "one of eight partitions gets 60 % of the rows",
  problem_class: "hotspot_congestion",
  strategy: "rebalance_partitions",
  prepare: ({ client, table }) =>
    makeTable(client, table, {
      rows: Array.from({ length: 8 }, () => 2000),
      index: "USING ivfflat (embedding vector_l2_ops) WITH (lists = 16)",
    }),
  inject: ({ client, table }) =>
    addRows(client, table, { key: 3, first: 100_001, count: 19_000, centres: 32 }),
};
