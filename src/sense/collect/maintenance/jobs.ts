/**
 * pg_cron's jobs: which run, which wait, which failed. Sources: cron.job, cron.job_run_details, as
 * far as the role may see them.
 */
import type { Unmeasured } from "../../../model/measured.ts";
import sql from "sql-template-tag";
import type { Host } from "../../../host/host.ts";
import { JOB_PRIORITIES } from "../../../store/job-priorities.ts";
import { pushHint } from "../gap.ts";
import { dueSince } from "./schedule.ts";

export interface CronJob {
  readonly jobid: string;
  /** Its name, or "job 7". */
  readonly name: string;
  readonly schedule: string;
  readonly username: string;
  readonly active: boolean;
  readonly priority: "low" | "normal" | "high";
  readonly running: boolean;
  /** Backend that runs it. */
  readonly pid: number | null;
  /** It should have started again since its last start. */
  readonly due: boolean;
  /** It is due and cannot start: as many jobs run as pg_cron lets run at once. */
  readonly waits: boolean;
  /** Its last run failed, and it is to run again. That holds nobody up: it is told to people. */
  readonly failing: boolean;
  readonly last_message: string | null;
  /** Seconds since 1970. */
  readonly last_start: number | null;
  /** It held up sessions on the collection's tables within the last minute. */
  readonly blocked_recently: boolean;
}

interface Run {
  readonly jobid: string;
  readonly runid: string;
  readonly pid: number | null;
  readonly status: string;
  readonly message: string | null;
  readonly start: number | null;
  readonly end: number | null;
  /** Of a run under way: what the run before it failed with. */
  readonly failed_before?: string | null;
}

export interface JobsMemory {
  /** Newest run id read. */
  readonly newest: string;
  /** The last run of each job. */
  readonly runs: Readonly<Record<string, Run>>;
  /** Job -> when it was last seen to hold somebody up. */
  readonly blocking: Readonly<Record<string, number>>;
}

/** A row of cron.job. */
interface Job {
  readonly jobid: string;
  readonly jobname: string | null;
  readonly schedule: string;
  readonly command: string;
  readonly active: boolean;
  readonly username: string;
}

type Answer =
  | { readonly installed: false; readonly elsewhere: string | null }
  | { readonly installed: true; readonly denied: string }
  | { readonly installed: true; readonly silent: true }
  | {
      readonly installed: true;
      readonly jobs: readonly Job[];
      readonly runs: readonly Run[];
      readonly newest: string | null;
      readonly others_hidden: boolean;
    };

export interface JobsReading {
  readonly jobs: readonly CronJob[];
  readonly pids: ReadonlySet<number>;
  readonly memory: JobsMemory;
  readonly readable: boolean;
  readonly unmeasured: readonly Unmeasured[];
}

const RUNNING = ["starting", "connecting", "sending", "running"];
const NOTHING: JobsMemory = { newest: "0", runs: {}, blocking: {} };

export function readJobs(host: Host, memory: JobsMemory | null, now: number): JobsReading {
  const before = memory ?? NOTHING;
  const open = Object.values(before.runs)
    .filter(({ status }) => RUNNING.includes(status))
    .map(({ runid }) => runid);
  const { answer } = host.one<{ answer: Answer }>(sql`
    SELECT ruvector.healing_cron(${before.newest}::bigint,
      ARRAY(SELECT jsonb_array_elements_text(${JSON.stringify(open)}::jsonb)::bigint)) AS answer`);
  if (!("jobs" in answer))
    return { jobs: [], pids: new Set(), memory: before, ...unreadable(host, answer) };
  const known = new Set(answer.jobs.map(({ jobid }) => jobid));
  const runs = Object.fromEntries(
    [
      ...Object.values(before.runs),
      ...answer.runs.map((run) => followed(before.runs[run.jobid], run)),
    ]
      .filter(({ jobid }) => known.has(jobid))
      .map((run) => [run.jobid, run]),
  );
  const scheduler = readScheduler(host);
  const jobs = answer.jobs.map((job) => jobNow(job, runs[job.jobid], scheduler, now));
  return {
    jobs,
    pids: new Set(jobs.flatMap(({ pid }) => (pid === null ? [] : [pid]))),
    memory: { newest: answer.newest ?? before.newest, runs, blocking: before.blocking },
    readable: true,
    unmeasured: answer.others_hidden ? [hiddenJobs(host)] : [],
  };
}

function jobNow(
  { jobid, jobname, schedule, username, active }: Job,
  run: Run | undefined,
  { alive, priorities, offset, taken, slots }: Scheduler,
  now: number,
): CronJob {
  const name = jobname ?? `job ${jobid}`;
  const running =
    run !== undefined &&
    RUNNING.includes(run.status) &&
    (run.pid === null || alive.includes(run.pid));
  const start = run?.start ?? null;
  const failure = run === undefined || !active ? null : failureOf(run);
  // A run that was missed while the server was down, or while its job was paused, waits for
  // nothing.
  const due =
    active && start !== null && dueSince(schedule, start, now - GRACE_SECONDS, offset) === true;
  return {
    jobid,
    name,
    schedule,
    username,
    active,
    priority: priorities[name] ?? "normal",
    running,
    pid: running ? run.pid : null,
    due,
    waits: due && !running && taken >= slots,
    failing: failure !== null,
    last_message: failure,
    last_start: start,
    blocked_recently: false,
  };
}

/** What the last run that ended failed with; null: it went well, or none ended yet. */
function failureOf({ status, message, failed_before }: Run): string | null {
  if (status === "failed") return (message ?? "").trim().split("\n", 1)[0]!;
  return RUNNING.includes(status) ? (failed_before ?? null) : null;
}

/** A run under way says nothing of how its job fares: the one before does. */
const followed = (before: Run | undefined, run: Run): Run => {
  if (!before || !RUNNING.includes(run.status)) return run;
  return { ...run, failed_before: failureOf(before) };
};

/** The newest run before which none is under way. */
export const endedUntil = ({ newest, runs }: JobsMemory): string =>
  Object.values(runs)
    .filter(({ status }) => RUNNING.includes(status))
    .map(({ runid }) => BigInt(runid) - 1n)
    .reduce((least, runid) => (runid < least ? runid : least), BigInt(newest))
    .toString();

/** pg_cron's own default of cron.max_running_jobs, where the role may not read it. */
const DEFAULT_SLOTS = 32;

interface Scheduler {
  readonly alive: readonly number[];
  readonly priorities: Readonly<Record<string, CronJob["priority"]>>;
  readonly offset: number;
  /** Jobs that run on the whole server, and how many may. */
  readonly taken: number;
  readonly slots: number;
}

const readScheduler = (host: Host): Scheduler =>
  host.one<Scheduler>(sql`
    SELECT coalesce((SELECT json_agg(a.pid) FROM pg_stat_activity a
      WHERE a.datname = current_database()), '[]') AS alive,
           coalesce(${JOB_PRIORITIES}, '{}') AS priorities,
           -- Of all databases: they share the slots. A role that may not see others' sessions sees
           -- its own only, and none waits then.
           (SELECT count(*)::int FROM pg_stat_activity a
             WHERE 'pg_cron' IN (a.application_name, a.backend_type)) AS taken,
           coalesce(ruvector.healing_server_setting('cron.max_running_jobs')::int,
             ${DEFAULT_SLOTS}::int) AS slots,
           extract(epoch
             FROM clock_timestamp() AT TIME ZONE
             coalesce(ruvector.healing_server_setting('cron.timezone'), 'GMT')
                              - clock_timestamp() AT TIME ZONE 'UTC')::float8 AS offset`);

/** pg_cron looks once a second and connects before it starts: a run is not late before that. */
const GRACE_SECONDS = 2;

function unreadable(
  host: Host,
  answer: Exclude<Answer, { jobs: unknown }>,
): Pick<JobsReading, "readable" | "unmeasured"> {
  if (!answer.installed && answer.elsewhere === null) return { readable: true, unmeasured: [] };
  const { role } = host.one<{ role: string }>(sql`SELECT quote_ident(current_user) AS role`);
  const gap = (why: string, hint: string) => ({
    readable: false,
    unmeasured: [{ what: "scheduled jobs", why, hint }],
  });
  if (!answer.installed && answer.elsewhere === "(hidden)") {
    return gap(
      "pg_cron is not in this database; whether it runs jobs here from another one is not " +
        "shown to the role",
      `GRANT pg_read_all_settings TO ${role};`,
    );
  }
  if (!answer.installed) {
    return gap(
      `pg_cron of this server keeps its jobs in database ${answer.elsewhere} ` +
        "(cron.database_name): those of this database cannot be read from here",
      pushHint("maintenance_queue_depth"),
    );
  }
  if ("silent" in answer)
    return gap("cron.log_run is off: nobody can see which jobs run", SILENT_HINT);
  return gap(
    answer.denied,
    `GRANT USAGE ON SCHEMA cron TO ${role}; GRANT SELECT ON cron.job, cron.job_run_details ` +
      `TO ${role};`,
  );
}

export const SILENT_HINT = "ALTER SYSTEM SET cron.log_run = on; and restart the server.";

function hiddenJobs(host: Host): Unmeasured {
  const { role } = host.one<{ role: string }>(sql`SELECT quote_ident(current_user) AS role`);
  return {
    what: "scheduled jobs of other roles",
    why: "pg_cron shows a role its own jobs only (row security)",
    hint:
      `CREATE POLICY ruvector_healing_sees ON cron.job FOR SELECT TO ${role} USING (true); ` +
      "CREATE POLICY ruvector_healing_sees ON cron.job_run_details FOR SELECT TO " +
      `${role} USING (true);`,
  };
}
