/**
 * How much of a table goes and comes again, by design. What is deleted and loaded anew each night, or falls by half in the evening and is
 * full again at noon, leaves room in its indexes that the next time fills: a rebuild would give it back until then. Pure.
 *
 *   churn   entries that went and came within an hour: DELETE all and INSERT all, an upsert of every row
 *   swing   rows that came back after a fall, over any time
 */

/** What is remembered of a table. */
export interface Breath {
  /** Seconds since 1970. */
  readonly at: number;
  /** Entries added and removed, as the server counted them then. */
  readonly added: number;
  readonly removed: number;
  /** Entries that went and came, those of an hour ago counting e times less. */
  readonly churn: number;
  /** The most rows there were, and the fewest since. */
  readonly high: number;
  readonly low: number;
  /** The most that went and came again, by the day (UTC, days since 1970). */
  readonly days: Readonly<Record<string, number>>;
}

/** As Breath has them. */
export interface Breathing {
  readonly at: number;
  readonly added: number;
  readonly removed: number;
  /** Rows of the table. */
  readonly live: number;
}

/** A load that deletes and inserts takes longer than one look at it: 600 s by default. */
const TOGETHER_SECONDS = 3600;

/** What comes once a week is expected still on the day it comes late. */
const KEPT_DAYS = 8;

const DAY = 86_400;

export function breathe({ at, added, removed, live }: Breathing, before: Breath | undefined): Breath {
  const day = Math.floor(at / DAY);
  if (!before) return { at, added, removed, churn: 0, high: live, low: live, days: {} };
  // Counters that fell were reset, and say nothing.
  const both = added >= before.added && removed >= before.removed ? Math.min(added - before.added, removed - before.removed) : 0;
  const churn = both + before.churn * Math.exp(-Math.max(0, at - before.at) / TOGETHER_SECONDS);
  const low = Math.min(before.low, live);
  const full = live >= before.high;
  const swing = Math.min(live, before.high) - low;
  const kept = Object.entries(before.days).filter(([then]) => day - Number(then) <= KEPT_DAYS && Number(then) <= day);
  const days = Object.fromEntries(kept);
  const most = Math.max(days[day] ?? 0, churn, swing);
  return { at, added, removed, churn, high: full ? live : before.high, low: full ? live : low, days: most > 0 ? { ...days, [day]: most } : days };
}

/**
 * Rows that are expected to come again in the room that others left. No more than there are: what left room for twice its rows was not vacuumed in
 * time, and that is waste.
 */
export const expectedAgain = ({ days, high }: Breath): number => Math.min(high, Math.max(0, ...Object.values(days)));
