/** The nearest rows of a set by reading all of them, in JavaScript: no line is shared with SQL. */
import { vectorOf } from "./load.ts";
import type { DataSet } from "./sets.ts";

/** Squared distance of two rows; that of vectors of length 1 orders as the cosine does. */
export function distance(set: DataSet, a: number, b: number): number {
  const x = vectorOf(set, a);
  const y = vectorOf(set, b);
  // Four sums: additions that wait for each other are most of the time otherwise.
  let [s, t, u, v] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i += 4) {
    s += (x[i]! - y[i]!) ** 2;
    t += (x[i + 1]! - y[i + 1]!) ** 2;
    u += (x[i + 2]! - y[i + 2]!) ** 2;
    v += (x[i + 3]! - y[i + 3]!) ** 2;
  }
  return s + t + u + v;
}

/** Distance of the k-th nearest among `rows` to `row`, itself left out. */
export function kthDistance(set: DataSet, rows: readonly number[], row: number, k: number): number {
  const nearest: number[] = [];
  for (const other of rows) {
    if (other === row) continue;
    const d = distance(set, row, other);
    if (nearest.length === k && d >= nearest[k - 1]!) continue;
    let at = nearest.length < k ? nearest.length : k - 1;
    for (; at > 0 && nearest[at - 1]! > d; at--) nearest[at] = nearest[at - 1]!;
    nearest[at] = d;
  }
  return nearest.at(-1) ?? Infinity;
}

/** pgvector adds floats and rounds otherwise: what is as near as this is as near. */
export const within = (squared: number): number => squared * (1 + 1e-5) + 1e-7;
