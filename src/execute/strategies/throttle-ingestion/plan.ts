/** How hard to throttle, and what that does to lambda. Pure. */
import type { Configuration } from "../../../configuration/configuration.ts";
import type { Plan } from "../../../model/action.ts";
import type { IntegrityState, ProblemClass } from "../../../model/problem.ts";
import { assess } from "../../../sense/assess.ts";
import type { Snapshot } from "../../../sense/snapshot.ts";

export interface Level {
  /** Percent by which inserts are held back. */
  readonly insert_pct: number;
  /** The same for COPY and statements of several rows. */
  readonly bulk_pct: number;
  readonly mode: "delay" | "reject";
  /** Longest sleep of one statement. */
  readonly max_delay_seconds: number;
}

export interface ThrottlePlan extends Plan {
  readonly level: Level;
  readonly throttle_seconds: number;
  /** Tables that get the triggers: the collection's and its partitions. */
  readonly tables: number;
}

const BY_STATE: Readonly<Record<IntegrityState, number | null>> = { normal: null, stress: 50, critical: 90 };

/** Percentage points on top for bulk inserts. */
const BULK_POINTS = 10;

/** null: in this state nothing is throttled, unless the caller names a percentage. */
export function throttleLevel(state: IntegrityState, percent: number | undefined, mode: Level["mode"] | undefined, settings: Configuration): Level | null {
  const insert = percent ?? BY_STATE[state];
  if (insert === null) return null;
  return {
    insert_pct: insert, bulk_pct: Math.min(100, insert + BULK_POINTS), mode: mode ?? settings.throttle_mode, max_delay_seconds: settings.throttle_max_delay_seconds,
  };
}

/**
 * lambda once the throttle has held for the stabilizing time. A hot partition stays as full as it is, and memory as used: there a
 * throttle only keeps it from getting worse, and lambda is foreseen unchanged. A replica catches up by what is not
 * written meanwhile, if inserts are what holds it up: lag falls by at most percent x time.
 */
export function predictedLambda(snapshot: Snapshot, problem: ProblemClass, level: Level, settings: Configuration): number | null {
  if (problem !== "replication_lag") return assess(snapshot, settings).reading.lambda;
  const caughtUp = (level.insert_pct / 100) * settings.stabilize_seconds;
  const less = (lag: number): number => Math.max(0, lag - caughtUp);
  const pushed = snapshot.pushed.replication_lag_seconds;
  return assess({
    ...snapshot,
    replicas: snapshot.replicas.map((replica) => ({ ...replica, lag_seconds: replica.lag_seconds === null ? null : less(replica.lag_seconds) })),
    ...(pushed && { pushed: { ...snapshot.pushed, replication_lag_seconds: Object.fromEntries(Object.entries(pushed).map(([id, lag]) => [id, less(lag)])) } }),
  }, settings).reading.lambda;
}
