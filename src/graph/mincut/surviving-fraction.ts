/**
 * The worst surviving fraction of the designed connectivity:
 *
 *   fraction = min over cuts S of  current(S) / max { kappa(a, b) : S separates a and b }
 *
 * where kappa(a, b) is the minimum cut between a and b under nominal capacities. The same number is
 * the least current(a, b) / kappa(a, b) over all pairs, and the edges of the nominal
 * flow-equivalent tree are pairs enough: for any other pair, some tree edge on the way between the
 * two has no more current connectivity and no less nominal.
 *
 * The search asks the tree's n - 1 pairs in order of falling kappa, each by a flow that ends at the
 * first pair's side of all that was asked before: whom no better cut can separate is one node.
 */
import { scaleFor, crossingCapacity, toIntegerEdges, totalCapacity } from "./scaling.ts";
import { createSets, find, unite } from "./disjoint-sets.ts";
import { type Effort, NearFlow } from "./near-flow.ts";
import { NearSets } from "./near-sets.ts";
import type { EdgeList } from "./types.ts";
import type { FlowTree } from "./flow-tree.ts";

export interface WorstFraction {
  readonly fraction: number;
  /** A cut that has it: 1 on one side, by node. */
  readonly side: Uint8Array;
}

/**
 * Fractions closer than this are one: a cut must be better by more to replace a cut that was found
 * first.
 */
const TOLERANCE = 1e-12;
/**
 * The largest designed connectivity that a cut separates: the largest tree edge across it. 0: none.
 */
export function severedConnectivity(tree: FlowTree, side: Uint8Array): number {
  let largest = 0;
  for (let t = 0; t < tree.value.length; t++) {
    if (side[tree.u[t]!] !== side[tree.v[t]!] && tree.value[t]! > largest) largest = tree.value[t]!;
  }
  return largest;
}

/**
 * `current` are the capacities as they are now, `tree` the flow-equivalent tree of the nominal ones
 * (same unit, at least one edge); `atLeast`: a fraction that no cut is below, such as the worst
 * edge's health.
 */
export function worstSurvivingFraction(
  current: EdgeList,
  tree: FlowTree,
  atLeast = 0,
  effort?: Effort,
): WorstFraction {
  const search = new FractionSearch(current, tree, atLeast, effort);
  const side = search.run();
  return { fraction: crossingCapacity(current, side) / severedConnectivity(tree, side), side };
}

class FractionSearch {
  private best = Infinity;
  private bestSide: Uint8Array;
  private readonly enough: number;
  private readonly tree: FlowTree;
  /** Tree edges by falling kappa. */
  private readonly order: number[];
  /** kappa in whole units of the current capacities, by tree edge. */
  private readonly kappa: Float64Array;
  private readonly near: NearFlow;

  constructor(current: EdgeList, tree: FlowTree, atLeast: number, effort?: Effort) {
    const nodes = tree.nodeCount;
    const scale = scaleFor(totalCapacity(nodes, current));
    this.tree = tree;
    this.enough = atLeast * (1 + TOLERANCE);
    this.kappa = tree.value.map((value) => value * scale);
    this.order = Array.from(tree.value, (_, t) => t);
    this.order.sort((a, b) => tree.value[b]! - tree.value[a]! || a - b);
    this.bestSide = new Uint8Array(nodes);
    this.near = new NearFlow(nodes, toIntegerEdges(current, scale), effort);
  }

  run(): Uint8Array {
    this.offerNodes();
    const { tree, near } = this;
    const sets = createSets(tree.nodeCount);
    const sinks = new NearSets(near);
    for (const t of this.order) {
      if (this.best <= this.enough) break;
      let from = tree.u[t]!;
      let to = tree.v[t]!;
      if (sinks.size(find(sets, from)) > sinks.size(find(sets, to))) [from, to] = [to, from];
      const [root, sink] = [find(sets, from), find(sets, to)];
      // Cuts of at least this are no better than the best. None below it separates what was merged:
      // both factors only fall. So the flow from one node is that from all of its set.
      const limit = Math.ceil(this.best * (1 - TOLERANCE) * this.kappa[t]!);
      const flow = near.flow(sinks.get(sink), from, limit);
      if (flow < limit) this.take(flow / this.kappa[t]!, near.met());
      // Decided either way: no better cut can come between these two.
      sinks.merge(root, sink);
      unite(sets, root, sink);
    }
    return this.bestSide;
  }

  /** Offers the cut around every node: it is what most faults look like. */
  private offerNodes(): void {
    const { near, tree, kappa } = this;
    const { degree } = near.arcs;
    const severed = new Float64Array(tree.nodeCount);
    for (let t = 0; t < kappa.length; t++) {
      const [a, b] = [tree.u[t]!, tree.v[t]!];
      if (kappa[t]! > severed[a]!) severed[a] = kappa[t]!;
      if (kappa[t]! > severed[b]!) severed[b] = kappa[t]!;
    }
    for (let i = 0; i < tree.nodeCount; i++) {
      // What nothing was designed to connect with anything else is no failure when it stands alone.
      if (severed[i] === 0) continue;
      const fraction = degree[i]! / severed[i]!;
      if (fraction < this.best * (1 - TOLERANCE)) this.take(fraction, sideOf(tree.nodeCount, i));
    }
  }

  private take(fraction: number, side: Uint8Array): void {
    this.best = fraction;
    this.bestSide = side;
  }
}

function sideOf(nodeCount: number, node: number): Uint8Array {
  const side = new Uint8Array(nodeCount);
  side[node] = 1;
  return side;
}
