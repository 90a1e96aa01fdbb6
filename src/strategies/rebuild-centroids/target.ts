/** An index that is to be built anew, and how. */
import type { Plan } from "../../model/action.ts";

export interface Target {
  readonly index: string;
  readonly oid: string;
  readonly heap: string;
  /**
   * beside: exchanged for a new one, and back. Parts of a partitioned table's index: whole, all of
   * them together, or in_place, tried out beside, then REINDEX.
   */
  readonly way: "beside" | "in_place" | "whole";
  /**
   * The partitioned table's index that it is a part of, where all its parts are exchanged together.
   */
  readonly whole: { readonly oid: string; readonly index: string } | null;
  readonly lists_before: number;
  /** Numbers of lists to try, the first one that keeps the recall stays. */
  readonly lists: readonly number[];
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
