/** Streaming replicas and how far behind they are. */
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Measured } from "../snapshot.ts";
import { pushHint } from "./gap.ts";

export interface ReplicaMeasurement {
  /** Node id, e.g. `replica:walreceiver`. */
  readonly id: string;
  readonly label: string;
  /** null: not measured. */
  readonly lag_seconds: number | null;
}

/** Connected streaming replicas. The views show their names to every role, their positions to pg_monitor. */
export function measureReplicas(host: Host): Measured<readonly ReplicaMeasurement[]> {
  const value = host.query<ReplicaMeasurement>(sql`
    SELECT 'replica:' || coalesce(nullif(application_name, ''), pid::text) AS id,
           coalesce(nullif(application_name, ''), 'replica ' || pid) AS label, NULL::float8 AS lag_seconds
      FROM pg_stat_replication
     WHERE state IS NULL OR state <> 'backup'
     GROUP BY 1, 2
     ORDER BY 1`);
  return {
    value,
    unmeasured: value.length > 0 ? [{ what: "replication lag", why: "no collector measures it yet", hint: pushHint("replication_lag_seconds") }] : [],
  };
}
