/** The recall that is due of a vector index. Pure. */
import type { DueSource } from "../model/recall.ts";
import type { Configuration } from "../model/configuration.ts";
import { type IndexMeasurement, sameDepth, type TrialMeasurement } from "./vector-index.ts";

export interface Due {
  readonly recall: number;
  readonly from: DueSource;
}

/**
 * Standard errors that a trial must be above: it is a sample, and it is searched for other rows
 * than the index itself.
 */
const TRIAL_ERRORS = 2;

/** What a fresh build attains at least, with these probes; null: not tried with them. */
export const attainable = (
  trial: TrialMeasurement | null,
  measured: Pick<IndexMeasurement, "probes" | "iterative" | "k">,
): number | null =>
  trial !== null && sameDepth(trial, measured)
    ? Math.max(0, trial.recall - TRIAL_ERRORS * trial.recall_error)
    : null;

/**
 * What somebody set; else the best this index had, or what a fresh build attains where that is
 * more: an index that was bad from the beginning is sick.
 * @param best measured with the probes in effect; null: nothing was
 */
export function dueOf(
  { recall_target }: Pick<Configuration, "recall_target">,
  measured: IndexMeasurement | null,
  best: number | null,
  trial: TrialMeasurement | null,
): Due | null {
  if (recall_target > 0) return { recall: recall_target, from: "target" };
  const fresh = measured && attainable(trial, measured);
  if (fresh !== null && fresh > (best ?? 0)) return { recall: fresh, from: "fresh_build" };
  return best === null ? null : { recall: best, from: "best" };
}
