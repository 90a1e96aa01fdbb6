/**
 * What runs beside the queries is one group. Four nodes, because contention is recognised by more
 * than two dependency links. The health of each is the worst of what it measures
 * (docs/sensing/maintenance.md).
 */
import type { Configuration } from "../../model/configuration.ts";
import { toCurve } from "../../configuration/validate.ts";
import type { MaintenanceMetrics, Metrics } from "../../model/problem.ts";
import type { CronJob } from "../collect/maintenance/jobs.ts";
import type { GroupDescription, MeasuredHealth } from "../../graph/contracted.ts";
import { health } from "../../graph/health.ts";
import type { Snapshot } from "../snapshot.ts";

const MEMBERS = ["autovacuum", "index_builds", "blocked_writers", "scheduled_jobs"] as const;
type Member = (typeof MEMBERS)[number];

const queueDepth = ({ pushed, maintenance }: Snapshot): number | null =>
  pushed.maintenance_queue_depth ?? maintenance.queue_depth;

const worst = (...healths: readonly MeasuredHealth[]): MeasuredHealth => {
  const known = healths.filter((value): value is number => value !== null);
  return known.length > 0 ? Math.min(...known) : null;
};

function memberHealth(
  snapshot: Snapshot,
  configuration: Configuration,
): Readonly<Record<Member, MeasuredHealth>> {
  const { maintenance, pushed } = snapshot;
  const blocked = toCurve(configuration.blocked_writer_seconds, "log");
  const seconds = maintenance.blocked_writer_seconds;
  const depth = health(queueDepth(snapshot), toCurve(configuration.queue_depth, "log"));
  // A depth that leaves out jobs nobody may read proves trouble, but no health.
  const unproven =
    pushed.maintenance_queue_depth === undefined && maintenance.jobs_unmeasured && depth === 1;
  return {
    autovacuum: worst(
      health(maintenance.autovacuum_delay, toCurve(configuration.autovacuum_delay, "log")),
      health(seconds?.vacuum, blocked),
    ),
    index_builds: health(seconds?.index_build, blocked),
    blocked_writers: health(seconds?.total, blocked),
    scheduled_jobs: worst(
      unproven ? null : depth,
      unproven && seconds?.scheduled_job === 0 ? null : health(seconds?.scheduled_job, blocked),
    ),
  };
}

export function maintenanceGroup(
  snapshot: Snapshot,
  configuration: Configuration,
): GroupDescription {
  const healths = memberHealth(snapshot, configuration);
  return {
    kind: "maintenance_dep",
    hubHealth: null,
    members: MEMBERS.map((name) => ({
      id: `maintenance:${name}`,
      label: name,
      mass: 1,
      health: healths[name],
    })),
  };
}

/**
 * Jobs that a sample names: those that hold somebody up first, a hundred forgotten ones fail every
 * minute somewhere.
 */
const NAMED = 20;
const telling = ({ blocked_recently, waits, failing }: CronJob): number =>
  (blocked_recently ? 4 : 0) + (waits ? 2 : 0) + (failing ? 1 : 0);

/** Only what says something: a quiet server's samples do not grow. */
function evidence({ maintenance }: Snapshot): MaintenanceMetrics | null {
  const { blocked_writer_seconds, autovacuum_delay, blockers, sessions, backlog } = maintenance;
  const jobs = maintenance.jobs
    .filter(
      ({ running, waits, failing, blocked_recently }) =>
        running || waits || failing || blocked_recently,
    )
    .sort((a, b) => telling(b) - telling(a));
  const failing = maintenance.jobs.filter((job) => job.failing).length;
  const delay = autovacuum_delay !== null && autovacuum_delay > 0 ? autovacuum_delay : null;
  if (
    !(blocked_writer_seconds.total > 0) &&
    delay === null &&
    jobs.length + blockers.length + sessions.length === 0
  )
    return null;
  return {
    blocked_writer_seconds,
    autovacuum_delay,
    autovacuum_workers: maintenance.autovacuum_workers,
    autovacuum_max_workers: maintenance.autovacuum_max_workers,
    jobs: jobs
      .slice(0, NAMED)
      .map(({ name, jobid, running, due, waits, failing, blocked_recently, last_message }) => ({
        name,
        jobid,
        running,
        due,
        waits,
        failing,
        blocked_recently,
        last_message,
      })),
    ...(failing > 0 && { failing_jobs: failing }),
    blockers,
    sessions,
    backlog,
  };
}

export function maintenanceMetrics(
  snapshot: Snapshot,
): Pick<Metrics, "maintenance_queue_depth" | "maintenance"> {
  const found = evidence(snapshot);
  return { maintenance_queue_depth: queueDepth(snapshot), ...(found && { maintenance: found }) };
}
