/**
 * A rebuild that gave nothing back is no success, whatever lambda says: a new index is its own
 * baseline.
 */
import { gaveNothing } from "../../src/strategies/compact-indexes/progress.ts";
import { describe, expect, it } from "vitest";
import { compactIndexes } from "../../src/strategies/compact-indexes/strategy.ts";

const MB = 1024 * 1024;
const planned = (index: string, bytes: number, expected_bytes: number) => ({
  index,
  bytes: bytes * MB,
  expected_bytes: expected_bytes * MB,
});
const result = (index: string, bytes_before: number, bytes_after: number) => ({
  index,
  bytes_before: bytes_before * MB,
  bytes_after: bytes_after * MB,
});

describe("a rebuild", () => {
  it(
    "is in vain where it gave back less than a quarter of what was foreseen, all indexes " +
      "together",
    () => {
      expect(gaveNothing([planned("a", 100, 10)], [result("a", 100, 99)])).toBe(
        "1 index rebuild gave back 1 MB of the 90 MB foreseen",
      );
      expect(gaveNothing([planned("a", 100, 10)], [result("a", 100, 120)])).toContain(
        "gave back 0 bytes of the 90 MB foreseen",
      );
      expect(gaveNothing([planned("a", 100, 10)], [result("a", 100, 50)])).toBeNull();
      expect(
        gaveNothing(
          [planned("a", 100, 10), planned("b", 100, 10)],
          [result("a", 100, 100), result("b", 100, 20)],
        ),
      ).toBeNull();
    },
  );

  it("that a person ordered of a fresh index foresaw nothing", () => {
    expect(gaveNothing([planned("a", 100, 100)], [result("a", 100, 100)])).toBeNull();
    expect(gaveNothing([planned("a", 100, 10)], [])).toBeNull();
  });

  it("is asked by verification", () => {
    const action = {
      plan: { indexes: [planned("a", 100, 10)] },
      progress: { results: [result("a", 100, 100)] },
    } as unknown as Parameters<NonNullable<typeof compactIndexes.inVain>>[0];
    expect(compactIndexes.inVain!(action)).toContain("of the 90 MB foreseen");
  });
});
