/** From the recall of a vector index to its health. */
import type { CentroidGroup, FilteredSearch } from "../vector-index.ts";
import type { Configuration } from "../../model/configuration.ts";
import { toCurve } from "../../configuration/validate.ts";
import { health, HEALTH_AT_STRESS } from "../../graph/health.ts";
import { type Found as Sampled, mayBeMore } from "../sampling.ts";

/** What both an index and a search with a filter have; rows, or those that match. */
interface Found extends Sampled {
  readonly rows?: number;
  readonly matches?: number;
}

/**
 * In favour of what was measured are the standard errors by which recall must have fallen to count
 * as lost, two of many searches. The baseline is the best of many measurements, so that half of all
 * later ones lie below it: 20 searches of an index that finds half of the neighbours have a
 * standard error of up to 0.11, and 0.53 after 0.57 read as lambda 0.76.
 * @param sure as measured, where indexes are compared with each other
 */
function shareHealth(
  measured: Found | null,
  due: number | null,
  configuration: Configuration,
  sure = true,
): number | null {
  if (measured?.recall == null || due === null || due <= 0) return null;
  const all = measured.rows ?? measured.matches ?? Infinity;
  const off = sure && measured.recall_error !== undefined ? mayBeMore(measured, all) : 0;
  const most = Math.min(1, measured.recall + off) / due;
  const curve = toCurve(configuration.recall, "linear");
  // The errors decide whether what is due is missed; how far is what was measured. By both 0.93 of
  // what is due read 0.79 and 0.85 in turn, and three in a row in stress did not come for days.
  return health(most < curve.stress ? measured.recall / due : most, curve);
}

/** Whether more searches would tell on which side of what is due an index is. */
export function isUndecided(
  measured: Found,
  due: number | null,
  configuration: Configuration,
): boolean {
  const most = shareHealth(measured, due, configuration);
  const own = shareHealth(measured, due, configuration, false);
  return most !== null && own !== null && own < 1 && most >= HEALTH_AT_STRESS;
}

/** Health of an index's recall against what is due; null: not measured. */
export const recallHealth = (
  { measured, baseline }: CentroidGroup,
  configuration: Configuration,
  sure = true,
): number | null => shareHealth(measured, baseline, configuration, sure);

/** Rows that are not returned are not found: recall counts both. null: nothing to judge. */
export const searchHealth = (
  { measured, due }: FilteredSearch,
  configuration: Configuration,
): number | null => shareHealth(measured, due, configuration);

/** Whether a measurement of a search finds what is due, as it would be judged by. */
export const searchFinds = (measured: Found, due: number, configuration: Configuration): boolean =>
  (shareHealth(measured, due, configuration) ?? 1) >= 1;

/** Searches with filters that find less than is due, the worst first. */
export const lostSearches = (
  searches: readonly FilteredSearch[],
  configuration: Configuration,
): readonly FilteredSearch[] =>
  searches
    .map((search) => ({ search, health: searchHealth(search, configuration) ?? 1 }))
    .filter(({ search, health: own }) => own < 1 && search.measured!.indexes.length > 0)
    .sort((a, b) => a.health - b.health)
    .map(({ search }) => search);
