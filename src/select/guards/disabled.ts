/** Healing is switched off. */
import { configure, printable } from "../../base/text.ts";
import type { GuardContext, Refusal } from "./types.ts";

export function disabled({ settings, collection }: GuardContext): Refusal | null {
  if (settings.enabled) return null;
  return {
    reason: "disabled",
    measured: false,
    flips: { kind: "setting", name: "enabled", relation: "=", value: true },
    message: `healing of ${printable(collection)} is switched off`,
    lift: configure('{"enabled": true}', collection),
  };
}
