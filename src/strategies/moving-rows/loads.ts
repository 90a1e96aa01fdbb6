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
import { shares } from "./moves.ts";
import {
  type LoadedPartition,
  type LoadMove,
  type Working,
  isTraffic,
  movablePart,
  shift,
} from "./shift.ts";

export type TrafficModel = "uniform" | "recency";

export interface LoadPlan {
  readonly moves: readonly LoadMove[];
  /** The partitions as they would be, in the order of the input. */
  readonly after: readonly LoadedPartition[];
  /** Figures that moves were planned for. */
  readonly figures: readonly LoadFigure[];
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

/** What a partition carries of a figure, in whole units. */
const levelOf = ({ partition }: Working, figure: LoadFigure): number =>
  Math.round((partition[figure] ?? 0) * (isTraffic(figure) ? UNITS : 1));

/** Who gives how much of a figure, who takes how much. */
interface Levelling {
  readonly sources: readonly Working[];
  readonly excess: readonly number[];
  readonly targets: readonly Working[];
  readonly room: number[];
}

/** What is above the ceiling is given, as far as those below the mean have room. */
function levelling(
  working: readonly Working[],
  figure: LoadFigure,
  ceilingRatio: number,
  maxRows: number,
): Levelling {
  const level = (one: Working): number => levelOf(one, figure);
  // Traffic is over its mean already. What was smoothed need not add up: by the mean of 5.8 and
  // seven times 0.6 the ceiling would be 1.75, not 1.425, so few rows would move, and every figure
  // be judged by 1 again afterwards.
  const mean = isTraffic(figure)
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
  return { sources, excess, targets, room };
}

/** Levels one figure: each source is poured onto the targets in turn, until they are full. */
function pass(
  working: readonly Working[],
  figure: LoadFigure,
  ceilingRatio: number,
  maxRows: number,
  model: TrafficModel,
): LoadMove[] {
  const { sources, excess, targets, room } = levelling(working, figure, ceilingRatio, maxRows);
  const moves: LoadMove[] = [];
  let left = maxRows;
  let next = 0;
  for (const [place, source] of sources.entries()) {
    const before = source.partition;
    const total = levelOf(source, figure);
    let shed = excess[place]!;
    // What the latest rows carry is split over the targets by hash, so that each gets of the
    // hottest.
    const latest =
      isTraffic(figure) && model === "recency"
        ? latestFor(shed / total / movablePart(before, figure), before.rows)
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
