/** An index that is to be built anew, and how. */
import type { Plan } from "../../model/action.ts";
import { count } from "../../base/text.ts";

/** Storage parameters: lists, or m and ef_construction. */
export type BuildOptions = Readonly<Record<string, number>>;

export interface Target {
  readonly index: string;
  readonly oid: string;
  readonly heap: string;
  /**
   * beside: exchanged for a new one, and back. Parts of a partitioned table's index: whole, all of
   * them together, or in_place, tried out beside, then REINDEX. repair: INVALID, REINDEX.
   */
  readonly way: "beside" | "in_place" | "whole" | "repair";
  /**
   * The partitioned table's index that it is a part of, where all its parts are exchanged together.
   */
  readonly whole: { readonly oid: string; readonly index: string } | null;
  readonly lists_before: number;
  /** Numbers of lists to try, the first one that keeps the recall stays; none for hnsw. */
  readonly lists: readonly number[];
  /** The same for hnsw, as storage parameters; left out: the lists say it all. */
  readonly options?: readonly BuildOptions[];
  /** The recall that the new one must find to be exchanged; left out: more than the old one. */
  readonly due?: number;
  /** What a trial of it found, and the blocks that a search by it read; left out: none was made. */
  readonly foreseen?: { readonly recall: number; readonly blocks: number | null };
  readonly rows: number;
  readonly bytes: number;
  /** maintenance_work_mem that the build needs at most; null: not known. */
  readonly memory_bytes: number | null;
  readonly recall: number | null;
  readonly skew: number | null;
  readonly command: string;
  readonly build_seconds: number;
}

export interface RebuildPlan extends Plan {
  readonly targets: readonly Target[];
}

/** What each attempt is built with. */
export const attemptsOf = ({ lists, options }: Target): readonly BuildOptions[] =>
  options ?? lists.map((one) => ({ lists: one }));

/** "40 lists", "m = 16, ef_construction = 64" */
export const optionsText = (options: BuildOptions): string => {
  const { lists, ...others } = options;
  return lists === undefined
    ? Object.entries(others)
        .map(([name, value]) => `${name} = ${value}`)
        .join(", ") || "the same parameters"
    : count(lists, "list");
};
