/**
 * The exact global minimum cut of an undirected graph.
 *
 * Cheap tests shrink the edge list (Padberg-Rinaldi); what is left is shrunk by CAPFOREST scans
 * (Nagamochi-Ono-Ibaraki). Every node of every shrunken graph and every beginning of a scan is a
 * cut; the best of them is the answer. Where a round merges next to nothing - regular graphs, which
 * is what healthy groups look like, took 130 to 185 rounds - one scan with flows ends it
 * (`growing-scan.ts`): 140 ms became 1.2 at 1,000 nodes of degree 8. It comes after the first round
 * only: of several cuts of one value the one found first is the answer, and which that is shall not
 * change. Nothing is random: the same input gives the same cut in any engine.
 */
import { BestCut } from "./best-cut.ts";
import { Capforest, START_STRIDE } from "./capforest.ts";
import { components, isConnected, smallestComponent } from "./components.ts";
import { Contractor, buildAdjacency, edgesOf, measureDegrees } from "./adjacency.ts";
import { CommonNeighbourTest, type Kernel, shrinkEdgeList, uniteHeavy } from "./padberg-rinaldi.ts";
import { crossingCapacity, scaleFor, toIntegerEdges, totalCapacity } from "./scaling.ts";
import { growingScan } from "./growing-scan.ts";
import { resetSets } from "./disjoint-sets.ts";
import type { Cut, EdgeList, IntegerEdges } from "./types.ts";

export interface MinimumCutOptions {
  /**
   * A value that no cut of this graph is below, in the unit of the capacities, when the caller
   * knows one: a cut that reaches it (within one part in 10^9) ends the search. With this bound
   * healthy groups cost one look at the edges.
   */
  readonly atLeast?: number;
}

const BOUND_TOLERANCE = 1 + 1e-9;
/** Tests 3 and 4 are asked when tests 1 and 2 merged less than this share of the nodes. */
const STALLED = 0.1;
/** A scan is skipped in rounds where the tests alone merged more than this share of the nodes. */
const SHRUNK_WELL = 0.5;

/**
 * The minimum cut; null when there are fewer than two nodes. A graph in several pieces has value 0
 * and the smallest piece as its side. The value is summed from the original capacities of the edges
 * that cross. Throws a RangeError on capacities that are negative or not finite and on edges
 * outside the graph.
 */
export function minimumCut(
  nodeCount: number,
  edges: EdgeList,
  options: MinimumCutOptions = {},
): Cut | null {
  const total = totalCapacity(nodeCount, edges);
  if (nodeCount < 2) return null;
  const scale = scaleFor(total);
  const enough = (options.atLeast ?? 0) * scale * BOUND_TOLERANCE;
  const working = toIntegerEdges(edges, scale);
  const best = new BestCut(nodeCount);
  const kernel = shrinkEdgeList(working, nodeCount, best, enough);
  if (kernel.nodes > 1) {
    // LEMON sees at its first scan that a graph is in pieces; here it took 3 to 5 times as long.
    if (isConnected(kernel.nodes, working)) shrinkKernel(kernel, working, best, enough);
    else best.value = 0;
  }
  if (best.value === 0) {
    return { value: 0, side: smallestComponent(components(nodeCount, edges)) };
  }
  return { value: crossingCapacity(edges, best.side), side: best.side };
}

/** Shrinks what the edge-list tests have left, until two nodes remain or `best` is good enough. */
function shrinkKernel(
  { nodes: left, degree, sets, merged: listed }: Kernel,
  edges: IntegerEdges,
  best: BestCut,
  enough: number,
): void {
  const graph = buildAdjacency(left, edges);
  const capforest = new Capforest(left);
  const commonNeighbours = new CommonNeighbourTest(left);
  const contractor = new Contractor(graph);
  let merged = listed;
  for (let round = 1; ; round++) {
    const nodes = graph.nodeCount;
    if (graph.simple && merged < nodes * STALLED) {
      merged += commonNeighbours.unite(graph, degree, best.value, sets);
    }
    if (merged <= nodes * SHRUNK_WELL) {
      // In a connected graph the last node scanned is certified at the latest: every round makes
      // progress.
      const start = nodes - 1 - ((round * START_STRIDE) % nodes);
      capforest.scan(graph, degree, best.value, start, sets);
      offerPrefix(best, capforest, nodes);
      if (best.value <= enough) return;
    }
    contractor.contract(graph, sets);
    best.relabel(contractor.label);
    if (graph.nodeCount === 1) return;
    measureDegrees(graph, degree);
    best.offerLightest(degree, graph.nodeCount);
    if (best.value <= enough || graph.nodeCount === 2) return;
    if (nodes - graph.nodeCount < nodes * STALLED) {
      growingScan(graph.nodeCount, edgesOf(graph), best, enough);
      return;
    }
    resetSets(sets, graph.nodeCount);
    merged = uniteHeavy(graph, degree, best.value, sets);
  }
}

function offerPrefix(
  best: BestCut,
  { prefixValue, prefixLength, order }: Capforest,
  nodes: number,
): void {
  if (prefixValue >= best.value) return;
  const inside = new Uint8Array(nodes);
  for (let i = 0; i < prefixLength; i++) inside[order[i]!] = 1;
  best.offerNodes(inside, prefixValue);
}
