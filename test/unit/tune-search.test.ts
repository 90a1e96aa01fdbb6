/** The values that tune_search tries. */
import { expect, it } from "vitest";
import { moreTuples } from "../../src/strategies/tune-search/filtered.ts";

it("a scan that was told to end early goes on as far as pgvector has it, at least", () => {
  expect(moreTuples(200)).toEqual([800, 3200, 20_000]);
  expect(moreTuples(1250)).toEqual([5000, 20_000]);
  expect(moreTuples(20_000)).toEqual([80_000, 320_000]);
});
