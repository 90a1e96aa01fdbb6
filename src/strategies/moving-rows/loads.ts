/**
 * Which rows go where when partitions are hot by rows, bytes, reads or writes: pure arithmetic.
 *
 * One pass for each figure, in that order, on what the passes before left: what is above the
 * ceiling is poured onto the partitions that carry least of it. Everything a row carries goes with
 * it, so a partition that gave in one pass is never filled in a later one, and the other way round.
 *
 * What a row carries:
 * - rows, bytes: one row; the mean width of its partition's rows.
 * - reads, updates and deletes: `uniform`: every row of a partition its equal part. `recency`: the
 *   row that was used r-th most lately 1/r of what the latest carries (Zipf's law with exponent 1,
 *   the usual first guess for popularity), so that the latest m of n rows carry H(m) / H(n), H
 *   being the harmonic numbers.
 * - inserts: nothing. They go where the application sends them.
 */
import { LOAD_FIGURES, type LoadFigure } from "../../model/problem.ts";
import { type MovablePartition, shares } from "./moves.ts";
import type { RowFilter } from "./rows.ts";

export type TrafficModel = "uniform" | "recency";

export interface LoadedPartition extends MovablePartition {
  /** null: not judged. Bytes in all; reads and writes over the mean. */
  readonly bytes: number | null;
  readonly reads: number | null;
  readonly writes: number | null;
  /** Of its writes, how many are inserts, 0 to 1. */
  readonly inserted: number;
}

export interface LoadMove {
  readonly from: string;
  readonly to: string;
  readonly from_keys: readonly string[];
  readonly to_key: string;
  readonly rows: number;
  readonly filter: RowFilter;
  /**
   * The latest so many rows of the source are picked from: the plan still has to find where they
   * begin.
   */
  readonly latest?: number;
}

export interface LoadPlan {
  readonly moves: readonly LoadMove[];
  /** The partitions as they would be, in the order of the input. */
  readonly after: readonly LoadedPartition[];
  /** Figures that moves were planned for. */
  readonly figures: readonly LoadFigure[];
}

interface Working {
  partition: LoadedPartition;
  gave: boolean;
  took: boolean;
  /** Rows when hashed shares were first taken from it, and the share of them that is gone. */
  hashed: { readonly rows: number; readonly upTo: number } | null;
}

/** Traffic is poured in whole units of a millionth of the mean. */
const UNITS = 1_000_000;

/** Harmonic number: 1 + 1/2 + ... + 1/n, to a few parts in a million. */
export const harmonic = (n: number): number =>
  n <= 0 ? 0 : Math.log(n) + 0.57721566 + 1 / (2 * n) - 1 / (12 * n * n);

/**
 * Rows, of the latest of n, that carry this share of a partition's traffic by the recency model.
 */
export function latestFor(share: number, n: number): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (harmonic(middle) < share * harmonic(n)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param ceilingRatio of each figure, over its mean, that a partition may keep
 * @param maxRows most rows to move in all
 */
export function planLoads(
  partitions: readonly LoadedPartition[],
  ceilingRatio: number,
  maxRows: number,
  model: TrafficModel,
): LoadPlan {
  const working = partitions.map((partition): Working => ({
    partition,
    gave: false,
    took: false,
    hashed: null,
  }));
  const moves: LoadMove[] = [];
  const figures: LoadFigure[] = [];
  let left = maxRows;
  for (const figure of LOAD_FIGURES) {
    if (partitions.some((one) => one[figure] === null)) continue;
    const planned = pass(working, figure, ceilingRatio, left, model);
    left -= planned.reduce((sum, { rows }) => sum + rows, 0);
    if (planned.length > 0) figures.push(figure);
    moves.push(...planned);
  }
  return { moves, after: working.map(({ partition }) => partition), figures };
}

const scaleOf = (figure: LoadFigure): number =>
  figure === "reads" || figure === "writes" ? UNITS : 1;

/**
 * Levels one figure: what is above the ceiling goes to those below the mean, as far as they have
 * room.
 */
function pass(
  working: readonly Working[],
  figure: LoadFigure,
  ceilingRatio: number,
  maxRows: number,
  model: TrafficModel,
): LoadMove[] {
  const level = (one: Working): number =>
    Math.round((one.partition[figure] ?? 0) * scaleOf(figure));
  // Traffic is over its mean already. What was smoothed need not add up: by the mean of 5.8 and
  // seven times 0.6 the ceiling would be 1.75, not 1.425, so few rows would move, and every figure
  // be judged by 1 again afterwards.
  const mean =
    scaleOf(figure) === UNITS
      ? UNITS
      : working.reduce((sum, one) => sum + level(one), 0) / Math.max(1, working.length);
  const ceiling = Math.max(1, Math.floor(mean * ceilingRatio));
  const reachable = working.filter(({ partition }) => partition.values.length > 0);
  const sources = reachable
    .filter((one) => !one.took && level(one) > ceiling && one.partition.rows > 0)
    .sort((a, b) => level(b) - level(a));
  const targets = reachable
    .filter((one) => !one.gave && level(one) < mean)
    .sort((a, b) => level(a) - level(b));
  const excess = sources.map((one) =>
    Math.min(level(one) - ceiling, Math.floor(movablePart(one.partition, figure) * level(one))),
  );
  const room = shares(
    targets.map(level),
    Math.min(
      excess.reduce((sum, one) => sum + one, 0),
      figure === "rows" ? maxRows : Infinity,
    ),
    ceiling,
  );
  const moves: LoadMove[] = [];
  let left = maxRows;
  let next = 0;
  for (const [place, source] of sources.entries()) {
    const before = source.partition;
    const total = level(source);
    let shed = excess[place]!;
    // What the latest rows carry is split over the targets by hash, so that each gets of the
    // hottest.
    const latest =
      figure === "reads" || figure === "writes"
        ? model === "recency"
          ? latestFor(shed / total / movablePart(before, figure), before.rows)
          : null
        : null;
    const whole = shed;
    while (shed > 0 && left > 0 && next < targets.length) {
      const amount = Math.min(shed, room[next]!);
      if (amount > 0) {
        const move = shift(source, targets[next]!, figure, {
          amount,
          total,
          before,
          left,
          latest,
          whole,
          done: whole - shed,
        });
        if (move) {
          moves.push(move);
          left -= move.rows;
        }
        shed -= amount;
        room[next]! -= amount;
      }
      if (room[next]! === 0) next++;
    }
  }
  return moves;
}

/** Of a figure, how much of it goes where the rows go. */
const movablePart = ({ inserted }: LoadedPartition, figure: LoadFigure): number =>
  figure === "writes" ? 1 - inserted : 1;

interface Shift {
  /** Of the figure, in its units; `total` is what the source carried when its turn came. */
  readonly amount: number;
  readonly total: number;
  readonly before: LoadedPartition;
  /** Rows that may still move. */
  readonly left: number;
  /** Rows, of the latest, that carry all that the source sheds; null: rows carry alike. */
  readonly latest: number | null;
  /** What the source sheds in all, and what of it is planned already. */
  readonly whole: number;
  readonly done: number;
}

/** One move, with both partitions brought up to date; null where not even one row would go. */
function shift(
  source: Working,
  target: Working,
  figure: LoadFigure,
  { amount, total, before, left, latest, whole, done }: Shift,
): LoadMove | null {
  const carried = amount / total / movablePart(before, figure);
  const wanted =
    latest === null ? Math.round(before.rows * carried) : Math.round((latest * amount) / whole);
  const rows = Math.min(Math.max(1, wanted), source.partition.rows, left);
  if (rows <= 0) return null;
  // Cut short by the row limit: so much less goes along.
  const traffic = carried * Math.min(1, rows / Math.max(1, wanted));
  const picked =
    figure === "rows" || figure === "bytes"
      ? {}
      : latest === null
        ? { filter: { hash: window(source, rows) } }
        : { filter: { hash: [done / whole, (done + amount) / whole] as const }, latest };
  const share = rows / source.partition.rows;
  carry(
    source,
    target,
    before,
    rows,
    figure === "reads" || figure === "writes"
      ? traffic
      : share * (source.partition.rows / before.rows),
  );
  return {
    from: source.partition.label,
    to: target.partition.label,
    from_keys: source.partition.values,
    to_key: target.partition.values[0]!,
    rows,
    filter: {},
    ...picked,
  };
}

/** The next share of the source's rows by hash. */
function window(source: Working, rows: number): readonly [number, number] {
  const { rows: of, upTo } = source.hashed ?? { rows: source.partition.rows, upTo: 0 };
  const end = Math.min(1, upTo + rows / of);
  source.hashed = { rows: of, upTo: end };
  return [upTo, end];
}

/**
 * Moves what rows carry: `traffic` is the share of what `before` had of reads and of writes that
 * are no inserts.
 */
function carry(
  source: Working,
  target: Working,
  before: LoadedPartition,
  rows: number,
  traffic: number,
): void {
  const [from, to] = [source.partition, target.partition];
  const width = from.bytes === null || from.rows === 0 ? 0 : from.bytes / from.rows;
  const reads = (before.reads ?? 0) * traffic;
  const writes = (before.writes ?? 0) * (1 - before.inserted) * traffic;
  const plus = (value: number | null, change: number): number | null =>
    value === null ? null : Math.max(0, value + change);
  source.partition = {
    ...from,
    rows: from.rows - rows,
    bytes: plus(from.bytes, -rows * width),
    reads: plus(from.reads, -reads),
    writes: plus(from.writes, -writes),
  };
  target.partition = {
    ...to,
    rows: to.rows + rows,
    bytes: plus(to.bytes, rows * width),
    reads: plus(to.reads, reads),
    writes: plus(to.writes, writes),
  };
  source.gave = true;
  target.took = true;
}
