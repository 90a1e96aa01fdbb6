import { describe, expect, it } from "vitest";
import { reason } from "../support/guards.ts";

describe("window", () => {
  it("maintenance window: only false refuses", () => {
    expect(reason({ in_window: true })).toBeUndefined();
    expect(reason({ in_window: null })).toBeUndefined();
  });
});
