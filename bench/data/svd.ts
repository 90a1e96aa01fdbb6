/**
 * Truncated singular value decomposition of a sparse matrix by subspace iteration from a random
 * start (N. Halko, P. Martinsson, J. Tropp: Finding structure with randomness. SIAM Review 53,
 * 2011), on the side of its columns, so that nothing of the size of its rows is kept. Repeatable:
 * the start has a seed, and all else is IEEE arithmetic in one order.
 */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { cholesky, eigen, gram, multiply, solveRight } from "./dense.ts";
import type { Sparse } from "./tfidf.ts";

/** Directions beyond those asked for, and rounds: then the last of 384 stands to three digits. */
const SPARE = 16;
const ROUNDS = 3;

/** `z = A'A q`; q and z have a row of `k` for each column of A. */
function timesGram({ rows, columns, start, column, value }: Sparse, q: Float64Array, k: number) {
  const z = new Float64Array(columns * k);
  const t = new Float64Array(k);
  for (let row = 0; row < rows; row++) {
    t.fill(0);
    for (let e = start[row]!; e < start[row + 1]!; e++)
      for (let i = 0, at = column[e]! * k, v = value[e]!; i < k; i++) t[i]! += v * q[at + i]!;
    for (let e = start[row]!; e < start[row + 1]!; e++)
      for (let i = 0, at = column[e]! * k, v = value[e]!; i < k; i++) z[at + i]! += v * t[i]!;
  }
  return z;
}

export interface Decomposition {
  /** Singular values, the largest first. */
  readonly singular: Float64Array;
  /** The right singular vectors: a row of `dimensions` for each column of the matrix. */
  readonly right: Float64Array;
  readonly dimensions: number;
}

export function truncatedSvd(a: Sparse, dimensions: number, seed: number): Decomposition {
  const k = Math.min(dimensions + SPARE, a.columns);
  const random = xoroshiro128plus(seed);
  let q = Float64Array.from({ length: a.columns * k }, () => 2 * uniformFloat64(random) - 1);
  let z = q;
  for (let round = 0; round <= ROUNDS; round++) {
    // Cholesky's QR loses half the digits of an ill-conditioned matrix: twice gives them back.
    for (let again = 0; again < 2; again++) {
      q = again === 0 ? z : q;
      solveRight(q, cholesky(gram(q, q, k), k), k);
    }
    z = timesGram(a, q, k);
  }
  const { values, vectors } = eigen(gram(q, z, k), k);
  return {
    singular: values.slice(0, dimensions).map((value) => Math.sqrt(Math.max(0, value))),
    right: multiply(q, vectors, k, Math.min(dimensions, k)),
    dimensions: Math.min(dimensions, k),
  };
}

/**
 * The rows of the matrix in the space of the decomposition (A V), each of length 1; rows that are
 * zero there are left out. `kept` are the numbers of those that are not.
 */
export function project(
  { rows, start, column, value }: Sparse,
  { right, dimensions }: Decomposition,
): { vectors: Float32Array; kept: Int32Array } {
  const vectors = new Float32Array(rows * dimensions);
  const kept: number[] = [];
  const t = new Float64Array(dimensions);
  for (let row = 0; row < rows; row++) {
    t.fill(0);
    for (let e = start[row]!; e < start[row + 1]!; e++)
      for (let i = 0, at = column[e]! * dimensions, v = value[e]!; i < dimensions; i++)
        t[i]! += v * right[at + i]!;
    const length = Math.sqrt(t.reduce((sum, x) => sum + x * x, 0));
    if (length < 1e-6) continue;
    for (let i = 0, at = kept.length * dimensions; i < dimensions; i++)
      vectors[at + i] = t[i]! / length;
    kept.push(row);
  }
  return { vectors: vectors.slice(0, kept.length * dimensions), kept: Int32Array.from(kept) };
}
