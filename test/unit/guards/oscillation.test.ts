import { describe, expect, it } from "vitest";
import { reversal } from "../../../src/select/reversals.ts";
import type { RecentMove } from "../../../src/store/moved-rows.ts";
import { selectStrategy } from "../../../src/select/select.ts";
import { NOW, planned, reason, refuse } from "../support/guards.ts";

const recent = (
  from: string,
  to: string,
  rows: number,
  at = NOW - 60,
  action_id = "7",
): RecentMove => ({ from, to, rows, at, action_id });

describe("reversal", () => {
  it("counts rows that would go back the way others came, no more than came", () => {
    expect(
      reversal(
        [
          { from: "b", to: "a", rows: 100 },
          { from: "b", to: "c", rows: 50 },
        ],
        [recent("a", "b", 80)],
      ),
    ).toEqual({ rows: 80, of: 150, action_id: "7", at: NOW - 60 });
    // Two moves of one way take back no more than one of them.
    expect(
      reversal(
        [
          { from: "b", to: "a", rows: 60 },
          { from: "b", to: "a", rows: 60 },
        ],
        [recent("a", "b", 80)],
      ),
    ).toMatchObject({ rows: 80, of: 120 });
  });

  it("is none where rows go on, or where those that came are gone", () => {
    expect(reversal([{ from: "b", to: "c", rows: 100 }], [recent("a", "b", 80)])).toBeNull();
    expect(reversal([{ from: "a", to: "b", rows: 100 }], [recent("a", "b", 80)])).toBeNull();
    expect(reversal([{ from: "b", to: "a", rows: 100 }], [recent("a", "b", 0)])).toBeNull();
    expect(reversal([], [recent("a", "b", 80)])).toBeNull();
  });

  it("names the latest action", () => {
    expect(
      reversal(
        [
          { from: "b", to: "a", rows: 10 },
          { from: "c", to: "a", rows: 10 },
        ],
        [recent("a", "b", 10, NOW - 60, "7"), recent("a", "c", 10, NOW - 30, "9")],
      ),
    ).toEqual({ rows: 20, of: 20, action_id: "9", at: NOW - 30 });
  });
});

describe("oscillation", () => {
  const back = (rows: number, of = 100) =>
    planned({ reversal: { rows, of, action_id: "7", at: NOW - 60 } });

  it("refuses from the share on, with the action and the end", () => {
    expect(reason(back(49))).toBeUndefined();
    expect(refuse(back(50))).toMatchObject({
      reason: "oscillation",
      measured: 0.5,
      flips_at:
        "oscillation_share above 0.5, or 2026-01-10T05:05:40Z, when those moves are older " +
        "than oscillation_window_seconds",
      message:
        "rebalance_partitions would move 50 rows of 100 (50 %) back to where action 7 took " +
        "rows from 60 s ago",
    });
  });

  it("refuses what is no number", () => {
    expect(reason(back(Number.NaN))).toBe("oscillation");
    expect(reason(back(0, 0))).toBe("oscillation");
  });

  it("a suspended strategy is passed over, and says until when", () => {
    const strategy = {
      handles: ["hotspot_congestion"],
      impact: 0.1,
      reversible: true,
      applicable: true,
    } as const;
    const { chosen, considered } = selectStrategy(
      [
        {
          ...strategy,
          name: "a",
          suspended: {
            kind: "human_undo",
            reason: "a person rolled back action 7 of it",
            until: NOW,
            resume: "SELECT 1;",
          },
        },
        { ...strategy, name: "b", impact: 0.2 },
      ],
      "hotspot_congestion",
      { max_auto_heal_impact: 0.5, weights: { a: 5 } },
    );
    expect(chosen).toBe("b");
    expect(considered).toContainEqual(
      expect.objectContaining({
        name: "a",
        reason_code: "rejected_recently",
        until: NOW,
        lift: "SELECT 1;",
        reason:
          "suspended until 2026-01-09T23:06:40Z: a person rolled back action 7 of it; to " +
          "lift that: SELECT 1;",
      }),
    );
  });
});
