/**
 * What the demo says at its end: well, better (which is not well), or failed, with the exit code of
 * each.
 */
import { describe, expect, it } from "vitest";
import type { RowsCheck } from "../../src/workbench/demo/check.ts";
import { whatIsLeft } from "../../src/workbench/demo/left.ts";
import { EXIT_OF, type Parts, resultOf } from "../../src/workbench/demo/result.ts";
import type { Seen, SeenAction } from "../../src/workbench/demo/watch.ts";

const ACTION: SeenAction = {
  id: 7,
  state: "succeeded",
  strategy: "rebalance_partitions",
  problem_class: "hotspot_congestion",
  summary: "partition 3 is hot",
  considered: [],
  rows_moved: 900,
  plan_rows: 900,
  initial_lambda: 0.33,
  predicted_lambda: 0.82,
  final_lambda: 0.82,
  verified: true,
  message: null,
  finished_at: new Date(0),
  recovery_seconds: 3,
};
const CHECK: RowsCheck = {
  before: 1,
  inserted: 0,
  after: 1,
  missing: 0,
  changed: 0,
  doubled: 0,
  checksum_before: "a",
  checksum_after: "a",
  ok: true,
};

function seenOf(seen: Partial<Seen>): Seen {
  return {
    lambdas: [],
    verdict: "healthy",
    sentence: "lambda is 1",
    state: "normal",
    lambda: 1,
    witness: () => [],
    action: ACTION,
    actions: [ACTION],
    weight: 1,
    tick_error: null,
    refusals: [],
    ...seen,
  };
}

const result = (seen: Partial<Seen>, check: Partial<RowsCheck> = {}) =>
  resultOf({
    venue: {
      kind: "server",
      psql: null,
      language: "pljs",
      settings: {},
    } as unknown as Parts["venue"],
    options: { rows: 1, interval: 1 },
    schedule: "5 seconds",
    before: {},
    after: {},
    story: { states: [], witness: [], sensed_after: 1, healed_after: 2, limit: 60 },
    seen: seenOf(seen),
    left: whatIsLeft(seenOf(seen)),
    weight_before: 1,
    writer: { ids: [], errors: {} } as unknown as Parts["writer"],
    searcher: { milliseconds: [1], errors: {} } as unknown as Parts["searcher"],
    check: { ...CHECK, ...check },
    timings: {},
  });

describe("the end of the demo", () => {
  it.each([
    ["healthy", {}, {}, "well", 0],
    ["recovering", {}, {}, "well", 0],
    ["stress", { lambda: 0.82 }, {}, "better", 3],
    ["critical", { lambda: 0.2 }, {}, "better", 3],
    ["suspect", { lambda: 0.7 }, {}, "better", 3],
    ["unknown", {}, {}, "better", 3],
    [
      "healing",
      {
        action: { ...ACTION, state: "stabilizing", verified: null },
        actions: [ACTION, { ...ACTION, state: "stabilizing", verified: null }],
      },
      {},
      "better",
      3,
    ],
    [
      "stress",
      {
        action: { ...ACTION, state: "rolled_back", verified: false },
        actions: [{ ...ACTION, verified: false }],
      },
      {},
      "failed",
      1,
    ],
    ["stress", { action: null, actions: [] }, {}, "failed", 1],
    ["healthy", { action: null, actions: [] }, {}, "failed", 1],
    ["healthy", {}, { ok: false, missing: 1 }, "failed", 1],
  ] as const)("%s, %j, %j: %s, exit code %i", (verdict, seen, check, outcome, code) => {
    const ended = result({ verdict, ...seen }, check);
    expect({ outcome: ended.outcome, ok: ended.ok, code: EXIT_OF[ended.outcome] }).toEqual({
      outcome,
      ok: outcome === "well",
      code,
    });
    if (outcome === "well") expect(ended.left).toBeNull();
    else expect(ended.left!.length).toBeGreaterThan(1);
  });

  it("better: what holds lambda there, and what will be done about it", () => {
    const held = {
      verdict: "stress",
      lambda: 0.82,
      sentence: "lambda 0.82 is better, and not well",
      witness: () => ["the link of partition 3"],
    } as const;
    expect(result(held).left).toEqual([
      "It is stress: lambda 0.82 is better, and not well.",
      "What holds lambda there: the minimum cut crosses the link of partition 3.",
      "The next tick decides what is done about it.",
    ]);
    const refused = result({
      ...held,
      refusals: [
        { reason: "cooldown", message: "the last action ended 3 s ago", flips_at: "at 12:00:05" },
      ],
    });
    expect(refused.left!.at(-1)).toBe(
      "Nothing is done about it now because of cooldown: the last action ended 3 s ago. This " +
        "changes with: at 12:00:05.",
    );
    const working = result({
      ...held,
      action: { ...ACTION, finished_at: null, state: "executing" },
    });
    expect(working.left!.at(-1)).toBe(
      "Action 7 (rebalance_partitions) is still executing: it goes on with the next tick.",
    );
  });
});
