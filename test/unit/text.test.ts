import { expect, it } from "vitest";
import { count } from "../../src/base/text.ts";

it("counts in words that are English", () => {
  expect([0, 1, 2].map((n) => count(n, "index"))).toEqual(["0 indexes", "1 index", "2 indexes"]);
  expect([1, 2].map((n) => count(n, "link"))).toEqual(["1 link", "2 links"]);
});
