/** Reads what the loop is doing. Only reads: the loop does everything else. */
import { describeWitness } from "../../classify/describe.ts";
import { type Label, labelsOf } from "../../graph/labels.ts";
import type { WitnessEdge } from "../../model/graph.ts";
import type { Metrics, Verdict } from "../../model/problem.ts";
import type { Session } from "../session.ts";

export interface Seen {
  /** lambda of the last samples since the loop began, oldest first. */
  readonly lambdas: readonly (number | null)[];
  readonly verdict: Verdict;
  readonly sentence: string;
  readonly state: string | null;
  readonly lambda: number | null;
  /** The edges that cross the minimum cut, in words, the weakest first. */
  readonly witness: (max: number) => readonly string[];
  /** The newest action since the loop began. */
  readonly action: SeenAction | null;
  /** All of them, the oldest first. */
  readonly actions: readonly SeenAction[];
  /**
   * Learned weight of the strategy of the action, or of rebalance_partitions before there is one.
   */
  readonly weight: number | null;
  readonly tick_error: string | null;
  readonly refusals: readonly Refusal[];
}

export interface Refusal {
  readonly reason: string;
  readonly message: string;
  readonly flips_at: string;
}

export interface SeenAction {
  readonly id: number;
  readonly state: string;
  readonly strategy: string;
  readonly problem_class: string;
  readonly summary: string;
  readonly considered: readonly {
    readonly name: string;
    readonly taken: boolean;
    readonly reason: string;
    readonly weight: number;
  }[];
  readonly rows_moved: number;
  readonly plan_rows: number;
  readonly initial_lambda: number;
  readonly predicted_lambda: number | null;
  readonly final_lambda: number | null;
  readonly verified: boolean | null;
  readonly message: string | null;
  readonly finished_at: Date | null;
  readonly recovery_seconds: number | null;
}

/** The actions and the readings since then, and how the collection is now. */
export async function look(session: Session, since: Date): Promise<Seen> {
  const samples = await session.query<{
    lambda: number | null;
    witness_edges: WitnessEdge[];
    metrics: Partial<Metrics>;
  }>(
    "SELECT lambda, witness_edges, metrics FROM ruvector_integrity_history('embeddings', " +
      "since := $1, limit_ := 60)",
    [since],
  );
  const status = await session.query<{
    state: string | null;
    lambda: number | null;
    witness_edges: WitnessEdge[] | null;
  }>("SELECT state, lambda, witness_edges FROM ruvector_integrity_status('embeddings')");
  const verdicts = await session.query<{ verdict: Verdict; sentence: string }>(
    "SELECT verdict, sentence FROM ruvector_healing_verdict('embeddings')",
  );
  // What was planned and considered is in the table; ruvector_healing_history() has the rest.
  const actions = await session.query<SeenAction>(
    `
    SELECT h.action_id::int AS id, h.state, h.strategy, h.problem_class,
      a.problem ->> 'summary' AS summary, a.considered,
           coalesce(h.rows_moved, 0)::int AS rows_moved, coalesce((a.plan ->> 'rows')::int,
             0) AS plan_rows, h.initial_lambda,
           h.predicted_lambda, h.final_lambda, h.verified, h.message, h.finished_at,
             o.recovery_seconds
      FROM ruvector_healing_history(since := $1) h
      JOIN ruvector.healing_actions a ON a.id = h.action_id
      LEFT JOIN ruvector.healing_outcomes o ON o.action_id = h.action_id
     ORDER BY h.action_id`,
    [since],
  );
  const action = actions.rows.at(-1) ?? null;
  const weights = await session.query<{ weight: number }>(
    "SELECT weight FROM ruvector_healing_effectiveness() WHERE name = $1",
    [action?.strategy ?? "rebalance_partitions"],
  );
  const { last_tick_error, collections } = await healingStatus(session);
  const edges = status.rows[0]?.witness_edges ?? [];
  const label = labels(samples.rows[0]?.metrics);
  return {
    lambdas: samples.rows.map(({ lambda }) => lambda).reverse(),
    verdict: verdicts.rows[0]?.verdict ?? "unknown",
    sentence: verdicts.rows[0]?.sentence ?? "not registered",
    state: status.rows[0]?.state ?? null,
    lambda: status.rows[0]?.lambda ?? null,
    witness: (max) => describeWitness(edges, max, label),
    action,
    actions: actions.rows,
    weight: weights.rows[0]?.weight ?? null,
    tick_error: last_tick_error,
    refusals: Object.values(collections).flatMap(({ refusals }) => refusals),
  };
}

const labels = (metrics: Partial<Metrics> | undefined): Label =>
  labelsOf({ partitions: [], ...metrics } as unknown as Metrics);

export interface HealingStatus {
  readonly last_tick_error: string | null;
  readonly collections: Readonly<Record<string, { readonly refusals: readonly Refusal[] }>>;
}

export async function healingStatus(session: Session): Promise<HealingStatus> {
  const { rows } = await session.query<{ status: HealingStatus }>(
    "SELECT ruvector_healing_status('embeddings') AS status",
  );
  return rows[0]?.status ?? { last_tick_error: null, collections: {} };
}

export async function now(session: Session): Promise<Date> {
  const { rows } = await session.query<{ now: Date }>("SELECT clock_timestamp() AS now");
  return rows[0]?.now ?? new Date();
}
