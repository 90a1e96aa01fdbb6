/** The rows that learning reads, and the weights made of them. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import { improvement } from "../graph/improvement.ts";
import { type Outcome, weigh, WINDOW_DAYS } from "./weights.ts";

/**
 * Records how an action ended and learns from it. Once an action has an outcome it keeps it: a
 * later rollback by a human is feedback on it.
 */
export function recordOutcome(host: Host, action: Action): void {
  const success =
    action.state === "succeeded" || (action.state === "rolled_back" && action.verified !== null);
  // The loop itself undoes only what it found unverified; any other way to rolled_back was a
  // human's.
  const feedback = action.state === "rolled_back" && action.verified !== false ? -1 : null;
  const improved =
    action.verified === null ? null : improvement(action.initial_lambda, action.final_lambda);
  host.query(
    sql`SELECT ruvector.healing_record_outcome(${action.id}::bigint, ${success}::boolean,
      ${improved}::real, ${feedback}::real)`,
  );
  if (!updateWeights(host, action.collection_id))
    host.execute(
      sql`UPDATE ruvector.healing_outcomes SET learned = false
        WHERE action_id = ${action.id}::bigint`,
    );
}

/** What ended while somebody else had the weights. */
export function learnRest(host: Host, collectionId: number): void {
  if (
    host.query(
      sql`SELECT FROM ruvector.healing_outcomes WHERE collection_id = ${collectionId}::int
        AND NOT learned LIMIT 1`,
    ).length === 0
  )
    return;
  if (updateWeights(host, collectionId))
    host.execute(
      sql`UPDATE ruvector.healing_outcomes SET learned = true
        WHERE collection_id = ${collectionId}::int AND NOT learned`,
    );
}

/**
 * Writes the weights of all strategies, over all classes ('*') and by class. They are one for all
 * collections: whoever is at it may keep them for as long as their transaction lasts, and is not
 * waited for. false: somebody is at it.
 */
function updateWeights(host: Host, collectionId: number): boolean {
  const { learning } = host.one<{ learning: boolean }>(
    sql`SELECT (ruvector.healing_settings(${collectionId}::int) ->> 'learning_enabled')::boolean
      AS learning`,
  );
  if (!learning) return true;
  if (!host.one<{ mine: boolean }>(sql`SELECT ruvector.healing_try_lock('weights') AS mine`).mine)
    return false;
  const outcomes = host.query<Outcome>(sql`
    SELECT strategy_name AS strategy, problem_class, success, verified,
      improvement_pct AS improvement, feedback_score AS feedback
      FROM ruvector.healing_outcomes
     WHERE completed_at > clock_timestamp() - make_interval(days => ${WINDOW_DAYS}::int)`);
  const rows = weigh(outcomes);
  // A strategy whose outcomes have all aged out is unlearned again.
  host.execute(sql`
    DELETE FROM ruvector.healing_weights w
     WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(${JSON.stringify(rows)}::jsonb) r
                        WHERE r ->> 'strategy' = w.strategy_name
                          AND r ->> 'problem_class' = w.problem_class)`);
  host.execute(sql`
    INSERT INTO ruvector.healing_weights AS w (strategy_name, problem_class, weight, outcomes)
    SELECT r ->> 'strategy', r ->> 'problem_class', (r ->> 'weight')::float8,
      (r ->> 'outcomes')::int
      FROM jsonb_array_elements(${JSON.stringify(rows)}::jsonb) r
    ON CONFLICT (strategy_name, problem_class) DO UPDATE
      SET weight = excluded.weight, outcomes = excluded.outcomes, updated_at = clock_timestamp()`);
  return true;
}

export interface Feedback {
  /** null: none, or taken back. */
  readonly score: number | null;
  readonly note: string | null;
}

/**
 * Keeps what a person says of an ended action, and learns from it. false: it has no outcome to
 * judge.
 */
export function giveFeedback(host: Host, action: Action, { score, note }: Feedback): boolean {
  // Taken back, what a rollback had said holds again.
  const implied = action.state === "rolled_back" && action.verified !== false ? -1 : null;
  const [kept] = host.query<{ id: string }>(sql`
    UPDATE ruvector.healing_outcomes
       SET feedback_score = coalesce(${score}::real, ${implied}::real), feedback_note = ${note},
           feedback_by = CASE WHEN ${score}::real IS NOT NULL
             THEN session_user END, feedback_at = CASE WHEN ${score}::real IS NOT NULL
             THEN clock_timestamp() END
     WHERE action_id = ${action.id}::bigint RETURNING id::text`);
  if (!kept) return false;
  if (!updateWeights(host, action.collection_id))
    host.execute(
      sql`UPDATE ruvector.healing_outcomes SET learned = false WHERE id = ${kept.id}::bigint`,
    );
  return true;
}
