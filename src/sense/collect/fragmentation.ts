/**
 * How fragmented the collection's indexes are: the share of an index that a rebuild would give back. Sources: pgstatindex
 * (extension pgstattuple) for btree where the role may call it; otherwise, and for ivfflat and hnsw, which pgstattuple refuses
 * ("index is not supported"), pg_relation_size against the size that rows and widths make up (../fragmentation/expected.ts).
 */
import sql, { raw } from "sql-template-tag";
import { family } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import { SqlError } from "../../model/errors.ts";
import type { Collection } from "../../model/collection.ts";
import { expectedPages, fragmentationPct, type IndexColumn, type IndexShape, innerPages } from "../fragmentation/expected.ts";
import { remembered } from "../remember.ts";
import type { Measured, Unmeasured } from "../snapshot.ts";

export interface IndexMeasurement {
  /** `schema.name`, quoted. */
  readonly index: string;
  /** oid of the index; REINDEX CONCURRENTLY gives it a new one. */
  readonly oid: string;
  /** The leaf it is on, `schema.name` quoted. */
  readonly table: string;
  readonly method: "btree" | "ivfflat" | "hnsw";
  readonly bytes: number;
  /** Bytes after a rebuild; null: not known. */
  readonly expected_bytes: number | null;
  /** null: not measured. */
  readonly fragmentation_pct: number | null;
  /** small: too few pages to speak of; it counts as 0. */
  readonly source: "pgstattuple" | "estimate" | "small";
}

interface Value {
  readonly indexes: readonly IndexMeasurement[];
  readonly unmeasured: readonly Unmeasured[];
}

/** An index of less than 1 MiB is rebuilt for nothing: a few half-full pages are most of it. */
export const SMALL_PAGES = 128;

export const FRAGMENTATION = "fragmentation";

/** From memory while it is younger than fragmentation_interval_seconds, unless `fresh`. */
export function measureFragmentation(host: Host, collection: Collection, fresh: boolean): Measured<readonly IndexMeasurement[]> {
  const { value } = remembered<Value>(host, collection.id, FRAGMENTATION, collection.settings.fragmentation_interval_seconds, fresh, () => measure(host, collection));
  return { value: value.indexes, unmeasured: value.unmeasured };
}

interface Facts extends Omit<IndexShape, "rows" | "columns"> {
  readonly index: string;
  readonly oid: string;
  readonly table: string;
  readonly pages: number;
  readonly block: number;
  readonly locked: boolean;
  readonly live: number;
  /** Entries as the last vacuum counted them where a predicate makes them fewer than the rows; null elsewhere. */
  readonly partial_rows: number | null;
  readonly columns: readonly IndexColumn[];
}

function measure(host: Host, collection: Collection): Value {
  const facts = readIndexes(host, collection);
  const call = exactFunction(host);
  const exact = new Map<string, number>();
  let left = collection.settings.exact_fragmentation_pages;
  const candidates = facts.filter(({ method, pages, locked }) => method === "btree" && pages >= SMALL_PAGES && !locked).sort((a, b) => a.pages - b.pages);
  if ("function" in call) {
    for (const one of candidates) {
      if (one.pages > left) break;
      left -= one.pages;
      const pages = readExactly(host, call.function, one);
      if (pages !== null) exact.set(one.oid, pages);
    }
  }
  const indexes = facts.map((one) => measurementOf(one, exact.get(one.oid)));
  const unmeasured: Unmeasured[] = [];
  if ("why" in call && candidates.length > 0) unmeasured.push({ what: "exact fragmentation of btree indexes", why: `estimated instead: ${call.why}`, hint: call.hint });
  const unknown = indexes.filter(({ fragmentation_pct }) => fragmentation_pct === null);
  if (unknown.length > 0) {
    const { index, table } = unknown[0]!;
    unmeasured.push({
      what: `fragmentation of ${unknown.length === 1 ? index : `${unknown.length} indexes, ${index} first`}`,
      why: "its table was never analyzed, or its statistics are not for the role to read: the width of a column is not known",
      hint: `ANALYZE ${table}; or GRANT SELECT ON ${table} TO the installing role;`,
    });
  }
  return { indexes, unmeasured };
}

function measurementOf(facts: Facts, exact: number | undefined): IndexMeasurement {
  const { index, oid, table, method, pages, block } = facts;
  const bytes = pages * block;
  const base = { index, oid, table, method, bytes };
  if (pages < SMALL_PAGES) return { ...base, expected_bytes: bytes, fragmentation_pct: 0, source: "small" };
  const rows = facts.partial_rows ?? facts.live * (1 - (method === "btree" ? 0 : (facts.columns[0]?.null_frac ?? 0)));
  const expected = exact ?? expectedPages({ ...facts, rows });
  return {
    ...base,
    // A rebuild never makes it larger than a fresh build of it is now: an estimate above that is an error of the estimate.
    expected_bytes: expected === null ? null : Math.min(bytes, Math.round(expected * block)),
    fragmentation_pct: expected === null ? null : fragmentationPct(pages, expected),
    source: exact === undefined ? "estimate" : "pgstattuple",
  };
}

/**
 * Valid btree, ivfflat and hnsw indexes of the leaves. An index that somebody holds ACCESS EXCLUSIVE, or waits for so, is not
 * opened (pg_relation_size would stand in that queue): its size is the last vacuum's.
 */
function readIndexes(host: Host, collection: Collection): Facts[] {
  return host.query<Facts>(sql`
    SELECT format('%I.%I', n.nspname, ic.relname) AS index, ic.oid::text AS oid, format('%I.%I', tn.nspname, t.relname) AS "table", am.amname AS method,
           CASE WHEN l.locked THEN ic.relpages ELSE (pg_relation_size(ic.oid) / current_setting('block_size')::int)::int END AS pages,
           current_setting('block_size')::int AS block, l.locked, i.indisunique AS "unique",
           -- The larger of two counts, so that neither makes an index look more bloated than it is: pg_stat's live rows, which a
           -- crash and a DELETE that reports after the VACUUM lower, and the planner's (rows a page at the last vacuum, pages now).
           greatest(pg_stat_get_live_tuples(t.oid), CASE WHEN t.relpages > 0 AND NOT l.locked
             THEN greatest(t.reltuples, 0) / t.relpages * (pg_relation_size(t.oid) / current_setting('block_size')::int) ELSE greatest(t.reltuples, 0) END)::float8 AS live,
           CASE WHEN i.indpred IS NOT NULL THEN greatest(ic.reltuples, 0)::float8 END AS partial_rows,
           coalesce(o.fillfactor, 90) AS fillfactor, coalesce(o.lists, 100) AS lists, coalesce(o.m, 16) AS m, coalesce(o.deduplicate, true) AS deduplicate,
           c.columns
      FROM ${family(sql`${collection.relid}::oid`)} f
      JOIN pg_index i ON i.indrelid = f.relid AND i.indisvalid
      -- What rebuild_centroids has beside an index for a while is none of the collection's own.
      JOIN pg_class ic ON ic.oid = i.indexrelid AND ic.relkind = 'i' AND ic.relname !~ '^ruvector_(built|kept)_[0-9]'
      JOIN pg_am am ON am.oid = ic.relam AND am.amname IN ('btree', 'ivfflat', 'hnsw')
      JOIN pg_namespace n ON n.oid = ic.relnamespace
      JOIN pg_class t ON t.oid = i.indrelid AND t.relkind IN ('r', 'm')
      JOIN pg_namespace tn ON tn.oid = t.relnamespace
     CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_locks k WHERE k.locktype = 'relation' AND k.relation IN (ic.oid, t.oid)
                                          AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                                          AND k.mode = 'AccessExclusiveLock') AS locked) l
     CROSS JOIN LATERAL (SELECT max(option_value) FILTER (WHERE option_name = 'fillfactor')::int AS fillfactor,
                                max(option_value) FILTER (WHERE option_name = 'lists')::int AS lists,
                                max(option_value) FILTER (WHERE option_name = 'm')::int AS m,
                                bool_and(option_value::boolean) FILTER (WHERE option_name = 'deduplicate_items') AS deduplicate
                           FROM pg_options_to_table(ic.reloptions)) o
     CROSS JOIN LATERAL (
       SELECT coalesce(json_agg(json_build_object(
                'width', CASE WHEN a.attlen > 0 THEN a.attlen
                              -- The type says it exactly; pg_stats counts a vector that was moved out of line as its pointer.
                              WHEN y.typname = 'vector' AND a.atttypmod > 0 THEN a.atttypmod * 4 + 8
                              WHEN y.typname = 'halfvec' AND a.atttypmod > 0 THEN a.atttypmod * 2 + 8
                              WHEN y.typname = 'bit' AND a.atttypmod > 0 THEN (a.atttypmod + 7) / 8 + 8
                              ELSE s.avg_width END,
                'align', CASE WHEN a.attlen = -1 AND coalesce(s.avg_width, 0) < 127 THEN 1
                              ELSE CASE a.attalign WHEN 'c' THEN 1 WHEN 's' THEN 2 WHEN 'i' THEN 4 ELSE 8 END END,
                'null_frac', coalesce(s.null_frac, 0), 'n_distinct', coalesce(s.n_distinct, 0)) ORDER BY a.attnum), '[]') AS columns
         FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
         LEFT JOIN pg_attribute ta ON ta.attrelid = t.oid AND ta.attnum = i.indkey[a.attnum - 1] AND ta.attnum <> 0
         -- An expression's statistics stand under the index.
         LEFT JOIN pg_stats s ON s.schemaname = tn.nspname AND NOT s.inherited
                             AND s.tablename = CASE WHEN ta.attname IS NULL THEN ic.relname ELSE t.relname END
                             AND s.attname = coalesce(ta.attname, a.attname)
        WHERE a.attrelid = ic.oid AND a.attnum > 0) c
     ORDER BY 1`);
}

/** pgstatindex, where the extension is there and the role may call it; else why not, and what would change that. */
function exactFunction(host: Host): { readonly function: string } | { readonly why: string; readonly hint: string } {
  const [found] = host.query<{ call: string; may: boolean; role: string }>(sql`
    SELECT format('%I.pgstatindex', n.nspname) AS call, has_function_privilege(p.oid, 'EXECUTE') AND has_schema_privilege(n.oid, 'USAGE') AS may, quote_ident(current_user) AS role
      FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass
      JOIN pg_proc p ON p.oid = d.objid JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE e.extname = 'pgstattuple' AND p.proname = 'pgstatindex' AND p.proargtypes[0] = 'regclass'::regtype`);
  if (!found) return { why: "extension pgstattuple is not in this database", hint: "CREATE EXTENSION pgstattuple;" };
  if (!found.may) return { why: "the role may not call pgstatindex", hint: `GRANT pg_stat_scan_tables TO ${found.role};` };
  return { function: found.call };
}

/** Pages of a rebuilt btree, from how full its leaves are: empty and deleted pages go, the rest is packed to the fillfactor. */
function readExactly(host: Host, call: string, { oid, fillfactor, columns }: Facts): number | null {
  try {
    const { leaves, density } = host.one<{ leaves: number; density: number | null }>(sql`
      SELECT s.leaf_pages::int AS leaves, nullif(s.avg_leaf_density, 'NaN'::float8) AS density FROM ${raw(call)}(${oid}::oid::regclass) s`);
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
