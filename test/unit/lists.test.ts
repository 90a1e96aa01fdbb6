/** What of a list another build could put elsewhere, where rows are equal. */
import { describe, expect, it } from "vitest";
import { splittableRows } from "../../src/sense/lists.ts";

const could = (rows: readonly number[], equal: readonly number[] = []) =>
  splittableRows({ source: "sampled", rows, equal });

describe("rows that another build could put elsewhere", () => {
  it("are all of them where none are equal", () => {
    expect(could([30, 10])).toEqual([30, 10]);
    expect(could([], [5])).toEqual([]);
    expect(splittableRows(null)).toEqual([]);
  });

  it("are not those of a group in each list: the largest in the fullest", () => {
    expect(could([100, 900, 200], [150, 850])).toEqual([100, 50, 50]);
    // An estimate may be more than there are.
    expect(could([100, 900], [1000])).toEqual([100, 0]);
  });

  it("are all groups but one of a list that holds them all", () => {
    expect(
      could(
        [4500],
        Array.from({ length: 50 }, () => 90),
      ),
    ).toEqual([4410]);
  });
});
