/** One move of a load plan: which rows, and what both partitions carry after it. Pure. */
import type { LoadFigure } from "../../model/problem.ts";
import type { MovablePartition } from "./moves.ts";
import type { RowFilter } from "./move-rows.ts";

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

export interface Working {
  partition: LoadedPartition;
  gave: boolean;
  took: boolean;
  /** Rows when hashed shares were first taken from it, and the share of them that is gone. */
  hashed: { readonly rows: number; readonly upTo: number } | null;
}

export const isTraffic = (figure: LoadFigure): boolean => figure === "reads" || figure === "writes";

/** Of a figure, how much of it goes where the rows go. */
export const movablePart = ({ inserted }: LoadedPartition, figure: LoadFigure): number =>
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
export function shift(
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
  const pick = (): Pick<LoadMove, "filter" | "latest"> => {
    if (!isTraffic(figure)) return { filter: {} };
    if (latest === null) return { filter: { hash: window(source, rows) } };
    return { filter: { hash: [done / whole, (done + amount) / whole] }, latest };
  };
  const picked = pick();
  const share = rows / source.partition.rows;
  carry(
    source,
    target,
    before,
    rows,
    isTraffic(figure) ? traffic : share * (source.partition.rows / before.rows),
  );
  return {
    from: source.partition.label,
    to: target.partition.label,
    from_keys: source.partition.values,
    to_key: target.partition.values[0]!,
    rows,
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
