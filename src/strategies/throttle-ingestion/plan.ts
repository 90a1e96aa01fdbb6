/** How hard to throttle, and what that does to lambda. Pure. */
import type { Configuration } from "../../model/configuration.ts";
import type { Plan } from "../../model/action.ts";
import type { IntegrityState, Problem, ProblemClass } from "../../model/problem.ts";
import { printable } from "../../base/text.ts";
import { assess } from "../../sense/assess.ts";
import type { Traffic } from "../../sense/collect/partitions.ts";
import type { ReplicaKind, ReplicaMeasurement } from "../../sense/collect/replication.ts";
import type { Snapshot } from "../../sense/snapshot.ts";
import type { NothingToDo } from "../strategy.ts";

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

const BY_STATE: Readonly<Record<IntegrityState, number | null>> = {
  normal: null,
  stress: 50,
  critical: 90,
};

/** Percentage points on top for bulk inserts. */
const BULK_POINTS = 10;

/** null: in this state nothing is throttled, unless the caller names a percentage. */
export function throttleLevel(
  state: IntegrityState,
  percent: number | undefined,
  mode: Level["mode"] | undefined,
  settings: Configuration,
): Level | null {
  const insert = percent ?? BY_STATE[state];
  if (insert === null) return null;
  return {
    insert_pct: insert,
    bulk_pct: Math.min(100, insert + BULK_POINTS),
    mode: mode ?? settings.throttle_mode,
    max_delay_seconds: settings.throttle_max_delay_seconds,
  };
}

/** What each kind of node needs that no throttle gives it. */
const CURES: Readonly<Record<Exclude<ReplicaKind, "connected">, (name: string) => string>> = {
  inactive_slot: (name) =>
    `Bring the standby back; if it is gone for good: SELECT pg_drop_replication_slot('${name}');`,
  receiver: (name) =>
    "Start what receives the log again; if it is gone for good: SELECT " +
    `pg_drop_replication_slot('${name}');`,
  logical_slot: (name) =>
    "Let its consumer read on; if that is gone for good: SELECT " +
    `pg_drop_replication_slot('${name}');`,
  gone: () => "Bring it back; the setting replica_memory_seconds says for how long it is missed.",
};

/**
 * Why fewer inserts do not bring a replica nearer, and what does; null: they may, or nobody knows.
 */
function vain({ id, label, kind, replay }: ReplicaMeasurement): NothingToDo | null {
  const name = printable(label);
  const id_name = printable(id.replace(/^[a-z]+:/, "")).replace(/'/g, "''");
  if (kind !== "connected")
    return {
      nothing: `${name} does not stream from this server: fewer inserts do not bring it nearer`,
      hint: CURES[kind](id_name),
    };
  const on_purpose =
    "if that is meant to be (recovery_min_apply_delay): SELECT " +
    `ruvector_healing_configure('{"delayed_replicas": ${JSON.stringify(id_name)}}');`;
  if (replay === "stands") {
    return {
      nothing:
        `${name} has received the log and replays none of it: fewer inserts do not bring it ` +
        "nearer",
      hint: `On the standby, if its replay is paused: SELECT pg_wal_replay_resume(); ${on_purpose}`,
    };
  }
  if (replay !== "keeps_pace") return null;
  return {
    nothing:
      `${name} has received the log and replays it as fast as it is written: fewer inserts do ` +
      "not bring it nearer",
    hint: `Nothing while it does; ${on_purpose}`,
  };
}

/**
 * Replicas that are not brought nearer by fewer inserts; null: some lagging one may be, or is not
 * ours to know.
 */
export function unfed({ replicas, pushed }: Snapshot, { details }: Problem): NothingToDo | null {
  if (details.class !== "replication_lag") return null;
  const found = details.replica_ids.map((id) => {
    const replica = replicas.find((one) => one.id === id);
    return replica && pushed.replication_lag_seconds?.[id] === undefined ? vain(replica) : null;
  });
  return found.includes(null) ? null : (found[0] ?? null);
}

/**
 * The share of inserts is smoothed too: once all writes are others it is below this after seven
 * windows.
 */
const NO_INSERTS = 0.001;

/**
 * Rows a second written to partitions that take inserts, smoothed over the traffic window; null:
 * not counted.
 */
function insertRate({ partitions }: Snapshot): number | null {
  const known = partitions.flatMap(({ traffic }) =>
    traffic === null ? [] : [traffic.inserted > NO_INSERTS ? traffic.writes_per_second : 0],
  );
  return known.length === 0 ? null : known.reduce((sum, rate) => sum + rate, 0);
}

/**
 * Less than one row came in within the traffic window: a throttle would only be in the way of what
 * comes next.
 */
function idle(snapshot: Snapshot, { traffic_window_seconds }: Configuration): boolean {
  const rate = insertRate(snapshot);
  return rate !== null && rate * traffic_window_seconds < 1;
}

/**
 * lambda once the throttle has held for the stabilizing time.
 * - Replication lag: a replica catches up by what is not written meanwhile, if inserts are what
 *   holds it up: by at most percent x time.
 * - A hot partition stays as full as it is, and its share of the writes is what it is: all inserts
 *   are held back alike. Only where it is hot by inserts, and the others by updates and deletes,
 *   does its share fall.
 * - Memory: what is in use stays in use for longer than anybody waits for the verdict. What an
 *   outside monitor reports of it may fall: nobody knows.
 * - Where nothing is inserted nothing is held back.
 * Where lambda is foreseen as it is, the loop does not begin it (src/select/gain.ts).
 */
export function predictedLambda(
  snapshot: Snapshot,
  problem: ProblemClass,
  level: Level,
  settings: Configuration,
): number | null {
  if (idle(snapshot, settings)) return assess(snapshot, settings).reading.lambda;
  if (problem === "memory_pressure" && snapshot.pushed.memory_usage_pct !== undefined) return null;
  if (problem === "replication_lag") return caughtUp(snapshot, level, settings);
  return assess(levelled(snapshot, level, settings), settings).reading.lambda;
}

function caughtUp(snapshot: Snapshot, level: Level, settings: Configuration): number | null {
  const caught = (level.insert_pct / 100) * settings.stabilize_seconds;
  const less = (lag: number): number => Math.max(0, lag - caught);
  const pushed = snapshot.pushed.replication_lag_seconds;
  return assess(
    {
      ...snapshot,
      replicas: snapshot.replicas.map((replica) =>
        replica.kind === "connected" && replica.lag_seconds !== null
          ? { ...replica, lag_seconds: less(replica.lag_seconds) }
          : replica,
      ),
      ...(pushed && {
        pushed: {
          ...snapshot.pushed,
          replication_lag_seconds: Object.fromEntries(
            Object.entries(pushed).map(([id, lag]) => [id, less(lag)]),
          ),
        },
      }),
    },
    settings,
  ).reading.lambda;
}

/**
 * The partitions' shares of the writes with fewer inserts in them. What is smoothed over a window
 * has followed by so much of it by then.
 */
function levelled(snapshot: Snapshot, level: Level, settings: Configuration): Snapshot {
  const kept = Math.exp(-settings.stabilize_seconds / settings.traffic_window_seconds);
  const working = snapshot.partitions.filter(({ cold, traffic }) => !cold && traffic !== null);
  const left = (traffic: Traffic): number =>
    traffic.writes_per_second * (1 - (traffic.inserted * level.insert_pct) / 100);
  const before = working.reduce((sum, { traffic }) => sum + traffic!.writes_per_second, 0);
  const after = working.reduce((sum, { traffic }) => sum + left(traffic!), 0);
  if (!(before > 0) || !(after > 0)) return snapshot;
  return {
    ...snapshot,
    partitions: snapshot.partitions.map((partition) => {
      const { traffic } = partition;
      if (partition.cold || traffic?.writes == null || !(traffic.writes_per_second > 0))
        return partition;
      const change = (left(traffic) / traffic.writes_per_second) * (before / after);
      return {
        ...partition,
        traffic: { ...traffic, writes: traffic.writes * change ** (1 - kept) },
      };
    }),
  };
}
