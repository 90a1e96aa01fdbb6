/** A replica hangs on the shard by one link, as healthy as it is near. */
import { type Configuration, toCurve } from "../../configuration/configuration.ts";
import type { Metrics } from "../../model/problem.ts";
import type { ReplicaDescription } from "../graph/contracted.ts";
import { health } from "../graph/health.ts";
import type { Snapshot } from "../snapshot.ts";

export const replicaLinks = ({ replicas, pushed }: Snapshot, configuration: Configuration): ReplicaDescription[] =>
  replicas.map(({ id, label, lag_seconds }) => ({
    id,
    label,
    mass: 1,
    health: health(pushed.replication_lag_seconds?.[id] ?? lag_seconds, toCurve(configuration.replication_lag_seconds, "log")),
  }));

export const replicaMetrics = ({ replicas, pushed }: Snapshot): Pick<Metrics, "replication_lag_seconds"> => ({
  replication_lag_seconds: {
    ...Object.fromEntries(replicas.flatMap(({ id, lag_seconds }) => (lag_seconds === null ? [] : [[id, lag_seconds]]))),
    ...pushed.replication_lag_seconds,
  },
});
