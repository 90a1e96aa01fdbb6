/** From measurements to a graph, a reading and the metrics beside it. Pure, so that plans can ask "what if". */
import type { Configuration } from "../configuration/configuration.ts";
import { toCurve } from "../configuration/configuration.ts";
import type { ContractedGraph, Reading } from "../model/graph.ts";
import type { Metrics } from "../model/problem.ts";
import { type GroupDescription, MAX_CENTROIDS_PER_GRAPH, contractedGraph } from "./graph/contracted.ts";
import { DEFAULT_CURVES, health } from "./graph/health.ts";
import { read } from "./graph/reading.ts";
import { partitionId, type PartitionMeasurement, type Snapshot } from "./snapshot.ts";

export interface Assessment {
  readonly graph: ContractedGraph;
  readonly reading: Reading;
  readonly metrics: Metrics;
}

export function assess(snapshot: Snapshot, configuration: Configuration): Assessment {
  const graph = contractedGraph({
    shard: { id: "shard:0", label: "this server" },
    groups: [
      partitionGroup(snapshot, configuration),
      ...centroidGroups(snapshot),
      maintenanceGroup(snapshot),
    ],
    replicas: snapshot.replicas.map(({ id, label }) => ({
      id,
      label,
      health: health(snapshot.pushed.replication_lag_seconds?.[id] ?? null, DEFAULT_CURVES.replication_lag_seconds),
    })),
  });
  return { graph, reading: read(graph), metrics: metricsOf(snapshot) };
}

export const meanRows = (partitions: readonly PartitionMeasurement[]): number =>
  partitions.reduce((sum, { rows }) => sum + rows, 0) / Math.max(1, partitions.length);

/** The curve that judges partition load: two partitions can never exceed twice the mean. */
export const loadCurve = (partitions: number, configuration: Configuration) =>
  toCurve(partitions === 2 ? configuration.partition_load_pair : configuration.partition_load, "log");

function partitionGroup({ partitions, pushed }: Snapshot, configuration: Configuration): GroupDescription {
  const mean = meanRows(partitions);
  const judged = partitions.length > 1 && mean * partitions.length >= configuration.min_rows_for_load;
  const curve = loadCurve(partitions.length, configuration);
  // Memory pressure and fragmentation slow the query paths: they act on the links between the partitions and the hub.
  const paths = [
    health(pushed.memory_usage_pct ?? null, toCurve(configuration.memory_pct, "linear")),
    health(pushed.index_fragmentation_pct ?? null, toCurve(configuration.fragmentation_pct, "linear")),
  ].filter((value): value is number => value !== null);
  return {
    kind: "partition",
    hubHealth: paths.length > 0 ? Math.min(...paths) : null,
    members: partitions.map((partition) => ({
      id: partitionId(partition),
      label: partition.label,
      mass: partition.rows,
      health: judged ? health(partition.rows / mean, curve) : 1,
    })),
  };
}

function centroidGroups({ centroids, pushed }: Snapshot): GroupDescription[] {
  const share = Math.max(1, Math.floor(MAX_CENTROIDS_PER_GRAPH / Math.max(1, centroids.length)));
  return centroids.map(({ index, lists }) => {
    const nodes = Math.min(lists, share);
    return {
      kind: "centroid",
      hubHealth: null,
      members: Array.from({ length: nodes }, (_, place) => {
        const first = Math.floor((place * lists) / nodes);
        const last = Math.floor(((place + 1) * lists) / nodes) - 1;
        const id = `centroid:${index}:${first}`;
        return {
          id,
          label: first === last ? `${index} list ${first}` : `${index} lists ${first}-${last}`,
          mass: 0,
          health: health(pushed.centroid_occupancy?.[id] ?? null, DEFAULT_CURVES.list_occupancy),
        };
      }),
    };
  });
}

/** What runs beside the queries. Four nodes, because contention is recognised by more than two dependency links. */
const MAINTENANCE = ["autovacuum", "index_builds", "blocked_writers", "scheduled_jobs"] as const;

const maintenanceGroup = ({ pushed }: Snapshot): GroupDescription => ({
  kind: "maintenance_dep",
  hubHealth: null,
  members: MAINTENANCE.map((name) => ({
    id: `maintenance:${name}`,
    label: name,
    mass: 0,
    health: name === "scheduled_jobs" ? health(pushed.maintenance_queue_depth ?? null, DEFAULT_CURVES.queue_depth) : null,
  })),
});

function metricsOf({ partitions, pushed }: Snapshot): Metrics {
  const mean = meanRows(partitions);
  return {
    partitions: partitions.map((partition) => ({
      id: partitionId(partition),
      label: partition.label,
      rows: partition.rows,
      bytes: partition.bytes,
      load_ratio: mean > 0 ? partition.rows / mean : 1,
    })),
    memory_usage_pct: pushed.memory_usage_pct ?? null,
    largest_consumers: pushed.largest_consumers ?? [],
    index_fragmentation_pct: pushed.index_fragmentation_pct ?? null,
    fragmented_indexes: pushed.fragmented_indexes ?? [],
    maintenance_queue_depth: pushed.maintenance_queue_depth ?? null,
    replication_lag_seconds: pushed.replication_lag_seconds ?? {},
    centroid_occupancy: pushed.centroid_occupancy ?? {},
  };
}
