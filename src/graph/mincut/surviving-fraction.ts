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
 * The tree depends on the nominal capacities only; the search below asks its n - 1 pairs in order
 * of falling kappa. CAPFOREST certifies most of them in bulk, a flow decides those that are left.
 */
import { Capforest, START_STRIDE } from "./capforest.ts";
import { Contractor, buildAdjacency, edgesOf, measureDegrees } from "./adjacency.ts";
import { FlowNetwork } from "./max-flow.ts";
import { crossingCapacity, scaleFor, toIntegerEdges, totalCapacity } from "./scaling.ts";
import { createSets, find, resetSets, unite } from "./disjoint-sets.ts";
import type { Adjacency, EdgeList } from "./types.ts";
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
/** Most scans for the pairs of one kappa; flows decide what they leave open. */
const SCANS_PER_LEVEL = 6;
/** With fewer open pairs of one kappa, flows are cheaper than a scan. */
const WORTH_A_SCAN = 8;
/** Share of the nodes that must have been decided before the graph is rebuilt without them. */
const WORTH_A_MERGE = 0.2;
/** A scan that merges less than this share of the nodes is not followed by another. */
const WORTHWHILE = 0.02;

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
): WorstFraction {
  const search = new FractionSearch(current, tree, atLeast);
  const side = search.run();
  return { fraction: crossingCapacity(current, side) / severedConnectivity(tree, side), side };
}

class FractionSearch {
  private best = Infinity;
  private readonly bestSide: Uint8Array;
  private readonly enough: number;
  private readonly tree: FlowTree;
  /** Tree edges by falling kappa. */
  private readonly order: number[];
  /** kappa in whole units of the current capacities, by tree edge. */
  private readonly kappa: Float64Array;
  /** The current graph; nodes that no better cut can separate are merged as the search goes on. */
  private readonly graph: Adjacency;
  private readonly nodeOf: Int32Array;
  private readonly degree: Float64Array;
  private readonly severed: Float64Array;
  /** What will be one node after the next merge, and how many nodes fewer that makes. */
  private readonly sets: Int32Array;
  private pending = 0;
  private readonly capforest: Capforest;
  private readonly contractor: Contractor;
  private network: FlowNetwork | null = null;

  constructor(current: EdgeList, tree: FlowTree, atLeast: number) {
    const nodes = tree.nodeCount;
    const scale = scaleFor(totalCapacity(nodes, current));
    this.tree = tree;
    this.enough = atLeast * (1 + TOLERANCE);
    this.kappa = tree.value.map((value) => value * scale);
    this.order = Array.from(tree.value, (_, t) => t);
    this.order.sort((a, b) => tree.value[b]! - tree.value[a]! || a - b);
    this.graph = buildAdjacency(nodes, toIntegerEdges(current, scale));
    this.bestSide = new Uint8Array(nodes);
    this.nodeOf = new Int32Array(nodes);
    resetSets(this.nodeOf, nodes);
    this.degree = new Float64Array(nodes);
    this.severed = new Float64Array(nodes);
    this.sets = createSets(nodes);
    this.capforest = new Capforest(nodes);
    this.contractor = new Contractor(this.graph);
  }

  run(): Uint8Array {
    this.offerNodes();
    const { order, tree } = this;
    for (let from = 0; from < order.length && !this.done();) {
      const level = tree.value[order[from]!]!;
      let to = from + 1;
      while (to < order.length && tree.value[order[to]!] === level) to++;
      this.certify(from, to);
      this.decide(from, to);
      from = to;
    }
    return this.bestSide;
  }

  private done(): boolean {
    return this.best <= this.enough;
  }

  /** Offers the cut around every node of the merged graph: one sweep that finds most faults. */
  private offerNodes(): void {
    const { graph, degree, severed, nodeOf, tree, kappa } = this;
    measureDegrees(graph, degree);
    severed.fill(0, 0, graph.nodeCount);
    for (let t = 0; t < kappa.length; t++) {
      const a = nodeOf[tree.u[t]!]!;
      const b = nodeOf[tree.v[t]!]!;
      if (a === b) continue;
      if (kappa[t]! > severed[a]!) severed[a] = kappa[t]!;
      if (kappa[t]! > severed[b]!) severed[b] = kappa[t]!;
    }
    for (let i = 0; i < graph.nodeCount; i++) {
      // What nothing was designed to connect with anything else is no failure when it stands alone.
      if (severed[i] === 0) continue;
      if (this.improves(degree[i]! / severed[i]!))
        this.take(degree[i]! / severed[i]!, (node) => node === i);
    }
  }

  /**
   * Cuts of at least this are no better than the best, if they separate a pair of this kappa and
   * none of a higher.
   */
  private limitFor(kappa: number): number {
    return this.best * (1 - TOLERANCE) * kappa;
  }

  private improves(fraction: number): boolean {
    return fraction < this.best * (1 - TOLERANCE);
  }

  private take(fraction: number, inside: (node: number) => boolean): void {
    this.best = fraction;
    const { bestSide, nodeOf } = this;
    for (let i = 0; i < bestSide.length; i++) bestSide[i] = inside(nodeOf[i]!) ? 1 : 0;
  }

  /** Nothing has been decided yet about the pair of this tree edge. */
  private isOpen(t: number): boolean {
    const { nodeOf, sets, tree } = this;
    return find(sets, nodeOf[tree.u[t]!]!) !== find(sets, nodeOf[tree.v[t]!]!);
  }

  private countOpen(from: number, to: number): number {
    let open = 0;
    for (let k = from; k < to; k++) if (this.isOpen(this.order[k]!)) open++;
    return open;
  }

  /**
   * Merges what is connected by at least best x kappa. It stays merged: both factors only fall from
   * here on, and a better cut for a later pair is cheaper than that.
   */
  private certify(from: number, to: number): void {
    const kappa = this.kappa[this.order[from]!]!;
    for (let scans = 0; scans < SCANS_PER_LEVEL && !this.done(); scans++) {
      if (this.countOpen(from, to) < WORTH_A_SCAN) return;
      this.merge();
      const nodes = this.graph.nodeCount;
      this.capforest.scan(
        this.graph,
        this.degree,
        this.limitFor(kappa),
        (scans * START_STRIDE) % nodes,
        this.sets,
      );
      this.pending = this.capforest.merged;
      if (this.pending < nodes * WORTHWHILE) return;
    }
  }

  /** Decides the open pairs of one kappa by flows. */
  private decide(from: number, to: number): void {
    for (let k = from; k < to && !this.done(); k++) {
      const t = this.order[k]!;
      if (!this.isOpen(t)) continue;
      if (this.pending > this.graph.nodeCount * WORTH_A_MERGE) this.merge();
      const a = this.nodeOf[this.tree.u[t]!]!;
      const b = this.nodeOf[this.tree.v[t]!]!;
      const limit = this.limitFor(this.kappa[t]!);
      this.network ??= new FlowNetwork(this.graph.nodeCount, edgesOf(this.graph));
      const flow = this.network.maxFlow(a, b, limit);
      if (flow < limit) {
        const { sourceSide } = this.network;
        this.take(flow / this.kappa[t]!, (node) => sourceSide[node] === 1);
      }
      // Decided either way: no better cut can come between these two.
      this.pending += unite(this.sets, a, b);
    }
  }

  /** Carries out the pending merges. The merged nodes are new cuts to look at. */
  private merge(): void {
    if (this.pending === 0) return;
    this.contractor.contract(this.graph, this.sets);
    const { label } = this.contractor;
    const { nodeOf } = this;
    for (let i = 0; i < nodeOf.length; i++) nodeOf[i] = label[nodeOf[i]!]!;
    resetSets(this.sets, this.graph.nodeCount);
    this.pending = 0;
    this.network = null;
    this.offerNodes();
  }
}
