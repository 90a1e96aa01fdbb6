/** Whether it is the time for it. */
import { happens, time } from "../../base/flip.ts";
import { configure, printable, utc } from "../../base/text.ts";
import { explain } from "./text.ts";
import type { GuardContext, Refusal } from "./types.ts";

export function maintenanceWindow({ in_window, window, collection }: GuardContext): Refusal | null {
  if (in_window !== false) return null;
  const opens = window?.opens_at ?? null;
  if (window?.problem) {
    return {
      reason: "maintenance_window",
      measured: false,
      flips: happens("maintenance windows that can be read"),
      message:
        `the maintenance windows of ${printable(collection)} cannot be read: ` +
        `${printable(window.problem, 200)}`,
      lift: configure('{"maintenance_windows": []}', collection),
    };
  }
  return {
    reason: "maintenance_window",
    measured: false,
    flips: opens === null ? happens("the next maintenance window opens") : time(opens),
    message:
      opens === null
        ? "it is outside the maintenance windows"
        : `it is outside the maintenance windows; the next one opens at ${utc(opens)}`,
    hint: `${explain(collection)} says what could be run by hand at once.`,
    ends_itself: opens !== null,
  };
}
