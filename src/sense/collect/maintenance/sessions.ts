/**
 * VACUUM, ANALYZE, index builds and CLUSTER at work or in a queue. Sources: pg_stat_progress_*,
 * pg_stat_activity, pg_locks.
 */
import sql from "sql-template-tag";
import { family } from "../../../collection/introspect.ts";
import type { Host } from "../../../host/host.ts";
import type { Collection } from "../../../model/collection.ts";

export interface MaintenanceSession {
  readonly pid: number;
  /**
   * vacuum, analyze, create_index, cluster; `queued`: it waits for its lock on a table of the
   * collection.
   */
  readonly kind: "vacuum" | "analyze" | "create_index" | "cluster" | "queued";
  /** A worker of autovacuum. */
  readonly automatic: boolean;
  readonly relid: string | null;
  readonly relation: string | null;
  readonly phase: string | null;
  /** Percent of the phase's blocks, where it counts them. */
  readonly done_pct: number | null;
}

/**
 * Maintenance of this database that runs, and what waits to begin on the collection's tables.
 * @param jobs pids of pg_cron's jobs: those are counted as jobs
 */
export function readSessions(
  host: Host,
  collection: Collection,
  jobs: ReadonlySet<number>,
): MaintenanceSession[] {
  const rows = host.query<MaintenanceSession>(sql`
    WITH progress AS (
      SELECT pid, 'vacuum' AS kind, relid, phase, heap_blks_scanned AS done,
        heap_blks_total AS total FROM pg_stat_progress_vacuum WHERE datname = current_database()
      UNION ALL
      SELECT pid, 'analyze', relid, phase, sample_blks_scanned, sample_blks_total
        FROM pg_stat_progress_analyze WHERE datname = current_database()
      UNION ALL
      SELECT pid, 'create_index', relid, phase, blocks_done, blocks_total
        FROM pg_stat_progress_create_index WHERE datname = current_database()
      UNION ALL
      SELECT pid, 'cluster', relid, phase, heap_blks_scanned, heap_blks_total
        FROM pg_stat_progress_cluster WHERE datname = current_database()
    ), queued AS (
      SELECT DISTINCT ON (l.pid) l.pid, 'queued' AS kind, l.relation AS relid,
        'waits for ' || l.mode AS phase, NULL::bigint AS done, NULL::bigint AS total
        FROM pg_locks l
       WHERE l.locktype = 'relation' AND NOT l.granted
         AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
           'ExclusiveLock', 'AccessExclusiveLock')
         AND l.relation IN (SELECT relid FROM ${family(sql`${collection.relid}::oid`)} f)
         AND NOT EXISTS (SELECT FROM progress p WHERE p.pid = l.pid)
       ORDER BY l.pid
    )
    SELECT p.pid, p.kind, coalesce(a.backend_type = 'autovacuum worker', false) AS automatic,
      p.relid::text,
           p.relid::regclass::text AS relation, p.phase, round(100.0 * p.done / nullif(p.total, 0),
             1)::float8 AS done_pct
      FROM (SELECT * FROM progress UNION ALL SELECT *
        FROM queued) p JOIN pg_stat_activity a USING (pid)
     WHERE p.pid <> pg_backend_pid()
     ORDER BY p.pid`);
  return rows.filter(({ pid }) => !jobs.has(pid));
}
