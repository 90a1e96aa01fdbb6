/**
 * What the collectors bring home: measurements only, no judgement. `assess.ts` turns it into a
 * graph and a reading.
 */
import type { CentroidGroup, FilteredSearch, InvalidIndex } from "./vector-index.ts";
import type { IncompleteIndex, UnusedIndex } from "../model/recall.ts";
import type { PushedMetrics, Unmeasured } from "../model/measured.ts";
import type { IndexMeasurement } from "./collect/fragmentation.ts";
import type { MaintenanceMeasurement } from "./collect/maintenance.ts";
import type { MemoryMeasurement } from "./collect/memory.ts";
import type { PartitionMeasurement } from "./collect/partitions.ts";
import type { ReplicaMeasurement } from "./collect/replication.ts";

export interface Snapshot {
  readonly collection: string;
  readonly partitions: readonly PartitionMeasurement[];
  /**
   * Whether partitions were meant to carry the same: the owner consented to moves, or asked
   * (judge_partition_load).
   */
  readonly judges_load: boolean;
  /** Loads by traffic are those of before our last move: it was not measured long enough since. */
  readonly loads_held: boolean;
  /** How rows were counted. */
  readonly rows_source: "exact" | "statistics";
  readonly centroids: readonly CentroidGroup[];
  readonly invalid_indexes: readonly InvalidIndex[];
  readonly searches: readonly FilteredSearch[];
  readonly incomplete_indexes: readonly IncompleteIndex[];
  readonly unused_indexes: readonly UnusedIndex[];
  readonly replicas: readonly ReplicaMeasurement[];
  readonly maintenance: MaintenanceMeasurement;
  readonly indexes: readonly IndexMeasurement[];
  readonly memory: MemoryMeasurement;
  readonly pushed: PushedMetrics;
  readonly unmeasured: readonly Unmeasured[];
}

export const partitionId = (partition: { readonly qualified: string }): string =>
  `partition:${partition.qualified}`;
