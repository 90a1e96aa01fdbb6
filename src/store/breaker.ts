/** The row of ruvector.healing_breaker, as far as it is written from here. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";

/**
 * Keeps which action it is that the half open breaker let through: how it ends decides what becomes
 * of the breaker.
 */
export function letThrough(host: Host, action: Action): void {
  host.execute(
    sql`UPDATE ruvector.healing_breaker SET probe_action_id = ${action.id}::bigint,
      updated_at = clock_timestamp()`,
  );
}
