/** The new index takes the place of the old one: by its name, or rebuilt in place. */
import { isOpen } from "../../store/jobs.ts";
import { attemptsOf, type Target } from "./target.ts";
import sql, { raw } from "sql-template-tag";
import type { NewStep } from "../../model/action.ts";
import { CENTROIDS } from "../../sense/collect/centroids.ts";
import type { Memory } from "../../sense/collect/kept-index.ts";
import { lastMeasurement, keepMeasurement } from "../../store/measurements.ts";
import { startJob, watchJob } from "../../jobs/jobs.ts";
import { copyExtras } from "./extras.ts";
import { dropLeftovers, invalidBeside } from "./leftovers.ts";
import { indexFacts, type IndexFacts, oidOf, rename, unforeseen, tryLock } from "./indexes.ts";
import {
  go,
  present,
  type RebuildContext,
  type RebuildProgress,
  type RebuildResult,
  type RebuiltAs,
  refused,
  wait,
  buildDeadline,
} from "./shared.ts";
import { buildProgress } from "../build-progress.ts";
import { failedJob } from "../failed-job.ts";

/**
 * The new index takes the name of the old one, in one transaction; the old one stays under another
 * name.
 */
export function swap(
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
  const memory = lastMeasurement<Memory>(host, collection.id, CENTROIDS)?.value ?? {};
  // What the best an index of the present rows can do is, was measured now: it is the new one's own
  // baseline.
  const { [old.index]: forgotten, ...others } = memory;
  keepMeasurement<Memory>(host, collection.id, CENTROIDS, others);
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
export function reindex(
  { host, action }: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  if (!tryLock(host, target.heap, "SHARE UPDATE EXCLUSIVE"))
    return wait(
      progress,
      `${progress.built} is built; ${target.heap} is being vacuumed or altered`,
    );
  // It may have waited for the lock: by now another index may have that name.
  present(host, target);
  // hnsw in its place: with the parameters it has.
  const lists = attemptsOf(target)[progress.attempt]!["lists"] ?? 0;
  if (lists > 0)
    host.execute(sql`ALTER INDEX ${raw(target.index)} SET (lists = ${raw(String(lists))})`);
  const job = startJob(host, action, {
    purpose: "reindex",
    command: `REINDEX INDEX CONCURRENTLY ${target.index}`,
    deadline_seconds: buildDeadline(action),
  });
  const known = invalidBeside(host, target.oid);
  const step: NewStep<RebuiltAs<"reindex">> = {
    kind: "reindex",
    details: { index: target.index, lists, oid: target.oid, known },
    rows: 0,
    journal: [{ lists: target.lists_before }],
    bytes: target.bytes,
    wal_bytes: target.bytes,
  };
  return wait(
    { ...progress, stage: "reindexing", job: job.id, known },
    `pg_cron is to rebuild ${target.index} in place`,
    [step],
  );
}

/** An INVALID index is built anew in its place; there is nothing to compare it with. */
export function repair(
  { host, action }: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  const facts = indexFacts(host, target.oid);
  if (facts?.index !== target.index || facts.valid)
    throw refused(
      `${target.index} is not the INVALID index any more that the plan was made for`,
      "The next evaluation plans anew.",
    );
  const job = startJob(host, action, {
    purpose: "reindex",
    command: target.command,
    deadline_seconds: buildDeadline(action),
  });
  const known = invalidBeside(host, target.oid);
  const step: NewStep<RebuiltAs<"reindex">> = {
    kind: "reindex",
    details: { index: target.index, lists: 0, oid: target.oid, known },
    rows: 0,
    journal: [{ lists: 0 }],
    bytes: target.bytes,
    wal_bytes: target.bytes,
  };
  return wait(
    { ...progress, stage: "reindexing", job: job.id, known },
    `pg_cron is to rebuild ${target.index}`,
    [step],
  );
}

export function reindexing(
  { host, action }: RebuildContext,
  target: Target,
  progress: RebuildProgress,
): RebuildResult {
  const job = watchJob(host, progress.job!);
  if (isOpen(job)) return wait(progress, `${target.index}: ${buildProgress(host, job)}`);
  // REINDEX CONCURRENTLY gives the name to a new relation: that the oid is another one says that it
  // was done.
  const oid = oidOf(host, target.index);
  if (oid === null || oid === target.oid)
    throw failedJob(host, `${target.index} could not be rebuilt`, job, oidOf(host, target.heap));
  const waiting = dropLeftovers(host, action, { ...target, known: progress.known });
  return waiting === null ? go({ ...progress, stage: "clearing" }) : wait(progress, waiting);
}

export const nextTarget = (progress: RebuildProgress, { rows }: Target): RebuildProgress => ({
  ...progress,
  stage: "begin",
  job: null,
  built: null,
  before: null,
  searched: null,
  after: null,
  attempt: 0,
  target: progress.target + 1,
  rebuilt: progress.rebuilt + 1,
  rows: (progress.rows ?? 0) + rows,
});
