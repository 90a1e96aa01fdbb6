/**
 * What becomes of an action whose rows may not be moved back: they stay, everything else is put
 * back, and the action ends and says so.
 */
import { rowsNotBack, waysNotBack } from "../store/moved-rows.ts";
import { keepUndo, openSteps } from "../store/steps.ts";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { type ErrorDocument, HealingError, SQLSTATES } from "../base/errors.ts";
import { count, printable, sqlLiteral } from "../base/text.ts";
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
  for (const step of openSteps(host, action, strategy.undoneApart ?? []))
    host.atomic(() =>
      keepUndo(
        host,
        step,
        strategy.undoStep({ host, collection, action: knownTo(strategy, action) }, step),
      ),
    );
  const rows = rowsNotBack(host, action);
  const why = action.rollback_reason === null ? "" : `${action.rollback_reason}; `;
  const again = `SELECT ruvector_healing_rollback(${sqlLiteral(action.collection)});`;
  return endAction(host, action, {
    // Whoever asked for the undo did not get it.
    state: undoAskedFor(host, action) ? "rollback_failed" : "failed",
    rollback_reason: action.rollback_reason ?? message,
    message:
      `${why}${count(rows, "row")} stay where they went, moving them back would do the same: ` +
      `${message}. ${hint ?? ""} Then: ${again}`,
  });
}

/**
 * Everything is back but rows whose partition is gone. Their journal stays too.
 * @param rest what else became of rows
 */
export function endWithRows(
  host: Host,
  collection: Collection,
  action: Action,
  lambda: number | null,
  rest: string,
): Action {
  const ways = waysNotBack(host, action);
  const told = ways
    .slice(0, 5)
    .map(({ from, to, rows }) => `${rows} of ${printable(from)} in ${printable(to)}`);
  const more = ways.length > 5 ? `, and of ${count(ways.length - 5, "more way")}` : "";
  const keys = [...new Set(ways.map(({ from_key }) => printable(from_key)))];
  const rows = ways.reduce((sum, way) => sum + way.rows, 0);
  const column = collection.partition_column?.name ?? "its partition column";
  return endAction(host, action, {
    state: undoAskedFor(host, action) ? "rollback_failed" : "failed",
    final_lambda: lambda,
    message: [
      `undone but for ${count(rows, "row")}: ${action.rollback_reason ?? "asked for"}`,
      ...(rest === "" ? [] : [rest]),
      `these stay where they went, ${told.join(", ")}${more}: no partition of ` +
        `${printable(collection.name, 200)} takes ${printable(column)} = ` +
        `${keys.slice(0, 5).join(", ")} any more. With a partition for it again, ` +
        `SELECT ruvector_healing_rollback(${sqlLiteral(action.collection)}, ${action.id}); ` +
        "puts them back",
    ].join("; "),
  });
}
