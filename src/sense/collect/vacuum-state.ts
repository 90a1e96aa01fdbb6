/**
 * What VACUUM left to do in the tables of vector indexes, and how far one is that runs. Dead rows
 * take the places of live ones in a search until it has removed their entries.
 */
import sql, { raw } from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { VacuumState } from "../../model/recall.ts";

/**
 * "vacuuming indexes (1 of 3)", "scanning heap (40 %)". What a phase counts differs, and before
 * PostgreSQL 17 indexes are not counted. p: a row of pg_stat_progress_vacuum.
 */
const PROGRESS = raw(`
  p.phase || coalesce(CASE
    WHEN p.phase = 'scanning heap'
      THEN format(' (%s %%)', round(100.0 * p.heap_blks_scanned / nullif(p.heap_blks_total, 0)))
    WHEN p.phase = 'vacuuming heap'
      THEN format(' (%s %%)', round(100.0 * p.heap_blks_vacuumed / nullif(p.heap_blks_total, 0)))
    WHEN p.phase IN ('vacuuming indexes', 'cleaning up indexes')
      THEN ' (' || (to_jsonb(p) ->> 'indexes_processed') || ' of '
        || nullif(to_jsonb(p) ->> 'indexes_total', '0') || ')' END, '')`);

/** By the index's oid. A vacuum that this role may not see is none. */
export const vacuumStates = (
  host: Host,
  oids: readonly string[],
): Readonly<Record<string, VacuumState>> =>
  oids.length === 0
    ? {}
    : Object.fromEntries(
        host
          .query<VacuumState & { readonly oid: string }>(sql`
    SELECT i.indexrelid::text AS oid, pg_stat_get_dead_tuples(i.indrelid)::float8 AS dead_rows,
           pg_stat_get_live_tuples(i.indrelid)::float8 AS live_rows,
           extract(epoch FROM greatest(pg_stat_get_last_vacuum_time(i.indrelid),
             pg_stat_get_last_autovacuum_time(i.indrelid)))::float8 AS last_vacuum,
           (SELECT ${PROGRESS} FROM pg_stat_progress_vacuum p
             WHERE p.relid = i.indrelid AND p.datname = current_database() LIMIT 1) AS vacuum
      FROM jsonb_array_elements_text(${JSON.stringify(oids)}::jsonb) w(oid)
      JOIN pg_index i ON i.indexrelid = w.oid::oid`)
          .map(({ oid, ...state }) => [oid, state]),
      );

/** How far the vacuum of a table is; null: none runs that this role may see. */
export const vacuumProgress = (host: Host, relid: string): string | null =>
  host.query<{ progress: string }>(sql`
    SELECT ${PROGRESS} AS progress FROM pg_stat_progress_vacuum p
     WHERE p.relid = ${relid}::oid AND p.datname = current_database()`)[0]?.progress ?? null;
