/**
 * What searches cost, before and after: when a rebuild is too dear, and when an action did harm.
 */
import type { SearchFigure } from "../../src/model/verification.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fallen, harm, worseSearches } from "../../src/verify/harm.ts";
import {
  compareSearches,
  costText,
  foreseenBlocks,
  quantile,
  standardError,
} from "../../src/verify/searches.ts";

const flat = (blocks: number | null, ms: number, searches = 20) => ({
  blocks: blocks === null ? null : (Array(searches).fill(blocks) as number[]),
  ms: Array(searches).fill(ms) as number[],
});

describe("two indexes side by side", () => {
  it("are judged by blocks: 1.1 times as many are allowed, no more, however fast", () => {
    expect(compareSearches(flat(100, 5), flat(110, 5)).worse).toBeNull();
    expect(compareSearches(flat(100, 5), flat(110.1, 5)).worse).toBe("blocks");
    expect(compareSearches(flat(100, 5), flat(310, 0.1))).toMatchObject({
      worse: "blocks",
      before: { blocks: 100, ms: 5 },
      after: { blocks: 310, ms: 0.1 },
    });
    expect(costText(compareSearches(flat(120, 5), flat(310, 5)))).toBe("310 blocks instead of 120");
  });

  it("are judged by time if three of four searches are slower, beyond a clock's noise", () => {
    expect(compareSearches(flat(100, 10), flat(100, 13)).worse).toBe("time");
    expect(compareSearches(flat(null, 10), flat(null, 30)).worse).toBe("time");
    expect(costText(compareSearches(flat(null, 10), flat(null, 30)))).toBe("30 ms instead of 10");
    // Below a millisecond nothing is said.
    expect(compareSearches(flat(100, 0.5), flat(100, 1.5)).worse).toBeNull();
    // Half of them slower: that may be the machine.
    const mixed = {
      blocks: null,
      ms: Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 40 : 10)),
    };
    expect(compareSearches(flat(null, 10), mixed).worse).toBeNull();
  });

  it("are compared search by search where one ran out of time, not at all without a search", () => {
    const first = { blocks: [10, 10, 900, 900], ms: [1, 1, 1, 1] };
    expect(compareSearches(first, { blocks: [10, 11], ms: [1, 1] })).toMatchObject({
      worse: null,
      before: { blocks: 10 },
    });
    expect(compareSearches(flat(100, 1), { blocks: [], ms: [] })).toMatchObject({
      worse: null,
      before: { blocks: null, ms: null },
    });
  });

  it("are never found worse than themselves, and always where every search costs more", () => {
    const searches = fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(searches, fc.double({ min: 1.2, max: 100, noNaN: true }), (blocks, factor) => {
        const one = { blocks, ms: blocks.map(() => 1) };
        expect(compareSearches(one, one).worse).toBeNull();
        expect(
          compareSearches(one, { ...one, blocks: blocks.map((value) => value * factor) }).worse,
        ).toBe("blocks");
      }),
    );
  });

  it("have foreseen blocks that grow with probes and rows, and fall with lists", () => {
    // 128 dimensions: 520 bytes of vector, 15 entries a page; 1,000 rows a list are 66.7 pages, and
    // 10 centers are two thirds of one.
    expect(foreseenBlocks(10_000, 10, 1, 520)).toBeCloseTo(10 / 15 + 1000 / 15);
    const any = [
      fc.integer({ min: 1, max: 1e7 }),
      fc.integer({ min: 1, max: 32_768 }),
      fc.integer({ min: 1, max: 100 }),
    ] as const;
    fc.assert(
      fc.property(...any, (rows, lists, probes) => {
        expect(foreseenBlocks(rows, lists, probes + 1, 520)).toBeGreaterThanOrEqual(
          foreseenBlocks(rows, lists, probes, 520),
        );
        expect(foreseenBlocks(2 * rows, lists, probes, 520)).toBeGreaterThanOrEqual(
          foreseenBlocks(rows, lists, probes, 520),
        );
        expect(Number.isFinite(foreseenBlocks(rows, lists, probes, 8e6))).toBe(true);
      }),
    );
  });

  it("have plain statistics", () => {
    expect([quantile([], 0.5), quantile([3], 0.5), quantile([4, 1, 3, 2], 0.25)]).toEqual([
      null,
      3,
      2,
    ]);
    expect([standardError([]), standardError([5]), standardError([1, 3])]).toEqual([0, 0, 1]);
  });
});

const figure = (over: Partial<SearchFigure> = {}): SearchFigure => ({
  rows: 1000,
  probes: 4,
  k: 10,
  recall: 0.95,
  recall_error: 0.01,
  blocks: 120,
  blocks_error: 2,
  planner: "this",
  ...over,
});

describe("searches after an action", () => {
  it("are worse where they read more than rows and noise explain, with both figures", () => {
    expect(worseSearches("public.e_idx", figure(), figure({ blocks: 140 }))).toEqual([]);
    expect(worseSearches("public.e_idx", figure(), figure({ blocks: 310 }))).toEqual([
      "searches by public.e_idx read 310 blocks instead of 120 (for 1000 rows)",
    ]);
    expect(worseSearches("public.e_idx", figure(), figure({ blocks: 310, rows: 2500 }))).toEqual(
      [],
    );
    expect(worseSearches("public.e_idx", figure(), figure({ blocks: 310, rows: 1500 }))).toEqual([
      "searches by public.e_idx read 310 blocks instead of 120 (for 1500 rows instead of 1000)",
    ]);
    expect(
      worseSearches("public.e_idx", figure(), figure({ blocks: 310, blocks_error: 100 })),
    ).toEqual([]);
    // A page or two of a small index.
    expect(worseSearches("public.e_idx", figure({ blocks: 12 }), figure({ blocks: 16 }))).toEqual(
      [],
    );
  });

  it("are worse where recall fell beyond chance, or the planner reads the whole table", () => {
    expect(worseSearches("public.e_idx", figure(), figure({ recall: 0.8 }))).toEqual([
      "recall@10 of public.e_idx fell from 0.95 to 0.8",
    ]);
    expect(
      worseSearches("public.e_idx", figure(), figure({ recall: 0.8, recall_error: 0.2 })),
    ).toEqual([]);
    expect(worseSearches("public.e_idx", figure(), figure({ recall: 0.92 }))).toEqual([]);
    expect(worseSearches("public.e_idx", figure(), figure({ planner: "none" }))).toEqual([
      "the planner used public.e_idx and reads the whole table now",
    ]);
    // The old one, kept beside it, or one that was not used before.
    expect(worseSearches("public.e_idx", figure(), figure({ planner: "other" }))).toEqual([]);
    expect(
      worseSearches("public.e_idx", figure({ planner: "none" }), figure({ planner: "none" })),
    ).toEqual([]);
  });

  it(
    "are not compared where the owner changed the probes, nor by what is not known; never " +
      "worse than themselves",
    () => {
      expect(
        worseSearches("public.e_idx", figure(), figure({ probes: 40, blocks: 1000, recall: 0.1 })),
      ).toEqual([]);
      expect(
        worseSearches(
          "public.e_idx",
          figure({ blocks: null, recall: null, planner: null }),
          figure({ blocks: 9e9, recall: 0 }),
        ),
      ).toEqual([]);
      const any = fc.record({
        blocks: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })),
        recall: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
        rows: fc.integer({ min: 0, max: 1e9 }),
      });
      fc.assert(
        fc.property(any, (over) => {
          expect(worseSearches("i", figure(over), figure(over))).toEqual([]);
        }),
      );
    },
  );
});

describe("parts of the graph", () => {
  const compared = {
    searches: { before: {}, after: {} },
    own: [],
    stress_threshold: 0.8,
    abort_ratio: 0.9,
    verify_ratio: 1.1,
  };

  it("have fallen where they came into stress, or deeper into it", () => {
    expect(
      fallen(
        { a: 0.9, b: 0.5, c: 0.5, d: null },
        { a: 0.79, b: 0.46, c: 0.4, d: 0.1, e: 0.2, f: 0.85 },
        0.8,
        0.9,
      ),
    ).toEqual(["a", "c", "e"]);
  });

  it("are blamed on the action only where it reaches them; others are told", () => {
    const parts = {
      before: { "recall of public.i": 0.95 },
      after: { "recall of public.i": 0.5, "replica r1": 0.4, "partition p0": 1 },
    };
    expect(harm({ ...compared, parts, reached: ["recall of public.i"] })).toEqual({
      worse: ["recall of public.i fell from 0.95 to 0.5"],
      meanwhile: ["replica r1 fell from 1 to 0.4"],
      mended: [],
      looked_at: ["the health of 3 parts of the graph"],
    });
    expect(harm({ ...compared, parts, reached: [] }).worse).toEqual([]);
  });

  it("are mended where all that were sick, of those that the action is for, are well", () => {
    const own = ["recall of public.i", "recall of public.j", "recall of public.k"];
    const mended = (j: number | null) =>
      harm({
        ...compared,
        own,
        reached: own,
        parts: {
          before: { "recall of public.i": 0.3, "recall of public.j": 0.78 },
          after: {
            "recall of public.i": 0.9,
            "recall of public.j": j,
            "recall of public.k": 1,
            "replica r1": 0.4,
          },
        },
      }).mended;
    expect(mended(1)).toEqual([
      "recall of public.i rose from 0.3 to 0.9",
      "recall of public.j rose from 0.78 to 1",
    ]);
    // Not measured, still sick, no better than by chance.
    expect([null, 0.7, 0.81].flatMap(mended)).toEqual([]);
  });

  it("are named beside the searches, those that could not be measured counted", () => {
    const { looked_at } = harm({
      ...compared,
      searches: {
        before: { "public.i": figure(), "public.j": figure() },
        after: { "public.i": figure() },
      },
      parts: { before: {}, after: {} },
      reached: [],
    });
    expect(looked_at).toEqual([
      "searches by public.i (120 -> 120 blocks, recall 0.95 -> 0.95)",
      "not the searches by 1 more: there was no time (recall_budget_ms), or they could not " +
        "be measured",
      "the health of 0 parts of the graph",
    ]);
  });
});
