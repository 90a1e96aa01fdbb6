/** A job of pg_cron that ended in vain: why, and who is in its way now. */
import type { Host } from "../host/host.ts";
import { HealingError } from "../base/errors.ts";
import type { Job } from "../store/jobs.ts";
import { oldestTransaction } from "../select/preflight-facts.ts";

/**
 * The transaction that CREATE INDEX CONCURRENTLY waits for, or for which VACUUM keeps dead rows:
 * the guard before an action passes over those younger than preflight_transaction_seconds. In the
 * message, which is all that is kept of a failed action. One that began after the job was waited
 * for by nobody: where searches come all the time, one of them is always open.
 * @param table oid; null: gone
 */
export function inTheWay(host: Host, job: Job, table: string | null): string | null {
  const held = oldestTransaction(host, table === null ? [] : [table]);
  if (held === null || job.started_at === null) return null;
  if (held.seconds < job.now - job.started_at) return null;
  return (
    `a transaction has been open for ${Math.round(held.seconds)} s: ${held.who} ` +
    `(${held.ends} ends it)`
  );
}

/** @param what in the past: "public.t could not be vacuumed" */
export function failedJob(host: Host, what: string, job: Job, table: string | null): HealingError {
  // One that failed by itself waited for nobody.
  const held = job.cancel_reason === null ? null : inTheWay(host, job, table);
  return new HealingError(
    "remedy_refused",
    `${what}: ${job.message ?? job.state}` + (held === null ? "" : `; ${held}`),
    { detail: `${job.command} ended as ${job.state}.`, hint: "The server's log has more." },
  );
}
