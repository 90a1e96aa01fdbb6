/**
 * Partitions that share no load yet: months made ahead, and partitions that nobody has written to.
 * They are in no mean: a mean over nine months of which four lie ahead calls each of the others
 * twice as full as it is. Sources: pg_class, the bounds, pg_stat.
 */
import sql, { raw } from "sql-template-tag";
import { families, type Partition } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { IdleReason } from "../../model/problem.ts";

/** Types of a RANGE key that the clock can be compared with. */
const TIMES = /^(date|timestamp(\(\d\))?( with(out)? time zone)?)$/;

/**
 * Why a partition shares no load, by its oid; those that do are missing. What holds rows is never
 * idle, whatever the clock says: events may lie ahead. In a movable collection a partition that
 * rows can be moved to is none either: its owner said that any row may live there.
 * @param open the files may be opened: nobody holds them locked
 */
export function readIdle(
  host: Host,
  collection: Collection,
  partitions: readonly Partition[],
  open: boolean,
): ReadonlyMap<string, IdleReason> {
  const asked = partitions.filter(
    ({ kind, values }) =>
      kind !== "f" && !(collection.movable && values.some((value) => value !== null)),
  );
  if (collection.partition_strategy === "none" || asked.length === 0) return new Map();
  const pages = open ? "pg_relation_size(c.oid)" : "c.relpages";
  const timed =
    collection.partition_strategy === "range" &&
    TIMES.test(collection.partition_column?.type ?? "");
  const begins = timed
    ? "CAST(substring(pg_get_expr(p.relpartbound, 0) FROM '^FOR VALUES FROM " +
      "\\(''([^'']+)''\\)') AS timestamptz)"
    : "NULL::timestamptz";
  const rows = host.query<{ relid: string; ahead: boolean; written: boolean }>(sql`
    SELECT o.relid, coalesce(${raw(begins)} > clock_timestamp(), false) AS ahead,
      o.inserted > 0 AS written
      FROM (
       SELECT w.relid, sum(${raw(pages)}) AS pages, bool_or(c.relkind = 'f') AS remote,
              sum(pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_inserted(c.oid))
                AS inserted
         FROM ${families(asked.map(({ relid }) => relid))} w
         LEFT JOIN pg_class c ON c.oid = w.member AND c.relkind <> 'p'
        GROUP BY w.relid) o
      JOIN pg_class p ON p.oid = o.relid::oid
     WHERE coalesce(o.pages, 0) = 0 AND NOT coalesce(o.remote, false)`);
  return new Map(
    rows.flatMap(({ relid, ahead, written }): [string, IdleReason][] => {
      if (ahead) return [[relid, "no_rows_yet"]];
      return written ? [] : [[relid, "never_written"]];
    }),
  );
}
