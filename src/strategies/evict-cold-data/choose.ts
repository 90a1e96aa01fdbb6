/** Which rows evict_cold_data moves, and where to. */
import * as z from "zod/mini";
import type { Collection } from "../../model/collection.ts";
import { short } from "../../base/text.ts";
import { workingPartitions } from "../../sense/assess.ts";
import { memoryUsage, workingSet } from "../../sense/assess/memory.ts";
import type { PartitionMeasurement } from "../../sense/collect/partitions.ts";
import type { Snapshot } from "../../sense/snapshot.ts";
import type { Move } from "../moving-rows/carry-out.ts";
import type { NothingToDo, PlanRequest } from "../strategy.ts";
import { type Coldest, coldest } from "./coldest.ts";
import { type NewPartition, planColdPartition } from "./cold-partition.ts";

export const PARAMS = () => ({
  max_moves: z.optional(z.int().check(z.gte(1), z.lte(1_000_000_000))),
  share: z.optional(z.number().check(z.gt(0), z.lte(1))),
});

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

export type Request = PlanRequest<typeof PARAMS>;

/** The rows that go, and where to. */
export interface Chosen {
  readonly share: number;
  readonly sources: readonly PartitionMeasurement[];
  /** undefined: it is not there yet. */
  readonly cold: PartitionMeasurement | undefined;
  readonly make: NewPartition | null;
  readonly label: string;
  readonly moves: readonly Move[];
  readonly rows: number;
}

export function choose(
  { host, collection, snapshot, params }: Request,
  most: number,
): Chosen | NothingToDo {
  const share = params.share ?? wantedShare(snapshot, collection.settings.memory_pct[0]);
  if (typeof share !== "number") return share;
  const cold = snapshot.partitions.find((one) => one.cold);
  const make = cold ? null : planColdPartition(host, collection);
  if (make && "nothing" in make) return make;
  const label = cold?.label ?? make!.label;
  const sources = workingPartitions(snapshot.partitions).filter(
    ({ rows, kind, values }) => rows > 0 && kind === "r" && values.some((value) => value !== null),
  );
  const access = collection.access_column!;
  const found = coldest(host.asOwner(collection.relid, "keys"), access, sources, share);
  const moves = movesOf(collection, sources, found, label, most);
  const rows = moves.reduce((sum, move) => sum + move.rows, 0);
  if (rows === 0) {
    return {
      nothing: "no row can be told to be colder than the others by " + access.name,
      hint: "It must differ from row to row: keep a time of last use in it.",
    };
  }
  return { share, sources, cold, make, label, moves, rows };
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
