/** Dense matrices in rows of k, as much of them as the decomposition needs. */

/** `x' y`, symmetric: x = y, or y = S x with a symmetric S. */
export function gram(x: Float64Array, y: Float64Array, k: number): Float64Array {
  const g = new Float64Array(k * k);
  for (let row = 0; row < x.length; row += k)
    for (let i = 0; i < k; i++)
      for (let j = i, v = x[row + i]!, at = i * k; j < k; j++) g[at + j]! += v * y[row + j]!;
  for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) g[i * k + j] = g[j * k + i]!;
  return g;
}

/** Upper triangular R with R'R = g. */
export function cholesky(g: Float64Array, k: number): Float64Array {
  const r = new Float64Array(k * k);
  for (let i = 0; i < k; i++)
    for (let j = i; j < k; j++) {
      let sum = g[i * k + j]!;
      for (let l = 0; l < i; l++) sum -= r[l * k + i]! * r[l * k + j]!;
      if (i < j) r[i * k + j] = sum / r[i * k + i]!;
      else if (sum > 0) r[i * k + i] = Math.sqrt(sum);
      else throw new Error(`the matrix has rank ${i} of ${k}`);
    }
  return r;
}

/** `x := x R^-1`, row by row. */
export function solveRight(x: Float64Array, r: Float64Array, k: number): void {
  for (let row = 0; row < x.length; row += k)
    for (let i = 0; i < k; i++) {
      const v = (x[row + i]! /= r[i * k + i]!);
      for (let j = i + 1, at = i * k; j < k; j++) x[row + j]! -= v * r[at + j]!;
    }
}

/** The first `columns` columns of `x m`. */
export function multiply(
  x: Float64Array,
  m: Float64Array,
  k: number,
  columns: number,
): Float64Array {
  const product = new Float64Array((x.length / k) * columns);
  for (let row = 0, out = 0; row < x.length; row += k, out += columns)
    for (let l = 0; l < k; l++)
      for (let j = 0, v = x[row + l]!, at = l * k; j < columns; j++)
        product[out + j]! += v * m[at + j]!;
  return product;
}

/** Eigenvalues, the largest first, and eigenvectors in columns, by Jacobi's cyclic rotations. */
export function eigen(
  symmetric: Float64Array,
  k: number,
): { values: Float64Array; vectors: Float64Array } {
  const a = symmetric.slice();
  // In rows while it is rotated: a rotation then touches two stretches of memory.
  const v = new Float64Array(k * k);
  for (let i = 0; i < k; i++) v[i * k + i] = 1;
  const off = (): number => {
    let sum = 0;
    for (let i = 0; i < k; i++) for (let j = i + 1; j < k; j++) sum += a[i * k + j]! ** 2;
    return sum;
  };
  const whole = a.reduce((sum, x) => sum + x * x, 0);
  for (let sweep = 0; sweep < 30 && off() > 1e-22 * whole; sweep++)
    for (let p = 0; p < k; p++) for (let q = p + 1; q < k; q++) rotate(a, v, k, p, q);
  const order = Array.from({ length: k }, (_, i) => i).sort(
    (i, j) => a[j * k + j]! - a[i * k + i]! || i - j,
  );
  const vectors = new Float64Array(k * k);
  for (const [place, i] of order.entries())
    for (let j = 0; j < k; j++) vectors[j * k + place] = v[i * k + j]!;
  return { values: Float64Array.from(order, (i) => a[i * k + i]!), vectors };
}

function rotate(a: Float64Array, v: Float64Array, k: number, p: number, q: number): void {
  const apq = a[p * k + q]!;
  if (apq === 0) return;
  const theta = (a[q * k + q]! - a[p * k + p]!) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let i = 0; i < k; i++) {
    const x = a[i * k + p]!;
    const y = a[i * k + q]!;
    a[i * k + p] = c * x - s * y;
    a[i * k + q] = s * x + c * y;
  }
  for (const m of [a, v])
    for (let i = 0; i < k; i++) {
      const x = m[p * k + i]!;
      const y = m[q * k + i]!;
      m[p * k + i] = c * x - s * y;
      m[q * k + i] = s * x + c * y;
    }
}
