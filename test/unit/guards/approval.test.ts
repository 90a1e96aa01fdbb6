import { describe, expect, it } from "vitest";
import { judge } from "../../../src/select/guards/index.ts";
import { CONTEXT, NOW, settings } from "../support/guards.ts";

describe("approval", () => {
  it("by class or by strategy, and it is no refusal", () => {
    expect(
      judge({ ...CONTEXT, ...settings({ require_approval: ["hotspot_congestion"] }) }),
    ).toEqual({
      refusal: null,
      approval_required: "problems of class hotspot_congestion need approval (require_approval)",
    });
    expect(judge({ ...CONTEXT, strategy: { name: "scale_replicas" } }).approval_required).toContain(
      "scale_replicas",
    );
    expect(
      judge({ ...CONTEXT, ...settings({ require_approval: ["memory_pressure"] }) })
        .approval_required,
    ).toBeNull();
    expect(judge({ ...CONTEXT, strategy: null }).approval_required).toBeNull();
  });

  it("is not asked for what is refused anyway, before or after it, nor for an order", () => {
    const strategy = { name: "scale_replicas" };
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
