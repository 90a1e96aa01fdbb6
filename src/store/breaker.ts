/** The row of ruvector.healing_breaker. What opens and closes it is in sql/limits/breaker.sql. */
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

/** `ruvector.healing_breaker`, and what it counts. */
export interface BreakerFacts {
  readonly state: string;
  readonly reason: string | null;
  /** Seconds since 1970; null: it is not open. */
  readonly open_until: number | null;
  /** The action that a half open breaker has let through. */
  readonly probe: string | null;
  readonly failures: number;
  readonly opens_at: number;
}

/** null: its row is gone, which no guard takes for a closed breaker. */
export const breakerFacts = (host: Host): BreakerFacts | null =>
  host.query<BreakerFacts>(sql`
    SELECT b.state, b.reason, extract(epoch
      FROM b.open_until)::float8 AS open_until, b.probe_action_id::text AS probe, f.failures,
           (ruvector.healing_settings(0) ->> 'breaker_failures')::int AS opens_at
      FROM ruvector.healing_breaker b CROSS JOIN ruvector.healing_failures() f`)[0] ?? null;
