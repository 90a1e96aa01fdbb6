/**
 * Memory pressure and index fragmentation slow the query paths: they act on the links between the
 * partitions and the hub. That witness meets none of the count rules, so that the metric rules
 * decide.
 */
import type { Configuration } from "../../model/configuration.ts";
import { toCurve } from "../../configuration/validate.ts";
import type { Metrics } from "../../model/problem.ts";
import { type MeasuredHealth } from "../../graph/contracted.ts";
import { fragmentationPct } from "../fragmentation/expected.ts";
import { health } from "../../graph/health.ts";
import type { IndexMeasurement } from "../collect/fragmentation.ts";
import type { Snapshot } from "../snapshot.ts";
import { memoryUsage } from "./memory.ts";

/** Fragmentation of the worst index in percent: pushed before measured. */
function fragmentation({ pushed, indexes }: Snapshot): number | null {
  if (pushed.index_fragmentation_pct !== undefined) return pushed.index_fragmentation_pct;
  const known = indexes
    .map(({ fragmentation_pct }) => fragmentation_pct)
    .filter((value): value is number => value !== null);
  return known.length > 0 ? Math.max(...known) : null;
}

/** Health of the way between the partitions and the hub; null: neither is measured. */
export function pathHealth(snapshot: Snapshot, configuration: Configuration): MeasuredHealth {
  const known = [
    health(memoryUsage(snapshot), toCurve(configuration.memory_pct, "linear")),
    health(fragmentation(snapshot), toCurve(configuration.fragmentation_pct, "linear")),
  ].filter((value): value is number => value !== null);
  return known.length > 0 ? Math.min(...known) : null;
}

/**
 * What a rebuild gives back in percent; fragmentation is less where a btree would split its pages
 * again.
 */
const givenBack = ({ bytes, expected_bytes, fragmentation_pct }: IndexMeasurement): number =>
  expected_bytes === null ? (fragmentation_pct ?? 0) : fragmentationPct(bytes, expected_bytes);

/**
 * Indexes above the point where fragmentation begins to count: those first that give back most, the
 * larger first where equal.
 */
export const fragmentedIndexes = (
  { indexes }: Snapshot,
  { fragmentation_pct: [fine] }: Configuration,
): readonly IndexMeasurement[] =>
  indexes
    .filter((one) => one.fragmentation_pct !== null && one.fragmentation_pct > fine)
    .sort((a, b) => givenBack(b) - givenBack(a) || b.bytes - a.bytes);

type PathMetrics = Pick<
  Metrics,
  "index_fragmentation_pct" | "fragmented_indexes" | "index_fragmentation"
>;

export function pathMetrics(snapshot: Snapshot, configuration: Configuration): PathMetrics {
  const fragmented = fragmentedIndexes(snapshot, configuration);
  return {
    index_fragmentation_pct: fragmentation(snapshot),
    fragmented_indexes: snapshot.pushed.fragmented_indexes ?? fragmented.map(({ index }) => index),
    // Samples are kept by the thousand: the worst are enough of them.
    index_fragmentation: fragmented
      .slice(0, 10)
      .map(({ index, fragmentation_pct, bytes, expected_bytes, source }) => ({
        index,
        fragmentation_pct,
        bytes,
        expected_bytes,
        source,
      })),
  };
}
