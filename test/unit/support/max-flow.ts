/**
 * Maximum flow between two nodes of an undirected graph, by Dinic's algorithm: flows along shortest
 * paths only, all paths of one length before longer ones (Y. Dinitz, Soviet Math. Doklady 11
 * (1970)).
 * Another way than that of `near-flow.ts`, to hold that one against.
 *
 * The network is built once and asked for many pairs; only the residual capacities are put back
 * between two calls.
 */
import { buildArcs } from "../../../src/graph/mincut/arcs.ts";
import type { IntegerEdges } from "../../../src/graph/mincut/types.ts";

export class FlowNetwork {
  /** Sum of the capacities around every node, in whole units. */
  readonly degree: Float64Array;
  /**
   * After a maxFlow that ended below its limit: 1 for the nodes on the source's side of a minimum
   * cut. The array is reused by the next call.
   */
  readonly sourceSide: Uint8Array;
  private readonly nodeCount: number;
  private readonly offset: Int32Array;
  private readonly head: Int32Array;
  private readonly mate: Int32Array;
  private readonly capacity: Float64Array;
  private readonly residual: Float64Array;
  /** Arcs from a node to the sink on a shortest residual path; -1: none, or a dead end. */
  private readonly distance: Int32Array;
  private readonly cursor: Int32Array;
  private readonly queue: Int32Array;
  /** The arcs of the path that is being grown. */
  private readonly path: Int32Array;

  constructor(nodeCount: number, edges: IntegerEdges) {
    const { offset, head, mate, capacity, degree } = buildArcs(nodeCount, edges);
    this.nodeCount = nodeCount;
    this.degree = degree;
    this.sourceSide = new Uint8Array(nodeCount);
    this.offset = offset;
    this.head = head;
    this.mate = mate;
    this.capacity = capacity;
    this.residual = new Float64Array(capacity.length);
    this.distance = new Int32Array(nodeCount);
    this.cursor = new Int32Array(nodeCount);
    this.queue = new Int32Array(nodeCount);
    this.path = new Int32Array(nodeCount);
  }

  /**
   * The maximum flow from source to sink in whole units; where that is at least `limit`, just the
   * limit, rounded up.
   */
  maxFlow(source: number, sink: number, limit = Infinity): number {
    const { degree, sourceSide } = this;
    const ceiling = Math.min(Math.ceil(limit), degree[source]!, degree[sink]!);
    this.residual.set(this.capacity);
    let flow = 0;
    while (flow < ceiling) {
      if (!this.measureDistances(source, sink)) {
        // What still reaches the sink is its side; the cut between is saturated.
        for (let i = 0; i < this.nodeCount; i++) sourceSide[i] = this.distance[i] === -1 ? 1 : 0;
        return flow;
      }
      flow += this.blockingFlow(source, sink, ceiling - flow);
    }
    // One end is saturated: its own edges are a minimum cut, and no further search is needed to see
    // it.
    if (flow === degree[source]) {
      sourceSide.fill(0);
      sourceSide[source] = 1;
    } else {
      sourceSide.fill(1);
      sourceSide[sink] = 0;
    }
    return flow;
  }

  /** Breadth-first from the sink along arcs with residual capacity, until the source is met. */
  private measureDistances(source: number, sink: number): boolean {
    const { offset, head, mate, residual, distance, cursor, queue } = this;
    distance.fill(-1);
    distance[sink] = 0;
    cursor[sink] = offset[sink]!;
    queue[0] = sink;
    let filled = 1;
    for (let taken = 0; taken < filled; taken++) {
      const node = queue[taken]!;
      const next = distance[node]! + 1;
      const end = offset[node + 1]!;
      for (let a = offset[node]!; a < end; a++) {
        const other = head[a]!;
        if (distance[other] !== -1 || residual[mate[a]!] === 0) continue;
        distance[other] = next;
        cursor[other] = offset[other]!;
        if (other === source) return true;
        queue[filled++] = other;
      }
    }
    return false;
  }

  /**
   * Fills the shortest paths, at most with `wanted`: depth-first without recursion, each dead end
   * met once.
   */
  private blockingFlow(source: number, sink: number, wanted: number): number {
    const { head, mate, residual, distance, path } = this;
    let flow = 0;
    let length = 0;
    let node = source;
    for (;;) {
      if (node === sink) {
        let amount = wanted - flow;
        for (let p = 0; p < length; p++) amount = Math.min(amount, residual[path[p]!]!);
        let keep = length;
        for (let p = length - 1; p >= 0; p--) {
          const arc = path[p]!;
          residual[arc]! -= amount;
          residual[mate[arc]!]! += amount;
          if (residual[arc] === 0) keep = p;
        }
        flow += amount;
        if (flow >= wanted) return flow;
        // Go on from the tail of the first arc that is full now.
        length = keep;
        node = head[mate[path[keep]!]!]!;
        continue;
      }
      const arc = this.nextArc(node);
      if (arc >= 0) {
        path[length++] = arc;
        node = head[arc]!;
      } else {
        distance[node] = -1;
        if (length === 0) return flow;
        node = head[mate[path[--length]!]!]!;
      }
    }
  }

  /**
   * The next arc of the node that leads one step nearer to the sink and has room; -1 when there is
   * none.
   */
  private nextArc(node: number): number {
    const { offset, head, residual, distance, cursor } = this;
    const nearer = distance[node]! - 1;
    const end = offset[node + 1]!;
    for (let a = cursor[node]!; a < end; a++) {
      if (residual[a]! > 0 && distance[head[a]!] === nearer) {
        cursor[node] = a;
        return a;
      }
    }
    cursor[node] = end;
    return -1;
  }
}
