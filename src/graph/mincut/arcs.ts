/** A graph as arcs, for flows: an edge is two arcs, each the mate of the other. */
import type { IntegerEdges } from "./types.ts";

export interface Arcs {
  /** The arcs out of node i are offset[i] to offset[i + 1] - 1. */
  readonly offset: Int32Array;
  readonly head: Int32Array;
  readonly mate: Int32Array;
  readonly capacity: Float64Array;
  /** Sum of the capacities around every node, in whole units. */
  readonly degree: Float64Array;
}

export function buildArcs(nodeCount: number, { count, u, v, capacity }: IntegerEdges): Arcs {
  const offset = new Int32Array(nodeCount + 1);
  for (let e = 0; e < count; e++) {
    offset[u[e]! + 1]!++;
    offset[v[e]! + 1]!++;
  }
  for (let i = 0; i < nodeCount; i++) offset[i + 1]! += offset[i]!;
  const next = offset.slice();
  const head = new Int32Array(2 * count);
  const mate = new Int32Array(2 * count);
  const ofArc = new Float64Array(2 * count);
  const degree = new Float64Array(nodeCount);
  for (let e = 0; e < count; e++) {
    const a = u[e]!;
    const b = v[e]!;
    const w = capacity[e]!;
    const out = next[a]!++;
    const back = next[b]!++;
    head[out] = b;
    head[back] = a;
    mate[out] = back;
    mate[back] = out;
    ofArc[out] = w;
    ofArc[back] = w;
    degree[a]! += w;
    degree[b]! += w;
  }
  return { offset, head, mate, capacity: ofArc, degree };
}
