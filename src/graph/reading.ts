/**
 * Reads a contracted graph: lambda, the cut that has it, and what that cut separates.
 *
 * `read` is for the graphs this project builds (`contracted.ts`): their nominal capacities are
 * balanced, so the plain minimum cut is the answer. `readPushed` is for graphs from outside, whose
 * topology and nominal capacities are what they are: it computes the definition itself.
 */
import {
  components,
  minimumCut,
  sideOfLabel,
  worstFraction,
  type Components,
  type EdgeList,
  type Effort,
} from "./mincut/index.ts";
import {
  type ContractedGraph,
  type GraphEdge,
  NODE_TYPES,
  type Reading,
  type WitnessEdge,
} from "../model/graph.ts";

export interface ReadOptions {
  /**
   * false: compute the cut even where balance gives the answer away (all healthy, or a cut that
   * reaches the worst health). Default true.
   */
  readonly shortcuts?: boolean;
}

/** Lambda is rounded to this many parts of 1, so that 0.3 reads 0.3 and not 0.30000000000000004. */
const LAMBDA_PARTS = 1e9;
const RAW_DIGITS = 12;

const UNREADABLE: Reading = {
  lambda: null,
  raw: null,
  witness: [],
  side: [],
  mass: 0,
  trivial: false,
};

/**
 * Reads a graph with balanced nominal capacities (its nominal minimum cut is 1). Where all is
 * healthy lambda is 1 and the witness is the boundary of one node: the first that is not a shard
 * and has the least boundary. Fewer than two nodes: lambda is null.
 */
export function read(graph: ContractedGraph, options: ReadOptions = {}): Reading {
  if (graph.nodes.length < 2) return UNREADABLE;
  const { shortcuts = true } = options;
  const current = currentEdges(graph);
  const worst = worstHealth(graph.edges);
  if (shortcuts && worst === 1) return report(graph, lightestNode(graph, current), 1, 1);
  // No cut is below 1 nominally, so none is below the worst health now.
  const cut = minimumCut(graph.nodes.length, current, { atLeast: shortcuts ? worst : 0 })!;
  return report(graph, cut.side, cut.value, cut.value);
}

/**
 * Reads a graph of any topology: lambda is the least c(S) / max { kappa(a, b) : S separates a and b
 * } over all cuts S, kappa being the nominal connectivity of a pair.
 *
 * A nominal graph in several pieces is read piece by piece: nothing was designed to connect them,
 * so the cut between them (raw is 0) is no failure, and lambda is that of the worst piece. Where
 * nothing at all was designed to be connected, lambda is null.
 * @throws TooMuchEffort beyond `effort`
 */
export function readPushed(graph: ContractedGraph, effort?: Effort): Reading {
  const nodes = graph.nodes.length;
  if (nodes < 2) return UNREADABLE;
  const nominal = nominalEdges(graph);
  const current = currentEdges(graph);
  const raw = minimumCut(nodes, current)!;
  const designed = components(nodes, nominal);
  if (designed.count === nodes) return { ...report(graph, raw.side, 0, 0), lambda: null };
  if (worstHealth(graph.edges) === 1) return report(graph, raw.side, 1, raw.value);
  const severed = severedPiece(designed, components(nodes, current));
  if (severed) return report(graph, severed, 0, raw.value);
  const { side, fraction } = worstFraction(nodes, current, nominal, effort)!;
  return report(graph, side, fraction, raw.value);
}

/**
 * The smallest piece of the current graph that is only a part of a designed one; null when nothing
 * is severed.
 */
function severedPiece(designed: Components, current: Components): Uint8Array | null {
  if (designed.count === current.count) return null;
  let smallest = -1;
  for (let i = 0; i < current.label.length; i++) {
    const piece = current.label[i]!;
    const size = current.size[piece]!;
    if (size === designed.size[designed.label[i]!]!) continue;
    if (smallest < 0 || size < current.size[smallest]!) smallest = piece;
  }
  return sideOfLabel(current.label, smallest);
}

/** The first node that is not a shard among those with the least boundary. */
function lightestNode(graph: ContractedGraph, { u, v, capacity }: EdgeList): Uint8Array {
  const boundary = new Float64Array(graph.nodes.length);
  for (let e = 0; e < u.length; e++) {
    if (u[e] === v[e]) continue;
    boundary[u[e]!]! += capacity[e]!;
    boundary[v[e]!]! += capacity[e]!;
  }
  let lightest = -1;
  graph.nodes.forEach(({ type }, i) => {
    if (type === "shard") return;
    if (lightest < 0 || boundary[i]! < boundary[lightest]! * (1 - 1e-9)) lightest = i;
  });
  const side = new Uint8Array(graph.nodes.length);
  side[Math.max(0, lightest)] = 1;
  return side;
}

const clamp01 = (value: number): number => Math.min(1, Math.max(0, value));

const currentCapacity = ({ nominal, health }: GraphEdge): number => nominal * clamp01(health);

/** Edges with the capacities that are there now. */
export const currentEdges = (graph: ContractedGraph): EdgeList => columns(graph, currentCapacity);

const nominalEdges = (graph: ContractedGraph): EdgeList => columns(graph, ({ nominal }) => nominal);

function columns({ edges }: ContractedGraph, capacityOf: (edge: GraphEdge) => number): EdgeList {
  const u = new Int32Array(edges.length);
  const v = new Int32Array(edges.length);
  const capacity = new Float64Array(edges.length);
  edges.forEach((edge, e) => {
    u[e] = edge.u;
    v[e] = edge.v;
    capacity[e] = capacityOf(edge);
  });
  return { u, v, capacity };
}

/** Of the edges that were designed to carry anything; 1 when there are none. */
function worstHealth(edges: readonly GraphEdge[]): number {
  let worst = 1;
  for (const { nominal, health } of edges) if (nominal > 0 && health < worst) worst = health;
  return clamp01(worst);
}

function report(graph: ContractedGraph, cut: Uint8Array, lambda: number, raw: number): Reading {
  const side = smallerSide(graph, cut);
  const lost = cutOff(graph, side);
  return {
    lambda: Math.round(clamp01(lambda) * LAMBDA_PARTS) / LAMBDA_PARTS,
    raw: Number(raw.toPrecision(RAW_DIGITS)),
    witness: witnessEdges(graph, side),
    side: graph.nodes.filter((_, i) => side[i] === 1).map(({ id }) => id),
    mass: massShare(graph, lost),
    trivial: isTrivial(graph, lost),
  };
}

/**
 * 1 on the side with fewer nodes; of two equal ones, with fewer shards; then the one without the
 * first node.
 */
function smallerSide(graph: ContractedGraph, cut: Uint8Array): Uint8Array {
  let excess = 0;
  let shards = 0;
  graph.nodes.forEach(({ type }, i) => {
    const sign = cut[i] === 1 ? 1 : -1;
    excess += sign;
    if (type === "shard") shards += sign;
  });
  const flip = excess > 0 || (excess === 0 && (shards > 0 || (shards === 0 && cut[0] === 1)));
  return flip ? cut.map((inside) => 1 - inside) : cut;
}

/**
 * What the cut takes away from the collection: the side without a shard, when the other has them
 * all - a group of many members may well be the larger side, and it is the one that is out of
 * reach. Otherwise the smaller side.
 */
function cutOff(graph: ContractedGraph, side: Uint8Array): Uint8Array {
  const shardInside = graph.nodes.some(({ type }, i) => type === "shard" && side[i] === 1);
  const shardOutside = graph.nodes.some(({ type }, i) => type === "shard" && side[i] !== 1);
  return shardInside && !shardOutside ? side.map((inside) => 1 - inside) : side;
}

/**
 * The largest share that is inside of what any one type of node holds (rows of partitions, rows of
 * lists, replicas): their masses have different units. Of the nodes, where nobody said what they
 * hold.
 */
function massShare(graph: ContractedGraph, inside: Uint8Array): number {
  const shares = NODE_TYPES.map((wanted) => {
    let total = 0;
    let share = 0;
    graph.nodes.forEach(({ type, mass }, i) => {
      if (type !== wanted) return;
      total += mass;
      if (inside[i] === 1) share += mass;
    });
    return total > 0 ? share / total : null;
  }).filter((share): share is number => share !== null);
  if (shares.length > 0) return clamp01(Math.max(...shares));
  return inside.reduce((count, one) => count + one, 0) / graph.nodes.length;
}

function isTrivial(graph: ContractedGraph, inside: Uint8Array): boolean {
  const nodes = graph.nodes.filter((_, i) => inside[i] === 1);
  return nodes.length === 1 && nodes[0]!.mass === 0;
}

/**
 * The edges that cross, dead ones included, in the graph's order; `from` is the end on the reported
 * side.
 */
function witnessEdges({ nodes, edges }: ContractedGraph, side: Uint8Array): WitnessEdge[] {
  const witness: WitnessEdge[] = [];
  for (const edge of edges) {
    if (side[edge.u] === side[edge.v] || !(edge.nominal > 0)) continue;
    const from = nodes[side[edge.u] === 1 ? edge.u : edge.v]!;
    const to = nodes[side[edge.u] === 1 ? edge.v : edge.u]!;
    witness.push({
      type: edge.type,
      from: from.id,
      from_type: from.type,
      to: to.id,
      to_type: to.type,
      nominal: edge.nominal,
      capacity: currentCapacity(edge),
      health: clamp01(edge.health),
    });
  }
  return witness;
}
