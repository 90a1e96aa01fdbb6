import { describe, expect, it } from "vitest";
import type { PreflightFacts } from "../../../src/select/preflight-facts.ts";
import { PLANNED, planned, reason, refuse } from "../support/guards.ts";

const facts = (more: Partial<PreflightFacts>): ReturnType<typeof planned> =>
  planned({ preflight: { ...PLANNED.preflight!, ...more } });
const held = (seconds: number): PreflightFacts["transaction"] => ({
  who: "pid 7 (alice, idle in transaction)",
  seconds,
  ends: "SELECT pg_terminate_backend(7);",
});

describe("preflight", () => {
  it("is for strategies that ask for it", () => {
    expect(reason(planned({ preflight: null }))).toBeUndefined();
    expect(reason(facts({ transaction: null, slot: null }))).toBeUndefined();
  });

  it("a transaction that is older than the limit", () => {
    expect(reason(facts({ transaction: held(300) }))).toBeUndefined();
    expect(refuse(facts({ transaction: held(301.4) }))).toMatchObject({
      reason: "preflight",
      measured: 301,
      flips_at:
        "its end (COMMIT, or SELECT pg_terminate_backend(7);), or " +
        "preflight_transaction_seconds above 302 (it is 300)",
    });
    expect(reason(facts({ transaction: held(Number.NaN) }))).toBe("preflight");
  });

  it("a table past the age of wraparound, vacuumed or not", () => {
    const old = {
      relation: "public.embeddings_p0",
      age: 200_000_001,
      limit: 200_000_000,
      pid: null,
    };
    expect(refuse(facts({ wraparound: old }))).toMatchObject({
      reason: "preflight",
      measured: 200_000_001,
      flips_at: "an age of public.embeddings_p0 of 200000000 or less",
      hint: "VACUUM (FREEZE) public.embeddings_p0;",
    });
    expect(refuse(facts({ wraparound: { ...old, pid: 9 } }))?.message).toContain(
      "pid 9 vacuums it, or holds its lock",
    );
  });

  it("log that a slot holds back, the plan's included", () => {
    expect(reason(facts({ slot: { name: "s", retained: 900, safe: null } }))).toBeUndefined();
    expect(refuse(facts({ slot: { name: "s", retained: 901, safe: null } }))).toMatchObject({
      reason: "preflight",
      measured: 1001,
      flips_at: "preflight_slot_wal_bytes of 1001 or more, or slot s moving on",
    });
    expect(reason(facts({ slot: { name: "s", retained: Number.NaN, safe: null } }))).toBe(
      "preflight",
    );
    expect(reason(facts({ wal_bytes: Number.NaN }))).toBe("preflight");
  });

  it("a slot that the plan would lose; what it holds back does not matter then", () => {
    expect(reason(facts({ slot: { name: "s", retained: 1e12, safe: 101 } }))).toBeUndefined();
    expect(refuse(facts({ slot: { name: "s", retained: 1e12, safe: 100 } }))).toMatchObject({
      reason: "preflight",
      measured: 100,
    });
    expect(reason(facts({ slot: { name: "s", retained: 0, safe: Number.NaN } }))).toBe("preflight");
    expect(refuse(facts({ slot: { name: "s", retained: 0, safe: -5 } }))?.message).toContain(
      "is lost after 0 bytes more of log",
    );
  });

  it("holds up a person's order too: it would be unsafe, or wait for ever", () => {
    expect(reason({ mode: "explicit", ...facts({ transaction: held(1e6) }) })).toBe("preflight");
  });
});
