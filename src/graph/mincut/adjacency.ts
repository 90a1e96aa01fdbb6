/** A graph by node, and the merging of nodes in it. */
import { labelSets } from "./disjoint-sets.ts";
import type { Adjacency, IntegerEdges } from "./types.ts";

export function buildAdjacency(nodeCount: number, edges: IntegerEdges): Adjacency {
  const { count, u, v, capacity } = edges;
  const offset = new Int32Array(nodeCount + 1);
  for (let e = 0; e < count; e++) {
    offset[u[e]! + 1]!++;
    offset[v[e]! + 1]!++;
  }
  for (let i = 0; i < nodeCount; i++) offset[i + 1]! += offset[i]!;
  const next = offset.slice();
  const neighbour = new Int32Array(2 * count);
  const weight = new Float64Array(2 * count);
  for (let e = 0; e < count; e++) {
    const a = u[e]!;
    const b = v[e]!;
    const atA = next[a]!++;
    neighbour[atA] = b;
    weight[atA] = capacity[e]!;
    const atB = next[b]!++;
    neighbour[atB] = a;
    weight[atB] = capacity[e]!;
  }
  return { nodeCount, offset, neighbour, weight, simple: false };
}

/** Sum of the weights around every node. */
export function measureDegrees(graph: Adjacency, degree: Float64Array): void {
  const { nodeCount, offset, weight } = graph;
  for (let i = 0; i < nodeCount; i++) {
    let sum = 0;
    const end = offset[i + 1]!;
    for (let a = offset[i]!; a < end; a++) sum += weight[a]!;
    degree[i] = sum;
  }
}

/** Each edge once, from its lower node. */
export function edgesOf(graph: Adjacency): IntegerEdges {
  const { nodeCount, offset, neighbour, weight } = graph;
  const places = offset[nodeCount]! >> 1;
  const edges: IntegerEdges = {
    count: 0,
    u: new Int32Array(places),
    v: new Int32Array(places),
    capacity: new Float64Array(places),
  };
  for (let i = 0; i < nodeCount; i++) {
    for (let a = offset[i]!; a < offset[i + 1]!; a++) {
      if (neighbour[a]! <= i) continue;
      edges.u[edges.count] = i;
      edges.v[edges.count] = neighbour[a]!;
      edges.capacity[edges.count++] = weight[a]!;
    }
  }
  return edges;
}

/**
 * Merges nodes: each set becomes one node, edges inside a set vanish, edges between the same two
 * sets become one. Linear in the size of the graph: a stamp per new node tells whether its edge
 * from the current node exists already. Works between two sets of arrays, so that shrinking a graph
 * many times allocates nothing.
 */
export class Contractor {
  /** By node of the graph before: the node after. Valid until the next contraction. */
  readonly label: Int32Array;
  private readonly start: Int32Array;
  private readonly next: Int32Array;
  private readonly members: Int32Array;
  private readonly stamp: Int32Array;
  private readonly place: Int32Array;
  private spareOffset: Int32Array;
  private spareNeighbour: Int32Array;
  private spareWeight: Float64Array;

  constructor(graph: Adjacency) {
    const { nodeCount } = graph;
    this.label = new Int32Array(nodeCount);
    this.start = new Int32Array(nodeCount + 1);
    this.next = new Int32Array(nodeCount + 1);
    this.members = new Int32Array(nodeCount);
    this.stamp = new Int32Array(nodeCount);
    this.place = new Int32Array(nodeCount);
    this.spareOffset = new Int32Array(nodeCount + 1);
    this.spareNeighbour = new Int32Array(graph.neighbour.length);
    this.spareWeight = new Float64Array(graph.weight.length);
  }

  /** Contracts `graph` in place by `sets` (disjoint sets over its nodes). */
  contract(graph: Adjacency, sets: Int32Array): void {
    const { label, start, members, stamp, place } = this;
    const nodes = labelSets(sets, graph.nodeCount, label);
    this.groupMembers(graph.nodeCount, nodes);
    const { offset, neighbour, weight } = graph;
    const newOffset = this.spareOffset;
    const newNeighbour = this.spareNeighbour;
    const newWeight = this.spareWeight;
    stamp.fill(-1, 0, nodes);
    let used = 0;
    for (let node = 0; node < nodes; node++) {
      newOffset[node] = used;
      const lastMember = start[node + 1]!;
      for (let m = start[node]!; m < lastMember; m++) {
        const member = members[m]!;
        const end = offset[member + 1]!;
        for (let a = offset[member]!; a < end; a++) {
          const other = label[neighbour[a]!]!;
          if (other === node) continue;
          if (stamp[other] === node) {
            newWeight[place[other]!]! += weight[a]!;
          } else {
            stamp[other] = node;
            place[other] = used;
            newNeighbour[used] = other;
            newWeight[used++] = weight[a]!;
          }
        }
      }
    }
    newOffset[nodes] = used;
    this.spareOffset = offset;
    this.spareNeighbour = neighbour;
    this.spareWeight = weight;
    graph.nodeCount = nodes;
    graph.offset = newOffset;
    graph.neighbour = newNeighbour;
    graph.weight = newWeight;
    graph.simple = true;
  }

  /**
   * Lists the old nodes by new node (a counting sort): those of new node i stand at start[i] to
   * start[i + 1] - 1.
   */
  private groupMembers(oldNodes: number, newNodes: number): void {
    const { label, start, next, members } = this;
    start.fill(0, 0, newNodes + 1);
    for (let i = 0; i < oldNodes; i++) start[label[i]! + 1]!++;
    for (let i = 0; i < newNodes; i++) {
      start[i + 1]! += start[i]!;
      next[i] = start[i]!;
    }
    for (let i = 0; i < oldNodes; i++) members[next[label[i]!]!++] = i;
  }
}
