/**
 * Whether anybody searches by an index: scans of it, and rows that sequential scans of its table
 * read meanwhile. Pure, one step a sample; our own searches are left out as in `follow.ts`.
 */
import type { Counters, CountersByPartition } from "./counters.ts";

export interface IndexUse {
  /** Seconds since 1970: since it was last used, or since when its counters are known. */
  readonly since: number;
  /** Rows of its table that sequential scans read since then. */
  readonly scanned: number;
}

/** By the index's oid. */
export type UseByIndex = Readonly<Record<string, IndexUse>>;

/** @param before counters at the end of the last sample; null: there is none */
export function followUse(
  known: UseByIndex,
  before: CountersByPartition | null,
  after: CountersByPartition,
  now: number,
): UseByIndex {
  return Object.fromEntries(
    Object.entries(after).flatMap(([relid, counters]) => {
      const was = before?.[relid];
      const read = (counters.scanned ?? 0) - (was?.scanned ?? 0);
      return Object.entries(counters.vector_scans ?? {}).map(([oid, scans]): [string, IndexUse] => {
        const kept = known[oid];
        // Fewer than before: the statistics were reset.
        const unused = scans === was?.vector_scans?.[oid] && read >= 0;
        return [
          oid,
          kept && unused && now >= kept.since
            ? { since: kept.since, scanned: kept.scanned + read }
            : { since: now, scanned: 0 },
        ];
      });
    }),
  );
}

/** Scans of vector indexes that an interval begins with, as many more as were ours. */
export const laterScans = (
  { vector_scans }: Counters,
  before: Counters | undefined,
  after: Counters | undefined,
): Pick<Counters, "vector_scans"> =>
  vector_scans
    ? {
        vector_scans: Object.fromEntries(
          Object.entries(vector_scans).map(([oid, scans]) => [
            oid,
            scans +
              Math.max(0, (after?.vector_scans?.[oid] ?? 0) - (before?.vector_scans?.[oid] ?? 0)),
          ]),
        ),
      }
    : {};
