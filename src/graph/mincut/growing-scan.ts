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
import { NearFlow } from "./near-flow.ts";
import type { IntegerEdges } from "./types.ts";

/** Of a node that was not scanned; 0: not reached yet. */
const IN_HEAP = 1;
const CERTIFIED = 2;

/** Offers every better cut of a connected graph to `best`, until it is the minimum or `enough`. */
export function growingScan(
  nodeCount: number,
  edges: IntegerEdges,
  best: BestCut,
  enough: number,
): void {
  const near = new NearFlow(nodeCount, edges);
  const { offset, head, capacity, degree } = near.arcs;
  const scanned = near.emptySet();
  const { inside, reach } = scanned;
  const state = new Uint8Array(nodeCount);
  const heap = new MaxHeap(nodeCount);
  const certified = new Int32Array(nodeCount);
  let certifiedCount = 0;
  let boundary = 0;
  let node = heaviest(degree);
  for (let count = 1; ; count++) {
    if (count > 1 && reach[node]! < best.value) {
      const flow = near.flow(scanned, node, best.value);
      if (flow < best.value) best.offerNodes(near.met(), flow);
    }
    inside[node] = 1;
    boundary += degree[node]! - 2 * reach[node]!;
    if (count === nodeCount) return;
    if (boundary < best.value) best.offerNodes(inside, boundary);
    if (best.value <= enough) return;
    const end = offset[node + 1]!;
    for (let a = offset[node]!; a < end; a++) {
      const other = head[a]!;
      const now = reach[other]! + capacity[a]!;
      reach[other] = now;
      if (inside[other] === 1 || state[other] === CERTIFIED) continue;
      if (now >= best.value) {
        state[other] = CERTIFIED;
        certified[certifiedCount++] = other;
      } else if (state[other] === IN_HEAP) {
        heap.raise(other, now);
      } else {
        state[other] = IN_HEAP;
        heap.push(other, now);
      }
    }
    if (certifiedCount > 0) node = certified[--certifiedCount]!;
    else {
      do node = heap.pop();
      while (state[node] !== IN_HEAP || inside[node] === 1);
    }
  }
}

/** A hub mostly: as part of the set it is no detour of any flow. */
function heaviest(degree: Float64Array): number {
  let node = 0;
  for (let i = 1; i < degree.length; i++) if (degree[i]! > degree[node]!) node = i;
  return node;
}
