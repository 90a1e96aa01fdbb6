/** Whether it would go to and fro. */
import { anyOf, settingIs, time } from "../../base/flip.ts";
import { configure, count, percent, printable } from "../../base/text.ts";
import type { GuardContext, Refusal } from "./types.ts";

export function oscillation({
  planned,
  settings,
  collection,
  now,
  strategy,
}: GuardContext): Refusal | null {
  const back = planned?.reversal;
  if (!back) return null;
  const share = back.rows / back.of;
  if (share < settings.oscillation_share) return null;
  const rounded = Number(share.toFixed(3));
  return {
    reason: "oscillation",
    measured: rounded,
    flips: anyOf(
      settingIs("oscillation_share", "above", rounded),
      time(back.at + settings.oscillation_window_seconds, "moves_are_older"),
    ),
    message:
      `${printable(strategy?.name ?? "the plan")} would move ${count(back.rows, "row")} of ` +
      `${back.of} (${percent(share)}) back to where action ${back.action_id} took rows from ` +
      `${Math.round(Math.max(0, now - back.at))} s ago`,
    hint:
      "A load that swings is not healed by following it. " +
      `${configure('{"oscillation_window_seconds": 0}', collection)} lets it be followed.`,
  };
}
