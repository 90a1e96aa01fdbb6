import { SETTINGS } from "../../src/configuration/settings.ts";
import type { StateRecord } from "../../src/model/state.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INTEGRITY_STATES, type IntegrityState } from "../../src/model/problem.ts";
import {
  nextState,
  type StateConfig,
  type StateSample,
  type StateTransition,
} from "../../src/sense/states.ts";

const DEFAULTS = Object.fromEntries(
  SETTINGS.map(({ key, default: value }) => [key, value]),
) as unknown as StateConfig;

const START = 1_768_000_000;

interface Walk {
  readonly record: StateRecord;
  readonly states: readonly IntegrityState[];
  readonly transitions: readonly (StateTransition & {
    readonly at: number;
    readonly index: number;
  })[];
}

function walk(
  samples: readonly StateSample[],
  from: StateRecord | null = null,
  config: StateConfig = DEFAULTS,
): Walk {
  let record = from;
  const states: IntegrityState[] = [];
  const transitions: (StateTransition & { at: number; index: number })[] = [];
  samples.forEach((sample, index) => {
    const step = nextState(record, sample, config);
    record = step.record;
    states.push(record.state);
    if (step.transition) transitions.push({ ...step.transition, at: sample.at, index });
  });
  if (record === null) throw new Error("no samples");
  return { record, states, transitions };
}

/** Samples `every` seconds apart. */
const series = (
  lambdas: readonly (number | null)[],
  { from = START, every = 10, mass = 0.5 } = {},
): StateSample[] => lambdas.map((lambda, i) => ({ lambda, at: from + i * every, mass }));
const repeat = (lambda: number | null, n: number): (number | null)[] =>
  Array.from({ length: n }, () => lambda);
const arrows = ({ transitions }: Walk): readonly string[] =>
  transitions.map(({ from, to, index }) => `${from}>${to}@${index}`);

const NORMAL = walk(series([1])).record;
const STRESS = walk(series(repeat(0.5, 3))).record;
const CRITICAL = walk(series(repeat(0.1, 2))).record;

it(
  "counts the readings of lambda, so that a new collection can settle; a record of an older " +
    "version is of none",
  () => {
    expect(walk(series([1, null, 0.5])).record.samples).toBe(2);
    const { samples: _, ...older } = NORMAL;
    expect(walk(series([1, 1]), older).record).not.toHaveProperty("samples");
  },
);

describe("on the way down", () => {
  it("three samples in a row below 0.8 make stress, two do not", () => {
    expect(arrows(walk(series([1, 0.7, 0.7, 0.7])))).toEqual(["normal>stress@3"]);
    expect(arrows(walk(series([0.7, 0.7, 0.9, 0.7, 0.7, 0.8])))).toEqual([]);
  });

  it("two samples in a row below 0.3 make critical, directly from normal", () => {
    expect(arrows(walk(series([1, 0.2, 0.2])))).toEqual(["normal>critical@2"]);
    expect(arrows(walk(series([1, 0.2, 0.5, 0.2])))).toEqual(["normal>stress@3"]);
  });

  it("exactly at a threshold is not below it", () => {
    expect(arrows(walk(series(repeat(0.8, 10))))).toEqual([]);
    expect(arrows(walk(series(repeat(0.3, 10))))).toEqual(["normal>stress@2"]);
  });

  it("a cut that separates less than 1 % of the mass is stress at worst", () => {
    expect(arrows(walk(series(repeat(0.05, 20), { mass: 0.009 })))).toEqual(["normal>stress@2"]);
    expect(arrows(walk(series(repeat(0.05, 2), { mass: 0.01 })))).toEqual(["normal>critical@1"]);
    expect(arrows(walk(series(repeat(0.05, 2), { mass: Number.NaN })))).toEqual([
      "normal>critical@1",
    ]);
  });

  it("counts only weighty samples towards critical", () => {
    const samples = series(repeat(0.05, 4)).map((sample, i) => ({
      ...sample,
      mass: i % 2 === 0 ? 0.5 : 0,
    }));
    expect(walk(samples).record.state).toBe("stress");
  });

  it("gives the reason with its numbers", () => {
    const [transition] = walk(series(repeat(0.12, 2), { mass: 0.42 })).transitions;
    expect(transition?.reason).toBe(
      "lambda 0.120: 2 samples in a row below 0.3; the cut separates 42 % of the mass",
    );
    expect(walk(series(repeat(0.5, 3))).transitions[0]?.reason).toBe(
      "lambda 0.500: 3 samples in a row below 0.8",
    );
  });
});

describe("on the way up", () => {
  const after = START + 1000;

  it("stress ends above 0.85 held for 60 s", () => {
    expect(arrows(walk(series(repeat(0.9, 7), { from: after }), STRESS))).toEqual([
      "stress>normal@6",
    ]);
    expect(arrows(walk(series(repeat(0.9, 6), { from: after }), STRESS))).toEqual([]);
    expect(arrows(walk(series(repeat(0.85, 60), { from: after }), STRESS))).toEqual([]);
  });

  it("one sample that is not above starts the hold anew", () => {
    expect(
      arrows(walk(series([0.9, 0.9, 0.9, 0.84, ...repeat(0.9, 7)], { from: after }), STRESS)),
    ).toEqual(["stress>normal@10"]);
  });

  it("critical ends above 0.35 held for 60 s: to stress, or straight to normal above 0.85", () => {
    expect(arrows(walk(series(repeat(0.5, 30), { from: after }), CRITICAL))).toEqual([
      "critical>stress@6",
    ]);
    expect(arrows(walk(series(repeat(0.9, 30), { from: after }), CRITICAL))).toEqual([
      "critical>normal@6",
    ]);
    expect(arrows(walk(series(repeat(0.33, 30), { from: after }), CRITICAL))).toEqual([]);
  });

  it("from critical to stress to normal, each with its own hold", () => {
    const samples = series([...repeat(0.5, 4), ...repeat(0.9, 20)], { from: after });
    expect(arrows(walk(samples, CRITICAL))).toEqual(["critical>stress@6", "stress>normal@10"]);
  });

  it("critical does not last on a cut without weight", () => {
    const samples = series(repeat(0.05, 30), { from: after, mass: 0 });
    expect(arrows(walk(samples, CRITICAL))).toEqual(["critical>stress@6"]);
  });

  it("says how long it held", () => {
    const [transition] = walk(series(repeat(0.9, 7), { from: after }), STRESS).transitions;
    expect(transition?.reason).toBe("lambda 0.900: above 0.8 + 0.05 for 60 s");
  });
});

describe("between transitions", () => {
  it("30 s pass; the wanted transition is then made by the next sample that still wants it", () => {
    const samples = series([0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1], { every: 10 });
    expect(arrows(walk(samples))).toEqual(["normal>stress@2", "stress>critical@5"]);
    expect(arrows(walk(series([0.5, 0.5, 0.5, 0.1, 0.1, 0.5, 0.5, 0.5])))).toEqual([
      "normal>stress@2",
    ]);
  });

  it("exactly 30 s are enough", () => {
    expect(arrows(walk(series([0.5, 0.5, 0.5, 0.1, 0.1], { every: 15 })))).toEqual([
      "normal>stress@2",
      "stress>critical@4",
    ]);
  });
});

describe("unknown lambda", () => {
  it("changes nothing: counters and holds keep", () => {
    for (const lambda of [null, Number.NaN]) {
      const before = walk(series([0.7, 0.7])).record;
      expect(nextState(before, { lambda, at: START + 20, mass: 0.5 }, DEFAULTS)).toEqual({
        record: before,
        transition: null,
      });
      expect(walk(series([0.7, 0.7, lambda, 0.7])).record.state).toBe("stress");
    }
    expect(nextState(STRESS, { lambda: 1, at: Number.NaN, mass: 0.5 }, DEFAULTS).record).toEqual(
      STRESS,
    );
  });

  it("as the first sample gives a normal record without counts", () => {
    expect(nextState(null, { lambda: null, at: START, mass: 0 }, DEFAULTS)).toEqual({
      record: {
        state: "normal",
        since: START,
        below_stress: 0,
        below_critical: 0,
        above_stress_since: null,
        above_critical_since: null,
        last_transition: null,
        samples: 0,
      },
      transition: null,
    });
  });
});

describe("a clock that jumps back", () => {
  it("does not freeze a state for as long as it jumped", () => {
    const yesterday = START - 86_400;
    expect(arrows(walk(series(repeat(0.9, 10), { from: yesterday }), STRESS))).toEqual([
      "stress>normal@6",
    ]);
    expect(arrows(walk(series(repeat(0.1, 10), { from: yesterday }), STRESS))).toEqual([
      "stress>critical@3",
    ]);
  });

  it("in the middle of a hold starts it anew", () => {
    const first = walk(series(repeat(0.9, 5), { from: START + 1000 }), STRESS).record;
    const jumped = walk(series(repeat(0.9, 8), { from: START + 500 }), first);
    expect(arrows(jumped)).toEqual(["stress>normal@6"]);
    expect(jumped.record.since).toBe(START + 560);
  });
});

describe("configuration", () => {
  it("is used throughout", () => {
    const config = {
      ...DEFAULTS,
      stress_threshold: 0.5,
      stress_samples: 1,
      recovery_hold_seconds: 0,
      min_transition_interval_seconds: 0,
    };
    expect(arrows(walk(series([0.6, 0.4, 0.56, 0.54]), null, config))).toEqual([
      "normal>stress@1",
      "stress>normal@2",
    ]);
  });
});

// Sequences

const lambda = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  { weight: 3, arbitrary: fc.constantFrom(0, 0.29, 0.3, 0.34, 0.36, 0.79, 0.8, 0.84, 0.86, 1) },
);
const anySample = fc.record({
  lambda: fc.option(lambda, { freq: 8 }),
  step: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.double({ min: 0, max: 100, noNaN: true })),
  mass: fc.constantFrom(0, 0.005, 0.01, 0.5),
});
/** Runs of the same level: independent levels would hardly ever hold for 60 s. */
const runs = fc
  .array(fc.tuple(anySample, fc.integer({ min: 1, max: 8 })), { maxLength: 30 })
  .map((parts) => parts.flatMap(([sample, n]) => Array.from({ length: n }, () => sample)))
  .filter((samples) => samples.length > 0);

const timed = (
  steps: readonly { lambda: number | null; step: number; mass: number }[],
): StateSample[] => {
  let at = START;
  return steps.map(({ lambda: level, step, mass }) => ({ lambda: level, at: (at += step), mass }));
};

const rank = (state: IntegrityState): number => INTEGRITY_STATES.indexOf(state);

describe("any sequence of samples", () => {
  it("has no two transitions within 30 s", () => {
    fc.assert(
      fc.property(runs, (steps) => {
        const { transitions } = walk(timed(steps));
        transitions.forEach(({ at }, i) => {
          const last = transitions[i - 1];
          if (last) expect(at - last.at).toBeGreaterThanOrEqual(30);
        });
      }),
    );
  });

  it(
    "that jumps back in time has no two transitions within 30 s of time that went forward, and " +
      "no negative waits",
    () => {
      const jumping = fc.array(fc.tuple(anySample, fc.integer({ min: -500, max: 60 })), {
        minLength: 1,
        maxLength: 120,
      });
      fc.assert(
        fc.property(jumping, (steps) => {
          const samples = timed(
            steps.map(([sample, step]) => ({
              ...sample,
              step: step < -100 || step >= 0 ? step : 10,
            })),
          );
          let record: StateRecord | null = null;
          let forward = 0;
          let last: number | null = null;
          let previous = START;
          for (const sample of samples) {
            forward += Math.max(0, sample.at - previous);
            previous = sample.at;
            const step = nextState(record, sample, DEFAULTS);
            record = step.record;
            if (sample.lambda !== null) {
              const { since, above_stress_since, above_critical_since, last_transition } =
                step.record;
              for (const stamp of [
                since,
                above_stress_since,
                above_critical_since,
                last_transition,
              ]) {
                if (stamp !== null) expect(stamp).toBeLessThanOrEqual(sample.at);
              }
            }
            if (step.transition) {
              if (last !== null) expect(forward - last).toBeGreaterThanOrEqual(30 - 1e-6);
              last = forward;
            }
          }
        }),
      );
    },
  );

  it("ends where steady samples belong, whatever went before and wherever the clock stands", () => {
    const tails = fc.constantFrom(
      [1, "normal"],
      [0.6, "stress"],
      [0.1, "critical"],
    ) as fc.Arbitrary<[number, IntegrityState]>;
    fc.assert(
      fc.property(
        runs,
        tails,
        fc.integer({ min: -100_000, max: 100_000 }),
        (steps, [level, state], jump) => {
          const before = walk(timed(steps)).record;
          expect(walk(series(repeat(level, 20), { from: START + jump }), before).record.state).toBe(
            state,
          );
        },
      ),
    );
  });

  it(
    "is reported faithfully: transitions chain up, start at normal and explain every change of " +
      "state",
    () => {
      fc.assert(
        fc.property(runs, (steps) => {
          const { states, transitions, record } = walk(timed(steps));
          let state: IntegrityState = "normal";
          let next = 0;
          states.forEach((now, index) => {
            const transition = transitions[next];
            if (transition?.index === index) {
              expect(transition.from).toBe(state);
              expect(transition.to).not.toBe(transition.from);
              expect(transition.reason).toContain("lambda");
              state = transition.to;
              next++;
            }
            expect(now).toBe(state);
          });
          expect(JSON.parse(JSON.stringify(record))).toEqual(record);
        }),
      );
    },
  );

  it(
    "noise around a threshold never flaps: within the margin a state is entered once and not " +
      "left",
    () => {
      const noise = (threshold: number) =>
        fc.array(fc.double({ min: threshold - 0.05, max: threshold + 0.05, noNaN: true }), {
          minLength: 50,
          maxLength: 200,
        });
      fc.assert(
        fc.property(noise(0.8), (lambdas) => {
          expect(walk(series(lambdas)).transitions.length).toBeLessThanOrEqual(1);
        }),
        { numRuns: 50 },
      );
      fc.assert(
        fc.property(noise(0.3), (lambdas) => {
          const levels = walk(series(lambdas)).transitions.map(({ to }) => rank(to));
          expect(levels).toEqual([...new Set(levels)].sort((a, b) => a - b));
        }),
        { numRuns: 50 },
      );
    },
  );

  it(
    "is monotone: samples that are nowhere better never give a better state (no least interval " +
      "between transitions)",
    () => {
      // With the least interval, an early step to stress can hold up a later one to critical; the
      // steady-tail property covers that case.
      const config = { ...DEFAULTS, min_transition_interval_seconds: 0 };
      const pairs = fc.array(
        fc.tuple(
          anySample,
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.integer({ min: 1, max: 8 }),
        ),
        { minLength: 1, maxLength: 25 },
      );
      fc.assert(
        fc.property(pairs, (parts) => {
          const long = parts.flatMap(([sample, factor, n]) =>
            Array.from({ length: n }, () => [sample, factor] as const),
          );
          const better = timed(long.map(([sample]) => sample));
          const worse = better.map((sample, i) => ({
            ...sample,
            lambda: sample.lambda === null ? null : sample.lambda * (long[i]?.[1] ?? 1),
          }));
          const above = walk(better, null, config).states;
          walk(worse, null, config).states.forEach((state, i) =>
            expect(rank(state)).toBeGreaterThanOrEqual(rank(above[i] ?? "normal")),
          );
        }),
      );
    },
  );

  it("keeps a healthy collection normal", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.8, max: 1, noNaN: true }), { minLength: 1 }),
        (lambdas) => {
          expect(walk(series(lambdas), NORMAL).transitions).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });
});
