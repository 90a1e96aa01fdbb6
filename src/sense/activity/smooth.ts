/** Figures smoothed over the window. */
import {
  type FollowSettings,
  type Sums,
  type ActivityMemory,
  LEVEL,
  FIGURES,
  RECENT,
  LEAST_RATIO,
  decay,
  sum,
} from "./memory.ts";
import type { Counters } from "./counters.ts";

/**
 * Logarithm of each partition's share over the mean one; nearer to 0, level, the more is missing of
 * the traffic that is judged.
 */
export function logRatios(
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

export function smoothedLoads(
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

export function smoothedRates(
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

export function smoothedBlocks(
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
