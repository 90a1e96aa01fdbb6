/**
 * The lists of each IVF index are a group: a list that is too full is a sick member. Where one is,
 * the index is one sick thing: what its recall lost acts on the whole group, else on the index's
 * own node (vector-indexes.ts).
 */
import type { CentroidGroup } from "../vector-index.ts";
import type { Configuration } from "../../model/configuration.ts";
import { toCurve } from "../../configuration/validate.ts";
import type { Metrics } from "../../model/problem.ts";
import {
  type GroupDescription,
  MAX_CENTROIDS_PER_GRAPH,
  type MemberDescription,
} from "../../graph/contracted.ts";
import { health, HEALTH_AT_STRESS } from "../../graph/health.ts";
import { beyondAttained, splittableRows } from "../lists.ts";
import type { Snapshot } from "../snapshot.ts";
import { recallHealth } from "./recall-health.ts";

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

/** Only IVF indexes: an hnsw index has no parts that could be told apart. */
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

export function centroidGroups(
  snapshot: Snapshot,
  configuration: Configuration,
): GroupDescription[] {
  const nodes = nodesOf(snapshot);
  const pushed = snapshot.pushed.centroid_occupancy;
  const curve = toCurve(configuration.list_occupancy, "log");
  return ivf(snapshot).map((group) => {
    const members = ranges(group, nodes(group)).map(
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
    );
    return {
      kind: "centroid",
      hubHealth: overfull(members) ? recallHealth(group, configuration) : 1,
      members,
    };
  });
}

/** A list of it is a problem by itself. */
const overfull = (members: readonly MemberDescription[]): boolean =>
  members.some(({ health: own }) => own !== null && own < HEALTH_AT_STRESS);

/** IVF indexes whose lost recall acts on their lists. */
export function sickByLists(snapshot: Snapshot, configuration: Configuration): ReadonlySet<string> {
  const groups = centroidGroups(snapshot, configuration);
  return new Set(
    ivf(snapshot).flatMap(({ index }, place) => (overfull(groups[place]!.members) ? [index] : [])),
  );
}

type CentroidMetrics = Pick<Metrics, "centroid_occupancy">;

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
  };
}
