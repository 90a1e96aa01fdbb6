import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { effectiveness, type Outcome, weights, weightsByClass } from "../../src/learn/weights.ts";

const NOW = 1_768_000_000;
const DAY = 86_400;

const outcome = (more: Partial<Outcome> = {}): Outcome => ({
  strategy: "rebalance_partitions",
  problem_class: "hotspot_congestion",
  success: true,
  verified: true,
  improvement: 0.25,
  at: NOW - DAY,
  ...more,
});
const weight = (outcomes: readonly Outcome[]): number | undefined => weights(outcomes, ["rebalance_partitions"], NOW)["rebalance_partitions"];

describe("the formula", () => {
  it("success rate times (1 + mean improvement)", () => {
    expect(weight([outcome()])).toBe(1.25);
    expect(weight([outcome({ improvement: 0.5 }), outcome({ improvement: 0, verified: false })])).toBe(0.5 * 1.25);
  });

  it("a success is successful and verified", () => {
    const three = [outcome({ success: false }), outcome({ verified: false }), outcome({ verified: null })];
    expect(weight(three)).toBe(0);
    expect(weight([...three, outcome()])).toBeCloseTo(0.25 * 1.25);
  });

  it("leaves unknown improvements out of the mean; the mean of none is 0", () => {
    expect(weight([outcome({ improvement: null }), outcome({ improvement: 0.5 })])).toBe(1.5);
    expect(weight([outcome({ improvement: null })])).toBe(1);
    expect(weight([outcome({ improvement: Number.NaN }), outcome({ improvement: Number.POSITIVE_INFINITY })])).toBe(1);
  });

  it("a strategy without outcomes keeps 1; one that is not named is left out", () => {
    expect(weights([outcome({ strategy: "other" })], ["rebalance_partitions", "evict_cold_data"], NOW)).toEqual({ rebalance_partitions: 1, evict_cold_data: 1 });
    expect(weights([], [], NOW)).toEqual({});
  });

  it("looks back 30 days, or as many as asked for", () => {
    const old = outcome({ success: false, at: NOW - 30 * DAY - 1 });
    expect(weight([old])).toBe(1);
    expect(weight([{ ...old, at: NOW - 30 * DAY }])).toBe(0);
    expect(weights([outcome({ success: false, at: NOW - 2 * DAY })], ["rebalance_partitions"], NOW, 1)).toEqual({ rebalance_partitions: 1 });
    expect(weight([outcome({ success: false, at: NOW + DAY })])).toBe(0);
  });

  it("never falls below 0 and stays finite", () => {
    expect(weight([outcome({ improvement: -5 })])).toBe(0);
    expect(weight([outcome({ improvement: 1e308 }), outcome({ improvement: 1e308 })])).toBe(Number.MAX_VALUE);
    expect(weight([outcome({ improvement: 1e308, verified: false }), outcome({ improvement: 1e308, verified: false })])).toBe(0);
  });

  it("takes names that are parts of Object for names", () => {
    const names = ["__proto__", "constructor", "toString"];
    const learned = weights([outcome({ strategy: "__proto__" })], names, NOW);
    expect(names.map((name) => (Object.hasOwn(learned, name) ? learned[name] : undefined))).toEqual([1.25, 1, 1]);
  });
});

describe("effectiveness", () => {
  it("gives the figures behind a weight", () => {
    expect(effectiveness([outcome(), outcome({ verified: false, improvement: null })])).toEqual({
      outcomes: 2,
      successes: 1,
      success_rate: 0.5,
      mean_improvement: 0.25,
      weight: 0.625,
    });
    expect(effectiveness([])).toBeNull();
  });
});

describe("by problem class", () => {
  it("the same formula for each pair that has outcomes, and no others", () => {
    const outcomes = [outcome(), outcome({ problem_class: "memory_pressure", verified: false }), outcome({ problem_class: "memory_pressure", at: NOW - 40 * DAY })];
    expect(weightsByClass(outcomes, ["rebalance_partitions", "evict_cold_data"], NOW)).toEqual({
      rebalance_partitions: { hotspot_congestion: 1.25, memory_pressure: 0 },
      evict_cold_data: {},
    });
  });
});

describe("any outcomes", () => {
  const strategies = ["a", "b", "c"] as const;
  const any: fc.Arbitrary<Outcome> = fc.record({
    strategy: fc.constantFrom(...strategies, "unlisted"),
    problem_class: fc.constantFrom("hotspot_congestion", "memory_pressure"),
    success: fc.boolean(),
    verified: fc.option(fc.boolean()),
    improvement: fc.option(fc.oneof(fc.double({ min: -1, max: 10, noNaN: true }), fc.double())),
    at: fc.integer({ min: NOW - 40 * DAY, max: NOW }),
  });

  /** The formula once more, written out as one pass. */
  function bruteForce(outcomes: readonly Outcome[], name: string, problem?: string): number {
    let [n, good, sum, known] = [0, 0, 0, 0];
    for (const o of outcomes) {
      if (o.strategy !== name || o.at < NOW - 30 * DAY || (problem && o.problem_class !== problem)) continue;
      n++;
      if (o.success && o.verified) good++;
      if (o.improvement !== null && Number.isFinite(o.improvement)) {
        sum += o.improvement;
        known++;
      }
    }
    return n === 0 ? 1 : Math.max(0, (good / n) * (1 + (known === 0 ? 0 : sum / known)));
  }
  const near = (actual: number | undefined, expected: number): void => {
    expect(Math.abs((actual ?? Number.NaN) - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, expected));
  };

  it("give weights in [0, infinity)", () => {
    fc.assert(
      fc.property(fc.array(any), (outcomes) => {
        for (const value of Object.values(weights(outcomes, strategies, NOW))) {
          expect(Number.isFinite(value)).toBe(true);
          expect(value).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it("give what brute force gives, overall and by class", () => {
    const usual = any.map((o) => ({ ...o, improvement: o.improvement !== null && Math.abs(o.improvement) <= 10 ? o.improvement : null }));
    fc.assert(
      fc.property(fc.array(usual, { maxLength: 60 }), (outcomes) => {
        const learned = weights(outcomes, strategies, NOW);
        const byClass = weightsByClass(outcomes, strategies, NOW);
        for (const name of strategies) {
          near(learned[name], bruteForce(outcomes, name));
          for (const [problem, value] of Object.entries(byClass[name] ?? {})) near(value, bruteForce(outcomes, name, problem));
        }
      }),
    );
  });

  it("give the same to the last digit in any order", () => {
    // Summed as they come, 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ.
    const rising = [0.1, 0.2, 0.3].map((improvement) => outcome({ improvement }));
    expect(effectiveness([...rising].reverse())?.mean_improvement).toBe(effectiveness(rising)?.mean_improvement);
    const shuffled = fc.array(any).chain((outcomes) => fc.tuple(fc.constant(outcomes), fc.shuffledSubarray(outcomes, { minLength: outcomes.length })));
    fc.assert(
      fc.property(shuffled, ([one, other]) => {
        expect(weights(other, strategies, NOW)).toEqual(weights(one, strategies, NOW));
        expect(weightsByClass(other, strategies, NOW)).toEqual(weightsByClass(one, strategies, NOW));
      }),
    );
  });
});
