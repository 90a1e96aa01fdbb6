/** How far the build of an index is. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Job } from "../store/jobs.ts";

/**
 * How far a build is, and whom it waits for: "building index: loading tuples in tree, 40 %".
 */
export function buildProgress(host: Host, { pid, message, state }: Job): string {
  const [row] = host.query<{
    phase: string | null;
    done: number;
    total: number;
    blocker: number | null;
    lockers: number;
  }>(sql`
    SELECT phase, CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END::float8 AS done,
           CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END::float8 AS total,
           nullif(current_locker_pid, 0) AS blocker, (lockers_total - lockers_done)::int AS lockers
      FROM pg_stat_progress_create_index WHERE pid = ${pid}::int`);
  if (!row || row.phase === null) return message ?? state;
  const share =
    row.total > 0 && !row.phase.startsWith("waiting")
      ? `, ${Math.floor((100 * Math.min(row.done, row.total)) / row.total)} %`
      : "";
  return `${row.phase}${share}${row.blocker === null ? "" : `, waits for pid ${row.blocker}`}`;
}
