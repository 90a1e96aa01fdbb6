/**
 * Disjoint sets over 0 to n - 1 (union-find with path halving) on a plain array: `sets[i]` is a
 * step towards the representative of i, which is its own. Roots are linked without ranks: halving
 * alone keeps paths short, and the representative of a set is then decided by the order of the
 * calls only.
 */

export function resetSets(sets: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) sets[i] = i;
}

export function createSets(count: number): Int32Array {
  const sets = new Int32Array(count);
  resetSets(sets, count);
  return sets;
}

export function find(sets: Int32Array, node: number): number {
  let at = node;
  while (sets[at] !== at) {
    sets[at] = sets[sets[at]!]!;
    at = sets[at]!;
  }
  return at;
}

/** Returns 1 when two sets became one, 0 when they were one already. */
export function unite(sets: Int32Array, a: number, b: number): number {
  const rootA = find(sets, a);
  const rootB = find(sets, b);
  if (rootA === rootB) return 0;
  sets[rootA] = rootB;
  return 1;
}

/**
 * Numbers the sets 0, 1, ... by their first member; `label[i]` becomes the number of i's set.
 * Returns how many there are.
 */
export function labelSets(sets: Int32Array, count: number, label: Int32Array): number {
  let labels = 0;
  for (let i = 0; i < count; i++) label[i] = -1;
  for (let i = 0; i < count; i++) {
    const root = find(sets, i);
    if (label[root] === -1) label[root] = labels++;
    // A root met later than a member of its set keeps the number that the member gave it.
    label[i] = label[root]!;
  }
  return labels;
}
