/** What a measurement comes as, and what an outside monitor may push in its place. */

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
