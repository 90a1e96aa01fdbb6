import { describe, expect, it } from "vitest";
import { NOW, reason, refuse } from "../support/guards.ts";

describe("window", () => {
  it("maintenance window: only false refuses", () => {
    expect(reason({ in_window: true })).toBeUndefined();
    expect(reason({ in_window: null })).toBeUndefined();
  });

  it("says when the next one opens, and why none can be told", () => {
    const closed = { open: false, closes_at: null, opens_at: NOW + 3600, problem: null };
    expect(refuse({ in_window: false, window: closed })).toMatchObject({
      flips_at: "2026-01-10T00:06:40Z",
      message: expect.stringContaining("2026-01-10T00:06:40Z"),
    });
    expect(
      refuse({
        in_window: false,
        window: { ...closed, opens_at: null, problem: 'time zone "x" not recognized' },
      }),
    ).toMatchObject({
      message: expect.stringContaining('time zone "x" not recognized'),
      hint: expect.stringContaining("maintenance_windows"),
    });
  });
});
