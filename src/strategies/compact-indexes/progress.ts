/** Where compact_indexes stands in its plan, and what came of it. */
import type { Progress } from "../../model/action.ts";
import { bytes as bytesText, count } from "../../base/text.ts";
import type { BatchContext, BatchResult } from "../strategy.ts";
import type { Target } from "./indexes.ts";
import type { CompactPlan, PlannedIndex } from "./plan.ts";

export interface CompactProgress extends Progress {
  /** Index of the plan at work. */
  readonly place: number;
  readonly phase: "start" | "reindex" | "clean";
  /** The job under way, and how often this index was tried. */
  readonly job: string | null;
  readonly tries: number;
  readonly target: Target | null;
  readonly compacted: number;
  readonly results: readonly {
    readonly index: string;
    readonly bytes_before: number;
    readonly bytes_after: number;
  }[];
  readonly skipped: readonly { readonly index: string; readonly why: string }[];
  readonly note: string;
}

export type CompactContext = BatchContext<CompactPlan, CompactProgress>;

export type CompactResult = BatchResult<CompactProgress, Reindexed>;

/** A rebuild that a job was started for; what is left in its journal is only a note. */
export interface Reindexed {
  readonly kind: "reindex";
  readonly details: Target & {
    readonly job: string;
    readonly method: string;
    readonly bytes: number;
    readonly expected_bytes: number;
  };
  readonly journal: readonly string[];
}

export const START: CompactProgress = {
  place: 0,
  phase: "start",
  job: null,
  tries: 0,
  target: null,
  compacted: 0,
  results: [],
  skipped: [],
  note: "",
};

/**
 * A rebuild that gave back less of what was foreseen was for nothing: the estimate was off, and a
 * new index reads as fresh whatever its size.
 */
const LEAST_GIVEN = 0.25;

/**
 * What rebuilds that were for nothing gave back, in words; null: they were not, or nothing had been
 * foreseen (a person named them).
 */
export function gaveNothing(
  planned: readonly Pick<PlannedIndex, "index" | "bytes" | "expected_bytes">[],
  results: CompactProgress["results"],
): string | null {
  const done = results.flatMap(({ index, bytes_before, bytes_after }) =>
    planned
      .filter((one) => one.index === index)
      .map(({ bytes, expected_bytes }) => ({
        foreseen: bytes - expected_bytes,
        given: Math.max(0, bytes_before - bytes_after),
      })),
  );
  const foreseen = done.reduce((sum, one) => sum + one.foreseen, 0);
  const given = done.reduce((sum, one) => sum + one.given, 0);
  return foreseen > 0 && given < LEAST_GIVEN * foreseen
    ? `${count(done.length, "index rebuild")} gave back ${bytesText(given)} of the ` +
        `${bytesText(foreseen)} foreseen`
    : null;
}
