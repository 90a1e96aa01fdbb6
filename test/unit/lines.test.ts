import { expect, it } from "vitest";
import { longLines } from "../lines.ts";

it("no line of a source is longer than 100 columns", () => {
  expect(longLines()).toEqual([]);
});
