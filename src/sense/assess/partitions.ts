/**
 * Partition load: each partition is a member of the group, as healthy as the worst of its figures
 * is near the mean. Rows and bytes say what it holds, reads and writes what is done to it. The cold
 * partition is no member: nobody is meant to work on it.
 *
 * Judged is only what was meant to be level: where the owner consented to moves, or asked for it
 * (judge_partition_load). Months, hashes of a key and tenants are as large as their values make
 * them: no move would change that, and holding writers back neither.
 */
import type { Configuration } from "../../model/configuration.ts";
import { toCurve } from "../../configuration/validate.ts";
import {
  LOAD_FIGURES,
  type LoadFigure,
  type LoadRatios,
  type Metrics,
  type UnjudgedReason,
} from "../../model/problem.ts";
import type { PartitionMeasurement } from "../collect/partitions.ts";
import type { GroupDescription } from "../../graph/contracted.ts";
import { health } from "../../graph/health.ts";
import { partitionId, type Snapshot } from "../snapshot.ts";
import { pathHealth } from "./paths.ts";

/** The partitions that share the load. */
export const workingPartitions = (
  partitions: readonly PartitionMeasurement[],
): readonly PartitionMeasurement[] => partitions.filter(({ cold, idle }) => !cold && idle === null);

export const meanRows = (partitions: readonly PartitionMeasurement[]): number => {
  const working = workingPartitions(partitions);
  return working.reduce((sum, { rows }) => sum + rows, 0) / Math.max(1, working.length);
};

/** The curve that judges partition load: two partitions can never exceed twice the mean. */
export const loadCurve = (partitions: number, configuration: Configuration) =>
  toCurve(
    partitions === 2 ? configuration.partition_load_pair : configuration.partition_load,
    "log",
  );

/**
 * Each partition's figures over their means, in the order given; those that share no load have
 * none.
 */
export function loadRatios(partitions: readonly PartitionMeasurement[]): readonly LoadRatios[] {
  const working = workingPartitions(partitions);
  const mean = (of: (one: PartitionMeasurement) => number): number =>
    working.reduce((sum, one) => sum + of(one), 0) / Math.max(1, working.length);
  const rows = mean((one) => one.rows);
  // Where the width of rows is not known for all, bytes are not compared at all.
  const bytes = working.every(({ live_bytes }) => live_bytes !== null)
    ? mean((one) => one.live_bytes ?? 0)
    : 0;
  return partitions.map((one) =>
    one.cold || one.idle !== null
      ? { rows: null, bytes: null, reads: null, writes: null }
      : {
          rows: rows > 0 ? one.rows / rows : 1,
          bytes: bytes > 0 ? (one.live_bytes ?? 0) / bytes : null,
          reads: one.traffic?.reads ?? null,
          writes: one.traffic?.writes ?? null,
        },
  );
}

/** The worst figure of a partition; rows win a tie, because rows are what can be moved. */
export function hottestFigure(ratios: LoadRatios): {
  readonly figure: LoadFigure;
  readonly ratio: number;
} {
  let worst: { figure: LoadFigure; ratio: number } = { figure: "rows", ratio: ratios.rows ?? 0 };
  for (const figure of LOAD_FIGURES) {
    const ratio = ratios[figure];
    if (ratio !== null && ratio > worst.ratio) worst = { figure, ratio };
  }
  return worst;
}

/** Why no partition is judged; null: those that share the load are. */
function unjudged(
  { judges_load, partitions }: Snapshot,
  { min_rows_for_load }: Configuration,
): UnjudgedReason | null {
  if (!judges_load) return "by_design";
  const working = workingPartitions(partitions);
  if (working.length < 2) return "alone";
  // A handful of rows is always skewed, and holds no load whatever is done to it.
  return meanRows(partitions) * working.length < min_rows_for_load ? "few_rows" : null;
}

export function partitionGroup(snapshot: Snapshot, configuration: Configuration): GroupDescription {
  const { partitions } = snapshot;
  const ratios = loadRatios(partitions);
  const judged = unjudged(snapshot, configuration) === null;
  const curve = loadCurve(workingPartitions(partitions).length, configuration);
  return {
    kind: "partition",
    hubHealth: pathHealth(snapshot, configuration),
    members: partitions.flatMap((partition, place) =>
      partition.cold
        ? []
        : [
            {
              id: partitionId(partition),
              label: partition.label,
              mass: partition.rows,
              health:
                judged && partition.idle === null
                  ? health(hottestFigure(ratios[place]!).ratio, curve)
                  : 1,
            },
          ],
    ),
  };
}

export function partitionMetrics(
  snapshot: Snapshot,
  configuration: Configuration,
): Pick<Metrics, "partitions" | "fine"> {
  const { partitions } = snapshot;
  const ratios = loadRatios(partitions);
  const none = unjudged(snapshot, configuration);
  return {
    fine: {
      partition_load: loadCurve(workingPartitions(partitions).length, configuration).fine,
      recall: configuration.recall[0],
    },
    partitions: partitions.map((partition, place) => {
      const { figure, ratio } = hottestFigure(ratios[place]!);
      const reason = partition.cold ? "cold" : (partition.idle ?? none);
      return {
        id: partitionId(partition),
        label: partition.label,
        rows: partition.rows,
        bytes: partition.bytes,
        load_ratio: ratio,
        hottest: figure,
        ratios: ratios[place]!,
        judged: reason === null,
        ...(reason && { reason }),
        ...(partition.traffic && {
          reads_per_second: partition.traffic.reads_per_second,
          writes_per_second: partition.traffic.writes_per_second,
        }),
        ...(partition.cold && { cold: true }),
      };
    }),
  };
}
