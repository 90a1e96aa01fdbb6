/**
 * CAPFOREST: one scan of the graph that certifies many pairs of nodes as connected by at least a
 * given capacity. H. Nagamochi, T. Ono, T. Ibaraki: Implementing an efficient minimum capacity cut
 * algorithm. Math. Programming 67 (1994).
 *
 * Nodes are scanned in order of their reach, the capacity between them and what has been scanned
 * before. When the reach of v passes the limit while u is scanned, u and v are connected by at
 * least the limit, and may be merged by whoever looks only for cuts below it. Reaches above the
 * limit need no order among themselves (Henzinger et al. 2018), so such nodes wait in a plain list
 * instead of the heap.
 */
import { unite } from "./disjoint-sets.ts";
import { MaxHeap } from "./max-heap.ts";
import type { Adjacency } from "./types.ts";

/**
 * Stride between the nodes that scans start from: any prime larger than most graphs spreads them
 * well.
 */
export const START_STRIDE = 7919;

const UNSEEN = 0;
const IN_HEAP = 1;
const CERTIFIED = 2;
const SCANNED = 3;

export class Capforest {
  /** Of the last scan: the nodes in the order they were scanned. */
  readonly order: Int32Array;
  /** Of the last scan: how many sets it merged. */
  merged = 0;
  /**
   * Of the last scan: the cheapest cut between a beginning of `order` and the rest, and the length
   * of that beginning.
   */
  prefixValue = Infinity;
  prefixLength = 0;
  private readonly state: Uint8Array;
  private readonly reach: Float64Array;
  private readonly certified: Int32Array;
  private certifiedCount = 0;
  private readonly heap: MaxHeap;

  constructor(nodeCount: number) {
    this.order = new Int32Array(nodeCount);
    this.state = new Uint8Array(nodeCount);
    this.reach = new Float64Array(nodeCount);
    this.certified = new Int32Array(nodeCount);
    this.heap = new MaxHeap(nodeCount);
  }

  /**
   * Scans the whole graph, component by component, beginning with `start`, and merges in `sets`
   * what is connected by at least `limit`. Where a component ends, the beginning of the order is a
   * cut of 0.
   */
  scan(
    graph: Adjacency,
    degree: Float64Array,
    limit: number,
    start: number,
    sets: Int32Array,
  ): void {
    const { nodeCount } = graph;
    this.state.fill(UNSEEN, 0, nodeCount);
    this.reach.fill(0, 0, nodeCount);
    this.heap.size = 0;
    this.certifiedCount = 0;
    this.merged = 0;
    this.prefixValue = Infinity;
    this.prefixLength = 0;
    let scanned = 0;
    let boundary = 0;
    let node = start;
    let unseenFrom = 0;
    for (;;) {
      this.state[node] = SCANNED;
      this.order[scanned++] = node;
      // The node's edges to what was scanned before leave the boundary, its other edges join it.
      boundary += degree[node]! - 2 * this.reach[node]!;
      if (scanned === nodeCount) return;
      if (boundary < this.prefixValue) {
        this.prefixValue = boundary;
        this.prefixLength = scanned;
      }
      this.reachOut(graph, node, limit, sets);
      node = this.next();
      if (node < 0) {
        while (this.state[unseenFrom] !== UNSEEN) unseenFrom++;
        node = unseenFrom;
      }
    }
  }

  /** Adds a newly scanned node's edges to the reach of its neighbours. */
  private reachOut(graph: Adjacency, node: number, limit: number, sets: Int32Array): void {
    const { offset, neighbour, weight } = graph;
    const { state, reach, heap } = this;
    const end = offset[node + 1]!;
    for (let a = offset[node]!; a < end; a++) {
      const other = neighbour[a]!;
      const was = state[other]!;
      if (was === SCANNED) continue;
      const now = reach[other]! + weight[a]!;
      reach[other] = now;
      // One certificate per node is enough: further ones would only join sets that are joined
      // already.
      if (was === CERTIFIED) continue;
      if (now >= limit) {
        this.merged += unite(sets, node, other);
        state[other] = CERTIFIED;
        this.certified[this.certifiedCount++] = other;
      } else if (was === IN_HEAP) {
        heap.raise(other, now);
      } else {
        state[other] = IN_HEAP;
        heap.push(other, now);
      }
    }
  }

  /** The next node to scan; -1 when nothing that was reached is left. */
  private next(): number {
    if (this.certifiedCount > 0) return this.certified[--this.certifiedCount]!;
    while (this.heap.size > 0) {
      const node = this.heap.pop();
      // Nodes that were certified while they were in the heap have been scanned since.
      if (this.state[node] === IN_HEAP) return node;
    }
    return -1;
  }
}
