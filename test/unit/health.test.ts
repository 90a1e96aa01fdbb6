import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DEFAULT_CURVES,
  HEALTH_FLOOR,
  type HealthCurve,
  type Measurement,
  health,
} from "../../src/graph/health.ts";

const NAMES = Object.keys(DEFAULT_CURVES) as Measurement[];
const curves: fc.Arbitrary<HealthCurve> = fc
  .constantFrom(...NAMES)
  .map((name) => DEFAULT_CURVES[name]);

describe("health", () => {
  it.each(NAMES)("of %s is 1, 0.8 and 0.3 at its thresholds, exactly", (name) => {
    const curve = DEFAULT_CURVES[name];
    expect(health(curve.fine, curve)).toBe(1);
    expect(health(curve.stress, curve)).toBe(0.8);
    expect(health(curve.critical, curve)).toBe(0.3);
  });

  it("is exact at the thresholds of any curve", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.double({ min: 0, max: 1e6, noNaN: true }), {
          minLength: 3,
          maxLength: 3,
        }),
        fc.constantFrom<"log" | "linear">("log", "linear"),
        fc.boolean(),
        (points, scale, moreIsWorse) => {
          const [fine, stress, critical] = [...points].sort((a, b) =>
            moreIsWorse ? a - b : b - a,
          ) as [number, number, number];
          const curve = { fine, stress, critical, scale };
          expect([fine, stress, critical].map((value) => health(value, curve))).toEqual([
            1, 0.8, 0.3,
          ]);
        },
      ),
    );
  });

  it("is 1 on the good side of fine and 0.01 at the worst", () => {
    const load = DEFAULT_CURVES.partition_load;
    expect([-1, 0, 1, 1.5].map((value) => health(value, load))).toEqual([1, 1, 1, 1]);
    expect([100, 1e12, Infinity].map((value) => health(value, load))).toEqual([0.01, 0.01, 0.01]);
    const { recall } = DEFAULT_CURVES;
    expect([0.98, 1, 1.2, Infinity].map((value) => health(value, recall))).toEqual([1, 1, 1, 1]);
    expect([0.3, 0, -Infinity].map((value) => health(value, recall))).toEqual([0.01, 0.01, 0.01]);
  });

  it("never rises as the measurement gets worse", () => {
    fc.assert(
      fc.property(
        curves,
        fc.double({ min: 0, max: 500, noNaN: true }),
        fc.double({ min: 0, max: 500, noNaN: true }),
        (curve, a, b) => {
          const [better, worse] = curve.fine < curve.critical === a < b ? [a, b] : [b, a];
          expect(health(better, curve)!).toBeGreaterThanOrEqual(health(worse, curve)!);
          expect(health(a, curve)!).toBeGreaterThanOrEqual(HEALTH_FLOOR);
          expect(health(a, curve)!).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it("has no jumps", () => {
    for (const name of NAMES) {
      const curve = DEFAULT_CURVES[name];
      for (const threshold of [curve.fine, curve.stress, curve.critical]) {
        const step = threshold * 1e-9;
        expect(health(threshold + step, curve)).toBeCloseTo(health(threshold - step, curve)!, 6);
      }
    }
  });

  it("is straight over the logarithm for ratios, lags and counts", () => {
    expect(health(Math.sqrt(10 * 120), DEFAULT_CURVES.replication_lag_seconds)).toBeCloseTo(
      0.55,
      12,
    );
    expect(health(Math.sqrt(1 * 10), DEFAULT_CURVES.replication_lag_seconds)).toBeCloseTo(0.9, 12);
    expect(health(Math.sqrt(2 * 5), DEFAULT_CURVES.partition_load)).toBeCloseTo(0.55, 12);
  });

  it("is straight over the value for percentages and recall", () => {
    expect(health(50, DEFAULT_CURVES.fragmentation_pct)).toBeCloseTo(0.55, 12);
    expect(health(91, DEFAULT_CURVES.memory_pct)).toBeCloseTo(0.55, 12);
    expect(health(77.5, DEFAULT_CURVES.memory_pct)).toBeCloseTo(0.9, 12);
    expect(health(0.825, DEFAULT_CURVES.recall)).toBeCloseTo(0.55, 12);
  });

  it("keeps its slope beyond critical", () => {
    expect(health(80, DEFAULT_CURVES.fragmentation_pct)).toBeCloseTo(0.3 - 0.5 * (10 / 40), 12);
    expect(health(5 * 1.5, DEFAULT_CURVES.partition_load)).toBeCloseTo(
      0.3 - (0.5 * Math.log(1.5)) / Math.log(2.5),
      12,
    );
    expect(health(0.65, DEFAULT_CURVES.recall)).toBeCloseTo(0.2, 12);
  });

  it("chooses the scale by direction when the curve names none", () => {
    expect(health(4, { fine: 1, stress: 2, critical: 8 })).toBeCloseTo(0.55, 12);
    expect(health(5, { fine: 9, stress: 8, critical: 2 })).toBeCloseTo(0.55, 12);
  });

  it("takes a curve that begins at 0", () => {
    const curve = { fine: 0, stress: 10, critical: 100 };
    expect([0, 5, 10, 100].map((value) => health(value, curve))).toEqual([1, 0.9, 0.8, 0.3]);
  });

  it("of nothing is nothing", () => {
    expect(health(null, DEFAULT_CURVES.recall)).toBeNull();
    expect(health(undefined, DEFAULT_CURVES.recall)).toBeNull();
    expect(health(NaN, DEFAULT_CURVES.recall)).toBeNull();
  });

  it.each([
    [1, 1, 2],
    [1, 3, 2],
    [3, 1, 2],
    [1, NaN, 2],
    [1, 2, Infinity],
  ])("refuses the curve %d, %d, %d", (fine, stress, critical) => {
    expect(() => health(1, { fine, stress, critical })).toThrow(RangeError);
    expect(() => health(null, { fine, stress, critical })).toThrow(RangeError);
  });
});
