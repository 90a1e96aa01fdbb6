/** What a drill sees of its collection. */
import type { Stage } from "./drill.ts";

export interface Seen {
  readonly lambda: number | null;
  readonly normal: boolean;
  readonly refusals: readonly { readonly reason: string; readonly message: string }[];
  readonly action: {
    readonly id: string;
    readonly state: string;
    readonly strategy: string;
    readonly problem_class: string;
    readonly reversible: boolean;
    readonly initial_lambda: number;
    readonly predicted_lambda: number | null;
    readonly final_lambda: number | null;
    readonly verified: boolean | null;
    readonly message: string | null;
    readonly finished: boolean;
  } | null;
}

/** The newest action and reading of the drill's collection. */
export async function look({ client, table }: Stage): Promise<Seen> {
  const { rows } = await client.query<Seen>(
    `
    SELECT (SELECT lambda FROM ruvector_integrity_status($1)) AS lambda,
           coalesce((SELECT st.state = 0
             FROM ruvector.integrity_state st JOIN ruvector.collections c USING (collection_id)
                      WHERE format('%I.%I', c.schema_name, c.table_name) = $1), false) AS normal,
           coalesce((SELECT json_agg(json_build_object('reason', r.reason, 'message', r.message))
             FROM ruvector.healing_refusals r
                      WHERE r.collection = $1 AND r.closed_at IS NULL), '[]') AS refusals,
           (SELECT json_build_object('id', a.id::text, 'state', a.state, 'strategy',
             a.strategy_name, 'problem_class', a.problem_class,
                     'reversible', a.reversible, 'initial_lambda', a.initial_lambda,
                       'predicted_lambda', a.predicted_lambda,
                     'final_lambda', a.final_lambda, 'verified', a.verified, 'message', a.message,
                       'finished', a.finished_at IS NOT NULL)
              FROM ruvector.healing_actions a WHERE a.collection = $1
                AND a.collection_id = (SELECT collection_id FROM ruvector.collections
               WHERE format('%I.%I', schema_name, table_name) = $1)
                 ORDER BY a.id DESC LIMIT 1) AS action`,
    [table],
  );
  return rows[0]!;
}
