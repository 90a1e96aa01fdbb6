/**
 * Each vector index is a node beside the partitions, as healthy as what it finds is near to what is
 * due. One that is INVALID finds nothing.
 */
import type { Configuration } from "../../model/configuration.ts";
import type { Metrics } from "../../model/problem.ts";
import type { RecallMetric, SearchMetric } from "../../model/recall.ts";
import type { LeafDescription } from "../../graph/contracted.ts";
import type { Snapshot } from "../snapshot.ts";
import { costHealth } from "../cost.ts";
import type { CentroidGroup, FilteredSearch } from "../vector-index.ts";
import { sickByLists } from "./centroids.ts";
import { lostSearches, recallHealth, searchHealth } from "./recall-health.ts";

/** With all else the graph stays below 1,000 nodes: of more indexes the worst are its nodes. */
const MAX_INDEXES = 128;

/**
 * In stress, and not critical: no search is worse than before it was made, while every write keeps
 * it.
 */
const INVALID = 0.5;

/** What it finds, and what that costs; null: not measured. */
function indexHealth(group: CentroidGroup, configuration: Configuration): number | null {
  const found = recallHealth(group, configuration);
  const cost = costHealth(group, configuration);
  return cost !== null && cost < 1 ? Math.min(found ?? 1, cost) : found;
}

export function indexLinks(snapshot: Snapshot, configuration: Configuration): LeafDescription[] {
  const lists = sickByLists(snapshot, configuration);
  const lost = lostSearches(snapshot.searches, configuration);
  return [
    ...snapshot.centroids.map((group): LeafDescription => {
      const { index, measured } = group;
      const found = indexHealth(group, configuration);
      const own = found !== null && lists.has(index) ? 1 : found;
      // The worst first.
      const filtered = lost.find((one) => one.measured!.indexes.includes(index));
      const health = filtered ? Math.min(own ?? 1, searchHealth(filtered, configuration)!) : own;
      return { id: `vector_index:${index}`, label: index, mass: measured?.rows ?? 0, health };
    }),
    ...snapshot.invalid_indexes.map(({ index, rows }): LeafDescription => ({
      id: `vector_index:${index}`,
      label: index,
      mass: rows,
      health: INVALID,
    })),
  ]
    .sort((a, b) => (a.health ?? 1) - (b.health ?? 1))
    .slice(0, MAX_INDEXES);
}

type IndexMetrics = Pick<
  Metrics,
  "recall" | "invalid_indexes" | "incomplete_indexes" | "filtered_searches" | "unused_indexes"
>;

export const indexMetrics = (
  { centroids, invalid_indexes, incomplete_indexes, searches, unused_indexes }: Snapshot,
  configuration: Configuration,
): IndexMetrics => ({
  ...(incomplete_indexes.length > 0 && { incomplete_indexes }),
  ...(unused_indexes.length > 0 && { unused_indexes }),
  ...(searches.length > 0 && { filtered_searches: searches.flatMap(searchMetric) }),
  ...(invalid_indexes.length > 0 && { invalid_indexes: invalid_indexes.map(({ index }) => index) }),
  recall: Object.fromEntries(
    centroids.flatMap((group): [string, RecallMetric][] => {
      const { index, measured, baseline, due_from, due_blocks, vacuum } = group;
      if (measured?.recall == null) return [];
      // Where what they find is the worse of both, that is what is wrong.
      const isDear =
        (costHealth(group, configuration) ?? 1) < (recallHealth(group, configuration) ?? 1);
      return [
        [
          index,
          {
            recall: measured.recall,
            baseline,
            due_from,
            probes: measured.probes,
            k: measured.k,
            blocks: measured.search_blocks ?? null,
            ms: measured.index_ms,
            ...(isDear && { due_blocks: due_blocks! }),
            ...vacuum,
          },
        ],
      ];
    }),
  ),
});

const searchMetric = ({ search, text, method, measured, due }: FilteredSearch): SearchMetric[] =>
  measured === null
    ? []
    : [
        {
          search: text,
          k: search.k,
          indexes: measured.indexes.slice(0, 10),
          recall: measured.recall,
          returned: measured.returned,
          asked: measured.asked,
          matches: measured.matches,
          due,
          blocks: measured.blocks,
          ms: measured.ms,
          settings: Object.fromEntries(
            Object.entries(measured.settings).filter(([name]) => name.startsWith(`${method}.`)),
          ),
        },
      ];
