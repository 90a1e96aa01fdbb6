/** What many measurements of one thing come to. */

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export const deviation = (values: readonly number[]): number => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
};

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** y = factor * x ^ exponent, by least squares of the logarithms. */
export function powerLaw(points: readonly { readonly x: number; readonly y: number }[]): {
  factor: number;
  exponent: number;
} {
  const xs = points.map(({ x }) => Math.log(x));
  const ys = points.map(({ y }) => Math.log(y));
  const [mx, my] = [mean(xs), mean(ys)];
  const exponent =
    xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i]! - my), 0) /
    xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
  return { factor: Math.exp(my - exponent * mx), exponent };
}

/** y = fixed + each * x, by least squares. */
export function line(points: readonly { readonly x: number; readonly y: number }[]): {
  fixed: number;
  each: number;
} {
  const [mx, my] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))];
  const each =
    points.reduce((sum, { x, y }) => sum + (x - mx) * (y - my), 0) /
    points.reduce((sum, { x }) => sum + (x - mx) ** 2, 0);
  return { fixed: my - each * mx, each };
}

/** Searches that bring the error of a mean within `error` in 95 of 100 tries. */
export const searchesFor = (deviationOfOne: number, error: number): number =>
  Math.ceil(((1.96 * deviationOfOne) / error) ** 2);

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
