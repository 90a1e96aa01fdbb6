import { expect, it } from "vitest";
import { SETTINGS } from "../../src/configuration/settings.ts";
import type { Configuration } from "../../src/model/configuration.ts";
import { type Kept, onRowsOfNow, withBuilt } from "../../src/sense/collect/kept-index.ts";
import { asBuilt } from "../../src/sense/collect/trial.ts";
import { dueOf } from "../../src/sense/due.ts";
import type { IndexMeasurement, TrialMeasurement } from "../../src/sense/vector-index.ts";

const trial: TrialMeasurement = {
  sampled: 555,
  rows: 14_000,
  probes: 40,
  k: 10,
  recall: 1,
  recall_error: 0,
  build_ms: 200,
  at: 0,
};
const due = (since_made: number | null): number | undefined =>
  dueOf(
    { recall_target: 0 },
    { probes: 40, k: 10 } as IndexMeasurement,
    0.86,
    asBuilt({ ...trial, since_made }, 0.86),
  )?.recall;

it("of an index as it was built no more is due than it finds, whatever a part promises", () => {
  expect(due(0)).toBe(0.86);
  expect(due(0.1)).toBe(0.86);
});

it("of one that rows came to later, or where that is not known, that is due", () => {
  expect(due(0.11)).toBe(1);
  expect(due(null)).toBe(1);
});

it("a trial that promises less than the index finds stays as it is", () => {
  expect(asBuilt({ ...trial, recall: 0.5, since_made: 0 }, 0.86).recall).toBe(0.5);
});

it("what a rebuild on all rows found, and was refused for, stands in a trial's place", () => {
  const known: Kept = { oid: "1", at: 0, measured: null, best: 0.86, attained: 2, trial };
  const found = { probes: 40, recall: 0.87, recall_error: 0.01 };
  expect(withBuilt(known, { skew: 1, found })).toMatchObject({
    attained: 2,
    trial: { sampled: 555, recall: 0.87, recall_error: 0.01 },
  });
  // With other parameters, or searched otherwise, it says nothing of that.
  expect(withBuilt(known, { skew: 3, found: null })).toMatchObject({ attained: 3, trial });
  expect(withBuilt(known, { skew: null, found: { ...found, probes: 80 } }).trial).toEqual(trial);
  expect(withBuilt({ ...known, trial: null }, { skew: null, found }).trial).toBeNull();
});

it("nor is more due than that of an index that found more when its rows were others", () => {
  const measured = { probes: 40, k: 10, recall: 0.88 } as IndexMeasurement;
  const known: Kept = { oid: "1", at: 0, measured, best: 1, attained: null, trial };
  const found = { probes: 40, recall: 0.93, recall_error: 0.05 };
  expect(withBuilt(known, { skew: null, found, before: 0.93 }).best).toBe(0.88);
  expect(withBuilt(known, { skew: null, found, before: 0.91 }).best).toBeCloseTo(0.899, 3);
  expect(withBuilt({ ...known, best: 0.5 }, { skew: null, found, before: 0.93 }).best).toBe(0.5);
  expect(withBuilt(known, { skew: null, found: null, before: 0.93 }).best).toBe(1);
  const others = { ...known, measured: { ...measured, probes: 80 } };
  expect(withBuilt(others, { skew: null, found, before: 0.93 }).best).toBe(1);
});

it("nor, where all rows were replaced, than a build on all of those of now is sure to find", () => {
  // Two builds of the same rows differ: 0.84 and 0.78, of vectors that the index found all of.
  const then = { ...trial, sampled: 1000, rows: 1000, recall: 0.84, at: 0 };
  const now = { ...then, recall: 0.78, recall_error: 0.01, at: 1 };
  const measured = {
    probes: 40,
    k: 10,
    recall: 0.74,
    recall_error: 0.01,
    rows: 1000,
    samples: 100,
  };
  const settings = Object.fromEntries(
    SETTINGS.map(({ key, default: value }) => [key, value]),
  ) as unknown as Configuration;
  const before: Kept = {
    ...{ oid: "1", at: 0, best: 1, trial: then },
    measured: { ...measured, replaced: 1 } as IndexMeasurement,
  };
  const best = (trial: TrialMeasurement): number | null =>
    onRowsOfNow(settings, before, { ...before, trial }).best;
  expect(best(now)).toBeCloseTo(0.76, 3);
  expect(best({ ...now, recall: 0.5 })).toBeCloseTo(0.73, 3);
  // A build on a part of them is extrapolated: what two such have in common is compared.
  expect(best({ ...now, rows: 2000 })).toBeCloseTo(0.929, 3);
});
