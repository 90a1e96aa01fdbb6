/** From the recall of a vector index to its health. */
import type { CentroidGroup } from "../vector-index.ts";
import type { Configuration } from "../../model/configuration.ts";
import { toCurve } from "../../configuration/validate.ts";
import { health } from "../../graph/health.ts";

/**
 * Standard errors by which recall must have fallen to count as lost. The baseline is the best of
 * many measurements, so that half of all later ones lie below it: 20 searches of an index that
 * finds half of the neighbours have a standard error of up to 0.11, and 0.53 after 0.57 read as
 * lambda 0.76.
 */
const RECALL_ERRORS = 2;

/**
 * No standard error is smaller than one search more that finds nothing would make it: two searches
 * that find eight of ten each have an error of 0 by their own figures, and on a busy machine the
 * time for a measurement (recall_budget_ms) may be over after two.
 */
const leastError = (samples: number): number => 1 / (samples + 2);

/**
 * Health of an index's recall against what is due; null: not measured.
 * @param errors standard errors in its favour; 0 where indexes are compared with each other
 */
export function recallHealth(
  { measured, baseline }: CentroidGroup,
  configuration: Configuration,
  errors = RECALL_ERRORS,
): number | null {
  if (measured?.recall == null || baseline === null || baseline <= 0) return null;
  const error =
    measured.recall_error === undefined
      ? 0
      : Math.max(measured.recall_error ?? 0, leastError(measured.samples));
  const most = Math.min(1, measured.recall + errors * error);
  return health(most / baseline, toCurve(configuration.recall, "linear"));
}
