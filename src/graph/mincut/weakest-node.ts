/**
 * The worst surviving fraction (`surviving-fraction.ts`) where one node has it, which is what most
 * faults look like - without the flow-equivalent tree, which costs far more than all the rest.
 *
 * No pair is designed to be connected by more than the lesser nominal degree of the two. Let a cut
 * separate something, and y be the heaviest node on the side that does not hold the heaviest of
 * all: then nothing across it was designed to be connected by more than y's degree, and it
 * separates y from all nodes that are heavier. So where from every node there flows to the heavier
 * ones at least f times its nominal degree, no cut has a fraction below f. With f the least
 * fraction of a node's degree that is there, that node has the worst fraction of all, if it was
 * designed to be connected to some other by its whole degree.
 */
import { scaleFor, toIntegerEdges, totalCapacity } from "./scaling.ts";
import { type Effort, NearFlow } from "./near-flow.ts";
import type { EdgeList } from "./types.ts";
import type { WorstFraction } from "./surviving-fraction.ts";

/** As in `surviving-fraction.ts`. */
const TOLERANCE = 1e-12;

/**
 * The first node that has the worst fraction; null when that is not proven: a cut around several
 * nodes may have it then. Edges of `current` and `nominal` are the same; both graphs are connected.
 */
export function weakestNode(
  nodeCount: number,
  current: EdgeList,
  nominal: EdgeList,
  effort?: Effort,
): WorstFraction | null {
  if (nodeCount < 2) return null;
  const now = nearFlowOf(nodeCount, current, effort);
  const designed = nearFlowOf(nodeCount, nominal, effort);
  const due = designed.near.arcs.degree;
  const order = Array.from(due, (_, i) => i).sort((a, b) => due[b]! - due[a]! || a - b);
  const heaviest = order[0]!;
  /** Nominal degrees; of the heaviest node that of the second, which bounds it too. */
  const most = due.slice();
  most[heaviest] = due[order[1]!]!;
  const unit = now.scale / designed.scale;
  const fraction = (i: number): number => now.near.arcs.degree[i]! / (most[i]! * unit);
  let worst = Infinity;
  for (let i = 0; i < nodeCount; i++) worst = Math.min(worst, fraction(i));

  const heavier = now.near.emptySet();
  for (const i of order) {
    if (i !== heaviest) {
      const wanted = Math.ceil(due[i]! * unit * worst * (1 - TOLERANCE));
      if (now.near.flow(heavier, i, wanted) < wanted) return null;
    }
    now.near.add(heavier, i);
  }
  for (let i = 0; i < nodeCount; i++) {
    if (fraction(i) > worst * (1 + TOLERANCE)) continue;
    for (const other of [heaviest, heaviestNeighbour(designed.near, i)]) {
      if (other === i) continue;
      const set = designed.near.emptySet();
      designed.near.add(set, other);
      if (designed.near.flow(set, i, most[i]!) === most[i]) {
        return { fraction: fraction(i), side: sideOf(nodeCount, i) };
      }
    }
    // It may be this one or a later one.
    return null;
  }
  return null;
}

function sideOf(nodeCount: number, node: number): Uint8Array {
  const side = new Uint8Array(nodeCount);
  side[node] = 1;
  return side;
}

function nearFlowOf(
  nodeCount: number,
  edges: EdgeList,
  effort?: Effort,
): { near: NearFlow; scale: number } {
  const scale = scaleFor(totalCapacity(nodeCount, edges));
  return { near: new NearFlow(nodeCount, toIntegerEdges(edges, scale), effort), scale };
}

function heaviestNeighbour({ arcs: { offset, head, degree } }: NearFlow, node: number): number {
  let best = head[offset[node]!]!;
  for (let a = offset[node]!; a < offset[node + 1]!; a++) {
    if (degree[head[a]!]! > degree[best]!) best = head[a]!;
  }
  return best;
}
