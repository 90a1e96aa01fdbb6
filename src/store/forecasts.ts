/**
 * Forecasts: what the loop would have done in the modes observe and recommend, with the lambda it
 * foresaw. Each is scored once, when its action would have been verified: what lambda became
 * without the action is natural recovery, the arm that a strategy has to beat.
 */
import type { Considered } from "../model/selection.ts";
import sql, { join } from "sql-template-tag";
import { recordEvent } from "./events.ts";
import type { Host } from "../host/host.ts";
import type { Action, Plan } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import type { Problem } from "../model/problem.ts";
import { lambdaText, short, sqlLiteral } from "../base/text.ts";
import { improved } from "../graph/improvement.ts";

export interface NewForecast {
  readonly mode: "observe" | "recommend";
  readonly problem: Problem;
  readonly considered: readonly Considered[];
  readonly strategy: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly plan: Plan;
  readonly lambda: number;
}

/**
 * The statement that carries a forecast out. It plans anew: what it does is right when it is typed.
 */
export function statementFor(
  collection: string,
  strategy: string,
  params: Readonly<Record<string, unknown>>,
): string {
  const more = Object.keys(params).length === 0 ? "" : `, ${sqlLiteral(JSON.stringify(params))}`;
  return (
    `SELECT ruvector_healing_execute(${sqlLiteral(collection)}, ` +
    `${sqlLiteral(strategy)}${more});`
  );
}

/**
 * Keeps a forecast, or counts the open one of the same strategy and class. After one that was
 * scored the same cooldown passes as after an action, so that forecasts are made as often as
 * actions would have been.
 * @returns its id; null: it is too early for another one
 */
export function keepForecast(
  host: Host,
  { id, name, settings }: Collection,
  wanted: NewForecast,
): string | null {
  const { mode, problem, strategy, plan } = wanted;
  const [kept] = host.query<{ id: string; fresh: boolean }>(sql`
    INSERT INTO ruvector.healing_forecasts AS f
      (collection_id, collection, mode, problem_class, problem, considered, strategy_name,
        strategy_params, plan, initial_lambda, predicted_lambda, due_at)
    SELECT ${id}::int, ${name}, ${mode}, ${problem.details.class},
      ${JSON.stringify(problem)}::jsonb, ${JSON.stringify(wanted.considered)}::jsonb,
           ${strategy}, ${JSON.stringify(wanted.params)}::jsonb, ${JSON.stringify(plan)}::jsonb,
             ${wanted.lambda}::float8, ${plan.predicted_lambda}::float8,
           clock_timestamp()
             + make_interval(secs
             => ${Math.max(plan.estimated_duration_seconds, settings.stabilize_seconds)}::float8)
     WHERE ${mode} = 'recommend' OR NOT EXISTS (
             SELECT FROM ruvector.healing_forecasts p
              WHERE p.collection_id = ${id}::int AND p.strategy_name = ${strategy}
                AND p.problem_class = ${problem.details.class}
                AND p.scored_at > clock_timestamp()
                  - make_interval(secs => ${settings.min_healing_interval_seconds}::float8))
    ON CONFLICT (collection_id, strategy_name, problem_class) WHERE closed_at IS NULL DO UPDATE
      SET count = f.count + 1, last_at = clock_timestamp(), mode = excluded.mode,
        plan = excluded.plan, considered = excluded.considered
    RETURNING id::text, count = 1 AS fresh`);
  if (!kept) return null;
  if (kept.fresh) {
    const statement = statementFor(name, strategy, wanted.params);
    const [now, then] = [lambdaText(wanted.lambda), lambdaText(plan.predicted_lambda)] as const;
    const foreseen = `lambda ${now} -> ${then} foreseen`;
    recordEvent(host, {
      collection_id: id,
      collection: name,
      kind: mode === "recommend" ? "recommended" : "observed",
      message:
        mode === "recommend"
          ? `${strategy} is recommended for ${problem.details.class}, ${foreseen}: ${statement}`
          : `${strategy} would have begun for ${problem.details.class}, ${foreseen}.`,
      details: { forecast_id: kept.id, plan, considered: wanted.considered, statement },
    });
  }
  return kept.id;
}

/**
 * Closes the open forecasts of a collection that an evaluation did not come to again; one that is
 * not due yet is still scored.
 */
export function closeForecasts(
  host: Host,
  collectionId: number,
  except: readonly string[],
  because: string,
): void {
  const others =
    except.length === 0
      ? sql`true`
      : sql`strategy_name NOT IN (${join(except.map((name) => sql`${name}`))})`;
  host.execute(sql`
    UPDATE ruvector.healing_forecasts SET closed_at = clock_timestamp(), closed_because = ${because}
     WHERE collection_id = ${collectionId}::int AND closed_at IS NULL AND ${others}`);
}

/** Somebody carried a recommendation out. */
export function takenForecasts(host: Host, action: Action): void {
  host.execute(sql`
    UPDATE ruvector.healing_forecasts SET closed_at = clock_timestamp(),
      closed_because = ${`carried out as action ${action.id}`}
     WHERE collection_id = ${action.collection_id}::int AND strategy_name = ${action.strategy_name}
       AND closed_at IS NULL AND mode = 'recommend'`);
}

interface Due {
  readonly id: string;
  readonly strategy: string;
  readonly problem_class: string;
  readonly initial: number;
  readonly predicted: number | null;
  readonly seconds: number;
  /** So long after its time that lambda says nothing about it. */
  readonly late: boolean;
  readonly disturbed_by: string | null;
}

/**
 * A tick that comes late by more than this (and by more than the forecast looked ahead) saw another
 * time.
 */
const LATE_SECONDS = 60;

function scoredText({ disturbed_by, late, initial }: Due, lambda: number): string {
  if (disturbed_by !== null) return `not scored: action ${disturbed_by} began meanwhile`;
  if (late) return "not scored: no sample was taken at its time";
  return `without it lambda went ${lambdaText(initial)} -> ${lambdaText(lambda)}`;
}

/** Scores what is due, by the lambda of a sample that was just taken. */
export function scoreForecasts(host: Host, collection: Collection, lambda: number | null): void {
  if (lambda === null) return;
  const due = host.query<Due>(sql`
    SELECT f.id::text, f.strategy_name AS strategy, f.problem_class, f.initial_lambda AS initial,
      f.predicted_lambda AS predicted,
           extract(epoch FROM clock_timestamp() - f.made_at)::float8 AS seconds,
           clock_timestamp() > f.due_at + greatest(f.due_at - f.made_at,
             make_interval(secs => ${LATE_SECONDS}::float8)) AS late,
           (SELECT min(a.id)::text FROM ruvector.healing_actions a
             WHERE a.collection_id = f.collection_id AND a.started_at >= f.made_at) AS disturbed_by
      FROM ruvector.healing_forecasts f
     WHERE f.collection_id = ${collection.id}::int AND f.scored_at IS NULL
       AND f.due_at <= clock_timestamp()`);
  for (const one of due) {
    const undisturbed = one.disturbed_by === null && !one.late;
    const recovered = undisturbed
      ? improved(one.initial, lambda, collection.settings.verify_ratio)
      : null;
    const what = scoredText(one, lambda);
    host.execute(sql`
      UPDATE ruvector.healing_forecasts
         SET scored_at = clock_timestamp(), actual_lambda = ${undisturbed ? lambda : null}::float8,
           recovered = ${recovered}::boolean,
             disturbed_by = ${one.disturbed_by}::bigint,
             closed_because = CASE WHEN closed_at IS NULL AND mode = 'observe' THEN ${what}
               ELSE closed_because END,
             closed_at = CASE WHEN mode = 'observe' THEN coalesce(closed_at, clock_timestamp())
               ELSE closed_at END
       WHERE id = ${one.id}::bigint`);
    recordEvent(host, {
      collection_id: collection.id,
      collection: collection.name,
      kind: "forecast_scored",
      message:
        `Forecast ${one.id} (${one.strategy}) of ${short(one.seconds)} s ago: ` +
        `${what}${undisturbed ? `, with it ${lambdaText(one.predicted)} was foreseen` : ""}.`,
      details: {
        forecast_id: one.id,
        initial_lambda: one.initial,
        predicted_lambda: one.predicted,
        actual_lambda: undisturbed ? lambda : null,
        recovered,
      },
    });
  }
}
