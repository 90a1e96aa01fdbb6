/**
 * Memory use: the working set over the memory that can hold it.
 *
 *   working set of a partition N (1 - e^(-A / N)): of its N live blocks, those that A block
 *   accesses of the window touch when
 *                                they fall anywhere in it. Much read: all of it. Not read: nothing.
 *   of the collection the sum, but at most shared_buffers / h: a working set of W blocks that is
 *   read evenly
 *                                finds h = shared_buffers / W of them in shared buffers; a higher
 *                                hit ratio h says that the reads keep to less of it. So large data
 *                                with a small hot core is not taken for pressure. h is that of
 *                                table and TOAST blocks: every scan finds an index's upper pages.
 *   memory use                   working set / cache, at most 100 %
 *
 * Live blocks are the files' blocks times the share of the table's file that rows fill: room that
 * moved and deleted rows left is fragmentation, not working set.
 */
import type { Metrics } from "../../model/problem.ts";
import type { PartitionMeasurement } from "../collect/partitions.ts";
import type { Snapshot } from "../snapshot.ts";

/** PostgreSQL's default; what else a server was built with changes blocks and bytes alike. */
const BLOCK = 8192;

/** Consumers named, largest first. */
const NAMED = 5;

/** Bytes that rows and their index entries fill. */
export function liveBytes({ bytes, heap_bytes, live_bytes }: PartitionMeasurement): number {
  return live_bytes === null || heap_bytes <= 0
    ? bytes
    : bytes * Math.min(1, live_bytes / heap_bytes);
}

/** Bytes of a partition that the window's block accesses touch. */
export function touchedBytes(partition: PartitionMeasurement): number {
  const live = liveBytes(partition);
  const asked = partition.blocks_asked * BLOCK;
  return live <= 0 || asked <= 0 ? 0 : live * (1 - Math.exp(-asked / live));
}

export interface WorkingSet {
  readonly bytes: number;
  /** What the hit ratio bounds it by; null: it does not. */
  readonly bound: number | null;
  /**
   * Share of the table's blocks asked for that were in shared buffers; null: none were asked for.
   */
  readonly hit_ratio: number | null;
}

/** null: nothing was observed yet. */
export function workingSet({ partitions, memory }: Snapshot): WorkingSet | null {
  if (!memory || memory.observed_seconds <= 0) return null;
  const touched = partitions.reduce((sum, partition) => sum + touchedBytes(partition), 0);
  const hit_ratio = memory.table_blocks > 0 ? memory.table_hits / memory.table_blocks : null;
  const bound =
    hit_ratio !== null && hit_ratio > 0 ? memory.shared_buffers_bytes / hit_ratio : null;
  return bound !== null && bound < touched
    ? { bytes: bound, bound, hit_ratio }
    : { bytes: touched, bound: null, hit_ratio };
}

/** Memory use in percent: pushed before measured; null: not known. */
export function memoryUsage(snapshot: Snapshot): number | null {
  if (snapshot.pushed.memory_usage_pct !== undefined) return snapshot.pushed.memory_usage_pct;
  const set = workingSet(snapshot);
  return set && snapshot.memory.cache_bytes > 0
    ? Math.min(100, (100 * set.bytes) / snapshot.memory.cache_bytes)
    : null;
}

export function memoryMetrics(
  snapshot: Snapshot,
): Pick<Metrics, "memory_usage_pct" | "largest_consumers" | "memory"> {
  const { memory, pushed, partitions } = snapshot;
  const set = workingSet(snapshot);
  const touched = partitions.map((one) => ({
    name: one.qualified,
    bytes: Math.round(touchedBytes(one)),
  }));
  return {
    memory_usage_pct: memoryUsage(snapshot),
    largest_consumers:
      pushed.largest_consumers ??
      touched
        .filter(({ bytes }) => bytes > 0)
        .sort((a, b) => b.bytes - a.bytes)
        .slice(0, NAMED),
    ...(memory && {
      memory: {
        source:
          pushed.memory_usage_pct !== undefined
            ? "reported"
            : `working set over ${memory.cache_source}`,
        working_set_bytes: set && Math.round(set.bytes),
        bounded_by_hit_ratio: set !== null && set.bound !== null,
        cache_bytes: memory.cache_bytes,
        hit_ratio: set && set.hit_ratio,
        evictions_per_second: memory.evictions_per_second,
        temp_bytes_per_second: memory.temp_bytes_per_second,
        system_used_pct: memory.system_used_pct,
      },
    }),
  };
}
