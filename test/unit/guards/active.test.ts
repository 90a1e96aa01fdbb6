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

  it("global limit: none set, below, at it", () => {
    expect(reason({ active_total: 99 })).toBeUndefined();
    expect(reason({ active_total: 1, max_active_total: 2 })).toBeUndefined();
    expect(reason({ active_total: 0, max_active_total: 0 })).toBe("global_limit");
    expect(reason({ active_total: 0, max_active_total: Number.NaN })).toBe("global_limit");
  });
});
