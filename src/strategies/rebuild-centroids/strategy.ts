/**
 * rebuild_centroids: builds an IVF index anew beside the old one, compares what both find, and
 * exchanges them when the new one is better. The old one is kept under another name until the
 * action is verified.
 */
import { settleStep } from "../../store/steps.ts";
import sql, { raw } from "sql-template-tag";
import * as z from "zod/mini";
import type { Host } from "../../host/host.ts";
import type { Action, Step, NewStep, UndoResult } from "../../model/action.ts";
import type { Collection } from "../../model/collection.ts";
import { HealingError } from "../../base/errors.ts";
import { CENTROIDS, type Memory } from "../../sense/collect/centroids.ts";
import { recall, remember } from "../../sense/remember.ts";
import { cancelJob, isOpen, type Job, jobsOf, startJob, watchJob } from "../../jobs/jobs.ts";
import type { Strategy } from "../strategy.ts";
import {
  buildCommand,
  copyExtras,
  dropIndex,
  type IndexFacts,
  indexFacts,
  oidOf,
  rename,
  unforeseen,
  tryLock,
} from "./indexes.ts";
import { better, compareCost, dearer, foundIn, measured, worse } from "./compare.ts";
import { planRebuild, type RebuildPlan, type Target } from "./plan.ts";
import {
  go,
  NOTHING_LEFT,
  present,
  type RebuildContext,
  type RebuildProgress,
  type RebuildResult,
  type Rebuilt,
  type RebuiltAs,
  refused,
  type Stage,
  START,
  wait,
} from "./shared.ts";
import { exchangeBack, exchanging, isLastPart } from "./whole.ts";

const PARAMS = {
  lists: z.optional(z.int().check(z.gte(1), z.lte(32_768))),
  index: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
};

export const rebuildCentroids: Strategy<RebuildPlan, RebuildProgress, Rebuilt, typeof PARAMS> = {
  name: "rebuild_centroids",
  handles: ["centroid_skew"],
  impact: 0.45,
  reversible: true,
  description:
    "Builds an IVF index anew beside the old one, compares what searches by both find and " +
    "cost, and exchanges them if the new one finds more and costs no more.",
  params: PARAMS,
  start: START,
  applicable: ({ limitations }) =>
    limitations.find(({ strategy }) => strategy === "rebuild_centroids") ?? true,
  plan: ({ params, ...request }) => planRebuild(request, params),

  executeBatch(context) {
    const { plan, progress } = context.action;
    const target = plan.targets[progress.target];
    if (!target) return end(progress);
    return STAGES[progress.stage](context, target, progress);
  },

  boundTo: ({ targets }) => ({
    facts: { indexes: targets.map(({ index, oid, way }) => `${index} (oid ${oid}, ${way})`) },
    amounts: { bytes: Object.fromEntries(targets.map(({ index, bytes }) => [index, bytes])) },
  }),

  reaches: ({ targets }) => ({ partitions: [], indexes: targets.map(({ index }) => index) }),
  // Between two indexes; what a job has begun, and parts that wait for the others, are brought to
  // their end.
  mayStop: ({ progress: { stage, attempt, ready } }) =>
    stage === "begin" && attempt === 0 && Object.keys(ready).length === 0,

  preflight: ["transactions", "wraparound", "slots"],

  remeasures: ["centroids"],

  describeStep({ kind, details }) {
    switch (kind) {
      case "build_index":
        return `built ${details.built} with ${details.lists} lists beside ${details.index}`;
      case "reindex":
        return `rebuilt ${details.index} in place with ${details.lists} lists`;
      case "swap_index":
        return putInPlace(details.index, details.built);
      case "swap_whole":
        return putInPlace(details.index, details.kept);
    }
  },

  describeProgress: ({ progress: { target, stage, rebuilt }, plan: { targets } }) =>
    `${stage === "begin" ? "beginning" : stage} ${targets[target]?.index ?? ""}, ${rebuilt} ` +
    `of ${targets.length} done`,

  undoStep({ host, collection, action }, step) {
    switch (step.kind) {
      case "swap_index":
        return swapBack(host, collection, step);
      case "swap_whole":
        return exchangeBack(host, collection, step);
      case "reindex":
        return stopReindex(host, action, step);
      case "build_index":
        return dropBuilt(host, action, step);
    }
  },

  clearUp: dropKept,
};

const putInPlace = (index: string, old: string): string =>
  `put the new index in the place of ${index}, kept as ${old} until verified`;

const STAGES: Readonly<
  Record<
    Stage,
    (context: RebuildContext, target: Target, progress: RebuildProgress) => RebuildResult
  >
> = {
  begin,
  building,
  dropping,
  reindexing,
  clearing,
  exchanging,
};

/** Measures the old index, notes what is about to be built, and has pg_cron build it. */
function begin(
  { host, collection, action }: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  const facts = present(host, target);
  const before =
    progress.before ??
    foundIn(
      measured(host, collection, target.oid, collection.settings.recall_samples),
      target.lists_before,
    );
  const lists = target.lists[progress.attempt]!;
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
    command: buildCommand(host, target.oid, name, lists),
    deadline_seconds: Math.max(120, action.plan.estimated_duration_seconds),
  });
  const step: NewStep<RebuiltAs<"build_index">> = {
    kind: "build_index",
    details: { index: target.index, built, lists },
    rows: 0,
    journal: [{ built }],
    bytes: facts.bytes,
    wal_bytes: facts.bytes,
  };
  return wait(
    { ...progress, before, stage: "building", job: job.id, built },
    `pg_cron is to build ${built} with ${lists} lists`,
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
  const oid = oidOf(host, progress.built!);
  const facts = oid === null ? null : indexFacts(host, oid);
  if (!facts?.valid) throw failedJob(`${progress.built} could not be built`, job);
  const lists = target.lists[progress.attempt]!;
  settleStep(host, context.action, { built: progress.built! }, facts.bytes);
  const old = present(host, target);
  // The same rows as before: one seed, and as many of them.
  const after = foundIn(measured(host, collection, facts.oid, progress.before!.samples), lists);
  const compared = { ...progress, after };
  const finds =
    target.way === "whole"
      ? after.recall >= progress.before!.recall
      : better(progress.before!, after);
  if (!finds)
    return go({
      ...compared,
      stage: "dropping",
      kept: [...progress.kept, worse(host, collection, target, facts, compared)],
    });
  const { veto, ...cost } = compareCost(host, collection, { old, built: facts, target, progress });
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
  if (target.way === "whole") return readied(context, target, judged);
  return target.way === "beside"
    ? swap(context, target, facts, judged)
    : reindex(context, target, judged);
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
  const waiting = dropIndex(host, action, progress.built!);
  if (waiting !== null) return wait(progress, waiting);
  const next: RebuildProgress = {
    ...progress,
    stage: "begin",
    job: null,
    built: null,
    after: null,
  };
  noteAttained(host, collection, target, progress);
  if (progress.attempt + 1 < target.lists.length)
    return go({ ...next, attempt: progress.attempt + 1 });
  // A whole index is exchanged whole or not at all.
  if (target.way === "whole") throw refused(progress.kept.join("; "), MORE_PROBES);
  return go({ ...next, before: null, attempt: 0, target: progress.target + 1 });
}

/**
 * What a build of now attains is what the data allow: an index that is no fuller is not asked for
 * again.
 */
function noteAttained(
  host: Host,
  collection: Collection,
  { index }: Target,
  { after }: RebuildProgress,
): void {
  const memory = recall<Memory>(host, collection.id, CENTROIDS)?.value ?? {};
  const known = memory[index];
  if (!known || after?.skew == null) return;
  remember<Memory>(host, collection.id, CENTROIDS, {
    ...memory,
    [index]: { ...known, attained: Math.max(known.attained ?? 0, after.skew) },
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
      after: null,
      attempt: 0,
      target: progress.target + 1,
    },
    `the new part for ${index} is built`,
  );
}

/**
 * The new index takes the name of the old one, in one transaction; the old one stays under another
 * name.
 */
function swap(
  { host, collection, action }: RebuildContext,
  target: Target,
  built: IndexFacts,
  progress: RebuildProgress,
): RebuildResult {
  // Whoever builds, vacuums or alters on this table holds this lock: a rename would wait for them.
  if (!tryLock(host, target.heap, "SHARE UPDATE EXCLUSIVE"))
    return wait(
      progress,
      `${progress.built} is built; ${target.heap} is being vacuumed or altered`,
    );
  const old = present(host, target);
  const kept_name = unforeseen(host, `ruvector_kept_${action.id}_${progress.target}`);
  const kept = `${old.schema}.${kept_name}`;
  copyExtras(host, old.oid, built.index);
  rename(host, old.index, kept_name);
  rename(host, built.index, old.name);
  const memory = recall<Memory>(host, collection.id, CENTROIDS)?.value ?? {};
  // What the best an index of the present rows can do is, was measured now: it is the new one's own
  // baseline.
  const { [old.index]: forgotten, ...others } = memory;
  remember<Memory>(host, collection.id, CENTROIDS, others);
  const step: NewStep<RebuiltAs<"swap_index">> = {
    kind: "swap_index",
    details: {
      index: old.index,
      name: old.name,
      kept,
      built: built.index,
      oid: built.oid,
      heap: target.heap,
      before: progress.before,
      after: progress.after,
    },
    rows: 0,
    journal: [{ memory: forgotten ?? null }],
  };
  return go(nextTarget(progress, target), [step]);
}

/** A part of a partitioned index: what was tried out beside it is done in its place. */
function reindex(
  { host, action }: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  if (!tryLock(host, target.heap, "SHARE UPDATE EXCLUSIVE"))
    return wait(
      progress,
      `${progress.built} is built; ${target.heap} is being vacuumed or altered`,
    );
  const lists = target.lists[progress.attempt]!;
  host.execute(sql`ALTER INDEX ${raw(target.index)} SET (lists = ${raw(String(lists))})`);
  const job = startJob(host, action, {
    purpose: "reindex",
    command: `REINDEX INDEX CONCURRENTLY ${target.index}`,
    deadline_seconds: Math.max(120, action.plan.estimated_duration_seconds),
  });
  const step: NewStep<RebuiltAs<"reindex">> = {
    kind: "reindex",
    details: { index: target.index, lists, oid: target.oid },
    rows: 0,
    journal: [{ lists: target.lists_before }],
    bytes: target.bytes,
    wal_bytes: target.bytes,
  };
  return wait(
    { ...progress, stage: "reindexing", job: job.id },
    `pg_cron is to rebuild ${target.index} in place`,
    [step],
  );
}

function reindexing(
  { host }: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  const job = watchJob(host, progress.job!);
  if (isOpen(job)) return wait(progress, `${target.index}: ${buildProgress(host, job)}`);
  // REINDEX CONCURRENTLY gives the name to a new relation: that the oid is another one says that it
  // was done.
  const oid = oidOf(host, target.index);
  if (oid === null || oid === target.oid)
    throw failedJob(`${target.index} could not be rebuilt`, job);
  return go({ ...progress, stage: "clearing" });
}

/** The index that was built to try it out goes. */
function clearing(
  { host, action }: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  const waiting = dropIndex(host, action, progress.built!);
  return waiting === null ? go(nextTarget(progress, target)) : wait(progress, waiting);
}

const nextTarget = (progress: RebuildProgress, { rows }: Target): RebuildProgress => ({
  ...progress,
  stage: "begin",
  job: null,
  built: null,
  before: null,
  after: null,
  attempt: 0,
  target: progress.target + 1,
  rebuilt: progress.rebuilt + 1,
  rows: (progress.rows ?? 0) + rows,
});

function end(progress: RebuildProgress): RebuildResult {
  if (progress.rebuilt > 0) return go({ ...progress, done: true });
  throw refused(progress.kept.join("; "), MORE_PROBES);
}

const MORE_PROBES =
  "SELECT * FROM ruvector_healing_recall(...) shows recall with the probes in effect; more " +
  "of them raise it.";

function buildProgress(host: Host, job: Job): string {
  const [at] = host.query<{ text: string }>(sql`
    SELECT phase || coalesce(' ' || round(100.0 * tuples_done / nullif(tuples_total, 0)) || ' %',
      '') AS text
      FROM pg_stat_progress_create_index WHERE pid = ${job.pid}::int`);
  return at?.text ?? job.message ?? job.state;
}

const failedJob = (what: string, job: Job): HealingError =>
  new HealingError("remedy_refused", `${what}: ${job.message ?? job.state}`, {
    detail: `${job.command} ended as ${job.state}.`,
    hint: "The server's log has more.",
  });

/** The old index gets its name back, the new one its own; the build's undo drops it. */
function swapBack(
  host: Host,
  collection: Collection,
  step: Step<RebuiltAs<"swap_index">>,
): UndoResult<RebuiltAs<"swap_index">["journal"][number]> {
  const { index, name, kept, built, oid, heap } = step.details;
  if (oidOf(host, kept) === null) return { ...NOTHING_LEFT, gone: 1 };
  if (!tryLock(host, heap, "SHARE UPDATE EXCLUSIVE"))
    return { ...NOTHING_LEFT, remaining: step.journal };
  const built_name = built.slice(built.lastIndexOf(".") + 1);
  // Somebody may have dropped the new one and have something of that name of their own: then both
  // stay.
  const there = oidOf(host, index);
  if (there !== null && there !== oid) return { ...NOTHING_LEFT, conflicts: 1 };
  if (there !== null) rename(host, index, built_name);
  rename(host, kept, name);
  const { [index]: _, ...others } = recall<Memory>(host, collection.id, CENTROIDS)?.value ?? {};
  const [entry] = step.journal;
  remember<Memory>(
    host,
    collection.id,
    CENTROIDS,
    entry?.memory ? { ...others, [index]: entry.memory } : others,
  );
  return { ...NOTHING_LEFT, undone: 1 };
}

/** Ends the build and drops what came of it. */
function dropBuilt(
  host: Host,
  action: Action,
  step: Step<RebuiltAs<"build_index">>,
): UndoResult<RebuiltAs<"build_index">["journal"][number]> {
  const { built } = step.details;
  if (stillRuns(host, action, "build_index")) return { ...NOTHING_LEFT, remaining: step.journal };
  const waiting = dropIndex(host, action, built);
  return waiting === null
    ? { ...NOTHING_LEFT, undone: 1 }
    : { ...NOTHING_LEFT, remaining: step.journal };
}

/**
 * Ends a REINDEX that was not over; its number of lists goes back, what it left behind is dropped.
 */
function stopReindex(
  host: Host,
  action: Action,
  step: Step<RebuiltAs<"reindex">>,
): UndoResult<RebuiltAs<"reindex">["journal"][number]> {
  const { index, oid, lists } = step.details;
  if (stillRuns(host, action, "reindex")) return { ...NOTHING_LEFT, remaining: step.journal };
  for (const left of leftovers(host, oid)) {
    if (dropIndex(host, action, left) !== null) return { ...NOTHING_LEFT, remaining: step.journal };
  }
  const facts = indexFacts(host, oid);
  const [entry] = step.journal;
  // Done already: it cannot be taken back, and its number of lists is what it was built with.
  if (facts?.index !== index || entry === undefined || entry.lists === lists) return NOTHING_LEFT;
  if (!tryLock(host, facts.heap, "SHARE UPDATE EXCLUSIVE"))
    return { ...NOTHING_LEFT, remaining: step.journal };
  host.execute(sql`ALTER INDEX ${raw(index)} SET (lists = ${raw(String(entry.lists))})`);
  return { ...NOTHING_LEFT, undone: 1 };
}

/**
 * What an interrupted REINDEX CONCURRENTLY of this index left: invalid indexes of the same table
 * called after it, _ccnew. A person's own REINDEX of it cannot have run beside ours: both hold
 * SHARE UPDATE EXCLUSIVE on the table.
 */
const leftovers = (host: Host, oid: string): string[] =>
  host
    .query<{ index: string }>(sql`
    SELECT format('%I.%I', n.nspname, c.relname) AS index
      FROM pg_index old JOIN pg_class o ON o.oid = old.indexrelid
      JOIN pg_index i ON i.indrelid = old.indrelid AND NOT i.indisvalid
      JOIN pg_class c ON c.oid = i.indexrelid AND starts_with(c.relname, left(o.relname, 50))
        AND c.relname ~ '_ccnew[0-9]*$'
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE old.indexrelid = ${oid}::oid`)
    .map(({ index }) => index);

/** Cancels the open jobs of a purpose. true: one of them has not ended yet. */
function stillRuns(host: Host, action: Action, purpose: string): boolean {
  const open = jobsOf(host, action.id).filter((job) => job.purpose === purpose && isOpen(job));
  return open.some(
    ({ id }) => isOpen(watchJob(host, id)) && isOpen(cancelJob(host, id, "the action is undone")),
  );
}

/**
 * Drops the old indexes of actions that were verified a while ago. From then on the action cannot
 * be undone.
 */
function dropKept(host: Host, collection: Collection): void {
  const kept = host.query<{ action: Action; kept: string }>(sql`
    SELECT json_build_object('id', a.id::text, 'collection_id', a.collection_id) AS action,
      s.details ->> 'kept' AS kept
      FROM ruvector.healing_actions a JOIN ruvector.healing_steps s ON s.action_id = a.id
     WHERE a.collection_id = ${collection.id}::int AND a.strategy_name = 'rebuild_centroids'
       AND a.state = 'succeeded' AND a.reversible
       AND a.finished_at + make_interval(secs => ${collection.settings.kept_index_seconds}::float8)
         <= clock_timestamp()
       AND s.kind IN ('swap_index', 'swap_whole') AND s.undone_at IS NULL`);
  const waiting = kept.filter(({ action, kept: index }) => dropIndex(host, action, index) !== null);
  const over = new Set(
    kept
      .map(({ action }) => action.id)
      .filter((id) => !waiting.some(({ action }) => action.id === id)),
  );
  for (const id of over)
    host.execute(
      sql`UPDATE ruvector.healing_actions SET reversible = false WHERE id = ${id}::bigint`,
    );
}
