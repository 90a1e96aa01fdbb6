/** The rows of ruvector.healing_outcomes and ruvector.healing_weights. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
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
     WHERE completed_at > now() - make_interval(days => ${days}::int)`);

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

export interface LearnedWeight {
  readonly weight: number;
  readonly outcomes: number;
  /**
   * Where the weight is 0: when it may be tried once again, seconds since 1970, and whether that is
   * now.
   */
  readonly from: number;
  readonly now: boolean;
}

/** By strategy name. */
export type Learned = Readonly<Record<string, LearnedWeight>>;

/**
 * Learned weights: those of the problem's class where there are any, else the strategy's overall
 * one, unless that is 0: a strategy that never helped against something else is not known to be of
 * no use here. One that was not learned from for so many days is forgotten: its outcomes are older.
 */
export function learnedWeights(
  host: Host,
  { id, settings }: Pick<Collection, "id" | "settings">,
  problemClass: string,
  days: number,
): Learned {
  const rows = host.query<LearnedWeight & { name: string }>(sql`
    SELECT DISTINCT ON (w.strategy_name) w.strategy_name AS name, w.weight, w.outcomes,
      coalesce(extract(epoch FROM o.again), 0)::float8 AS from,
           coalesce(o.again <= clock_timestamp() OR o.resumed, true) AS now
      FROM ruvector.healing_weights w
      LEFT JOIN LATERAL (
        SELECT l.at + make_interval(secs => ${settings.exploration_seconds}::float8) AS again,
               EXISTS (SELECT FROM ruvector.healing_suspensions r
                        WHERE r.strategy_name = w.strategy_name AND r.kind = 'resumed'
                          AND r.suspended_at > l.at
                          AND (r.collection_id IS NULL OR r.collection_id = ${id}::int)) AS resumed
          FROM (SELECT coalesce(max(h.completed_at), w.updated_at) AS at
            FROM ruvector.healing_outcomes h
                 WHERE h.strategy_name = w.strategy_name AND h.problem_class = ${problemClass}) l
         WHERE w.weight <= 0) o ON true
     WHERE (w.problem_class = ${problemClass} OR (w.problem_class = '*' AND w.weight > 0))
       AND w.updated_at > clock_timestamp() - make_interval(days => ${days}::int)
     ORDER BY w.strategy_name, w.problem_class = '*'`);
  return Object.fromEntries(rows.map(({ name, ...learned }) => [name, learned]));
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

/** What is said of an action, as it counts, and the weight of its strategy. */
export interface CountedFeedback {
  readonly score: number | null;
  readonly by: string | null;
  readonly weight: number | null;
}

export const countedFeedback = (host: Host, action: Action): CountedFeedback =>
  host.one<CountedFeedback>(sql`
    SELECT o.feedback_score::float8 AS score, o.feedback_by AS by, w.weight
      FROM ruvector.healing_outcomes o LEFT
        JOIN ruvector.healing_weights w ON w.strategy_name = o.strategy_name
        AND w.problem_class = o.problem_class
     WHERE o.action_id = ${action.id}::bigint`);

/** What came of an action. */
export interface ActionOutcome {
  readonly final_lambda: number | null;
  readonly recovery: number | null;
  readonly feedback: number | null;
  readonly feedback_by: string | null;
  readonly feedback_note: string | null;
}

/** null: it says nothing about its strategy. */
export const outcomeOf = (host: Host, action: Action): ActionOutcome | null =>
  host.query<ActionOutcome>(sql`
    SELECT final_lambda::float8 AS final_lambda, recovery_seconds::float8 AS recovery,
      feedback_score::float8 AS feedback, feedback_by, feedback_note
      FROM ruvector.healing_outcomes WHERE action_id = ${action.id}::bigint`)[0] ?? null;

export const hasOutcome = (host: Host, action: Action): boolean =>
  host.query(sql`SELECT FROM ruvector.healing_outcomes WHERE action_id = ${action.id}::bigint`)
    .length > 0;
