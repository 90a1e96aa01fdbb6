/** pause_maintenance: pauses pg_cron's jobs that contend with the writers, for a while. */
import type { Lease } from "../../model/lease.ts";
import sql from "sql-template-tag";
import * as z from "zod/mini";
import type { Host } from "../../host/host.ts";
import type { Action, NewStep, Progress } from "../../model/action.ts";
import { count, printable } from "../../base/text.ts";
import { recordActionEvent } from "../../store/actions.ts";
import { closeLease, grantLease, openLeases } from "../../store/leases.ts";
import { type LeaseGranted, undoLease } from "../undo-lease.ts";
import type { BatchResult, NothingToDo, Strategy } from "../strategy.ts";
import { SILENT_HINT } from "../../sense/collect/maintenance/jobs.ts";
import { alterJob, cronRights, jobState, NEVER, resumeJob } from "./jobs.ts";
import {
  chooseJobs,
  heldByNoJob,
  namesOf,
  nothingToPause,
  type PausedJob,
  type PausePlan,
  predictedLambda,
} from "./plan.ts";

interface PauseProgress extends Progress {
  /** Jobs of the plan that are paused. */
  readonly paused: readonly string[];
  /**
   * Jobs that run still and will not start again, by job id their schedule; null: the first batch
   * has not been.
   */
  readonly ending: Readonly<Record<string, string>> | null;
  /** What it waits for, as its last batch left it. */
  readonly waits?: string;
}

const START: PauseProgress = { paused: [], ending: null };

interface PausedByLease extends LeaseGranted {
  readonly kind: "pause_job";
  readonly details: { readonly jobid: string; readonly name: string };
}

const PARAMS = () => ({
  jobs: z.optional(z.array(z.string().check(z.minLength(1))).check(z.minLength(1))),
  pause_seconds: z.optional(z.number().check(z.gte(1), z.lte(86_400))),
});

/** Between two looks at the jobs that run. */
const LOOK_SECONDS = 0.1;

export const pauseMaintenance: Strategy<PausePlan, PauseProgress, PausedByLease, typeof PARAMS> = {
  name: "pause_maintenance",
  handles: ["maintenance_contention"],
  impact: 0.1,
  reversible: true,
  mayWorsen: false,
  description:
    "Pauses pg_cron jobs below priority high that contend with the writers, once their runs " +
    "have ended, until its lease is over.",
  params: PARAMS,
  start: START,

  applicable: () => true,

  plan({ host, collection, snapshot, params, tick_seconds }) {
    const { settings } = collection;
    const missing = withoutCron(host);
    if (missing) return heldByNoJob(snapshot, missing) ?? missing;
    const asked = params.jobs ?? null;
    const choice = chooseJobs(snapshot.maintenance.jobs, asked, cronRights(host));
    const { paused, left } = choice;
    if (paused.length === 0) return nothingToPause(snapshot, choice);
    return {
      strategy: "pause_maintenance",
      rows: 0,
      bytes: 0,
      // A changed row of cron.job, its index entries, a lease and a journal row: some 1 KiB a job.
      wal_bytes: 1024 * paused.length,
      relation_locks: 1,
      predicted_lambda: predictedLambda(snapshot, paused, settings),
      estimated_duration_seconds: Math.ceil(
        settings.drain_seconds + 2 * tick_seconds + settings.stabilize_seconds,
      ),
      locks: [
        "none on the collection",
        "ROW EXCLUSIVE on cron.job for the moment of each change; never waited for",
      ],
      jobs: paused.map(({ jobid, name, priority, running }) => ({
        jobid,
        name,
        priority,
        running,
      })),
      left,
      pause_seconds: params.pause_seconds ?? settings.pause_seconds,
      drain_seconds: settings.drain_seconds,
    };
  },

  executeBatch({ host, collection, action }) {
    const { plan, progress } = action;
    const { ending } = progress;
    if (ending === null) return begin(host, action, plan);
    const left = plan.jobs.filter(({ jobid }) => ending[jobid] !== undefined);
    const waited = action.now - (action.started_at ?? action.now);
    const ended = left.filter(({ jobid }) => !jobState(host, jobid).running);
    for (const { jobid } of ended) pauseEnded(host, jobid, ending[jobid]!);
    const running = left.filter((job) => !ended.includes(job));
    const next: PauseProgress = {
      paused: [...progress.paused, ...ended.map(({ jobid }) => jobid)],
      ending: Object.fromEntries(running.map(({ jobid }) => [jobid, ending[jobid]!])),
    };
    if (running.length === 0) return finished(next);
    if (waited >= plan.drain_seconds) return giveUp(host, action, running, next);
    // What changed is to be seen by pg_cron at once: commit before waiting for the rest.
    if (ended.length === 0)
      awaitIdle(
        host,
        running,
        Math.min(collection.settings.slice_seconds, plan.drain_seconds - waited),
      );
    const waits =
      `waits for ${namesOf(running)} to end, ${Math.round(plan.drain_seconds - waited)} s at ` +
      "most";
    return { done: false, steps: [], progress: { ...next, waits }, waiting: waits };
  },

  boundTo: ({ jobs }) => ({
    facts: { jobs: jobs.map(({ name, jobid }) => `${name} (${jobid})`) },
    amounts: {},
  }),
  // A job that is paused may be the one that vacuums.
  preflight: ["wraparound"],

  remeasures: ["maintenance"],

  describeStep: ({ details: { name, jobid } }) =>
    `paused pg_cron job ${printable(name)} (${jobid})`,

  describeProgress: ({ plan, progress: { waits, paused } }) =>
    waits ?? `${paused.length} of ${count(plan.jobs.length, "job")} paused`,

  undoStep: ({ host, action }, step) => undoLease(host, step, action.id, resume),

  endLease: resume,
};

type PauseAction = Action<PausePlan, PauseProgress>;
type PauseResult = BatchResult<PauseProgress, PausedByLease>;

/** pg_cron lives in one database of a server. */
function withoutCron(host: Host): NothingToDo | null {
  const { there, silent, database, here } = host.one<{
    /** Not where it only lived before. */
    there: boolean;
    silent: boolean;
    database: string | null;
    here: string;
  }>(sql`
    SELECT ruvector.healing_cron_here() AS there,
      coalesce(ruvector.healing_server_setting('cron.log_run') = 'off', false) AS silent,
           ruvector.healing_server_setting('cron.database_name') AS database,
             current_database() AS here`);
  // A job that runs would be cut short by switching it off.
  if (there && silent)
    return { nothing: "cron.log_run is off: which jobs run cannot be seen", hint: SILENT_HINT };
  if (there) return null;
  if (database === null)
    return {
      nothing: "pg_cron is not in this database: there are no jobs to pause",
      hint: "What other schedulers start has to be paused there.",
    };
  if (database === here)
    return {
      nothing: "pg_cron is not installed in this database",
      hint: "CREATE EXTENSION pg_cron;",
    };
  return {
    nothing:
      `pg_cron's jobs are in database ${printable(database)}: ` + "they cannot be paused from here",
    hint:
      `In database ${printable(database)}: SELECT cron.alter_job(jobid, active := false) FROM ` +
      `cron.job WHERE database = '${here.replace(/'/g, "''")}' AND jobname = '<job>';`,
  };
}

/** The first batch: jobs that do not run are switched off, those that run will not start again. */
function begin(host: Host, action: PauseAction, plan: PausePlan): PauseResult {
  const steps: NewStep<PausedByLease>[] = [];
  const paused: string[] = [];
  const ending: Record<string, string> = {};
  host.query(sql`SELECT ruvector.healing_keep_watch()`);
  for (const { jobid, name } of plan.jobs) {
    const { found, active, running, schedule, jobname, command } = jobState(host, jobid);
    // Deleted or switched off by somebody since the plan: not ours to switch on later. Nor is
    // another job that has its number by now: pg_cron was made again.
    if (!found || !active || schedule === null) continue;
    if ((jobname ?? `job ${jobid}`) !== name) continue;
    if (running) ending[jobid] = schedule;
    else paused.push(jobid);
    alterJob(host, jobid, running ? { schedule: NEVER } : { active: false });
    const lease = grantLease(host, action, {
      kind: "paused_job",
      target: { jobid, name, command },
      previous: { active: true, schedule },
      seconds: plan.pause_seconds,
    });
    steps.push({ kind: "pause_job", details: { jobid, name }, rows: 0, journal: [{ lease }] });
  }
  const progress: PauseProgress = { paused, ending };
  return Object.keys(ending).length === 0
    ? { ...finished(progress), steps }
    : { done: false, steps, progress };
}

const finished = (progress: PauseProgress): PauseResult => ({
  done: true,
  steps: [],
  progress: { ...progress, done: true, remeasure: true },
});

/** A job whose last run has ended: switched off, with its own schedule again. */
function pauseEnded(host: Host, jobid: string, previous: string): void {
  const { found, active, schedule } = jobState(host, jobid);
  if (found && active && schedule === NEVER)
    alterJob(host, jobid, { active: false, schedule: previous });
}

/**
 * Looks again and again whether one of the jobs has ended its run, for as long as the slice lasts.
 */
function awaitIdle(host: Host, jobs: readonly PausedJob[], seconds: number): void {
  const end = host.now() + seconds * 1000;
  while (host.now() < end && jobs.every(({ jobid }) => jobState(host, jobid).running))
    host.query(sql`SELECT pg_sleep(${LOOK_SECONDS}::float8)`);
}

/** The time for draining is over: what still runs is left to run, and gets its schedule back. */
function giveUp(
  host: Host,
  action: PauseAction,
  left: readonly PausedJob[],
  progress: PauseProgress,
): PauseResult {
  for (const lease of openLeases(host, action.id)) {
    if (left.some(({ jobid }) => jobid === lease.target["jobid"]))
      closeLease(host, lease, resume, "its run did not end in time");
  }
  recordActionEvent(
    host,
    action,
    "not_drained",
    `${namesOf(left)} did not end within ${action.plan.drain_seconds} s and ` +
      "could not be paused without cutting the run short",
    {
      jobs: left,
      hint: left.map(({ jobid }) => `SELECT cron.alter_job(${jobid}, active := false);`).join(" "),
    },
  );
  return finished({ ...progress, not_drained: left.map(({ name }) => name) });
}

/** Has pg_cron run the job again, as often as before. */
function resume(host: Host, lease: Lease): void {
  // pg_cron may have been dropped since, and the jobs with it.
  const { there } = host.one<{ there: boolean }>(
    sql`SELECT to_regclass('cron.job') IS NOT NULL AS there`,
  );
  if (there) resumeJob(host, lease.target, String(lease.previous["schedule"]));
}
