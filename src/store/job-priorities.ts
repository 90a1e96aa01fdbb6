/** The rows of ruvector.healing_job_priorities: which jobs of pg_cron matter to people. */
import sql from "sql-template-tag";

/** Priorities by name, as SQL: what runs now is asked for in the same statement. */
export const JOB_PRIORITIES = sql`(SELECT json_object_agg(p.jobname, p.priority)
             FROM ruvector.healing_job_priorities p)`;
