/** Whether an action that ended can be undone now, and what to type. */
import { isRegistered } from "../store/collections.ts";
import { movedSince } from "../store/moved-rows.ts";
import { undoSummary } from "../store/steps.ts";
import type { Host } from "../host/host.ts";
import { type Action, isActive } from "../model/action.ts";
import { printable, sqlLiteral } from "../base/text.ts";
import { activeAction } from "../store/actions.ts";

export const rollbackStatement = ({ collection, id }: Pick<Action, "collection" | "id">): string =>
  `SELECT ruvector_healing_rollback(${sqlLiteral(collection)}, ${id});`;

/** Why it cannot be undone now, with what to type about that. */
export interface Obstacle {
  readonly message: string;
  readonly detail: string;
  readonly hint: string;
}

export function undoObstacle(host: Host, action: Action): Obstacle | null {
  const { id, collection, strategy_name, state } = action;
  const read = `SELECT ruvector_healing_explain(${id}); says what it did.`;
  if (!action.reversible)
    return {
      message: `action ${id} (${strategy_name}) cannot be undone`,
      detail: `${strategy_name} changed what it did for good.`,
      hint: read,
    };
  if (undoSummary(host, action).steps_left === 0)
    return {
      message: `action ${id} has nothing left to undo`,
      detail: `Its state is ${state}.`,
      hint: read,
    };
  if (!isRegistered(host, action.collection_id)) {
    return {
      message: `${printable(collection, 200)} is not registered any more`,
      detail: `Action ${id} was on it.`,
      hint: "What it changed stays: an undo needs the registration it was made under.",
    };
  }
  const active = activeAction(host, action.collection_id);
  if (active && active.id !== id) {
    return {
      message:
        `action ${active.id} (${active.strategy_name}) is at work on ` +
        `${printable(collection, 200)}`,
      detail: `Its state is ${active.state}; a collection has one action at a time.`,
      hint: `SELECT ruvector_healing_abort(${active.id}); ends it.`,
    };
  }
  const later = movedSince(host, action);
  if (later === null) return null;
  return {
    message: `action ${later} moved rows of ${printable(collection, 200)} after action ${id}`,
    detail: "What was moved last is undone first.",
    hint: rollbackStatement({ collection, id: later }),
  };
}

/** What undoes it, for the hint of an error about it. */
export const undoHint = (host: Host, action: Action): string =>
  isActive(action.state)
    ? `To stop and undo it: SELECT ruvector_healing_abort(${action.id});`
    : (undoObstacle(host, action)?.hint ?? `To undo it: ${rollbackStatement(action)}`);
