/**
 * Who waits for maintenance on the collection's tables, and for whom. Sources: pg_locks (all of it
 * is shown to every role), pg_blocking_pids, pg_stat_activity (others' statements only with
 * pg_read_all_stats).
 */
import sql from "sql-template-tag";
import { family } from "../../../collection/introspect.ts";
import type { Host } from "../../../host/host.ts";
import type { Collection } from "../../../model/collection.ts";
import type { BlockerKind, Wait } from "./blocked.ts";
import type { CronJob } from "./jobs.ts";

/** A session of maintenance that others wait for. */
export interface Blocker {
  readonly pid: number;
  readonly kind: BlockerKind;
  readonly application: string | null;
  readonly username: string | null;
  /** Seconds since 1970; null: not shown to the role. */
  readonly query_start: number | null;
  /** Table of the collection that it holds locked. */
  readonly relation: string | null;
  readonly mode: string | null;
  /** Its statement, where it is one of maintenance and the role may see it. */
  readonly statement: string | null;
  /** pg_cron's job, where it is one. */
  readonly jobid: string | null;
  readonly job: string | null;
  /** Pids that wait for it, directly or behind others. */
  readonly waiting: readonly number[];
}

interface Session {
  readonly pid: number;
  readonly application: string | null;
  readonly username: string | null;
  readonly backend_type: string | null;
  readonly query_start: number | null;
  readonly statement: string | null;
  readonly progress: "create_index" | "cluster" | "vacuum" | "analyze" | null;
  readonly relation: string | null;
  readonly mode: string | null;
  /** Holds or wants a lock that only maintenance takes. */
  readonly strong: boolean;
}

interface Waiting {
  readonly pid: number;
  readonly since: number | null;
  readonly blockers: readonly number[];
}

/**
 * pg_blocking_pids takes every partition of the lock table exclusively: this many sessions are
 * asked, the oldest waits first.
 */
const ASKED = 100;

export function readLocks(
  host: Host,
  collection: Collection,
  jobs: readonly CronJob[],
): { readonly waits: readonly Wait[]; readonly blockers: readonly Blocker[] } {
  const { waiting, total } = readWaiting(host, collection);
  if (waiting.length === 0) return { waits: [], blockers: [] };
  const holders = [...new Set(waiting.flatMap(({ pid, blockers }) => [pid, ...blockers]))];
  const sessions = new Map(
    readHolders(host, collection, holders).map((session) => [session.pid, session]),
  );
  const jobOf = new Map(jobs.flatMap((job) => (job.pid === null ? [] : [[job.pid, job] as const])));
  const kindOf = (pid: number): BlockerKind | null =>
    kindOfSession(sessions.get(pid), jobOf.has(pid));
  const edges = new Map(waiting.map(({ pid, blockers }) => [pid, blockers]));
  const waits: Wait[] = [];
  const heldUp = new Map<number, number[]>();
  for (const { pid, since } of waiting) {
    // Maintenance that waits is no blocked writer: it is counted where it is queued.
    if (kindOf(pid) !== null) continue;
    const culprits = maintenanceBehind(pid, edges, kindOf);
    const [first] = culprits;
    if (first === undefined) continue;
    waits.push({ pid, kind: kindOf(first)!, since, weight: total / waiting.length });
    for (const culprit of culprits) heldUp.set(culprit, [...(heldUp.get(culprit) ?? []), pid]);
  }
  const blockers = [...heldUp].map(([pid, held]): Blocker => {
    const {
      application = null,
      username = null,
      query_start = null,
      relation = null,
      mode = null,
      statement = null,
    } = sessions.get(pid) ?? {};
    const job = jobOf.get(pid);
    return {
      pid,
      kind: kindOf(pid)!,
      application,
      username,
      query_start,
      relation,
      mode,
      statement,
      jobid: job?.jobid ?? null,
      job: job?.name ?? null,
      waiting: held,
    };
  });
  return {
    waits,
    blockers: blockers.sort((a, b) => b.waiting.length - a.waiting.length || a.pid - b.pid),
  };
}

function kindOfSession(session: Session | undefined, isJob: boolean): BlockerKind | null {
  if (isJob) return "scheduled_job";
  if (!session) return null;
  if (
    session.backend_type === "autovacuum worker" ||
    session.progress === "vacuum" ||
    session.progress === "analyze"
  )
    return "vacuum";
  if (
    session.progress !== null ||
    /^\s*(create\s+(unique\s+)?index|reindex)\b/i.test(session.statement ?? "")
  )
    return "index_build";
  if (/^\s*(vacuum|analyze)\b/i.test(session.statement ?? "")) return "vacuum";
  if (session.application === "pg_cron" || session.backend_type === "pg_cron")
    return "scheduled_job";
  return session.strong ? "other" : null;
}

/**
 * The nearest sessions of maintenance that a session waits for, along the chain of who waits for
 * whom.
 */
function maintenanceBehind(
  pid: number,
  edges: ReadonlyMap<number, readonly number[]>,
  kindOf: (pid: number) => BlockerKind | null,
): number[] {
  const seen = new Set([pid]);
  const found: number[] = [];
  let front = edges.get(pid) ?? [];
  while (front.length > 0 && found.length === 0) {
    const next: number[] = [];
    for (const one of front) {
      if (seen.has(one)) continue;
      seen.add(one);
      if (kindOf(one) !== null) found.push(one);
      else next.push(...(edges.get(one) ?? []));
    }
    front = next;
  }
  return found;
}

/**
 * Sessions that wait for a lock on a table of the collection, or for a transaction while they write
 * to one.
 */
function readWaiting(
  host: Host,
  collection: Collection,
): { readonly waiting: readonly Waiting[]; readonly total: number } {
  const rows = host.query<Waiting & { readonly total: number }>(sql`
    WITH locks AS MATERIALIZED (
      SELECT pid, locktype, relation, granted, waitstart FROM pg_locks
       WHERE (database = (SELECT oid FROM pg_database WHERE datname = current_database())
         OR database IS NULL)
         AND pid IS NOT NULL AND pid <> pg_backend_pid()
    ), waiting AS MATERIALIZED (
      SELECT pid, locktype, relation, waitstart FROM locks WHERE NOT granted
    ), tables AS MATERIALIZED (
      SELECT f.relid FROM ${family(sql`${collection.relid}::oid`)} f
        WHERE EXISTS (SELECT FROM waiting)
    ), ours AS (
      SELECT w.pid, min(w.waitstart) AS since FROM waiting w
       WHERE w.relation IN (SELECT relid FROM tables)
          OR (w.locktype = 'transactionid'
              AND EXISTS (SELECT FROM locks g WHERE g.pid = w.pid AND g.granted
                AND g.relation IN (SELECT relid FROM tables)))
       GROUP BY w.pid
    ), asked AS MATERIALIZED (
      SELECT *, count(*) OVER () AS total FROM ours ORDER BY since NULLS LAST LIMIT ${ASKED}::int
    )
    SELECT pid, extract(epoch
      FROM since)::float8 AS since, to_json(pg_blocking_pids(pid)) AS blockers, total::float8
      FROM asked`);
  // Prepared transactions hold locks without a pid: pg_blocking_pids says 0.
  return {
    waiting: rows.map((row) => ({ ...row, blockers: row.blockers.filter((pid) => pid > 0) })),
    total: rows[0]?.total ?? 0,
  };
}

/**
 * What there is to know of sessions: who they are, what they do, their strongest lock on a table of
 * the collection.
 */
function readHolders(host: Host, collection: Collection, pids: readonly number[]): Session[] {
  return host.query<Session>(sql`
    WITH wanted AS (
      SELECT pid::int FROM jsonb_array_elements_text(${JSON.stringify(pids)}::jsonb) p(pid)
    ), held AS (
      SELECT DISTINCT ON (l.pid) l.pid, l.relation::regclass::text AS relation, l.mode
        FROM pg_locks l JOIN wanted USING (pid)
       WHERE l.locktype = 'relation' AND l.relation IN (SELECT relid
         FROM ${family(sql`${collection.relid}::oid`)} f)
       ORDER BY l.pid, l.granted DESC,
                array_position(ARRAY['AccessExclusiveLock', 'ExclusiveLock',
                  'ShareRowExclusiveLock', 'ShareLock', 'ShareUpdateExclusiveLock',
                                     'RowExclusiveLock', 'RowShareLock', 'AccessShareLock'], l.mode)
    )
    SELECT a.pid, nullif(a.application_name, '') AS application, a.usename AS username,
      a.backend_type,
           extract(epoch FROM a.query_start)::float8 AS query_start,
           -- Statements of maintenance only: others' may hold what concerns nobody here.
           CASE WHEN a.query
             ~* '^\\s*(vacuum|analyze|create|reindex|cluster|alter|refresh|drop|truncate|lock)\\M'
             THEN left(a.query, 200) END AS statement,
           CASE WHEN EXISTS (SELECT FROM pg_stat_progress_create_index p
             WHERE p.pid = a.pid) THEN 'create_index'
                WHEN EXISTS (SELECT FROM pg_stat_progress_cluster p
                  WHERE p.pid = a.pid) THEN 'cluster'
                WHEN EXISTS (SELECT FROM pg_stat_progress_vacuum p
                  WHERE p.pid = a.pid) THEN 'vacuum'
                WHEN EXISTS (SELECT FROM pg_stat_progress_analyze p
                  WHERE p.pid = a.pid) THEN 'analyze' END AS progress,
           h.relation, h.mode, coalesce(h.mode IN ('ShareUpdateExclusiveLock', 'ShareLock',
             'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'), false) AS strong
      FROM wanted w JOIN pg_stat_activity a ON a.pid = w.pid LEFT JOIN held h ON h.pid = w.pid`);
}
