/** Figures of few searches: luck neither accuses an index nor makes more due than it can find. */
import { describe, expect, it } from "vitest";
import { SETTINGS } from "../../src/configuration/settings.ts";
import type { Configuration } from "../../src/model/configuration.ts";
import { searchHealth } from "../../src/sense/assess/recall-health.ts";
import { costHealth } from "../../src/sense/cost.ts";
import { sureRecall } from "../../src/sense/sampling.ts";
import { attainedBy, type Kept, onRowsOfNow } from "../../src/sense/collect/kept-index.ts";
import { isOutgrown, untoldSkew } from "../../src/sense/collect/trial.ts";
import type {
  CentroidGroup,
  FilteredSearch,
  IndexMeasurement,
  TrialMeasurement,
} from "../../src/sense/vector-index.ts";
import { worseSearches } from "../../src/verify/harm.ts";
import { figureErrors } from "../../src/verify/searches.ts";

const settings = Object.fromEntries(
  SETTINGS.map(({ key, default: value }) => [key, value]),
) as unknown as Configuration;

/** Searches of which so many found all there is, and the others nothing: lists in clusters. */
const found = (all: number, samples: number) => {
  const recall = all / samples;
  const spread = Math.sqrt((recall * (1 - recall)) / Math.max(1, samples - 1));
  return { recall, recall_error: samples > 1 ? spread : null, samples, rows: 1e6 };
};

/** Of so many searches, the chance that so many are of those that find all. */
function chance(all: number, samples: number, share: number): number {
  let ways = 1;
  for (let i = 0; i < all; i++) ways *= (samples - i) / (i + 1);
  return ways * share ** all * (1 - share) ** (samples - all);
}

const chanceOf = (samples: number, share: number, is: (all: number) => boolean): number =>
  Array.from({ length: samples + 1 }, (_, all) => all)
    .filter(is)
    .reduce((sum, all) => sum + chance(all, samples, share), 0);

const SHARES = [0.3, 0.5, 0.7, 0.8, 0.9, 0.95];

describe("few searches", () => {
  const judged = (all: number, samples: number, due: number) =>
    searchHealth({ measured: found(all, samples), due } as unknown as FilteredSearch, settings)!;

  it("of an index that finds what is due accuse it no more often than many", () => {
    for (const share of SHARES)
      for (let samples = 1; samples <= 30; samples++)
        expect(
          chanceOf(samples, share, (all) => judged(all, samples, share) < 0.8),
          `${samples} searches, ${share} due`,
        ).toBeLessThan(0.07);
  });

  it("of one that finds nothing at all tell it from five on", () => {
    for (let samples = 5; samples <= 30; samples++) expect(judged(0, samples, 1)).toBeLessThan(0.3);
  });

  it("are all there are where a filter matches two rows: what it lacks is no luck", () => {
    const measured = { ...found(0, 2), rows: undefined, matches: 2 };
    const search = { measured, due: 1 } as unknown as FilteredSearch;
    expect(searchHealth(search, settings)).toBeLessThan(0.3);
  });

  it("that had luck do not make more due than the index can find", () => {
    for (const share of SHARES)
      for (let samples = 10; samples <= 60; samples++)
        expect(
          chanceOf(samples, share, (all) => 0.95 * sureRecall(found(all, samples)) > share),
          `${samples} searches, ${share} found`,
        ).toBeLessThan(0.1);
    // Of a small table each row was searched for.
    expect(sureRecall({ recall: 1, recall_error: 0, samples: 11, rows: 11 })).toBe(1);
    expect(sureRecall({ recall: 1, recall_error: 0, samples: 100, rows: 1e6 })).toBeCloseTo(0.99);
  });
});

describe("what few searches cost", () => {
  const health = (search_blocks: number, search_blocks_error: number | null, samples: number) =>
    costHealth(
      {
        measured: { rows: 9000, samples, search_blocks, search_blocks_error },
        due_blocks: 100,
      } as unknown as CentroidGroup,
      settings,
    );

  it("is judged by no single list that one of them met, and told from ten on", () => {
    expect(health(500, null, 1)).toBe(1);
    expect(health(500, 0, 2)).toBe(1);
    expect(health(400, 150, 5)).toBe(1);
    expect(health(400, 20, 10)).toBeLessThan(0.5);
    expect(health(200, 3, 100)).toBeLessThan(0.81);
  });

  it("undoes no action by one search before it and one after", () => {
    const figure = (blocks: number[], recall: number) => ({
      ...{ rows: 1000, probes: 1, k: 10, recall, planner: "this" as const },
      ...figureErrors({ recall, recall_error: null, samples: blocks.length, blocks }),
      blocks: blocks.reduce((sum, one) => sum + one, 0) / blocks.length,
    });
    expect(worseSearches("public.i", figure([60], 1), figure([310], 0.2))).toEqual([]);
    const many = (one: number): number[] => Array<number>(20).fill(one);
    expect(worseSearches("public.i", figure(many(60), 1), figure(many(310), 0.2))).toHaveLength(2);
  });
});

describe("the fullest list of an index as it was built", () => {
  const one = { oid: "1", file: "1", lists: 40 };
  const seen = (rows: readonly number[], sampled: number) =>
    ({
      rows: 4000,
      lists: { source: "sampled", rows, sampled, since_made: 0, since_file: 0 },
    }) as unknown as IndexMeasurement;
  const after = (before: object, measured: IndexMeasurement) =>
    attainedBy(one, measured, { ...one, ...before } as unknown as Kept);

  it("is not the only one that there was time to meet", () => {
    const first = attainedBy(one, seen([92], 2), undefined);
    expect(first.attained).toBeGreaterThan(20);
    // The same again says no more; more rows do.
    expect(after(first, seen([92], 2))).toEqual(first);
    const most = after(first, seen([1050, 92, 80, 70], 110));
    expect(most).toEqual({ attained: 10.5, attained_by: 110 });
    expect(after(most, seen([92], 2))).toEqual({ attained: 10.5, attained_by: 110 });
    const none = after(first, seen([110, 92, 80, 70], 110));
    expect(none.attained).toBeLessThan(1.5);
    const all = after(first, seen(Array<number>(40).fill(100), 120));
    expect(all).toEqual({ attained: 1, attained_by: null });
  });
});

describe("the best of fewer rows", () => {
  it("is due no more where there was no time to try a fresh build of those of now", () => {
    const of = (rows: number, changes: object = {}) =>
      isOutgrown({
        ...{ at: 0, measured: { rows } as unknown as IndexMeasurement, best: 0.4, best_of: 1000 },
        ...{ trial: null, untried: { at: 0, why: "no time" }, ...changes },
      });
    expect([of(1099), of(1100)]).toEqual([false, true]);
    expect(of(2000, { untried: { at: 0, why: "denied", hint: "GRANT" } })).toBe(false);
    expect(of(2000, { untried: null })).toBe(false);
    expect(of(2000, { trial: {} as unknown as TrialMeasurement })).toBe(false);
    expect(of(2000, { best_of: undefined })).toBe(false);
  });

  it("is none once a fresh build of those of now was tried", () => {
    const measured = { ...found(40, 400), rows: 5000, probes: 1, k: 10 } as IndexMeasurement;
    const untried = { at: 0, why: "no time" };
    const before = { ...{ oid: "1", at: 0, measured, best: 0.4, best_of: 1000 }, untried };
    const trial = { recall: 0.1, recall_error: 0.02, sampled: 5000, rows: 5000, probes: 1, k: 10 };
    const after = { ...before, untried: null, trial: trial as TrialMeasurement };
    expect(onRowsOfNow(settings, before, after)).toMatchObject({ best_of: 5000 });
    expect(onRowsOfNow(settings, before, after).best).toBeCloseTo(0.085, 2);
  });

  it("nor is a list too full before there was time to tell how full a build leaves it", () => {
    const lists = { source: "sampled" as const, rows: [1200, 80], of: 40 };
    const kept = {
      ...{ at: 0, measured: { rows: 4000, lists } as unknown as IndexMeasurement },
      ...{ trial: null, untried: { at: 0, why: "no time" } },
    };
    expect(untoldSkew(kept, settings)).toBe(12);
    expect(untoldSkew({ ...kept, attained: 2 }, settings)).toBeNull();
    expect(untoldSkew({ ...kept, untried: null }, settings)).toBeNull();
    expect(untoldSkew({ ...kept, trial: {} as TrialMeasurement }, settings)).toBeNull();
  });
});
