/** Traffic between samples: smoothing, resets, our own moves. */
import type { ActivityMemory } from "../../src/sense/activity/memory.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Counters } from "../../src/sense/activity/counters.ts";
import {
  follow,
  later,
  reusedBlocks,
  settleSeconds,
  trafficLoad,
} from "../../src/sense/activity/follow.ts";

const SETTINGS = {
  traffic_window_seconds: 60,
  min_reads_per_second: 100,
  min_writes_per_second: 10,
  working_set_window_seconds: 600,
};
const NAMES = ["a", "b", "c", "d"];

const counters = (reads: number, writes = 0): Counters => ({
  reads,
  writes,
  inserts: 0,
  blocks: reads,
  table_blocks: reads,
  table_hits: reads / 2,
});

/** Goes on for some seconds, a sample every five, with reads per second of each partition. */
function run(
  from: ActivityMemory | null,
  seconds: number,
  rates: readonly number[],
  start = from?.counters,
): ActivityMemory {
  let memory =
    from ??
    follow(null, Object.fromEntries(NAMES.map((name) => [name, counters(0)])), 0, NAMES, SETTINGS);
  let totals = NAMES.map((name) => start?.[name]?.reads ?? 0);
  for (let passed = 0; passed < seconds; passed += 5) {
    totals = totals.map((total, place) => total + 5 * rates[place]!);
    memory = follow(
      memory,
      Object.fromEntries(NAMES.map((name, place) => [name, counters(totals[place]!)])),
      memory.at + 5,
      NAMES,
      SETTINGS,
    );
  }
  return memory;
}

const load = (memory: ActivityMemory, name = "a"): number =>
  trafficLoad(memory, name, "reads", 1.5);

describe("follow", () => {
  it("comes to the share that lasts, and back", () => {
    const hot = run(null, 600, [800, 67, 67, 66]);
    expect(load(hot)).toBeCloseTo(3.2, 2);
    expect(load(run(hot, 600, [250, 250, 250, 250]))).toBeCloseTo(1, 2);
    // Traffic that ends is no hotspot any more.
    expect(load(run(hot, 600, [0, 0, 0, 0]))).toBeCloseTo(1, 2);
  });

  it("is not moved far by one interval, however much traffic it holds", () => {
    const level = run(null, 300, [250, 250, 250, 250]);
    expect(load(run(level, 5, [1e9, 0, 0, 0]))).toBeLessThan(1.2);
    const hot = run(null, 600, [800, 67, 67, 66]);
    expect(load(run(hot, 5, [0, 0, 0, 0]))).toBeGreaterThan(2.8);
  });

  it(
    "is near the whole of it by the time a share is believed, so that plans are not made for a " +
      "part",
    () => {
      let memory = run(null, 300, [250, 250, 250, 250]);
      let turns = 0;
      for (; load(memory) < 1.5 && turns < 100; turns++) memory = run(memory, 5, [800, 67, 67, 66]);
      // Three samples in a row make a state.
      expect(load(run(memory, 10, [800, 67, 67, 66]))).toBeGreaterThan(2.8);
      expect(turns).toBeGreaterThan(2);
      expect(turns).toBeLessThan(8);
    },
  );

  it("judges less the more is missing of the least traffic", () => {
    expect(load(run(null, 600, [0, 0, 0, 0]))).toBe(1);
    expect(load(run(null, 600, [10, 0, 0, 0]))).toBeLessThan(1.2);
    expect(load(run(null, 600, [50, 0, 0, 0]))).toBeCloseTo(2, 2);
    expect(load(run(null, 600, [101, 0, 0, 0]))).toBeCloseTo(4, 2);
  });

  it("keeps nothing in memory for what is read once, end to end: a dump, a nightly report", () => {
    const rows = 10_000;
    const read = (passes: number, byIndex = 0) => {
      const scanned = passes * rows;
      // A row that lies out of line asks for many blocks.
      const blocks = {
        a: { asked: 5 * (scanned + byIndex), table: 0, found: 0, read: scanned + byIndex, scanned },
      };
      return reusedBlocks({ blocks }, "a", rows);
    };
    expect(read(0.4)).toBe(0);
    expect(read(1)).toBe(0);
    expect(read(2)).toBeCloseTo(5 * rows, 6);
    expect(read(10)).toBeCloseTo(5 * 9 * rows, 6);
    // The searches beside it count as before.
    expect(read(1, 500)).toBeCloseTo(5 * 500, 6);
    expect(read(0, 500)).toBe(5 * 500);
    expect(reusedBlocks({ blocks: { a: { asked: 70, table: 0, found: 0 } } }, "a", rows)).toBe(70);
    expect(reusedBlocks({ blocks: {} }, "a", rows)).toBe(0);
  });

  it("takes blocks that were asked for while no row was read or written for maintenance's", () => {
    const quiet = run(null, 60, [100, 100, 0, 0]);
    const vacuumed = follow(
      quiet,
      { ...quiet.counters, c: { ...counters(0), blocks: 5000, table_blocks: 5000 } },
      quiet.at + 5,
      NAMES,
      SETTINGS,
    );
    expect(vacuumed.blocks["c"]!.asked).toBe(0);
    expect(quiet.blocks["a"]!.asked).toBeGreaterThan(5000);
  });

  const MANY = Array.from({ length: 40 }, (_, place) => `p${place}`);
  const reads = (of: (place: number) => number) =>
    Object.fromEntries(MANY.map((name, place) => [name, counters(of(place))]));
  /** Ticks every five seconds, 10 rows a second of each; then none for ten minutes. */
  const paused = (hot: number, names: readonly string[], settling = false) => {
    let memory = follow(
      null,
      reads(() => 0),
      0,
      names,
      SETTINGS,
    );
    for (let tick = 1; tick <= 20; tick++)
      memory = follow(
        memory,
        reads(() => tick * 50),
        tick * 5,
        names,
        SETTINGS,
      );
    if (settling) memory = { ...memory, settling: { since: memory.at, sums: {} } };
    const at = memory.at + 600;
    return follow(
      memory,
      reads((place) => 7000 + (place === 0 ? hot : 0)),
      at,
      names,
      SETTINGS,
    );
  };

  it("takes one scan in a pause of the loop for no ten minutes of it", () => {
    for (const settling of [false, true])
      for (const names of [MANY, MANY.slice(0, 2), MANY.slice(0, 8)]) {
        const memory = paused(1e6, names, settling);
        expect(load(memory, "p0"), `${names.length}`).toBeLessThan(1.5);
      }
    // What lasts is seen as soon as it would have been.
    let memory = paused(1e6, MANY.slice(0, 8));
    for (let tick = 1; tick <= 6; tick++)
      memory = follow(
        memory,
        reads((place) => 7000 + tick * 50 + (place === 0 ? 1e6 * (tick + 1) : 0)),
        memory.at + 5,
        MANY.slice(0, 8),
        SETTINGS,
      );
    expect(load(memory, "p0")).toBeGreaterThan(3);
  });

  it("of a loop that comes once a minute counts each minute", () => {
    let memory = follow(
      null,
      reads(() => 0),
      0,
      MANY,
      SETTINGS,
    );
    for (let tick = 1; tick <= 5; tick++)
      memory = follow(
        memory,
        reads((place) => tick * 600 * (place === 0 ? 100 : 1)),
        tick * 60,
        MANY,
        SETTINGS,
      );
    expect(load(memory, "p0")).toBeGreaterThan(10);
  });

  it("begins anew where counters went backwards", () => {
    const level = run(null, 300, [250, 250, 250, 250]);
    const reset = follow(
      level,
      { ...level.counters, a: counters(3) },
      level.at + 5,
      NAMES,
      SETTINGS,
    );
    expect(Number.isFinite(load(reset))).toBe(true);
    expect(load(reset)).toBeLessThan(1.01);
    expect(load(run(reset, 300, [250, 250, 250, 250], reset.counters))).toBeCloseTo(1, 2);
  });

  it(
    "leaves the interval of our own moves out, holds the load, then takes what was measured " +
      "since",
    () => {
      const hot = run(null, 600, [800, 67, 67, 66]);
      const moved = follow(
        { ...hot, moved: true },
        { ...hot.counters, b: counters(1e9) },
        hot.at + 5,
        NAMES,
        SETTINGS,
      );
      expect(moved.moved).toBeUndefined();
      expect(load(moved)).toBeCloseTo(load(hot), 6);
      const held = run(moved, settleSeconds(SETTINGS) - 5, [250, 250, 250, 250], moved.counters);
      expect(load(held)).toBeCloseTo(load(hot), 6);
      const settled = run(held, 5, [250, 250, 250, 250], held.counters);
      expect(load(settled)).toBeCloseTo(1, 6);
    },
  );

  it(
    "keeps a mark of our moves over a sample at the same instant or after the clock was set " +
      "back",
    () => {
      const hot = { ...run(null, 60, [800, 67, 67, 66]), moved: true };
      for (const at of [hot.at, hot.at - 1000])
        expect(follow(hot, hot.counters, at, NAMES, SETTINGS).moved).toBe(true);
    },
  );

  it("always answers with finite loads between the least ratio and the partition count", () => {
    const amount = fc.integer({ min: 0, max: 1e12 });
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), amount, amount, amount, amount),
          { maxLength: 20 },
        ),
        (steps) => {
          let memory: ActivityMemory | null = null;
          let at = 0;
          for (const [seconds, ...reads] of steps) {
            at += seconds;
            memory = follow(
              memory,
              Object.fromEntries(NAMES.map((name, place) => [name, counters(reads[place]!)])),
              at,
              NAMES,
              SETTINGS,
            );
            for (const name of NAMES) {
              expect(load(memory, name)).toBeGreaterThanOrEqual(0.0999);
              expect(load(memory, name)).toBeLessThanOrEqual(NAMES.length + 1e-9);
            }
          }
        },
      ),
    );
  });
});

describe("reads of our own", () => {
  it(
    "move the beginning of the interval by what they read, and by nothing where the counters " +
      "were reset",
    () => {
      const kept = { a: counters(1000), b: counters(500) };
      // Between the last sample and our own reads others read 200 rows of a; we read 5,000.
      const begun = later(
        kept,
        { a: counters(1200), b: counters(500) },
        { a: counters(6200), b: counters(500) },
      );
      expect(begun).toEqual({ a: counters(6000), b: counters(500) });
      expect(
        later(kept, { a: counters(1200), b: counters(500) }, { a: counters(10), b: counters(500) }),
      ).toEqual(kept);
      expect(later(kept, {}, {})).toEqual(kept);
    },
  );
});
