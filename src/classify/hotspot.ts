/** Which partitions are hot, by which figure, and what that does. */
import type { WitnessEdge } from "../model/graph.ts";
import type { LoadFigure, Metrics, PartitionLoad } from "../model/problem.ts";
import { count, list, percent, short } from "../base/text.ts";
import { sickEnds, worstHealth } from "../graph/witness.ts";
import {
  fineOf,
  type Findings,
  type Finding,
  capitalized,
  verb,
  measured,
  highest,
  ranked,
  inverseHealth,
} from "./findings.ts";

/**
 * A partition that carries this much of the hottest one's load keeps lambda down after the hottest
 * one is healed.
 */
const AS_HOT = 0.75;

/**
 * The hot partitions: the sick ends of the weak partition links, and beside them every partition
 * that carries as much. The minimum cut shows only the worst of several hot partitions; healing
 * that one alone would leave lambda where the next one holds it, so those with at least three
 * quarters of its load (and more than is fine) are named as well. Loads that are not judged accuse
 * nobody.
 */
function hotPartitions(weak: readonly WitnessEdge[], metrics: Metrics): readonly string[] {
  const loads = new Map<string, PartitionLoad>(
    metrics.partitions
      .filter(({ judged }) => judged !== false)
      .map((partition) => [partition.id, partition]),
  );
  const load = (id: string): number | null => measured(loads.get(id)?.load_ratio);
  const hot = new Set(
    sickEnds(
      weak.filter((edge) => edge.type === "partition_link"),
      "partition",
      load,
    ),
  );
  const peak = highest([...hot], load);
  const loaded = fineOf(metrics, "partition_load");
  if (peak !== null && peak >= loaded) {
    for (const [id] of loads) if ((load(id) ?? 0) >= Math.max(loaded, AS_HOT * peak)) hot.add(id);
  }
  return ranked([...hot], load);
}

/** What a partition does with the figure it is hot by, for one and for more. */
const BURDEN: Readonly<Record<LoadFigure, readonly [string, string]>> = {
  rows: ["holds", "hold up to"],
  bytes: ["holds", "hold up to"],
  reads: ["takes", "take up to"],
  writes: ["takes", "take up to"],
};

export function hotspot({ weak, metrics, label }: Findings): Finding {
  const links = weak.filter((edge) => edge.type === "partition_link");
  const ids = hotPartitions(weak, metrics);
  const loads = new Map(
    metrics.partitions.map((partition) => [partition.id, partition.load_ratio]),
  );
  const ratio = highest(ids, (id) => measured(loads.get(id)));
  const figure = metrics.partitions.find(({ id }) => id === ids[0])?.hottest;
  const health = worstHealth(links, ids);
  const n = ids.length;
  const names = `${verb(n, "partition", "partitions")} ${list(ids.map(label))}`;
  const cut =
    `${count(links.length, "partition link")} of the minimum cut ` +
    `${verb(links.length, "is", "are")} weak`;
  const says =
    ratio === null
      ? `${names} ${verb(n, "keeps", "keep")} ${percent(health)} of ${verb(n, "its", "their")} ` +
        "link capacity (load not measured)"
      : `${names} ${BURDEN[figure ?? "rows"][n === 1 ? 0 : 1]} ${short(ratio)} times the mean ` +
        `${figure ?? "rows"}`;
  return {
    details: {
      class: "hotspot_congestion",
      partition_ids: ids,
      load_ratio: ratio ?? inverseHealth(health),
      ...(figure && { figure }),
    },
    summary: `${capitalized(says)}; ${cut}.`,
  };
}
