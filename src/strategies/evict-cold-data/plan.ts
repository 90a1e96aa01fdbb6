/** What evict_cold_data foresees: which rows are cold, and memory use without them. */
import * as z from "zod/mini";
import type { Collection } from "../../model/collection.ts";
import { bytes as bytesText, count, lambdaText, percent, short } from "../../base/text.ts";
import { assess, workingPartitions } from "../../sense/assess.ts";
import { memoryUsage, touchedBytes, workingSet } from "../../sense/assess/memory.ts";
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
import type { NothingToDo, PlanRequest } from "../strategy.ts";
import { type Coldest, coldest } from "./coldest.ts";
import { type NewPartition, planColdPartition } from "./cold-partition.ts";

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

export const PARAMS = {
  max_moves: z.optional(z.int().check(z.gte(1), z.lte(1_000_000_000))),
  share: z.optional(z.number().check(z.gt(0), z.lte(1))),
};

/**
 * Below the value from which memory use counts, by this much: what is written meanwhile needs room
 * too.
 */
const MARGIN = 0.95;

/**
 * Rows of a partition that is emptied cost its queries a detour for nothing left: so much stays at
 * least.
 */
const MOST = 0.9;

export function planned(
  { host, collection, snapshot, params, tick_seconds }: PlanRequest<typeof PARAMS>,
  most: number,
): EvictPlan | NothingToDo {
  const { settings } = collection;
  if (!reachable(host, collection)) {
    return {
      nothing: "a partition is locked ACCESS EXCLUSIVE by another session",
      hint: "SELECT * FROM pg_locks WHERE mode = 'AccessExclusiveLock';",
    };
  }
  const share = params.share ?? wantedShare(snapshot, settings.memory_pct[0]);
  if (typeof share !== "number") return share;
  const cold = snapshot.partitions.find((one) => one.cold);
  const make = cold ? null : planColdPartition(host, collection);
  if (make && "nothing" in make) return make;
  const label = cold?.label ?? make!.label;
  const sources = workingPartitions(snapshot.partitions).filter(
    ({ rows, kind, values }) => rows > 0 && kind === "r" && values.some((value) => value !== null),
  );
  const found = coldest(
    host.asOwner(collection.relid, "keys"),
    collection.access_column!,
    sources,
    share,
  );
  const moves = movesOf(collection, sources, found, label, most);
  const rows = moves.reduce((sum, move) => sum + move.rows, 0);
  if (rows === 0) {
    return {
      nothing:
        "no row can be told to be colder than the others by " + collection.access_column!.name,
      hint: "It must differ from row to row: keep a time of last use in it.",
    };
  }
  const after = evicted(snapshot, moves, cold?.label ?? null);
  const now = assess(snapshot, settings).reading.lambda;
  const predicted =
    snapshot.pushed.memory_usage_pct === undefined
      ? assess(after, settings).reading.lambda
      : assess(pushedAfter(snapshot, rows, sources), settings).reading.lambda;
  if (params.share === undefined && now !== null && predicted !== null && predicted <= now)
    return vain(snapshot, cold, predicted);
  const bytes = bytesOf(snapshot, (from) =>
    moves.filter((move) => move.from === from).reduce((sum, move) => sum + move.rows, 0),
  );
  // The cold partition must have had time to be read, if queries read it at all.
  const stabilize = Math.max(
    stabilizeSeconds(snapshot, collection),
    settings.traffic_window_seconds,
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
 * The share of the rows whose going brings memory use under the value from which it counts; or why
 * none.
 */
function wantedShare(snapshot: Snapshot, fine: number): number | NothingToDo {
  const usage = uncapped(snapshot);
  if (usage === null) {
    return {
      nothing: "memory use is not known",
      hint: `Push it, wait for the next sample, or say how much: {"share": 0.3}.`,
    };
  }
  if (usage <= fine)
    return {
      nothing: `memory use is ${short(usage)} %, which is fine up to ${fine} %`,
      hint: 'Say how much to move all the same: {"share": 0.3}.',
    };
  return Math.min(MOST, 1 - (fine * MARGIN) / usage);
}

/** The working set may be several times what fits; the figure that is judged ends at 100 %. */
function uncapped(snapshot: Snapshot): number | null {
  const set = workingSet(snapshot);
  if (snapshot.pushed.memory_usage_pct !== undefined || !set || snapshot.memory.cache_bytes <= 0)
    return memoryUsage(snapshot);
  return (100 * set.bytes) / snapshot.memory.cache_bytes;
}

function movesOf(
  collection: Collection,
  sources: readonly PartitionMeasurement[],
  { older_than, rows }: Coldest,
  to: string,
  most: number,
): Move[] {
  let left = most;
  return sources.flatMap(({ label, values }) => {
    const wanted = Math.min(rows[label] ?? 0, left);
    left -= wanted;
    if (wanted <= 0) return [];
    // Where no used row is cold enough, those that were never used are.
    const filter = older_than === null ? { never_used: true } : { older_than };
    return [
      {
        from: label,
        to,
        from_keys: values.filter((value) => value !== null),
        to_key: collection.cold_partition!,
        rows: wanted,
        filter,
      },
    ];
  });
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
