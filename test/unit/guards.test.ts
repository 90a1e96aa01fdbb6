import { describe, expect, it } from "vitest";
import {
  firstRefusal,
  type GuardContext,
  type GuardMode,
  GUARDS,
  type GuardSettings,
  guardsFor,
  judge,
  type PastOutcome,
  type Refusal,
} from "../../src/select/guards.ts";

const NOW = 1_768_000_000; // 2026-01-09T23:06:40Z

const SETTINGS: GuardSettings = {
  enabled: true,
  stress_threshold: 0.8,
  min_healing_interval_seconds: 300,
  max_attempts_per_hour: 3,
  max_auto_heal_impact: 0.5,
  require_approval: [],
  require_approval_strategies: ["scale_replicas"],
  ineffective_outcomes: 3,
};

/** A context that no guard refuses. */
const CONTEXT: GuardContext = {
  mode: "automatic",
  collection: "public.embeddings",
  now: NOW,
  settings: SETTINGS,
  standby: false,
  in_window: null,
  lambda: 0.4,
  weak_edges: 8,
  problem_class: "hotspot_congestion",
  strategy: { name: "rebalance_partitions", impact: 0.3 },
  active: null,
  active_total: 0,
  max_active_total: null,
  last_attempt: null,
  attempts: [],
  outcomes: [],
};

const settings = (more: Partial<GuardSettings>): Partial<GuardContext> => ({ settings: { ...SETTINGS, ...more } });
const refuse = (more: Partial<GuardContext>): Refusal | null => firstRefusal({ ...CONTEXT, ...more });
const reason = (more: Partial<GuardContext>): string | undefined => refuse(more)?.reason;
const outcome = (ago: number, verified: boolean | null = false, more: Partial<PastOutcome> = {}): PastOutcome => ({
  at: NOW - ago,
  problem_class: "hotspot_congestion",
  verified,
  ...more,
});

/** One violation for every guard but approval, in the order of the list. */
const VIOLATIONS: readonly (readonly [string, Partial<GuardContext>])[] = [
  ["disabled", settings({ enabled: false })],
  ["standby_server", { standby: true }],
  ["maintenance_window", { in_window: false }],
  ["healthy", { lambda: 0.9, weak_edges: 0 }],
  ["unknown_problem", { problem_class: "unknown" }],
  ["active_action", { active: { id: 12, strategy: "drain_hot_partition" } }],
  ["global_limit", { active_total: 2, max_active_total: 2 }],
  ["cooldown", { last_attempt: { started_at: NOW - 400, ended_at: NOW - 100 } }],
  ["attempts", { attempts: [NOW - 3000, NOW - 2000, NOW - 1000] }],
  ["ineffective", { outcomes: [outcome(5000), outcome(6000), outcome(7000), outcome(5000, false, { problem_class: "unknown" }), outcome(6000, false, { problem_class: "unknown" }), outcome(7000, false, { problem_class: "unknown" })] }],
  ["impact", { strategy: { name: "drain_hot_partition", impact: 0.6 } }],
];

describe("the list", () => {
  it("stands in the documented order", () => {
    expect(GUARDS.map(({ name }) => name)).toEqual([
      "disabled",
      "standby_server",
      "maintenance_window",
      "healthy",
      "unknown_problem",
      "approval",
      "active_action",
      "global_limit",
      "cooldown",
      "attempts",
      "ineffective",
      "impact",
    ]);
  });

  it("lets a sick collection through when nothing speaks against it", () => {
    expect(judge(CONTEXT)).toEqual({ refusal: null, approval_required: null });
  });

  it.each(VIOLATIONS)("%s alone refuses, with a value that would flip it and one line for a person", (name, violation) => {
    const refusal = refuse(violation);
    expect(refusal?.reason).toBe(name);
    expect(refusal?.flips_at).not.toBe("");
    expect(refusal?.message).toMatch(/^[^\n]+$/);
    expect(() => JSON.stringify(refusal)).not.toThrow();
  });

  it("the first violated guard decides", () => {
    for (let first = 0; first < VIOLATIONS.length; first++) {
      const rest = VIOLATIONS.slice(first).map(([, violation]) => violation);
      const all = Object.assign({}, ...rest) as Partial<GuardContext>;
      expect(reason(all)).toBe(VIOLATIONS[first]![0]);
    }
  });

  it("applies whole to the loop and to a human's trigger; an explicit order stops only at the impossible", () => {
    expect(guardsFor("automatic")).toEqual(GUARDS);
    expect(guardsFor("manual")).toEqual(GUARDS);
    expect(guardsFor("explicit").map(({ name }) => name)).toEqual(["standby_server", "active_action"]);
    for (const mode of ["automatic", "manual", "explicit"] as const satisfies readonly GuardMode[]) {
      for (const [name, violation] of VIOLATIONS) {
        const expected = mode !== "explicit" || name === "standby_server" || name === "active_action" ? name : undefined;
        expect(reason({ ...violation, mode })).toBe(expected);
      }
    }
  });

  it("can be given further guards", () => {
    const late = { ...GUARDS[0]!, check: () => ({ reason: "impact", measured: 1, flips_at: "x", message: "late" }) as const };
    expect(firstRefusal(CONTEXT, [...GUARDS, late])?.message).toBe("late");
  });
});

describe("standing guards", () => {
  it("disabled names the statement that switches this collection on, quoted", () => {
    expect(refuse(settings({ enabled: false }))?.hint).toBe(`SELECT ruvector_healing_configure('{"enabled": true}', 'public.embeddings');`);
    expect(refuse({ ...settings({ enabled: false }), collection: `public."it's"` })?.hint).toContain(`'public."it''s"'`);
  });

  it("maintenance window: only false refuses", () => {
    expect(reason({ in_window: true })).toBeUndefined();
    expect(reason({ in_window: null })).toBeUndefined();
  });

  it("healthy: lambda at the threshold or above and nothing weak", () => {
    expect(reason({ lambda: 0.8, weak_edges: 0 })).toBe("healthy");
    expect(reason({ lambda: 0.79, weak_edges: 0 })).toBeUndefined();
    expect(reason({ lambda: 0.9, weak_edges: 1 })).toBeUndefined();
    expect(reason({ lambda: null, weak_edges: 0 })).toBeUndefined();
    expect(refuse({ lambda: 1, weak_edges: 0 })?.measured).toBe(1);
  });

  it("active action: the id, and how to end it", () => {
    expect(refuse({ active: { id: "12", strategy: "x\u001b[0m" } })).toMatchObject({
      measured: "12",
      flips_at: "action 12 ends",
      message: "action 12 (x?[0m) is at work on public.embeddings",
      hint: "SELECT ruvector_healing_abort(12); ends it.",
    });
  });

  it("global limit: none set, below, at it", () => {
    expect(reason({ active_total: 99 })).toBeUndefined();
    expect(reason({ active_total: 1, max_active_total: 2 })).toBeUndefined();
    expect(reason({ active_total: 0, max_active_total: 0 })).toBe("global_limit");
    expect(reason({ active_total: 0, max_active_total: Number.NaN })).toBe("global_limit");
  });

  it("impact: at the limit passes, above refuses, none without a strategy", () => {
    expect(reason({ strategy: { name: "compact_indexes", impact: 0.5 } })).toBeUndefined();
    expect(refuse({ strategy: { name: "x", impact: 0.51 } })).toMatchObject({ reason: "impact", measured: 0.51, flips_at: "max_auto_heal_impact of 0.51 or more" });
    expect(reason({ strategy: { name: "x", impact: Number.NaN } })).toBe("impact");
    expect(reason({ strategy: null })).toBeUndefined();
  });
});

describe("approval", () => {
  it("by class or by strategy, and it is no refusal", () => {
    expect(judge({ ...CONTEXT, ...settings({ require_approval: ["hotspot_congestion"] }) })).toEqual({
      refusal: null,
      approval_required: "problems of class hotspot_congestion need approval (require_approval)",
    });
    expect(judge({ ...CONTEXT, strategy: { name: "scale_replicas", impact: 0.2 } }).approval_required).toContain("scale_replicas");
    expect(judge({ ...CONTEXT, ...settings({ require_approval: ["memory_pressure"] }) }).approval_required).toBeNull();
    expect(judge({ ...CONTEXT, strategy: null }).approval_required).toBeNull();
  });

  it("is not asked for what is refused anyway, before or after it, nor for an explicit order", () => {
    const strategy = { name: "scale_replicas", impact: 0.2 };
    expect(judge({ ...CONTEXT, strategy, standby: true })).toMatchObject({ refusal: { reason: "standby_server" }, approval_required: null });
    expect(judge({ ...CONTEXT, strategy, attempts: [NOW, NOW, NOW] })).toMatchObject({ refusal: { reason: "attempts" }, approval_required: null });
    expect(judge({ ...CONTEXT, strategy, mode: "explicit" }).approval_required).toBeNull();
  });
});

describe("cooldown", () => {
  it("counts from the end of the last attempt, from its start where it has none, and says until when", () => {
    expect(refuse({ last_attempt: { started_at: NOW - 1000, ended_at: NOW - 100 } })).toMatchObject({
      reason: "cooldown",
      measured: 100,
      flips_at: "2026-01-09T23:10:00Z",
      message: "cooling down until 2026-01-09T23:10:00Z: the last attempt ended 100 s ago, min_healing_interval_seconds is 300",
    });
    expect(refuse({ last_attempt: { started_at: NOW - 10, ended_at: null } })?.message).toContain("started 10 s ago");
  });

  it("is over after exactly the interval; an interval of 0 has none", () => {
    expect(reason({ last_attempt: { started_at: 0, ended_at: NOW - 299.9 } })).toBe("cooldown");
    expect(reason({ last_attempt: { started_at: 0, ended_at: NOW - 300 } })).toBeUndefined();
    expect(reason({ last_attempt: { started_at: NOW, ended_at: NOW }, ...settings({ min_healing_interval_seconds: 0 }) })).toBeUndefined();
  });

  it("does not wait for a clock that was set back to catch up", () => {
    expect(reason({ last_attempt: { started_at: NOW, ended_at: NOW + 86_400 } })).toBeUndefined();
    expect(refuse({ last_attempt: { started_at: NOW, ended_at: NOW + 60 } })?.measured).toBe(0);
  });
});

describe("attempts", () => {
  it("at most three an hour: the fourth waits until the oldest leaves the hour", () => {
    expect(reason({ attempts: [NOW - 100, NOW - 200] })).toBeUndefined();
    expect(refuse({ attempts: [NOW - 1000, NOW - 3000, NOW - 2000] })).toMatchObject({
      measured: 3,
      flips_at: "2026-01-09T23:16:40Z",
      message: "3 attempts in the last hour, max_attempts_per_hour is 3",
    });
  });

  it("ignores what is an hour old", () => {
    expect(reason({ attempts: [NOW - 3600, NOW - 200, NOW - 100] })).toBeUndefined();
    expect(reason({ attempts: [NOW - 3599, NOW - 200, NOW - 100] })).toBe("attempts");
  });

  it("with more than allowed, as many as are too many have to leave", () => {
    expect(refuse({ attempts: [NOW - 3500, NOW - 3400, NOW - 300, NOW - 200] })?.flips_at).toBe("2026-01-09T23:10:00Z");
  });

  it("0 allows none", () => {
    expect(refuse({ ...settings({ max_attempts_per_hour: 0 }) })).toMatchObject({ reason: "attempts", measured: 0, flips_at: "max_attempts_per_hour above 0" });
  });
});

describe("ineffective", () => {
  it("the last three outcomes of the class within a day, all unverified; never reached counts as unverified", () => {
    expect(refuse({ outcomes: [outcome(7000), outcome(5000, null), outcome(6000)] })).toMatchObject({ reason: "ineffective", measured: 3, flips_at: "2026-01-10T21:10:00Z, or a verified outcome before" });
    expect(reason({ outcomes: [outcome(5000), outcome(6000)] })).toBeUndefined();
    expect(reason({ outcomes: [outcome(5000), outcome(6000, true), outcome(7000), outcome(8000)] })).toBeUndefined();
  });

  it("older successes do not help", () => {
    expect(reason({ outcomes: [outcome(9000, true), outcome(5000), outcome(6000), outcome(7000)] })).toBe("ineffective");
  });

  it("other classes and older days do not count", () => {
    expect(reason({ outcomes: [outcome(5000), outcome(6000), outcome(7000, false, { problem_class: "memory_pressure" })] })).toBeUndefined();
    expect(reason({ outcomes: [outcome(5000), outcome(6000), outcome(86_400)] })).toBeUndefined();
  });

  it("takes another number", () => {
    expect(reason({ outcomes: [outcome(5000)], ...settings({ ineffective_outcomes: 1 }) })).toBe("ineffective");
  });
});
