/** What searches by a vector index cost beside what they should: what is remembered, and judged. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classify } from "../../src/classify/classify.ts";
import { shownOnly } from "../../src/classify/unjudged.ts";
import { SETTINGS } from "../../src/configuration/settings.ts";
import { notYetMeasured } from "../../src/execute/searches.ts";
import { topologyOf } from "../../src/graph/topology.ts";
import type { Host } from "../../src/host/host.ts";
import type { Action } from "../../src/model/action.ts";
import type { Collection } from "../../src/model/collection.ts";
import type { Configuration } from "../../src/model/configuration.ts";
import type { Metrics } from "../../src/model/problem.ts";
import { assess } from "../../src/sense/assess.ts";
import { isUndecided } from "../../src/sense/assess/recall-health.ts";
import {
  bestOf,
  carriedOver,
  costsOf,
  heldAgainst,
  type Kept,
} from "../../src/sense/collect/kept-index.ts";
import {
  costHealth,
  dueBlocks,
  isSuspect,
  type LeastCost,
  withCost,
} from "../../src/sense/cost.ts";
import type {
  CentroidGroup,
  FilteredSearch,
  IndexMeasurement,
  TrialMeasurement,
} from "../../src/sense/vector-index.ts";
import type { Sample } from "../../src/sense/sample.ts";
import type { Snapshot } from "../../src/sense/snapshot.ts";
import { type PlannedIndex, rebuilt } from "../../src/strategies/compact-indexes/plan.ts";
import { rebuilt as withNewLists } from "../../src/strategies/rebuild-centroids/plan.ts";
import type { Target } from "../../src/strategies/rebuild-centroids/target.ts";
import { quietSnapshot } from "./support/snapshot.ts";

const settings = Object.fromEntries(
  SETTINGS.map(({ key, default: value }) => [key, value]),
) as unknown as Configuration;

const DAY = 86_400;
const NOW = 1e9;

const found = (search_blocks: number | null, changes: Partial<IndexMeasurement> = {}) =>
  ({
    ...{ method: "ivfflat", probes: 3, k: 10, samples: 100, share: 1 },
    ...{ rows: 4000, recall: 0.9, recall_error: 0.01, lists: null },
    ...{ index_ms: 1, exact_ms: 2, duration_ms: 3, search_blocks },
    ...changes,
  }) as IndexMeasurement;

const tried = (blocks: number | null, changes: Partial<TrialMeasurement> = {}) =>
  ({
    ...{ sampled: 4000, rows: 4000, probes: 3, k: 10, recall: 0.9, recall_error: 0.01 },
    ...{ blocks, build_ms: 100, at: NOW },
    ...changes,
  }) satisfies TrialMeasurement;

const due = (
  measured: IndexMeasurement,
  costs: readonly LeastCost[],
  trial: TrialMeasurement | null = null,
) => dueBlocks(measured, { costs, trial }, NOW);

const suspect = (
  measured: IndexMeasurement,
  costs: readonly LeastCost[],
  trial: TrialMeasurement | null = null,
) => isSuspect(measured, { costs, trial }, settings);

/** lambda, and what the classifier says. */
const sense = (blocks: number, due_blocks: number | null, recall = 0.9, given = settings) => {
  const measured = found(blocks, { recall });
  const { graph, reading, metrics } = assess(
    quietSnapshot({
      centroids: [
        {
          ...{ index: "public.i", method: "hnsw", lists: 0, measured, baseline: 0.9 },
          ...{ due_from: "best", trial: null, measured_at: NOW, due_blocks },
        },
      ],
    }),
    given,
  );
  const problem = classify(reading.witness, metrics, topologyOf(graph));
  return { lambda: reading.lambda, ...problem };
};

describe("what a search should cost", () => {
  it("is the least of a setting that found what was due, and grows with the rows", () => {
    const first = withCost([], found(100));
    expect(withCost(first, found(250, { rows: 8000 }))).toEqual(first);
    expect(withCost(first, found(150, { rows: 8000 }))).toEqual([
      { probes: 3, k: 10, blocks: 150, rows: 8000 },
    ]);
    const least = withCost(first, found(90));
    expect(least).toEqual([{ probes: 3, k: 10, blocks: 90, rows: 4000 }]);
    expect(suspect(found(270 * 1.6, { rows: 12_000 }), least)).toBe(false);
    expect(suspect(found(270 * 1.7, { rows: 12_000 }), least)).toBe(true);
    expect(suspect(found(90 * 1.6, { rows: 1000 }), least)).toBe(false);
    // Another setting is dearer by itself.
    expect(suspect(found(300, { probes: 10 }), least)).toBe(false);
    expect(suspect(found(null), least)).toBe(false);
    expect(withCost(least, found(null))).toBe(least);
  });

  it("is remembered of four settings, the last of them first", () => {
    const all = [1, 2, 3, 4, 5, 2].reduce<readonly LeastCost[]>(
      (costs, probes) => withCost(costs, found(100, { probes })),
      [],
    );
    expect(all.map(({ probes }) => probes)).toEqual([2, 5, 4, 3]);
  });

  it("is not learnt from what found too little, nor from a handful of searches", () => {
    const before = { costs: [], trial: null, best: 0.9 };
    expect(costsOf(settings, found(50, { recall: 0.5 }), before)).toEqual([]);
    expect(costsOf(settings, found(50, { samples: 5 }), before)).toEqual([]);
    expect(costsOf(settings, found(50), before)).toHaveLength(1);
  });

  it("begins anew with the file of a rebuild, and with another index of that name", () => {
    const kept = { oid: "1", file: "2", costs: withCost([], found(100)) } as unknown as Kept;
    const same = { oid: "1", file: "2", lists: 20 };
    expect(carriedOver(same, kept).costs).toHaveLength(1);
    expect(carriedOver({ ...same, file: "3" }, kept).costs).toEqual([]);
    expect(carriedOver({ ...same, oid: "3" }, kept).costs).toEqual([]);
  });

  it("so does what it is held against, but for lists of rows that are gone", () => {
    const before = { oid: "1", file: "2", trial: { recall: 1 }, best: 1 } as unknown as Kept;
    const one = { oid: "1", file: "2", lists: 20, method: "ivfflat" } as const;
    const since = (since_file: number | null) =>
      found(100, { lists: { rows: [], since_file } as unknown as IndexMeasurement["lists"] });
    expect(heldAgainst(one, since(0), before)).toBe(before);
    expect(heldAgainst({ ...one, file: "3" }, since(0), before)).toBeUndefined();
    expect(heldAgainst({ ...one, oid: "3" }, since(0), before)).toBeUndefined();
    expect(heldAgainst({ ...one, file: "3" }, since(1), before)).toEqual(before);
    expect(heldAgainst({ ...one, file: "3" }, since(null), before)).toEqual(before);
    // What a build had by luck the next may not have.
    const lucky = { ...before, best: 0.13 };
    const held = heldAgainst({ ...one, file: "3" }, since(1), lucky)!.best!;
    expect(held).toBeGreaterThan(0.05);
    expect(held).toBeLessThan(0.08);
    const none = { ...before, best: null };
    expect(heldAgainst({ ...one, file: "3" }, since(1), none)!.best).toBeNull();
    expect(heldAgainst({ ...one, file: "3", method: "hnsw" }, found(100), before)).toBeUndefined();
    expect(carriedOver(one, before).trial).toBe(before.trial);
    expect(carriedOver({ ...one, file: "3" }, before).trial).toBeNull();
  });

  it("is told by a fresh build of these days, and by nothing else", () => {
    const least = withCost([], found(100));
    const dear = found(400);
    expect(suspect(dear, least)).toBe(true);
    expect(due(dear, least)).toBeNull();
    expect(due(dear, least, tried(null))).toBeNull();
    expect(due(dear, least, tried(110))).toBe(110);
    // The rows of now lie closer together: a fresh one would cost as much.
    expect(due(dear, least, tried(380))).toBe(380);
    expect(due(dear, least, tried(110, { at: NOW - 3 * DAY }))).toBeNull();
    expect(due(dear, least, tried(110, { probes: 5 }))).toBeNull();
    // One that was dear from the beginning, or since its setting was tuned.
    expect(due(dear, withCost([], dear), tried(110))).toBe(110);
    expect(suspect(dear, withCost([], dear), tried(110))).toBe(true);
  });

  it("of an index of which a part was tried is no less than it was itself", () => {
    const asEver = withCost([], found(400));
    // An estimate may be less than what was sampled.
    for (const part of [tried(110, { sampled: 1000 }), tried(110, { sampled: 5000 })]) {
      expect(due(found(400), [], part)).toBeNull();
      expect(due(found(400), asEver, part)).toBe(400);
      expect(suspect(found(400), asEver, part)).toBe(false);
      expect(due(found(400), withCost([], found(90)), part)).toBe(110);
    }
    expect(due(found(400), asEver, tried(110))).toBe(110);
  });
});

describe("cost as health", () => {
  it("is of no matter in a table as small as autovacuum leaves full of dead rows", () => {
    const group = (rows: number) =>
      ({ measured: found(75, { rows }), due_blocks: 9 }) as unknown as CentroidGroup;
    expect(costHealth(group(3), settings)).toBe(1);
    expect(suspect(found(75, { rows: 3 }), withCost([], found(9, { rows: 3 })))).toBe(false);
    expect(costHealth(group(1000), settings)).toBeLessThan(0.3);
  });

  it("is stress from twice what is due, and says so", () => {
    expect(sense(300, 300).lambda).toBe(1);
    expect(sense(160 * 3, 300).lambda).toBe(1);
    expect(sense(600, 300).lambda).toBeCloseTo(0.8, 6);
    expect(sense(1000, 300).lambda).toBeLessThan(0.65);
    expect(sense(354, 106)).toMatchObject({
      details: { class: "recall_loss", index_ids: ["public.i"], blocks: 354, due_blocks: 106 },
      summary:
        "Searches by public.i read 354 blocks each at 3, those by a fresh index 106 (recall@10 " +
        "is 0.9, at best it was 0.9).",
    });
  });

  it("is left untold where recall is the worse of both", () => {
    expect(sense(650, 300, 0.4)).toMatchObject({
      details: { class: "recall_loss", recall: 0.4 },
      summary: "Recall@10 of public.i is 0.4, at best it was 0.9 (650 blocks a search at 3).",
    });
    expect(sense(650, 300, 0.4).details).not.toHaveProperty("due_blocks");
  });

  it("accuses none below, few blocks, or what is not known", () => {
    expect(sense(20, 2).lambda).toBe(1);
    expect(sense(1000, null).lambda).toBe(1);
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e5, noNaN: true }),
        fc.double({ min: 0.1, max: 1.65, noNaN: true }),
        (blocks, times) => {
          expect(sense(blocks * times, blocks).lambda).toBe(1);
        },
      ),
    );
  });

  it("goes by search_cost_ratio, which is no less than 1.5 here", () => {
    const at = (search_cost_ratio: number) => ({ ...settings, search_cost_ratio });
    expect(sense(900, 300, 0.9, at(10)).lambda).toBe(1);
    expect(sense(350, 300, 0.9, at(1)).lambda).toBe(1);
    expect(sense(450, 300, 0.9, at(1)).lambda).toBeCloseTo(0.8, 6);
  });
});

describe("recall near what is due", () => {
  const of = (recall: number, recall_error: number) => found(null, { recall, recall_error });

  it("is looked at more closely where its error leaves it open", () => {
    expect(isUndecided(of(0.93, 0.015), 1, settings)).toBe(true);
    expect(isUndecided(of(0.99, 0.015), 1, settings)).toBe(false);
    expect(isUndecided(of(0.85, 0.015), 1, settings)).toBe(false);
    expect(isUndecided(of(0.93, 0.005), 1, settings)).toBe(false);
    expect(isUndecided(of(0.93, 0.015), null, settings)).toBe(false);
  });

  it("is held against the best of what is sure: luck is no due", () => {
    expect(bestOf(settings, of(0.9, 0.014), undefined)).toBeCloseTo(0.886, 9);
    const before = { best: 0.95, measured: of(0.9, 0.02) } as Kept;
    expect(bestOf(settings, of(0.9, 0.02), before)).toBe(0.95);
    expect(bestOf(settings, found(1, { probes: 9 }), before)).toBeCloseTo(0.89, 2);
    expect(bestOf(settings, found(1, { recall: null }), undefined)).toBeNull();
  });
});

it.each([
  [
    "a compaction",
    (sick: Snapshot) => rebuilt(sick, [{ index: "public.i", oid: "1" } as PlannedIndex]),
  ],
  [
    "a rebuild of lists",
    (sick: Snapshot) => withNewLists(sick, [{ index: "public.i", oid: "1" } as Target]),
  ],
])("%s of a vector index is foreseen to find and cost what was due of it", (_, foreseen) => {
  const sick = quietSnapshot({
    centroids: ["public.i", "public.j"].map((index) => ({
      ...{ index, method: "hnsw", lists: 0, measured: found(400, { recall: 0.7 }), baseline: 0.9 },
      ...{ due_from: "best", trial: null, measured_at: NOW, due_blocks: 100 },
    })),
  });
  const done = foreseen(sick);
  expect(done.centroids[0]!.measured).toMatchObject({ recall: 0.9, search_blocks: 100 });
  expect(done.centroids[1]).toBe(sick.centroids[1]);
});

it("little that is all that is due is shown, and how it can be judged", () => {
  const shown = (recall: number, more: object = {}) =>
    shownOnly(
      {
        partitions: [],
        fine: { recall: 0.98, partition_load: 1.5 },
        recall: { "public.i": { recall, baseline: recall, probes: 5, k: 10, ...more } },
      } as unknown as Metrics,
      "public.o'clock",
    );
  expect(shown(0.39)).toEqual([
    expect.stringMatching(
      /^Shown, not judged: searches by public\.i find 39 % of the nearest 10 at/,
    ),
  ]);
  expect(shown(0.39)[0]).toContain(
    `SELECT ruvector_healing_configure('{"recall_target": 0.95}', 'public.o''clock');`,
  );
  expect(shown(0.9)).toEqual([]);
  // Nothing is due of it yet.
  expect(shown(0.39, { baseline: null })).toEqual([]);
  // Less than what is due is judged.
  expect(shown(0.39, { baseline: 0.7 })).toEqual([]);
  expect(shown(0.39, { due_from: "target" })).toEqual([]);
});

/** Of a snapshot, so many seconds after it could be verified. */
const notMeasured = (waited: number, snapshot: Parameters<typeof quietSnapshot>[0]) =>
  notYetMeasured(
    { query: () => [{ seconds: 30 }] } as unknown as Host,
    { settings } as Collection,
    { strategy_name: "tune_search", stabilize_until: NOW, now: NOW + waited } as Action,
    { snapshot: quietSnapshot(snapshot) } as Sample,
  );

it("verification waits for weak figures of before the action, and not for ever", () => {
  const waits = (measured_at: number, waited: number, more: object = {}) =>
    notMeasured(waited, {
      centroids: [
        {
          ...{ index: "public.i", method: "hnsw", lists: 0, baseline: 0.9, due_from: "best" },
          ...{ measured: found(1, { recall: 0.3 }), trial: null, due_blocks: null },
          ...{ measured_at, ...more },
        } as CentroidGroup,
      ],
    });
  expect(waits(NOW - 1, 1)).toEqual(["public.i"]);
  expect(waits(NOW + 1, 2)).toEqual([]);
  expect(waits(NOW - 1, 1, { measured: found(1, { recall: 0.9 }) })).toEqual([]);
  // Its turn came twice over, and it could not be measured.
  expect(waits(NOW - 1, 359)).toEqual(["public.i"]);
  expect(waits(NOW - 1, 361)).toEqual([]);
});

it("so it does for searches with filters: six have their rows, and one was looked at", () => {
  const waits = (measured_at: number, waited: number, recall = 0.1) =>
    notMeasured(waited, {
      searches: [
        {
          ...{ text: "tenant_id = 7", due: 0.9, measured_at },
          measured: { recall, returned: 10 * recall, asked: 10, samples: 20, indexes: ["i"] },
        } as unknown as FilteredSearch,
      ],
    });
  expect(waits(NOW - 1, 1)).toEqual(["WHERE tenant_id = 7"]);
  expect(waits(NOW + 1, 2)).toEqual([]);
  expect(waits(NOW - 1, 1, 0.9)).toEqual([]);
  expect(waits(NOW - 1, 361)).toEqual([]);
});
