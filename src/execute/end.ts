/** The one door through which actions end. */
import { type ActionEnd, closeAction } from "../store/action-changes.ts";
import type { Host } from "../host/host.ts";
import { recordOutcome } from "../learn/outcomes.ts";
import type { Action } from "../model/action.ts";

/**
 * Ends an action: its row, its event, the circuit breaker, and what is learned from it. One that
 * never began (expired), that a person stopped (aborted), or whose table is gone says nothing about
 * its strategy.
 */
export function endAction(
  host: Host,
  action: Action,
  end: ActionEnd,
  { tableGone = false } = {},
): Action {
  const ended = closeAction(host, action, end);
  if (ended.state !== "expired" && ended.state !== "aborted" && !tableGone)
    recordOutcome(host, ended);
  return ended;
}
