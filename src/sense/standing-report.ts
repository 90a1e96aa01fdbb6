/**
 * A report while it stands: what a sample needs of it, found once when it is pushed and kept beside
 * it. Read again with every tick it cost 620 to 750 ms at 1,000 nodes and 3,000 edges.
 */
import type { Host } from "../host/host.ts";
import type { ContractedGraph, EdgeType, Reading, WitnessEdge } from "../model/graph.ts";
import type { PushedMetrics } from "../model/measured.ts";
import { type Topology, topologyOf } from "../graph/topology.ts";
import { readPushed } from "../graph/reading.ts";
import { TooMuchEffort } from "../graph/mincut/index.ts";
import { HealingError } from "../base/errors.ts";
import { keepReport, reportWithin } from "../store/reports.ts";
import { parseReport, type Report } from "./report.ts";

export interface StandingReport {
  readonly metrics: PushedMetrics;
  /** null: the report pushes metrics only, and the reading is the measured one. */
  readonly reading: Reading | null;
  /** null: the report holds no graph, and the topology is that of the measured one. */
  readonly graph: {
    readonly nodes: number;
    readonly edges: number;
    readonly topology: Topology;
  } | null;
}

/**
 * Of the edges of a cut so many are kept, the weakest: each sample keeps them again. No healthy
 * link of them says anything, and no rule counts beyond five.
 */
const MOST_WITNESS = 1000;

/**
 * Arcs that may be looked at for the worst cut of a pushed graph: 10,000 nodes and 30,000 random
 * edges take 24 million, 3 s in QuickJS. Long rings and grids of random capacities take more than
 * this, and then minutes that nothing but a statement_timeout ends.
 */
const MOST_ARCS = 100_000_000;

/** The form below. What another version kept is found anew from the report. */
const FORM = 1;

/** As it is kept: maps as lists, because their keys are names of others. */
interface Kept {
  readonly form: number;
  readonly metrics: PushedMetrics;
  readonly reading: Reading | null;
  readonly graph: {
    readonly nodes: number;
    readonly edges: number;
    readonly partitions: number;
    readonly centroids: number;
    readonly maintenance: number;
    readonly groups: readonly [string, readonly string[]][];
    readonly links: readonly [string, Readonly<Partial<Record<EdgeType, number>>>][];
    readonly labels: readonly [string, string][];
  } | null;
}

/**
 * Checks a report and keeps what was found.
 * @throws HealingError RV001 naming the offending key and value
 */
export function acceptReport(host: Host, collectionId: number, input: unknown): StandingReport {
  const kept = keptOf(parseReport(input));
  keepReport(host, collectionId, kept);
  return standing(kept);
}

/** The last report while it is fresh, else null. */
export function freshReport(
  host: Host,
  collectionId: number,
  ttlSeconds: number,
): StandingReport | null {
  const row = reportWithin(host, collectionId, ttlSeconds, FORM);
  if (!row) return null;
  return standing(row.found === null ? keptOf(parseReport(row.report)) : (row.found as Kept));
}

/** The graph that a fresh report holds, else null. */
export function freshGraph(
  host: Host,
  collectionId: number,
  ttlSeconds: number,
): ContractedGraph | null {
  const row = reportWithin(host, collectionId, ttlSeconds, null);
  return row ? parseReport(row.report).graph : null;
}

function keptOf({ metrics, graph, reading }: Report): Kept {
  if (!graph) return { form: FORM, metrics, reading, graph: null };
  const read = readWithinReason(graph);
  const witness = weakest(read.witness);
  const ends = new Set(witness.flatMap(({ from, to }) => [from, to]));
  const { groups, links, labels, ...counts } = topologyOf(graph, ends);
  return {
    form: FORM,
    metrics,
    reading: { ...read, witness },
    graph: {
      nodes: graph.nodes.length,
      edges: graph.edges.length,
      ...counts,
      groups: [...groups!],
      links: [...links!],
      labels: [...labels!],
    },
  };
}

function readWithinReason(graph: ContractedGraph): Reading {
  try {
    return readPushed(graph, { arcs: MOST_ARCS });
  } catch (error) {
    if (!(error instanceof TooMuchEffort)) throw error;
    throw new HealingError("invalid_argument", "the graph takes too long to read", {
      detail:
        `It has ${graph.nodes.length} nodes and ${graph.edges.length} edges, and its weakest cut ` +
        `was not found within ${MOST_ARCS} steps.`,
      hint:
        "Contract it: nodes of one group, or along a chain, may be one. Or find the cut outside, " +
        'and push that: {"lambda": 0.6, "witness_edges": []}.',
    });
  }
}

/** In the order of the graph. */
function weakest(witness: readonly WitnessEdge[]): readonly WitnessEdge[] {
  if (witness.length <= MOST_WITNESS) return witness;
  const places = witness.map((_, place) => place);
  places.sort((a, b) => witness[a]!.health - witness[b]!.health || a - b);
  const kept = places.slice(0, MOST_WITNESS).sort((a, b) => a - b);
  return kept.map((place) => witness[place]!);
}

function standing({ metrics, reading, graph }: Kept): StandingReport {
  if (!graph) return { metrics, reading, graph };
  const { nodes, edges, groups, links, labels, ...counts } = graph;
  const topology: Topology = {
    ...counts,
    groups: new Map(groups),
    links: new Map(links),
    labels: new Map(labels),
  };
  return { metrics, reading, graph: { nodes, edges, topology } };
}
