/**
 * What PostgreSQL has counted of each partition: rows read and written, blocks asked for and found.
 *
 * The statistics functions behind pg_stat_user_tables and pg_statio_user_tables, which every role
 * may call. What this very session has not handed in yet (pg_stat_get_xact_*: everything since its
 * last flush, over all its transactions) is added, so that reading the counters before and after
 * work of our own tells exactly what that work cost.
 */
import sql, { raw } from "sql-template-tag";
import { families } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";

/** Since the statistics were last reset. */
export interface Figures {
  /**
   * Rows read by sequential scans (seq_tup_read) and entries that index scans returned
   * (idx_tup_read of the indexes, which unlike idx_tup_fetch counts index-only scans). Not scans:
   * one that finds nothing is no load to speak of, and a lookup that does not name its partition
   * makes one in each.
   */
  readonly reads: number;
  /** Of them, rows read by sequential scans; counters of older versions do not say. */
  readonly scanned?: number;
  /** Rows inserted, updated and deleted. */
  readonly writes: number;
  /** Rows inserted, of the writes. */
  readonly inserts: number;
  /** Blocks of table, indexes and TOAST asked for. */
  readonly blocks: number;
  /**
   * Those of table and TOAST alone, and how many of them were in shared buffers: an index's upper
   * pages are always there.
   */
  readonly table_blocks: number;
  readonly table_hits: number;
}

export interface Counters extends Figures {
  /** Scans of each of its vector indexes, by oid; null: it has none. */
  readonly vector_scans?: Readonly<Record<string, number>> | null;
}

/** By the partition's oid. */
export type CountersByPartition = Readonly<Record<string, Counters>>;

const counted = (name: string): string =>
  `(pg_stat_get_${name}(o.oid) + pg_stat_get_xact_${name}(o.oid))`;
const total = (kind: string, ...names: string[]) =>
  raw(`coalesce(sum(${names.map(counted).join(" + ")}) FILTER (WHERE o.kind ${kind}), 0)::float8`);

/** Reads no table: it can neither wait nor be counted itself. */
export function readCounters(host: Host, relids: readonly string[]): CountersByPartition {
  if (relids.length === 0) return {};
  host.query(sql`SELECT pg_stat_clear_snapshot()`);
  const rows = host.query<Counters & { readonly relid: string }>(sql`
    WITH leaves AS MATERIALIZED (
      SELECT w.relid, c.oid, c.reltoastrelid
        FROM ${families(relids)} w
        JOIN pg_class c ON c.oid = w.member AND c.relkind <> 'p'
    ), o AS (
      SELECT relid, oid, 'table' AS kind FROM leaves
      UNION ALL SELECT l.relid, i.indexrelid, CASE WHEN a.amname IN ('hnsw', 'ivfflat')
          THEN 'vector index' ELSE 'index' END
        FROM leaves l JOIN pg_index i ON i.indrelid = l.oid
        JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
      UNION ALL SELECT relid, reltoastrelid, 'toast' FROM leaves WHERE reltoastrelid <> 0
      UNION ALL SELECT l.relid, i.indexrelid, 'toast index'
        FROM leaves l JOIN pg_index i ON i.indrelid = l.reltoastrelid WHERE l.reltoastrelid <> 0
    )
    SELECT o.relid,
           ${total("IN ('table', 'index', 'vector index')", "tuples_returned")} AS reads,
           ${total("= 'table'", "tuples_returned")} AS scanned,
           ${total("= 'table'", "tuples_inserted", "tuples_updated", "tuples_deleted")} AS writes,
           ${total("= 'table'", "tuples_inserted")} AS inserts,
           ${total("IS NOT NULL", "blocks_fetched")} AS blocks,
           ${total("IN ('table', 'toast')", "blocks_fetched")} AS table_blocks,
             ${total("IN ('table', 'toast')", "blocks_hit")} AS table_hits,
           jsonb_object_agg(o.oid::text, ${raw(counted("numscans"))})
             FILTER (WHERE o.kind = 'vector index') AS vector_scans
      FROM o GROUP BY o.relid`);
  return Object.fromEntries(rows.map(({ relid, ...counters }) => [relid, counters]));
}
