import type { RebuildPlan } from "../../src/strategies/rebuild-centroids/target.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differences, planState } from "../../src/execute/plan-state.ts";
import {
  type RebalancePlan,
  rebalancePartitions,
} from "../../src/strategies/rebalance-partitions/strategy.ts";
import { rebuildCentroids } from "../../src/strategies/rebuild-centroids/strategy.ts";
import type { Plan, Bound } from "../../src/model/action.ts";
import type { Problem } from "../../src/model/problem.ts";

const problem = (ids: readonly string[]): Problem => ({
  details: { class: "hotspot_congestion", partition_ids: ids, load_ratio: 3 },
  evidence: {} as Problem["evidence"],
  summary: "",
});
const plan = (rows: number): Plan => ({
  strategy: "rebalance_partitions",
  rows,
  bytes: 0,
  wal_bytes: 0,
  predicted_lambda: 1,
  estimated_duration_seconds: 1,
  relation_locks: 1,
  locks: [],
});
const state = (ids: readonly string[], rows: number, bound?: Bound) =>
  planState(problem(ids), plan(rows), bound);
const amounts = (values: Record<string, number>): Bound => ({
  facts: {},
  amounts: { "rows to": values },
});

describe("a state", () => {
  it("is the same whatever the order of its names, and after a journey through JSON", () => {
    const one = state(["partition:a", "partition:b"], 10, {
      facts: { from: ["x", "y", "x"] },
      amounts: {},
    });
    const other = state(["partition:b", "partition:a"], 10, {
      facts: { from: ["y", "x"] },
      amounts: {},
    });
    expect(differences(one, other)).toEqual([]);
    expect(JSON.stringify(one)).toBe(JSON.stringify(other));
    expect(differences(JSON.parse(JSON.stringify(one)), other)).toEqual([]);
  });

  it("is another one when the problem, a component or a name of the plan is", () => {
    expect(differences(state(["partition:a"], 10), state(["partition:b"], 10))).toEqual([
      "components: partition:a -> partition:b",
    ]);
    expect(
      differences(state(["partition:a"], 10), state(["partition:a", "partition:b"], 10)),
    ).toEqual(["components: partition:a -> partition:a and partition:b"]);
    const skew: Problem = {
      ...problem([]),
      details: { class: "centroid_skew", centroid_ids: [], skew_factor: 2 },
    };
    expect(differences(state([], 10), planState(skew, plan(10)))).toEqual([
      "problem: hotspot_congestion -> centroid_skew",
    ]);
    expect(
      differences(state([], 10), state([], 10, { facts: { jobs: ["nightly (3)"] }, amounts: {} })),
    ).toEqual(["jobs: none -> nightly (3)"]);
  });

  it("is another one from half as much again on, up or down", () => {
    for (const [a, b, same] of [
      [1000, 1499, true],
      [1000, 1500, false],
      [1500, 1000, false],
      [1000, 667, true],
      [1000, 660, false],
      [0, 0, true],
      [0, 1, false],
    ] as const) {
      expect([a, b, differences(state([], a), state([], b)).length === 0]).toEqual([a, b, same]);
    }
    expect(differences(state([], 1000), state([], 2000))).toEqual(["rows planned: 1000 -> 2000"]);
  });

  it("does not turn on what is next to nothing beside the rest", () => {
    expect(
      differences(
        state([], 10, amounts({ p0: 900, p1: 40 })),
        state([], 10, amounts({ p0: 900, p2: 5 })),
      ),
    ).toEqual([]);
    expect(
      differences(
        state([], 10, amounts({ p0: 900, p1: 0 })),
        state([], 10, amounts({ p0: 700, p1: 200 })),
      ),
    ).toEqual(["rows to p1: 0 -> 200"]);
  });

  it("is near itself: symmetric, and never different from itself", () => {
    const values = fc.dictionary(
      fc.constantFrom("a", "b", "c", "__proto__"),
      fc.double({ min: 0, max: 1e12, noNaN: true }),
    );
    fc.assert(
      fc.property(values, values, fc.nat(), fc.nat(), (one, other, rows, more) => {
        const [x, y] = [state([], rows, amounts(one)), state([], more, amounts(other))];
        expect(differences(x, x)).toEqual([]);
        expect(differences(x, y).length).toBe(differences(y, x).length);
      }),
    );
  });
});

describe("strategies", () => {
  it("that move rows are bound to where rows come from, and to about how many go where", () => {
    const moves = (rows: number) =>
      ({
        ...plan(rows),
        moves: [
          { from: "p3", to: "p0", rows: rows / 2 },
          { from: "p3", to: "p1", rows: rows / 2 },
        ],
      }) as unknown as RebalancePlan;
    expect(rebalancePartitions.boundTo!(moves(10))).toEqual({
      facts: { from: ["p3", "p3"] },
      amounts: { "rows from": { p3: 10 }, "rows to": { p0: 5, p1: 5 } },
    });
  });

  it(
    "that rebuild an index are bound to this very index: one dropped and made again has " +
      "another oid",
    () => {
      const target = (oid: string) =>
        ({
          ...plan(0),
          targets: [{ index: "i", oid, way: "beside", bytes: 8192 }],
        }) as unknown as RebuildPlan;
      expect(
        differences(
          state([], 0, rebuildCentroids.boundTo!(target("7"))),
          state([], 0, rebuildCentroids.boundTo!(target("8"))),
        ),
      ).toEqual(["indexes: i (oid 7, beside) -> i (oid 8, beside)"]);
    },
  );
});
