/** Partition load: each partition is a member of the group that its rows make it. */
import { type Configuration, toCurve } from "../../configuration/configuration.ts";
import type { Metrics } from "../../model/problem.ts";
import type { PartitionMeasurement } from "../collect/partitions.ts";
import type { GroupDescription } from "../graph/contracted.ts";
import { health } from "../graph/health.ts";
import { partitionId, type Snapshot } from "../snapshot.ts";
import { pathHealth } from "./paths.ts";

export const meanRows = (partitions: readonly PartitionMeasurement[]): number =>
  partitions.reduce((sum, { rows }) => sum + rows, 0) / Math.max(1, partitions.length);

/** The curve that judges partition load: two partitions can never exceed twice the mean. */
export const loadCurve = (partitions: number, configuration: Configuration) =>
  toCurve(partitions === 2 ? configuration.partition_load_pair : configuration.partition_load, "log");

export function partitionGroup(snapshot: Snapshot, configuration: Configuration): GroupDescription {
  const { partitions } = snapshot;
  const mean = meanRows(partitions);
  const judged = partitions.length > 1 && mean * partitions.length >= configuration.min_rows_for_load;
  const curve = loadCurve(partitions.length, configuration);
  return {
    kind: "partition",
    hubHealth: pathHealth(snapshot, configuration),
    members: partitions.map((partition) => ({
      id: partitionId(partition),
      label: partition.label,
      mass: partition.rows,
      health: judged ? health(partition.rows / mean, curve) : 1,
    })),
  };
}

export function partitionMetrics({ partitions }: Snapshot): Pick<Metrics, "partitions"> {
  const mean = meanRows(partitions);
  return {
    partitions: partitions.map((partition) => ({
      id: partitionId(partition),
      label: partition.label,
      rows: partition.rows,
      bytes: partition.bytes,
      load_ratio: mean > 0 ? partition.rows / mean : 1,
    })),
  };
}
