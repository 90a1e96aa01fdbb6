/** What a rebuild that was cut short left, and how it is dropped. */
import { cancelJob } from "../../jobs/watch.ts";
import { isOpen, type Job, jobsOf } from "../../store/jobs.ts";
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Action, Step, UndoResult } from "../../model/action.ts";
import { CLEAR_UP, startJob, watchJob } from "../../jobs/jobs.ts";
import { readLeftovers, type Target } from "./indexes.ts";
import type { CompactContext, Reindexed } from "./progress.ts";

/**
 * Moves the dropping of leftovers on by one look. null: nothing is left. DROP INDEX CONCURRENTLY,
 * by a job: nobody waits for it. A drop that fails leaves its error in the job's row and is tried
 * again by the next tick, until the action's deadline; one that is on its way then goes on.
 */
export function dropLeftovers(host: Host, action: Action, target: Target): string | null {
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
