/** The stages of a rebuild: build beside, compare, exchange. */
import { isOpen } from "../../store/jobs.ts";
import { attemptsOf, optionsText, type Target } from "./target.ts";
import { settleStep } from "../../store/steps.ts";
import type { Host } from "../../host/host.ts";
import type { NewStep } from "../../model/action.ts";
import type { Collection } from "../../model/collection.ts";
import { CENTROIDS } from "../../sense/collect/centroids.ts";
import { type Memory, withBuilt } from "../../sense/collect/kept-index.ts";
import { lastMeasurement, keepMeasurement } from "../../store/measurements.ts";
import { startJob, watchJob } from "../../jobs/jobs.ts";
import { buildProgress } from "../build-progress.ts";
import { failedJob } from "../failed-job.ts";
import {
  buildCommand,
  dropIndex,
  indexFacts,
  type IndexFacts,
  nowCalled,
  oidOf,
} from "./indexes.ts";
import { dearer, finds, foundIn, measured, worse } from "./compare.ts";
import { compareCost, searchesOf } from "./cost.ts";
import {
  go,
  present,
  type RebuildContext,
  type RebuildProgress,
  type RebuildResult,
  type RebuiltAs,
  refused,
  type Stage,
  wait,
  buildDeadline,
} from "./shared.ts";
import { exchanging, isLastPart } from "./whole.ts";
import { swap, reindex, reindexing, repair, nextTarget } from "./exchange.ts";

export const STAGES: Readonly<
  Record<
    Stage,
    (context: RebuildContext, target: Target, progress: RebuildProgress) => RebuildResult
  >
> = {
  begin,
  building,
  dropping,
  swapping,
  reindexing,
  clearing,
  exchanging,
};

/** Measures the old index, notes what is about to be built, and has pg_cron build it. */
function begin(context: RebuildContext, target: Target, progress: RebuildProgress): RebuildResult {
  const { host, collection, action } = context;
  if (target.way === "repair") return repair(context, target, progress);
  const facts = present(host, target);
  const before =
    progress.before ??
    foundIn(
      measured(host, collection, target.oid, collection.settings.recall_samples),
      target.lists_before,
    );
  const searched = progress.searched ?? searchesOf(host, collection, target.oid, before.samples);
  const options = attemptsOf(target)[progress.attempt]!;
  const name = `ruvector_built_${action.id}_${progress.target}_${progress.attempt}`;
  const built = `${facts.schema}.${name}`;
  // Ours are known by the name that is written down here, before there is anything of it.
  if (oidOf(host, built) !== null)
    throw refused(
      `${built} exists already`,
      `DROP INDEX CONCURRENTLY ${built}; if nobody needs it.`,
    );
  const job = startJob(host, action, {
    purpose: "build_index",
    command: buildCommand(host, target.oid, { name, options }),
    deadline_seconds: buildDeadline(action),
  });
  const step: NewStep<RebuiltAs<"build_index">> = {
    kind: "build_index",
    details: { index: target.index, built, options },
    rows: 0,
    journal: [{ built }],
    bytes: facts.bytes,
    wal_bytes: facts.bytes,
  };
  return wait(
    { ...progress, before, searched, stage: "building", job: job.id, built },
    `pg_cron is to build ${built} with ${optionsText(options)}`,
    [step],
  );
}

/** Waits for the build, then compares. */
function building(
  context: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  const { host, collection } = context;
  const job = watchJob(host, progress.job!);
  if (isOpen(job)) return wait(progress, `${progress.built}: ${buildProgress(host, job)}`);
  const old = present(host, target);
  const facts = builtNow(host, collection, target, progress);
  if (facts === null)
    throw failedJob(host, `${progress.built} could not be built`, job, oidOf(host, target.heap));
  const options = attemptsOf(target)[progress.attempt]!;
  settleStep(host, context.action, { built: progress.built! }, facts.bytes);
  // The same rows as before: one seed, and as many of them.
  const after = foundIn(
    measured(host, collection, facts.oid, progress.before!.samples),
    options["lists"] ?? 0,
  );
  const compared = { ...progress, after };
  if (!finds(collection, target, progress.before!, after))
    return go({
      ...compared,
      stage: "dropping",
      kept: [...progress.kept, worse(host, collection, target, facts, compared)],
    });
  const { veto, ...cost } = compareCost(host, collection, {
    old,
    built: facts,
    target,
    progress: compared,
  });
  if (veto !== null)
    return go({
      ...compared,
      stage: "dropping",
      kept: [...progress.kept, dearer(target, compared, veto)],
    });
  const judged: RebuildProgress = {
    ...compared,
    costs: [...progress.costs, { index: target.index, whole: target.whole?.oid ?? null, ...cost }],
  };
  // A stage of its own: while the table's lock is not to be had, nothing is measured again.
  return target.way === "whole"
    ? readied(context, target, judged)
    : go({ ...judged, stage: "swapping" });
}

/** The index that was built, where it is one of the table and valid. */
function builtNow(
  host: Host,
  collection: Collection,
  target: Target,
  { built }: RebuildProgress,
): IndexFacts | null {
  const oid = oidOf(host, nowCalled(host, collection, built!));
  const facts = oid === null ? null : indexFacts(host, oid);
  return facts?.valid && facts.heap === target.heap ? facts : null;
}

function swapping(
  context: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  if (target.way !== "beside") return reindex(context, target, progress);
  const facts = builtNow(context.host, context.collection, target, progress);
  if (facts === null)
    throw refused(
      `${progress.built} was built and is gone, or not valid any more`,
      "The next evaluation plans anew.",
    );
  return swap(context, target, facts, progress);
}

/**
 * Drops an attempt that was no better, then tries the next number of lists, or goes on to the next
 * index.
 */
function dropping(
  { host, collection, action }: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  const waiting = dropIndex(host, action, nowCalled(host, collection, progress.built!));
  if (waiting !== null) return wait(progress, waiting);
  const next: RebuildProgress = {
    ...progress,
    stage: "begin",
    job: null,
    built: null,
    after: null,
  };
  noteAttained(host, collection, target, progress);
  if (progress.attempt + 1 < attemptsOf(target).length)
    return go({ ...next, attempt: progress.attempt + 1 });
  // A whole index is exchanged whole or not at all.
  if (target.way === "whole") throw refused(progress.kept.join("; "), MORE_PROBES);
  return go({ ...next, before: null, searched: null, attempt: 0, target: progress.target + 1 });
}

/** What a build of now attains is what the data allow. */
function noteAttained(
  host: Host,
  collection: Collection,
  target: Target,
  { before, after, attempt }: RebuildProgress,
): void {
  const memory = lastMeasurement<Memory>(host, collection.id, CENTROIDS)?.value ?? {};
  const known = memory[target.index];
  if (!known || !after) return;
  const { lists, ...others } = attemptsOf(target)[attempt]!;
  const isTheSame =
    lists === undefined ? Object.keys(others).length === 0 : lists === target.lists_before;
  keepMeasurement<Memory>(host, collection.id, CENTROIDS, {
    ...memory,
    [target.index]: withBuilt(known, {
      skew: after.skew,
      found: isTheSame ? after : null,
      before: before?.recall,
    }),
  });
}

/**
 * A part of a whole index is built, and finds no less than the old one: it waits for the others.
 */
function readied(
  { action }: RebuildContext,
  { index }: Target,
  progress: RebuildProgress,
): RebuildResult {
  const ready = { ...progress.ready, [progress.target]: progress.built! };
  if (isLastPart(action.plan, progress.target))
    return go({ ...progress, ready, stage: "exchanging" });
  return wait(
    {
      ...progress,
      ready,
      stage: "begin",
      job: null,
      built: null,
      before: null,
      searched: null,
      after: null,
      attempt: 0,
      target: progress.target + 1,
    },
    `the new part for ${index} is built`,
  );
}

/** The index that was built to try it out goes. */
function clearing(
  { host, collection, action }: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  const { built } = progress;
  const waiting =
    built === null ? null : dropIndex(host, action, nowCalled(host, collection, built));
  return waiting === null ? go(nextTarget(progress, target)) : wait(progress, waiting);
}

export function end(progress: RebuildProgress): RebuildResult {
  if (progress.rebuilt > 0) return go({ ...progress, done: true });
  throw refused(progress.kept.join("; "), MORE_PROBES);
}

const MORE_PROBES =
  "SELECT * FROM ruvector_healing_recall(...) shows recall with the probes in effect; more " +
  "of them raise it.";
