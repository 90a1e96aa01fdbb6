/** What is at work already. */
import { anyOf, happensTo, measure, settingIs } from "../../base/flip.ts";
import { count, printable } from "../../base/text.ts";
import type { GuardContext, Refusal } from "./types.ts";

export function activeAction({ active, collection }: GuardContext): Refusal | null {
  if (!active) return null;
  const id = printable(String(active.id));
  return {
    reason: "active_action",
    measured: active.id,
    flips: happensTo("action_ends", id),
    message: `action ${id} (${printable(active.strategy)}) is at work on ${printable(collection)}`,
    hint: `SELECT ruvector_healing_abort(${id}); ends it.`,
  };
}

export function globalLimit({
  active_total,
  max_active_total,
}: Pick<GuardContext, "active_total" | "max_active_total">): Refusal | null {
  if (active_total < max_active_total) return null;
  if (max_active_total === 0)
    return {
      reason: "global_limit",
      measured: active_total,
      flips: settingIs("max_active_actions", "above", 0),
      message: "no action begins on any collection: max_active_actions is 0",
      hint: `SELECT ruvector_healing_configure('{"max_active_actions": null}'); lets them again.`,
    };
  return {
    reason: "global_limit",
    measured: active_total,
    flips: anyOf(
      measure("active_below", max_active_total),
      settingIs("max_active_actions", "above", active_total),
    ),
    message:
      `${count(active_total, "action")} at work on all collections, at most ` +
      `${max_active_total} at a time (max_active_actions)`,
    hint: "SELECT jsonb_pretty(ruvector_healing_status() -> 'active_remediations');",
  };
}
