/** Rows that were moved, as ruvector.healing_steps has them. */
import sql, { type Sql, raw } from "sql-template-tag";
import { GIVEN, type Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";

/** What of a step is known before its rows have moved. */
export interface MovedStep {
  readonly details: object;
  /** What a row takes, with its index entries. */
  readonly bytes_each: number;
  /** Where the write-ahead log ended before. */
  readonly wal: string;
}

/**
 * Journals what the statement before it moved, {picked, rows, last, tenants, moved}; nothing where
 * no row did. Answers with the same but the rows themselves, with what has to be known then: who
 * waits for the batch, and publications, which no lock that writers could live with keeps off.
 */
export const movedStep = (
  { relid }: Collection,
  action: Action,
  { details, bytes_each, wal }: MovedStep,
): Sql => sql`
  SELECT * FROM ruvector.healing_keep_moved(${GIVEN}::json, ${action.collection_id}::int,
    ${action.id}::bigint, ${action.slices}::int, ${JSON.stringify(details)}::jsonb,
    ${bytes_each}::float8, ${wal}::pg_lsn, ${relid}::oid)`;

/** The journal of a step, for the statement that takes it back. */
export const journalOf = (stepId: string): Sql =>
  sql`SELECT journal FROM ruvector.healing_steps WHERE id = ${stepId}::bigint`;

/**
 * The same as lists, a column each, by the names c0, c1...
 * @param ends what else is to be known of them
 */
export function listsOf(stepId: string, columns: number, ends: Sql): Sql {
  const places = Array.from({ length: columns }, (_, place) => place);
  return sql`
    SELECT json_build_array(${raw(places.map((n) => `array_agg(c${n})::text`).join(", "))})
             AS lists, ${ends}
      FROM (SELECT ${raw(places.map((n) => `j.row ->> ${n} AS c${n}`).join(", "))}
              FROM ruvector.healing_steps s CROSS JOIN jsonb_array_elements(s.journal) j(row)
             WHERE s.id = ${stepId}::bigint OFFSET 0) j`;
}

/**
 * Keeps what is left of a step's journal, as the statement before it says: {missing, conflicts,
 * undone, remaining}. Answers with the same, but of what remains only how much that is.
 */
export const leftOfStep = (stepId: string, wal: string): Sql => sql`
  WITH m AS MATERIALIZED (
    SELECT * FROM json_to_record(${GIVEN}::json)
      r (missing json, conflicts int, undone int, remaining jsonb)
  ), kept AS (
    UPDATE ruvector.healing_steps SET journal = m.remaining FROM m WHERE id = ${stepId}::bigint
  )
  SELECT m.missing, m.conflicts, m.undone, jsonb_array_length(m.remaining) AS left,
         pg_wal_lsn_diff(pg_current_wal_insert_lsn(), ${wal}::pg_lsn)::float8 AS wal_bytes
    FROM m`;

/** How many rows an action moved that are not back. */
export const rowsNotBack = (host: Host, action: Action): number =>
  host.one<{ rows: number }>(sql`
    SELECT coalesce(sum(jsonb_array_length(s.journal)), 0)::int AS rows
      FROM ruvector.healing_steps s
     WHERE s.action_id = ${action.id}::bigint AND s.undone_at IS NULL AND s.kind = 'move_rows'`)
    .rows;

/** Rows of one way that are not back. */
export interface WayNotBack {
  readonly from: string;
  readonly to: string;
  readonly from_key: string;
  readonly rows: number;
}

/** The same by their ways. */
export const waysNotBack = (host: Host, action: Action): WayNotBack[] =>
  host.query<WayNotBack>(sql`
    SELECT s.details ->> 'from' AS "from", s.details ->> 'to' AS "to",
           s.details ->> 'from_key' AS from_key,
           sum(jsonb_array_length(s.journal))::int AS rows
      FROM ruvector.healing_steps s
     WHERE s.action_id = ${action.id}::bigint AND s.undone_at IS NULL AND s.kind = 'move_rows'
     GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3`);

/** The keys under which rows of an action were not found again. */
export const goneFrom = (host: Host, { id }: Action): string[] =>
  host
    .query<{ key: string }>(sql`
    SELECT DISTINCT s.details ->> 'to_key' AS key FROM ruvector.healing_steps s
     WHERE s.action_id = ${id}::bigint AND s.kind = 'move_rows' AND s.gone > 0`)
    .map(({ key }) => key);

/**
 * The newest action whose moves lie over those of this one: rows are not where this one has put
 * them. Those that have no way back hold up nobody: they are counted as rows that are elsewhere.
 * null: there is none.
 */
export function movedSince(host: Host, { id, collection_id }: Action): string | null {
  const [later] = host.query<{ id: string }>(sql`
    SELECT a.id::text AS id FROM ruvector.healing_actions a
     WHERE a.collection_id = ${collection_id}::int AND a.id > ${id}::bigint AND a.reversible
       AND a.state IN ('succeeded', 'failed', 'rollback_failed')
       AND EXISTS (SELECT FROM ruvector.healing_steps s WHERE s.action_id = a.id
         AND s.action_id > ${id}::bigint AND s.kind = 'move_rows' AND s.undone_at IS NULL
         AND NOT jsonb_exists(coalesce(a.progress -> 'no_way_back', '[]'),
           s.details ->> 'from_key'))
       AND EXISTS (SELECT FROM ruvector.healing_steps o WHERE o.action_id = ${id}::bigint
         AND o.kind = 'move_rows' AND o.undone_at IS NULL)
     ORDER BY a.id DESC LIMIT 1`);
  return later?.id ?? null;
}

/** Rows that went from one partition to another lately and are there still. */
export interface RecentMove {
  readonly from: string;
  readonly to: string;
  readonly rows: number;
  readonly action_id: string;
  /** Seconds since 1970. */
  readonly at: number;
}

/** What was moved on a collection in the last so many seconds, by its way. */
export const recentMoves = (host: Host, collectionId: number, seconds: number): RecentMove[] =>
  host.query<RecentMove>(sql`
    SELECT s.details ->> 'from' AS "from", s.details ->> 'to' AS "to",
      sum(s.rows - s.undone - s.gone - s.elsewhere)::float8 AS rows,
           max(s.action_id)::text AS action_id, extract(epoch FROM max(s.executed_at))::float8 AS at
      FROM ruvector.healing_actions a JOIN ruvector.healing_steps s ON s.action_id = a.id
     WHERE a.collection_id = ${collectionId}::int AND s.kind = 'move_rows'
       AND s.executed_at > now() - make_interval(secs => ${seconds}::float8)
     GROUP BY 1, 2`);

/** Log that a row took in the last 100 batches of a collection, their median; null: no batches. */
export const walPerRow = (
  host: Host,
  collectionId: number,
): { readonly batches: number; readonly each: number | null } =>
  host.one<{ batches: number; each: number | null }>(sql`
    SELECT count(*)::int AS batches, percentile_cont(0.5) WITHIN
      GROUP (ORDER BY m.wal_bytes::float8 / m.rows) AS each
      FROM (SELECT s.wal_bytes, s.rows
        FROM ruvector.healing_actions a JOIN ruvector.healing_steps s ON s.action_id = a.id
             WHERE a.collection_id = ${collectionId}::int AND s.kind = 'move_rows' AND s.rows > 0
               AND s.wal_bytes > 0
             ORDER BY s.id DESC LIMIT 100) m`);
