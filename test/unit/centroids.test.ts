/**
 * Measured lists and recall on the graph: what they read as, what the classifier makes of them, and
 * what a rebuild foresees.
 */
import type { CentroidGroup } from "../../src/sense/vector-index.ts";
import type { Configuration } from "../../src/model/configuration.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classify } from "../../src/classify/classify.ts";
import { topologyOf } from "../../src/graph/topology.ts";
import { SETTINGS } from "../../src/configuration/settings.ts";
import { assess } from "../../src/sense/assess.ts";
import { better } from "../../src/strategies/rebuild-centroids/compare.ts";
import { buildMemory, listsFor } from "../../src/strategies/rebuild-centroids/lists.ts";
import type { Snapshot } from "../../src/sense/snapshot.ts";
import { quietSnapshot } from "./support/snapshot.ts";

const settings = Object.fromEntries(
  SETTINGS.map(({ key, default: value }) => [key, value]),
) as unknown as Configuration;

interface Given {
  readonly lists?: number;
  readonly rows?: readonly number[] | null;
  readonly total?: number;
  readonly source?: "pageinspect" | "sampled";
  readonly recall?: number | null;
  readonly recall_error?: number;
  readonly baseline?: number | null;
  readonly method?: "ivfflat" | "hnsw";
  readonly attained?: number;
}

const index = (
  name: string,
  {
    lists = 20,
    rows = Array(lists).fill(1000) as number[],
    total,
    source = "pageinspect",
    recall = 0.9,
    recall_error,
    baseline = 0.9,
    method = "ivfflat",
    attained,
  }: Given = {},
): CentroidGroup => ({
  index: name,
  method,
  ...(attained !== undefined && { attained }),
  lists: method === "hnsw" ? 0 : lists,
  baseline,
  due_from: "best",
  trial: null,
  measured_at: 1,
  measured: {
    method,
    probes: 1,
    k: 10,
    samples: 20,
    share: 1,
    recall,
    ...(recall_error !== undefined && { recall_error }),
    index_ms: 1,
    exact_ms: 2,
    duration_ms: 3,
    rows: total ?? (rows ?? []).reduce((sum, one) => sum + one, 0),
    lists: rows && { source, rows },
  },
});

const snapshot = (centroids: readonly CentroidGroup[], pushed: Snapshot["pushed"] = {}): Snapshot =>
  quietSnapshot({ centroids, pushed });

const sense = (centroids: readonly CentroidGroup[], pushed: Snapshot["pushed"] = {}) => {
  const { graph, reading, metrics } = assess(snapshot(centroids, pushed), settings);
  return {
    graph,
    reading,
    metrics,
    problem: classify(reading.witness, metrics, topologyOf(graph)),
  };
};

/** One list of `ratio` times the mean; the others share the rest. */
const skewed = (ratio: number, lists = 20): number[] => {
  const mean = 1000;
  const rest = (lists * mean - ratio * mean) / (lists - 1);
  return Array.from({ length: lists }, (_, n) => (n === 3 ? ratio * mean : rest));
};

describe("a list", () => {
  it(
    "as full as a fresh build of these rows leaves it is fine, and twice as full as that is " +
      "six times the mean",
    () => {
      expect(sense([index("public.i", { rows: skewed(9), attained: 9 })]).reading.lambda).toBe(1);
      // Two builds of the same rows differ by a twentieth.
      expect(sense([index("public.i", { rows: skewed(9), attained: 8.5 })]).reading.lambda).toBe(1);
      expect(
        sense([index("public.i", { rows: skewed(10), attained: 8.5 })]).reading.lambda,
      ).toBeLessThan(1);
      expect(
        sense([index("public.i", { rows: skewed(16), attained: 8 })]).reading.lambda,
      ).toBeCloseTo(0.8, 10);
      // A build that spreads them well says nothing new.
      expect(
        sense([index("public.i", { rows: skewed(6), attained: 1.5 })]).reading.lambda,
      ).toBeCloseTo(0.8, 10);
    },
  );

  it("reads 1 when all are alike, 0.8 at six times the mean; names itself centroid_skew", () => {
    expect(sense([index("public.i")]).reading.lambda).toBe(1);
    const { reading, problem, metrics } = sense([index("public.i", { rows: skewed(6) })]);
    expect(reading.lambda).toBeCloseTo(0.8, 10);
    expect(problem.details).toMatchObject({
      class: "centroid_skew",
      centroid_ids: ["centroid:public.i:3"],
      indexes: ["public.i"],
      recall: 0.9,
    });
    expect(problem.details).toHaveProperty("skew_factor", expect.closeTo(6, 10));
    expect(problem.summary).toContain(
      "public.i list 3 holds 6 times the mean list, recall@10 of public.i is 0.9, at best it " +
        "was 0.9",
    );
    expect(Object.keys(metrics.centroid_occupancy)).toEqual(["centroid:public.i:3"]);
  });

  it.each([4, 5, 6, 16, 17, 100, 2000])("is recognised in an index of %i lists", (lists) => {
    const rows = skewed(Math.min(lists, 30) * 0.99, lists).map((one) => one * 2);
    expect(sense([index("public.i", { lists, rows })]).problem.details.class).toBe("centroid_skew");
  });

  it("that was not seen is not measured; one pushed from outside wins", () => {
    const { graph } = sense([
      index("public.i", { rows: [3000, 2000], total: 20_000, source: "sampled" }),
    ]);
    expect(
      graph.nodes.filter(({ type, measured }) => type === "centroid" && measured),
    ).toHaveLength(2);
    expect(graph.nodes.find(({ id }) => id === "centroid:public.i:0")).toMatchObject({
      label: "public.i list of rank 1",
      mass: 3000,
    });
    expect(
      sense([index("public.i")], { centroid_occupancy: { "centroid:public.i:7": 20 } }).reading
        .lambda,
    ).toBeCloseTo(0.3, 10);
  });

  it("of few rows is not judged", () => {
    expect(
      sense([index("public.i", { rows: skewed(10).map((one) => one * 0.0999) })]).reading.lambda,
    ).toBe(1);
    expect(
      sense([index("public.i", { rows: skewed(10).map((one) => one * 0.1) })]).reading.lambda,
    ).toBeLessThan(0.7);
  });
});

describe("recall", () => {
  it.each(["ivfflat", "hnsw"] as const)("below what is due is a sick %s index", (method) => {
    const { reading, problem } = sense([
      index("public.i", { method, recall: 0.6, baseline: 0.95 }),
      index("public.whole", { method }),
    ]);
    expect(reading.lambda).toBeLessThan(0.3);
    expect(problem.details).toMatchObject({
      class: "recall_loss",
      index_ids: ["public.i"],
      recall: 0.6,
      due: 0.95,
      due_from: "best",
    });
    expect(problem.summary).toBe("Recall@10 of public.i is 0.6, at best it was 0.95.");
  });

  it("of an index whose list is overfull acts on its lists: it is one sick thing", () => {
    const { reading, problem } = sense([
      index("public.i", { rows: skewed(8), recall: 0.5, baseline: 0.95 }),
    ]);
    expect(reading.lambda).toBeLessThan(0.3);
    expect(problem.details).toMatchObject({
      class: "centroid_skew",
      indexes: ["public.i"],
      recall: 0.5,
      recall_baseline: 0.95,
    });
    expect(problem.summary).toMatch(
      /^Recall@10 of public\.i is 0\.5, at best it was 0\.95; 20 centroid nodes/,
    );
  });

  it("acts by the curve: 0.8 at 95 % of the baseline, whatever the baseline", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.integer({ min: 6, max: 300 }),
        (baseline, lists) => {
          expect(
            sense([
              index("public.i", {
                lists,
                rows: Array(lists).fill(100),
                recall: 0.95 * baseline,
                baseline,
              }),
            ]).reading.lambda,
          ).toBeCloseTo(0.8, 6);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("within two standard errors is no loss", () => {
    // What lies within two standard errors of the baseline, itself the best of many measurements,
    // is no loss.
    expect(
      sense([index("public.i", { recall: 0.53, recall_error: 0.1, baseline: 0.57 })]).reading
        .lambda,
    ).toBe(1);
    expect(
      sense([index("public.i", { recall: 0.3, recall_error: 0.1, baseline: 0.57 })]).reading.lambda,
    ).toBeLessThan(0.8);
    const { graph, metrics, reading } = sense([
      index("public.h", { method: "hnsw", rows: null, total: 5000, recall: 0.2, baseline: 1 }),
    ]);
    expect(reading.lambda).toBe(0.01);
    expect(graph.nodes.map(({ type }) => type)).not.toContain("centroid");
    expect(metrics.recall).toEqual({
      "public.h": {
        recall: 0.2,
        baseline: 1,
        due_from: "best",
        probes: 1,
        k: 10,
        blocks: null,
        ms: 1,
      },
    });
  });

  it("not measured, or without a baseline, is not healthy and not sick", () => {
    for (const group of [
      index("public.i", { recall: null }),
      index("public.i", { baseline: null }),
      { ...index("public.i"), measured: null },
    ]) {
      expect(sense([group]).reading.lambda).toBe(1);
    }
  });
});

describe("a rebuild", () => {
  it("takes pgvector's number of lists", () => {
    expect([0, 100, 10_000, 50_000, 1_000_000, 4_000_000, 1e12].map(listsFor)).toEqual([
      10, 10, 10, 50, 1000, 2000, 32_768,
    ]);
  });

  it("needs memory for the samples' bounds: 1,000 lists of 128 dimensions some 224 MB", () => {
    // 50,000 samples x (520 bytes + 1,000 bounds of 4 bytes + 8) + 1,000 centers.
    expect(buildMemory(1_000_000, 1000, 520)).toBe(
      50_000 * (520 + 4000 + 8) + 1000 * (1040 + 4000 + 12),
    );
  });

  it("never stays when it lowers recall, nor when it changes nothing", () => {
    const any = fc.record({
      recall: fc.double({ min: 0, max: 1, noNaN: true }),
      skew: fc.option(fc.double({ min: 1, max: 100, noNaN: true })),
    });
    fc.assert(
      fc.property(any, any, (before, after) => {
        if (after.recall < before.recall) expect(better(before, after)).toBe(false);
        if (after.recall > before.recall) expect(better(before, after)).toBe(true);
        expect(better(before, before)).toBe(false);
      }),
    );
    expect(better({ recall: 0.9, skew: 10 }, { recall: 0.9, skew: 2 })).toBe(true);
    expect(better({ recall: 0.9, skew: null }, { recall: 0.9, skew: 2 })).toBe(false);
  });
});
