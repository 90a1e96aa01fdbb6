/** Costs that are compared: measured in turns in one run, as medians with their quartiles. */

export interface Spread {
  readonly median: number;
  readonly quartiles: readonly [number, number];
}

/** Between two values by their distance, as numpy and R do. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

export const spreadOf = (values: readonly number[]): Spread => ({
  median: quantileOf(values, 0.5),
  quartiles: [quantileOf(values, 0.25), quantileOf(values, 0.75)],
});

/** Each answers what one run of it cost. */
export type Sides = Readonly<Record<string, () => Promise<number>>>;

/**
 * Every side once a round, in the other order each time: what else the machine does falls on all of
 * them. The first round is thrown away.
 */
export async function interleaved<S extends Sides>(
  sides: S,
  rounds: number,
): Promise<Record<keyof S, number[]>> {
  const names = Object.keys(sides) as (keyof S)[];
  const costs = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<
    keyof S,
    number[]
  >;
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const cost = await sides[name]!();
      if (round > 0) costs[name].push(cost);
    }
  }
  return costs;
}

/** One over the other, round by round. */
export const ratioOf = (costs: readonly number[], over: readonly number[]): Spread =>
  spreadOf(costs.map((cost, round) => cost / over[round]!));

/** Cost of one run, from as many as come to `least`: what is counted in hundredths of a second. */
export async function each(
  cost: () => number,
  work: () => Promise<unknown>,
  least: number,
): Promise<number> {
  const before = cost();
  let times = 0;
  do {
    await work();
    times += 1;
  } while (cost() - before < least);
  return (cost() - before) / times;
}

/** y grows as x to the power of it, by least squares of the logarithms. */
export function exponentOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const xs = points.map(({ x }) => Math.log(x));
  const ys = points.map(({ y }) => Math.log(y));
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  return (
    xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i]! - my), 0) /
    xs.reduce((sum, x) => sum + (x - mx) ** 2, 0)
  );
}
