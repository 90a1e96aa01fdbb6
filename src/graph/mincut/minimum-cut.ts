/**
 * The exact global minimum cut of an undirected graph.
 *
 * Cheap tests shrink the edge list (Padberg-Rinaldi); what is left is shrunk by CAPFOREST scans
 * (Nagamochi-Ono-Ibaraki) until two nodes remain. Every node of every shrunken graph and every
 * beginning of a scan is a cut; the best of them is the answer. Nothing is random: the same input
 * gives the same cut in any engine.
 */
import { BestCut } from "./best-cut.ts";
import { Capforest, START_STRIDE } from "./capforest.ts";
import { components, smallestComponent } from "./components.ts";
import { Contractor, buildAdjacency, measureDegrees } from "./adjacency.ts";
import { CommonNeighbourTest, shrinkEdgeList, uniteHeavy } from "./padberg-rinaldi.ts";
import { crossingCapacity, scaleFor, toIntegerEdges, totalCapacity } from "./scaling.ts";
import { resetSets } from "./disjoint-sets.ts";
import type { Adjacency, Cut, EdgeList } from "./types.ts";

export interface MinimumCutOptions {
  /**
   * A value that no cut of this graph is below, in the unit of the capacities, when the caller
   * knows one: a cut that reaches it (within one part in 10^9) ends the search. Healthy groups look
   * like unit-weight regular graphs, which stall all algorithms of this family; with this bound
   * they cost one look at the edges.
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
  const left = shrinkEdgeList(working, nodeCount, best, enough);
  if (left > 1) shrinkKernel(buildAdjacency(left, working), best, enough);
  const side = best.value === 0 ? smallestComponent(components(nodeCount, edges)) : best.side;
  return { value: crossingCapacity(edges, side), side };
}

/** Shrinks what the edge-list tests have left, until two nodes remain or `best` is good enough. */
function shrinkKernel(graph: Adjacency, best: BestCut, enough: number): void {
  const capacityOf = graph.nodeCount;
  const degree = new Float64Array(capacityOf);
  const sets = new Int32Array(capacityOf);
  const capforest = new Capforest(capacityOf);
  const commonNeighbours = new CommonNeighbourTest(capacityOf);
  const contractor = new Contractor(graph);
  for (let round = 1; graph.nodeCount > 1; round++) {
    const nodes = graph.nodeCount;
    measureDegrees(graph, degree);
    best.offerLightest(degree, nodes);
    if (best.value <= enough || nodes === 2) return;

    resetSets(sets, nodes);
    let merged = uniteHeavy(graph, degree, best.value, sets);
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
