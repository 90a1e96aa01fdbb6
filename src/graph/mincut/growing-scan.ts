/**
 * The exact minimum cut in one scan: CAPFOREST's order, with a flow for every node that its reach
 * does not certify.
 *
 * What has been scanned is one set. The next node is connected to it by its reach and by what flows
 * there through nodes that were not scanned yet; where both reach the best known value no better
 * cut comes between the two, otherwise the flow names one. Then the node joins the set. This is the
 * way of Hao and Orlin (a source that grows, J. Algorithms 17 (1994)), with the order of Nagamochi
 * and Ibaraki: a node that is bound closely to the set finds its flow next door, so that most flows
 * look at a few dozen edges, where a scan that only certifies merges one node of a regular graph.
 */
import type { BestCut } from "./best-cut.ts";
import { MaxHeap } from "./max-heap.ts";
import { buildArcs } from "./arcs.ts";
import type { IntegerEdges } from "./types.ts";

/** After so many searches of one flow only shortest paths are taken, which bounds their number. */
const FREE_SEARCHES = 50;

/**
 * Ways that are filled one by one may be so long together, as a share of the nodes; the next search
 * of the same node fills a tree of them. A group hangs on its hub by n links of 1/n, and its first
 * node needs them all: 60 ms one by one at 5,000 nodes, 8 ms by trees.
 */
const LONG_WALK = 0.5;

/** Of a node; 0: not reached yet. */
const IN_HEAP = 1;
const CERTIFIED = 2;
const SCANNED = 3;

export class GrowingScan {
  private readonly nodeCount: number;
  private readonly offset: Int32Array;
  private readonly head: Int32Array;
  private readonly mate: Int32Array;
  private readonly capacity: Float64Array;
  private readonly residual: Float64Array;
  private readonly degree: Float64Array;
  private readonly state: Uint8Array;
  /** By node: the capacity between it and what was scanned, and what of that a flow has used. */
  private readonly reach: Float64Array;
  private readonly used: Float64Array;
  /** By node: the number of the search that has met it, and the arc that it came by. */
  private readonly seen: Int32Array;
  private readonly cameBy: Int32Array;
  /** By node, while a tree is filled: what may still flow from there on. */
  private readonly gather: Float64Array;
  private search = 0;
  /** Arcs on the ways that the last search filled one by one. */
  private walked = 0;
  private readonly mostSteps: number;
  private readonly queue: Int32Array;
  /** Arcs and nodes that the present flow has changed. */
  private readonly touchedArcs: number[] = [];
  private readonly touchedNodes: number[] = [];
  private touchedArcCount = 0;
  private touchedNodeCount = 0;

  constructor(nodeCount: number, edges: IntegerEdges) {
    const { offset, head, mate, capacity, degree } = buildArcs(nodeCount, edges);
    this.nodeCount = nodeCount;
    this.mostSteps = nodeCount * LONG_WALK;
    this.offset = offset;
    this.head = head;
    this.mate = mate;
    this.capacity = capacity;
    this.residual = capacity.slice();
    this.degree = degree;
    this.state = new Uint8Array(nodeCount);
    this.reach = new Float64Array(nodeCount);
    this.used = new Float64Array(nodeCount);
    this.seen = new Int32Array(nodeCount);
    this.cameBy = new Int32Array(nodeCount);
    this.gather = new Float64Array(nodeCount);
    this.queue = new Int32Array(nodeCount);
  }

  /** Offers every better cut to `best`, until it is the minimum or `enough`. */
  run(best: BestCut, enough: number): void {
    const { nodeCount, offset, head, capacity, degree, state, reach } = this;
    const heap = new MaxHeap(nodeCount);
    const certified = new Int32Array(nodeCount);
    const order = new Int32Array(nodeCount);
    let certifiedCount = 0;
    let node = 0;
    // From the heaviest node, a hub mostly: as part of the set it is no detour of any flow.
    for (let i = 1; i < nodeCount; i++) if (degree[i]! > degree[node]!) node = i;
    let boundary = 0;
    for (let scanned = 1; ; scanned++) {
      if (scanned > 1 && reach[node]! < best.value) this.connect(node, best);
      state[node] = SCANNED;
      order[scanned - 1] = node;
      boundary += degree[node]! - 2 * reach[node]!;
      if (scanned === nodeCount) return;
      if (boundary < best.value) this.offerPrefix(best, order, scanned, boundary);
      if (best.value <= enough) return;
      const end = offset[node + 1]!;
      for (let a = offset[node]!; a < end; a++) {
        const other = head[a]!;
        const was = state[other]!;
        if (was === SCANNED) continue;
        const now = reach[other]! + capacity[a]!;
        reach[other] = now;
        if (was === CERTIFIED) continue;
        if (now >= best.value) {
          state[other] = CERTIFIED;
          certified[certifiedCount++] = other;
        } else if (was === IN_HEAP) {
          heap.raise(other, now);
        } else {
          state[other] = IN_HEAP;
          heap.push(other, now);
        }
      }
      if (certifiedCount > 0) {
        node = certified[--certifiedCount]!;
      } else {
        do node = heap.pop();
        while (state[node] !== IN_HEAP);
      }
    }
  }

  private offerPrefix(best: BestCut, order: Int32Array, length: number, value: number): void {
    const inside = new Uint8Array(this.nodeCount);
    for (let i = 0; i < length; i++) inside[order[i]!] = 1;
    best.offerNodes(inside, value);
  }

  /** Whether `node` is connected to what was scanned by the best value; else offers the cut. */
  private connect(node: number, best: BestCut): void {
    const wanted = best.value - this.reach[node]!;
    let missing = wanted;
    this.walked = 0;
    for (let searches = 1; missing > 0; searches++) {
      const found =
        this.walked > this.mostSteps && searches <= FREE_SEARCHES
          ? this.fillTree(node, missing)
          : this.augment(node, missing, searches > FREE_SEARCHES);
      if (found === 0) break;
      missing -= found;
    }
    this.putBack();
    if (missing <= 0) return;
    const inside = new Uint8Array(this.nodeCount);
    for (let i = 0; i < inside.length; i++) inside[i] = this.seen[i] === this.search ? 1 : 0;
    best.offerNodes(inside, best.value - missing);
  }

  /**
   * One breadth-first search from `node`, which fills every path to the scanned set that it meets;
   * returns what flows, at most `wanted`. Without a path it has met all of the node's side.
   */
  private augment(node: number, wanted: number, once: boolean): number {
    const { offset, head, residual, state, reach, used, seen, cameBy, queue } = this;
    const search = ++this.search;
    let flow = 0;
    this.walked = 0;
    seen[node] = search;
    queue[0] = node;
    let filled = 1;
    for (let taken = 0; taken < filled; taken++) {
      const from = queue[taken]!;
      const end = offset[from + 1]!;
      for (let a = offset[from]!; a < end; a++) {
        const other = head[a]!;
        if (state[other] === SCANNED || seen[other] === search || residual[a] === 0) continue;
        const room = reach[other]! - used[other]!;
        if (room > 0) {
          const most = Math.min(room, wanted - flow, residual[a]!);
          const amount = this.fill(node, from, a, most);
          if (amount > 0) {
            if (used[other] === 0) this.touchedNodes[this.touchedNodeCount++] = other;
            used[other]! += amount;
            flow += amount;
            if (once || flow >= wanted || this.walked > this.mostSteps) return flow;
          }
          // An arc on the way is full: nothing more comes through `from`.
          if (amount < most || (from !== node && residual[cameBy[from]!] === 0)) break;
          // The other end may still be met by another way.
          if (residual[a] === 0) continue;
        }
        seen[other] = search;
        cameBy[other] = a;
        queue[filled++] = other;
      }
    }
    return flow;
  }

  /**
   * As `augment`, for flows that come from many small rooms: meets all that can be met, then fills
   * the tree of the ways from its leaves to the root.
   */
  private fillTree(node: number, wanted: number): number {
    const { offset, head, mate, residual, state, reach, used, seen, cameBy, queue, gather } = this;
    const search = ++this.search;
    seen[node] = search;
    queue[0] = node;
    gather[node] = 0;
    let filled = 1;
    for (let taken = 0; taken < filled; taken++) {
      const from = queue[taken]!;
      const end = offset[from + 1]!;
      for (let a = offset[from]!; a < end; a++) {
        const other = head[a]!;
        if (state[other] === SCANNED || seen[other] === search || residual[a] === 0) continue;
        seen[other] = search;
        cameBy[other] = a;
        gather[other] = reach[other]! - used[other]!;
        queue[filled++] = other;
      }
    }
    for (let k = filled - 1; k > 0; k--) {
      const at = queue[k]!;
      const arc = cameBy[at]!;
      const amount = Math.min(gather[at]!, residual[arc]!);
      gather[at] = amount;
      gather[head[mate[arc]!]!]! += amount;
    }
    const flow = Math.min(wanted, gather[node]!);
    gather[node] = flow;
    for (let k = 1; k < filled; k++) {
      const at = queue[k]!;
      const arc = cameBy[at]!;
      const back = mate[arc]!;
      const from = head[back]!;
      const amount = Math.min(gather[at]!, gather[from]!);
      if (amount === 0) {
        gather[at] = 0;
        continue;
      }
      gather[from]! -= amount;
      residual[arc]! -= amount;
      residual[back]! += amount;
      this.touchedArcs[this.touchedArcCount++] = arc;
      const own = Math.min(amount, reach[at]! - used[at]!);
      if (own > 0) {
        if (used[at] === 0) this.touchedNodes[this.touchedNodeCount++] = at;
        used[at]! += own;
      }
      gather[at] = amount - own;
    }
    return flow;
  }

  /** Sends at most `most` along the way by which `from` was met and then by `last`. */
  private fill(source: number, from: number, last: number, most: number): number {
    const { head, mate, residual, cameBy } = this;
    let amount = most;
    for (let at = from; at !== source;) {
      this.walked++;
      const arc = cameBy[at]!;
      if (residual[arc]! < amount) amount = residual[arc]!;
      at = head[mate[arc]!]!;
    }
    if (amount === 0) return 0;
    for (let arc = last; ;) {
      const back = mate[arc]!;
      residual[arc]! -= amount;
      residual[back]! += amount;
      this.touchedArcs[this.touchedArcCount++] = arc;
      const at = head[back]!;
      if (at === source) return amount;
      arc = cameBy[at]!;
    }
  }

  /** Takes the flow away again. */
  private putBack(): void {
    const { touchedArcs, touchedNodes, residual, capacity, mate, used } = this;
    for (let k = 0; k < this.touchedArcCount; k++) {
      const arc = touchedArcs[k]!;
      residual[arc] = capacity[arc]!;
      residual[mate[arc]!] = capacity[mate[arc]!]!;
    }
    for (let k = 0; k < this.touchedNodeCount; k++) used[touchedNodes[k]!] = 0;
    this.touchedArcCount = 0;
    this.touchedNodeCount = 0;
  }
}
