/** Whether it is the time for it. */
import type { GuardContext, Refusal } from "./types.ts";

export function maintenanceWindow({ in_window }: GuardContext): Refusal | null {
  if (in_window !== false) return null;
  return {
    reason: "maintenance_window",
    measured: false,
    flips_at: "the next maintenance window opens",
    message: "it is outside the maintenance window",
    hint: "SELECT ruvector_healing_execute(...) acts at once.",
  };
}
