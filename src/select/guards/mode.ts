/** How far the loop may go by itself here, and with this strategy. */
import { acts, effectiveMode } from "../../configuration/modes.ts";
import { configure, printable } from "../../base/text.ts";
import type { ApprovalRequired, GuardContext, Held, Refusal } from "./types.ts";

export function mode({
  settings,
  strategy,
  collection,
}: GuardContext): Refusal | ApprovalRequired | Held | null {
  const { mode: now, setting } = effectiveMode(settings, strategy?.name ?? null);
  const whose =
    setting === "strategy_modes" && strategy
      ? `${printable(strategy.name)} on ${printable(collection)}`
      : printable(collection);
  if (now === "off") {
    return {
      reason: "mode",
      measured: "off",
      flips: {
        kind: "setting",
        name: setting,
        relation: "one_of",
        values: ["observe", "recommend", "approve", "auto"],
      },
      message: `the mode of ${whose} is off (${setting})`,
      lift:
        setting === "mode"
          ? configure('{"mode": "auto"}', collection)
          : configure(`{"strategy_modes": {"${strategy!.name}": null}}`, collection),
    };
  }
  if (!acts(now)) return { held: now, because: `the mode of ${whose} is ${now} (${setting})` };
  return now === "approve" && strategy
    ? { approval_required: `the mode of ${whose} is approve (${setting})` }
    : null;
}
