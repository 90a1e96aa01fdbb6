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
import sql, { raw } from "sql-template-tag";
import { recordEvent } from "../audit/events.ts";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import { HealingError } from "../base/errors.ts";
import { jobError } from "../base/row-free.ts";
import {
  forgetRun,
  nextMinute,
  readRun,
  type Run,
  schedule,
  unschedule,
  whyNoCron,
  zoneKnown,
} from "./cron.ts";

export type JobState = "scheduled" | "running" | "succeeded" | "failed" | "cancelled" | "lost";

/** A row of ruvector.healing_jobs. Times are seconds since 1970. */
export interface Job {
  readonly id: string;
  readonly action_id: string;
  readonly collection_id: number;
  readonly purpose: string;
  readonly command: string;
  readonly jobid: string | null;
  /**
   * lost: it ended, or was cut short by a restart, and nobody can say how: look at what it was to
   * change.
   */
  readonly state: JobState;
  readonly message: string | null;
  readonly pid: number | null;
  readonly start_at: number;
  readonly start_by: number;
  readonly deadline: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly cancel_reason: string | null;
  readonly withdrawn_at: number | null;
  readonly missing_since: number | null;
  /** The database's clock when the row was read. */
  readonly now: number;
}

export interface NewJob {
  /**
   * What it is for, in the action's own words; an action has one open job of a purpose at a time.
   */
  readonly purpose: string;
  /** One statement, identifiers quoted by the server. */
  readonly command: string;
  /** Counted from the minute it is to start: then it is cancelled. */
  readonly deadline_seconds: number;
  /**
   * A job that pg_cron did not start so long after its minute is withdrawn (cron.max_running_jobs
   * makes it wait). Default 60.
   */
  readonly start_within_seconds?: number;
}

const COLUMNS = raw(
  [
    "id::text",
    "action_id::text",
    "collection_id",
    "purpose",
    "command",
    "jobid::text",
    "state",
    "message",
    "pid",
    "cancel_reason",
    ...[
      "start_at",
      "start_by",
      "deadline",
      "started_at",
      "ended_at",
      "withdrawn_at",
      "missing_since",
    ].map((column) => `extract(epoch FROM ${column})::float8 AS ${column}`),
    "extract(epoch FROM clock_timestamp())::float8 AS now",
  ].join(", "),
);

export const isOpen = ({ state }: Job): boolean => state === "scheduled" || state === "running";

/**
 * Seconds after a withdrawal in which a run that began in the same instant shows itself: pg_cron
 * reloads its jobs every second.
 */
const SETTLED = 3;

/**
 * Seconds a backend may be missing while pg_cron says it runs: pg_cron notes an end within a
 * second.
 */
const MISSING = 30;

/**
 * Known by pg_stat_activity, which shows the first 1,024 bytes of a statement: so it comes first.
 */
const marker = (id: string): string => `/* ruvector_healing job ${id} */`;

/**
 * Schedules a job and keeps it, in the caller's transaction.
 * @throws HealingError RV009 when pg_cron is missing, in another database, not allowed or full
 */
export function startJob(
  host: Host,
  action: Action,
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
  const { id } = host.one<{ id: string }>(sql`
    INSERT INTO ruvector.healing_jobs (action_id, collection_id, purpose, command, start_at,
      start_by, deadline)
    SELECT ${action.id}::bigint, ${action.collection_id}::int, ${purpose}, ${command}, m.at,
      m.at + make_interval(secs => ${start_within_seconds}::float8),
           m.at + make_interval(secs => ${deadline_seconds}::float8)
      FROM (SELECT to_timestamp(${at}::float8) AS at) m
    RETURNING id::text`);
  const jobid = schedule(host, `ruvector_healing_job_${id}`, line, `${marker(id)} ${command}`);
  const job = change(host, id, { jobid, message: "waits for its minute" });
  report(host, job, "job_scheduled", `pg_cron is to run: ${command}`);
  return job;
}

/** @throws TypeError there is no such job: a defect, ids come from `startJob` */
export const readJob = (host: Host, id: string): Job =>
  host.one<Job>(sql`SELECT ${COLUMNS} FROM ruvector.healing_jobs WHERE id = ${id}::bigint`);

/** Jobs of an action, oldest first. */
export const jobsOf = (host: Host, actionId: string): Job[] =>
  host.query<Job>(
    sql`SELECT ${COLUMNS} FROM ruvector.healing_jobs WHERE action_id = ${actionId}::bigint
      ORDER BY healing_jobs.id`,
  );

/**
 * Looks what became of a job, ends it at its deadline, and takes it out of pg_cron once it has
 * ended.
 */
export function watchJob(host: Host, id: string): Job {
  const job = readJob(host, id);
  if (!isOpen(job)) return job;
  const { scheduled, logged, run } =
    job.jobid === null ? { scheduled: false, logged: true, run: null } : readRun(host, job.jobid);
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
    : notStarted(host, job, scheduled, logged);
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
  const started =
    asked.state === "running" || (asked.jobid !== null && readRun(host, asked.jobid).run !== null);
  return started
    ? asked
    : withdraw(host, asked, `withdrawn before it started: ${asked.cancel_reason}`);
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
  const left = host.query<{ id: string; purpose: string }>(sql`
    SELECT j.id::text, j.purpose
      FROM ruvector.healing_jobs j JOIN ruvector.healing_actions a ON a.id = j.action_id
     WHERE j.collection_id = ${collectionId}::int AND j.state IN ('scheduled', 'running')
       AND a.finished_at IS NOT NULL`);
  for (const { id, purpose } of left)
    if (isOpen(watchJob(host, id)) && purpose !== CLEAR_UP)
      cancelJob(host, id, "its action has ended");
}

/**
 * pid of the backend that runs the job now. A role that may not see others' statements sees those
 * of its own jobs.
 */
/**
 * The job's own: whoever else begins a statement with that comment is somebody else, whose
 * statement neither runs for us nor is cancelled.
 */
const OURS = "usename = current_user AND datname = current_database() AND state = 'active'";

const backendOf = (host: Host, { id }: Job): number | null =>
  host.query<{ pid: number }>(
    sql`SELECT pid FROM pg_stat_activity WHERE starts_with(query, ${marker(id)}) AND ${raw(OURS)}`,
  )[0]?.pid ?? null;

/** Cancels the backend that runs this very statement, if there is one. */
const cancelBackend = (host: Host, { id }: Job): boolean =>
  host.query(
    sql`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE starts_with(query, ${marker(id)})
      AND ${raw(OURS)}`,
  ).length > 0;

function keepRunning(host: Host, job: Job, run: Run | null, pid: number): Job {
  if (job.cancel_reason !== null) cancelBackend(host, job);
  else if (job.now > job.deadline)
    return cancelJob(
      host,
      job.id,
      `not finished by its deadline, ${Math.round(job.now - job.start_at)} s after its start`,
    );
  if (job.state === "running" && job.pid === pid) return job;
  return change(host, job.id, {
    state: "running",
    pid,
    started_at: run?.started_at ?? job.now,
    missing_since: null,
    message: "runs",
  });
}

/** pg_cron says it runs, and its backend is not (yet, or any more) there. */
function unseen(host: Host, job: Job, run: Run): Job {
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

function notStarted(host: Host, job: Job, scheduled: boolean, logged: boolean): Job {
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
  if (!scheduled)
    return finish(host, job, "failed", "somebody took it out of pg_cron before it started", null);
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
  return withdraw(
    host,
    job,
    `pg_cron did not start it within ${Math.round(job.start_by - job.start_at)} s of its ` +
      `minute${zone}`,
  );
}

function withdraw(host: Host, job: Job, message: string): Job {
  if (job.jobid !== null) unschedule(host, job.jobid);
  return job.withdrawn_at === null ? change(host, job.id, { withdrawn_at: job.now, message }) : job;
}

/**
 * A run that pg_cron lost sight of ("server restarted", "job canceled") says nothing about what the
 * command did.
 */
function endOf(job: Job, run: Run): JobState {
  if (/^(server restarted|job cancell?ed)/.test(run.message ?? "")) return "lost";
  return job.cancel_reason === null ? "failed" : "cancelled";
}

function finish(host: Host, job: Job, state: JobState, message: string, run: Run | null): Job {
  if (job.jobid !== null) {
    unschedule(host, job.jobid);
    if (run) forgetRun(host, job.jobid);
  }
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

type Changes = Partial<
  Pick<
    Job,
    | "jobid"
    | "state"
    | "message"
    | "pid"
    | "started_at"
    | "ended_at"
    | "cancel_reason"
    | "withdrawn_at"
    | "missing_since"
  >
>;

const TYPES: Readonly<Record<keyof Changes, string>> = {
  jobid: "::bigint",
  state: "",
  message: "",
  pid: "::int",
  cancel_reason: "",
  started_at: "epoch",
  ended_at: "epoch",
  withdrawn_at: "epoch",
  missing_since: "epoch",
};

function change(host: Host, id: string, changes: Changes): Job {
  const keys = Object.keys(changes) as (keyof Changes)[];
  // Values by name from one document; to_timestamp takes the seconds that every time here is.
  const parts = keys.map((key) =>
    TYPES[key] === "epoch"
      ? `${key} = to_timestamp((d ->> '${key}')::float8)`
      : `${key} = (d ->> '${key}')${TYPES[key]}`,
  );
  return host.one<Job>(sql`
    UPDATE ruvector.healing_jobs SET ${raw(parts.join(", "))}
      FROM (SELECT ${JSON.stringify(changes)}::jsonb AS d) v
     WHERE id = ${id}::bigint RETURNING ${COLUMNS}`);
}

function report(host: Host, job: Job, kind: string, message: string): void {
  recordEvent(host, {
    collection_id: job.collection_id,
    collection: null,
    action_id: job.action_id,
    kind,
    message,
    details: { job: job.id, jobid: job.jobid, purpose: job.purpose },
  });
}
