/**
 * The rows of ruvector.healing_steps: the journal of what an action changed, and of what its undo
 * took back.
 */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Cost } from "../model/cost.ts";
import type { Action, NewStep, Step, UndoResult } from "../model/action.ts";

export function insertStep(host: Host, action: Action, step: NewStep): void {
  if (step.kept) return;
  host.execute(sql`
    INSERT INTO ruvector.healing_steps (action_id, slice, kind, details, rows, journal, bytes,
      wal_bytes, came_back)
    SELECT ${action.id}::bigint, ${action.slices}::int, s.kind, s.details, ${step.rows}::int,
      s.journal,
           ${Math.round(step.bytes ?? 0)}::bigint, ${Math.round(step.wal_bytes ?? 0)}::bigint, 0
      FROM (SELECT ${step.kind}::text AS kind, ${JSON.stringify(step.details)}::jsonb AS details,
        ${JSON.stringify(step.journal)}::jsonb AS journal) s`);
}

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

/**
 * The newest step that is not undone; of one slice only, when given. Identities of moved rows stay
 * where they are: their undo reads them there. Not one whose rows have no way back (no_way_back).
 */
export function newestStep(host: Host, action: Action, slice: number | null): Step | null {
  return (
    host.query<Step>(sql`
    SELECT id::text, slice, kind, details, rows,
           CASE kind WHEN 'move_rows' THEN '[]' ELSE journal END AS journal
      FROM ruvector.healing_steps
     WHERE action_id = ${action.id}::bigint AND undone_at IS NULL AND (${slice}::int IS NULL
       OR slice = ${slice}::int)
       AND (kind <> 'move_rows' OR NOT jsonb_exists(
         ${JSON.stringify(action.progress.no_way_back ?? [])}::jsonb, details ->> 'from_key'))
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
  { remaining, left, undone, gone, elsewhere = 0, conflicts, wal_bytes = 0 }: UndoResult,
): void {
  host.execute(sql`
    UPDATE ruvector.healing_steps
       SET journal = CASE WHEN ${left !== undefined}::boolean THEN journal
             ELSE ${JSON.stringify(remaining)}::jsonb END, gone = gone + ${gone}::int,
         elsewhere = elsewhere + ${elsewhere}::int, conflicts = conflicts + ${conflicts}::int,
           undone = undone + ${undone}::int,
             undo_wal_bytes = undo_wal_bytes + ${Math.round(wal_bytes)}::bigint,
             undo_at = clock_timestamp(),
           undone_at = CASE WHEN ${left ?? remaining.length}::int = 0 THEN clock_timestamp() END
     WHERE id = ${step.id}::bigint`);
}

/** Steps of one kind and target. Times are seconds since 1970. */
export interface StepGroup {
  readonly kind: string;
  readonly details: Record<string, unknown>;
  readonly steps: number;
  readonly rows: number;
  readonly undone: number;
  readonly first: number;
  readonly last: number;
}

/** Details that are for the undo alone; the table of a vacuum is what it is about. */
const UNSAID = "{weights,identity,columns,here}";

/**
 * Like steps of one kind and target are one entry: batches are small, and there may be thousands.
 */
export const stepGroups = (host: Host, action: Action): readonly StepGroup[] =>
  host.query<StepGroup>(sql`
    SELECT kind, details - ${UNSAID}::text[]
             - CASE kind WHEN 'vacuum' THEN '' ELSE 'table' END AS details,
           count(*)::int AS steps,
           sum(rows)::float8 AS rows,
      count(undone_at)::int AS undone,
           extract(epoch FROM min(executed_at))::float8 AS first, extract(epoch
             FROM max(executed_at))::float8 AS last
      FROM ruvector.healing_steps WHERE action_id = ${action.id}::bigint
     GROUP BY 1, 2 ORDER BY min(id)`);

/** What was written within the last hour. */
export interface WrittenLately extends Cost {
  /** Seconds since 1970: when the oldest of it leaves the hour; null: nothing was written. */
  readonly frees_at: number | null;
}

/** What counts against the blast radius. */
export interface AmountsWritten {
  /** By the action that asks. */
  readonly action: Cost;
  readonly collection: WrittenLately;
  /** On all collections. */
  readonly server: WrittenLately;
  /** What others that are under way have still to write. */
  readonly planned: Cost;
}

/** @param actionId the action that asks; null: it is being planned, only then is `planned` read */
export const amountsWritten = (
  host: Host,
  collectionId: number,
  actionId: string | null,
): AmountsWritten =>
  host.one<AmountsWritten>(sql`
    SELECT (SELECT json_build_object('rows', coalesce(sum(rows), 0), 'bytes',
      coalesce(sum(bytes), 0), 'wal_bytes', coalesce(sum(wal_bytes), 0))
              FROM ruvector.healing_steps WHERE action_id = ${actionId}::bigint) AS action,
           (SELECT json_build_object('rows', rows, 'bytes', bytes, 'wal_bytes', wal_bytes,
             'frees_at', extract(epoch FROM oldest) + 3600)
             FROM ruvector.healing_written(${collectionId}::int)) AS collection,
           (SELECT json_build_object('rows', rows, 'bytes', bytes, 'wal_bytes', wal_bytes,
             'frees_at', extract(epoch FROM oldest) + 3600)
             FROM ruvector.healing_written(NULL)) AS server,
           (SELECT json_build_object('rows', coalesce(sum(greatest(0, p.rows - p.done_rows)), 0),
             'bytes', coalesce(sum(greatest(0, p.bytes - p.done_bytes)), 0),
                                     'wal_bytes', coalesce(sum(greatest(0,
                                       p.wal_bytes - p.done_wal_bytes)), 0))
              FROM (SELECT coalesce((a.plan ->> 'rows_moved')::float8, 0) AS rows,
                (a.plan ->> 'bytes')::float8 AS bytes, (a.plan ->> 'wal_bytes')::float8
                AS wal_bytes,
                           coalesce(sum(s.rows), 0) AS done_rows, coalesce(sum(s.bytes),
                             0) AS done_bytes, coalesce(sum(s.wal_bytes), 0) AS done_wal_bytes
                      FROM ruvector.healing_actions a LEFT
                        JOIN ruvector.healing_steps s ON s.action_id = a.id
                     WHERE a.state IN ('planned', 'executing') AND ${actionId}::bigint IS NULL
                       GROUP BY a.id) p) AS planned`);

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
