/**
 * From measurements to a graph, a reading and the metrics beside it. Pure, so that plans can ask
 * "what if".
 */
import type { Configuration } from "../model/configuration.ts";
import type { ContractedGraph, Reading } from "../model/graph.ts";
import type { Metrics } from "../model/problem.ts";
import { centroidGroups, centroidMetrics } from "./assess/centroids.ts";
import { maintenanceGroup, maintenanceMetrics } from "./assess/maintenance.ts";
import { partitionGroup, partitionMetrics } from "./assess/partitions.ts";
import { memoryMetrics } from "./assess/memory.ts";
import { pathMetrics } from "./assess/paths.ts";
import { replicaLinks, replicaMetrics } from "./assess/replicas.ts";
import { indexLinks, indexMetrics } from "./assess/vector-indexes.ts";
import { contractedGraph } from "../graph/contracted.ts";
import { HUB } from "../graph/labels.ts";
import { read } from "../graph/reading.ts";
import type { Snapshot } from "./snapshot.ts";

export {
  hottestFigure,
  loadCurve,
  loadRatios,
  meanRows,
  workingPartitions,
} from "./assess/partitions.ts";

export interface Assessment {
  readonly graph: ContractedGraph;
  readonly reading: Reading;
  readonly metrics: Metrics;
}

export function assess(snapshot: Snapshot, configuration: Configuration): Assessment {
  const graph = contractedGraph({
    shard: HUB,
    groups: [
      partitionGroup(snapshot, configuration),
      ...centroidGroups(snapshot, configuration),
      maintenanceGroup(snapshot, configuration),
    ],
    replicas: replicaLinks(snapshot, configuration),
    indexes: indexLinks(snapshot, configuration),
  });
  return { graph, reading: read(graph), metrics: metricsOf(snapshot, configuration) };
}

const metricsOf = (snapshot: Snapshot, configuration: Configuration): Metrics => ({
  ...partitionMetrics(snapshot, configuration),
  stress: {
    memory_pct: configuration.memory_pct[1],
    fragmentation_pct: configuration.fragmentation_pct[1],
  },
  ...memoryMetrics(snapshot),
  ...pathMetrics(snapshot, configuration),
  ...maintenanceMetrics(snapshot),
  ...replicaMetrics(snapshot),
  ...centroidMetrics(snapshot, configuration),
  ...indexMetrics(snapshot, configuration),
});
