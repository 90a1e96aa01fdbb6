/** What runs beside the queries: scheduled jobs, vacuum, index builds, and the writers that wait for them. */
import type { Measured } from "../snapshot.ts";
import { pushHint } from "./gap.ts";

export interface MaintenanceMeasurement {
  /** Jobs that wait; null: not measured. */
  readonly queue_depth: number | null;
}

export function measureMaintenance(): Measured<MaintenanceMeasurement> {
  return {
    value: { queue_depth: null },
    unmeasured: [{ what: "maintenance queue", why: "no collector measures it yet", hint: pushHint("maintenance_queue_depth") }],
  };
}
