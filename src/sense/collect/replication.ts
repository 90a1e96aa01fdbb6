/**
 * Streaming replicas and slots of this server: pg_stat_replication and pg_replication_slots, one
 * look each sample.
 */
export type { ReplicaKind, ReplicaMeasurement } from "./replication-view.ts";
import type { ReplicaMeasurement, ReplicationMemory, ReplicationView } from "./replication-view.ts";
import type { Measured } from "../../model/measured.ts";
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { count } from "../../base/text.ts";
import { LAST_SCALED_DOWN } from "../../store/actuations.ts";
import { lastMeasurement, keepMeasurement } from "../../store/measurements.ts";
import { observe } from "./replication-lag.ts";

const KIND = "replication";

/**
 * Standbys with their lag, slots that nobody uses, and standbys that were there and have gone.
 * Without pg_monitor the views show who is connected, but not how far: then they are not measured,
 * and the GRANT is named.
 */
export function measureReplicas(
  host: Host,
  { id, settings }: Collection,
): Measured<readonly ReplicaMeasurement[]> {
  const remembered = lastMeasurement<ReplicationMemory>(host, id, KIND)?.value ?? null;
  if (remembered === null && alone(host)) return { value: [], unmeasured: [] };
  const { role, scaled_down, ...view } = look(host);
  const last = view.timeline === null ? null : remembered;
  const { replicas, memory } = observe(view, last, {
    replica_memory_seconds: settings.replica_memory_seconds,
    scaled_down,
  });
  if (memory) keepMeasurement(host, id, KIND, memory);
  const unread = replicas.filter(({ kind }) => kind === "connected").length;
  if (view.may_read || unread === 0) return { value: replicas, unmeasured: [] };
  return {
    value: replicas,
    unmeasured: [
      {
        what: `replication lag of ${count(unread, "replica")}`,
        why: `role ${role} does not see the positions in pg_stat_replication`,
        hint: `GRANT pg_monitor TO ${role};`,
      },
    ],
  };
}

/**
 * Whether nobody replicates from this server and there is no slot: 0.05 ms instead of 1.5 for the
 * whole look.
 */
const alone = (host: Host): boolean =>
  host.one<{ alone: boolean }>(sql`
    SELECT NOT EXISTS (SELECT FROM pg_stat_get_wal_senders()) AND NOT EXISTS (SELECT
      FROM pg_get_replication_slots()) AS alone`).alone;

type Look = ReplicationView & {
  readonly role: string;
  readonly scaled_down: { readonly from: number; readonly to: number } | null;
};

/**
 * Logical walsenders and base backups are left out: they are no standbys
 * (docs/sensing/replication.md). What PostgreSQL 17 added to pg_replication_slots is read by name,
 * so that 15 and 16 are served as well.
 */
const look = (host: Host): Look =>
  host.one<Look>(sql`
  WITH server AS (
    SELECT pg_is_in_recovery() AS standby,
           CASE WHEN pg_is_in_recovery()
             THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                ELSE pg_current_wal_flush_lsn() END AS position
  ), slots AS (
    SELECT s.*, to_jsonb(s) AS document FROM pg_replication_slots s
     WHERE NOT s.temporary AND NOT coalesce((to_jsonb(s) ->> 'synced')::boolean, false)
  )
  SELECT extract(epoch FROM clock_timestamp())::float8 AS now, extract(epoch
    FROM pg_postmaster_start_time())::float8 AS booted,
         CASE WHEN NOT standby
           THEN left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) END AS timeline,
         pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS may_read,
           quote_ident(current_user) AS role,
         coalesce((position - '0/0')::float8, 0) AS position, ${LAST_SCALED_DOWN} AS scaled_down,
         coalesce((SELECT json_agg(json_build_object(
                            'application_name', coalesce(nullif(r.application_name, ''),
                              'walreceiver'), 'slot', s.slot_name,
                            'written', (r.write_lsn - '0/0')::float8, 'replayed',
                              (r.replay_lsn - '0/0')::float8,
                            'replay_lag', extract(epoch FROM r.replay_lag)::float8)
                          ORDER BY r.client_addr, r.backend_start, r.pid)
                     FROM pg_stat_replication r LEFT JOIN slots s ON s.active_pid = r.pid
                    WHERE r.state IS DISTINCT FROM 'backup' AND s.slot_type IS DISTINCT
                      FROM 'logical'
                      AND coalesce(r.application_name, '') NOT IN ('pg_basebackup',
                        'pg_receivewal')), '[]') AS senders,
         coalesce((SELECT json_agg(json_build_object(
                            'name', slot_name, 'type', slot_type, 'database', database, 'active',
                              active,
                            'restart', (restart_lsn - '0/0')::float8, 'progress',
                              (coalesce(confirmed_flush_lsn, restart_lsn) - '0/0')::float8,
                            'wal_status', wal_status, 'safe_wal_size', safe_wal_size::float8,
                            'inactive_since', extract(epoch
                              FROM (document ->> 'inactive_since')::timestamptz)::float8)
                          ORDER BY slot_name)
                     FROM slots WHERE NOT standby), '[]') AS slots
    FROM server`);
