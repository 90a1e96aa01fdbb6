/**
 * The worst surviving fraction (`surviving-fraction.ts`) of a graph of any shape, block by block:
 * the flow-equivalent trees of its blocks are one of the graph. Groups that hang on a hub, the
 * usual shape, cost what each of them costs (9,901 nodes in 100 groups, linked by random
 * capacities: 39 s as a whole, 0.3 s so).
 */
import { blocks } from "./blocks.ts";
import { createSets, find, unite } from "./disjoint-sets.ts";
import { flowTree } from "./flow-tree.ts";
import type { Effort } from "./near-flow.ts";
import { type WorstFraction, worstSurvivingFraction } from "./surviving-fraction.ts";
import type { EdgeList } from "./types.ts";
import { weakestNode } from "./weakest-node.ts";

/** A block as a graph of its own. */
interface Part {
  /** Its edges and nodes in the whole graph. */
  readonly edges: Int32Array;
  readonly nodes: readonly number[];
  readonly current: EdgeList;
  readonly nominal: EdgeList;
}

/**
 * Edges of `current` and `nominal` are the same; what is one piece under the nominal capacities is
 * one now. null: nothing was designed to be connected.
 * @throws TooMuchEffort beyond `effort`, which is used up
 */
export function worstFraction(
  nodeCount: number,
  current: EdgeList,
  nominal: EdgeList,
  effort?: Effort,
): WorstFraction | null {
  const found = blocks(nodeCount, nominal).edges.map((edges) => ({
    edges,
    // No cut of the block has a lesser fraction.
    health: worstHealth(edges, current, nominal),
  }));
  found.sort((a, b) => a.health - b.health || a.edges[0]! - b.edges[0]!);
  const localOf = new Int32Array(nodeCount);
  let best: { readonly part: Part; readonly worst: WorstFraction } | null = null;
  for (const { edges, health } of found) {
    if (best && health >= best.worst.fraction) break;
    const part = partOf(edges, current, nominal, localOf);
    const worst = worstOf(part, health, effort);
    if (!best || worst.fraction < best.worst.fraction) best = { part, worst };
  }
  if (!best) return null;
  const { part, worst } = best;
  return { fraction: worst.fraction, side: widened(nodeCount, part, worst.side, nominal) };
}

function worstHealth(edges: Int32Array, current: EdgeList, nominal: EdgeList): number {
  let worst = 1;
  for (const e of edges) worst = Math.min(worst, current.capacity[e]! / nominal.capacity[e]!);
  return worst;
}

function worstOf(
  { nodes, current, nominal }: Part,
  health: number,
  effort?: Effort,
): WorstFraction {
  if (nodes.length === 2) {
    const sum = ({ capacity }: EdgeList): number => Array.from(capacity).reduce((a, b) => a + b);
    return { fraction: sum(current) / sum(nominal), side: Uint8Array.of(0, 1) };
  }
  return (
    weakestNode(nodes.length, current, nominal, effort) ??
    worstSurvivingFraction(current, flowTree(nodes.length, nominal, effort), health, effort)
  );
}

/** @param localOf by node: overwritten */
function partOf(
  edges: Int32Array,
  current: EdgeList,
  nominal: EdgeList,
  localOf: Int32Array,
): Part {
  const ends = new Set<number>();
  for (const e of edges) ends.add(nominal.u[e]!).add(nominal.v[e]!);
  const nodes = [...ends].sort((a, b) => a - b);
  nodes.forEach((node, local) => (localOf[node] = local));
  const u = Int32Array.from(edges, (e) => localOf[nominal.u[e]!]!);
  const v = Int32Array.from(edges, (e) => localOf[nominal.v[e]!]!);
  const of = ({ capacity }: EdgeList): EdgeList => ({
    u,
    v,
    capacity: Float64Array.from(edges, (e) => capacity[e]!),
  });
  return { edges, nodes, current: of(current), nominal: of(nominal) };
}

/** A side of a block with all that hangs on it; other pieces are on the other side. */
function widened(nodeCount: number, part: Part, side: Uint8Array, whole: EdgeList): Uint8Array {
  const { edges, nodes } = part;
  const sets = createSets(nodeCount);
  let next = 0;
  for (let e = 0; e < whole.u.length; e++) {
    if (edges[next] === e) next++;
    else if (whole.capacity[e]! > 0) unite(sets, whole.u[e]!, whole.v[e]!);
  }
  const inside = new Uint8Array(nodeCount);
  nodes.forEach((node, local) => (inside[find(sets, node)] = side[local]!));
  return inside.map((_, node) => inside[find(sets, node)]!);
}
