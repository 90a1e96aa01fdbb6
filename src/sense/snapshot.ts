/**
 * What the collectors bring home: measurements only, no judgement. `assess.ts` turns it into a
 * graph and a reading.
 */
import type { CentroidGroup } from "./collect/centroids.ts";
import type { IndexMeasurement } from "./collect/fragmentation.ts";
import type { MaintenanceMeasurement } from "./collect/maintenance.ts";
import type { MemoryMeasurement } from "./collect/memory.ts";
import type { PartitionMeasurement } from "./collect/partitions.ts";
import type { ReplicaMeasurement } from "./collect/replication.ts";

/**
 * Something the sensor could not measure: never counted as healthy, never in the way of the rest.
 */
export interface Unmeasured {
  readonly what: string;
  readonly why: string;
  /** What would make it measurable: the GRANT, the setting, the report to push. */
  readonly hint: string;
}

/** What a collector returns. */
export interface Measured<T> {
  readonly value: T;
  readonly unmeasured: readonly Unmeasured[];
}

/** The collectors, and the fields of the snapshot that each fills. */
export const MEASUREMENT_KINDS = [
  "partitions",
  "centroids",
  "replicas",
  "maintenance",
  "indexes",
  "memory",
] as const;
export type MeasurementKind = (typeof MEASUREMENT_KINDS)[number];

/** Figures an outside monitor may push; a pushed value always wins over a measured one. */
export interface PushedMetrics {
  readonly memory_usage_pct?: number | undefined;
  readonly largest_consumers?:
    | readonly { readonly name: string; readonly bytes: number }[]
    | undefined;
  readonly index_fragmentation_pct?: number | undefined;
  readonly fragmented_indexes?: readonly string[] | undefined;
  readonly maintenance_queue_depth?: number | undefined;
  readonly replication_lag_seconds?: Readonly<Record<string, number>> | undefined;
  readonly centroid_occupancy?: Readonly<Record<string, number>> | undefined;
}

export interface Snapshot {
  readonly collection: string;
  readonly partitions: readonly PartitionMeasurement[];
  /**
   * Whether partitions were meant to carry the same: the owner consented to moves, or asked
   * (judge_partition_load).
   */
  readonly judges_load: boolean;
  /** How rows were counted. */
  readonly rows_source: "exact" | "statistics";
  readonly centroids: readonly CentroidGroup[];
  readonly replicas: readonly ReplicaMeasurement[];
  readonly maintenance: MaintenanceMeasurement;
  readonly indexes: readonly IndexMeasurement[];
  readonly memory: MemoryMeasurement;
  readonly pushed: PushedMetrics;
  readonly unmeasured: readonly Unmeasured[];
}

export const partitionId = (partition: { readonly qualified: string }): string =>
  `partition:${partition.qualified}`;
