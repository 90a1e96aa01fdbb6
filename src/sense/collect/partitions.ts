/** Partition load: rows and bytes of each partition. Sources: pg_class, pg_stat_get_live_tuples, count(*). */
import sql, { raw } from "sql-template-tag";
import { family, type Partition, readPartitions } from "../../collection/introspect.ts";
import { lockTable } from "../../collection/lookup.ts";
import type { Host } from "../../host/host.ts";
import { SqlError } from "../../model/errors.ts";
import type { Collection } from "../../model/collection.ts";
import type { Measured, Unmeasured } from "../snapshot.ts";

export interface PartitionMeasurement {
  readonly relid: string;
  readonly qualified: string;
  readonly label: string;
  /** pg_class.relkind. */
  readonly kind: string;
  /** Key values that lead to it, null for SQL NULL; empty where there are none to name. */
  readonly values: readonly (string | null)[];
  readonly rows: number;
  /** Heap, indexes and TOAST. */
  readonly bytes: number;
}

export interface PartitionsMeasurement {
  readonly partitions: readonly PartitionMeasurement[];
  readonly rows_source: "exact" | "statistics";
}

interface Statistics {
  readonly relid: string;
  readonly pages: number;
  readonly bytes: number;
  readonly rows: number;
}

/**
 * Measures the partitions of a collection (the table itself where it is not partitioned).
 * Small collections are counted, large ones read from the statistics: see exact_count_pages.
 */
export function measurePartitions(host: Host, collection: Collection): Measured<PartitionsMeasurement> {
  const partitions: Partition[] =
    collection.partition_strategy === "none"
      ? [{ relid: collection.relid, qualified: collection.name, label: collection.table_name, kind: "r", values: [] }]
      : readPartitions(host, collection.relid);
  const locked = !reachable(host, collection);
  const statistics = readStatistics(host, partitions, locked);
  const pages = statistics.reduce((sum, one) => sum + one.pages, 0);
  const counted = !locked && pages <= collection.settings.exact_count_pages ? countExactly(host, partitions) : null;
  const byRelid = new Map(statistics.map((one) => [one.relid, one]));
  return {
    value: {
      partitions: partitions.map((partition) => ({
        ...partition,
        rows: counted?.get(partition.relid) ?? byRelid.get(partition.relid)?.rows ?? 0,
        bytes: byRelid.get(partition.relid)?.bytes ?? 0,
      })),
      rows_source: counted ? "exact" : "statistics",
    },
    unmeasured: locked ? [LOCKED] : [],
  };
}

const LOCKED: Unmeasured = {
  what: "partition bytes",
  why: "a partition is locked ACCESS EXCLUSIVE by another session; rows come from the statistics, sizes from the last vacuum",
  hint: "SELECT * FROM pg_locks WHERE mode = 'AccessExclusiveLock';",
};

/** Whether the partitions can be opened now: counting and pg_relation_size would wait for an ACCESS EXCLUSIVE lock. */
function reachable(host: Host, collection: Collection): boolean {
  try {
    lockTable(host, collection, "ACCESS SHARE");
    return true;
  } catch (error) {
    if (error instanceof SqlError && error.sqlstate === "55P03") return false;
    throw error;
  }
}

/**
 * Pages, bytes and estimated rows by partition. Rows: pg_stat's live tuples, which follow every transaction;
 * they are lost in a crash, so where they are far below the planner's reltuples and nothing analyzed the
 * partition since, reltuples stand in.
 */
function readStatistics(host: Host, partitions: readonly Partition[], locked: boolean): Statistics[] {
  const [size, total] = locked
    ? ["c.relpages", "c.relpages::bigint * current_setting('block_size')::int"]
    : ["pg_relation_size(c.oid) / current_setting('block_size')::int", "pg_total_relation_size(c.oid)"];
  host.query(sql`SELECT pg_stat_clear_snapshot()`);
  return host.query<Statistics>(sql`
    SELECT w.relid, coalesce(sum(${raw(size!)}), 0)::float8 AS pages, coalesce(sum(${raw(total!)}), 0)::float8 AS bytes,
           coalesce(sum(CASE WHEN c.reltuples > 2 * pg_stat_get_live_tuples(c.oid)
                              AND greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid),
                                           pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) IS NULL
                             THEN c.reltuples ELSE pg_stat_get_live_tuples(c.oid) END), 0)::float8 AS rows
      FROM jsonb_array_elements_text(${JSON.stringify(partitions.map(({ relid }) => relid))}::jsonb) w(relid)
     CROSS JOIN LATERAL ${family(sql`w.relid::oid`)} f
      JOIN pg_class c ON c.oid = f.relid AND c.relkind <> 'p'
     GROUP BY w.relid`);
}

/** count(*) of every partition. */
function countExactly(host: Host, partitions: readonly Partition[]): Map<string, number> {
  if (partitions.length === 0) return new Map();
  const counts = partitions.map(({ relid, qualified }) => `SELECT '${relid}' AS relid, count(*)::float8 AS rows FROM ${qualified}`);
  return new Map(host.query<{ relid: string; rows: number }>(sql`${raw(counts.join(" UNION ALL "))}`).map(({ relid, rows }) => [relid, rows]));
}
