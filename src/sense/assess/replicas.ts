/**
 * A replica hangs on the shard by one link, as healthy as it is near and as its slot is far from
 * being lost.
 */
import type { Configuration } from "../../model/configuration.ts";
import { toCurve } from "../../configuration/validate.ts";
import type { Metrics } from "../../model/problem.ts";
import type { ReplicaMeasurement } from "../collect/replication.ts";
import type { LeafDescription } from "../../graph/contracted.ts";
import { health, HEALTH_FLOOR } from "../../graph/health.ts";
import type { Snapshot } from "../snapshot.ts";

export const replicaLinks = (
  { replicas, pushed }: Snapshot,
  configuration: Configuration,
): LeafDescription[] =>
  replicas.map((replica) => ({
    id: replica.id,
    label: replica.label,
    mass: 1,
    health: linkHealth(
      replica,
      pushed.replication_lag_seconds?.[replica.id] ?? null,
      configuration,
    ),
  }));

/** Standbys that replay later on purpose, by node id, slot or application_name. */
const delayed = ({ id, label }: ReplicaMeasurement, { delayed_replicas }: Configuration): boolean =>
  delayed_replicas
    .split(",")
    .map((name) => name.trim())
    .some((name) => name !== "" && (name === id || name === label || `replica:${name}` === id));

/** The worst of what is known; null: nothing is. */
function linkHealth(
  replica: ReplicaMeasurement,
  pushed: number | null,
  configuration: Configuration,
): number | null {
  const lag =
    replica.kind === "connected" && delayed(replica, configuration) ? 0 : replica.lag_seconds;
  const known = [
    health(pushed ?? lag, toCurve(configuration.replication_lag_seconds, "log")),
    health(replica.retained_pct, toCurve(configuration.slot_wal_pct, "linear")),
    health(replica.inactive_seconds, toCurve(configuration.slot_inactive_seconds, "log")),
    replica.lost ? HEALTH_FLOOR : null,
  ].filter((value): value is number => value !== null);
  return known.length > 0 ? Math.min(...known) : null;
}

export const replicaMetrics = ({
  replicas,
  pushed,
}: Snapshot): Pick<Metrics, "replication_lag_seconds" | "replicas"> => ({
  replication_lag_seconds: {
    ...Object.fromEntries(
      replicas.flatMap(({ id, lag_seconds, inactive_seconds }) => {
        const seconds = lag_seconds ?? inactive_seconds;
        return seconds === null ? [] : [[id, seconds]];
      }),
    ),
    ...pushed.replication_lag_seconds,
  },
  replicas,
});
