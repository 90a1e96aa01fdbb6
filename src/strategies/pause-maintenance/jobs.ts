/** pg_cron's jobs, one by one: what they are now, and switching them off and on. */
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Lease } from "../../model/lease.ts";

export interface JobState {
  readonly found: boolean;
  readonly active: boolean;
  readonly schedule: string | null;
  readonly running: boolean;
  /** null: it has none, or is not there. */
  readonly jobname?: string | null;
  /** A digest of its command. */
  readonly command?: string;
}

export const jobState = (host: Host, jobid: string): JobState =>
  host.one<{ state: JobState }>(sql`SELECT ruvector.healing_cron_job(${jobid}::bigint) AS state`)
    .state;

/**
 * A schedule that never comes: 31 February. A job that runs is given it until its run has ended,
 * because to pg_cron a job switched off while it runs is cancelled (it drops the connection, or
 * ends its background worker) and its statement may be cut short; and a job that always runs again
 * at once leaves no moment in between.
 */
export const NEVER = "0 0 31 2 *";

/**
 * @param change what is left out stays as it is
 * @throws SqlError 55P03 while another session changes pg_cron's jobs
 */
export const alterJob = (
  host: Host,
  jobid: string,
  change: { readonly active?: boolean; readonly schedule?: string },
): void => {
  host.query(
    sql`SELECT ruvector.healing_alter_job(${jobid}::bigint, ${change.active ?? null}::boolean,
      ${change.schedule ?? null})`,
  );
};

const pausedJob = (host: Host, target: Lease["target"]): JobState =>
  host.one<{ state: JobState }>(
    sql`SELECT ruvector.healing_paused_job(${JSON.stringify(target)}::jsonb) AS state`,
  ).state;

/**
 * Undoes what a pause did and nobody else has changed since: a job that somebody switched on,
 * rescheduled or deleted is theirs. Switched off, and with the schedule that never comes, is no
 * state of ours: somebody switched it off while its run was waited for, and it stays off.
 */
export function resumeJob(host: Host, target: Lease["target"], previous: string): void {
  const jobid = String(target["jobid"]);
  const { found, active, schedule } = pausedJob(host, target);
  if (!found) return;
  const change = {
    ...(!active && schedule !== NEVER && { active: true }),
    ...(schedule === NEVER && { schedule: previous }),
  };
  if (Object.keys(change).length > 0) alterJob(host, jobid, change);
}

export interface CronRights {
  readonly role: string;
  readonly name: string;
  readonly superuser: boolean;
  /** May call cron.alter_job at all. */
  readonly may_alter: boolean;
}

/** What the installing role may do with pg_cron; asked only where pg_cron is in this database. */
export const cronRights = (host: Host): CronRights =>
  host.one(sql`
  SELECT quote_ident(current_user) AS role, current_user AS name,
         (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
         coalesce((SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc p
                    WHERE p.pronamespace = to_regnamespace('cron')
                      AND p.proname = 'alter_job'), false) AS may_alter`);
