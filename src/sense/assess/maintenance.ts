/** What runs beside the queries is one group. Four nodes, because contention is recognised by more than two dependency links. */
import { type Configuration, toCurve } from "../../configuration/configuration.ts";
import type { Metrics } from "../../model/problem.ts";
import type { GroupDescription } from "../graph/contracted.ts";
import { health } from "../graph/health.ts";
import type { Snapshot } from "../snapshot.ts";

const MEMBERS = ["autovacuum", "index_builds", "blocked_writers", "scheduled_jobs"] as const;

const queueDepth = ({ pushed, maintenance }: Snapshot): number | null => pushed.maintenance_queue_depth ?? maintenance.queue_depth;

export const maintenanceGroup = (snapshot: Snapshot, configuration: Configuration): GroupDescription => ({
  kind: "maintenance_dep",
  hubHealth: null,
  members: MEMBERS.map((name) => ({
    id: `maintenance:${name}`,
    label: name,
    mass: 1,
    health: name === "scheduled_jobs" ? health(queueDepth(snapshot), toCurve(configuration.queue_depth, "log")) : null,
  })),
});

export const maintenanceMetrics = (snapshot: Snapshot): Pick<Metrics, "maintenance_queue_depth"> => ({
  maintenance_queue_depth: queueDepth(snapshot),
});
