/**
 * Flows from a node to a set of nodes that grows. Where the set is next door, as for most nodes of
 * most graphs, a flow looks at a few dozen edges: what is far away is never met.
 */
import { type Arcs, buildArcs } from "./arcs.ts";
import type { IntegerEdges } from "./types.ts";

/** After so many searches of one flow only shortest paths are taken, which bounds their number. */
const FREE_SEARCHES = 50;

/**
 * Ways that are filled one by one may be so long together, as a share of the nodes; the next search
 * of the same node fills a tree of them. A group hangs on its hub by n links of 1/n, and its first
 * node needs them all: 60 ms one by one at 5,000 nodes, 8 ms by trees.
 */
const LONG_WALK = 0.5;

/** A set of nodes; `reach`: by node, the capacity between it and the set. */
export interface GrowingSet {
  readonly inside: Uint8Array;
  readonly reach: Float64Array;
}

/** What searches may still look at, in arcs; several flows may share it. */
export interface Effort {
  arcs: number;
}

/** Counted, not timed: a graph is refused always, and in any engine, or never. */
export class TooMuchEffort extends Error {}

export class NearFlow {
  readonly arcs: Arcs;
  private readonly nodeCount: number;
  private readonly residual: Float64Array;
  /** By node: what the present flow has used of its reach. */
  private readonly used: Float64Array;
  /** By node: the number of the search that has met it, and the arc that it came by. */
  private readonly seen: Int32Array;
  private readonly cameBy: Int32Array;
  /** By node, while a tree is filled: what may still flow from there on. */
  private readonly gather: Float64Array;
  private readonly queue: Int32Array;
  private readonly effort: Effort;
  private readonly arcsOfANode: number;
  private search = 0;
  private metCount = 0;
  /** Arcs on the ways that the last search filled one by one. */
  private walked = 0;
  private readonly mostSteps: number;
  /** Arcs and nodes that the present flow has changed. */
  private readonly touchedArcs: number[] = [];
  private readonly touchedNodes: number[] = [];
  private touchedArcCount = 0;
  private touchedNodeCount = 0;

  constructor(nodeCount: number, edges: IntegerEdges, effort: Effort = { arcs: Infinity }) {
    this.nodeCount = nodeCount;
    this.arcs = buildArcs(nodeCount, edges);
    this.effort = effort;
    this.arcsOfANode = this.arcs.head.length / nodeCount;
    this.residual = this.arcs.capacity.slice();
    this.used = new Float64Array(nodeCount);
    this.seen = new Int32Array(nodeCount);
    this.cameBy = new Int32Array(nodeCount);
    this.gather = new Float64Array(nodeCount);
    this.queue = new Int32Array(nodeCount);
    this.mostSteps = nodeCount * LONG_WALK;
  }

  emptySet(): GrowingSet {
    return { inside: new Uint8Array(this.nodeCount), reach: new Float64Array(this.nodeCount) };
  }

  add({ inside, reach }: GrowingSet, node: number): void {
    const { offset, head, capacity } = this.arcs;
    inside[node] = 1;
    const end = offset[node + 1]!;
    for (let a = offset[node]!; a < end; a++) reach[head[a]!]! += capacity[a]!;
  }

  remove({ inside, reach }: GrowingSet, node: number): void {
    const { offset, head, capacity } = this.arcs;
    inside[node] = 0;
    const end = offset[node + 1]!;
    for (let a = offset[node]!; a < end; a++) reach[head[a]!]! -= capacity[a]!;
  }

  /** The flow from a node outside to the set, in whole units; just the limit where that is less. */
  flow(set: GrowingSet, node: number, limit: number): number {
    let missing = limit - set.reach[node]!;
    this.walked = 0;
    for (let searches = 1; missing > 0; searches++) {
      const asTree = this.walked > this.mostSteps && searches <= FREE_SEARCHES;
      const found = asTree
        ? this.fillTree(set, node, missing)
        : this.augment(set, node, missing, searches > FREE_SEARCHES);
      // Long ways cost as well as wide searches: a third of the time in a ring.
      this.effort.arcs -= this.metCount * this.arcsOfANode + (asTree ? 0 : this.walked);
      if (this.effort.arcs < 0) throw new TooMuchEffort();
      if (found === 0) break;
      missing -= found;
    }
    this.putBack();
    return missing > 0 ? limit - missing : limit;
  }

  /** After a flow below its limit: the node's side of a minimum cut. */
  met(): Uint8Array {
    return Uint8Array.from(this.seen, (search) => (search === this.search ? 1 : 0));
  }

  /** The nodes on that side, as a view that the next flow overwrites. */
  metNodes(): Int32Array {
    return this.queue.subarray(0, this.metCount);
  }

  /**
   * One breadth-first search from `node`, which fills every path to the scanned set that it meets;
   * returns what flows, at most `wanted`. Without a path it has met all of the node's side.
   */
  private augment(
    { inside, reach }: GrowingSet,
    node: number,
    wanted: number,
    once: boolean,
  ): number {
    const { residual, used, seen, cameBy, queue } = this;
    const { offset, head } = this.arcs;
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
        if (inside[other] === 1 || seen[other] === search || residual[a] === 0) continue;
        const room = reach[other]! - used[other]!;
        if (room > 0) {
          const most = Math.min(room, wanted - flow, residual[a]!);
          const amount = this.fill(node, from, a, most);
          if (amount > 0) {
            if (used[other] === 0) this.touchedNodes[this.touchedNodeCount++] = other;
            used[other]! += amount;
            flow += amount;
            if (once || flow >= wanted || this.walked > this.mostSteps) {
              this.metCount = filled;
              return flow;
            }
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
    this.metCount = filled;
    return flow;
  }

  /**
   * As `augment`, for flows that come from many small rooms: meets all that can be met, then fills
   * the tree of the ways from its leaves to the root.
   */
  private fillTree({ inside, reach }: GrowingSet, node: number, wanted: number): number {
    const { residual, used, seen, cameBy, queue, gather } = this;
    const { offset, head, mate } = this.arcs;
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
        if (inside[other] === 1 || seen[other] === search || residual[a] === 0) continue;
        seen[other] = search;
        cameBy[other] = a;
        gather[other] = reach[other]! - used[other]!;
        queue[filled++] = other;
      }
    }
    this.metCount = filled;
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
    const { residual, cameBy } = this;
    const { head, mate } = this.arcs;
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
    const { touchedArcs, touchedNodes, residual, used } = this;
    const { capacity, mate } = this.arcs;
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
