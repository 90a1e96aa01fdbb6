/**
 * What rebuild_index foresees: which vector indexes find less than a fresh build would, and with
 * which parameters one finds what is due, as tried on a sample first.
 */
import { isNamed } from "../../base/names.ts";
import type { Collection } from "../../model/collection.ts";
import { trialOf, untriedFor } from "../../sense/collect/trial.ts";
import type {
  CentroidGroup,
  IndexMeasurement,
  TrialMeasurement,
} from "../../sense/vector-index.ts";
import { costCurve, costHealth } from "../../sense/cost.ts";
import { recallHealth } from "../../sense/assess/recall-health.ts";
import { list, printable, short } from "../../base/text.ts";
import { SqlError } from "../../base/errors.ts";
import type { NothingToDo } from "../strategy.ts";
import { lockedNow } from "../locked.ts";
import { withWholes } from "../rebuild-centroids/choose.ts";
import { buildCommand, type IndexFacts } from "../rebuild-centroids/indexes.ts";
import { buildMemory, listsToTry } from "../rebuild-centroids/lists.ts";
import {
  buildEndedEarly,
  byHand,
  planOf,
  type Request,
  tooLittleMemory,
  wayOf,
} from "../rebuild-centroids/plan.ts";
import {
  type BuildOptions,
  optionsText,
  type RebuildPlan,
  type Target,
} from "../rebuild-centroids/target.ts";
import { meets } from "../tune-search/meets.ts";
import { planRepair } from "./repair.ts";

/** An index this near to the worst one's health keeps lambda down after the worst one is healed. */
const AS_SICK = 1.25;

/** @param asked the index that somebody asked for */
export function planRebuildIndex(
  request: Request,
  asked: string | undefined,
): RebuildPlan | NothingToDo {
  const { host, collection, snapshot } = request;
  const barred = lockedNow(host, collection);
  if (barred) return barred;
  const repair = planRepair(request, asked);
  if (repair) return repair;
  const chosen = asked === undefined ? sickest(request) : named(request, asked);
  if ("nothing" in chosen) return chosen;
  const wholes = withWholes(host, collection, snapshot.centroids, {
    chosen,
    asked: asked !== undefined,
  });
  if ("nothing" in wholes) return wholes;
  const wanted = wholes.map((one) => ({
    ...one,
    tried: targetOf(request, one.group, one.facts, one.whole),
  }));
  const targets = wanted.flatMap(({ tried, whole }) =>
    "nothing" in tried ||
    (whole !== null &&
      wanted.some((other) => other.whole?.oid === whole.oid && "nothing" in other.tried))
      ? []
      : [tried],
  );
  const out = wanted.map(({ tried }) => tried).find((tried) => "nothing" in tried);
  if (targets.length === 0)
    return (
      (out as NothingToDo | undefined) ?? {
        nothing: "the index is gone",
        hint: "The next sample sees what is there now.",
      }
    );
  const prevented = byHand(host, targets) ?? buildEndedEarly(host, targets);
  if (prevented) return prevented;
  return planOf(request, "rebuild_index", targets, (some) => {
    const built = new Map(some.map(({ index, foreseen }) => [index, foreseen!]));
    return {
      ...snapshot,
      centroids: snapshot.centroids.map((group) =>
        built.has(group.index) && group.measured
          ? { ...group, measured: asForeseen(group.measured, built.get(group.index)!) }
          : group,
      ),
    };
  });
}

const asForeseen = (
  measured: IndexMeasurement,
  { recall, blocks }: NonNullable<Target["foreseen"]>,
): IndexMeasurement => ({
  ...measured,
  recall,
  search_blocks: blocks ?? measured.search_blocks ?? null,
  lists: null,
});

function sickest({ collection, snapshot }: Request): readonly CentroidGroup[] | NothingToDo {
  const { settings } = collection;
  const health = (group: CentroidGroup): number =>
    Math.min(recallHealth(group, settings) ?? 1, costHealth(group, settings) ?? 1);
  const sick = snapshot.centroids
    .filter((group) => health(group) < 1)
    .sort((a, b) => health(a) - health(b));
  if (sick.length > 0) return sick.filter((one) => health(one) <= health(sick[0]!) * AS_SICK);
  return {
    nothing: "no vector index finds less than what is due, or costs much more",
    hint:
      `SELECT * FROM ruvector_healing_recall('${collection.name.replace(/'/g, "''")}'); shows ` +
      'what they find; params {"index": "..."} rebuild one all the same.',
    beside: true,
  };
}

function named(
  { collection, snapshot }: Request,
  asked: string,
): readonly CentroidGroup[] | NothingToDo {
  const found = snapshot.centroids.filter(({ index }) =>
    isNamed(index, asked, collection.schema_name),
  );
  if (found.length > 0) return found;
  return {
    nothing: `there is no vector index ${printable(asked, 200)} on ${collection.name}`,
    hint: `Its vector indexes: ${list(
      snapshot.centroids.map(({ index }) => index),
      10,
    )}.`,
  };
}

function targetOf(
  request: Request,
  group: CentroidGroup,
  facts: IndexFacts,
  whole: Target["whole"],
): Target | NothingToDo {
  const { host, collection } = request;
  if (!facts.may)
    return {
      nothing: `role ${facts.role} does not own ${facts.heap} and cannot build indexes on it`,
      hint: `GRANT ${facts.owner} TO ${facts.role};`,
    };
  const { measured, index, baseline } = group;
  if (!measured || measured.recall === null)
    return {
      nothing:
        `the recall of ${printable(index, 200)} is not known: whether a rebuild raises it ` +
        "could not be judged",
      hint: "SELECT ruvector_integrity_sample(...) shows why, under unmeasured.",
    };
  const way = wayOf(facts, whole);
  const isDear = isOnlyDear(group, collection);
  const wanted = isDear ? asItWas(facts) : optionsToTry(group, facts, way);
  if ("nothing" in wanted) return wanted;
  // One that finds what is due, within its error, and costs too much: no less than it does now.
  const due = isDear
    ? Math.min(measured.recall, baseline ?? measured.recall)
    : (baseline ?? measured.recall);
  const found = attempt(request, group, facts, wanted, due);
  if ("nothing" in found) return found;
  const { options, trial } = found;
  const { rows } = measured;
  const memory_bytes = memoryOf(rows, facts, options);
  if (memory_bytes !== null && memory_bytes > facts.memory)
    return tooLittleMemory(`${index} with ${optionsText(options)}`, memory_bytes, facts);
  return {
    index,
    oid: facts.oid,
    heap: facts.heap,
    way,
    whole,
    lists_before: facts.method === "ivfflat" ? facts.lists : 0,
    lists: [],
    options: [options],
    due,
    rows,
    bytes: facts.bytes,
    memory_bytes,
    recall: measured.recall,
    skew: null,
    command: buildCommand(host, facts.oid, { name: "", options }).replace(
      "CONCURRENTLY  ON",
      "CONCURRENTLY ON",
    ),
    build_seconds: buildSeconds(trial, rows),
    foreseen: { recall: trial.recall, blocks: trial.blocks ?? null },
  };
}

/** Whether it finds what is due, and costs too much. */
const isOnlyDear = (group: CentroidGroup, { settings }: Collection): boolean =>
  (recallHealth(group, settings) ?? 1) >= 1 && (costHealth(group, settings) ?? 1) < 1;

/** What it costs is of its pages, not of its parameters. */
const asItWas = ({ method, lists }: IndexFacts): readonly BuildOptions[] => [
  method === "ivfflat" ? { lists } : {},
];

/** Milliseconds a row as the trial took, and a fourth more for each doubling of an hnsw graph. */
const buildSeconds = ({ build_ms, sampled }: TrialMeasurement, rows: number): number =>
  Math.ceil(
    5 +
      2 *
        (build_ms / 1000) *
        (rows / Math.max(1, sampled)) *
        (1 + 0.1 * Math.max(0, Math.log2(rows / Math.max(1, sampled)))),
  );

/** The same first; then denser ones. Parts that are rebuilt in their place keep theirs. */
function optionsToTry(
  group: CentroidGroup,
  facts: IndexFacts,
  way: Target["way"],
): readonly BuildOptions[] | NothingToDo {
  if (facts.method === "ivfflat") {
    const lists = listsToTry(group, group.measured!, facts, undefined, true);
    if ("nothing" in lists) return lists;
    return [...lists]
      .sort((a, b) => Number(b === facts.lists) - Number(a === facts.lists))
      .map((one) => ({ lists: one }));
  }
  if (way === "in_place") return [{}];
  const m = Math.min(100, 2 * facts.m);
  return [{}, { m, ef_construction: Math.min(1000, Math.max(2 * facts.ef_construction, 4 * m)) }];
}

/** The first with which a fresh build on a sample finds what is due. */
function attempt(
  { host, collection }: Request,
  group: CentroidGroup,
  facts: IndexFacts,
  wanted: readonly BuildOptions[],
  due: number,
): { options: BuildOptions; trial: TrialMeasurement } | NothingToDo {
  const { index, measured } = group;
  const said: string[] = [];
  for (const options of wanted) {
    let trial: ReturnType<typeof trialOf>;
    try {
      trial = trialOf(host, collection, facts.oid, measured!, options);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      trial = untriedFor(host, collection, error);
    }
    if ("why" in trial)
      return {
        nothing:
          `what a rebuild of ${printable(index, 200)} would find could not be tried: ` + trial.why,
        hint: trial.hint ?? "The setting recall_trial_ms gives it more time.",
      };
    const { recall, recall_error, blocks } = trial;
    const stillDear =
      (costHealth(group, collection.settings) ?? 1) < 1 &&
      blocks != null &&
      blocks * costCurve(collection.settings).fine > measured!.search_blocks!;
    // What is due of it is a measurement of few searches as well.
    const error =
      recall_error + (isOnlyDear(group, collection) ? (measured!.recall_error ?? 0) : 0);
    if (meets(recall + error, due, collection) && !stillDear) return { options, trial };
    said.push(
      `${recall.toFixed(2)} with ${optionsText(options)}` +
        (stillDear
          ? `, at ${short(blocks)} blocks a search instead of ${short(measured!.search_blocks!)}`
          : ""),
    );
  }
  return {
    nothing:
      `a rebuild of ${printable(index, 200)} would not find what is due (${due.toFixed(2)}), or ` +
      `cost as much as now: it would find ${list(said)}`,
    hint: "A deeper search does: tune_search, or the setting search_cost_ratio for it.",
  };
}

/**
 * An element of an hnsw graph in memory: its vector, some 200 bytes, and 16 bytes for each of twice
 * m neighbours (pgvector 0.8: HnswElementData, HnswCandidate).
 */
const memoryOf = (rows: number, facts: IndexFacts, options: BuildOptions): number | null => {
  if (facts.vector_bytes === null) return null;
  return options["lists"] !== undefined
    ? buildMemory(rows, options["lists"], facts.vector_bytes)
    : rows * (facts.vector_bytes + 200 + 32 * (options["m"] ?? facts.m));
};
