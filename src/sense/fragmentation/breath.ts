/**
 * How much of a table goes and comes again, by design. What is deleted and loaded anew each night,
 * or falls by half in the evening and is full again at noon, leaves room in its indexes that the
 * next time fills: a rebuild would give it back until then. Pure.
 *
 *   churn rows that were deleted and inserted within an hour: a load that empties the table first
 *   swing rows that came back after a fall, over any time rewrites rows updated within an hour.
 *   Once is a migration, and its room stays empty; on a second day it is an upsert of every night
 */

/** By the day (UTC, days since 1970). */
export type Days = Readonly<Record<string, number>>;

/** As the server counts them. */
interface Counted {
  readonly inserted: number;
  readonly deleted: number;
  /** Updates that made index entries (not HOT). */
  readonly rewritten: number;
}

/** What is remembered of a table. */
export interface Breath extends Counted {
  /** Seconds since 1970. */
  readonly at: number;
  /** Of the last hour: those of an hour ago count e times less. */
  readonly churn: number;
  readonly rewrites: number;
  /** The most rows there were, and the fewest since. */
  readonly high: number;
  readonly low: number;
  /** The most that went and came again (churn, swing), and the most rewrites. */
  readonly days: Days;
  readonly rewritten_days: Days;
}

export interface Breathing extends Counted {
  readonly at: number;
  /** Rows of the table, the least that is said of them. */
  readonly least_live: number;
}

/** A load that deletes and inserts takes longer than one look at it: 600 s by default. */
const TOGETHER_SECONDS = 3600;

/** What comes once a week is expected still on the day it comes late. */
const KEPT_DAYS = 8;

const DAY = 86_400;

export function breathe(
  { at, inserted, deleted, rewritten, least_live: live }: Breathing,
  before: Breath | undefined,
): Breath {
  const counted: Counted = { inserted, deleted, rewritten };
  if (!before)
    return {
      ...counted,
      at,
      churn: 0,
      rewrites: 0,
      high: live,
      low: live,
      days: {},
      rewritten_days: {},
    };
  // Counters that fell were reset, and say nothing.
  const reset =
    inserted < before.inserted || deleted < before.deleted || rewritten < before.rewritten;
  const both = reset ? 0 : Math.min(inserted - before.inserted, deleted - before.deleted);
  const fades = Math.exp(-Math.max(0, at - before.at) / TOGETHER_SECONDS);
  const churn = both + before.churn * fades;
  const rewrites = (reset ? 0 : rewritten - before.rewritten) + before.rewrites * fades;
  const low = Math.min(before.low, live);
  const full = live >= before.high;
  // Where the server lost count, fewer rows are no fall, and finding them again is no return.
  const swing = reset ? 0 : Math.min(live, before.high) - low;
  return {
    ...counted,
    at,
    churn,
    rewrites,
    high: full || reset ? live : before.high,
    low: full || reset ? live : low,
    days: noted(before.days, at, Math.max(churn, swing)),
    rewritten_days: noted(before.rewritten_days, at, rewrites),
  };
}

export function noted(days: Days, at: number, amount: number): Days {
  const day = Math.floor(at / DAY);
  const kept = Object.fromEntries(
    Object.entries(days).filter(([then]) => day - Number(then) <= KEPT_DAYS && Number(then) <= day),
  );
  const most = Math.max(kept[day] ?? 0, amount);
  return most > 0 ? { ...kept, [day]: most } : kept;
}

/** Whether the days are those of a week: what is done today may wait again on Sunday. */
export const isWatched = (days: Days, at: number): boolean =>
  Math.min(...Object.keys(days).map(Number)) <= Math.floor(at / DAY) - KEPT_DAYS + 1;

export const ranked = (days: Days): readonly number[] => Object.values(days).sort((a, b) => b - a);

/**
 * Rows that are expected to come again in the room that others left. No more than there were: what
 * left room for twice its rows was not vacuumed in time, and that is waste.
 */
export const expectedAgain = ({ days, rewritten_days, high }: Breath): number =>
  Math.min(high, Math.max(ranked(days)[0] ?? 0, ranked(rewritten_days)[1] ?? 0));
