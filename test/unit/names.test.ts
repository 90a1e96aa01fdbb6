import { expect, it } from "vitest";
import { isNamed } from "../../src/base/names.ts";

it.each([
  ["docs_idx", true],
  ["public.docs_idx", true],
  ['"docs_idx"', true],
  ['"public"."docs_idx"', true],
  ["Docs_Idx", true],
  [' public."docs_idx" ', true],
  ['"Docs_idx"', false],
  ["other.docs_idx", false],
  ["a.public.docs_idx", false],
  ["docs_idx.", false],
  ['"docs_idx', false],
  ["", false],
])("%s is public.docs_idx: %s", (asked, is) => {
  expect(isNamed("public.docs_idx", asked, "public")).toBe(is);
});

it("what has to be quoted is named with its quotes, or as it is told", () => {
  expect(isNamed('"My s"."a.""b"""', '"a.""b"""', "My s")).toBe(true);
  expect(isNamed('"My s"."a.""b"""', '"My s"."a.""b"""', "public")).toBe(true);
  expect(isNamed('"My s".docs', "docs", "My s")).toBe(true);
  expect(isNamed("public.docs", "docs", "My s")).toBe(false);
});
