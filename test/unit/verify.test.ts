import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { improved, improvement, worsened } from "../../src/graph/improvement.ts";

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const unknowns = [null, Number.NaN, Number.POSITIVE_INFINITY] as const;

describe("improved", () => {
  it("wants more than 1.1 times the initial lambda", () => {
    expect(improved(0.5, 0.56)).toBe(true);
    expect(improved(0.5, 0.55)).toBe(false);
    expect(improved(0.5, 0.5)).toBe(false);
    expect(improved(0.5, 0.4)).toBe(false);
  });

  it("counts anything positive after 0", () => {
    expect(improved(0, 1e-9)).toBe(true);
    expect(improved(0, 0)).toBe(false);
  });

  it("counts a whole graph where ten percent more is out of reach, if lambda rose", () => {
    expect(improved(0.95, 1)).toBe(true);
    expect(improved(0.95, 0.999)).toBe(true);
    expect(improved(0.95, 0.998)).toBe(false);
    expect(improved(0.9085, 0.9991)).toBe(true); // 1.1 times is 0.99935
    expect(improved(1, 1)).toBe(false);
    expect(improved(0.9995, 0.9991)).toBe(false);
  });

  it("takes another ratio", () => {
    expect(improved(0.5, 0.6, 1.3)).toBe(false);
    expect(improved(0.5, 0.51, 1)).toBe(true);
  });

  it("is proved by nothing that is not known", () => {
    for (const unknown of unknowns) {
      expect(improved(unknown, 1)).toBe(false);
      expect(improved(0.5, unknown)).toBe(false);
    }
  });
});

describe("worsened", () => {
  it("below 0.9 times the initial lambda, not at it", () => {
    expect(worsened(0.5, 0.44)).toBe(true);
    expect(worsened(0.5, 0.9 * 0.5)).toBe(false);
    expect(worsened(0.5, 0.5)).toBe(false);
    expect(worsened(0.5, 0.3, 0.5)).toBe(false);
    expect(worsened(0, 0)).toBe(false);
  });

  it("is proved by nothing that is not known", () => {
    for (const unknown of unknowns) {
      expect(worsened(unknown, 0)).toBe(false);
      expect(worsened(0.5, unknown)).toBe(false);
    }
  });

  it("never together with improved; a rise is never a worsening", () => {
    fc.assert(
      fc.property(unit, unit, (initial, current) => {
        expect(improved(initial, current) && worsened(initial, current)).toBe(false);
        if (current >= initial) expect(worsened(initial, current)).toBe(false);
        if (improved(initial, current)) expect(current).toBeGreaterThan(initial);
      }),
    );
  });
});

describe("improvement", () => {
  it("is the fraction of the initial lambda that was gained or lost", () => {
    expect(improvement(0.4, 0.5)).toBeCloseTo(0.25);
    expect(improvement(0.4, 0.2)).toBeCloseTo(-0.5);
    expect(improvement(0.4, 0)).toBe(-1);
    expect(improvement(0.4, 0.4)).toBe(0);
  });

  it("is null from 0, when unknown, and where it would overflow", () => {
    expect(improvement(0, 0.5)).toBeNull();
    for (const unknown of unknowns) {
      expect(improvement(unknown, 0.5)).toBeNull();
      expect(improvement(0.5, unknown)).toBeNull();
    }
    expect(improvement(Number.MIN_VALUE, 1)).toBeNull();
  });

  it("has the sign of the change", () => {
    fc.assert(
      fc.property(unit, unit, (initial, current) => {
        const gained = improvement(initial, current);
        if (gained !== null)
          expect(Math.sign(gained) * Math.sign(current - initial)).toBeGreaterThanOrEqual(0);
        else expect(initial).toBeLessThan(1e-300);
      }),
    );
  });
});
