/** The row of ruvector.healing_ticks. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";

/**
 * Seconds between ticks as measured; a minute, pg_cron's coarsest rhythm, before there is a
 * measurement.
 */
export const tickSeconds = (host: Host): number =>
  host.query<{ seconds: number | null }>(
    sql`SELECT interval_seconds AS seconds FROM ruvector.healing_ticks`,
  )[0]?.seconds ?? 60;
