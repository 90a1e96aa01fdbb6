/** Reads what the loop is doing. Only reads: pg_cron does everything else. */
import type pg from "pg";
import type { WitnessEdge } from "../../model/graph.ts";

export interface Seen {
  /** lambda of every sample since the loop began, oldest first. */
  readonly samples: readonly { readonly at: Date; readonly lambda: number | null; readonly state: string }[];
  readonly state: string | null;
  readonly lambda: number | null;
  readonly witness: readonly WitnessEdge[];
  readonly action: SeenAction | null;
  readonly tick_error: string | null;
  readonly refusals: readonly { readonly reason: string; readonly message: string }[];
}

export interface SeenAction {
  readonly id: number;
  readonly state: string;
  readonly strategy: string;
  readonly problem_class: string;
  readonly summary: string;
  readonly considered: readonly { readonly name: string; readonly taken: boolean; readonly reason: string; readonly weight: number }[];
  readonly rows_moved: number;
  readonly rows_planned: number;
  readonly initial_lambda: number;
  readonly predicted_lambda: number | null;
  readonly final_lambda: number | null;
  readonly verified: boolean | null;
  readonly message: string | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
  readonly recovery_seconds: number | null;
}

export async function look(client: pg.Client): Promise<Seen> {
  const { rows: samples } = await client.query<{ at: Date; lambda: number | null; state: string; witness_edges: WitnessEdge[] }>(
    "SELECT sampled_at AS at, lambda, state, witness_edges FROM ruvector_integrity_history('embeddings', limit_ := 120)");
  const { rows: status } = await client.query<{ state: string | null; lambda: number | null; witness_edges: WitnessEdge[] | null }>(
    "SELECT state, lambda, witness_edges FROM ruvector_integrity_status('embeddings')");
  const { rows: actions } = await client.query<SeenAction>(`
    SELECT a.id::int, a.state, a.strategy_name AS strategy, a.problem_class, a.problem ->> 'summary' AS summary, a.considered,
           coalesce((a.progress ->> 'rows')::int, 0) AS rows_moved, (a.plan ->> 'rows')::int AS rows_planned, a.initial_lambda,
           a.predicted_lambda, a.final_lambda, a.verified, a.message, a.created_at, a.finished_at, o.recovery_seconds
      FROM ruvector.healing_actions a LEFT JOIN ruvector.healing_outcomes o ON o.action_id = a.id ORDER BY a.id DESC LIMIT 1`);
  const { rows: healing } = await client.query<{ status: { last_tick_error: string | null; collections: Record<string, { refusals: { reason: string; message: string }[] }> } }>(
    "SELECT ruvector_healing_status('embeddings') AS status");
  return {
    samples: [...samples].reverse(),
    state: status[0]?.state ?? null,
    lambda: status[0]?.lambda ?? null,
    witness: status[0]?.witness_edges ?? [],
    action: actions[0] ?? null,
    tick_error: healing[0]?.status.last_tick_error ?? null,
    refusals: Object.values(healing[0]?.status.collections ?? {}).flatMap(({ refusals }) => refusals),
  };
}

export async function weight(client: pg.Client): Promise<number | null> {
  const { rows } = await client.query<{ weight: number }>("SELECT weight FROM ruvector_healing_effectiveness() WHERE name = 'rebalance_partitions'");
  return rows[0]?.weight ?? null;
}
