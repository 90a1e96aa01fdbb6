/**
 * The flow-equivalent tree of a graph: a tree over its nodes whose lightest edge on the way from a
 * to b is the minimum cut between a and b (R. Gomory, T. Hu, 1961). All n (n - 1) / 2
 * connectivities in n - 1 numbers.
 *
 * D. Gusfield: Very simple methods for all pairs network flow analysis. SIAM J. Comput. 19 (1990):
 * n - 1 flows in the graph itself, without contracting anything.
 */
import { type Effort, NearFlow } from "./near-flow.ts";
import { NearSets } from "./near-sets.ts";
import { components } from "./components.ts";
import { scaleFor, toIntegerEdges, totalCapacity } from "./scaling.ts";
import type { EdgeList } from "./types.ts";

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

/**
 * Gusfield's tree, piece by piece, each from its heaviest node down. So every flow can end next
 * door: at the nodes that are each connected to the parent by their own degree. That is no less
 * than the degree of the node asked about, so no lesser cut comes between them and the parent: they
 * are one sink. Where the node's whole degree flows, the cut around the node alone is a minimum
 * cut, and leaves all others where they are.
 */
export function flowTree(nodeCount: number, edges: EdgeList, effort?: Effort): FlowTree {
  const scale = scaleFor(totalCapacity(nodeCount, edges));
  const near = new NearFlow(nodeCount, toIntegerEdges(edges, scale), effort);
  const { degree } = near.arcs;
  const { count, label } = components(nodeCount, edges);
  const order = Array.from(label, (_, i) => i);
  order.sort((a, b) => label[a]! - label[b]! || degree[b]! - degree[a]! || a - b);
  const heaviest = new Int32Array(count).fill(-1);
  for (const i of order) if (heaviest[label[i]!] === -1) heaviest[label[i]!] = i;
  const parent = label.map((piece) => heaviest[piece]!);
  const sets = new NearSets(near);
  const asked = new Uint8Array(nodeCount);
  const u = new Int32Array(nodeCount - count);
  const v = new Int32Array(nodeCount - count);
  const value = new Float64Array(nodeCount - count);
  let filled = 0;
  for (const i of order) {
    asked[i] = 1;
    const p = parent[i]!;
    if (p === i) continue;
    const flow = near.flow(sets.get(p), i, degree[i]!);
    if (flow === degree[i]) sets.add(p, i);
    else for (const j of near.metNodes()) if (asked[j] === 0 && parent[j] === p) parent[j] = i;
    u[filled] = i;
    v[filled] = p;
    value[filled++] = flow / scale;
  }
  return { nodeCount, u, v, value };
}
