/**
 * What becomes of a plan that the mode lets nobody carry out but a person: a forecast, and the
 * refusal that says so.
 */
import type { Considered } from "../model/selection.ts";
import { closeForecasts, keepForecast, statementFor } from "../store/forecasts.ts";
import { effectiveMode } from "../configuration/modes.ts";
import type { Plan } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { count, lambdaText } from "../base/text.ts";
import type { Held } from "../select/guards/index.ts";
import type { RefusalRecord } from "../store/refusals.ts";
import type { Situation } from "./wanted.ts";

export interface HeldPlan extends Held {
  readonly strategy: string;
  readonly considered: readonly Considered[];
  readonly plan: Plan;
}

/**
 * Refusals after which a recommendation is not right any more; the others (a cooldown, a closed
 * window) say nothing about it.
 */
const ENDS_RECOMMENDATIONS = [
  "disabled",
  "mode",
  "healthy",
  "unknown_problem",
  "no_strategy",
  "nothing_to_do",
  "no_gain_foreseen",
];

/**
 * Keeps the plan that was held, and closes what this evaluation did not come to again.
 * @param reason of the refusal it ended in; null: an action was planned
 * @returns the forecast's id
 */
export function keepHeld(
  { host, collection, sample, problem, wanted }: Situation,
  held: HeldPlan | null,
  reason: string | null,
): string | null {
  if (reason === null || ENDS_RECOMMENDATIONS.includes(reason)) {
    closeForecasts(
      host,
      collection.id,
      held ? [held.strategy] : [],
      reason === null && !held ? "an action was planned" : "it is not what would be done any more",
    );
  }
  if (!held || sample.reading.lambda === null) return null;
  return keepForecast(host, collection, {
    mode: held.held,
    problem,
    considered: held.considered,
    strategy: held.strategy,
    params: wanted.params,
    plan: held.plan,
    lambda: sample.reading.lambda,
  });
}

export function heldRefusal(
  collection: Collection,
  held: HeldPlan,
  params: Readonly<Record<string, unknown>>,
): RefusalRecord & { readonly hint: string } {
  const { setting } = effectiveMode(collection.settings, held.strategy);
  const would =
    `${held.strategy} would change ${count(held.plan.rows, "row")}, lambda foreseen ` +
    `${lambdaText(held.plan.predicted_lambda)}`;
  return {
    reason: "mode",
    measured: held.held,
    flips: { kind: "setting", name: setting, relation: "one_of", values: ["approve", "auto"] },
    message: `${held.because}: ${would}`,
    hint: statementFor(collection.name, held.strategy, params),
  };
}
