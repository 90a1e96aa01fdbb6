/**
 * What on the server speaks against beginning something heavy now, whatever is planned. Read where
 * a strategy asks for it.
 */
import type { PreflightCheck } from "../model/action.ts";
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import { family } from "../collection/introspect.ts";

export interface PreflightFacts {
  /**
   * The oldest transaction that holds a snapshot of this database or a lock on the tables; null:
   * none, or it does not matter.
   */
  readonly transaction: {
    readonly who: string;
    readonly seconds: number;
    readonly ends: string;
  } | null;
  /** A table that is older than autovacuum_freeze_max_age, and who vacuums it, if anybody does. */
  readonly wraparound: {
    readonly relation: string;
    readonly age: number;
    readonly limit: number;
    readonly pid: number | null;
  } | null;
  /** The slot that holds back most, or that has least left before it is lost. */
  readonly slot: {
    readonly name: string;
    readonly retained: number;
    readonly safe: number | null;
  } | null;
  /** What the plan will write to the log. */
  readonly wal_bytes: number;
  /** What could not be looked at, and what would show it. */
  readonly unseen: readonly string[];
}

/** The collection's tables, for lists of them. */
export const tablesOf = (host: Host, { relid }: Pick<Collection, "relid">): string[] =>
  host
    .query<{ oid: string }>(sql`SELECT f.relid::text AS oid FROM ${family(sql`${relid}::oid`)} f`)
    .map(({ oid }) => oid);

export function readPreflight(
  host: Host,
  collection: Collection,
  checks: readonly PreflightCheck[],
  wal_bytes: number,
): PreflightFacts | null {
  if (checks.length === 0) return null;
  const tables = tablesOf(host, collection);
  return {
    transaction: checks.includes("transactions") ? oldestTransaction(host, tables) : null,
    wraparound: checks.includes("wraparound") ? wraparound(host, tables) : null,
    slot: checks.includes("slots") ? worstSlot(host) : null,
    wal_bytes,
    unseen: [
      ...(checks.includes("transactions") ? blindSpot(host) : []),
      ...(checks.includes("slots")
        ? [
            "how much room the disks have left cannot be read from SQL: about " +
              `${Math.ceil(wal_bytes / 1024 / 1024)} MB of log will be written`,
          ]
        : []),
    ],
  };
}

/**
 * By who holds a snapshot or a lock: whatever runs CONCURRENTLY waits for those. Prepared
 * transactions too.
 */
export function oldestTransaction(
  host: Host,
  tables: readonly string[],
): PreflightFacts["transaction"] {
  return (
    host.query<NonNullable<PreflightFacts["transaction"]>>(sql`
    WITH wanted AS (SELECT t::oid AS oid
      FROM jsonb_array_elements_text(${JSON.stringify(tables)}::jsonb) t)
    SELECT * FROM (
      SELECT format('pid %s (%s, %s)', a.pid, a.usename, a.state) AS who, extract(epoch
        FROM clock_timestamp() - a.xact_start)::float8 AS seconds,
             format('SELECT pg_terminate_backend(%s);', a.pid) AS ends
        FROM pg_stat_activity a
       WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
         AND a.backend_type IN ('client backend', 'background worker', 'pg_cron')
         AND (a.backend_xmin IS NOT NULL OR EXISTS (SELECT
           FROM pg_locks l JOIN wanted w ON w.oid = l.relation WHERE l.pid = a.pid AND l.granted))
       UNION ALL
      SELECT format('prepared transaction %L (%s)', p.gid, p.owner), extract(epoch
        FROM clock_timestamp() - p.prepared)::float8, format('ROLLBACK PREPARED %L;', p.gid)
        FROM pg_prepared_xacts p WHERE p.database = current_database()) held
     WHERE seconds IS NOT NULL ORDER BY seconds DESC LIMIT 1`)[0] ?? null
  );
}

/**
 * By ages and locks, which every role may see, and not by the query's text, which only few may. The
 * oldest first.
 */
export function wraparound(host: Host, tables: readonly string[]): PreflightFacts["wraparound"] {
  return (
    host.query<NonNullable<PreflightFacts["wraparound"]>>(sql`
    SELECT c.oid::regclass::text AS relation, greatest(age(c.relfrozenxid),
      mxid_age(c.relminmxid))::float8 AS age,
           least(current_setting('autovacuum_freeze_max_age')::bigint,
             current_setting('autovacuum_multixact_freeze_max_age')::bigint)::float8 AS limit,
           (SELECT l.pid FROM pg_locks l
             WHERE l.relation = c.oid AND l.locktype = 'relation' AND l.granted
               AND l.mode = 'ShareUpdateExclusiveLock'
               AND l.database = (SELECT oid FROM pg_database
                 WHERE datname = current_database()) LIMIT 1) AS pid
      FROM jsonb_array_elements_text(${JSON.stringify(tables)}::jsonb) t
        JOIN pg_class c ON c.oid = t::oid AND c.relkind IN ('r', 'm', 't')
     WHERE age(c.relfrozenxid) > current_setting('autovacuum_freeze_max_age')::bigint
        OR mxid_age(c.relminmxid) > current_setting('autovacuum_multixact_freeze_max_age')::bigint
     ORDER BY 2 DESC LIMIT 1`)[0] ?? null
  );
}

/** A slot that is near to being lost comes before one that only holds much back. */
export function worstSlot(host: Host): PreflightFacts["slot"] {
  return (
    host.query<NonNullable<PreflightFacts["slot"]>>(sql`
    SELECT s.slot_name::text AS name, greatest(0, pg_wal_lsn_diff(pg_current_wal_lsn(),
      s.restart_lsn))::float8 AS retained, s.safe_wal_size::float8 AS safe
      FROM pg_replication_slots s
     WHERE s.restart_lsn IS NOT NULL AND s.wal_status IS DISTINCT FROM 'lost'
     ORDER BY s.safe_wal_size ASC NULLS LAST, 2 DESC LIMIT 1`)[0] ?? null
  );
}

/** Others' transactions have no age for a plain role. */
export const blindSpot = (host: Host): string[] =>
  host
    .query<{ hint: string }>(sql`
  SELECT format('the age of other roles'' transactions is not visible: '
                'GRANT pg_read_all_stats TO %I;', current_user) AS hint
   WHERE NOT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')`)
    .map(({ hint }) => hint);
