/** The vocabulary of moves, and how an amount is poured over levels. */

export interface MovablePartition {
  readonly label: string;
  readonly rows: number;
  /**
   * Key values that lead to it; a partition without one (DEFAULT, NULL) neither gives nor takes.
   */
  readonly values: readonly string[];
}

/**
 * Splits `amount` over levels so that the lowest rise to a common one, none above `ceiling`. Whole
 * units; their sum is `amount`, or less where the ceiling leaves no room.
 */
export function shares(levels: readonly number[], amount: number, ceiling: number): number[] {
  const poured = (level: number): number =>
    levels.reduce((sum, one) => sum + Math.max(0, level - one), 0);
  // The highest whole level that takes no more than there is, by bisection.
  let low = 0;
  let high = ceiling;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (poured(middle) <= amount) low = middle;
    else high = middle - 1;
  }
  const result = levels.map((one) => Math.max(0, low - one));
  // Less than one row for each is left: the first ones that still have room take one more.
  let rest = Math.min(amount, poured(ceiling)) - poured(low);
  for (let place = 0; place < levels.length && rest > 0; place++) {
    if (levels[place]! + result[place]! === low && low < ceiling) {
      result[place]! += 1;
      rest--;
    }
  }
  return result;
}
