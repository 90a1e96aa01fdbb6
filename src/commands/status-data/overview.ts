/**
 * What the loop is doing, over all collections: the one document that the status page and `watch`
 * show.
 */
import { describeWitness } from "../../classify/describe.ts";
import type { WitnessEdge } from "../../model/graph.ts";
import { type Verdict, VERDICTS } from "../../model/problem.ts";
import { readOutcomes } from "./outcomes.ts";
import { milliseconds, type Missing, optional, type Query } from "./query.ts";
import type {
  ActiveSeen,
  CollectionSeen,
  LeaseSeen,
  LoopSeen,
  Overview,
  RecommendationSeen,
  StateName,
  StrategySeen,
  TickSeen,
} from "./documents.ts";
import { readTrends } from "./trends.ts";

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

interface IntegrityRow {
  readonly name: string;
  readonly witness: WitnessEdge[] | null;
  readonly unmeasured: number;
}

const time = (text: string | null | undefined): number | null =>
  text == null ? null : Date.parse(text);

export async function readOverview(
  query: Query,
  history = 30,
  trendsOf = readTrends,
): Promise<Overview> {
  const missing: Missing[] = [];
  const head = await readHead(query);
  const { status, now } = head;
  const { loop } = status;
  if (loop?.title === undefined)
    throw new Error(
      "ruvector_healing in this database is older than this command: run the newer script " +
        "over it (docs/install.md)",
    );
  const [integrity, trends, outcomes, strategies] = await Promise.all([
    readIntegrity(query, missing),
    trendsOf(query, missing),
    readOutcomes(query, missing, history),
    readStrategies(query, missing),
  ]);
  const seen = new Map(integrity.map((one) => [one.name, one]));
  return {
    now,
    database: head.database,
    standby: loop.condition === "standby",
    enabled: status.enabled,
    loop,
    tick: tickOf(status, now),
    breaker: breakerOf(status),
    healings: {
      day: status.total_healings_24h,
      success_rate: status.success_rate,
      last: time(status.last_healing),
    },
    collections: collectionsOf(status, seen, trends),
    active: activeOf(status),
    recommendations: recommendationsOf(status),
    leases: leasesOf(status),
    outcomes,
    strategies,
    missing,
  };
}

interface Head {
  readonly status: StatusDocument;
  readonly now: number;
  readonly database: string;
}

async function readHead(query: Query): Promise<Head> {
  const [head] = await query<Head>(
    "SELECT ruvector.ruvector_healing_status() AS status, " +
      `${milliseconds("clock_timestamp()")} AS now, current_database()::text AS database`,
  );
  if (!head) throw new Error("ruvector_healing_status() returned nothing");
  return head;
}

const readIntegrity = (query: Query, missing: Missing[]): Promise<IntegrityRow[]> =>
  optional<IntegrityRow>(
    query,
    missing,
    "ruvector_integrity_status",
    "SELECT collection_name AS name, witness_edges AS witness, " +
      "coalesce(jsonb_array_length(unmeasured), 0) AS unmeasured FROM " +
      "ruvector.ruvector_integrity_status()",
  );

const readStrategies = (query: Query, missing: Missing[]): Promise<StrategySeen[]> =>
  optional<StrategySeen>(
    query,
    missing,
    "ruvector_healing_effectiveness",
    `SELECT name, weight, outcomes::int AS outcomes, success_rate::float8 AS success_rate,
        avg_improvement::float8 AS improvement,
              avg_time_to_recovery_seconds::float8 AS recovery_seconds
                FROM ruvector.ruvector_healing_effectiveness()`,
  );

function tickOf(status: StatusDocument, now: number): TickSeen {
  const at = time(status.last_tick);
  return {
    at,
    age: at === null ? null : Math.max(0, (now - at) / 1000),
    interval: status.tick_seconds ?? null,
    error: status.last_tick_error,
    error_at: time(status.last_tick_error_at),
    failed: status.last_tick_failed ?? false,
  };
}

const breakerOf = ({ breaker }: StatusDocument): Overview["breaker"] =>
  breaker
    ? { state: breaker.state, reason: breaker.reason, until: time(breaker.open_until) }
    : null;

const collectionsOf = (
  status: StatusDocument,
  integrity: ReadonlyMap<string, IntegrityRow>,
  trends: ReadonlyMap<string, readonly (number | null)[]>,
): CollectionSeen[] =>
  Object.entries(status.collections)
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
      unmeasured: integrity.get(name)?.unmeasured ?? 0,
      witness: describeWitness(integrity.get(name)?.witness ?? [], 1)[0] ?? null,
      trend: trends.get(name) ?? [],
    }))
    .sort(worstFirst);

const activeOf = (status: StatusDocument): ActiveSeen[] =>
  status.active_remediations.map((one) => ({
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
  }));

const recommendationsOf = (status: StatusDocument): RecommendationSeen[] =>
  (status.recommendations ?? []).map(
    ({ collection, strategy, problem, summary, predicted_lambda, since, statement }) => ({
      collection,
      strategy,
      problem,
      summary,
      lambda_foreseen: predicted_lambda,
      since: time(since),
      statement,
    }),
  );

const leasesOf = (status: StatusDocument): LeaseSeen[] =>
  status.leases.map((one) => ({
    collection: one.collection,
    kind: one.kind,
    strategy: one.strategy,
    action_id: one.action_id,
    expires_at: time(one.expires_at),
  }));

const worstFirst = (a: CollectionSeen, b: CollectionSeen): number =>
  VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) ||
  (a.lambda ?? 1) - (b.lambda ?? 1) ||
  (a.name < b.name ? -1 : 1);
