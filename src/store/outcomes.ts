/** The rows of ruvector.healing_outcomes and ruvector.healing_weights. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import type { Outcome, Weight } from "../model/outcome.ts";

export interface NewOutcome {
  readonly success: boolean;
  /** Fraction; null: not known. */
  readonly improvement: number | null;
  /** -1 to 1; null: nobody said anything. */
  readonly feedback: number | null;
}

/** Once an action has an outcome it keeps it: what comes later is feedback on it. */
export function keepOutcome(
  host: Host,
  { id }: Action,
  { success, improvement, feedback }: NewOutcome,
): void {
  host.query(
    sql`SELECT ruvector.healing_record_outcome(${id}::bigint, ${success}::boolean,
      ${improvement}::real, ${feedback}::real)`,
  );
}

/** What could not be learned from now is noted, and learned from later. */
export function learnLater(host: Host, actionId: string): void {
  host.execute(
    sql`UPDATE ruvector.healing_outcomes SET learned = false
      WHERE action_id = ${actionId}::bigint`,
  );
}

/** Whether an outcome of the collection was not learned from. */
export const isUnlearned = (host: Host, collectionId: number): boolean =>
  host.query(
    sql`SELECT FROM ruvector.healing_outcomes WHERE collection_id = ${collectionId}::int
      AND NOT learned LIMIT 1`,
  ).length > 0;

export function noteLearned(host: Host, collectionId: number): void {
  host.execute(
    sql`UPDATE ruvector.healing_outcomes SET learned = true
      WHERE collection_id = ${collectionId}::int AND NOT learned`,
  );
}

/** Of the last so many days, all collections. */
export const readOutcomes = (host: Host, days: number): Outcome[] =>
  host.query<Outcome>(sql`
    SELECT strategy_name AS strategy, problem_class, success, verified,
      improvement_pct AS improvement, feedback_score AS feedback
      FROM ruvector.healing_outcomes
     WHERE completed_at > clock_timestamp() - make_interval(days => ${days}::int)`);

/** In place of all that there are: a strategy whose outcomes have aged out is unlearned again. */
export function keepWeights(host: Host, weights: readonly Weight[]): void {
  const rows = JSON.stringify(weights);
  host.execute(sql`
    DELETE FROM ruvector.healing_weights w
     WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(${rows}::jsonb) r
                        WHERE r ->> 'strategy' = w.strategy_name
                          AND r ->> 'problem_class' = w.problem_class)`);
  host.execute(sql`
    INSERT INTO ruvector.healing_weights AS w (strategy_name, problem_class, weight, outcomes)
    SELECT r ->> 'strategy', r ->> 'problem_class', (r ->> 'weight')::float8,
      (r ->> 'outcomes')::int
      FROM jsonb_array_elements(${rows}::jsonb) r
    ON CONFLICT (strategy_name, problem_class) DO UPDATE
      SET weight = excluded.weight, outcomes = excluded.outcomes, updated_at = clock_timestamp()`);
}

export interface Feedback {
  /** null: none, or taken back. */
  readonly score: number | null;
  readonly note: string | null;
}

/**
 * Keeps what a person says of an ended action. false: it has no outcome to judge.
 * @param implied what holds again where it is taken back
 */
export function keepFeedback(
  host: Host,
  { id }: Action,
  { score, note }: Feedback,
  implied: number | null,
): boolean {
  const kept = host.query(sql`
    UPDATE ruvector.healing_outcomes
       SET feedback_score = coalesce(${score}::real, ${implied}::real), feedback_note = ${note},
           feedback_by = CASE WHEN ${score}::real IS NOT NULL
             THEN session_user END, feedback_at = CASE WHEN ${score}::real IS NOT NULL
             THEN clock_timestamp() END
     WHERE action_id = ${id}::bigint RETURNING id`);
  return kept.length > 0;
}
