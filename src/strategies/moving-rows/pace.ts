/**
 * How many rows the next batch moves, and how long it rests before: by what the last ones took, and
 * by what others felt of them. Pure.
 */
import { count, short } from "../../base/text.ts";
import type { Others } from "../../collection/lookup.ts";

/** Kept in the progress of an action. */
export interface Pace {
  /** Rows that a batch moves, where batch_rows allows it and others do not feel it. */
  readonly rows: number;
  /** Fewer are not moved: what a batch takes beside them would be most of it. */
  readonly least: number;
  /** How long the last batch held rows, and how long it rests before the next, milliseconds. */
  readonly ms: number;
  readonly rest_ms: number;
  /** How often it was halved for others, less how often it was taken back. */
  readonly slowed: number;
  /** Batches since others last felt it. */
  readonly quiet: number;
  /** Mean age of others' statements after a rest, and at the end of a batch, lately. */
  readonly calm_ms: number | null;
  readonly busy_ms: number | null;
  /** Why it rests; null: nobody else is at work. */
  readonly why: string | null;
}

/** What is known at the end of a batch. */
export interface Batch {
  readonly rows: number;
  /** While it held rows: the statement that moves them, and their journal. */
  readonly ms: number;
  /** Sessions that wait for what it has locked. */
  readonly waiting: number;
  /** Before it began, and at its end. */
  readonly before: Others;
  readonly after: Others;
}

/**
 * How long a batch should hold rows: long enough for what it asks before (some 10 ms) to be little,
 * short for a writer that meets one of them. Nearer the lower end where there are others.
 */
const ALONE_MS = 90;
const BESIDE_MS = 55;
/** The first batch: as many rows as were moved before anything was measured. */
const FIRST = { plain: 500, hnsw: 20 };
/** A batch of fewer rows than this share of what was meant says nothing of how long those take. */
const TELLING = 0.5;
/** Eight times as short and seldom at most: 7 ms, and an eighth of the time. */
const MOST_SLOWED = 3;
/** Others may take so many times as long while rows move. */
const FELT = 1.3;
/** After so many batches that nobody felt, one step is taken back. */
const QUIET = 8;
const LONGEST_REST_MS = 500;
/** A machine too busy for anything is not helped by batches of a row: a fifth of the first. */
const LEAST = 5;

export const firstPace = (hnsw: boolean): Pace => ({
  rows: hnsw ? FIRST.hnsw : FIRST.plain,
  least: (hnsw ? FIRST.hnsw : FIRST.plain) / LEAST,
  ms: 0,
  rest_ms: 0,
  slowed: 0,
  quiet: 0,
  calm_ms: null,
  busy_ms: null,
  why: null,
});

/** All that is left of a move, where that is hardly more than a batch: no small one behind it. */
export function rowsOfBatch(pace: Pace, most: number, left: number): number {
  const rows = rowsNow(pace);
  return left <= rows * 1.3 ? Math.min(left, most) : Math.min(rows, most, left);
}

const rowsNow = ({ rows, least, slowed }: Pace): number =>
  Math.max(least, Math.round(rows / 2 ** slowed));

const smoothed = (before: number | null, now: number | null): number | null =>
  before === null || now === null ? (now ?? before) : 0.7 * before + 0.3 * now;

export function nextPace(pace: Pace, batch: Batch): Pace {
  const calm_ms = smoothed(pace.calm_ms, batch.before.age_ms);
  const busy_ms = smoothed(pace.busy_ms, batch.after.age_ms);
  const beside = batch.before.active + batch.after.active > 0 || batch.waiting > 0;
  const times = calm_ms === null || busy_ms === null || calm_ms <= 0 ? 1 : busy_ms / calm_ms;
  const felt = batch.waiting > 0 || (batch.after.active > 0 && times > FELT);
  const quiet = felt ? 0 : pace.quiet + 1;
  const slowed = felt
    ? Math.min(MOST_SLOWED, pace.slowed + 1)
    : Math.max(0, pace.slowed - (quiet % QUIET === 0 ? 1 : 0));
  const rests = beside || slowed > 0;
  return {
    rows: rowsIn(beside ? BESIDE_MS : ALONE_MS, pace, batch),
    least: pace.least,
    ms: batch.ms,
    // As long as it takes, so that it is at work half of the time; a step slower: a quarter.
    rest_ms: rests ? Math.min(LONGEST_REST_MS, Math.round(batch.ms * (2 ** (slowed + 1) - 1))) : 0,
    slowed,
    quiet,
    calm_ms,
    busy_ms,
    why: rests ? reason(batch, times, felt) : null,
  };
}

/**
 * No more than four times as many or as few at once: one measurement may be a chance. A small batch
 * takes more for a row, and says something only where it took too long all the same.
 */
function rowsIn(target: number, { rows, least }: Pace, batch: Batch): number {
  const telling = batch.rows >= TELLING * rows || batch.ms > target;
  if (!telling || batch.rows === 0) return rows;
  const fit = (batch.rows * target) / Math.max(1, batch.ms);
  return Math.max(least, Math.round(Math.min(4 * rows, Math.max(rows / 4, fit))));
}

function reason({ waiting, before, after }: Batch, times: number, felt: boolean): string {
  if (waiting > 0) return `${count(waiting, "session")} waited for its locks`;
  if (felt) return `statements of others took ${short(times)} times as long beside it`;
  return `${count(Math.max(before.active, after.active), "statement")} of others at work beside it`;
}

/** For people; null: it goes as fast as it can. */
export const paceText = (pace: Pace): string | null =>
  pace.why === null
    ? null
    : `in batches of ${count(rowsNow(pace), "row")}, resting ${pace.rest_ms} ms between: ` +
      pace.why;
