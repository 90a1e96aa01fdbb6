/**
 * From counters to figures that may be judged: pure, one step per sample.
 *
 * **Traffic load** of a partition is its share of the reads (or writes) over the mean share. What
 * is smoothed is the logarithm of that ratio, with the time constant `traffic_window_seconds`: one
 * second in which a partition takes everything counts as one second, however many rows it was. An
 * interval with less traffic than is judged counts by so much less. Once that says that a partition
 * is loaded, the load is what a six times shorter window says, where that is more: a smoothed
 * figure on its way up would be planned by as if it were the whole, and the moves would then be
 * judged by the whole.
 *
 * **Our own moves** are not traffic. What a move reads and writes falls into an interval that is
 * left out, and the load before it is held until a third of the window has passed since the last
 * move; then it is replaced by what was measured since, because the old shares say nothing about
 * the new places.
 */
import type { Counters, CountersByPartition, Figures } from "./counters.ts";
import { laterScans } from "./use.ts";
import { logRatios, smoothedLoads, smoothedRates, smoothedBlocks } from "./smooth.ts";
import {
  type FollowSettings,
  type Sums,
  type ActivityMemory,
  LEVEL,
  RECENT,
  decay,
  sum,
} from "./memory.ts";

/**
 * A partition's share of the traffic over the mean share.
 * @param fine the load from which it counts
 */
export function trafficLoad(
  { loads, recent }: Pick<ActivityMemory, "loads" | "recent">,
  relid: string,
  figure: keyof Sums,
  fine: number,
): number {
  const lasting = loads[relid]?.[figure] ?? 0;
  return Math.exp(
    lasting > Math.log(fine) ? Math.max(lasting, recent[relid]?.[figure] ?? 0) : lasting,
  );
}

/**
 * Blocks asked for that it pays to keep in memory. What is read once from end to end - a dump, a
 * nightly report - comes back to nothing: the first pass of sequential scans is left out, with all
 * that it asked for on its way (TOAST, for one). Scans that come again count from the second on.
 */
export function reusedBlocks(
  { blocks }: Pick<ActivityMemory, "blocks">,
  relid: string,
  rows: number,
): number {
  const { asked = 0, read = 0, scanned = 0 } = blocks[relid] ?? {};
  if (!(read > 0) || !(scanned > 0)) return asked;
  return asked * (1 - Math.min(1, Math.min(scanned, rows) / read));
}

/**
 * Seconds for which loads are held after our last move. A third of the window: long enough for a
 * share that is worth judging, short enough to verify by.
 */
export const settleSeconds = ({
  traffic_window_seconds,
}: Pick<FollowSettings, "traffic_window_seconds">): number => traffic_window_seconds / 3;

/**
 * Seconds that an interval counts for. In which of its seconds rows were read nobody knows: after a
 * pause of the loop of ten minutes one scan of a partition counted as ten minutes of it, and lambda
 * was 0.09. So it counts for no more than the interval before it, or a twelfth of the window (5 s).
 */
const countsFor = (
  seconds: number,
  { interval }: ActivityMemory,
  { traffic_window_seconds }: FollowSettings,
): number => Math.min(seconds, Math.max(interval ?? 0, (traffic_window_seconds * RECENT) / 2));

/** @param judged partitions whose traffic is compared; the cold one is not among them */
export function follow(
  previous: ActivityMemory | null,
  counters: CountersByPartition,
  now: number,
  judged: readonly string[],
  settings: FollowSettings,
): ActivityMemory {
  const known = {
    loads: previous?.loads ?? {},
    recent: previous?.recent ?? {},
    rates: previous?.rates ?? {},
    blocks: previous?.blocks ?? {},
    observed: previous?.observed ?? 0,
  };
  const seconds = previous ? now - previous.at : 0;
  // Two samples at one instant, a clock that was set back: this reading is a new beginning.
  if (!previous || !(seconds > 0))
    return {
      at: now,
      counters,
      ...known,
      settling: previous?.settling ?? null,
      ...(previous?.moved && { moved: true }),
    };
  const anew = { since: now, sums: {} };
  if (previous.moved) return { at: now, interval: seconds, counters, ...known, settling: anew };
  const changes = Object.fromEntries(
    Object.entries(counters).map(([relid, one]) => [relid, change(previous.counters[relid], one)]),
  );
  const rates = smoothedRates(known.rates, changes, seconds, settings);
  const blocks = smoothedBlocks(known.blocks, changes, seconds, settings);
  const observed = known.observed * decay(seconds, settings.working_set_window_seconds) + seconds;
  const base = { at: now, interval: seconds, counters, rates, blocks, observed };
  const counted = countsFor(seconds, previous, settings);
  if (!previous.settling) {
    const fresh = logRatios(changes, seconds, judged, settings);
    const window = settings.traffic_window_seconds;
    return {
      ...base,
      loads: smoothedLoads(known.loads, fresh, judged, decay(counted, window)),
      recent: smoothedLoads(known.recent, fresh, judged, decay(counted, window * RECENT)),
      settling: null,
    };
  }
  // Nor does it say what the new places take.
  if (seconds > Math.max(2 * counted, settleSeconds(settings)))
    return { ...base, loads: known.loads, recent: known.recent, settling: anew };
  const { since } = previous.settling;
  const sums = Object.fromEntries(
    judged.map((relid) => [
      relid,
      sum(previous.settling!.sums[relid] ?? LEVEL, changes[relid] ?? LEVEL),
    ]),
  );
  if (now - since < settleSeconds(settings))
    return { ...base, loads: known.loads, recent: known.recent, settling: { since, sums } };
  const since_moves = logRatios(sums, now - since, judged, settings);
  return { ...base, loads: since_moves, recent: since_moves, settling: null };
}

const NOTHING: Required<Figures> = {
  reads: 0,
  scanned: 0,
  writes: 0,
  inserts: 0,
  blocks: 0,
  table_blocks: 0,
  table_hits: 0,
};

/**
 * Counters that went backwards were reset (pg_stat_reset, a crash): nothing is known of that
 * interval.
 */
function change(before: Counters | undefined, after: Counters): Required<Figures> {
  if (!before) return NOTHING;
  const keys = Object.keys(NOTHING) as (keyof Figures)[];
  if (keys.some((key) => (after[key] ?? 0) < (before[key] ?? 0))) return NOTHING;
  return Object.fromEntries(
    keys.map((key) => [key, (after[key] ?? 0) - (before[key] ?? after[key] ?? 0)]),
  ) as unknown as Required<Figures>;
}

/**
 * The counters that an interval begins with, as much later as they rose from `before` to `after`.
 */
export const later = (
  counters: CountersByPartition,
  before: CountersByPartition,
  after: CountersByPartition,
): CountersByPartition =>
  Object.fromEntries(
    Object.entries(counters).map(([relid, one]) => {
      const added = change(before[relid], after[relid] ?? before[relid] ?? NOTHING);
      // Counters of an older version lack some: what is not known stays so.
      const known = (Object.keys(NOTHING) as (keyof Figures)[]).filter(
        (key) => one[key] !== undefined,
      );
      const moved = Object.fromEntries(known.map((key) => [key, one[key]! + (added[key] ?? 0)]));
      return [
        relid,
        { ...moved, ...laterScans(one, before[relid], after[relid]) } as unknown as Counters,
      ];
    }),
  );
