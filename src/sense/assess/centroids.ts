/**
 * The lists of each IVF index are a group: a list that is too full is a sick member, an index whose
 * recall fell a sick group.
 */
import type { CentroidGroup } from "../vector-index.ts";
import type { Configuration } from "../../model/configuration.ts";
import { toCurve } from "../../configuration/validate.ts";
import type { Metrics, RecallMetric } from "../../model/problem.ts";
import {
  type GroupDescription,
  MAX_CENTROIDS_PER_GRAPH,
  type MemberDescription,
} from "../../graph/contracted.ts";
import { health } from "../../graph/health.ts";
import { beyondAttained, splittableRows } from "../lists.ts";
import type { Snapshot } from "../snapshot.ts";

/** A node of the graph: one list, or a range of them where there are too many for the graph. */
interface Range {
  readonly id: string;
  readonly label: string;
  readonly rows: number;
  /**
   * Rows of its fullest list over the mean list of the index; null: none of its lists was measured.
   */
  readonly occupancy: number | null;
  /**
   * Rows of the list that has most rows that could be elsewhere, and those over the mean; null:
   * none was measured.
   */
  readonly splittable: number;
  readonly judged: number | null;
}

/**
 * Only IVF indexes: an hnsw index has no parts that could be told apart, and a group of one node
 * among several would meet no rule of the classifier. Its recall is measured and shown all the same
 * (metrics.recall).
 */
const ivf = ({ centroids }: Snapshot): readonly CentroidGroup[] =>
  centroids.filter(({ method }) => method === "ivfflat");

function ranges(group: CentroidGroup, nodes: number): Range[] {
  const { index, lists, measured } = group;
  const known = measured?.lists?.rows ?? [];
  const could = splittableRows(measured?.lists ?? null);
  const mean = measured ? measured.rows / lists : 0;
  return Array.from({ length: nodes }, (_, place) => {
    const first = Math.floor((place * lists) / nodes);
    const last = Math.floor(((place + 1) * lists) / nodes) - 1;
    const rows = known.slice(first, last + 1);
    return {
      id: `centroid:${index}:${first}`,
      label: labelOf(group, first, last),
      rows: rows.reduce((sum, one) => sum + one, 0),
      occupancy: rows.length > 0 && mean > 0 ? Math.max(...rows) / mean : null,
      splittable: Math.max(0, ...could.slice(first, last + 1)),
      judged: rows.length > 0 && mean > 0 ? Math.max(...could.slice(first, last + 1)) / mean : null,
    };
  });
}

/** Sampled lists have no number: they are called by their place, the fullest first. */
function labelOf({ index, measured }: CentroidGroup, first: number, last: number): string {
  if (measured?.lists?.source === "sampled")
    return first === last
      ? `${index} list of rank ${first + 1}`
      : `${index} lists of rank ${first + 1}-${last + 1}`;
  return first === last ? `${index} list ${first}` : `${index} lists ${first}-${last}`;
}

/** Nodes that each index gets in the graph. */
function nodesOf(snapshot: Snapshot): (group: CentroidGroup) => number {
  const share = Math.max(
    1,
    Math.floor(MAX_CENTROIDS_PER_GRAPH / Math.max(1, ivf(snapshot).length)),
  );
  return ({ lists }) => Math.min(lists, share);
}

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
 * Health of an index's recall against its baseline; null: not measured.
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

export function centroidGroups(
  snapshot: Snapshot,
  configuration: Configuration,
): GroupDescription[] {
  const nodes = nodesOf(snapshot);
  const pushed = snapshot.pushed.centroid_occupancy;
  const curve = toCurve(configuration.list_occupancy, "log");
  return ivf(snapshot).map((group) => {
    return {
      kind: "centroid",
      hubHealth: recallHealth(group, configuration),
      members: ranges(group, nodes(group)).map(
        ({ id, label, rows, judged, splittable }): MemberDescription => {
          // As with partitions: a handful of rows is always skewed.
          const small = judged !== null && splittable < configuration.min_rows_for_list;
          return {
            id,
            label,
            mass: rows,
            health:
              pushed?.[id] === undefined && small
                ? 1
                : health(
                    pushed?.[id] ?? (judged && beyondAttained(judged, group, curve.fine)),
                    curve,
                  ),
          };
        },
      ),
    };
  });
}

type CentroidMetrics = Pick<Metrics, "centroid_occupancy" | "recall">;

/**
 * Occupancy of the lists that stand out, and of the fullest one of each index: a sample every few
 * seconds must not carry them all.
 */
export function centroidMetrics(snapshot: Snapshot, configuration: Configuration): CentroidMetrics {
  const nodes = nodesOf(snapshot);
  const occupancy: Record<string, number> = {};
  for (const group of ivf(snapshot)) {
    const known = ranges(group, nodes(group)).filter(
      (range): range is Range & { occupancy: number } => range.occupancy !== null,
    );
    const most = Math.max(...known.map((range) => range.occupancy));
    for (const { id, occupancy: value } of known)
      if (value === most || value > configuration.list_occupancy[0]) occupancy[id] = value;
  }
  return {
    centroid_occupancy: { ...occupancy, ...snapshot.pushed.centroid_occupancy },
    recall: Object.fromEntries(
      snapshot.centroids.flatMap(({ index, measured, baseline }): [string, RecallMetric][] =>
        measured?.recall == null
          ? []
          : [
              [
                index,
                { recall: measured.recall, baseline, probes: measured.probes, k: measured.k },
              ],
            ],
      ),
    ),
  };
}
