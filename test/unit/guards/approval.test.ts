import { describe, expect, it } from "vitest";
import { judge } from "../../../src/select/guards/index.ts";
import { CONTEXT, NOW, reason, refuse, settings } from "../support/guards.ts";

describe("approval", () => {
  it("by class or by strategy, and it is no refusal", () => {
    expect(
      judge({ ...CONTEXT, ...settings({ require_approval: ["hotspot_congestion"] }) }),
    ).toEqual({
      refusal: null,
      approval_required: "problems of class hotspot_congestion need approval (require_approval)",
    });
    expect(
      judge({ ...CONTEXT, strategy: { name: "scale_replicas", impact: 0.2 } }).approval_required,
    ).toContain("scale_replicas");
    expect(
      judge({ ...CONTEXT, ...settings({ require_approval: ["memory_pressure"] }) })
        .approval_required,
    ).toBeNull();
    expect(judge({ ...CONTEXT, strategy: null }).approval_required).toBeNull();
  });

  it("is not asked for what is refused anyway, before or after it, nor for an order", () => {
    const strategy = { name: "scale_replicas", impact: 0.2 };
    expect(judge({ ...CONTEXT, strategy, standby: true })).toMatchObject({
      refusal: { reason: "standby_server" },
      approval_required: null,
    });
    expect(judge({ ...CONTEXT, strategy, attempts: [NOW, NOW, NOW] })).toMatchObject({
      refusal: { reason: "attempts" },
      approval_required: null,
    });
    expect(judge({ ...CONTEXT, strategy, mode: "explicit" }).approval_required).toBeNull();
  });
});

describe("impact", () => {
  it("at the limit passes, above refuses, none without a strategy", () => {
    expect(reason({ strategy: { name: "compact_indexes", impact: 0.5 } })).toBeUndefined();
    expect(refuse({ strategy: { name: "x", impact: 0.51 } })).toMatchObject({
      reason: "impact",
      measured: 0.51,
      flips_at: "max_auto_heal_impact of 0.51 or more",
    });
    expect(reason({ strategy: { name: "x", impact: Number.NaN } })).toBe("impact");
    expect(reason({ strategy: null })).toBeUndefined();
  });
});
