import { describe, expect, it } from "vitest";
import { memoryUsage, touchedBytes, workingSet } from "../../src/sense/assess/memory.ts";
import type { PartitionMeasurement } from "../../src/sense/collect/partitions.ts";
import type { Snapshot } from "../../src/sense/snapshot.ts";

const MB = 1024 * 1024;
const BLOCK = 8192;

const partition = (bytes: number, asked: number, live = bytes): PartitionMeasurement => ({
  relid: "1",
  qualified: "p",
  label: "p",
  kind: "r",
  values: [],
  rows: 1,
  bytes,
  heap_bytes: bytes,
  live_bytes: live,
  traffic: null,
  blocks_asked: asked,
  cold: false,
  idle: null,
});

const snapshot = (
  partitions: readonly PartitionMeasurement[],
  cache: number,
  hits = 1,
  buffers = 128 * MB,
): Snapshot =>
  ({
    partitions,
    memory: {
      cache_bytes: cache,
      cache_source: "effective_cache_size",
      shared_buffers_bytes: buffers,
      observed_seconds: 60,
      table_blocks: 1000,
      table_hits: 1000 * hits,
      evictions_per_second: null,
      temp_bytes_per_second: null,
      system_used_pct: null,
    },
    pushed: {},
  }) as unknown as Snapshot;

describe("the working set", () => {
  it(
    "is nothing of what is not read, all of what is read again and again, and what was touched " +
      "in between",
    () => {
      expect(touchedBytes(partition(80 * MB, 0))).toBe(0);
      expect(touchedBytes(partition(80 * MB, (100 * (80 * MB)) / BLOCK))).toBeCloseTo(80 * MB, -1);
      expect(touchedBytes(partition(80 * MB, (80 * MB) / BLOCK))).toBeCloseTo(
        80 * MB * (1 - 1 / Math.E),
        -1,
      );
      expect(touchedBytes(partition(80 * MB, 10))).toBeLessThanOrEqual(10 * BLOCK);
    },
  );

  it("does not count room that no row fills", () => {
    expect(touchedBytes(partition(80 * MB, 1e9, 20 * MB))).toBeCloseTo(20 * MB, -1);
  });

  it("is bounded by what the hit ratio says: a small hot core in large data is no pressure", () => {
    const wide = [partition(10_000 * MB, 1e9)];
    expect(workingSet(snapshot(wide, 4096 * MB, 0.01))).toMatchObject({ bound: null });
    expect(memoryUsage(snapshot(wide, 4096 * MB, 0.01))).toBe(100);
    expect(workingSet(snapshot(wide, 4096 * MB, 0.99))!.bytes).toBeCloseTo((128 * MB) / 0.99, -1);
    expect(memoryUsage(snapshot(wide, 4096 * MB, 0.99))).toBeLessThan(5);
  });

  it("is not known before anything was observed", () => {
    const blind = snapshot([partition(MB, 0)], MB);
    expect(memoryUsage({ ...blind, memory: { ...blind.memory, observed_seconds: 0 } })).toBeNull();
  });
});
