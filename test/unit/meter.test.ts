import { rowsLeft } from "../../src/strategies/moving-rows/rows-left.ts";
import { describe, expect, it } from "vitest";
import { metered, usedUp, type Meter } from "../../src/execute/meter.ts";
import type { Action } from "../../src/model/action.ts";
import type { Cost } from "../../src/model/cost.ts";

const SETTINGS = {
  rows: "max_moves",
  bytes: "max_bytes_per_hour",
  wal_bytes: "max_server_wal_bytes_per_hour",
};
const meter = (spent: Partial<Cost>, limits: Partial<Cost> = {}): Meter => ({
  spent: { rows: 0, bytes: 0, wal_bytes: 0, ...spent },
  allowance: {
    slice: 1,
    limits: { rows: 1000, bytes: 100_000, wal_bytes: 200_000, ...limits },
    settings: SETTINGS,
  },
});
const action = (
  one: Meter | null = null,
  plan = { rows_moved: 5000, bytes: 500_000, wal_bytes: 600_000 },
): Action => ({ plan, progress: one ?? {} }) as unknown as Action;

describe("used up", () => {
  it("where there is no room for one more row of what rows have cost so far", () => {
    expect(usedUp(action(), meter({}))).toBeNull();
    expect(usedUp(action(), meter({ rows: 999, bytes: 9990, wal_bytes: 9990 }))).toBeNull();
    expect(usedUp(action(), meter({ rows: 1000, bytes: 10_000, wal_bytes: 10_000 }))).toBe(
      "1000 rows moved, and max_moves leaves 1000",
    );
    // 100 bytes a row: after 99,950 another one does not fit.
    expect(usedUp(action(), meter({ rows: 999, bytes: 99_950, wal_bytes: 10 }))).toBe(
      "97.6 kB written, and max_bytes_per_hour leaves 97.7 kB",
    );
    expect(usedUp(action(), meter({ rows: 10, bytes: 10, wal_bytes: 200_000 }))).toContain(
      "max_server_wal_bytes_per_hour",
    );
  });

  it("a limit of 0, one that others have used, and one that is no number", () => {
    expect(usedUp(action(), meter({}, { rows: 0 }))).toBe("0 rows moved, and max_moves leaves 0");
    expect(usedUp(action(), meter({}, { wal_bytes: -5 }))).toContain("leaves 0 bytes");
    for (const broken of [Number.NaN, undefined as unknown as number, null as unknown as number])
      expect(usedUp(action(), meter({ rows: 1 }, { bytes: broken }))).not.toBeNull();
    expect(usedUp(action(), meter({ rows: 1, bytes: Number.NaN }))).not.toBeNull();
  });

  it("is nothing for what writes none of it, nor where a person named the strategy", () => {
    expect(
      usedUp(
        action(null, { rows_moved: 0, bytes: 0, wal_bytes: 2048 }),
        meter({}, { rows: 0, bytes: 0 }),
      ),
    ).toBeNull();
    expect(usedUp(action(), null)).toBeNull();
  });
});

it("the last batch is cut to what fits", () => {
  expect(rowsLeft(action(), 500)).toBe(500);
  expect(rowsLeft(action(meter({ rows: 100, bytes: 1000, wal_bytes: 1000 })), 500)).toBe(500);
  expect(rowsLeft(action(meter({ rows: 900, bytes: 1000, wal_bytes: 1000 })), 500)).toBe(100);
  expect(rowsLeft(action(meter({ rows: 900, bytes: 1000, wal_bytes: 180_000 })), 500)).toBe(100);
  expect(rowsLeft(action(meter({ rows: 900, bytes: 99_000, wal_bytes: 1000 })), 500)).toBe(9);
});

it("the first batch is cut by what was planned, also where the limit is less than a batch", () => {
  expect(rowsLeft(action(meter({}, { rows: 20 })), 500)).toBe(20);
  // 500,000 bytes for 5000 rows: 100 a row.
  expect(rowsLeft(action(meter({}, { bytes: 700 })), 500)).toBe(7);
});

it("a batch is cut by what this slice may write, not by what the slice before might have", () => {
  const before = action(meter({ rows: 200, bytes: 20_000, wal_bytes: 20_000 }));
  const now = meter({ rows: 200, bytes: 20_000, wal_bytes: 20_000 }, { rows: 250 });
  expect(rowsLeft(before, 500)).toBe(500);
  expect(rowsLeft(metered(before, now), 500)).toBe(50);
  expect(metered(before, null)).toBe(before);
});
