import { describe, expect, it } from "vitest";
import { pattern } from "../../support/pattern.ts";
import { NOW, outcome, reason, refuse, settings } from "../support/guards.ts";

describe("settling", () => {
  const fresh = { registered_at: NOW - 300, samples: 7 };

  it("watches a new collection first, and says until when and how to end it", () => {
    expect(refuse(fresh)).toMatchObject({
      reason: "settling",
      measured: 7,
      flips_at: expect.stringMatching(
        pattern(
          /^until 2026-01-09T23:16:40Z, and for 13 more samples; /,
          /or SELECT ruvector_healing_configure\('\{"settle_seconds": 0, /,
          /"settle_samples": 0\}', 'public.embeddings'\);$/,
        ),
      ),
      message:
        "a new collection is watched first: until 2026-01-09T23:16:40Z, and for 13 more " +
        "samples (settle_seconds is 900, settle_samples is 20)",
      ends_itself: true,
    });
    expect(refuse({ ...fresh, registered_at: NOW - 900 })?.flips_at).toMatch(
      /^for 13 more samples; or/,
    );
    expect(refuse({ ...fresh, samples: 20 })?.flips_at).toMatch(/^until 2026-01-09T23:16:40Z; or/);
  });

  it("is over after exactly the seconds and the samples; 0 of both has none", () => {
    expect(reason({ registered_at: NOW - 899, samples: 20 })).toBe("settling");
    expect(reason({ registered_at: NOW - 900, samples: 19 })).toBe("settling");
    expect(reason({ registered_at: NOW - 900, samples: 20 })).toBeUndefined();
    expect(
      reason({
        registered_at: NOW,
        samples: 0,
        ...settings({ settle_seconds: 0, settle_samples: 0 }),
      }),
    ).toBeUndefined();
  });

  it("holds back the loop only, not a person", () => {
    expect(reason({ ...fresh, mode: "manual" })).toBeUndefined();
    expect(reason({ ...fresh, mode: "explicit" })).toBeUndefined();
  });

  it("does not wait for a clock that was set back to catch up", () => {
    expect(reason({ registered_at: NOW + 86_400, samples: 20 })).toBeUndefined();
  });

  it("fails closed on what is no number", () => {
    expect(reason(settings({ settle_seconds: NaN }))).toBe("settling");
    expect(reason(settings({ settle_samples: NaN }))).toBe("settling");
  });
});

describe("cooldown", () => {
  it(
    "counts from the end of the last attempt, from its start where it has none, and says until " +
      "when",
    () => {
      expect(
        refuse({ last_attempt: { started_at: NOW - 1000, ended_at: NOW - 100 } }),
      ).toMatchObject({
        reason: "cooldown",
        measured: 100,
        flips_at: "2026-01-09T23:10:00Z",
        message:
          "cooling down until 2026-01-09T23:10:00Z: the last attempt ended 100 s ago, " +
          "min_healing_interval_seconds is 300",
      });
      expect(refuse({ last_attempt: { started_at: NOW - 10, ended_at: null } })?.message).toContain(
        "started 10 s ago",
      );
    },
  );

  it("is over after exactly the interval; an interval of 0 has none", () => {
    expect(reason({ last_attempt: { started_at: 0, ended_at: NOW - 299.9 } })).toBe("cooldown");
    expect(reason({ last_attempt: { started_at: 0, ended_at: NOW - 300 } })).toBeUndefined();
    expect(
      reason({
        last_attempt: { started_at: NOW, ended_at: NOW },
        ...settings({ min_healing_interval_seconds: 0 }),
      }),
    ).toBeUndefined();
  });

  it("does not wait for a clock that was set back to catch up", () => {
    expect(reason({ last_attempt: { started_at: NOW, ended_at: NOW + 86_400 } })).toBeUndefined();
    expect(refuse({ last_attempt: { started_at: NOW, ended_at: NOW + 60 } })?.measured).toBe(0);
  });
});

describe("attempts", () => {
  it("at most three an hour: the fourth waits until the oldest leaves the hour", () => {
    expect(reason({ attempts: [NOW - 100, NOW - 200] })).toBeUndefined();
    expect(refuse({ attempts: [NOW - 1000, NOW - 3000, NOW - 2000] })).toMatchObject({
      measured: 3,
      flips_at: "2026-01-09T23:16:40Z",
      message: "3 attempts in the last hour, max_attempts_per_hour is 3",
    });
  });

  it("ignores what is an hour old", () => {
    expect(reason({ attempts: [NOW - 3600, NOW - 200, NOW - 100] })).toBeUndefined();
    expect(reason({ attempts: [NOW - 3599, NOW - 200, NOW - 100] })).toBe("attempts");
  });

  it("with more than allowed, as many as are too many have to leave", () => {
    expect(refuse({ attempts: [NOW - 3500, NOW - 3400, NOW - 300, NOW - 200] })?.flips_at).toBe(
      "2026-01-09T23:10:00Z",
    );
  });

  it("0 allows none", () => {
    expect(refuse({ ...settings({ max_attempts_per_hour: 0 }) })).toMatchObject({
      reason: "attempts",
      measured: 0,
      flips_at: "max_attempts_per_hour above 0",
    });
  });
});

describe("ineffective", () => {
  it(
    "the last three outcomes of the class within a day, all unverified; never reached counts " +
      "as unverified",
    () => {
      expect(
        refuse({ outcomes: [outcome(7000), outcome(5000, null), outcome(6000)] }),
      ).toMatchObject({
        reason: "ineffective",
        measured: 3,
        flips_at: "2026-01-10T21:10:00Z, or a verified outcome before",
      });
      expect(reason({ outcomes: [outcome(5000), outcome(6000)] })).toBeUndefined();
      expect(
        reason({ outcomes: [outcome(5000), outcome(6000, true), outcome(7000), outcome(8000)] }),
      ).toBeUndefined();
    },
  );

  it("older successes do not help", () => {
    expect(
      reason({ outcomes: [outcome(9000, true), outcome(5000), outcome(6000), outcome(7000)] }),
    ).toBe("ineffective");
  });

  it("other classes and older days do not count", () => {
    expect(
      reason({
        outcomes: [
          outcome(5000),
          outcome(6000),
          outcome(7000, false, { problem_class: "memory_pressure" }),
        ],
      }),
    ).toBeUndefined();
    expect(reason({ outcomes: [outcome(5000), outcome(6000), outcome(86_400)] })).toBeUndefined();
  });

  it("takes another number", () => {
    expect(reason({ outcomes: [outcome(5000)], ...settings({ ineffective_outcomes: 1 }) })).toBe(
      "ineffective",
    );
  });
});
