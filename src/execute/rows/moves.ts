/** Which rows go where: pure arithmetic over row counts. */

export interface MovablePartition {
  readonly label: string;
  readonly rows: number;
  /** Key values that lead to it; a partition without one (DEFAULT, NULL) neither gives nor takes. */
  readonly values: readonly string[];
}

export interface Move {
  readonly from: string;
  readonly to: string;
  /** Rows are taken from these key values, in order, and get the first key of the target. */
  readonly from_keys: readonly string[];
  readonly to_key: string;
  readonly rows: number;
}

export interface MovePlan {
  readonly moves: readonly Move[];
  /** Rows by partition once all moves are done, in the order of the input. */
  readonly rows_after: readonly number[];
}

/**
 * The least moves that bring every partition down to `ceilingRatio` times the mean. What is above it goes to the
 * emptiest partitions first, which end up level with each other (water filling).
 * @param ceilingRatio rows of a partition over the mean that it may keep
 * @param maxRows most rows to move in all
 */
export function planMoves(partitions: readonly MovablePartition[], ceilingRatio: number, maxRows: number): MovePlan {
  const rows = partitions.map((partition) => partition.rows);
  const mean = rows.reduce((sum, one) => sum + one, 0) / Math.max(1, rows.length);
  const ceiling = Math.max(1, Math.floor(mean * ceilingRatio));
  const places = partitions.map((_, place) => place).filter((place) => partitions[place]!.values.length > 0);
  const sources = places.filter((place) => rows[place]! > ceiling).sort((a, b) => rows[b]! - rows[a]! || a - b);
  const targets = places.filter((place) => rows[place]! < mean).sort((a, b) => rows[a]! - rows[b]! || a - b);
  const after = [...rows];
  const moves: Move[] = [];
  let left = maxRows;
  const excess = sources.reduce((sum, place) => sum + rows[place]! - ceiling, 0);
  const room = shares(targets.map((place) => rows[place]!), Math.min(excess, maxRows), ceiling);
  let next = 0;
  for (const source of sources) {
    while (after[source]! > ceiling && left > 0 && next < targets.length) {
      const target = targets[next]!;
      const count = Math.min(after[source]! - ceiling, room[next]!, left);
      if (count > 0) {
        moves.push({
          from: partitions[source]!.label,
          to: partitions[target]!.label,
          from_keys: partitions[source]!.values,
          to_key: partitions[target]!.values[0]!,
          rows: count,
        });
        after[source]! -= count;
        after[target]! += count;
        room[next]! -= count;
        left -= count;
      }
      if (room[next]! === 0) next++;
    }
  }
  return { moves, rows_after: after };
}

/**
 * Splits `amount` over levels so that the lowest rise to a common one, none above `ceiling`. Whole rows; their sum
 * is `amount`, or less where the ceiling leaves no room.
 */
export function shares(levels: readonly number[], amount: number, ceiling: number): number[] {
  const poured = (level: number): number => levels.reduce((sum, one) => sum + Math.max(0, level - one), 0);
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
