/**
 * Padberg and Rinaldi's tests: cheap local reasons to merge two nodes because some minimum cut
 * leaves them on one side, or because every cut between them is no better than one already known.
 * M. Padberg, G. Rinaldi: An efficient algorithm for the minimum capacity cut problem. Math.
 * Programming 47 (1990).
 *
 *   1. An edge of at least the best known value: no better cut crosses it.
 *   2. A node whose heaviest edge is at least half its degree: moving the node over to that
 *      neighbour makes no cut dearer, except the cut around the node itself - which has been looked
 *      at by then.
 *   3. The same with two edges of a triangle.
 *   4. Two nodes whose edge and common neighbours carry at least the best known value between them.
 *
 * Merging all pairs found in one sweep is safe. Take a minimum cut that is better than all cuts
 * around single nodes: 1 and 4 are not crossed by it, 3 (asked with "more than half") neither, or
 * it could be improved; and moving nodes along their pointers of 2, starting at the roots, never
 * makes it dearer and never crosses the others.
 */
import { find, labelSets, resetSets, unite } from "./disjoint-sets.ts";
import type { BestCut } from "./best-cut.ts";
import type { Adjacency, IntegerEdges } from "./types.ts";

/**
 * A sweep over the edge list that leaves more than this share of the nodes is not worth repeating.
 */
const WORTHWHILE = 0.8;

/** What the tests over the edge list leave, and what they found last without merging it. */
export interface Kernel {
  /** 1 when `best` is the answer. */
  nodes: number;
  readonly degree: Float64Array;
  readonly sets: Int32Array;
  /** How many of the nodes `sets` would merge: too few to be worth another sweep. */
  merged: number;
}

/**
 * Tests 1 and 2 over the plain edge list, again and again while they pay: trees, stars and chains
 * vanish without an adjacency ever being built. `edges` is shrunk in place.
 */
export function shrinkEdgeList(
  edges: IntegerEdges,
  nodeCount: number,
  best: BestCut,
  enough: number,
): Kernel {
  const measured: NodeMeasures = {
    degree: new Float64Array(nodeCount),
    heaviest: new Float64Array(nodeCount),
    partner: new Int32Array(nodeCount),
  };
  const { degree } = measured;
  const sets = new Int32Array(nodeCount);
  const label = new Int32Array(nodeCount);
  let nodes = nodeCount;
  while (nodes > 1) {
    measureNodes(edges, nodes, measured);
    best.offerLightest(degree, nodes);
    if (best.value <= enough || nodes === 2) return { nodes: 1, degree, sets, merged: 0 };
    resetSets(sets, nodes);
    const merged = uniteListed(edges, nodes, best.value, measured, sets);
    if (nodes - merged > nodes * WORTHWHILE) return { nodes, degree, sets, merged };
    nodes = labelSets(sets, nodes, label);
    best.relabel(label);
    relabelEdges(edges, label);
  }
  return { nodes, degree, sets, merged: 0 };
}

/** By node: its degree, its heaviest edge and where that leads. */
interface NodeMeasures {
  readonly degree: Float64Array;
  readonly heaviest: Float64Array;
  readonly partner: Int32Array;
}

/** Parallel edges count one by one: less merging, never wrong. */
function measureNodes(
  edges: IntegerEdges,
  nodes: number,
  { degree, heaviest, partner }: NodeMeasures,
): void {
  const { count, u, v, capacity } = edges;
  for (let i = 0; i < nodes; i++) {
    degree[i] = 0;
    heaviest[i] = 0;
  }
  for (let e = 0; e < count; e++) {
    const a = u[e]!;
    const b = v[e]!;
    const w = capacity[e]!;
    degree[a]! += w;
    degree[b]! += w;
    if (w > heaviest[a]!) {
      heaviest[a] = w;
      partner[a] = b;
    }
    if (w > heaviest[b]!) {
      heaviest[b] = w;
      partner[b] = a;
    }
  }
}

function uniteListed(
  edges: IntegerEdges,
  nodes: number,
  bound: number,
  { degree, heaviest, partner }: NodeMeasures,
  sets: Int32Array,
): number {
  const { count, u, v, capacity } = edges;
  let merged = 0;
  for (let i = 0; i < nodes; i++) {
    if (2 * heaviest[i]! >= degree[i]!) merged += unite(sets, i, partner[i]!);
  }
  for (let e = 0; e < count; e++) {
    if (capacity[e]! >= bound) merged += unite(sets, u[e]!, v[e]!);
  }
  return merged;
}

/** Moves the edges over to the merged nodes and drops those that became self-loops. */
function relabelEdges(edges: IntegerEdges, label: Int32Array): void {
  const { u, v, capacity } = edges;
  let kept = 0;
  for (let e = 0; e < edges.count; e++) {
    const a = label[u[e]!]!;
    const b = label[v[e]!]!;
    if (a === b) continue;
    u[kept] = a;
    v[kept] = b;
    capacity[kept++] = capacity[e]!;
  }
  edges.count = kept;
}

/** Tests 1 and 2 on an adjacency. Returns how many sets were merged. */
export function uniteHeavy(
  graph: Adjacency,
  degree: Float64Array,
  bound: number,
  sets: Int32Array,
): number {
  const { nodeCount, offset, neighbour, weight } = graph;
  let merged = 0;
  for (let i = 0; i < nodeCount; i++) {
    let heaviest = 0;
    let partner = -1;
    const end = offset[i + 1]!;
    for (let a = offset[i]!; a < end; a++) {
      const w = weight[a]!;
      if (w > heaviest) {
        heaviest = w;
        partner = neighbour[a]!;
      }
      if (w >= bound) merged += unite(sets, i, neighbour[a]!);
    }
    if (partner >= 0 && 2 * heaviest >= degree[i]!) merged += unite(sets, i, partner);
  }
  return merged;
}

/**
 * Tests 3 and 4. Looking at every pair would cost as much as the whole cut, so every node is the
 * far end of one tested pair at most, which makes a sweep linear (M. Henzinger, A. Noe, C. Schulz,
 * D. Strash: Practical minimum cut algorithms. ACM JEA 23 (2018)). Needs a simple graph: parallel
 * edges would be counted twice.
 */
export class CommonNeighbourTest {
  private readonly done: Uint8Array;
  /** By node: the last node whose neighbours were marked with it, and the weight of that edge. */
  private readonly marked: Int32Array;
  private readonly weightTo: Float64Array;

  constructor(nodeCount: number) {
    this.done = new Uint8Array(nodeCount);
    this.marked = new Int32Array(nodeCount);
    this.weightTo = new Float64Array(nodeCount);
  }

  /** Returns how many sets were merged. */
  unite(graph: Adjacency, degree: Float64Array, bound: number, sets: Int32Array): number {
    const { nodeCount, offset, neighbour, weight } = graph;
    const { done, marked, weightTo } = this;
    let merged = 0;
    done.fill(0, 0, nodeCount);
    marked.fill(-1, 0, nodeCount);
    for (let i = 0; i < nodeCount; i++) {
      if (done[i] === 1) continue;
      done[i] = 1;
      const end = offset[i + 1]!;
      for (let a = offset[i]!; a < end; a++) {
        marked[neighbour[a]!] = i;
        weightTo[neighbour[a]!] = weight[a]!;
      }
      for (let a = offset[i]!; a < end; a++) {
        const j = neighbour[a]!;
        if (done[j] === 1) continue;
        done[j] = 1;
        if (find(sets, i) === find(sets, j)) continue;
        if (this.belongTogether(graph, degree, bound, i, j)) merged += unite(sets, i, j);
      }
    }
    return merged;
  }

  /** i's neighbours are marked, j among them. */
  private belongTogether(
    graph: Adjacency,
    degree: Float64Array,
    bound: number,
    i: number,
    j: number,
  ): boolean {
    const { offset, neighbour, weight } = graph;
    const { marked, weightTo } = this;
    const degreeI = degree[i]!;
    const degreeJ = degree[j]!;
    const direct = weightTo[j]!;
    let between = direct;
    const end = offset[j + 1]!;
    for (let a = offset[j]!; a < end; a++) {
      const k = neighbour[a]!;
      if (marked[k] !== i) continue;
      const fromJ = weight[a]!;
      const fromI = weightTo[k]!;
      between += fromI < fromJ ? fromI : fromJ;
      if (between >= bound) return true;
      if (2 * (direct + fromI) > degreeI && 2 * (direct + fromJ) > degreeJ) return true;
    }
    return false;
  }
}
