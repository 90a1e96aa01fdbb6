/**
 * The flow-equivalent tree of a graph: a tree over its nodes whose lightest edge on the way from a
 * to b is the minimum cut between a and b (R. Gomory, T. Hu, 1961). All n (n - 1) / 2
 * connectivities in n - 1 numbers.
 *
 * D. Gusfield: Very simple methods for all pairs network flow analysis. SIAM J. Comput. 19 (1990):
 * n - 1 flows in the graph itself, without contracting anything.
 */
import { FlowNetwork } from "./max-flow.ts";
import { type GrowingSet, NearFlow } from "./near-flow.ts";
import { isConnected } from "./components.ts";
import { buildAdjacency, measureDegrees } from "./adjacency.ts";
import { scaleFor, toIntegerEdges, totalCapacity } from "./scaling.ts";
import type { Adjacency, EdgeList, IntegerEdges } from "./types.ts";

/**
 * As columns, one entry per tree edge. A graph in several pieces has a tree in each (a forest):
 * pairs in different pieces have no connectivity and no path.
 */
export interface FlowTree {
  readonly nodeCount: number;
  readonly u: Int32Array;
  readonly v: Int32Array;
  /** Minimum cut between u and v, in the unit of the capacities; above 0. */
  readonly value: Float64Array;
}

/** Grows while the tree is built; values in whole units. */
interface TreeEdges {
  count: number;
  readonly u: Int32Array;
  readonly v: Int32Array;
  readonly value: Float64Array;
}

export function flowTree(nodeCount: number, edges: EdgeList): FlowTree {
  const scale = scaleFor(totalCapacity(nodeCount, edges));
  const integer = toIntegerEdges(edges, scale);
  const places = Math.max(0, nodeCount - 1);
  const tree: TreeEdges = {
    count: 0,
    u: new Int32Array(places),
    v: new Int32Array(places),
    value: new Float64Array(places),
  };
  const peeled = peelLeaves(buildAdjacency(nodeCount, integer), tree);
  growByFlows(nodeCount, integer, peeled, tree);
  return {
    nodeCount,
    u: tree.u.slice(0, tree.count),
    v: tree.v.slice(0, tree.count),
    value: tree.value.slice(0, tree.count).map((units) => units / scale),
  };
}

function addEdge(tree: TreeEdges, u: number, v: number, value: number): void {
  tree.u[tree.count] = u;
  tree.v[tree.count] = v;
  tree.value[tree.count++] = value;
}

/**
 * A node with one neighbour is connected to it by just their edge, and matters to no other pair: it
 * goes into the tree as it is, and so on with what is a leaf then. Returns 1 for the nodes that
 * went.
 */
function peelLeaves(graph: Adjacency, tree: TreeEdges): Uint8Array {
  const { nodeCount, offset, neighbour } = graph;
  const degree = new Float64Array(nodeCount);
  measureDegrees(graph, degree);
  const peeled = new Uint8Array(nodeCount);
  const waiting: number[] = [];
  for (let i = nodeCount - 1; i >= 0; i--) waiting.push(i);
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (peeled[node] === 1) continue;
    let only = -1;
    let neighbours = 0;
    for (let a = offset[node]!; a < offset[node + 1]! && neighbours < 2; a++) {
      const other = neighbour[a]!;
      if (peeled[other] === 1 || other === only) continue;
      only = other;
      neighbours++;
    }
    if (neighbours !== 1) continue;
    // All that is left around the leaf is its edge (or parallel edges) to that neighbour.
    const between = degree[node]!;
    peeled[node] = 1;
    degree[only]! -= between;
    addEdge(tree, node, only, between);
    waiting.push(only);
  }
  return peeled;
}

/** Most sets that flows go to next door; beyond that they are asked of the whole graph. */
const MOST_SETS = 64;

/**
 * Gusfield's tree over the nodes that are left, from the heaviest down. Then most flows need not be
 * found: where a node's whole degree flows to nodes that are each connected to its parent by their
 * own degree or more, which is no less, then it flows to the parent as well, and the cut around the
 * node itself is a minimum cut that leaves all others where they are. Such a flow ends next door.
 */
function growByFlows(
  nodeCount: number,
  edges: IntegerEdges,
  peeled: Uint8Array,
  tree: TreeEdges,
): void {
  const nodes: number[] = [];
  const indexOf = new Int32Array(nodeCount);
  for (let i = 0; i < nodeCount; i++) {
    if (peeled[i] === 1) continue;
    indexOf[i] = nodes.length;
    nodes.push(i);
  }
  if (nodes.length < 2) return;
  const left = withoutPeeled(edges, peeled, indexOf);
  const near = new NearFlow(nodes.length, left);
  const { degree } = near.arcs;
  const order = nodes.map((_, place) => place);
  // In a graph in pieces the other pieces stand on the sink's side or the source's, by who is whose
  // parent: there the order stays that of the nodes.
  const whole = isConnected(nodes.length, left);
  if (whole) order.sort((a, b) => degree[b]! - degree[a]! || a - b);
  const parent = new Int32Array(nodes.length).fill(order[0]!);
  const sets = new Map<number, GrowingSet>();
  let network: FlowNetwork | null = null;
  for (let k = 1; k < order.length; k++) {
    const i = order[k]!;
    const p = parent[i]!;
    let flow = degree[i]!;
    const bound = sets.get(p) ?? (whole && sets.size < MOST_SETS ? near.emptySet() : null);
    if (bound && !sets.has(p)) {
      sets.set(p, bound);
      near.add(bound, p);
    }
    if (bound && near.flow(bound, i, flow) === flow) {
      near.add(bound, i);
    } else {
      network ??= new FlowNetwork(nodes.length, left);
      flow = network.maxFlow(i, p);
      const { sourceSide } = network;
      for (let later = k + 1; later < order.length; later++) {
        const j = order[later]!;
        if (parent[j] === p && sourceSide[j] === 1) parent[j] = i;
      }
    }
    if (flow > 0) addEdge(tree, nodes[i]!, nodes[p]!, flow);
  }
}

function withoutPeeled(edges: IntegerEdges, peeled: Uint8Array, indexOf: Int32Array): IntegerEdges {
  const kept: IntegerEdges = {
    count: 0,
    u: new Int32Array(edges.count),
    v: new Int32Array(edges.count),
    capacity: new Float64Array(edges.count),
  };
  for (let e = 0; e < edges.count; e++) {
    const a = edges.u[e]!;
    const b = edges.v[e]!;
    if (peeled[a] === 1 || peeled[b] === 1) continue;
    kept.u[kept.count] = indexOf[a]!;
    kept.v[kept.count] = indexOf[b]!;
    kept.capacity[kept.count++] = edges.capacity[e]!;
  }
  return kept;
}
