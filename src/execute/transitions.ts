/** The transitions of the state machine that more than one place makes. */
import { updateAction } from "../store/action-changes.ts";
import { undoSummary } from "../store/steps.ts";
import type { Host } from "../host/host.ts";
import { endAction } from "./end.ts";
import type { Action } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";

export function beginStabilizing(
  host: Host,
  collection: Collection,
  action: Action,
  message: string,
): Action {
  return updateAction(host, action, {
    state: "stabilizing",
    stabilize_in: Math.max(
      collection.settings.stabilize_seconds,
      action.plan.stabilize_seconds ?? 0,
    ),
    message,
    progress: { ...action.progress, done: true },
  });
}

/**
 * Turns an action to its undo, or ends it where there is nothing to undo or no way to.
 * @param to the state that ends it once all is undone
 */
export function beginRollback(
  host: Host,
  collection: Collection,
  action: Action,
  to: NonNullable<Action["rollback_to"]>,
  reason: string,
): Action {
  const { steps_left } = undoSummary(host, action);
  // What cannot be taken back was not rolled back: it failed.
  const end = !action.reversible && to === "rolled_back" ? "failed" : to;
  if (steps_left === 0) {
    return endAction(host, action, {
      state: end,
      rollback_reason: reason,
      message: action.reversible
        ? `${reason}; nothing had been changed`
        : `${reason}; ${action.strategy_name} cannot be undone`,
    });
  }
  // Steps of a strategy that cannot be undone are still cleared up: a job that runs, an index that
  // was left invalid.
  return updateAction(host, action, {
    state: "rolling_back",
    rollback_reason: reason,
    rollback_to: end,
    // A partition that was gone may be there again.
    progress: { ...action.progress, no_way_back: [] },
    failures: 0,
    deadline_in: collection.settings.rollback_timeout_seconds,
    message: `undoing: ${reason}`,
  });
}
