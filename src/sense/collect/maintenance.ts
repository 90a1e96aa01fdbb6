/**
 * What runs beside the queries: scheduled jobs, vacuum, index builds, and the writers that wait for
 * them. Sources: pg_locks, pg_blocking_pids, pg_stat_activity, pg_stat_progress_*,
 * pg_stat_all_tables, cron.job, cron.job_run_details.
 */
import type { Measured, Unmeasured } from "../../model/measured.ts";
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { lastMeasurement, keepMeasurement } from "../../store/measurements.ts";
import {
  type BlockedMemory,
  type BlockedSeconds,
  integrateWaits,
  MINUTE,
  type Wait,
} from "./maintenance/blocked.ts";
import { type CronJob, endedUntil, type JobsMemory, readJobs } from "./maintenance/jobs.ts";
import { type Blocker, readLocks } from "./maintenance/locks.ts";
import { queueDepth } from "./maintenance/queue.ts";
import { type MaintenanceSession, readSessions } from "./maintenance/sessions.ts";
import { readBacklog, type TableBacklog } from "./maintenance/vacuum.ts";

export interface MaintenanceMeasurement {
  /** Maintenance that waits; null: not measured. */
  readonly queue_depth: number | null;
  /** pg_cron's jobs could not be read: the depth is a lower bound. */
  readonly jobs_unmeasured: boolean;
  /**
   * Seconds that sessions waited for maintenance on the collection's tables, per minute, by who
   * held them up.
   */
  readonly blocked_writer_seconds: BlockedSeconds;
  /**
   * How long the most overdue table has been past its autovacuum threshold, in autovacuum_naptimes;
   * null: not measured.
   */
  readonly autovacuum_delay: number | null;
  readonly autovacuum_workers: number | null;
  readonly autovacuum_max_workers: number;
  /** pg_cron's jobs of this database, our own left out. */
  readonly jobs: readonly CronJob[];
  /** Who blocks whom now. */
  readonly blockers: readonly Blocker[];
  /**
   * VACUUM, ANALYZE, index builds, CLUSTER that run or wait in this database, pg_cron's left out.
   */
  readonly sessions: readonly MaintenanceSession[];
  /** Tables of the collection past their autovacuum threshold, the most overdue first. */
  readonly backlog: readonly TableBacklog[];
  /** The newest run of pg_cron before which all have ended, as far as they are shown. */
  readonly cron_run: string;
}

interface Memory {
  readonly blocked: BlockedMemory;
  /** Table oid -> since when it has been past its threshold, seconds since 1970. */
  readonly overdue: Readonly<Record<string, number>>;
  readonly jobs: JobsMemory;
}

interface Facts {
  readonly now: number;
  readonly read_only: boolean;
  readonly reads_stats: boolean;
  readonly role: string;
  readonly track_counts: boolean;
  readonly naptime: number;
  readonly booted: number;
  readonly max_workers: number;
}

const KIND = "maintenance";

export function measureMaintenance(
  host: Host,
  collection: Collection,
): Measured<MaintenanceMeasurement> {
  const facts = readFacts(host);
  const memory = lastMeasurement<Memory>(host, collection.id, KIND);
  const jobs = readJobs(host, memory?.value.jobs ?? null, facts.now);
  const sessions = readSessions(host, collection, jobs.pids);
  const { waits, blockers } = readLocks(host, collection, jobs.jobs);
  const blocked = integrateWaits(
    memory?.value.blocked ?? null,
    waits,
    facts.now,
    collection.settings.stabilize_seconds,
    endings(host, memory?.value.blocked, waits),
  );
  const backlog = readBacklog(
    host,
    collection,
    memory?.value.overdue ?? {},
    facts,
    new Set(sessions.map(({ relid }) => relid ?? "")),
  );
  const seen = jobsSeenBlocking(jobs.memory, blockers, facts.now);
  if (!facts.read_only)
    keepMeasurement<Memory>(host, collection.id, KIND, {
      blocked: blocked.memory,
      overdue: backlog.memory,
      jobs: seen,
    });
  const delay = backlog.tables.reduce(
    (most, { delay_naptimes }) => Math.max(most, delay_naptimes),
    0,
  );
  return {
    value: {
      queue_depth:
        facts.reads_stats || jobs.readable ? queueDepth(jobs.jobs, sessions, backlog.tables) : null,
      jobs_unmeasured: !jobs.readable,
      blocked_writer_seconds: blocked.per_minute,
      autovacuum_delay: facts.track_counts ? delay : null,
      autovacuum_workers: facts.reads_stats
        ? sessions.filter(({ automatic }) => automatic).length
        : null,
      autovacuum_max_workers: facts.max_workers,
      jobs: jobs.jobs.map((job) => ({
        ...job,
        blocked_recently: seen.blocking[job.jobid] !== undefined,
      })),
      blockers,
      sessions,
      backlog: backlog.tables,
      cron_run: endedUntil(jobs.memory),
    },
    unmeasured: [...gaps(facts), ...jobs.unmeasured],
  };
}

/**
 * Sessions are read anew: within a transaction pg_stat_activity is a copy of when it was first
 * asked.
 */
function readFacts(host: Host): Facts {
  host.query(sql`SELECT pg_stat_clear_snapshot()`);
  return host.one<Facts>(sql`
    SELECT extract(epoch
      FROM clock_timestamp())::float8 AS now, current_setting('transaction_read_only')::boolean
      AS read_only,
           pg_has_role('pg_read_all_stats', 'USAGE') AS reads_stats,
             quote_ident(current_user) AS role,
           current_setting('track_counts')::boolean AS track_counts,
           extract(epoch FROM current_setting('autovacuum_naptime')::interval)::float8 AS naptime,
           extract(epoch FROM pg_postmaster_start_time())::float8 AS booted,
           current_setting('autovacuum_max_workers')::int AS max_workers`);
}

/** When the waits of the last sample that are over ended, as far as pg_stat_activity shows it. */
function endings(
  host: Host,
  memory: BlockedMemory | undefined,
  now: readonly Wait[],
): ReadonlyMap<number, number> {
  const over = (memory?.waiting ?? [])
    .filter(({ pid }) => !now.some((wait) => wait.pid === pid))
    .map(({ pid }) => pid);
  if (over.length === 0 || !memory) return new Map();
  const rows = host.query<{ pid: number; ended: number }>(sql`
    SELECT a.pid, extract(epoch FROM CASE WHEN a.state = 'active' THEN a.query_start
      ELSE a.state_change END)::float8 AS ended
      FROM jsonb_array_elements_text(${JSON.stringify(over)}::jsonb) p(pid)
        JOIN pg_stat_activity a ON a.pid = p.pid::int
     WHERE a.state IS NOT NULL`);
  // A statement that began before the last sample and still runs says nothing about when its wait
  // ended.
  return new Map(
    rows.filter(({ ended }) => ended > memory.at).map(({ pid, ended }) => [pid, ended]),
  );
}

/** Jobs that held writers up within the last minute, also when the run is over by now. */
function jobsSeenBlocking(
  memory: JobsMemory,
  blockers: readonly Blocker[],
  now: number,
): JobsMemory {
  const recent = Object.entries(memory.blocking).filter(([, at]) => now - at < MINUTE && now >= at);
  const current = blockers.flatMap(({ jobid }) => (jobid === null ? [] : [[jobid, now] as const]));
  return { ...memory, blocking: Object.fromEntries([...recent, ...current]) };
}

function gaps({ reads_stats, track_counts, role }: Facts): Unmeasured[] {
  const found: Unmeasured[] = [];
  if (!reads_stats) {
    found.push({
      what: "autovacuum workers, vacuums and index builds of other roles",
      why: "pg_stat_activity and pg_stat_progress_* show a role its own sessions only",
      hint: `GRANT pg_read_all_stats TO ${role};`,
    });
  }
  if (!track_counts) {
    found.push({
      what: "autovacuum backlog",
      why: "track_counts is off: nobody counts dead rows, and autovacuum does not run",
      hint: "ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();",
    });
  }
  return found;
}
