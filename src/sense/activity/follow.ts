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
import type { Counters, CountersByPartition } from "./counters.ts";

export interface FollowSettings {
  readonly traffic_window_seconds: number;
  readonly min_reads_per_second: number;
  readonly min_writes_per_second: number;
  readonly working_set_window_seconds: number;
}

interface Sums {
  readonly reads: number;
  readonly writes: number;
}

/** What is kept from sample to sample; plain JSON. Records are by the partition's oid. */
export interface ActivityMemory {
  /** Seconds since 1970. */
  readonly at: number;
  /** Counters at the end of the last sample, its own reads included. */
  readonly counters: CountersByPartition;
  /** Logarithms of the smoothed traffic loads, and of the same over the shorter window. */
  readonly loads: Readonly<Record<string, Sums>>;
  readonly recent: Readonly<Record<string, Sums>>;
  /**
   * Smoothed rates, per second, reads over the shorter window too, and how many of the writes are
   * inserts (0 to 1).
   */
  readonly rates: Readonly<
    Record<string, Sums & { readonly inserted: number; readonly recent_reads?: number }>
  >;
  /**
   * Blocks asked for within the working set's window (older ones fade); of those of the table
   * alone, how many were found.
   */
  readonly blocks: Readonly<
    Record<
      string,
      {
        readonly asked: number;
        readonly table: number;
        readonly found: number;
        /** Rows read in that time, and those of them that sequential scans read. */
        readonly read?: number;
        readonly scanned?: number;
      }
    >
  >;
  /** Seconds that `blocks` covers. */
  readonly observed: number;
  /** Set by our own moves: the interval they fall into is left out. */
  readonly moved?: boolean;
  /** Since our last move, while the loads are held. */
  readonly settling: {
    readonly since: number;
    readonly sums: Readonly<Record<string, Sums>>;
  } | null;
}

const LEVEL: Sums = { reads: 0, writes: 0 };
const FIGURES = ["reads", "writes"] as const;

/** The shorter window over the longer one. */
const RECENT = 1 / 6;

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

/** A partition without traffic: the logarithm of nothing would never come back within a window. */
const LEAST_RATIO = 0.1;

/**
 * Seconds for which loads are held after our last move. A third of the window: long enough for a
 * share that is worth judging, short enough to verify by.
 */
export const settleSeconds = ({
  traffic_window_seconds,
}: Pick<FollowSettings, "traffic_window_seconds">): number => traffic_window_seconds / 3;

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
  if (previous.moved) return { at: now, counters, ...known, settling: { since: now, sums: {} } };
  const changes = Object.fromEntries(
    Object.entries(counters).map(([relid, one]) => [relid, change(previous.counters[relid], one)]),
  );
  const rates = smoothedRates(known.rates, changes, seconds, settings);
  const blocks = smoothedBlocks(known.blocks, changes, seconds, settings);
  const observed = known.observed * decay(seconds, settings.working_set_window_seconds) + seconds;
  const base = { at: now, counters, rates, blocks, observed };
  if (!previous.settling) {
    const fresh = logRatios(changes, seconds, judged, settings);
    const window = settings.traffic_window_seconds;
    return {
      ...base,
      loads: smoothedLoads(known.loads, fresh, judged, decay(seconds, window)),
      recent: smoothedLoads(known.recent, fresh, judged, decay(seconds, window * RECENT)),
      settling: null,
    };
  }
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

const decay = (seconds: number, window: number): number => Math.exp(-seconds / window);
const sum = (a: Sums, b: Sums): Sums => ({ reads: a.reads + b.reads, writes: a.writes + b.writes });

const NOTHING: Required<Counters> = {
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
function change(before: Counters | undefined, after: Counters): Counters {
  if (!before) return NOTHING;
  const keys = Object.keys(NOTHING) as (keyof Counters)[];
  if (keys.some((key) => (after[key] ?? 0) < (before[key] ?? 0))) return NOTHING;
  return Object.fromEntries(
    keys.map((key) => [key, (after[key] ?? 0) - (before[key] ?? after[key] ?? 0)]),
  ) as unknown as Counters;
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
      const known = (Object.keys(NOTHING) as (keyof Counters)[]).filter(
        (key) => one[key] !== undefined,
      );
      return [
        relid,
        Object.fromEntries(
          known.map((key) => [key, one[key]! + (added[key] ?? 0)]),
        ) as unknown as Counters,
      ];
    }),
  );

/**
 * Logarithm of each partition's share over the mean one; nearer to 0, level, the more is missing of
 * the traffic that is judged.
 */
function logRatios(
  amounts: Readonly<Record<string, Sums>>,
  seconds: number,
  judged: readonly string[],
  settings: FollowSettings,
): Record<string, Sums> {
  const least: Sums = {
    reads: settings.min_reads_per_second * seconds,
    writes: settings.min_writes_per_second * seconds,
  };
  const totals = judged.reduce((all, relid) => sum(all, amounts[relid] ?? LEVEL), LEVEL);
  const ratio = (relid: string, figure: keyof Sums): number => {
    const all = totals[figure];
    if (all <= 0) return 0;
    const weight = least[figure] > 0 ? Math.min(1, all / least[figure]) : 1;
    return (
      weight *
      Math.log(Math.max(LEAST_RATIO, ((amounts[relid]?.[figure] ?? 0) * judged.length) / all))
    );
  };
  return Object.fromEntries(
    judged.map((relid) => [
      relid,
      { reads: ratio(relid, "reads"), writes: ratio(relid, "writes") },
    ]),
  );
}

function smoothedLoads(
  loads: ActivityMemory["loads"],
  fresh: Readonly<Record<string, Sums>>,
  judged: readonly string[],
  kept: number,
): Record<string, Sums> {
  return Object.fromEntries(
    judged.map((relid) => {
      const [before, now] = [loads[relid] ?? LEVEL, fresh[relid] ?? LEVEL];
      return [
        relid,
        Object.fromEntries(
          FIGURES.map((figure) => [figure, before[figure] * kept + now[figure] * (1 - kept)]),
        ) as unknown as Sums,
      ];
    }),
  );
}

function smoothedRates(
  rates: ActivityMemory["rates"],
  changes: Readonly<Record<string, Counters>>,
  seconds: number,
  settings: FollowSettings,
): ActivityMemory["rates"] {
  const kept = decay(seconds, settings.traffic_window_seconds);
  const lately = decay(seconds, settings.traffic_window_seconds * RECENT);
  const mix = (before: number, now: number, share = kept): number =>
    before * share + now * (1 - share);
  return Object.fromEntries(
    Object.entries(changes).map(([relid, one]) => {
      const before: ActivityMemory["rates"][string] = rates[relid] ?? { ...LEVEL, inserted: 0 };
      const writes = mix(before.writes, one.writes / seconds);
      // Weighed by the writes it is a share of: the first rows that ever come in are inserts at
      // once, not after minutes.
      const inserts = mix(before.writes * before.inserted, one.inserts / seconds);
      return [
        relid,
        {
          reads: mix(before.reads, one.reads / seconds),
          recent_reads: mix(before.recent_reads ?? before.reads, one.reads / seconds, lately),
          writes,
          inserted: one.writes > 0 && writes > 0 ? inserts / writes : before.inserted,
        },
      ];
    }),
  );
}

function smoothedBlocks(
  blocks: ActivityMemory["blocks"],
  changes: Readonly<Record<string, Counters>>,
  seconds: number,
  settings: FollowSettings,
): ActivityMemory["blocks"] {
  const kept = decay(seconds, settings.working_set_window_seconds);
  return Object.fromEntries(
    Object.entries(changes).map(([relid, one]) => {
      const before = blocks[relid] ?? { asked: 0, table: 0, found: 0, read: 0, scanned: 0 };
      // VACUUM and ANALYZE ask for blocks and return no row: what they alone touch is not kept in
      // memory for anybody.
      const used = one.reads + one.writes > 0 ? 1 : 0;
      return [
        relid,
        {
          asked: before.asked * kept + used * one.blocks,
          table: before.table * kept + used * one.table_blocks,
          found: before.found * kept + used * one.table_hits,
          read: (before.read ?? 0) * kept + one.reads,
          scanned: (before.scanned ?? 0) * kept + (one.scanned ?? 0),
        },
      ];
    }),
  );
}
