/** What is kept of a collection's activity between samples. */
import type { CountersByPartition } from "./counters.ts";
import type { UseByIndex } from "./use.ts";

export interface FollowSettings {
  readonly traffic_window_seconds: number;
  readonly min_reads_per_second: number;
  readonly min_writes_per_second: number;
  readonly working_set_window_seconds: number;
}

export interface Sums {
  readonly reads: number;
  readonly writes: number;
}

/** What is kept from sample to sample; plain JSON. Records are by the partition's oid. */
export interface ActivityMemory {
  /** Seconds since 1970. */
  readonly at: number;
  /** Seconds of the interval that ended then; memories of older versions have none. */
  readonly interval?: number;
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
  /** Of each vector index. Memories of older versions have none. */
  readonly use?: UseByIndex;
}

export const LEVEL: Sums = { reads: 0, writes: 0 };

export const FIGURES = ["reads", "writes"] as const;

/** The shorter window over the longer one. */
export const RECENT = 1 / 6;

/** A partition without traffic: the logarithm of nothing would never come back within a window. */
export const LEAST_RATIO = 0.1;

export const decay = (seconds: number, window: number): number => Math.exp(-seconds / window);

export const sum = (a: Sums, b: Sums): Sums => ({
  reads: a.reads + b.reads,
  writes: a.writes + b.writes,
});
