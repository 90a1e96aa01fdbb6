import { describe, expect, it } from "vitest";
import type { BreakerFacts } from "../../../src/store/breaker.ts";
import { NOW, reason, refuse } from "../support/guards.ts";

const breaker = (more: Partial<BreakerFacts>): { breaker: BreakerFacts } => ({
  breaker: {
    state: "closed",
    reason: null,
    open_until: null,
    probe: null,
    failures: 0,
    opens_at: 5,
    ...more,
  },
});

describe("circuit breaker", () => {
  it("closed lets through, and not what has failed too often since", () => {
    expect(reason(breaker({ failures: 4 }))).toBeUndefined();
    // Another session is opening it at this moment: what it counts is here too.
    expect(refuse(breaker({ failures: 5 }))).toMatchObject({
      reason: "breaker",
      measured: 5,
      message: "the circuit breaker is open: 5 actions endangered the server",
    });
  });

  it("open says since when, until when and how to close it", () => {
    expect(
      refuse(
        breaker({
          state: "open",
          failures: 6,
          reason: "6 actions failed; the last: x\u001b[0m",
          open_until: NOW,
        }),
      ),
    ).toEqual({
      reason: "breaker",
      measured: 6,
      flips_at: "2026-01-09T23:06:40Z: then one action is let through",
      message: "the circuit breaker is open: 6 actions failed; the last: x?[0m",
      hint:
        "SELECT ruvector_healing_breaker_close('<why>'); closes it by hand. SELECT * FROM " +
        "ruvector_healing_history(); shows what failed.",
    });
  });

  it("half open lets one action through", () => {
    expect(reason(breaker({ state: "half_open", failures: 9 }))).toBeUndefined();
    expect(refuse(breaker({ state: "half_open", probe: "7", failures: 9 }))).toMatchObject({
      flips_at: "action 7 ends verified",
    });
  });

  it("what is not known is not closed", () => {
    expect(reason({ breaker: null })).toBe("breaker");
    expect(reason(breaker({ state: "ajar" }))).toBe("breaker");
    for (const broken of [Number.NaN, null as unknown as number]) {
      expect(reason(breaker({ failures: 1, opens_at: broken }))).toBe("breaker");
    }
    expect(reason(breaker({ failures: Number.NaN }))).toBe("breaker");
  });

  it("is not asked when a person names a strategy", () => {
    expect(
      reason({ mode: "explicit", ...breaker({ state: "open", failures: 9 }) }),
    ).toBeUndefined();
  });
});
