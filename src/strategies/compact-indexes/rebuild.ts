/**
 * Rebuilds one index after the other by one-off jobs, and clears up what an interrupted one left.
 */
import { settleStep } from "../../store/steps.ts";
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Action, Progress, Step, NewStep, UndoResult } from "../../model/action.ts";
import { HealingError } from "../../base/errors.ts";
import { bytes as bytesText, count } from "../../base/text.ts";
import {
  cancelJob,
  CLEAR_UP,
  isOpen,
  type Job,
  jobsOf,
  startJob,
  watchJob,
} from "../../jobs/jobs.ts";
import type { BatchContext, BatchResult } from "../strategy.ts";
import {
  buildProgress,
  obstacle,
  oidOf,
  readIndexes,
  readLeftovers,
  type Target,
} from "./indexes.ts";
import type { CompactPlan, PlannedIndex } from "./plan.ts";

export interface CompactProgress extends Progress {
  /** Index of the plan at work. */
  readonly place: number;
  readonly phase: "start" | "reindex" | "clean";
  /** The job under way, and how often this index was tried. */
  readonly job: string | null;
  readonly tries: number;
  readonly target: Target | null;
  readonly compacted: number;
  readonly results: readonly {
    readonly index: string;
    readonly bytes_before: number;
    readonly bytes_after: number;
  }[];
  readonly skipped: readonly { readonly index: string; readonly why: string }[];
  readonly note: string;
}

export type CompactContext = BatchContext<CompactPlan, CompactProgress>;
type CompactResult = BatchResult<CompactProgress, Reindexed>;

/** A rebuild that a job was started for; what is left in its journal is only a note. */
export interface Reindexed {
  readonly kind: "reindex";
  readonly details: Target & {
    readonly job: string;
    readonly method: string;
    readonly bytes: number;
    readonly expected_bytes: number;
  };
  readonly journal: readonly string[];
}

export const START: CompactProgress = {
  place: 0,
  phase: "start",
  job: null,
  tries: 0,
  target: null,
  compacted: 0,
  results: [],
  skipped: [],
  note: "",
};

/**
 * A job that a restart cut short, or that pg_cron did not start, is tried again; so often for one
 * index.
 */
const MAX_TRIES = 3;

const REBUILD = "rebuild an index";

/**
 * A rebuild that gave back less of what was foreseen was for nothing: the estimate was off, and a
 * new index reads as fresh whatever its size.
 */
const LEAST_GIVEN = 0.25;

/**
 * What rebuilds that were for nothing gave back, in words; null: they were not, or nothing had been
 * foreseen (a person named them).
 */
export function gaveNothing(
  planned: readonly Pick<PlannedIndex, "index" | "bytes" | "expected_bytes">[],
  results: CompactProgress["results"],
): string | null {
  const done = results.flatMap(({ index, bytes_before, bytes_after }) =>
    planned
      .filter((one) => one.index === index)
      .map(({ bytes, expected_bytes }) => ({
        foreseen: bytes - expected_bytes,
        given: Math.max(0, bytes_before - bytes_after),
      })),
  );
  const foreseen = done.reduce((sum, one) => sum + one.foreseen, 0);
  const given = done.reduce((sum, one) => sum + one.given, 0);
  return foreseen > 0 && given < LEAST_GIVEN * foreseen
    ? `${count(done.length, "index rebuild")} gave back ${bytesText(given)} of the ` +
        `${bytesText(foreseen)} foreseen`
    : null;
}

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
  if (isOpen(job)) {
    const built = job.state === "running" && buildProgress(host, job.pid);
    return waiting(progress, `${place}: ${built || job.message || job.state}`);
  }
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

/**
 * Moves the dropping of leftovers on by one look. null: nothing is left. DROP INDEX CONCURRENTLY,
 * by a job: nobody waits for it. A drop that fails leaves its error in the job's row and is tried
 * again by the next tick, until the action's deadline; one that is on its way then goes on.
 */
function dropLeftovers(host: Host, action: Action, target: Target): string | null {
  const open = openJob(host, action, CLEAR_UP);
  if (open) {
    const job = watchJob(host, open.id);
    if (isOpen(job)) return `a leftover is being dropped: ${job.message ?? job.state}`;
  }
  const [leftover] = readLeftovers(host, target);
  if (!leftover) return null;
  if (leftover.locked) return `${leftover.index} is at work in another session`;
  startJob(host, action, {
    purpose: CLEAR_UP,
    command: `DROP INDEX CONCURRENTLY IF EXISTS ${leftover.index}`,
    deadline_seconds: 600,
  });
  return (
    `pg_cron drops ${leftover.index} ` +
    `(${leftover.kind === "new" ? "its build was cut short" : "the old index after the swap"})`
  );
}

const openJob = (host: Host, action: Action, purpose: string): Job | undefined =>
  jobsOf(host, action.id).find((job) => job.purpose === purpose && isOpen(job));

/**
 * Clears up a step: its job is ended, then its own leftovers are dropped. An index that was rebuilt
 * stays rebuilt.
 */
export function clearStep(
  { host, action }: CompactContext,
  step: Step<Reindexed>,
): UndoResult<string> {
  const left = (what: string): UndoResult<string> => ({
    remaining: [what],
    undone: 0,
    gone: 0,
    conflicts: 0,
  });
  const { job: id, ...target } = step.details;
  const job = watchJob(host, id);
  if (isOpen(job)) {
    cancelJob(host, id, action.rollback_reason ?? "the action ends");
    return left(`job ${id}`);
  }
  // A job that went well left nothing; one that never began neither.
  if (job.state !== "succeeded" && job.started_at !== null && tableThere(host, target)) {
    const state = dropLeftovers(host, action, target);
    if (state !== null) return left(state);
  }
  return { remaining: [], undone: 0, gone: 0, conflicts: 0 };
}

const tableThere = (host: Host, { table_oid }: Target): boolean =>
  host.query(sql`SELECT FROM pg_class WHERE oid = ${table_oid}::oid`).length > 0;
