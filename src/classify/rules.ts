/**
 * The classifier's rules, in the order in which they decide. Each looks at the weak witness edges
 * or at a metric and returns its evidence whether it is met or not, so that a classification can be
 * explained by what it was not.
 *
 * A count rule cannot be met in a graph with too few nodes (four partitions have three links each).
 * There the share of a node's links decides instead, and the evidence says so: it is met at 1.0,
 * when everything that could be weak is.
 */
import type { EdgeType, NodeType, WitnessEdge } from "../model/graph.ts";
import type { Metrics, ProblemClass, RuleEvidence } from "../model/problem.ts";
import type { Topology } from "../graph/topology.ts";
import { degrees, touched } from "../graph/witness.ts";
import { stressOf } from "./findings.ts";

export interface RuleInput {
  /** Only the weak ones. */
  readonly weak: readonly WitnessEdge[];
  readonly metrics: Metrics;
  readonly topology: Topology | undefined;
}

export type Rule = (input: RuleInput) => RuleEvidence;

/** Thresholds of the count rules (met above); those of the metric rules are their curves'. */
export const LIMITS = {
  partition_links: 3,
  centroid_nodes: 5,
  replication_edges: 0,
  dependencies: 2,
  vector_indexes: 0,
} as const;

/**
 * Largest group in which the count rule cannot be met: the share rule holds up to here. A node has
 * one link fewer than its group has members.
 */
const SMALL = {
  partitions: LIMITS.partition_links + 1,
  centroids: LIMITS.centroid_nodes,
  maintenance: LIMITS.dependencies + 1,
} as const;

interface Share {
  /** 0 to 1; 1 meets the rule. */
  readonly share: number;
  readonly note: string;
}

const countEvidence = (
  rule: string,
  problem: ProblemClass,
  measured: number,
  limit: number,
): RuleEvidence => ({
  rule,
  class: problem,
  met: measured > limit,
  measured,
  threshold: limit,
  inclusive: false,
  missing: Math.max(0, limit + 1 - measured),
});

const shareEvidence = (
  rule: string,
  problem: ProblemClass,
  { share, note }: Share,
): RuleEvidence => ({
  rule: `${rule}_share`,
  class: problem,
  met: share >= 1,
  measured: share,
  threshold: 1,
  inclusive: true,
  missing: Math.max(0, 1 - share),
  note,
});

/** The count rule decides; where it is not met and cannot be met, the share does. */
function countOrShare(
  rule: string,
  problem: ProblemClass,
  measured: number,
  limit: number,
  share: Share | null,
): RuleEvidence {
  const byCount = countEvidence(rule, problem, measured, limit);
  return byCount.met || share === null ? byCount : shareEvidence(rule, problem, share);
}

function metricEvidence(
  rule: string,
  problem: ProblemClass,
  value: number | null,
  limit: number,
): RuleEvidence {
  const measured = value === null || Number.isNaN(value) ? null : value;
  const evidence = { rule, class: problem, threshold: limit, inclusive: false };
  if (measured === null)
    return { ...evidence, met: false, measured, missing: null, note: "not measured" };
  const met = measured > limit;
  const missing = Math.max(0, limit - measured);
  if (measured === limit)
    return {
      ...evidence,
      met,
      measured,
      missing,
      note: "exactly at the limit; the rule wants more",
    };
  return { ...evidence, met, measured, missing };
}

/**
 * Largest share of its own links of `edgeType` that a node has among the weak edges; null when none
 * is there.
 */
function bestShare(
  { weak, topology }: RuleInput,
  edgeType: EdgeType,
  nodeType: NodeType,
  /**
   * null: the node's group is large enough for the count rule. Otherwise how many links a node of
   * it has by construction.
   */
  linksOf: (id: string) => number | null,
): { readonly weak: number; readonly links: number } | null {
  let best: { weak: number; links: number } | null = null;
  const ofType = weak.filter((edge) => edge.type === edgeType);
  for (const [id, n] of degrees(ofType, nodeType)) {
    const built = linksOf(id);
    if (built === null) continue;
    const links = topology?.links?.get(id)?.[edgeType] ?? built;
    if (best === null || n * best.links > best.weak * links)
      best = { weak: Math.min(n, links), links };
  }
  return best;
}

/** Size of a node's group; a node linked to none of its kind belongs to the whole of its kind. */
function groupSize(topology: Topology, id: string, all: number): number {
  const own = topology.groups?.get(id)?.length ?? 0;
  return own > 1 ? own : all;
}

const hotspot: Rule = (input) => {
  const measured = input.weak.filter((edge) => edge.type === "partition_link").length;
  // The graph's own number where the caller gives it: collectors may know of partitions that the
  // graph leaves out.
  const partitions = input.topology?.partitions || input.metrics.partitions.length;
  let share: Share | null = null;
  if (partitions >= 2 && partitions <= SMALL.partitions) {
    const best = bestShare(input, "partition_link", "partition", () => partitions - 1) ?? {
      weak: 0,
      links: partitions - 1,
    };
    share = {
      share: best.weak / best.links,
      note:
        `${partitions} partitions are too few for more than ${LIMITS.partition_links} ` +
        "partition links at one of them: " +
        `the share of a partition's links decides (${best.weak} of ${best.links} weak and in ` +
        "the cut)",
    };
  }
  return countOrShare(
    "partition_links",
    "hotspot_congestion",
    measured,
    LIMITS.partition_links,
    share,
  );
};

const skew: Rule = (input) => {
  const nodes = touched(input.weak, "centroid");
  return countOrShare(
    "centroid_nodes",
    "centroid_skew",
    nodes.size,
    LIMITS.centroid_nodes,
    centroidShare(input, nodes),
  );
};

/**
 * In an index of at most five centroids: all its centroids are at weak edges (what one sick
 * centroid of a clique and an index cut off as a whole have in common), or all links of one
 * centroid are weak.
 */
function centroidShare(input: RuleInput, nodes: ReadonlySet<string>): Share | null {
  const { topology } = input;
  if (!topology || topology.centroids < 1) return null;
  let best: { share: number; text: string } | null = null;
  const offer = (part: number, whole: number, what: string): void => {
    const share = whole > 0 ? Math.min(1, part / whole) : 0;
    if (best === null || share > best.share)
      best = { share, text: `${Math.min(part, whole)} of ${whole} ${what}` };
  };
  const small = (id: string): boolean =>
    groupSize(topology, id, topology.centroids) <= SMALL.centroids;
  for (const id of nodes) {
    if (!small(id)) continue;
    const size = groupSize(topology, id, topology.centroids);
    const group = topology.groups?.get(id);
    const weakOfGroup =
      group && group.length > 1 ? group.filter((member) => nodes.has(member)).length : nodes.size;
    offer(weakOfGroup, size, "centroids of the index at weak edges");
  }
  // A centroid is linked to the other members and to the hub: as many links as the group has
  // members.
  const links = bestShare(input, "routing_link", "centroid", (id) =>
    small(id) ? groupSize(topology, id, topology.centroids) : null,
  );
  if (links) offer(links.weak, links.links, "links of a centroid weak and in the cut");
  if (nodes.size === 0 && topology.centroids <= SMALL.centroids)
    offer(0, topology.centroids, "centroids of the index at weak edges");
  const chosen = best as { share: number; text: string } | null;
  return (
    chosen && {
      share: chosen.share,
      note:
        `an index with at most ${SMALL.centroids} centroids is too small for the count: the ` +
        `share decides (${chosen.text})`,
    }
  );
}

const lag: Rule = ({ weak }) =>
  countEvidence(
    "replication_edges",
    "replication_lag",
    weak.filter((edge) => edge.type === "replication").length,
    LIMITS.replication_edges,
  );

const contention: Rule = (input) => {
  const measured = input.weak.filter((edge) => edge.type === "dependency").length;
  return countOrShare(
    "dependencies",
    "maintenance_contention",
    measured,
    LIMITS.dependencies,
    maintenanceShare(input),
  );
};

/** In a maintenance group of at most three nodes: all dependency links of one of them. */
function maintenanceShare(input: RuleInput): Share | null {
  const { topology } = input;
  if (!topology || topology.maintenance < 1) return null;
  const linksOf = (id: string): number | null => {
    const size = groupSize(topology, id, topology.maintenance);
    return size <= SMALL.maintenance ? Math.max(1, size - 1) : null;
  };
  let best = bestShare(input, "dependency", "maintenance_dep", linksOf);
  if (best === null) {
    if (topology.maintenance > SMALL.maintenance) return null;
    best = { weak: 0, links: Math.max(1, topology.maintenance - 1) };
  }
  return {
    share: best.weak / best.links,
    note:
      `a maintenance group of at most ${SMALL.maintenance} nodes is too small for the count: ` +
      `the share of a node's dependency links decides (${best.weak} of ${best.links} weak ` +
      "and in the cut)",
  };
}

const recall: Rule = ({ weak }) =>
  countEvidence(
    "vector_indexes",
    "recall_loss",
    touched(weak, "vector_index").size,
    LIMITS.vector_indexes,
  );

const memory: Rule = ({ metrics }) =>
  metricEvidence(
    "memory_usage_pct",
    "memory_pressure",
    metrics.memory_usage_pct,
    stressOf(metrics, "memory_pct"),
  );

const fragmentation: Rule = ({ metrics }) =>
  metricEvidence(
    "index_fragmentation_pct",
    "index_fragmentation",
    metrics.index_fragmentation_pct,
    stressOf(metrics, "fragmentation_pct"),
  );

/** In order of precedence: the first one met names the problem. */
export const RULES: readonly Rule[] = [
  ...[hotspot, skew, lag, contention],
  ...[recall, memory, fragmentation],
];
