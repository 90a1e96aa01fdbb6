/** How many rows a batch moves, and how long it rests: against a machine that is made up. */
import { describe, expect, it } from "vitest";
import {
  type Batch,
  firstPace,
  nextPace,
  type Pace,
  paceText,
  rowsOfBatch,
} from "../../src/strategies/moving-rows/pace.ts";

const NOBODY = { active: 0, age_ms: null };

/** So many batches where a row takes `each` ms and a batch `fixed` ms beside its rows. */
function run(
  pace: Pace,
  batches: number,
  { each, fixed = 10 }: { each: number; fixed?: number },
  felt: (place: number, rows: number) => Partial<Batch> = () => ({}),
): { pace: Pace; ms: number } {
  let ms = 0;
  let at = pace;
  for (let place = 0; place < batches; place++) {
    const rows = rowsOfBatch(at, 10_000, 1_000_000);
    ms = fixed + rows * each;
    at = nextPace(at, {
      rows,
      ms,
      waiting: 0,
      before: NOBODY,
      after: NOBODY,
      ...felt(place, rows),
    });
  }
  return { pace: at, ms };
}

describe("a batch", () => {
  it.each([0.005, 0.01, 0.05, 0.5, 4])("takes 50 to 100 ms where a row takes %s ms", (each) => {
    const { pace, ms } = run(firstPace(each > 1), 6, { each });
    const most = 10 + 10_000 * each;
    expect(ms).toBeGreaterThan(Math.min(50, most - 1));
    expect(ms).toBeLessThanOrEqual(100);
    expect(pace.rest_ms).toBe(0);
    expect(paceText(pace)).toBeNull();
  });

  it("is never larger than allowed, nor leaves a small one behind", () => {
    const pace = { ...firstPace(false), rows: 4000 };
    expect(rowsOfBatch(pace, 500, 100_000)).toBe(500);
    expect(rowsOfBatch(pace, 10_000, 5000)).toBe(5000);
    expect(rowsOfBatch(pace, 4500, 5000)).toBe(4500);
    expect(rowsOfBatch(pace, 10_000, 6000)).toBe(4000);
    expect(rowsOfBatch(pace, 10_000, 7)).toBe(7);
  });

  it("that had few rows left to move says nothing about how many fit", () => {
    const { pace } = run(firstPace(false), 6, { each: 0.01 });
    const after = nextPace(pace, { rows: 5, ms: 12, waiting: 0, before: NOBODY, after: NOBODY });
    expect(after.rows).toBe(pace.rows);
  });
});

describe("beside others", () => {
  const beside = { before: { active: 3, age_ms: 4 }, after: { active: 3, age_ms: 4.5 } };

  it("it rests as long as it works, and says why", () => {
    const { pace, ms } = run(firstPace(false), 8, { each: 0.01 }, () => beside);
    expect(ms).toBeGreaterThanOrEqual(50);
    expect(ms).toBeLessThan(60);
    expect(pace.rest_ms).toBe(Math.round(ms));
    expect(paceText(pace)).toMatch(
      /^in batches of \d+ rows, resting \d+ ms between: 3 statements of others at work beside it$/,
    );
  });

  it("who wait for its rows make it slower, and are forgotten in time", () => {
    const { pace: at } = run(firstPace(false), 6, { each: 0.01 });
    const waited = nextPace(at, {
      rows: at.rows,
      ms: 90,
      waiting: 2,
      before: NOBODY,
      after: NOBODY,
    });
    expect(rowsOfBatch(waited, 10_000, 1_000_000)).toBeLessThan(at.rows / 1.9);
    expect(waited.rest_ms).toBe(270);
    expect(paceText(waited)).toContain("2 sessions waited for its locks");
    const { pace: later } = run(waited, 30, { each: 0.01 });
    expect(later).toMatchObject({ slowed: 0, rest_ms: 0, why: null });
    expect(later.rows).toBeGreaterThan(at.rows / 2);
  });

  it("whose statements take longer beside it make it slower, down to a limit", () => {
    const slow = () => ({ before: { active: 1, age_ms: 4 }, after: { active: 1, age_ms: 9 } });
    const { pace, ms } = run(firstPace(false), 40, { each: 0.01, fixed: 2 }, slow);
    expect(ms).toBeLessThan(10);
    // A machine on which all takes long is not helped by batches of a row.
    const busy = run(firstPace(false), 40, { each: 0.1, fixed: 60 }, slow).pace;
    expect(rowsOfBatch(busy, 10_000, 1_000_000)).toBe(100);
    expect(pace.rest_ms).toBe(Math.round(ms * 15));
    expect(paceText(pace)).toContain("took 2.3 times as long beside it");
  });

  it("that cannot be seen slow nothing", () => {
    const hidden = { before: NOBODY, after: { active: 0, age_ms: null } };
    expect(run(firstPace(false), 10, { each: 0.01 }, () => hidden).pace.slowed).toBe(0);
  });
});
