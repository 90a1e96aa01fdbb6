/**
 * What becomes of an action whose rows may not be moved back: they stay, everything else is put
 * back, and the action ends and says so.
 */
import { keepUndo } from "../store/steps.ts";
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Action, Step } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { type ErrorDocument, HealingError, SQLSTATES } from "../base/errors.ts";
import { count } from "../base/text.ts";
import { endAction } from "./end.ts";
import { undoAskedFor } from "../store/actions.ts";
import { knownTo, type Strategy } from "../strategies/strategy.ts";

export const mustStay = (error: unknown): error is HealingError =>
  error instanceof HealingError && error.document.sqlstate === SQLSTATES.move_refused;

/** The journal stays too: once the reason is gone, ruvector_healing_rollback() moves them back. */
export function leaveRows(
  host: Host,
  collection: Collection,
  action: Action,
  strategy: Strategy,
  { message, hint }: ErrorDocument,
): Action {
  const apart = host.query<Step>(sql`
    SELECT id::text, slice, kind, details, rows, journal FROM ruvector.healing_steps s
     WHERE s.action_id = ${action.id}::bigint AND s.undone_at IS NULL
       AND s.kind IN
       (SELECT jsonb_array_elements_text(${JSON.stringify(strategy.undoneApart ?? [])}::jsonb))
     ORDER BY s.id DESC`);
  for (const step of apart)
    host.atomic(() =>
      keepUndo(
        host,
        step,
        strategy.undoStep({ host, collection, action: knownTo(strategy, action) }, step),
      ),
    );
  const { rows } = host.one<{ rows: number }>(sql`
    SELECT coalesce(sum(jsonb_array_length(s.journal)), 0)::int AS rows
      FROM ruvector.healing_steps s
     WHERE s.action_id = ${action.id}::bigint AND s.undone_at IS NULL AND s.kind = 'move_rows'`);
  const why = action.rollback_reason === null ? "" : `${action.rollback_reason}; `;
  const again = `SELECT ruvector_healing_rollback('${action.collection.replace(/'/g, "''")}');`;
  return endAction(host, action, {
    // Whoever asked for the undo did not get it.
    state: undoAskedFor(host, action) ? "rollback_failed" : "failed",
    rollback_reason: action.rollback_reason ?? message,
    message:
      `${why}${count(rows, "row")} stay where they went, moving them back would do the same: ` +
      `${message}. ${hint ?? ""} Then: ${again}`,
  });
}
