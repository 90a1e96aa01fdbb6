/** Which jobs to pause, which to leave alone and why, and what that would do to lambda. Pure. */
import type { Configuration } from "../../model/configuration.ts";
import type { Plan } from "../../model/action.ts";
import { count, list, printable, sqlLiteral } from "../../base/text.ts";
import { assess } from "../../sense/assess.ts";
import type { CronJob } from "../../sense/collect/maintenance/jobs.ts";
import type { Blocker } from "../../sense/collect/maintenance/locks.ts";
import type { Snapshot } from "../../sense/snapshot.ts";
import type { NothingToDo } from "../strategy.ts";
import type { CronRights } from "./jobs.ts";

export interface PausedJob {
  readonly jobid: string;
  readonly name: string;
  readonly priority: "low" | "normal" | "high";
  readonly running: boolean;
}

export interface PausePlan extends Plan {
  readonly jobs: readonly PausedJob[];
  /** Jobs that contend and are left alone. */
  readonly left: readonly { readonly name: string; readonly reason: string }[];
  readonly pause_seconds: number;
  readonly drain_seconds: number;
}

export interface Choice {
  readonly paused: readonly CronJob[];
  readonly left: PausePlan["left"];
  /** What would let the first of those be paused; null: none is left. */
  readonly hint: string | null;
}

const ORDER = { low: 0, normal: 1, high: 2 } as const;

/**
 * Jobs that contend: those that held somebody up within the last minute; where jobs wait for a slot
 * of pg_cron, those too, and those that have the slots. One that only runs, however long, or only
 * failed, is in nobody's way.
 */
function contending(jobs: readonly CronJob[]): ReadonlySet<CronJob> {
  const full = jobs.some(({ waits }) => waits);
  return new Set(
    jobs.filter(
      ({ blocked_recently, waits, running }) => blocked_recently || waits || (full && running),
    ),
  );
}

/**
 * @param asked names of jobs that the caller wants paused, contending or not; null: those that
 *   contend
 */
export function chooseJobs(
  jobs: readonly CronJob[],
  asked: readonly string[] | null,
  rights: CronRights,
): Choice {
  const left: { name: string; reason: string }[] = [];
  let hint: string | null = null;
  const paused: CronJob[] = [];
  const contends = contending(jobs);
  for (const job of jobs) {
    if (!job.active || !(asked ? asked.includes(job.name) : contends.has(job))) continue;
    const barred = whyNot(job, rights);
    if (barred === null) {
      paused.push(job);
      continue;
    }
    left.push({ name: job.name, reason: barred.reason });
    hint ??= barred.hint;
  }
  for (const name of asked ?? []) {
    if (jobs.some((job) => job.name === name && job.active)) continue;
    left.push({
      name,
      reason: "there is no active job of that name in this database that the role sees",
    });
    hint ??=
      "SELECT coalesce(jobname, 'job ' || jobid) FROM cron.job WHERE active AND " +
      "database = current_database(); lists them.";
  }
  return {
    paused: paused.sort(
      (a, b) => ORDER[a.priority] - ORDER[b.priority] || Number(a.jobid) - Number(b.jobid),
    ),
    left,
    hint,
  };
}

function whyNot(
  job: CronJob,
  { superuser, may_alter, name, role }: CronRights,
): { readonly reason: string; readonly hint: string } | null {
  if (job.priority === "high")
    return {
      reason: "its priority is high",
      hint:
        `SELECT ruvector_healing_job_priority(${sqlLiteral(job.name)}, 'normal'); ` +
        "makes it one that may be paused.",
    };
  const grant = `GRANT EXECUTE ON FUNCTION cron.alter_job TO ${role};`;
  if (!may_alter)
    return {
      reason: `role ${role} may not call cron.alter_job: ${grant}`,
      hint: `${grant} As who made the extension.`,
    };
  if (!superuser && job.username !== name)
    return {
      reason: `it belongs to ${job.username}; only its owner or a superuser may pause it`,
      hint: `As ${printable(job.username)}: SELECT cron.alter_job(${job.jobid}, active := false);`,
    };
  return null;
}

/**
 * lambda of the snapshot without the paused jobs: not waiting, their slots free, and holding nobody
 * up.
 */
export function predictedLambda(
  snapshot: Snapshot,
  paused: readonly CronJob[],
  configuration: Configuration,
): number | null {
  const { maintenance } = snapshot;
  const ids = new Set(paused.map(({ jobid }) => jobid));
  const seconds = maintenance.blocked_writer_seconds;
  // Jobs that hold up others and stay go on to; how the seconds divide between jobs is not kept.
  const relieved = maintenance.jobs.every(
    ({ jobid, blocked_recently }) => !blocked_recently || ids.has(jobid),
  )
    ? seconds.scheduled_job
    : 0;
  // A paused job waits no more, and the slot of one that ran is another's.
  const waiting = maintenance.jobs.filter(({ waits }) => waits).length;
  const fewer = Math.min(waiting, paused.filter(({ running, waits }) => running || waits).length);
  const pushed = snapshot.pushed.maintenance_queue_depth;
  const after: Snapshot = {
    ...snapshot,
    // A reported depth counts the jobs that are paused as well.
    ...(pushed !== undefined && {
      pushed: { ...snapshot.pushed, maintenance_queue_depth: Math.max(0, pushed - fewer) },
    }),
    maintenance: {
      ...maintenance,
      queue_depth:
        maintenance.queue_depth === null ? null : Math.max(0, maintenance.queue_depth - fewer),
      blocked_writer_seconds: {
        ...seconds,
        scheduled_job: seconds.scheduled_job - relieved,
        total: Math.max(0, seconds.total - relieved),
      },
    },
  };
  return assess(after, configuration).reading.lambda;
}

/** Why nothing can be paused, and what a person could do about what does hold writers up. */
export function nothingToPause(snapshot: Snapshot, { left, hint }: Choice): NothingToDo {
  const kept =
    left.length > 0
      ? "no job can be paused: " +
        `${left.map(({ name, reason }) => `${printable(name)}: ${reason}`).join("; ")}`
      : "no pg_cron job contends now";
  // A job of another database is somebody's session here.
  const held = heldBy(snapshot, kept, ({ kind, jobid }) => kind !== "scheduled_job" || !jobid);
  if (held) return held;
  return {
    nothing: kept,
    hint:
      hint ??
      "Jobs are paused while they have held up writers within the last minute, or others " +
        "wait for their slots (cron.max_running_jobs).",
  };
}

/**
 * Where pg_cron cannot be asked: to be told how to pause its jobs helps nobody whom a session of no
 * job's holds up.
 */
export const heldByNoJob = (snapshot: Snapshot, { nothing }: NothingToDo): NothingToDo | null =>
  heldBy(snapshot, nothing, ({ kind }) => kind !== "scheduled_job");

/** The first session of that kind that holds others up; null: there is none. */
function heldBy(
  { maintenance }: Snapshot,
  kept: string,
  wanted: (blocker: Blocker) => boolean,
): NothingToDo | null {
  const first = maintenance.blockers.find(wanted);
  if (!first) return null;
  const doing = first.statement ? `${printable(first.statement, 120)}` : first.kind;
  const where = first.relation ? ` on ${printable(first.relation)}` : "";
  return {
    nothing:
      `${kept}; pid ${first.pid} (${doing}) holds up ` +
      `${count(first.waiting.length, "session")}${where}: vacuums, index builds and people's ` +
      "sessions are not ours to stop",
    hint: `Ask whoever runs it, or type: SELECT pg_cancel_backend(${first.pid});`,
  };
}

export const namesOf = (jobs: readonly { readonly name: string }[]): string =>
  list(jobs.map(({ name }) => printable(name)));
