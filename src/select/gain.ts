/** Whether an action would pass its own verification if everything came as it foresees. Pure. */
import { anyOf, measure, settingIs } from "../base/flip.ts";
import type { Plan } from "../model/action.ts";
import { lambdaText, short } from "../base/text.ts";
import { statementFor } from "../store/forecasts.ts";
import { improved, needed } from "../graph/improvement.ts";
import type { RefusalRecord } from "../store/refusals.ts";

export interface Asked {
  readonly collection: string;
  /** null: not known, and nothing can be said. */
  readonly lambda: number | null;
  /** An outside monitor's lambda is not the one that plans foresee. */
  readonly reported: boolean;
  readonly verify_ratio: number;
}

/**
 * Why beginning it is of no use; null: it may help, or nobody knows (a plan that foresees nothing
 * is no plan without gain).
 */
export function noGain(
  plan: Pick<Plan, "strategy" | "predicted_lambda">,
  { collection, lambda, reported, verify_ratio }: Asked,
): (RefusalRecord & { readonly hint: string }) | null {
  const foreseen = plan.predicted_lambda;
  if (reported || lambda === null || foreseen === null || improved(lambda, foreseen, verify_ratio))
    return null;
  const wanted = needed(lambda, verify_ratio);
  const ratio = lambda > 0 ? foreseen / lambda : 1;
  return {
    reason: "no_gain_foreseen",
    measured: {
      strategy: plan.strategy,
      lambda,
      predicted_lambda: foreseen,
      needed_lambda: wanted,
    },
    flips: anyOf(
      measure("plan_above", precise(wanted)),
      ...(ratio > 1 ? [settingIs("verify_ratio", "below", precise(ratio))] : []),
    ),
    message:
      `${plan.strategy} foresees lambda ${lambdaText(lambda)} -> ${lambdaText(foreseen)}, and ` +
      `verification asks for more than ${precise(wanted)} (verify_ratio ` +
      `${short(verify_ratio)}): it would be undone`,
    hint: `${statementFor(collection, plan.strategy, { dry_run: true })} shows the plan.`,
  };
}

/** Three digits: 0.2754 is not above 0.28. */
const precise = (value: number): number => Number(value.toPrecision(3));
