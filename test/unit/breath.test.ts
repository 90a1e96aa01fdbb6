/**
 * Tables that breathe: the room of rows that go and come again is no waste, and what does not come
 * again is.
 */
import { describe, expect, it } from "vitest";
import {
  type Breath,
  type Breathing,
  breathe,
  expectedAgain,
} from "../../src/sense/fragmentation/breath.ts";
import {
  fragmentationOf,
  type IndexState,
  judge,
  type Last,
} from "../../src/sense/fragmentation/baseline.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Looks at a table: [hours, inserted, deleted, rows, updated]. */
const over = (...looks: readonly (readonly [number, number, number, number, number?])[]): Breath =>
  looks.reduce<Breath | undefined>(
    (before, [hours, inserted, deleted, least_live, rewritten = 0]) =>
      breathe(
        {
          at: 20_000 * DAY + hours * HOUR,
          inserted,
          deleted,
          rewritten,
          least_live,
        } satisfies Breathing,
        before,
      ),
    undefined,
  )!;

describe("what comes again", () => {
  it.each<[string, Breath, number]>([
    ["nothing where nothing was seen to go and come", over([0, 1000, 0, 1000]), 0],
    [
      "nothing of a table that only grows",
      over([0, 1000, 0, 1000], [1, 2000, 0, 2000], [2, 4000, 0, 4000]),
      0,
    ],
    [
      "nothing of rows that only went",
      over([0, 1000, 0, 1000], [1, 1000, 800, 200], [2, 1000, 800, 200]),
      0,
    ],
    [
      "all of it where all was deleted and inserted",
      over([0, 1000, 0, 1000], [1, 2000, 1000, 1000]),
      1000,
    ],
    [
      "also in two looks of ten minutes",
      over([0, 1000, 0, 1000], [1, 1500, 500, 1000], [1 + 1 / 6, 2000, 1000, 1000]),
      500 * Math.exp(-1 / 6) + 500,
    ],
    [
      "what fell in the evening and is there again by noon",
      over([0, 1000, 0, 1000], [1, 1000, 500, 500], [8, 1300, 500, 800], [12, 1500, 500, 1000]),
      500,
    ],
    ["as far as it came", over([0, 1000, 0, 1000], [1, 1000, 500, 500], [8, 1300, 500, 800]), 300],
    [
      "little of a cache that forgets 4 % an hour",
      over([0, 0, 0, 1000], [1, 40, 40, 1000], [2, 80, 80, 1000], [3, 120, 120, 1000]),
      40 * (1 + Math.exp(-1) + Math.exp(-2)),
    ],
    [
      "never more than there were: what was not vacuumed in time is waste",
      over([0, 1000, 0, 1000], [1, 9000, 8000, 1000]),
      1000,
    ],
    ["nothing by counters that were reset", over([0, 9000, 8000, 1000], [1, 500, 500, 1000]), 0],
    [
      "nothing of a migration that updates every row",
      over([0, 1000, 0, 1000], [1, 1000, 0, 1000, 1000], [2, 1000, 0, 1000, 2000]),
      0,
    ],
    [
      "all of it where every row is upserted on a second day",
      over([0, 1000, 0, 1000], [1, 1000, 0, 1000, 1000], [25, 1000, 0, 1000, 2000]),
      1000,
    ],
  ])("%s", (_, breath, again) => {
    expect(expectedAgain(breath)).toBeCloseTo(again, 6);
  });

  it("is remembered for eight days, and no longer", () => {
    const nightly = over([0, 1000, 0, 1000], [1, 2000, 1000, 1000]);
    const at = (days: number): Breath =>
      breathe(
        {
          at: (20_000 + days) * DAY,
          inserted: 2000,
          deleted: 1000,
          rewritten: 0,
          least_live: 1000,
        },
        nightly,
      );
    expect(expectedAgain(at(8))).toBe(1000);
    expect(expectedAgain(at(9))).toBeLessThan(1);
  });
});

describe("an index of such a table", () => {
  const state = (extra: Partial<IndexState>): IndexState => ({
    index: "public.i",
    oid: "1",
    file: "1",
    table: "public.t",
    pages: 1000,
    live: 10_000,
    least_live: 10_000,
    rows: 10_000,
    added: 10_000,
    removed: 0,
    ordered: true,
    method: "hnsw",
    unique: false,
    columns: [{ width: 264, align: 8, null_frac: 0, n_distinct: -1 }],
    fillfactor: 90,
    deduplicate: true,
    lists: 100,
    m: 16,
    breath: over([0, 10_000, 0, 10_000]),
    varying: false,
    ...extra,
  });
  const last = (pages: number): Last => ({
    baselines: {
      1: {
        index: "public.i",
        file: "1",
        when_new: { pages, exact: null, rows: 10_000, live: 10_000, added: 10_000 },
      },
    },
    removed: {},
  });
  const fragmented = (extra: Partial<IndexState>): number => {
    const one = state(extra);
    return fragmentationOf(one, judge(one, null, last(1000)))!;
  };
  const nightly = over([0, 10_000, 0, 10_000], [1, 20_000, 10_000, 10_000]);

  it("that is twice as large after its nightly load is not fragmented; four times is", () => {
    expect(fragmented({ pages: 2000, added: 10_000 })).toBe(50);
    expect(fragmented({ pages: 2000, breath: nightly })).toBe(0);
    expect(fragmented({ pages: 4000, breath: nightly })).toBe(50);
  });

  it("that is emptied until the next load is not", () => {
    expect(fragmented({ pages: 1000, live: 0, least_live: 0, rows: 0 })).toBe(0);
    // At the first look no row of the table has a vector, or meets the index's condition.
    const nulled = state({ rows: 0 });
    expect(fragmentationOf(nulled, judge(nulled, null, null))).toBe(0);
    expect(fragmented({ pages: 1000, live: 1000, least_live: 1000, rows: 1000 })).toBe(90);
  });
});

describe("an index whose rows come and go by what they say", () => {
  const DIMENSIONS_64 = [{ width: 264, align: 8, null_frac: 0, n_distinct: -1 }];
  /** By the day, entries of 10,000 rows; the index never has less pages than it had. */
  const after = (entries: readonly number[], exact: number | null, live = 10_000) =>
    entries.reduce<{ last: Last | null; fragmented: number | null }>(
      ({ last }, rows, day) => {
        const state: IndexState = {
          ...{ index: "public.i", oid: "1", file: "1", table: "public.t", method: "hnsw" },
          ...{ pages: 700, rows, live, least_live: live, added: 10_000 * (day + 1), removed: 0 },
          ...{ unique: false, columns: DIMENSIONS_64, fillfactor: 90, deduplicate: true },
          ...{ lists: 100, m: 16, ordered: true, varying: true },
          breath: over([24 * day, 10_000, 0, 10_000]),
        };
        const judged = judge(state, exact, last);
        const baselines = { 1: judged.baseline };
        return { last: { baselines, removed: {} }, fragmented: fragmentationOf(state, judged) };
      },
      { last: null, fragmented: null },
    ).fragmented;
  const few = (days: number) => Array.from({ length: days }, () => 10);

  it.each([null, 3])("is not judged by few entries before it was watched for a week", (exact) => {
    expect(after([10], exact)).toBe(0);
    expect(after([10_000, ...few(6)], exact)).toBe(0);
  });

  it.each([null, 3])("keeps the room of what waits again once a week", (exact) => {
    expect(after([10_000, ...few(6), 10_000, ...few(7)], exact)).toBe(0);
  });

  it.each([null, 3])("is fragmented where what went did not come again", (exact) => {
    expect(after([10_000, ...few(9)], exact)).toBeGreaterThan(90);
  });

  it("is fragmented at once where the rows are gone", () => {
    expect(after([10_000], null)).toBe(0);
    expect(after([300], null, 1000)).toBeGreaterThan(50);
  });
});
