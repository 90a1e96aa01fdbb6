/**
 * The rows of ruvector.healing_steps: the journal of what an action changed, and of what its undo
 * took back.
 */
import sql, { type Sql } from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Action, NewStep, Step, UndoResult } from "../model/action.ts";

export function insertStep(host: Host, action: Action, step: NewStep): void {
  host.execute(sql`
    INSERT INTO ruvector.healing_steps (action_id, slice, kind, details, rows, journal, bytes,
      wal_bytes, came_back)
    SELECT ${action.id}::bigint, ${action.slices}::int, s.kind, s.details, ${step.rows}::int,
      s.journal,
           ${Math.round(step.bytes ?? 0)}::bigint, ${Math.round(step.wal_bytes ?? 0)}::bigint,
           CASE WHEN s.kind = 'move_rows' THEN ${cameBack(action)} ELSE 0 END
      FROM (SELECT ${step.kind}::text AS kind, ${JSON.stringify(step.details)}::jsonb AS details,
        ${JSON.stringify(step.journal)}::jsonb AS journal) s`);
}

/**
 * Rows of the step `s` that an earlier action took the other way. Journals are read only where one
 * went the other way at all, which is seldom; rows that were undone meanwhile are in none.
 */
const cameBack = (action: Action): Sql => sql`(
  SELECT count(*)::int FROM (
    SELECT j.value FROM jsonb_array_elements(s.journal) j
    INTERSECT
    SELECT e.value
      FROM ruvector.healing_actions a JOIN ruvector.healing_steps o ON o.action_id = a.id
     CROSS JOIN LATERAL jsonb_array_elements(o.journal) e
     WHERE a.collection_id = ${action.collection_id}::int AND a.id <> ${action.id}::bigint
       AND o.kind = 'move_rows'
       AND o.details ->> 'from' = s.details ->> 'to' AND o.details ->> 'to' = s.details ->> 'from'
       AND o.executed_at > clock_timestamp()
         - make_interval(secs => (ruvector.healing_settings(a.collection_id)
         ->> 'oscillation_window_seconds')::float8)) back)`;

/**
 * What a job wrote is known once it has ended: the size of what it built (its log is as much, 0.90
 * to 0.99 measured).
 */
export function settleStep(
  host: Host,
  action: Action,
  details: Readonly<Record<string, string>>,
  bytes: number,
): void {
  host.execute(sql`
    UPDATE ruvector.healing_steps SET bytes = ${Math.round(bytes)}::bigint,
      wal_bytes = ${Math.round(bytes)}::bigint
     WHERE action_id = ${action.id}::bigint AND details @> ${JSON.stringify(details)}::jsonb`);
}

/** The newest step that is not undone; of one slice only, when given. */
export function newestStep(host: Host, action: Action, slice: number | null): Step | null {
  return (
    host.query<Step>(sql`
    SELECT id::text, slice, kind, details, rows, journal FROM ruvector.healing_steps
     WHERE action_id = ${action.id}::bigint AND undone_at IS NULL AND (${slice}::int IS NULL
       OR slice = ${slice}::int)
     ORDER BY healing_steps.id DESC LIMIT 1`)[0] ?? null
  );
}

/** Steps of the given kinds that are not undone, newest first. */
export const openSteps = (host: Host, action: Action, kinds: readonly string[]): Step[] =>
  host.query<Step>(sql`
    SELECT id::text, slice, kind, details, rows, journal FROM ruvector.healing_steps s
     WHERE s.action_id = ${action.id}::bigint AND s.undone_at IS NULL
       AND s.kind IN
       (SELECT jsonb_array_elements_text(${JSON.stringify(kinds)}::jsonb))
     ORDER BY s.id DESC`);

export function keepUndo(
  host: Host,
  step: Step,
  { remaining, undone, gone, elsewhere = 0, conflicts, wal_bytes = 0 }: UndoResult,
): void {
  host.execute(sql`
    UPDATE ruvector.healing_steps
       SET journal = ${JSON.stringify(remaining)}::jsonb, gone = gone + ${gone}::int,
         elsewhere = elsewhere + ${elsewhere}::int, conflicts = conflicts + ${conflicts}::int,
           undone = undone + ${undone}::int,
             undo_wal_bytes = undo_wal_bytes + ${Math.round(wal_bytes)}::bigint,
             undo_at = clock_timestamp(),
           undone_at = CASE WHEN ${remaining.length}::int = 0 THEN clock_timestamp() END
     WHERE id = ${step.id}::bigint`);
}

/** What the undo of an action has done so far and has left. */
export function undoSummary(
  host: Host,
  action: Action,
): { steps_left: number; rows_left: number; gone: number; elsewhere: number; conflicts: number } {
  return host.one(sql`
    SELECT count(*) FILTER (WHERE undone_at IS NULL)::int AS steps_left,
           coalesce(sum(jsonb_array_length(journal))
             FILTER (WHERE undone_at IS NULL), 0)::int AS rows_left,
           coalesce(sum(gone), 0)::int AS gone, coalesce(sum(elsewhere), 0)::int AS elsewhere,
             coalesce(sum(conflicts), 0)::int AS conflicts
      FROM ruvector.healing_steps WHERE action_id = ${action.id}::bigint`);
}
