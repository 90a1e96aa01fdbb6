import type { Drill } from "../drill.ts";
import { centroidDrift } from "./centroid-drift.ts";
import { contention } from "./contention.ts";
import { fragmentation } from "./fragmentation.ts";
import { hotspotReads } from "./hotspot-reads.ts";
import { hotspotRows } from "./hotspot-rows.ts";
import { hotspotBytes, hotspotDrain, hotspotTraffic } from "./hotspot-traffic.ts";
import { memoryPressure } from "./memory.ts";
import { invalidIndex, recallFilter, recallHnsw, recallIvfEmpty } from "./recall.ts";
import { replicationLag } from "./replication-lag.ts";

/**
 * Every drill there is, in the order in which `all` runs them. A new one is a file here and a line.
 */
export const DRILLS: readonly Drill[] = [
  hotspotRows,
  hotspotTraffic,
  hotspotBytes,
  hotspotDrain,
  hotspotReads,
  centroidDrift,
  replicationLag,
  contention,
  fragmentation,
  memoryPressure,
  recallHnsw,
  recallIvfEmpty,
  recallFilter,
  invalidIndex,
];
