/** What has become of a job: what pg_cron and the server say, and what is kept of it. */
import {
  type JobState,
  type Job,
  SETTLED,
  MISSING,
  marker,
  change,
  report,
  isOpen,
  readJob,
} from "../store/jobs.ts";
import sql, { raw } from "sql-template-tag";
import type { Host } from "../host/host.ts";
import { forgetRun, type Known, type Run, unschedule, zoneKnown, readRun } from "./cron.ts";

/**
 * The job's own: whoever else begins a statement with that comment is somebody else, whose
 * statement neither runs for us nor is cancelled.
 */
const OURS = "usename = current_user AND datname = current_database() AND state = 'active'";

/**
 * pid of the backend that runs the job now. A role that may not see others' statements sees those
 * of its own jobs.
 */
export const backendOf = (host: Host, { id }: Job): number | null =>
  host.query<{ pid: number }>(
    sql`SELECT pid FROM pg_stat_activity WHERE starts_with(query, ${marker(id)}) AND ${raw(OURS)}`,
  )[0]?.pid ?? null;

/** Cancels the backend that runs this very statement, if there is one. */
export const cancelBackend = (host: Host, { id }: Job): boolean =>
  host.query(
    sql`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE starts_with(query, ${marker(id)})
      AND ${raw(OURS)}`,
  ).length > 0;

export function keepRunning(host: Host, job: Job, run: Run | null, pid: number): Job {
  if (job.cancel_reason !== null) cancelBackend(host, job);
  else if (job.now > job.deadline)
    return cancelJob(
      host,
      job.id,
      `not finished by its deadline, ${Math.round(job.now - job.start_at)} s after its start`,
    );
  // Seen by pg_cron's note before it was seen here: "missing since" would make it lost at its end.
  if (job.state === "running" && job.pid === pid && job.missing_since === null) return job;
  return change(host, job.id, {
    state: "running",
    pid,
    started_at: run?.started_at ?? job.now,
    missing_since: null,
    message: "runs",
  });
}

/** pg_cron says it runs, and its backend is not (yet, or any more) there. */
export function unseen(host: Host, job: Job, run: Run): Job {
  if (job.missing_since !== null && job.now - job.missing_since > MISSING) {
    return finish(
      host,
      job,
      "lost",
      `its backend has been gone for ${Math.round(job.now - job.missing_since)} s`,
      null,
    );
  }
  return change(host, job.id, {
    state: "running",
    pid: run.pid,
    started_at: run.started_at ?? job.started_at ?? job.now,
    missing_since: job.missing_since ?? job.now,
    message:
      job.missing_since === null
        ? `pg_cron: ${run.status}`
        : `pg_cron says ${run.status}; its backend is not there`,
  });
}

export function notStarted(host: Host, job: Job, known: Omit<Known, "run">): Job {
  const { installed, scheduled, logged } = known;
  if (job.withdrawn_at !== null) {
    if (job.now - job.withdrawn_at < SETTLED) return job;
    return finish(
      host,
      job,
      job.cancel_reason === null ? "failed" : "cancelled",
      job.message ?? "it did not start",
      null,
    );
  }
  if (!installed) return finish(host, job, "failed", "pg_cron was dropped before it started", null);
  if (!scheduled)
    return finish(host, job, "failed", "somebody took it out of pg_cron before it started", null);
  if (!scheduled.active)
    return withdraw(host, job, "somebody switched it off in pg_cron before it started");
  if (job.now <= job.start_by) return job;
  if (!logged)
    return finish(
      host,
      job,
      "lost",
      "cron.log_run was switched off: whether it ran is not known",
      null,
    );
  const zone = zoneKnown(host)
    ? ""
    : "; cron.timezone is not readable here and was taken for GMT: GRANT pg_read_all_settings " +
      "would show it";
  const line =
    scheduled.changed === null ? "" : `; its schedule in pg_cron is ${scheduled.changed} now`;
  return withdraw(
    host,
    job,
    `pg_cron did not start it within ${Math.round(job.start_by - job.start_at)} s of its ` +
      `minute${line || zone}`,
  );
}

/** What it waits for where pg_cron's table of jobs is not free: the next look goes on. */
const NOT_NOW = "another session is changing pg_cron's jobs";

export function withdraw(host: Host, job: Job, message: string): Job {
  if (!unschedule(host, job))
    return change(host, job.id, { message: `is to be withdrawn: ${NOT_NOW}` });
  return job.withdrawn_at === null ? change(host, job.id, { withdrawn_at: job.now, message }) : job;
}

/**
 * A run that pg_cron lost sight of ("server restarted", "job canceled") says nothing about what the
 * command did.
 */
export function endOf(job: Job, run: Run): JobState {
  if (/^(server restarted|job cancell?ed)/.test(run.message ?? "")) return "lost";
  return job.cancel_reason === null ? "failed" : "cancelled";
}

export function finish(
  host: Host,
  job: Job,
  state: JobState,
  message: string,
  run: Run | null,
): Job {
  if (!unschedule(host, job))
    return change(host, job.id, { message: `has ended as ${state}: ${NOT_NOW}` });
  if (run) forgetRun(host, job);
  const started_at = job.started_at ?? run?.started_at ?? null;
  const ended = change(host, job.id, {
    state,
    started_at,
    ended_at: run?.ended_at ?? job.now,
    pid: job.pid ?? run?.pid ?? null,
    message:
      job.cancel_reason !== null && state === "cancelled"
        ? `${job.cancel_reason} (${message})`
        : message,
  });
  report(host, ended, `job_${state}`, `${job.command}: ${ended.message}`);
  return ended;
}

/**
 * Wants a job to end: one that did not start is withdrawn, one that runs is cancelled. It has ended
 * when `watchJob` says so, which is not before the next transaction.
 */
export function cancelJob(host: Host, id: string, reason: string): Job {
  const job = readJob(host, id);
  if (!isOpen(job)) return job;
  const asked = job.cancel_reason === null ? change(host, id, { cancel_reason: reason }) : job;
  if (cancelBackend(host, asked))
    return change(host, id, { message: `being cancelled: ${asked.cancel_reason}` });
  const started = asked.state === "running" || readRun(host, asked).run !== null;
  return started
    ? asked
    : withdraw(host, asked, `withdrawn before it started: ${asked.cancel_reason}`);
}
