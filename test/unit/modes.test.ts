import { MODES, type Mode } from "../../src/model/configuration.ts";
import { describe, expect, it } from "vitest";
import { effectiveMode } from "../../src/configuration/modes.ts";
import { judge } from "../../src/select/guards/index.ts";
import { CONTEXT, refuse, settings } from "./support/guards.ts";

describe("the effective mode", () => {
  it("is the more careful of the two, whichever that is", () => {
    for (const [place, mode] of MODES.entries()) {
      for (const [other, own] of MODES.entries()) {
        expect(effectiveMode({ mode, strategy_modes: { s: own } }, "s").mode).toBe(
          MODES[Math.min(place, other)],
        );
      }
    }
  });

  it(
    "is the collection's alone without a strategy, for one that is not named, and for names " +
      "that every object has",
    () => {
      const set = { mode: "approve" as Mode, strategy_modes: { s: "off" as Mode } };
      for (const strategy of [null, "t", "constructor", "__proto__"])
        expect(effectiveMode(set, strategy)).toEqual({ mode: "approve", setting: "mode" });
      expect(effectiveMode(set, "s")).toEqual({ mode: "off", setting: "strategy_modes" });
    },
  );
});

describe("the guard", () => {
  const own = (mode: Mode) => settings({ strategy_modes: { rebalance_partitions: mode } });

  it("off refuses, for the collection or for the strategy, and says what to type", () => {
    expect(refuse(settings({ mode: "off" }))).toMatchObject({
      reason: "mode",
      measured: "off",
      hint: expect.stringContaining('{"mode": "auto"}'),
    });
    expect(refuse(own("off"))).toMatchObject({
      reason: "mode",
      hint: expect.stringContaining('{"strategy_modes": {"rebalance_partitions": null}}'),
    });
  });

  it("observe and recommend hold the plan, but what a later guard refuses is not foreseen", () => {
    for (const mode of ["observe", "recommend"] as const) {
      expect(judge({ ...CONTEXT, ...own(mode) })).toMatchObject({
        refusal: null,
        held: { held: mode },
      });
      const later = judge({ ...CONTEXT, ...own(mode), in_window: false });
      expect(later).toMatchObject({ refusal: { reason: "maintenance_window" } });
      expect(later.held).toBeUndefined();
    }
  });

  it("approve asks, auto does not; neither is asked of an explicit order", () => {
    expect(judge({ ...CONTEXT, ...own("approve") }).approval_required).toContain(
      "rebalance_partitions on public.embeddings is approve",
    );
    expect(judge({ ...CONTEXT, ...own("auto") })).toEqual({
      refusal: null,
      approval_required: null,
    });
    for (const mode of MODES)
      expect(judge({ ...CONTEXT, ...settings({ mode }), mode: "explicit" })).toEqual({
        refusal: null,
        approval_required: null,
      });
  });
});
