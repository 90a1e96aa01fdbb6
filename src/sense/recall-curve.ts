/**
 * What an index finds, and what a search costs, at several values of the setting that pgvector
 * trades one against the other by: hnsw.ef_search, ivfflat.probes.
 */
import { SqlError } from "../base/errors.ts";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import { notTraffic } from "./activity/activity.ts";
import { type MeasuredAs, measureIndex } from "./collect/measure-index.ts";
import { whyNot } from "./collect/unreadable-index.ts";

/**
 * Rows searched for with a filter, at least: by 20 of them a value was chosen that found 1, and
 * 0.92 where 0.988 was due when more were looked at.
 */
export const SAMPLES = 60;

/**
 * Without one, where they are cheaper: by 60, with a standard error of 0.02, ef_search 50 was
 * chosen at 1, and then found 0.93. The least that seems to do is the luckiest.
 */
export const CURVE_SAMPLES = 200;

/** pgvector's limits of hnsw.ef_search and ivfflat.probes. */
const MOST = { hnsw: 1000, ivfflat: 32_768 } as const;

export interface CurvePoint {
  /** hnsw.ef_search or ivfflat.probes. */
  readonly value: number;
  /** recall@k at it. */
  readonly recall: number;
  readonly recall_error: number;
  /** Mean blocks of a search; null: not counted (track_counts is off). */
  readonly blocks: number | null;
  /** Mean milliseconds. */
  readonly ms: number | null;
  /** Mean rows that a search for k returns; fewer than k where dead rows take their place. */
  readonly returned: number | null;
  /** The planner takes the index at it, for the table's owner. */
  readonly taken: boolean;
}

export interface RecallCurve {
  readonly points: readonly CurvePoint[];
  /** A point of the same searches at any other value. */
  readonly at: (value: number) => CurvePoint | null;
}

/** The index, as far as its curve goes by it. */
export interface CurveIndex {
  readonly oid: string;
  readonly method: "ivfflat" | "hnsw";
  readonly lists: number;
  /** The value in effect. */
  readonly probes: number;
}

/** Twice as deep at each step; the value in effect is one of them. Five to seven. */
export function valuesOf({ method, lists, probes }: CurveIndex): readonly number[] {
  const most = method === "hnsw" ? MOST.hnsw : Math.max(1, Math.min(MOST.ivfflat, lists));
  const now = Math.min(most, probes);
  const values = [now];
  for (let up = 2 * now; up < most && values.length < 5; up *= 2) values.push(up);
  values.push(most);
  for (let down = Math.floor(now / 2); down >= 1 && values.length < 7; down = Math.floor(down / 2))
    values.push(down);
  return [...new Set(values)].sort((a, b) => a - b);
}

/**
 * The neighbours are searched exactly once, at the deepest value: the others are held against the
 * same distances. Of a table larger than recall_max_rows the deepest search itself is what the
 * others are held against, and its own recall, from a sample of blocks, scales them.
 */
export function recallCurve(
  host: Host,
  collection: Collection,
  index: CurveIndex,
): RecallCurve | { readonly why: string } {
  const { recall_k: k, recall_budget_ms } = collection.settings;
  const samples = Math.max(CURVE_SAMPLES, collection.settings.recall_samples);
  // A person or a plan waits for it: ten measurements, each with the loop's own time.
  const measured = (probes: number, kth: readonly number[] | null) =>
    unlessBarred(host, () =>
      notTraffic(host, collection, () =>
        measureIndex(host, collection, index.oid, {
          k,
          samples,
          probes,
          budget_ms: 10 * recall_budget_ms,
          occupancy: false,
          cost: true,
          ...(kth && { exact: false, kth }),
        }),
      ),
    );
  const values = valuesOf(index);
  const deepest = values[values.length - 1]!;
  const last = measured(deepest, null);
  if ("why" in last) return last;
  if (last.recall === null) return { why: "it has no rows to search for" };
  const scale = last.share >= 1 ? 1 : last.recall;
  const at = (value: number): CurvePoint | null => {
    const found = measured(value, last.kth);
    return "why" in found ? null : pointOf(value, found, scale);
  };
  return {
    points: values.flatMap((value) => {
      const point = value === deepest ? pointOf(value, last, 1) : at(value);
      return point ? [point] : [];
    }),
    at,
  };
}

/**
 * A table that is locked or may not be read is no error of a plan, nor of a look at a lease: it
 * would end the tick of its collection.
 */
function unlessBarred<T>(host: Host, measure: () => T): T | { readonly why: string } {
  try {
    return measure();
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { why: whyNot(host, error) };
  }
}

const pointOf = (
  value: number,
  found: MeasuredAs<{ cost: true } & Parameters<typeof measureIndex>[3]>,
  scale: number,
): CurvePoint => ({
  value,
  recall: scale * (found.recall ?? 0),
  recall_error: found.recall_error ?? 0,
  blocks: found.search_blocks ?? null,
  ms: found.index_ms,
  returned: found.returned,
  taken: found.takes === found.index_name,
});
