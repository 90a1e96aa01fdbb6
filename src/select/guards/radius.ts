/** How much an action may touch. */
import { anyOf, settingIs, time } from "../../base/flip.ts";
import { bytes as bytesText, configure, count } from "../../base/text.ts";
import type { Cost } from "../../model/cost.ts";
import { beyond, type Scope, type ScopeName } from "../blast-radius.ts";
import type { GuardContext, Refusal } from "./types.ts";

const amount = (key: keyof Cost, value: number): string =>
  key === "rows" ? count(value, "row") : bytesText(value);

const WHAT: Readonly<Record<keyof Cost, string>> = {
  rows: "move",
  bytes: "write anew",
  wal_bytes: "write to the log",
};

const WHERE: Readonly<Record<ScopeName, string>> = {
  action: "",
  collection: " on this collection within the last hour",
  server: " on all collections within the last hour, with what is under way",
};

export function blastRadius({ planned, settings, collection }: GuardContext): Refusal | null {
  if (!planned) return null;
  const locks = settings.max_locks_per_action;
  if (!(planned.relation_locks <= locks)) {
    return {
      reason: "blast_radius",
      measured: planned.relation_locks,
      flips: settingIs("max_locks_per_action", "at_least", planned.relation_locks),
      message:
        `the plan would lock ${count(planned.relation_locks, "relation")} at once, ` +
        `max_locks_per_action is ${locks}`,
      lift: configure(`{"max_locks_per_action": ${planned.relation_locks}}`, collection),
    };
  }
  const found = beyond(planned.scopes, planned.cost);
  return found && refusal(found.scope, found.key, found.total, planned.cost, collection);
}

function refusal(
  scope: Scope,
  key: keyof Cost,
  total: number,
  cost: Cost,
  collection: string,
): Refusal {
  const setting = scope.settings[key];
  const before =
    scope.used[key] > 0 ? `, after ${amount(key, scope.used[key])}${WHERE[scope.name]}` : "";
  const more = settingIs(setting, "at_least", total);
  return {
    reason: "blast_radius",
    measured: total,
    flips:
      scope.frees_at !== null && scope.used[key] > 0
        ? anyOf(more, time(scope.frees_at, "hour_passes"))
        : more,
    message:
      `the plan would ${WHAT[key]} ${amount(key, cost[key])}${before}: ${setting} is ` +
      `${amount(key, scope.limits[key])}`,
    lift:
      scope.name === "server"
        ? `SELECT ruvector_healing_configure('{"${setting}": ${total}}');`
        : configure(`{"${setting}": ${total}}`, collection),
  };
}
