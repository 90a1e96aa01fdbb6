import { describe, expect, it } from "vitest";
import { reason, refuse } from "../support/guards.ts";

describe("what is at work", () => {
  it("active action: the id, and how to end it", () => {
    expect(refuse({ active: { id: "12", strategy: "x\u001b[0m" } })).toMatchObject({
      measured: "12",
      flips_at: "action 12 ends",
      message: "action 12 (x?[0m) is at work on public.embeddings",
      hint: "SELECT ruvector_healing_abort(12); ends it.",
    });
  });

  it("global limit: below, at it, none allowed; a limit or a count not a number refuses", () => {
    expect(reason({ active_total: 3 })).toBeUndefined();
    expect(refuse({ active_total: 4 })).toMatchObject({
      reason: "global_limit",
      measured: 4,
      flips_at: "fewer than 4 active actions, or max_active_actions above 4",
    });
    expect(refuse({ active_total: 0, max_active_total: 0 })).toMatchObject({
      reason: "global_limit",
      flips_at: "max_active_actions above 0",
      message: "no action begins on any collection: max_active_actions is 0",
      hint: expect.stringContaining("ruvector_healing_configure("),
    });
    for (const broken of [Number.NaN, null as unknown as number, undefined as unknown as number]) {
      expect(reason({ active_total: 1, max_active_total: broken })).toBe("global_limit");
    }
    expect(reason({ active_total: Number.NaN })).toBe("global_limit");
    expect(reason({ active_total: Infinity, max_active_total: 1000 })).toBe("global_limit");
  });
});
