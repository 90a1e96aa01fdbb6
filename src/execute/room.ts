/** Whether an action may begin beside those that are at work. */
import { count } from "../base/text.ts";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import { othersAtWork } from "../store/actions.ts";

/**
 * An action that was approved takes its place only now: others may have it. What a person runs
 * explicitly waits for nobody. Returns what it waits for; null: nothing.
 * @param most max_active_actions
 */
export function noRoom(host: Host, action: Action, most: number): string | null {
  if (action.origin === "execute") return null;
  if (most === 0) return "waits: no action begins while max_active_actions is 0";
  const active = othersAtWork(host, action);
  return active < most
    ? null
    : `waits: ${count(active, "action")} at work on all collections, at most ${most} at a time ` +
        "(max_active_actions)";
}
