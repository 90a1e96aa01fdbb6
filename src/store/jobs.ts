/** A row of ruvector.healing_jobs: one statement that pg_cron runs once. */
import type { Action } from "../model/action.ts";
import sql, { raw } from "sql-template-tag";
import { recordEvent } from "./events.ts";
import type { Host } from "../host/host.ts";

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

/** What a job keeps of the action that it is for. */
export type JobOwner = Pick<Action, "id" | "collection_id">;

/**
 * Keeps a job that is to start at a minute, before pg_cron knows of it. Returns its id.
 * @param at seconds since 1970
 */
export function insertJob(
  host: Host,
  action: JobOwner,
  wanted: Required<NewJob>,
  at: number,
): string {
  const { id } = host.one<{ id: string }>(sql`
    INSERT INTO ruvector.healing_jobs (action_id, collection_id, purpose, command, start_at,
      start_by, deadline)
    SELECT ${action.id}::bigint, ${action.collection_id}::int, ${wanted.purpose},
      ${wanted.command}, m.at,
      m.at + make_interval(secs => ${wanted.start_within_seconds}::float8),
           m.at + make_interval(secs => ${wanted.deadline_seconds}::float8)
      FROM (SELECT to_timestamp(${at}::float8) AS at) m
    RETURNING id::text`);
  return id;
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
export const SETTLED = 3;

/**
 * Seconds a backend may be missing while pg_cron says it runs: pg_cron notes an end within a
 * second.
 */
export const MISSING = 30;

/**
 * Known by pg_stat_activity, which shows the first 1,024 bytes of a statement: so it comes first.
 */
export const marker = (id: string): string => `/* ruvector_healing job ${id} */`;

/** @throws TypeError there is no such job: a defect, ids come from `startJob` */
export const readJob = (host: Host, id: string): Job =>
  host.one<Job>(sql`SELECT ${COLUMNS} FROM ruvector.healing_jobs WHERE id = ${id}::bigint`);

/** Jobs of an action, oldest first. */
export const jobsOf = (host: Host, actionId: string): Job[] =>
  host.query<Job>(
    sql`SELECT ${COLUMNS} FROM ruvector.healing_jobs WHERE action_id = ${actionId}::bigint
      ORDER BY healing_jobs.id`,
  );

/** Open jobs of actions that are over. */
export const orphanedJobs = (
  host: Host,
  collectionId: number,
): readonly Pick<Job, "id" | "purpose">[] =>
  host.query<Pick<Job, "id" | "purpose">>(sql`
    SELECT j.id::text, j.purpose
      FROM ruvector.healing_jobs j JOIN ruvector.healing_actions a ON a.id = j.action_id
     WHERE j.collection_id = ${collectionId}::int AND j.state IN ('scheduled', 'running')
       AND a.finished_at IS NOT NULL`);

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

export function change(host: Host, id: string, changes: Changes): Job {
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

export function report(host: Host, job: Job, kind: string, message: string): void {
  recordEvent(host, {
    collection_id: job.collection_id,
    collection: null,
    action_id: job.action_id,
    kind,
    message,
    details: { job: job.id, jobid: job.jobid, purpose: job.purpose },
  });
}
