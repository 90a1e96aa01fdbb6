import { expect, it } from "vitest";
import type { Collection } from "../../src/model/collection.ts";
import { finds } from "../../src/strategies/rebuild-centroids/compare.ts";
import type { Found } from "../../src/strategies/rebuild-centroids/shared.ts";
import type { Target } from "../../src/strategies/rebuild-centroids/target.ts";

const collection = { settings: { recall: [0.98, 0.95, 0.7] } } as unknown as Collection;
const found = (recall: number, recall_error: number | null = 0.02): Found => ({
  recall,
  recall_error,
  skew: null,
  samples: 100,
  probes: 1,
  index_ms: 1,
});
const target = (due?: number): Target =>
  ({ way: "exchange", ...(due === undefined ? {} : { due }) }) as unknown as Target;

it.each([
  ["finds what is due", 0.816, 0.38, found(0.82), true],
  // What a trial said is due and what was built differ by less than either can be told.
  ["finds what is due within its error, and more than before", 0.816, 0.38, found(0.795), true],
  ["finds less than is due", 0.816, 0.38, found(0.7), false],
  ["is within its error of what is due, and no better than before", 0.83, 0.8, found(0.8), false],
  ["was measured without an error", 0.816, 0.38, found(0.7, null), false],
])("an index that %s", (_, due, before, after, stays) => {
  expect(finds(collection, target(due), found(before), after)).toBe(stays);
});
