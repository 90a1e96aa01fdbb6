import type { Outcome } from "../../src/model/outcome.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { successOf, weigh } from "../../src/learn/weights.ts";

const outcome = (more: Partial<Outcome> = {}): Outcome => ({
  strategy: "rebalance_partitions",
  problem_class: "hotspot_congestion",
  success: true,
  verified: true,
  improvement: 0.25,
  feedback: null,
  ...more,
});
/** The strategy's overall weight. */
const weight = (outcomes: readonly Outcome[]): number | undefined =>
  weigh(outcomes).find(({ problem_class }) => problem_class === "*")?.weight;

describe("the formula", () => {
  it("success rate times (1 + mean improvement)", () => {
    expect(weight([outcome()])).toBe(1.25);
    expect(
      weight([outcome({ improvement: 0.5 }), outcome({ improvement: 0, verified: false })]),
    ).toBe(0.5 * 1.25);
  });

  it("a success is successful and verified", () => {
    const three = [
      outcome({ success: false }),
      outcome({ verified: false }),
      outcome({ verified: null }),
    ];
    expect(weight(three)).toBe(0);
    expect([1, 2].map((n) => weight(three.slice(0, n)))).toEqual([1 / 2, 1 / 3]);
    expect(weight([...three, outcome()])).toBeCloseTo(0.25 * 1.25);
  });

  it("leaves unknown improvements out of the mean; the mean of none is 0", () => {
    expect(weight([outcome({ improvement: null }), outcome({ improvement: 0.5 })])).toBe(1.5);
    expect(weight([outcome({ improvement: null })])).toBe(1);
    expect(
      weight([
        outcome({ improvement: Number.NaN }),
        outcome({ improvement: Number.POSITIVE_INFINITY }),
      ]),
    ).toBe(1);
  });

  it("never falls below 0 and stays finite", () => {
    expect(weight(Array.from({ length: 3 }, () => outcome({ improvement: -5 })))).toBe(0);
    expect(weight([outcome({ improvement: 1e308 }), outcome({ improvement: 1e308 })])).toBe(
      Number.MAX_VALUE,
    );
    expect(
      weight(Array.from({ length: 3 }, () => outcome({ improvement: 1e308, verified: false }))),
    ).toBe(0);
  });

  it("is made over all classes and for each that has outcomes; of nothing comes nothing", () => {
    expect(
      weigh([
        outcome(),
        outcome({ problem_class: "memory_pressure", verified: false }),
        outcome({ strategy: "__proto__" }),
      ]),
    ).toEqual([
      { strategy: "rebalance_partitions", problem_class: "*", weight: 0.625, outcomes: 2 },
      {
        strategy: "rebalance_partitions",
        problem_class: "hotspot_congestion",
        weight: 1.25,
        outcomes: 1,
      },
      {
        strategy: "rebalance_partitions",
        problem_class: "memory_pressure",
        weight: 0.5,
        outcomes: 1,
      },
      { strategy: "__proto__", problem_class: "*", weight: 1.25, outcomes: 1 },
      { strategy: "__proto__", problem_class: "hotspot_congestion", weight: 1.25, outcomes: 1 },
    ]);
    expect(weigh([])).toEqual([]);
  });
});

describe("what people say", () => {
  const good = (feedback: number | null) => successOf({ success: true, verified: true, feedback });
  const bad = (feedback: number | null) => successOf({ success: true, verified: false, feedback });

  it("takes an outcome that part of the way to success or failure", () => {
    expect([null, 0, -0.25, -1, 0.5, 1].map(good)).toEqual([1, 1, 0.75, 0, 1, 1]);
    expect([null, 0, 0.25, 1, -0.5, -1].map(bad)).toEqual([0, 0, 0.25, 1, 0, 0]);
    expect(
      weight([outcome({ feedback: -1 }), outcome({ feedback: -1 }), outcome({ verified: false })]),
    ).toBe(0);
    expect(
      weight([outcome({ verified: false, improvement: null, feedback: 0.5 }), outcome()]),
    ).toBe(0.75 * 1.25);
  });

  it("stays within 0 and 1, and rises with the score, whatever was stored", () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.option(fc.boolean()),
        fc.double(),
        fc.double(),
        (success, verified, one, other) => {
          const of = (feedback: number) => successOf({ success, verified, feedback });
          for (const value of [of(one), of(other)]) expect(value >= 0 && value <= 1).toBe(true);
          if (one <= other) expect(of(one)).toBeLessThanOrEqual(of(other));
        },
      ),
    );
  });
});

describe("any outcomes", () => {
  const strategies = ["a", "b", "c"] as const;
  const any: fc.Arbitrary<Outcome> = fc.record({
    strategy: fc.constantFrom(...strategies),
    problem_class: fc.constantFrom("hotspot_congestion", "memory_pressure"),
    success: fc.boolean(),
    verified: fc.option(fc.boolean()),
    improvement: fc.option(fc.oneof(fc.double({ min: -1, max: 10, noNaN: true }), fc.double())),
    feedback: fc.option(fc.double({ min: -1, max: 1, noNaN: true })),
  });

  /** The formula once more, written out as one pass. */
  function bruteForce(outcomes: readonly Outcome[], name: string, problem: string): number {
    let [n, good, sum, known] = [0, 0, 0, 0];
    for (const o of outcomes) {
      if (o.strategy !== name || (problem !== "*" && o.problem_class !== problem)) continue;
      n++;
      const verified = o.success && o.verified === true;
      const f = o.feedback ?? 0;
      good += verified ? (f < 0 ? 1 - Math.abs(f) : 1) : f > 0 ? f : 0;
      if (o.improvement !== null && Number.isFinite(o.improvement)) {
        sum += o.improvement;
        known++;
      }
    }
    const value = Math.max(0, (good / n) * (1 + (known === 0 ? 0 : sum / known)));
    return value === 0 && n < 3 ? 1 / (n + 1) : value;
  }

  it("give finite weights of 0 or more, and what brute force gives", () => {
    fc.assert(
      fc.property(fc.array(any), (outcomes) => {
        for (const { weight: value } of weigh(outcomes))
          expect(Number.isFinite(value) && value >= 0).toBe(true);
      }),
    );
    const usual = any.map((o) => ({
      ...o,
      improvement: o.improvement !== null && Math.abs(o.improvement) <= 10 ? o.improvement : null,
    }));
    fc.assert(
      fc.property(fc.array(usual, { maxLength: 60 }), (outcomes) => {
        for (const { strategy, problem_class, weight: value, outcomes: n } of weigh(outcomes)) {
          const expected = bruteForce(outcomes, strategy, problem_class);
          expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, expected));
          expect(n).toBe(
            outcomes.filter(
              (o) =>
                o.strategy === strategy &&
                (problem_class === "*" || o.problem_class === problem_class),
            ).length,
          );
        }
      }),
    );
  });

  it("give the same to the last digit in any order", () => {
    const byName = (outcomes: readonly Outcome[]) =>
      weigh(outcomes).sort((a, b) =>
        a.strategy + a.problem_class < b.strategy + b.problem_class ? -1 : 1,
      );
    // Summed as they come, 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ.
    const rising = [0.1, 0.2, 0.3].map((improvement) => outcome({ improvement }));
    expect(byName([...rising].reverse())).toEqual(byName(rising));
    const shuffled = fc
      .array(any)
      .chain((outcomes) =>
        fc.tuple(
          fc.constant(outcomes),
          fc.shuffledSubarray(outcomes, { minLength: outcomes.length }),
        ),
      );
    fc.assert(
      fc.property(shuffled, ([one, other]) => {
        expect(byName(other)).toEqual(byName(one));
      }),
    );
  });
});
