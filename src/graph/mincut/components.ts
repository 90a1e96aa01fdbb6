/** Connected components over the edges that have capacity. */
import { createSets, labelSets, unite } from "./disjoint-sets.ts";
import type { EdgeList, IntegerEdges } from "./types.ts";

export interface Components {
  readonly count: number;
  /** By node; components are numbered by their first node. */
  readonly label: Int32Array;
  /** Nodes, by component. */
  readonly size: Int32Array;
}

export function components(nodeCount: number, edges: EdgeList): Components {
  const sets = createSets(nodeCount);
  for (let e = 0; e < edges.u.length; e++) {
    if (edges.capacity[e]! > 0) unite(sets, edges.u[e]!, edges.v[e]!);
  }
  const label = new Int32Array(nodeCount);
  const count = labelSets(sets, nodeCount, label);
  const size = new Int32Array(count);
  for (let i = 0; i < nodeCount; i++) size[label[i]!]!++;
  return { count, label, size };
}

/** Looks at no more edges than it takes to join all nodes. */
export function isConnected(nodeCount: number, { count, u, v }: IntegerEdges): boolean {
  const sets = createSets(nodeCount);
  let left = nodeCount;
  for (let e = 0; e < count && left > 1; e++) left -= unite(sets, u[e]!, v[e]!);
  return left <= 1;
}

/** The component with the fewest nodes; of several, the one that holds the lowest node. */
export function smallestComponent({ count, label, size }: Components): Uint8Array {
  let smallest = 0;
  for (let c = 1; c < count; c++) if (size[c]! < size[smallest]!) smallest = c;
  return sideOfLabel(label, smallest);
}

/** The side that holds exactly the nodes with this label. */
export function sideOfLabel(label: Int32Array, wanted: number): Uint8Array {
  const side = new Uint8Array(label.length);
  for (let i = 0; i < label.length; i++) side[i] = label[i] === wanted ? 1 : 0;
  return side;
}
