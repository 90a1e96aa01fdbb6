/** The snapshot as moves would leave it, for the lambda a plan foresees. */
import type { LoadedPartition } from "./shift.ts";
import type { PartitionMeasurement } from "../../sense/collect/partitions.ts";
import type { Snapshot } from "../../sense/snapshot.ts";

/** Partitions as the planner sees them. The cold one is none of them. */
export const loaded = (partition: PartitionMeasurement): LoadedPartition => ({
  label: partition.label,
  rows: partition.rows,
  values: partition.values.filter((value): value is string => value !== null),
  bytes: partition.live_bytes,
  reads: partition.traffic?.reads ?? null,
  writes: partition.traffic?.writes ?? null,
  inserted: partition.traffic?.inserted ?? 0,
});

/** @param after by label; partitions that are not in it stay as they are */
export function foreseen(
  snapshot: Snapshot,
  after: ReadonlyMap<string, LoadedPartition>,
): Snapshot {
  return {
    ...snapshot,
    partitions: snapshot.partitions.map((partition) => {
      const one = after.get(partition.label);
      return one
        ? {
            ...partition,
            rows: one.rows,
            live_bytes: one.bytes,
            traffic: partition.traffic && {
              ...partition.traffic,
              reads: one.reads ?? partition.traffic.reads,
              writes: one.writes ?? partition.traffic.writes,
            },
          }
        : partition;
    }),
  };
}
