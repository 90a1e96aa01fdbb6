/**
 * One-off pg_cron jobs: for commands that no function may run (REINDEX, CREATE and DROP INDEX
 * CONCURRENTLY). A job is the single command of a cron line that comes once a year, the next
 * minute: measured on pg_cron 1.6, an interval ('59 seconds') starts only after it has passed and
 * then again and again, so that it would have to be taken back in time; a line starts once, however
 * long no tick comes. The row that says so commits with the line; both or none are there after a
 * crash.
 *
 * A job is watched, not waited for: `watchJob` once a tick. It is known by a comment in front of
 * its command, which pg_stat_activity shows, so that a cancel reaches this very statement and no
 * other.
 */
import type { Host } from "../host/host.ts";
import { HealingError } from "../base/errors.ts";
import { jobError } from "../base/row-free.ts";
import { nextMinute, readRun, schedule, whyNoCron } from "./cron.ts";
import { backendOf, keepRunning, unseen, notStarted, endOf, finish, cancelJob } from "./watch.ts";
import {
  insertJob,
  type Job,
  type JobOwner,
  type NewJob,
  isOpen,
  marker,
  orphanedJobs,
  readJob,
  change,
  report,
} from "../store/jobs.ts";

/**
 * Schedules a job and keeps it, in the caller's transaction.
 * @throws HealingError RV009 when pg_cron is missing, in another database, not allowed or full
 */
export function startJob(
  host: Host,
  action: JobOwner,
  { purpose, command, deadline_seconds, start_within_seconds = 60 }: NewJob,
): Job {
  const missing = whyNoCron(host);
  if (missing)
    throw new HealingError("scheduling_unavailable", missing.reason, {
      detail: missing.detail,
      hint: missing.hint,
    });
  host.admitDdl();
  const { line, at } = nextMinute(host);
  const wanted = { purpose, command, deadline_seconds, start_within_seconds };
  const id = insertJob(host, action, wanted, at);
  const jobid = schedule(host, `ruvector_healing_job_${id}`, line, `${marker(id)} ${command}`);
  const job = change(host, id, { jobid, message: "waits for its minute" });
  report(host, job, "job_scheduled", `pg_cron is to run: ${command}`);
  return job;
}

/**
 * Looks what became of a job, ends it at its deadline, and takes it out of pg_cron once it has
 * ended.
 */
export function watchJob(host: Host, id: string): Job {
  const job = readJob(host, id);
  if (!isOpen(job)) return job;
  const { run, ...known } = readRun(host, job);
  const pid = backendOf(host, job);
  if (run?.status === "succeeded")
    return finish(host, job, "succeeded", run.message ?? "done", run);
  if (pid !== null) return keepRunning(host, job, run, pid);
  if (run?.status === "failed")
    return finish(host, job, endOf(job, run), jobError(run.message ?? "no message"), run);
  if (run) return unseen(host, job, run);
  return job.state === "running"
    ? finish(
        host,
        job,
        "lost",
        "its backend is gone and pg_cron has no record of how it ended",
        null,
      )
    : notStarted(host, job, known);
}

/**
 * Purpose of the jobs that clear up after an action: they go on when it has ended, and are watched
 * to their end.
 */
export const CLEAR_UP = "clear_up";

/**
 * Ends the open jobs of actions that ended without them (an error in the loop itself). Actions that
 * are at work watch their own.
 */
export function sweepJobs(host: Host, collectionId: number): void {
  for (const { id, purpose } of orphanedJobs(host, collectionId))
    if (isOpen(watchJob(host, id)) && purpose !== CLEAR_UP)
      cancelJob(host, id, "its action has ended");
}
