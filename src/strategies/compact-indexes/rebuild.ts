/**
 * Rebuilds one index after the other by one-off jobs, and clears up what an interrupted one left.
 */
import { isOpen } from "../../store/jobs.ts";
import { settleStep } from "../../store/steps.ts";
import type { Action, NewStep } from "../../model/action.ts";
import { HealingError } from "../../base/errors.ts";
import { bytes as bytesText, count } from "../../base/text.ts";
import { startJob, watchJob } from "../../jobs/jobs.ts";
import { obstacle, oidOf, readIndexes, type Target } from "./indexes.ts";
import type { PlannedIndex } from "./plan.ts";
import type { CompactProgress, CompactContext, CompactResult, Reindexed } from "./progress.ts";
import { dropLeftovers } from "./leftovers.ts";
import { buildProgress } from "../build-progress.ts";

/**
 * A job that a restart cut short, or that pg_cron did not start, is tried again; so often for one
 * index.
 */
const MAX_TRIES = 3;

const REBUILD = "rebuild an index";

export function compactBatch(context: CompactContext): CompactResult {
  const { plan } = context.action;
  const progress: CompactProgress = { ...context.action.progress, remeasure: false };
  const index = plan.indexes[progress.place];
  if (!index) return ended(progress);
  switch (progress.phase) {
    case "start":
      return startRebuild(context, progress, index);
    case "reindex":
      return watchRebuild(context, progress, index);
    case "clean":
      return clean(context, progress, index);
  }
}

const waiting = (
  progress: CompactProgress,
  note: string,
  steps: readonly NewStep<Reindexed>[] = [],
): CompactResult => ({
  // Rows are what a target reached ends the action by: none are reported while a job runs, so that
  // it is never left alone.
  done: false,
  steps,
  waiting: note,
  progress: { ...progress, note, rows: progress.phase === "start" ? progress.compacted : 0 },
});

/** The end of the plan, or of its time. Nothing rebuilt is a failure that says why. */
function ended(progress: CompactProgress): CompactResult {
  if (progress.compacted === 0) {
    throw new HealingError(
      "remedy_refused",
      "no index was rebuilt: " +
        `${progress.skipped.map(({ index, why }) => `${index}: ${why}`).join("; ")}`,
    );
  }
  return {
    done: true,
    steps: [],
    progress: {
      ...progress,
      rows: progress.compacted,
      done: true,
      remeasure: true,
      note: count(progress.compacted, "index rebuild"),
    },
  };
}

const next = (progress: CompactProgress): CompactProgress => ({
  ...progress,
  place: progress.place + 1,
  phase: "start",
  job: null,
  tries: 0,
  target: null,
});

const skip = (progress: CompactProgress, index: string, why: string): CompactResult =>
  waiting(
    next({ ...progress, skipped: [...progress.skipped, { index, why }] }),
    `${index} is left: ${why}`,
  );

/** Seconds since the start over the time budget. */
const spent = ({ now, started_at, deadline }: Action): number =>
  started_at === null || deadline === null
    ? 0
    : (now - started_at) / Math.max(1, deadline - started_at);

function startRebuild(
  { host, collection, action }: CompactContext,
  progress: CompactProgress,
  index: PlannedIndex,
): CompactResult {
  const place = `index ${progress.place + 1} of ${action.plan.indexes.length}, ` + `${index.index}`;
  if (spent(action) > 0.5) {
    return ended({
      ...progress,
      skipped: [
        ...progress.skipped,
        { index: index.index, why: "half of the time budget was used" },
      ],
    });
  }
  const [facts] = readIndexes(host, [index.oid]);
  if (!facts) return skip(progress, index.index, "it was dropped or rebuilt by somebody else");
  if (!facts.valid) return skip(progress, index.index, "it became invalid");
  const blocked = obstacle(
    host,
    [facts.table_oid],
    collection.settings.preflight_transaction_seconds,
  );
  if (blocked) return waiting(progress, `${place}: ${blocked}`);
  const limit = action.strategy_params["max_seconds_per_index"];
  const left = action.deadline === null ? 3600 : action.deadline - action.now;
  const command = `REINDEX INDEX CONCURRENTLY ${facts.index}`;
  const job = startJob(host, action, {
    purpose: REBUILD,
    command,
    deadline_seconds: Math.max(1, typeof limit === "number" ? Math.min(left, limit) : left),
  });
  const { index: name, oid, table, table_oid, known } = facts;
  const target: Target = { index: name, oid, name: facts.name, table, table_oid, known };
  const step: NewStep<Reindexed> = {
    kind: "reindex",
    rows: 0,
    journal: [],
    bytes: facts.bytes,
    wal_bytes: index.expected_bytes,
    details: {
      ...target,
      job: job.id,
      method: index.method,
      bytes: facts.bytes,
      expected_bytes: index.expected_bytes,
    },
  };
  return waiting(
    { ...progress, phase: "reindex", job: job.id, target, tries: progress.tries + 1 },
    `${place}: pg_cron starts it within a minute`,
    [step],
  );
}

function watchRebuild(
  { host, action }: CompactContext,
  progress: CompactProgress,
  index: PlannedIndex,
): CompactResult {
  const job = watchJob(host, progress.job!);
  const place = `index ${progress.place + 1} of ${action.plan.indexes.length}, ` + `${index.index}`;
  if (isOpen(job)) return waiting(progress, `${place}: ${buildProgress(host, job)}`);
  // The name moved to a new index: the rebuild was done, whatever is known of its job.
  const now = oidOf(host, progress.target!.index);
  const rebuilt = now !== null && now !== progress.target!.oid;
  const cleaning: CompactProgress = { ...progress, phase: "clean", job: null };
  if (rebuilt) {
    const bytes_after = readIndexes(host, [now])[0]?.bytes ?? 0;
    settleStep(host, action, { job: progress.job ?? "" }, bytes_after);
    const results = [
      ...progress.results,
      { index: index.index, bytes_before: index.bytes, bytes_after },
    ];
    const done = { ...cleaning, compacted: progress.compacted + 1, results };
    const note = `${index.index} rebuilt: ${bytesText(index.bytes)} -> ${bytesText(bytes_after)}`;
    if (job.state === "succeeded") {
      const after = next(done);
      return {
        done: false,
        steps: [],
        waiting: note,
        progress: { ...after, rows: after.compacted, remeasure: true, note },
      };
    }
    return waiting(done, `${note}; the old one is to be dropped`);
  }
  if (now === null)
    return waiting(
      {
        ...cleaning,
        tries: MAX_TRIES,
        skipped: [
          ...progress.skipped,
          { index: index.index, why: `it was dropped by somebody (${job.message ?? job.state})` },
        ],
      },
      `${place}: dropped`,
    );
  const again = job.state === "lost" || job.started_at === null;
  const why = `${job.state}: ${job.message ?? "no message"}`;
  if (again && progress.tries < MAX_TRIES)
    return waiting(cleaning, `${place}: ${why}; cleared up and tried again`);
  return waiting(
    { ...cleaning, tries: MAX_TRIES, skipped: [...progress.skipped, { index: index.index, why }] },
    `${place}: ${why}`,
  );
}

/** Drops what the rebuild left, then goes on: to the next index, or to this one once more. */
function clean(
  { host, action }: CompactContext,
  progress: CompactProgress,
  index: PlannedIndex,
): CompactResult {
  const state = dropLeftovers(host, action, progress.target!);
  if (state !== null) return waiting(progress, `${index.index}: ${state}`);
  const now = oidOf(host, progress.target!.index);
  if (now === progress.target!.oid && progress.tries < MAX_TRIES)
    return waiting(
      { ...progress, phase: "start", job: null, target: null },
      `${index.index}: tried again`,
    );
  const after = next(progress);
  return {
    done: false,
    steps: [],
    waiting: "cleared up",
    progress: {
      ...after,
      rows: after.compacted,
      remeasure: progress.compacted > 0,
      note: `${index.index}: cleared up`,
    },
  };
}
