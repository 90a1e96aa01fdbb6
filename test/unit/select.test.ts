import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROBLEM_CLASSES } from "../../src/model/problem.ts";
import { type Candidate, selectStrategy } from "../../src/select/select.ts";

const candidate = (name: string, impact = 0.3, more: Partial<Candidate> = {}): Candidate => ({
  name,
  handles: ["hotspot_congestion"],
  impact,
  reversible: true,
  applicable: true,
  ...more,
});

const CONTEXT = { max_auto_heal_impact: 0.5, weights: {} };
const select = (
  candidates: readonly Candidate[],
  context: Partial<typeof CONTEXT> & { weights?: Record<string, number> } = {},
) => selectStrategy(candidates, "hotspot_congestion", { ...CONTEXT, ...context });
const reasons = (selection: ReturnType<typeof select>) =>
  Object.fromEntries(selection.considered.map(({ name, reason_code }) => [name, reason_code]));

describe("filters", () => {
  it("only strategies that handle the class, within the impact limit, applicable now", () => {
    const selection = select([
      candidate("other", 0.1, { handles: ["memory_pressure", "replication_lag"] }),
      candidate("none", 0.1, { handles: [] }),
      candidate("heavy", 0.51),
      candidate("absent", 0.1, { applicable: { reason: "no Kubernetes actuator is configured" } }),
      candidate("fits", 0.5),
    ]);
    expect(selection.chosen).toBe("fits");
    expect(reasons(selection)).toEqual({
      fits: "chosen",
      absent: "not_applicable",
      heavy: "impact_above_limit",
      none: "wrong_class",
      other: "wrong_class",
    });
    const text = Object.fromEntries(selection.considered.map(({ name, reason }) => [name, reason]));
    expect(text["other"]).toBe("handles memory_pressure, replication_lag, not hotspot_congestion");
    expect(text["heavy"]).toBe("impact 0.51 is above max_auto_heal_impact 0.5");
    expect(text["absent"]).toBe("no Kubernetes actuator is configured");
    expect(text["fits"]).toBe("highest weight (1) of 1 that may be used");
  });

  it("refuses an impact that is no number", () => {
    expect(select([candidate("broken", Number.NaN)]).chosen).toBeNull();
  });

  it("chooses nothing when nothing is left, and still says why", () => {
    expect(select([])).toEqual({ chosen: null, considered: [] });
    const selection = select([candidate("heavy", 0.9)]);
    expect(selection.chosen).toBeNull();
    expect(selection.considered).toMatchObject([
      { name: "heavy", taken: false, reason_code: "impact_above_limit", weight: 1, impact: 0.9 },
    ]);
  });
});

describe("what was tried", () => {
  it("a suspended strategy makes way for the next, with a code that says what for", () => {
    const codes = {
      oscillation: "suspended",
      failures: "failed_recently",
      rejected: "rejected_recently",
      human_undo: "rejected_recently",
    } as const;
    for (const kind of ["oscillation", "failures", "rejected", "human_undo"] as const) {
      const selection = select(
        [
          candidate("first", 0.1, { suspended: { kind, reason: "why", until: 1_700_000_000 } }),
          candidate("second", 0.4),
        ],
        { weights: { first: 9 } },
      );
      expect(selection.chosen).toBe("second");
      expect(selection.considered).toContainEqual(
        expect.objectContaining({
          name: "first",
          reason_code: codes[kind],
          reason: "suspended until 2023-11-14T22:13:20Z: why",
          until: 1_700_000_000,
        }),
      );
    }
  });

  it("a strategy whose plan would not pass its own verification makes way for the next", () => {
    const selection = select([
      candidate("futile", 0.1, { no_gain: "lambda 0.2 -> 0.2" }),
      candidate("useful", 0.4),
    ]);
    expect(selection.chosen).toBe("useful");
    expect(selection.considered).toContainEqual(
      expect.objectContaining({
        name: "futile",
        reason_code: "no_gain_foreseen",
        reason: "lambda 0.2 -> 0.2",
      }),
    );
  });

  it("weight 0 is not taken, also where it is the only one, and says what brings it back", () => {
    const selection = select([candidate("futile", 0.1)], { weights: { futile: 0 } });
    expect(selection.chosen).toBeNull();
    expect(selection.considered[0]).toMatchObject({
      reason_code: "weight_zero",
      weight: 0,
      taken: false,
      reason:
        "its weight is 0: it comes back when those are older than 30 days, are judged " +
        "otherwise (ruvector_healing_feedback), or after SELECT " +
        "ruvector_healing_resume('futile');",
    });
    const later = select(
      [candidate("futile", 0.1, { explores: { from: 1_700_000_000, now: false, outcomes: 2 } })],
      { weights: { futile: 0 } },
    );
    expect(later).toMatchObject({
      chosen: null,
      considered: [
        {
          reason_code: "weight_zero",
          until: 1_700_000_000,
          lift: "SELECT ruvector_healing_resume('futile');",
        },
      ],
    });
    expect(later.considered[0]!.reason).toContain(
      "its weight is 0, after 2 outcomes of which none counts as a success: it is tried once " +
        "again from 2023-11-14T22:13:20Z on (exploration_seconds)",
    );
  });

  it("weight 0 is tried once again when its time has come, behind all others", () => {
    const explores = { from: 1, now: true, outcomes: 1 };
    expect(
      select([candidate("futile", 0.1, { explores }), candidate("other", 0.5)], {
        weights: { futile: 0, other: 0.01 },
      }).chosen,
    ).toBe("other");
    const alone = select([candidate("futile", 0.1, { explores })], { weights: { futile: 0 } });
    expect(alone).toMatchObject({
      chosen: "futile",
      considered: [{ reason: expect.stringContaining("tried once again") }],
    });
  });

  it("a strategy with nothing to do makes way for the next", () => {
    const selection = select([
      candidate("empty", 0.1, { nothing_to_do: "no partition is hot by rows" }),
      candidate("full", 0.4),
    ]);
    expect(selection.chosen).toBe("full");
    expect(selection.considered.find(({ name }) => name === "empty")).toMatchObject({
      reason_code: "nothing_to_do",
      reason: "no partition is hot by rows",
    });
  });

  it("of equal weights the one that needs no approval is first; a higher weight still wins", () => {
    const candidates = [candidate("asks", 0.1, { needs_approval: true }), candidate("acts", 0.4)];
    const selection = select(candidates);
    expect(selection.chosen).toBe("acts");
    expect(reasons(selection)["asks"]).toBe("needs_approval");
    expect(select(candidates, { weights: { asks: 1.5 } }).chosen).toBe("asks");
  });
});

describe("preference", () => {
  it("the highest weight wins over impact; a missing weight is 1", () => {
    const selection = select([candidate("gentle", 0.1), candidate("learned", 0.5)], {
      weights: { learned: 1.2 },
    });
    expect(selection.chosen).toBe("learned");
    expect(selection.considered[1]).toEqual({
      name: "gentle",
      weight: 1,
      impact: 0.1,
      taken: false,
      reason_code: "lower_weight",
      reason: "weight 1 is below 1.2 of learned",
    });
    expect(
      select([candidate("gentle", 0.1), candidate("failed", 0.05)], { weights: { failed: 0 } })
        .chosen,
    ).toBe("gentle");
  });

  it("ties go to the least impact, then to the name", () => {
    const selection = select([candidate("b", 0.2), candidate("c", 0.3), candidate("a", 0.2)]);
    expect(selection.chosen).toBe("a");
    expect(reasons(selection)).toEqual({ a: "chosen", b: "later_name", c: "higher_impact" });
    expect(selection.considered.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  it("shows weights that differ only behind the first decimal in full", () => {
    const { considered } = select([candidate("a"), candidate("b")], {
      weights: { a: 1.04, b: 1.01 },
    });
    expect(considered[1]?.reason).toBe("weight 1.01 is below 1.04 of a");
  });

  it(
    "takes weights that are no finite number for missing, and names like parts of Object for " +
      "names",
    () => {
      const weights = { a: Number.NaN, b: Number.POSITIVE_INFINITY };
      expect(
        select([candidate("a"), candidate("b"), candidate("constructor"), candidate("__proto__")], {
          weights,
        }).considered.map(({ weight }) => weight),
      ).toEqual([1, 1, 1, 1]);
    },
  );

  it("makes reasons harmless for a terminal", () => {
    const { considered } = select([
      candidate("x", 0.1, { applicable: { reason: "table \u001b[31m\n is gone" } }),
    ]);
    expect(considered[0]?.reason).toBe("table ?[31m? is gone");
  });
});

describe("any candidates", () => {
  const anyCandidate = fc.record({
    name: fc.oneof(fc.constantFrom("a", "b", "c"), fc.string()),
    handles: fc.subarray([...PROBLEM_CLASSES]),
    impact: fc.constantFrom(0, 0.1, 0.3, 0.5, 0.6, 1),
    reversible: fc.boolean(),
    applicable: fc.oneof(fc.constant(true as const), fc.record({ reason: fc.string() })),
  });
  const anyWeights = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom(0, 0.5, 1, 1.5));

  it("all are considered, at most one is taken, and none that may be used is better", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyCandidate, { selector: ({ name }) => name }),
        fc.constantFrom(...PROBLEM_CLASSES),
        anyWeights,
        (candidates, problem, weights) => {
          const { chosen, considered } = selectStrategy(candidates, problem, {
            max_auto_heal_impact: 0.5,
            weights,
          });
          expect(considered.map(({ name }) => name).sort()).toEqual(
            candidates.map(({ name }) => name).sort(),
          );
          expect(considered.filter(({ taken }) => taken).map(({ name }) => name)).toEqual(
            chosen === null ? [] : [chosen],
          );
          const weighs = (name: string) => !Object.hasOwn(weights, name) || weights[name] !== 0;
          const usable = candidates.filter(
            ({ name, handles, impact, applicable }) =>
              weighs(name) && handles.includes(problem) && impact <= 0.5 && applicable === true,
          );
          expect(chosen === null).toBe(usable.length === 0);
          const weight = (name: string) =>
            Object.hasOwn(weights, name) ? (weights[name] ?? 1) : 1;
          const best = usable.find(({ name }) => name === chosen);
          for (const other of usable) {
            if (!best || other === best) continue;
            expect(weight(other.name)).toBeLessThanOrEqual(weight(best.name));
            if (weight(other.name) === weight(best.name))
              expect(other.impact).toBeGreaterThanOrEqual(best.impact);
          }
        },
      ),
    );
  });

  it("the choice does not depend on the registry's order", () => {
    const shuffled = fc
      .uniqueArray(anyCandidate, { selector: ({ name }) => name })
      .chain((candidates) =>
        fc.tuple(
          fc.constant(candidates),
          fc.shuffledSubarray(candidates, { minLength: candidates.length }),
        ),
      );
    fc.assert(
      fc.property(shuffled, anyWeights, ([one, other], weights) => {
        const context = { max_auto_heal_impact: 0.5, weights };
        expect(selectStrategy(other, "memory_pressure", context)).toEqual(
          selectStrategy(one, "memory_pressure", context),
        );
      }),
    );
  });
});
