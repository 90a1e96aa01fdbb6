/** What would flip a refusal: each kind as the sentence that people read, and its time as data. */
import { describe, expect, it } from "vitest";
import { refused } from "../../src/api/explain/standing.ts";
import type { CollectionFacts, OpenRefusal } from "../../src/store/explained.ts";
import { type Flip, flipSentence, flipTime } from "../../src/base/flip.ts";
import { NOW } from "./support/guards.ts";

const setting = (name: string) => ({ kind: "setting", name }) as const;
const T = "2026-01-09T23:06:40Z";
const CONFIGURE = `SELECT ruvector_healing_configure('{"settle_seconds": 0}', 'public.t');`;

const SENTENCES: readonly (readonly [string, Flip])[] = [
  ["max_active_actions above 4", { ...setting("max_active_actions"), relation: "above", value: 4 }],
  [
    "preflight_transaction_seconds above 301 (it is 300)",
    { ...setting("preflight_transaction_seconds"), relation: "above", value: 301, now: 300 },
  ],
  ["verify_ratio below 1.04", { ...setting("verify_ratio"), relation: "below", value: 1.04 }],
  ["max_moves of 1001 or more", { ...setting("max_moves"), relation: "at_least", value: 1001 }],
  ["enabled = true", { ...setting("enabled"), relation: "=", value: true }],
  [
    "mode observe, recommend, approve or auto",
    {
      ...setting("mode"),
      relation: "one_of",
      values: ["observe", "recommend", "approve", "auto"],
    },
  ],
  [
    "strategy_modes approve or auto",
    { ...setting("strategy_modes"), relation: "one_of", values: ["approve", "auto"] },
  ],
  ["a larger max_slot_wal_keep_size", { kind: "event", event: "a larger max_slot_wal_keep_size" }],
  [T, { kind: "time", at: NOW }],
  [`until ${T}`, { kind: "time", at: NOW, how: "until" }],
  [`${T}: then one action is let through`, { kind: "time", at: NOW, how: "lets_one_through" }],
  [`from ${T} on, as the hour passes`, { kind: "time", at: NOW, how: "hour_passes" }],
  [
    `${T}, when those moves are older than oscillation_window_seconds`,
    { kind: "time", at: NOW, how: "moves_are_older" },
  ],
  ["lambda below 0.8", { kind: "measure", measure: "lambda_below", value: 0.8, of: "" }],
  [
    "a plan that foresees lambda above 0.275",
    { kind: "measure", measure: "plan_above", value: 0.275, of: "" },
  ],
  ["fewer than 1 active action", { kind: "measure", measure: "active_below", value: 1, of: "" }],
  ["for 5 more samples", { kind: "measure", measure: "samples_to_come", value: 5, of: "" }],
  [
    "an age of public.t?x of 200000000 or less",
    { kind: "measure", measure: "age_at_most", value: 200_000_000, of: "public.t\nx" },
  ],
  [
    "more than 10 bytes left for slot s",
    { kind: "measure", measure: "slot_room_above", value: 10, of: "s" },
  ],
  ["promotion", { kind: "event", event: "promotion" }],
  ["a reading of lambda", { kind: "event", event: "a reading of lambda" }],
  ["action 7 ends", { kind: "event", event: "action_ends", of: "7" }],
  ["action 7 ends verified", { kind: "event", event: "action_verified", of: "7" }],
  ["slot s moving on", { kind: "event", event: "slot_moves", of: "s" }],
  [
    "a strategy that handles memory_pressure",
    { kind: "event", event: "strategy_handles", of: "memory_pressure" },
  ],
  [
    "its end (COMMIT, or SELECT pg_terminate_backend(7);)",
    { kind: "event", event: "transaction_ends", of: "SELECT pg_terminate_backend(7);" },
  ],
  [CONFIGURE, { kind: "statement", sql: CONFIGURE }],
  ["Register the table behind it.", { kind: "advice", text: "Register the table behind it." }],
  [
    `${T}, or a verified outcome before`,
    {
      kind: "any",
      of: [
        { kind: "time", at: NOW },
        { kind: "event", event: "a verified outcome before" },
      ],
    },
  ],
  // A statement has commas of its own.
  [
    `until ${T}, and for 1 more sample; or ${CONFIGURE}`,
    {
      kind: "any",
      of: [
        {
          kind: "all",
          of: [
            { kind: "time", at: NOW, how: "until" },
            { kind: "measure", measure: "samples_to_come", value: 1, of: "" },
          ],
        },
        { kind: "statement", sql: CONFIGURE },
      ],
    },
  ],
];

describe("the sentence", () => {
  it.each(SENTENCES)("%s", (sentence, flip) => {
    expect(flipSentence(flip)).toBe(sentence);
  });
});

describe("the time", () => {
  const time: Flip = { kind: "time", at: NOW };
  const event: Flip = { kind: "event", event: "a verified outcome before" };

  it("is that of a time, and of alternatives that of the first", () => {
    expect(flipTime(time)).toBe(NOW);
    expect(flipTime({ ...time, how: "lets_one_through" })).toBe(NOW);
    expect(flipTime({ kind: "any", of: [time, event] })).toBe(NOW);
  });

  it("is not known of anything else", () => {
    for (const flip of [
      event,
      { kind: "statement", sql: CONFIGURE },
      { kind: "any", of: [event, time] },
      { kind: "all", of: [time] },
      { kind: "time", at: NaN },
      { kind: "time", at: Infinity },
    ] satisfies Flip[])
      expect(flipTime(flip)).toBeNull();
  });
});

describe("explain", () => {
  const kept: OpenRefusal = {
    reason: "cooldown",
    problem_class: "hotspot_congestion",
    measured: null,
    flips_at: T,
    flips_time: NOW,
    message: "cooling down",
    count: 1,
    first_at: NOW - 100,
    last_at: NOW - 100,
  };
  const change = (now: number, refusal: OpenRefusal): string | undefined =>
    refused({ now, refusals: [refusal] } as unknown as CollectionFacts, null).find((line) =>
      line.includes("would change with"),
    );

  it("says how far off a time is, as long as it is to come", () => {
    expect(change(NOW - 90, kept)).toBe(`  would change with: ${T} (in 1 min 30 s)`);
    expect(change(NOW + 1, kept)).toBe(`  would change with: ${T}`);
  });

  it("says the sentence alone of what an older version kept, whatever stands in it", () => {
    expect(change(NOW - 90, { ...kept, flips_time: null })).toBe(`  would change with: ${T}`);
  });
});
