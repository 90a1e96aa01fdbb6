/** What the catalogue, the counters and pgstattuple say of each index. */
import sql, { raw } from "sql-template-tag";
import { family } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import { SqlError } from "../../base/errors.ts";
import type { Collection } from "../../model/collection.ts";
import { type IndexState, SMALL_PAGES } from "../fragmentation/baseline.ts";
import type { Breathing } from "../fragmentation/breath.ts";
import { innerPages } from "../fragmentation/expected.ts";

export interface Facts extends Omit<IndexState, "rows" | "breath" | "varying">, Breathing {
  readonly block: number;
  readonly locked: boolean;
  /**
   * No VACUUM and no ANALYZE has ever counted its rows: all there is are counters, which a crash
   * and pg_stat_reset lose.
   */
  readonly uncounted: boolean;
  /**
   * Rows changed since the last ANALYZE: what it found may be off by so many. null: the server lost
   * count.
   */
  readonly changed: number | null;
  /**
   * Entries as the last build, VACUUM or ANALYZE counted them where a predicate makes them fewer
   * than the rows; null elsewhere.
   */
  readonly partial_rows: number | null;
}

/** Of table `t`: what was written to it, as the server counts. */
const COUNTERS = sql`
  (SELECT n.ins AS inserted, n.del::float8 AS deleted,
    (n.upd - n.hot)::float8 AS rewritten, (n.ins + n.upd - n.hot)::float8 AS added,
    (n.del + n.upd - n.hot)::float8 AS removed
                        FROM (SELECT pg_stat_get_tuples_inserted(t.oid) AS ins,
                          pg_stat_get_tuples_updated(t.oid) AS upd,
                                     pg_stat_get_tuples_deleted(t.oid) AS del,
                                       pg_stat_get_tuples_hot_updated(t.oid) AS hot) n)`;

/** Whether somebody holds index `ic` or its table `t` ACCESS EXCLUSIVE, or waits for so. */
const LOCKED = sql`
  (SELECT EXISTS (SELECT FROM held k WHERE k.relation IN (ic.oid, t.oid)) AS locked)`;

/**
 * Read once: a look at 256 partitions holds 500 locks itself, and to read them for each of its
 * indexes took 15 ms of a processor, now 1.2.
 */
const HELD = sql`
  SELECT k.relation FROM pg_locks k
   WHERE k.locktype = 'relation' AND k.mode = 'AccessExclusiveLock'
     AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** OFFSET: read once, for the figure and for what is asked of the larger ones only. */
const PAGES = sql`
  (SELECT CASE WHEN l.locked THEN ic.relpages
    ELSE (pg_relation_size(ic.oid) / current_setting('block_size')::int)::int END AS pages
      OFFSET 0)`;

/** Rows of `t` by two counts: pg_stat's, and the planner's. */
const LIVE_ROWS = sql`
  (SELECT pg_stat_get_live_tuples(t.oid) AS reported, CASE WHEN t.relpages > 0
    AND NOT l.locked
    THEN greatest(t.reltuples,
      0) / t.relpages * (pg_relation_size(t.oid) / current_setting('block_size')::int)
      ELSE greatest(t.reltuples, 0) END AS planned)`;

/** Storage parameters of index `ic`, and whether its table has values out of line. */
const OPTIONS = sql`
  (SELECT max(option_value)
    FILTER (WHERE option_name = 'fillfactor')::int AS fillfactor,
                             max(option_value)
                               FILTER (WHERE option_name = 'lists')::int AS lists,
                             max(option_value) FILTER (WHERE option_name = 'm')::int AS m,
                             bool_and(option_value::boolean)
                               FILTER (WHERE option_name = 'deduplicate_items') AS deduplicate,
                             t.reltoastrelid <> 0
                               AND (l.locked OR pg_relation_size(t.reltoastrelid) > 0) AS outside
                        FROM pg_options_to_table(ic.reloptions))`;

/**
 * The columns of index `i`: width, alignment, and what the statistics say of their values. Not of
 * an index that is too small to be judged.
 */
const COLUMNS = sql`
  (
    SELECT coalesce(json_agg(json_build_object(
             'width', CASE WHEN a.attlen > 0 THEN a.attlen
                           -- The type says it exactly; pg_stats counts a vector that was moved
                           -- out of line as its pointer.
                           WHEN y.name = 'vector' AND y.modifier > 0 THEN y.modifier * 4 + 8
                           WHEN y.name = 'halfvec' AND y.modifier > 0 THEN y.modifier * 2 + 8
                           WHEN y.name = 'bit' AND y.modifier > 0 THEN (y.modifier + 7) / 8 + 8
                           WHEN am.amname <> 'btree' AND ta.attname IS NOT NULL
                             AND o.outside THEN NULL
                           ELSE s.avg_width END,
             'align', CASE WHEN a.attlen = -1 AND coalesce(s.avg_width, 0) < 127 THEN 1
                           ELSE CASE a.attalign WHEN 'c' THEN 1 WHEN 's' THEN 2 WHEN 'i' THEN 4
                             ELSE 8 END END,
             'null_frac', coalesce(s.null_frac, 0), 'n_distinct', coalesce(s.n_distinct, 0))
               ORDER BY a.attnum), '[]') AS columns,
           -- Rows arrive in the order of their keys (a column of one value is in any order).
           coalesce(bool_and(coalesce(abs(s.correlation) >= 0.99 OR s.n_distinct = 1, false))
             FILTER (WHERE a.attnum <= i.indnkeyatts), false) AS ordered
      FROM pg_attribute a
     CROSS JOIN LATERAL (SELECT coalesce(b.typname, d.typname) AS name, CASE WHEN d.typtype = 'd'
       THEN d.typtypmod ELSE a.atttypmod END AS modifier
                           FROM pg_type d LEFT JOIN pg_type b ON b.oid = d.typbasetype
                             WHERE d.oid = a.atttypid) y
      LEFT JOIN pg_attribute ta ON ta.attrelid = t.oid AND ta.attnum = i.indkey[a.attnum - 1]
        AND ta.attnum <> 0
      -- An expression's statistics stand under the index. Two branches, so that each is looked up
      -- by name: by a name that was computed the view was read for the whole schema, once an index
      -- (100 tables of 16 partitions: 984 ms each, 8 so).
      LEFT JOIN LATERAL (
        SELECT c.avg_width, c.null_frac, c.n_distinct, c.correlation FROM pg_stats c
         WHERE c.schemaname = tn.nspname AND c.tablename = t.relname AND c.attname = ta.attname
           AND NOT c.inherited
         UNION ALL
        SELECT e.avg_width, e.null_frac, e.n_distinct, e.correlation FROM pg_stats e
         WHERE ta.attname IS NULL AND e.schemaname = tn.nspname AND e.tablename = ic.relname
           AND e.attname = a.attname AND NOT e.inherited) s ON true
     WHERE a.attrelid = ic.oid AND a.attnum > 0 AND z.pages >= ${raw(String(SMALL_PAGES))})`;

/**
 * Valid btree, ivfflat and hnsw indexes of the leaves. An index that somebody holds ACCESS
 * EXCLUSIVE, or waits for so, is not opened (pg_relation_size would stand in that queue): its size
 * is the last vacuum's.
 */
export function readIndexes(host: Host, collection: Collection): Facts[] {
  return host.query<Facts>(sql`
    WITH held AS MATERIALIZED (${HELD})
    SELECT format('%I.%I', n.nspname, ic.relname) AS index, ic.oid::text AS oid,
      format('%I.%I', tn.nspname, t.relname) AS "table", am.amname AS method,
           z.pages,
           current_setting('block_size')::int AS block, l.locked, t.reltuples < 0 AS uncounted,
             i.indisunique AS "unique", ic.relfilenode::text AS file,
           extract(epoch FROM clock_timestamp())::float8 AS at,
           u.added, u.removed, u.inserted::float8 AS inserted, u.deleted, u.rewritten,
           -- Counters that do not even hold the rows there are were lost: in a crash, by
           -- pg_stat_reset, in pg_upgrade.
           CASE WHEN u.inserted >= greatest(t.reltuples, 0)
             THEN pg_stat_get_mod_since_analyze(t.oid)::float8 END AS changed,
           -- The larger of two counts, so that neither makes an index look more bloated than it is:
           -- pg_stat's live rows, which a
           -- crash and a DELETE that reports after the VACUUM lower, and the planner's (rows a page
           -- at the last vacuum, pages now).
           greatest(v.reported, v.planned)::float8 AS live,
           -- Where the server lost count: what was counted last. Rows a page then, pages now are as
           -- many as were updated since too many, and seem to be gone with the next VACUUM.
           CASE WHEN least(v.reported, v.planned) > 0 THEN least(v.reported, v.planned)
             ELSE greatest(v.reported, least(v.planned, t.reltuples)) END::float8 AS least_live,
           CASE WHEN i.indpred IS NOT NULL
             THEN greatest(ic.reltuples, 0)::float8 END AS partial_rows,
           coalesce(o.fillfactor, 90) AS fillfactor, coalesce(o.lists, 100) AS lists,
             coalesce(o.m, 16) AS m, coalesce(o.deduplicate, true) AS deduplicate,
           c.columns, c.ordered
      FROM ${family(sql`${collection.relid}::oid`)} f
      JOIN pg_index i ON i.indrelid = f.relid AND i.indisvalid
      -- What rebuild_centroids has beside an index for a while is none of the collection's own.
      JOIN pg_class ic ON ic.oid = i.indexrelid AND ic.relkind = 'i'
        AND ic.relname !~ '^ruvector_(built|kept)_[0-9]'
      JOIN pg_am am ON am.oid = ic.relam AND am.amname IN ('btree', 'ivfflat', 'hnsw')
      JOIN pg_namespace n ON n.oid = ic.relnamespace
      JOIN pg_class t ON t.oid = i.indrelid AND t.relkind IN ('r', 'm')
      JOIN pg_namespace tn ON tn.oid = t.relnamespace
     CROSS JOIN LATERAL ${COUNTERS} u
     CROSS JOIN LATERAL ${LOCKED} l
     CROSS JOIN LATERAL ${PAGES} z
     CROSS JOIN LATERAL ${LIVE_ROWS} v
     CROSS JOIN LATERAL ${OPTIONS} o
     CROSS JOIN LATERAL ${COLUMNS} c
     ORDER BY 1`);
}

/**
 * pgstatindex, where the extension is there and the role may call it; else why not, and what would
 * change that.
 */
export function exactFunction(
  host: Host,
): { readonly function: string } | { readonly why: string; readonly hint: string } {
  const [found] = host.query<{ call: string; may: boolean; role: string }>(sql`
    SELECT format('%I.pgstatindex', n.nspname) AS call, has_function_privilege(p.oid, 'EXECUTE')
      AND has_schema_privilege(n.oid, 'USAGE') AS may, quote_ident(current_user) AS role
      FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass
        AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass
      JOIN pg_proc p ON p.oid = d.objid JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE e.extname = 'pgstattuple' AND p.proname = 'pgstatindex'
       AND p.proargtypes[0] = 'regclass'::regtype`);
  if (!found)
    return {
      why: "extension pgstattuple is not in this database",
      hint: "CREATE EXTENSION pgstattuple;",
    };
  if (!found.may)
    return {
      why: "the role may not call pgstatindex",
      hint: `GRANT pg_stat_scan_tables TO ${found.role};`,
    };
  return { function: found.call };
}

/**
 * Pages of a rebuilt btree, from how full its leaves are: empty and deleted pages go, the rest is
 * packed to the fillfactor.
 */
export function readExactly(
  host: Host,
  call: string,
  { oid, fillfactor, columns }: Facts,
): number | null {
  try {
    const { leaves, density } = host.one<{ leaves: number; density: number | null }>(sql`
      SELECT s.leaf_pages::int AS leaves, nullif(s.avg_leaf_density, 'NaN'::float8) AS density
        FROM ${raw(call)}(${oid}::oid::regclass) s`);
    if (density === null) return null;
    const packed = Math.ceil((leaves * Math.min(density, fillfactor)) / fillfactor);
    const key = columns.reduce((sum, { width }) => sum + (width ?? 16), 16);
    return 1 + packed + innerPages(packed, key);
  } catch (error) {
    // Dropped a moment ago, or damaged: the estimate stands in.
    if (error instanceof SqlError) return null;
    throw error;
  }
}
