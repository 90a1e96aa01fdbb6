/** What evict_cold_data foresees: which rows are cold, and memory use without them. */
import { bytes as bytesText, count, lambdaText, percent } from "../../base/text.ts";
import { assess } from "../../sense/assess.ts";
import { touchedBytes, workingSet } from "../../sense/assess/memory.ts";
import { type PartitionMeasurement, reachable } from "../../sense/collect/partitions.ts";
import type { Snapshot } from "../../sense/snapshot.ts";
import type { Move, MovesPlan } from "../moving-rows/carry-out.ts";
import {
  bytesOf,
  movedRowsWal,
  moveSeconds,
  rowLocks,
  stabilizeSeconds,
  moveLocks,
} from "../moving-rows/estimate.ts";
import type { NothingToDo } from "../strategy.ts";
import type { NewPartition } from "./cold-partition.ts";
import { type Request, type Chosen, choose } from "./choose.ts";

export interface EvictPlan extends MovesPlan {
  readonly cold_partition: string;
  /** To be made first; null: it is there. */
  readonly make: NewPartition | null;
  /** Share of the rows, 0 to 1. */
  readonly share: number;
  readonly working_set_bytes: number | null;
  readonly predicted_working_set_bytes: number | null;
  readonly partitions: readonly {
    readonly label: string;
    readonly rows_before: number;
    readonly rows_after: number;
  }[];
}

export function planned(request: Request, most: number): EvictPlan | NothingToDo {
  const { host, collection, snapshot, params } = request;
  if (!reachable(host, collection)) {
    return {
      nothing: "a partition is locked ACCESS EXCLUSIVE by another session",
      hint: "SELECT * FROM pg_locks WHERE mode = 'AccessExclusiveLock';",
    };
  }
  const chosen = choose(request, most);
  if ("nothing" in chosen) return chosen;
  const after = evicted(snapshot, chosen.moves, chosen.cold?.label ?? null);
  const now = assess(snapshot, collection.settings).reading.lambda;
  const predicted = predictedLambda(request, chosen, after);
  if (params.share === undefined && now !== null && predicted !== null && predicted <= now)
    return vain(snapshot, chosen.cold, predicted);
  return planOf(request, chosen, after, predicted);
}

const predictedLambda = (
  { collection: { settings }, snapshot }: Request,
  { rows, sources }: Chosen,
  after: Snapshot,
): number | null =>
  snapshot.pushed.memory_usage_pct === undefined
    ? assess(after, settings).reading.lambda
    : assess(pushedAfter(snapshot, rows, sources), settings).reading.lambda;

function planOf(
  { host, collection, snapshot, tick_seconds }: Request,
  { share, make, label, moves, rows }: Chosen,
  after: Snapshot,
  predicted: number | null,
): EvictPlan {
  const bytes = bytesOf(snapshot, (from) =>
    moves.filter((move) => move.from === from).reduce((sum, move) => sum + move.rows, 0),
  );
  // The cold partition must have had time to be read, if queries read it at all.
  const stabilize = Math.max(
    stabilizeSeconds(snapshot, collection),
    collection.settings.traffic_window_seconds,
  );
  return {
    strategy: "evict_cold_data",
    cold_partition: label,
    make,
    share,
    rows,
    rows_moved: rows,
    bytes: Math.round(bytes),
    wal_bytes: movedRowsWal(host, collection, rows, bytes),
    moves,
    partitions: snapshot.partitions.map((one, place) => ({
      label: one.label,
      rows_before: one.rows,
      rows_after: after.partitions[place]!.rows,
    })),
    working_set_bytes: workingSet(snapshot)?.bytes ?? null,
    predicted_working_set_bytes: workingSet(after)?.bytes ?? null,
    assumes: [
      "queries that name a partition do not read the cold one; a query over the whole table " +
        "does, and then this does not help",
      ...(snapshot.pushed.memory_usage_pct === undefined
        ? []
        : ["the reported memory use falls with the rows of the partitions that are read"]),
    ],
    predicted_lambda: predicted,
    estimated_duration_seconds: moveSeconds(host, collection, rows, tick_seconds, stabilize),
    stabilize_seconds: stabilize,
    relation_locks: moveLocks(host, collection),
    locks: [
      ...(make
        ? [
            `SHARE UPDATE EXCLUSIVE on ${collection.name}, at once or not at all, to attach ` +
              `${make.qualified}`,
          ]
        : []),
      ...rowLocks(collection),
    ],
  };
}

/**
 * The snapshot without the rows that go; the cold partition with them, and as much or little read
 * as it is now.
 */
function evicted(snapshot: Snapshot, moves: readonly Move[], cold: string | null): Snapshot {
  const going = (label: string): number =>
    moves.filter(({ from }) => from === label).reduce((sum, { rows }) => sum + rows, 0);
  const all = moves.reduce((sum, { rows }) => sum + rows, 0);
  const width =
    snapshot.partitions.reduce((sum, one) => sum + (one.live_bytes ?? 0), 0) /
    Math.max(
      1,
      snapshot.partitions.reduce((sum, { rows }) => sum + rows, 0),
    );
  return {
    ...snapshot,
    partitions: snapshot.partitions.map((one) => {
      if (one.label === cold) {
        const grown = (one.rows + all) / Math.max(1, one.rows);
        const added = all * width;
        return {
          ...one,
          rows: one.rows + all,
          live_bytes: one.live_bytes === null ? null : one.live_bytes + added,
          heap_bytes: one.heap_bytes + added,
          bytes: Math.max(one.bytes * grown, one.bytes + added),
        };
      }
      const rows = Math.max(0, one.rows - going(one.label));
      return {
        ...one,
        rows,
        live_bytes:
          one.live_bytes === null ? null : one.live_bytes * (rows / Math.max(1, one.rows)),
      };
    }),
  };
}

/** A reported figure cannot be recomputed: it is taken to fall with the rows. */
function pushedAfter(
  snapshot: Snapshot,
  rows: number,
  sources: readonly PartitionMeasurement[],
): Snapshot {
  const kept =
    1 -
    rows /
      Math.max(
        1,
        sources.reduce((sum, one) => sum + one.rows, 0),
      );
  return {
    ...snapshot,
    pushed: {
      ...snapshot.pushed,
      memory_usage_pct: (snapshot.pushed.memory_usage_pct ?? 0) * kept,
    },
  };
}

/** Why moving cold rows would not help. */
function vain(
  snapshot: Snapshot,
  cold: PartitionMeasurement | undefined,
  predicted: number,
): NothingToDo {
  return {
    nothing:
      `moving cold rows would leave lambda at ${lambdaText(predicted)}: ` +
      whatHoldsItDown(snapshot, cold),
    hint: 'To move them all the same: {"share": 0.3}.',
  };
}

function whatHoldsItDown(snapshot: Snapshot, cold: PartitionMeasurement | undefined): string {
  const set = workingSet(snapshot);
  if (set !== null && set.bound !== null)
    return (
      `${percent(set.hit_ratio ?? 0)} of the blocks are found in shared buffers, so that ` +
      `reads keep to about ${bytesText(set.bytes)}: cold rows are not in memory anyway`
    );
  if (cold && touchedBytes(cold) > 0)
    return (
      `the cold partition (${count(cold.rows, "row")}) is read like the others: queries do ` +
      "not name their partition"
    );
  return "something else than memory holds lambda down";
}
