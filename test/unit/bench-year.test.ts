/** What bench/year.ts and bench/recall.ts work with beside a server. */
import { expect, it } from "vitest";
import type { DataSet } from "../../bench/data/sets.ts";
import { line, powerLaw, quantile, searchesFor } from "../../bench/recall/figures.ts";
import { ARMS, METHODS } from "../../bench/year/arms.ts";
import { plot } from "../../bench/year/plot.ts";
import { foreseenBy, remedies } from "../../bench/year/remedies.ts";
import { type Point, summary, workKey } from "../../bench/year/summary.ts";
import { Workload } from "../../bench/year/workload.ts";

const set: DataSet = {
  name: "words-128",
  dimensions: 1,
  rows: 2000,
  operators: "vector_cosine_ops",
  operator: "<=>",
  vectors: new Float32Array(2000),
  topics: Int32Array.from({ length: 2000 }, (_, row) => row % 10),
};

it("a year is the same each time, drifts by topic, and has no row of the set twice", () => {
  const [one, again] = [1, 1].map((seed) => new Workload(set, { start: 100, daily: 10, seed }));
  const first = one!.first();
  expect(again!.first()).toEqual(first);
  expect(new Set(first.map(({ row }) => set.topics[row]!)).size).toBe(1);
  for (let day = 1; day <= 60; day++) {
    const writes = one!.day(day);
    expect(again!.day(day)).toEqual(writes);
    expect(writes.inserts.length).toBe(10);
    expect(writes.deletes.length).toBe(5);
    expect(writes.updates.length).toBe(day % 30 === 0 ? 6 : 1);
    expect(new Set(one!.live.values()).size).toBe(one!.live.size);
  }
  expect(one!.live.size).toBe(100 + 60 * 5);
  expect(new Set([...one!.live.values()].map((row) => set.topics[row]!)).size).toBeGreaterThan(3);
});

it("days below what is due are counted against the index rebuilt last night", () => {
  const points = [0.9, 0.8, 0.8, 0.99].flatMap((recall, i): Point[] =>
    METHODS.flatMap((method) =>
      ARMS.map((arm) => ({
        ...{ day: i + 1, arm, method, index_mb: 1, ms: 1 },
        recall: arm === "none" ? recall : 0.9,
        blocks: arm === "none" ? 30 + 10 * i : 20,
      })),
    ),
  );
  const idle = { rebuilds: 0, build_seconds: 0, vacuums: 0, vacuum_seconds: 0 };
  const work = Object.fromEntries(
    METHODS.flatMap((method) => ARMS.map((arm) => [workKey(arm, method), idle])),
  );
  const rows = summary(points, work);
  expect(rows.length).toBe(8);
  expect(rows.find(({ care }) => care === "none")).toMatchObject({
    ...{ mean_recall: 0.873, lowest_recall: 0.8, days_below: 2, longest_below: 2 },
    ...{ mean_blocks: 45, blocks_ratio: 3 },
  });
  expect(rows[0]).toMatchObject({ care: "the loop", days_below: 0, blocks_ratio: 1 });
});

it("figures: a power law and a line are found again; searches for an error", () => {
  const xs = [10, 30, 100];
  const law = powerLaw(xs.map((x) => ({ x, y: 3 * x ** 0.5 })));
  expect([law.factor, law.exponent].map((value) => value.toFixed(6))).toEqual([
    "3.000000",
    "0.500000",
  ]);
  const { fixed, each } = line(xs.map((x) => ({ x, y: 7 + 2 * x })));
  expect([fixed.toFixed(6), each.toFixed(6)]).toEqual(["7.000000", "2.000000"]);
  expect(searchesFor(0.1, 0.03)).toBe(43);
  expect(quantile([5, 1, 4, 2, 3], 0.8)).toBe(4);
});

it("a picture has a line for each series and marks with what was done, escaped", () => {
  const points = [1, 2].map((day) => ({ day, value: day / 2 }));
  const panel = {
    title: "recall <10>",
    series: [
      { name: "a", points },
      { name: "b & c", points },
    ],
    marks: [{ day: 2, what: 'rebuilt "it"' }],
  };
  const svg = plot([panel, panel], 2, "caption");
  expect(svg.match(/fill="none" stroke="#0a7d4b" stroke-width="2"\/>/g)?.length).toBe(3);
  expect(svg).toContain("<title>day 2: rebuilt &quot;it&quot;</title>");
  expect(svg).toContain("recall &lt;10>");
  expect(svg).toContain("b &amp; c");
});

it("an action's plan says what it foresees of searches, whichever strategy it is of", () => {
  const found = { recall: 0.99, blocks: 480 };
  expect(foreseenBy({ indexes: [{ after: { ...found, recall: 1 } }] })).toEqual({
    recall: 1,
    blocks: 480,
  });
  expect(foreseenBy({ targets: [{ foreseen: found }] })).toEqual(found);
  expect(foreseenBy({ indexes: [{ foreseen: 0.9 }] })).toEqual({ recall: 0.9 });
  expect(foreseenBy({ indexes: [{}] })).toBeNull();
  const at = { ms: 1, index_mb: 1, method: "hnsw" } as const;
  const look = (day: number, arm: "loop" | "nightly", recall: number) => ({
    ...{ ...at, day, arm, recall, blocks: 400 + day },
  });
  const action = {
    ...{ id: "1", day: 1, table: "year_loop.hnsw", strategy: "rebuild_index", state: "succeeded" },
    ...{ message: null, lambda_before: 0.6, lambda_predicted: 1, lambda_after: null },
    ...{ foreseen: found, came: { recall: 0.98, blocks: null } },
  };
  expect(
    remedies([action], [look(1, "loop", 0.8), look(2, "loop", 0.97), look(2, "nightly", 1)]),
  ).toEqual([
    {
      day: 1,
      action: "rebuild_index on hnsw: succeeded",
      lambda: "0.60, 1.00, -",
      that_evening: "0.8 at 401",
      foreseen: "0.99 at 480",
      measured_after: "0.98",
      next_evening: "0.97 at 402",
      nightly_then: "1 at 402",
    },
  ]);
});
