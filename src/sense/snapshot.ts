/** What the collectors bring home: measurements only, no judgement. `assess.ts` turns it into a graph and a reading. */

export interface PartitionMeasurement {
  readonly relid: string;
  readonly qualified: string;
  readonly label: string;
  /** pg_class.relkind. */
  readonly kind: string;
  /** Key values that lead to it, null for SQL NULL; empty where there are none to name. */
  readonly values: readonly (string | null)[];
  readonly rows: number;
  /** Heap, indexes and TOAST. */
  readonly bytes: number;
}

/** Something the sensor could not measure: never counted as healthy, never in the way of the rest. */
export interface Unmeasured {
  readonly what: string;
  readonly why: string;
  /** What would make it measurable. */
  readonly hint: string;
}

export interface CentroidGroup {
  /** The vector index, `schema.name` quoted. */
  readonly index: string;
  readonly lists: number;
}

/** Figures an outside monitor may push; a pushed value always wins over a measured one. */
export interface PushedMetrics {
  readonly memory_usage_pct?: number | undefined;
  readonly largest_consumers?: readonly { readonly name: string; readonly bytes: number }[] | undefined;
  readonly index_fragmentation_pct?: number | undefined;
  readonly fragmented_indexes?: readonly string[] | undefined;
  readonly maintenance_queue_depth?: number | undefined;
  readonly replication_lag_seconds?: Readonly<Record<string, number>> | undefined;
  readonly centroid_occupancy?: Readonly<Record<string, number>> | undefined;
}

export interface Snapshot {
  readonly collection: string;
  readonly partitions: readonly PartitionMeasurement[];
  /** How rows were counted. */
  readonly rows_source: "exact" | "statistics";
  readonly centroids: readonly CentroidGroup[];
  readonly replicas: readonly { readonly id: string; readonly label: string }[];
  readonly pushed: PushedMetrics;
  readonly unmeasured: readonly Unmeasured[];
}

export const partitionId = (partition: { readonly qualified: string }): string => `partition:${partition.qualified}`;
