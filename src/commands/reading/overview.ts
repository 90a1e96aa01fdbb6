/**
 * What the loop is doing, over all collections: the one document that the status page and `watch`
 * show.
 */
import { describeWitness } from "../../classify/describe.ts";
import type { WitnessEdge } from "../../model/graph.ts";
import { type Verdict, VERDICTS } from "../../model/problem.ts";
import { type Missing, optional, type Query } from "./query.ts";

/** Times are milliseconds since 1970 by the database's clock; ages are taken from `now`. */
export interface Overview {
  readonly now: number;
  readonly database: string;
  readonly standby: boolean;
  readonly enabled: boolean;
  readonly loop: LoopSeen;
  readonly tick: TickSeen;
  readonly breaker: {
    readonly state: string;
    readonly reason: string | null;
    readonly until: number | null;
  } | null;
  readonly healings: {
    readonly day: number;
    readonly success_rate: number | null;
    readonly last: number | null;
  };
  readonly collections: readonly CollectionSeen[];
  readonly active: readonly ActiveSeen[];
  readonly recommendations: readonly RecommendationSeen[];
  readonly leases: readonly LeaseSeen[];
  readonly outcomes: readonly OutcomeSeen[];
  readonly strategies: readonly StrategySeen[];
  readonly missing: readonly Missing[];
}

/** What ruvector.healing_loop() says of it. */
export interface LoopSeen {
  readonly condition: "running" | "never_ran" | "stopped" | "read_only" | "standby";
  readonly sentence: string;
  /** What to type; null: nothing. */
  readonly statement: string | null;
}

export interface TickSeen {
  readonly at: number | null;
  readonly age: number | null;
  readonly interval: number | null;
  /** Of the last hour. */
  readonly error: string | null;
  readonly error_at: number | null;
  /** The error is the last tick's. */
  readonly failed: boolean;
}

export type StateName = "normal" | "stress" | "critical";

export interface CollectionSeen {
  readonly name: string;
  readonly verdict: Verdict;
  /** Why it is that, in one sentence without its full stop. */
  readonly sentence: string;
  /** What the loop decides by; null: never sampled. */
  readonly state: StateName | null;
  readonly lambda: number | null;
  readonly since: number | null;
  readonly sampled_at: number | null;
  readonly enabled: boolean;
  readonly mode: string | null;
  readonly cooldown_until: number | null;
  readonly refusals: readonly RefusalSeen[];
  readonly unmeasured: number;
  /** The weakest edge of the cut in words; null: none is weak. */
  readonly witness: string | null;
  /**
   * lambda of the last half hour, oldest first, one value for each half minute; null: no sample
   * then.
   */
  readonly trend: readonly (number | null)[];
}

export interface RefusalSeen {
  readonly reason: string;
  readonly message: string;
  readonly flips_at: string;
  readonly count: number;
  readonly since: number | null;
  readonly escalated: boolean;
}

export interface ActiveSeen {
  readonly id: number;
  readonly collection: string;
  readonly strategy: string;
  readonly problem: string;
  readonly state: string;
  readonly rows_done: number | null;
  readonly rows_planned: number | null;
  readonly started_at: number | null;
  readonly deadline: number | null;
  readonly message: string | null;
}

/** What the mode recommend would do, with the statement that does it. */
export interface RecommendationSeen {
  readonly collection: string;
  readonly strategy: string;
  readonly problem: string;
  readonly summary: string | null;
  readonly lambda_foreseen: number | null;
  readonly since: number | null;
  readonly statement: string;
}

export interface LeaseSeen {
  readonly collection: string;
  readonly kind: string;
  readonly strategy: string;
  readonly action_id: number;
  readonly expires_at: number | null;
}

export interface OutcomeSeen {
  readonly id: number;
  readonly collection: string;
  readonly state: string;
  readonly problem: string;
  readonly strategy: string;
  readonly by: string;
  readonly created_at: number;
  readonly finished_at: number | null;
  readonly rows: number | null;
  readonly lambda_before: number;
  readonly lambda_foreseen: number | null;
  readonly lambda_after: number | null;
  readonly verified: boolean | null;
  readonly message: string | null;
}

export interface StrategySeen {
  readonly name: string;
  readonly weight: number;
  readonly outcomes: number;
  readonly success_rate: number | null;
  readonly improvement: number | null;
  readonly recovery_seconds: number | null;
}

interface StatusDocument {
  readonly enabled: boolean;
  readonly last_healing: string | null;
  readonly total_healings_24h: number;
  readonly success_rate: number | null;
  readonly active_remediations: readonly {
    readonly action_id: number;
    readonly collection: string;
    readonly strategy: string;
    readonly problem: string;
    readonly state: string;
    readonly rows_moved: number | null;
    readonly rows_planned: number | null;
    readonly started_at: string | null;
    readonly deadline: string | null;
    readonly message: string | null;
  }[];
  readonly recommendations?: readonly {
    readonly collection: string;
    readonly strategy: string;
    readonly problem: string;
    readonly summary: string | null;
    readonly predicted_lambda: number | null;
    readonly since: string | null;
    readonly statement: string;
  }[];
  readonly leases: readonly {
    readonly collection: string;
    readonly action_id: number;
    readonly strategy: string;
    readonly kind: string;
    readonly expires_at: string;
  }[];
  readonly collections: Readonly<
    Record<
      string,
      {
        readonly verdict: Verdict;
        readonly sentence: string;
        readonly state: StateName | null;
        readonly lambda: number | null;
        readonly since: string | null;
        readonly sampled_at: string | null;
        readonly enabled: boolean;
        readonly mode?: string;
        readonly cooldown_until: string | null;
        readonly refusals: readonly {
          readonly reason: string;
          readonly message: string;
          readonly flips_at: string;
          readonly count: number;
          readonly since: string;
          readonly escalated_at?: string | null;
        }[];
      }
    >
  >;
  readonly breaker?: {
    readonly state: string;
    readonly reason: string | null;
    readonly open_until: string | null;
  };
  readonly loop?: LoopSeen;
  readonly last_tick: string | null;
  readonly last_tick_error: string | null;
  readonly last_tick_error_at?: string | null;
  readonly last_tick_failed?: boolean;
  readonly tick_seconds?: number | null;
}

/** Half a minute a value, half an hour of them. */
const TREND = { bucket: 30, buckets: 60 } as const;

const time = (text: string | null | undefined): number | null =>
  text == null ? null : Date.parse(text);

export async function readOverview(
  query: Query,
  history = 30,
  trendsOf = readTrends,
): Promise<Overview> {
  const missing: Missing[] = [];
  const [head] = await query<{
    status: StatusDocument;
    now: Date;
    database: string;
    standby: boolean;
  }>(
    "SELECT ruvector.ruvector_healing_status() AS status, clock_timestamp() AS now, " +
      "current_database()::text AS database, pg_is_in_recovery() AS standby",
  );
  if (!head) throw new Error("ruvector_healing_status() returned nothing");
  const { status, now } = head;
  const { loop } = status;
  if (loop === undefined)
    throw new Error(
      "ruvector_healing in this database is older than this command: run the newer script " +
        "over it (docs/install.md)",
    );
  const [integrity, trends, outcomes, strategies] = await Promise.all([
    optional<{ name: string; witness: WitnessEdge[] | null; unmeasured: number }>(
      query,
      missing,
      "ruvector_integrity_status",
      "SELECT collection_name AS name, witness_edges AS witness, " +
        "coalesce(jsonb_array_length(unmeasured), 0) AS unmeasured FROM " +
        "ruvector.ruvector_integrity_status()",
    ),
    trendsOf(query, missing),
    readOutcomes(query, missing, history),
    optional<StrategySeen>(
      query,
      missing,
      "ruvector_healing_effectiveness",
      `SELECT name, weight, outcomes::int AS outcomes, success_rate::float8 AS success_rate,
        avg_improvement::float8 AS improvement,
              avg_time_to_recovery_seconds::float8 AS recovery_seconds
                FROM ruvector.ruvector_healing_effectiveness()`,
    ),
  ]);
  const at = now.getTime();
  const tick = time(status.last_tick);
  const interval = status.tick_seconds ?? null;
  const age = tick === null ? null : Math.max(0, (at - tick) / 1000);
  const seen = new Map(integrity.map((one) => [one.name, one]));
  return {
    now: at,
    database: head.database,
    standby: head.standby,
    enabled: status.enabled,
    loop,
    tick: {
      at: tick,
      age,
      interval,
      error: status.last_tick_error,
      error_at: time(status.last_tick_error_at),
      failed: status.last_tick_failed ?? false,
    },
    breaker: status.breaker
      ? {
          state: status.breaker.state,
          reason: status.breaker.reason,
          until: time(status.breaker.open_until),
        }
      : null,
    healings: {
      day: status.total_healings_24h,
      success_rate: status.success_rate,
      last: time(status.last_healing),
    },
    collections: Object.entries(status.collections)
      .map(([name, one]): CollectionSeen => ({
        name,
        verdict: one.verdict,
        sentence: one.sentence,
        state: one.state,
        lambda: one.lambda,
        since: time(one.since),
        sampled_at: time(one.sampled_at),
        enabled: one.enabled,
        mode: one.mode ?? null,
        cooldown_until: time(one.cooldown_until),
        // That a recovering collection has nothing to heal stands in nobody's way.
        refusals: one.refusals
          .filter(({ reason }) => reason !== "healthy")
          .map((refusal) => ({
            ...refusal,
            since: time(refusal.since),
            escalated: refusal.escalated_at != null,
          })),
        unmeasured: seen.get(name)?.unmeasured ?? 0,
        witness: describeWitness(seen.get(name)?.witness ?? [], 1)[0] ?? null,
        trend: trends.get(name) ?? [],
      }))
      .sort(worstFirst),
    active: status.active_remediations.map((one) => ({
      id: one.action_id,
      collection: one.collection,
      strategy: one.strategy,
      problem: one.problem,
      state: one.state,
      rows_done: one.rows_moved,
      rows_planned: one.rows_planned,
      started_at: time(one.started_at),
      deadline: time(one.deadline),
      message: one.message,
    })),
    recommendations: (status.recommendations ?? []).map(
      ({ collection, strategy, problem, summary, predicted_lambda, since, statement }) => ({
        collection,
        strategy,
        problem,
        summary,
        lambda_foreseen: predicted_lambda,
        since: time(since),
        statement,
      }),
    ),
    leases: status.leases.map((one) => ({
      collection: one.collection,
      kind: one.kind,
      strategy: one.strategy,
      action_id: one.action_id,
      expires_at: time(one.expires_at),
    })),
    outcomes,
    strategies,
    missing,
  };
}

const worstFirst = (a: CollectionSeen, b: CollectionSeen): number =>
  VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) ||
  (a.lambda ?? 1) - (b.lambda ?? 1) ||
  (a.name < b.name ? -1 : 1);

/**
 * lambda of all collections over the last half hour. Reads every sample of that time: not to be
 * asked every second.
 */
export async function readTrends(
  query: Query,
  missing: Missing[],
): Promise<ReadonlyMap<string, readonly (number | null)[]>> {
  const rows = await optional<{ name: string; bucket: number; lambda: number | null }>(
    query,
    missing,
    "ruvector_integrity_history",
    `
    SELECT collection_name AS name, floor(extract(epoch
      FROM now() - sampled_at)::float8 / ${TREND.bucket}::float8)::int AS bucket,
      min(lambda) AS lambda
      FROM ruvector.ruvector_integrity_history(since := now()
        - interval '${TREND.bucket * TREND.buckets} seconds', limit_ := 50000)
     GROUP BY 1, 2`,
  );
  const trends = new Map<string, (number | null)[]>();
  for (const { name, bucket, lambda } of rows) {
    let trend = trends.get(name);
    if (!trend) trends.set(name, (trend = Array.from({ length: TREND.buckets }, () => null)));
    const place = TREND.buckets - 1 - bucket;
    if (place >= 0 && place < TREND.buckets) trend[place] = lambda;
  }
  return trends;
}

interface HistoryRow {
  readonly [column: string]: unknown;
  readonly id: number;
  readonly collection: string;
  readonly state: string;
  readonly problem: string;
  readonly strategy: string;
  readonly by: string;
  readonly created_at: Date;
  readonly finished_at: Date | null;
  readonly rows: number | null;
  readonly lambda_before: number;
  readonly lambda_foreseen: number | null;
  readonly lambda_after: number | null;
  readonly verified: boolean | null;
  readonly message: string | null;
}

/** Actions, newest first; also those at work. */
export async function readOutcomes(
  query: Query,
  missing: Missing[],
  limit: number,
  since = "7 days",
): Promise<OutcomeSeen[]> {
  const rows = await optional<HistoryRow>(
    query,
    missing,
    "ruvector_healing_history",
    `
    SELECT action_id::float8 AS id, collection, state, problem_class AS problem, strategy,
      initiated_by AS by, created_at, finished_at,
           rows_moved::float8 AS rows, initial_lambda AS lambda_before,
             predicted_lambda AS lambda_foreseen, final_lambda AS lambda_after, verified, message
      FROM ruvector.ruvector_healing_history(since := now() - $1::interval, limit_ := $2)`,
    [since, limit],
  );
  return rows.map((row) => ({
    ...row,
    created_at: row.created_at.getTime(),
    finished_at: row.finished_at?.getTime() ?? null,
  }));
}
