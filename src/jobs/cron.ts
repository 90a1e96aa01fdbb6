/**
 * pg_cron as one-off jobs need it: whether it can be used, a line that comes once, and what became
 * of a run.
 */
import sql, { type Sql } from "sql-template-tag";
import type { Host } from "../host/host.ts";
import { HealingError, SqlError } from "../base/errors.ts";
import { type Job, marker } from "../store/jobs.ts";

/** Why pg_cron cannot run a job now, and what would change that. */
export interface NoCron {
  readonly reason: string;
  readonly detail: string;
  readonly hint: string;
}

/**
 * A setting of pg_cron; NULL where the role may not read it. All of them are for superusers and
 * pg_read_all_settings only: current_setting fails with 42501, pg_settings leaves them out
 * (measured on 1.6.8).
 */
const setting = (name: string): Sql =>
  sql`(SELECT setting FROM ruvector.healing_parameters() WHERE name = ${`cron.${name}`})`;

interface Facts {
  readonly installed: boolean;
  readonly database: string;
  readonly available: boolean;
  /** null: not loaded, or not readable. */
  readonly cron_database: string | null;
  readonly role: string;
  readonly superuser: boolean;
  readonly usage: boolean;
  readonly superuser_jobs: string | null;
  readonly log_run: string | null;
  readonly launch: string | null;
  /** null: not readable. */
  readonly limit: number | null;
  readonly running: number;
}

/** null: a job can be scheduled here, by the installing role, and it would start at once. */
export function whyNoCron(host: Host): NoCron | null {
  const facts = host.one<Facts>(sql`
    SELECT EXISTS (SELECT FROM pg_extension
      WHERE extname = 'pg_cron') AS installed, quote_ident(current_database()) AS database,
           quote_ident(${setting("database_name")}) AS cron_database,
             quote_ident(current_user) AS role,
           EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_cron') AS available,
           (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
           coalesce((SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace
             WHERE nspname = 'cron'), false) AS usage,
           ${setting("enable_superuser_jobs")} AS superuser_jobs, ${setting("log_run")} AS log_run,
             ${setting("launch_active_jobs")} AS launch,
           ${setting("max_running_jobs")}::int AS "limit",
           -- This session's own run, a tick, has ended by the minute of the job.
           (SELECT count(*)::int FROM pg_stat_activity WHERE pid <> pg_backend_pid()
             AND (backend_type = 'pg_cron' OR (backend_type = 'client backend'
               AND application_name = 'pg_cron'))) AS running`);
  const { role } = facts;
  // Its extension may stand where it lived before: nothing that is scheduled there ever runs.
  if (!facts.installed || (facts.cron_database ?? facts.database) !== facts.database)
    return notInstalled(facts);
  if (!facts.usage) {
    return {
      reason: `role ${role} may not use pg_cron`,
      detail: "It has no USAGE on schema cron.",
      hint: `GRANT USAGE ON SCHEMA cron TO ${role};`,
    };
  }
  if (facts.superuser && facts.superuser_jobs === "off") {
    return {
      reason: "pg_cron runs no jobs of superusers here",
      detail: "cron.enable_superuser_jobs is off.",
      hint: "Install ruvector_healing as a role that is no superuser.",
    };
  }
  if (facts.log_run === "off") {
    return {
      reason: "pg_cron keeps no record of its runs here",
      detail: "cron.log_run is off: nobody could say how a job ended.",
      hint: "Set cron.log_run = on and restart.",
    };
  }
  if (facts.launch === "off") {
    return {
      reason: "pg_cron starts no jobs now",
      detail: "cron.launch_active_jobs is off.",
      hint: "ALTER SYSTEM SET cron.launch_active_jobs = on; SELECT pg_reload_conf();",
    };
  }
  if (facts.limit !== null && facts.running >= facts.limit) {
    return {
      reason: `pg_cron runs as many jobs as it may: ${facts.running}`,
      detail: `cron.max_running_jobs is ${facts.limit}.`,
      hint: "Wait for one to end, or raise cron.max_running_jobs.",
    };
  }
  return null;
}

function notInstalled({ installed, database, cron_database, available, role }: Facts): NoCron {
  const reason = installed
    ? `pg_cron runs no jobs from database ${database}`
    : `pg_cron is not installed in database ${database}`;
  if (cron_database === database)
    return {
      reason,
      detail: "The server has it for this database (cron.database_name).",
      hint: "CREATE EXTENSION pg_cron;",
    };
  if (cron_database !== null) {
    return {
      reason,
      detail: `pg_cron of this server lives in database ${cron_database} (cron.database_name).`,
      hint: `Set cron.database_name to ${database} and restart.`,
    };
  }
  return available
    ? {
        reason,
        detail:
          `Which database it lives in (cron.database_name) is not for role ${role} to read, or ` +
          "the server does not load it.",
        hint: `CREATE EXTENSION pg_cron; or GRANT pg_read_all_settings TO ${role};`,
      }
    : {
        reason,
        detail: "This server does not have it.",
        hint: "Install pg_cron and add it to shared_preload_libraries.",
      };
}

/** A line of cron that comes once a year, and the instant it means. */
export interface OnceLine {
  readonly line: string;
  /** Seconds since 1970. */
  readonly at: number;
}

/** A job starts with the next minute, at least 3 s away: so much later at most. */
export const START_SECONDS = 63;

const lineOf = (at: Sql, zone: Sql): Sql =>
  sql`to_char(${at} AT TIME ZONE ${zone}, 'FMMI FMHH24 FMDD FMMM') || ' *'`;

/**
 * The next minute, at least 3 s away so that this transaction is committed by then, as a line in
 * cron's time zone. A wall clock minute that comes twice (when summer time ends) is passed over:
 * pg_cron would start the job in both. The zone is GMT, pg_cron's default, where the role may not
 * read it: in another one the job does not start, is withdrawn and says so.
 */
export const nextMinute = (host: Host): OnceLine =>
  host.one<OnceLine>(sql`
  WITH zone AS (SELECT coalesce(${setting("timezone")}, 'GMT') AS name)
  SELECT ${lineOf(sql`m.at`, sql`zone.name`)} AS line,
    extract(epoch FROM m.at)::float8 AS at
    FROM zone, LATERAL (SELECT date_trunc('minute', clock_timestamp()
      + make_interval(secs => ${START_SECONDS}::int))
      + k * interval '1 minute' AS at FROM generate_series(0, 200) k) m
   WHERE NOT EXISTS (SELECT FROM generate_series(-180, 180, 30) d
                      WHERE d <> 0 AND (m.at + d * interval '1 minute') AT TIME ZONE zone.name
                        = m.at AT TIME ZONE zone.name)
   ORDER BY m.at LIMIT 1`);

/** @throws HealingError RV009 when pg_cron refuses */
export function schedule(host: Host, name: string, line: string, command: string): string {
  try {
    return host.one<{ jobid: string }>(
      sql`SELECT cron.schedule(${name}, ${line}, ${command})::text AS jobid`,
    ).jobid;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const { sqlstate, message, hint } = error.document;
    throw new HealingError("scheduling_unavailable", "pg_cron did not take the job", {
      detail: `${sqlstate}: ${message}`,
      ...(hint !== null && { hint }),
    });
  }
}

/**
 * healing_call switches row_security off, so that a policy on a user's table shows as an error and
 * not as missing rows. pg_cron's tables have policies by design: a plain role sees its own jobs.
 */
function withPolicies<T>(host: Host, work: () => T): T {
  host.execute(sql`SELECT set_config('row_security', 'on', true)`);
  const result = work();
  host.execute(sql`SELECT set_config('row_security', 'off', true)`);
  return result;
}

const installed = (host: Host): boolean =>
  host.one<{ there: boolean }>(sql`SELECT to_regclass('cron.job') IS NOT NULL AS there`).there;

/**
 * A job of ours, and no other that has its number: where somebody dropped pg_cron and made it
 * again, numbers begin anew.
 */
const isOurs = ({ jobid, id }: OneOff): Sql =>
  sql`jobid = ${jobid}::bigint AND starts_with(command, ${marker(id)})`;

/** What a job is known by: its number in pg_cron, and its own here. */
type OneOff = Pick<Job, "id" | "jobid">;

/**
 * Takes a job out of pg_cron, if it is still there. Never while it runs: pg_cron then forgets it
 * (libpq) or kills it (background workers). false: not now, it would be waited for a session that
 * has changed pg_cron's jobs and not committed yet.
 */
export function unschedule(host: Host, job: OneOff): boolean {
  if (!installed(host)) return true;
  return withPolicies(host, () => {
    const [there] = host.query<{ changing: boolean }>(sql`
      SELECT ruvector.healing_changed_by_others('cron.job') AS changing
        FROM cron.job WHERE ${isOurs(job)}`);
    if (there?.changing) return false;
    host.query(sql`SELECT cron.unschedule(jobid) FROM cron.job WHERE ${isOurs(job)}`);
    return true;
  });
}

export interface Run {
  /** pg_cron's: starting, connecting, sending, running, succeeded, failed. */
  readonly status: string;
  readonly message: string | null;
  readonly pid: number | null;
  readonly started_at: number | null;
  readonly ended_at: number | null;
}

/** A job as it stands in cron.job, where anybody with a right to may have changed it. */
export interface Scheduled {
  readonly active: boolean;
  /** The line, where it is another one than the job was scheduled with. */
  readonly changed: string | null;
}

export interface Known {
  readonly installed: boolean;
  /** null: it is not there any more. */
  readonly scheduled: Scheduled | null;
  readonly logged: boolean;
  readonly run: Run | null;
}

/**
 * What pg_cron has of a job: how it is scheduled, and its run. One-off jobs have at most one.
 */
export function readRun(host: Host, job: OneOff & Pick<Job, "start_at">): Known {
  if (!installed(host)) return { installed: false, scheduled: null, logged: false, run: null };
  return withPolicies(host, () =>
    host.one(sql`
    SELECT true AS installed,
      (SELECT json_build_object('active', active, 'changed', nullif(schedule, line.own))
         FROM cron.job CROSS JOIN (SELECT ${lineOf(
           sql`to_timestamp(${job.start_at}::float8)`,
           sql`coalesce(${setting("timezone")}, 'GMT')`,
         )}) line (own)
        WHERE ${isOurs(job)}) AS scheduled, coalesce(${setting("log_run")}, 'on') = 'on'
      AS logged,
           (SELECT row_to_json(r) FROM (
              SELECT status, btrim(return_message, E' \n') AS message, job_pid AS pid, extract(epoch
                FROM start_time)::float8 AS started_at,
                     extract(epoch FROM end_time)::float8 AS ended_at
                FROM cron.job_run_details WHERE ${isOurs(job)}
                  ORDER BY runid DESC LIMIT 1) r) AS run`),
  );
}

/** Whether cron.timezone is known; a job that does not start may wait in another zone. */
export const zoneKnown = (host: Host): boolean =>
  host.one<{ known: boolean }>(sql`SELECT ${setting("timezone")} IS NOT NULL AS known`).known;

/**
 * Removes the run of a job that ended: healing_jobs has what it said. A role that may not delete it
 * leaves it there, and so does one that would wait for whoever purges pg_cron's log.
 */
export function forgetRun(host: Host, job: OneOff): void {
  try {
    host.atomic(() =>
      withPolicies(host, () =>
        host.execute(sql`DELETE FROM cron.job_run_details WHERE ${isOurs(job)}
          AND NOT ruvector.healing_changed_by_others('cron.job_run_details')`),
      ),
    );
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
  }
}
