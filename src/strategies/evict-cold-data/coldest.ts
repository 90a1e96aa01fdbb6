/**
 * Which rows are the coldest: from a sample of each partition, because sorting all of them would
 * read the whole table.
 */
import sql, { raw } from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Column } from "../../model/collection.ts";
import type { PartitionMeasurement } from "../../sense/collect/partitions.ts";
import { asText } from "../../collection/key-values.ts";

/**
 * Pages looked at over all partitions: 32 MiB, once a plan. Partitions within their part of it are
 * read whole.
 */
const PAGES = 4096;
const LEAST_PAGES = 32;

export interface Coldest {
  /**
   * Rows with at most this value in the access column, or NULL, are the coldest; null: none was
   * found.
   */
  readonly older_than: string | null;
  /** Rows that are, by label. */
  readonly rows: Readonly<Record<string, number>>;
}

/**
 * The coldest `share` of the rows of these partitions. Rows that were never used (NULL) come first;
 * rows with one and the same value go together or not at all.
 */
export function coldest(
  host: Host,
  access: Column,
  partitions: readonly PartitionMeasurement[],
  share: number,
): Coldest {
  const each = Math.max(LEAST_PAGES, Math.floor(PAGES / Math.max(1, partitions.length)));
  const samples = partitions.map(
    ({ qualified, heap_bytes }, place) =>
      `SELECT ${place} AS place, x.${access.quoted} AS used FROM ${qualified} x TABLESAMPLE ` +
      `SYSTEM (${Math.min(100, (100 * each * 8192) / Math.max(1, heap_bytes))})`,
  );
  const total = partitions.reduce((sum, { rows }) => sum + rows, 0);
  const { older_than, rows } = host.one<{
    older_than: string | null;
    rows: Record<string, number> | null;
  }>(sql`
    WITH sampled AS MATERIALIZED (${raw(samples.join(" UNION ALL "))}),
    weighed AS (
      SELECT s.place, s.used,
        (${JSON.stringify(partitions.map((one) => one.rows))}::jsonb ->> s.place)::float8 / count(*)
        OVER (PARTITION BY s.place) AS weight FROM sampled s
    ), ranked AS (
      SELECT place, used, weight, sum(weight) OVER (ORDER BY used NULLS FIRST) AS upto FROM weighed
    ), cold AS (
      -- Half a row is rounding.
      SELECT place, used, weight FROM ranked WHERE upto <= ${share * total + 0.5}::float8
    )
    SELECT (SELECT ${raw(asText(access.type, "max(used)"))} FROM cold) AS older_than,
           (SELECT json_object_agg(place, rows) FROM (SELECT place, round(sum(weight))::int AS rows
             FROM cold GROUP BY place) c) AS rows`);
  return {
    older_than,
    rows: Object.fromEntries(
      Object.entries(rows ?? {}).map(([place, count]) => [partitions[Number(place)]!.label, count]),
    ),
  };
}
