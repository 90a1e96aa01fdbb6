import { expect, it } from "vitest";
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

it("of an index that is as it was built no more is due than it finds, whatever a part promises", () => {
  expect(due(0)).toBe(0.86);
  expect(due(0.1)).toBe(0.86);
});

it("of one that most rows came to later, or where that is not known, what a part promises is due", () => {
  expect(due(0.11)).toBe(1);
  expect(due(null)).toBe(1);
});

it("a trial that promises less than the index finds stays as it is", () => {
  expect(asBuilt({ ...trial, recall: 0.5, since_made: 0 }, 0.86).recall).toBe(0.5);
});
