/**
 * lambda2, the algebraic connectivity of a graph: the second smallest eigenvalue of its normalised
 * Laplacian I - D^(-1/2) W D^(-1/2), W being the capacities and D the sums of them around each node
 * (F. Chung: Spectral Graph Theory, 1997, section 1.2). 0 where the graph is in pieces, small where
 * a bottleneck parts it, at most n / (n - 1), which a clique has. It says nothing of a weak leaf
 * and does not change when all capacities fall alike: a signal of drift, never lambda.
 *
 * By Lanczos' method on D^(-1/2) W D^(-1/2), in which lambda2 is 1 minus the second largest
 * eigenvalue; the largest is 1 and belongs to the square roots of D, which are taken out of every
 * vector. Vectors are not kept: the extreme eigenvalue of the tridiagonal matrix is right without
 * (C. Paige, 1971), and its residual is a bound of the error.
 */
import { components, type EdgeList } from "./mincut/index.ts";
import { buildAdjacency } from "./mincut/adjacency.ts";
import type { Adjacency } from "./mincut/types.ts";

/** Bound of the error. */
const PRECISION = 1e-6;
const MOST_STEPS = 2000;
/** The error is looked at after so many steps, and then each time a quarter more. */
const FIRST_LOOK = 16;

/** null: fewer than two nodes, or not as near as PRECISION after MOST_STEPS. */
export function lambda2(nodeCount: number, edges: EdgeList): number | null {
  if (nodeCount < 2) return null;
  if (components(nodeCount, edges).count > 1) return 0;
  const { graph, top } = normalised(nodeCount, edges);
  let before: Float64Array = new Float64Array(nodeCount);
  let now: Float64Array = startVector(nodeCount);
  let next: Float64Array = new Float64Array(nodeCount);
  removePart(now, top);
  scale(now, 1 / Math.sqrt(dot(now, now)));
  const diagonal: number[] = [];
  const beside: number[] = [];
  let beta = 0;
  let look = FIRST_LOOK;
  for (let step = 1; step <= MOST_STEPS; step++) {
    multiply(graph, now, next);
    for (let i = 0; i < nodeCount; i++) next[i]! -= beta * before[i]!;
    const alpha = dot(next, now);
    for (let i = 0; i < nodeCount; i++) next[i]! -= alpha * now[i]!;
    removePart(next, top);
    beta = Math.sqrt(dot(next, next));
    diagonal.push(alpha);
    if (step >= look || beta < PRECISION) {
      const { value, last } = largestEigenvalue(diagonal, beside);
      if (beta * last <= PRECISION) return Math.max(0, 1 - value);
      look = Math.ceil(step * 1.25);
    }
    beside.push(beta);
    scale(next, 1 / beta);
    [before, now, next] = [now, next, before];
  }
  return null;
}

/** D^(-1/2) W D^(-1/2), and its eigenvector of 1. */
function normalised(
  nodeCount: number,
  { u, v, capacity }: EdgeList,
): { graph: Adjacency; top: Float64Array } {
  const degree = new Float64Array(nodeCount);
  let total = 0;
  for (let e = 0; e < u.length; e++) {
    if (u[e] === v[e]) continue;
    degree[u[e]!]! += capacity[e]!;
    degree[v[e]!]! += capacity[e]!;
    total += 2 * capacity[e]!;
  }
  const count = u.length;
  const weight = Float64Array.from(u, (from, e) =>
    from === v[e] ? 0 : capacity[e]! / Math.sqrt(degree[from]! * degree[v[e]!]!),
  );
  const edges = { count, u: Int32Array.from(u), v: Int32Array.from(v), capacity: weight };
  return {
    graph: buildAdjacency(nodeCount, edges),
    top: degree.map((sum) => Math.sqrt(sum / total)),
  };
}

/** The same every time, and with a part of every eigenvector. */
function startVector(length: number): Float64Array {
  let state = 1;
  return Float64Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  });
}

function multiply(
  { nodeCount, offset, neighbour, weight }: Adjacency,
  from: Float64Array,
  to: Float64Array,
): void {
  for (let i = 0; i < nodeCount; i++) {
    let sum = 0;
    const end = offset[i + 1]!;
    for (let a = offset[i]!; a < end; a++) sum += weight[a]! * from[neighbour[a]!]!;
    to[i] = sum;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function scale(vector: Float64Array, factor: number): void {
  for (let i = 0; i < vector.length; i++) vector[i]! *= factor;
}

function removePart(vector: Float64Array, direction: Float64Array): void {
  const part = dot(vector, direction);
  for (let i = 0; i < vector.length; i++) vector[i]! -= part * direction[i]!;
}

/**
 * The largest eigenvalue of a symmetric tridiagonal matrix, by bisection, and the last component of
 * its eigenvector of length 1, by inverse iteration.
 */
function largestEigenvalue(
  diagonal: readonly number[],
  beside: readonly number[],
): { value: number; last: number } {
  let below = -1 - PRECISION;
  let above = 1 + PRECISION;
  for (let half = 0; half < 48; half++) {
    const middle = (below + above) / 2;
    if (isBelow(diagonal, beside, middle)) below = middle;
    else above = middle;
  }
  // Above all eigenvalues the matrix minus `above` is definite: no pivots are needed.
  const size = diagonal.length;
  const pivot = new Float64Array(size);
  const vector = new Float64Array(size).fill(1);
  for (let i = 0; i < size; i++) {
    const b = i > 0 ? beside[i - 1]! : 0;
    pivot[i] = above - diagonal[i]! - (i > 0 ? (b * b) / pivot[i - 1]! : 0);
  }
  for (let round = 0; round < 3; round++) {
    for (let i = 1; i < size; i++) vector[i]! += (beside[i - 1]! / pivot[i - 1]!) * vector[i - 1]!;
    vector[size - 1]! /= pivot[size - 1]!;
    for (let i = size - 2; i >= 0; i--)
      vector[i] = (vector[i]! + beside[i]! * vector[i + 1]!) / pivot[i]!;
    scale(vector, 1 / Math.sqrt(dot(vector, vector)));
  }
  return { value: above, last: Math.abs(vector[size - 1]!) };
}

/** Whether some eigenvalue is at least `value`: a pivot of the matrix minus it is not negative. */
function isBelow(diagonal: readonly number[], beside: readonly number[], value: number): boolean {
  let pivot = 1;
  for (let i = 0; i < diagonal.length; i++) {
    const b = i > 0 ? beside[i - 1]! : 0;
    pivot = value - diagonal[i]! - (i > 0 ? (b * b) / pivot : 0);
    if (pivot <= 0) return true;
  }
  return false;
}
