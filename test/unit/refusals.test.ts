import { expect, it } from "vitest";
import { escalationLimit } from "../../src/store/refusals.ts";

it(
  "a refusal is escalated after its setting, an unknown problem soon, and what ends by itself " +
    "never",
  () => {
    expect(escalationLimit("blast_radius", 3600)).toBe(3600);
    expect(escalationLimit("unknown_problem", 3600)).toBe(300);
    // Whoever wants to hear of everything sooner hears of this too.
    expect(escalationLimit("unknown_problem", 10)).toBe(10);
    for (const reason of ["cooldown", "active_action", "disabled", "healthy", "standby_server"])
      expect(escalationLimit(reason, 1)).toBeNull();
    expect(escalationLimit("toString", 3600)).toBe(3600);
  },
);
