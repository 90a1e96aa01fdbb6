import { describe, expect, it } from "vitest";
import {
  firstRefusal,
  type GuardContext,
  type GuardMode,
  GUARDS,
  guardsFor,
  judge,
} from "../../../src/select/guards/index.ts";
import {
  CONTEXT,
  NOW,
  outcome,
  planned,
  reason,
  refuse,
  SETTINGS,
  settings,
} from "../support/guards.ts";

const REVERSAL = { rows: 400, of: 500, action_id: "7", at: NOW - 60 };
const LATE = {
  transaction: { who: "pid 7", seconds: 301, ends: "" },
  wraparound: null,
  slot: null,
  wal_bytes: 0,
  unseen: [],
};

/** One violation for every guard but approval, in the order of the list. */
const VIOLATIONS: readonly (readonly [string, Partial<GuardContext>])[] = [
  ["disabled", settings({ enabled: false })],
  ["mode", settings({ mode: "off" })],
  ["standby_server", { standby: true }],
  [
    "breaker",
    {
      breaker: {
        state: "open",
        reason: "5 actions failed",
        open_until: NOW + 60,
        probe: null,
        failures: 5,
        opens_at: 5,
      },
    },
  ],
  ["maintenance_window", { in_window: false }],
  ["healthy", { lambda: 0.9, weak_edges: 0 }],
  ["settling", { registered_at: NOW - 60 }],
  ["unknown_problem", { problem_class: "unknown" }],
  ["active_action", { active: { id: 12, strategy: "drain_hot_partition" } }],
  ["global_limit", { active_total: 2, max_active_total: 2 }],
  ["cooldown", { last_attempt: { started_at: NOW - 400, ended_at: NOW - 100 } }],
  ["attempts", { attempts: [NOW - 3000, NOW - 2000, NOW - 1000] }],
  [
    "ineffective",
    {
      outcomes: [
        outcome(5000),
        outcome(6000),
        outcome(7000),
        outcome(5000, false, { problem_class: "unknown" }),
        outcome(6000, false, { problem_class: "unknown" }),
        outcome(7000, false, { problem_class: "unknown" }),
      ],
    },
  ],
  ["blast_radius", planned({ relation_locks: 2001, reversal: REVERSAL, preflight: LATE })],
  ["oscillation", planned({ reversal: REVERSAL, preflight: LATE })],
  ["preflight", planned({ preflight: LATE })],
];

describe("the list", () => {
  it("stands in the documented order", () => {
    expect(GUARDS.map(({ name }) => name)).toEqual([
      "disabled",
      "mode",
      "standby_server",
      "breaker",
      "maintenance_window",
      "healthy",
      "settling",
      "unknown_problem",
      "approval",
      "active_action",
      "global_limit",
      "cooldown",
      "attempts",
      "ineffective",
      "blast_radius",
      "oscillation",
      "preflight",
    ]);
  });

  it("lets a sick collection through when nothing speaks against it", () => {
    expect(judge(CONTEXT)).toEqual({ refusal: null, approval_required: null });
  });

  it.each(VIOLATIONS)(
    "%s alone refuses, with a value that would flip it and one line for a person",
    (name, violation) => {
      const refusal = refuse(violation);
      expect(refusal?.reason).toBe(name);
      expect(refusal?.flips_at).not.toBe("");
      expect(refusal?.message).toMatch(/^[^\n]+$/);
      expect(() => JSON.stringify(refusal)).not.toThrow();
    },
  );

  it("the first violated guard decides", () => {
    for (let first = 0; first < VIOLATIONS.length; first++) {
      const rest = VIOLATIONS.slice(first).map(([, violation]) => violation);
      // Settings of several violations hold together; of other fields that several set, the first
      // one's stays.
      const differing = rest.flatMap((one) =>
        Object.entries(one.settings ?? {}).filter(
          ([key, value]) => value !== SETTINGS[key as keyof typeof SETTINGS],
        ),
      );
      const all: Partial<GuardContext> = {
        ...(Object.assign({}, ...[...rest].reverse()) as Partial<GuardContext>),
        settings: { ...SETTINGS, ...Object.fromEntries(differing) },
      };
      expect(reason(all)).toBe(VIOLATIONS[first]![0]);
    }
  });

  it(
    "applies whole to the loop; a human's trigger does not wait for a new collection to " +
      "settle, an explicit order stops only at the impossible",
    () => {
      expect(guardsFor("automatic")).toEqual(GUARDS);
      expect(guardsFor("manual")).toEqual(GUARDS.filter(({ name }) => name !== "settling"));
      expect(guardsFor("explicit").map(({ name }) => name)).toEqual([
        "standby_server",
        "active_action",
        "preflight",
      ]);
      for (const mode of [
        "automatic",
        "manual",
        "explicit",
      ] as const satisfies readonly GuardMode[]) {
        for (const [name, violation] of VIOLATIONS) {
          // The plans of these two would be held up by the preflight as well.
          const explicit =
            name === "blast_radius" || name === "oscillation"
              ? "preflight"
              : ["standby_server", "active_action", "preflight"].includes(name)
                ? name
                : undefined;
          const expected =
            mode === "explicit"
              ? explicit
              : mode === "manual" && name === "settling"
                ? undefined
                : name;
          expect(reason({ ...violation, mode })).toBe(expected);
        }
      }
    },
  );

  it("can be given further guards", () => {
    const late = {
      ...GUARDS[0]!,
      check: () =>
        ({
          reason: "preflight",
          measured: 1,
          flips: { kind: "event", event: "promotion" },
          message: "late",
        }) as const,
    };
    expect(firstRefusal(CONTEXT, [...GUARDS, late])?.message).toBe("late");
  });
});
