/**
 * pg_cron as far as the loop sees it, for a database that has none: it keeps jobs and what became
 * of them where pg_cron does. The jobs are real, and run when the script says that their minute has
 * come.
 */
import type { TestDatabase } from "../../support/database.ts";
import { lines } from "./text.ts";

export const pgCron = (db: TestDatabase): Promise<unknown> =>
  db.client.query(`
    CREATE SCHEMA cron;
    CREATE TABLE cron.job (jobid bigint GENERATED ALWAYS AS IDENTITY, schedule text, command text,
      nodename text, nodeport int, database text DEFAULT current_database(),
      username text DEFAULT current_user, active boolean DEFAULT true, jobname text);
    CREATE TABLE cron.job_run_details (jobid bigint, runid bigint GENERATED ALWAYS AS IDENTITY,
      job_pid int, database text DEFAULT current_database(), username text DEFAULT current_user,
      command text, status text, return_message text, start_time timestamptz,
      end_time timestamptz);
    CREATE FUNCTION cron.schedule(job_name text, schedule text, command text) RETURNS bigint
      LANGUAGE sql AS $$ INSERT INTO cron.job (jobname, schedule, command)
        VALUES (job_name, schedule, command) RETURNING jobid $$;
    CREATE FUNCTION cron.unschedule(job_id bigint) RETURNS boolean
      LANGUAGE sql AS $$ DELETE FROM cron.job WHERE jobid = job_id RETURNING true $$;
    CREATE FUNCTION cron.alter_job(job_id bigint, schedule text DEFAULT NULL,
      command text DEFAULT NULL, database text DEFAULT NULL, username text DEFAULT NULL,
      active boolean DEFAULT NULL) RETURNS void
      LANGUAGE sql AS $$ UPDATE cron.job j SET schedule = coalesce($2, j.schedule),
        active = coalesce($6, j.active) WHERE j.jobid = $1 $$;
    SET allow_system_table_mods = on;
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
      SELECT 4000000000, 'pg_cron', oid, 'cron'::regnamespace, false, '1.6' FROM pg_roles
        WHERE rolname = current_user;
    RESET allow_system_table_mods`);

export async function withoutCron(db: TestDatabase): Promise<void> {
  await db.client.query(`
    SET allow_system_table_mods = on;
    DELETE FROM pg_extension WHERE extname = 'pg_cron';
    RESET allow_system_table_mods;
    DROP SCHEMA IF EXISTS cron CASCADE`);
}

/** Runs what is due once, as pg_cron would: each command by itself, outside a transaction. */
export async function minute(db: TestDatabase): Promise<string[]> {
  const jobs = await db.rows<{ jobid: string; command: string }>(`
    SELECT jobid::text, command FROM cron.job j WHERE jobname LIKE 'ruvector\\_healing\\_job%'
      AND NOT EXISTS (SELECT FROM cron.job_run_details d WHERE d.jobid = j.jobid) ORDER BY 1`);
  const out: string[] = [];
  for (const { jobid, command } of jobs) {
    const [status, message] = await db.client.query(command).then(
      ({ command: tag }) => ["succeeded", tag],
      (error: Error) => ["failed", `ERROR: ${error.message}`],
    );
    await db.client.query(
      `INSERT INTO cron.job_run_details (jobid, command, status, return_message, start_time,
        end_time) VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp())`,
      [jobid, command, status, message],
    );
    out.push(`pg_cron ran ${command.replace(/^\/\*.*?\*\/ /, "")}: ${status}`);
  }
  return out.flatMap(lines);
}
