/**
 * Classify, select, ask the guards, plan: from a sample to an action, or to the reason why there is
 * none.
 */
import { happens } from "../base/flip.ts";
import { letThrough } from "../store/breaker.ts";
import sql from "sql-template-tag";
import { classify } from "../classify/classify.ts";
import { planState } from "../execute/plan-state.ts";
import type { Host } from "../host/host.ts";
import { takenForecasts } from "../store/forecasts.ts";
import type { Action, Plan } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import type { Problem } from "../model/problem.ts";
import type { Considered } from "../model/selection.ts";
import { closeRefusals, recordRefusal } from "../store/refusals.ts";
import { suspend } from "../select/suspensions.ts";
import { takeTurn } from "../select/claim-slot.ts";
import type { Sample } from "../sense/sample.ts";
import { insertAction } from "../store/actions.ts";
import type { Strategy } from "../strategies/strategy.ts";
import type { Refused } from "./candidates.ts";
import { type Evaluation, evaluate } from "./evaluate.ts";
import { keepHeld } from "./held-plan.ts";
import { startOf } from "./start.ts";
import { isDryRun, type Situation, type Wanted } from "./wanted.ts";

/** What every evaluation ends in. */
export interface Decision {
  readonly outcome: "planned" | "awaiting_approval" | "deferred" | "no_strategy" | "dry_run";
  readonly problem: Problem;
  readonly considered: readonly Considered[];
  readonly strategy: string | null;
  readonly plan: Plan | null;
  readonly action: Action | null;
  readonly refusal: Refused | null;
  /** A person named a strategy whose plan foresees that it will be undone: why. */
  readonly no_gain?: string | null;
  /** The forecast that was kept, in the modes observe and recommend. */
  readonly forecast_id?: string | null;
}

/**
 * Evaluates a collection on a fresh sample. Runs under the collection's lock; changes nothing but
 * our own tables.
 */
export function decide(
  host: Host,
  collection: Collection,
  sample: Sample,
  wanted: Wanted,
): Decision {
  // What is due by time is not left to the next tick.
  host.query(sql`SELECT ruvector.healing_breaker_update()`);
  const problem = classify(sample.reading.witness, sample.metrics, sample.topology);
  const situation: Situation = { host, collection, sample, problem, wanted };
  const found = evaluate(situation);
  suspendOscillating(situation, found);
  if (found.refusal) return refuse(situation, found, found.refusal);
  const { chosen, plan } = found;
  if (!chosen || !plan)
    throw new TypeError("an evaluation that is not refused has a strategy and a plan");
  if (isDryRun(wanted)) return answer(situation, found, { outcome: "dry_run" });
  if (sample.reading.lambda === null) return refuse(situation, found, LAMBDA_UNKNOWN);
  return begin(situation, found, chosen, plan);
}

/** Takes its turn and keeps the action; or somebody else was first. */
function begin(situation: Situation, found: Evaluation, strategy: Strategy, plan: Plan): Decision {
  const { host, collection, sample, problem, wanted } = situation;
  const approval = found.verdict.approval_required;
  const turn = takeTurn(host, collection, wanted.origin, approval !== null);
  if (turn.refusal) return refuse(situation, found, turn.refusal);
  const action = insertAction(host, {
    collection,
    origin: wanted.origin,
    problem,
    considered: found.considered,
    strategy,
    params: wanted.params,
    plan,
    start: startOf(collection, sample),
    plan_state: planState(problem, plan, strategy.boundTo?.(plan)),
    target_lambda:
      (wanted.params["target_lambda"] as number | undefined) ?? collection.settings.target_lambda,
    approval,
  });
  if (!action) return refuse(situation, found, ANOTHER_WAS_FIRST);
  if (turn.probe) letThrough(host, action);
  closeRefusals(host, collection.id);
  if (wanted.origin === "execute") takenForecasts(host, action);
  else keepHeld(situation, found.held, null);
  return answer(situation, found, {
    outcome: approval === null ? "planned" : "awaiting_approval",
    action,
  });
}

const answer = (
  { problem }: Situation,
  { considered, chosen, plan, no_gain }: Evaluation,
  ended: Pick<Decision, "outcome"> & { readonly action?: Action },
): Decision => ({
  problem,
  considered,
  strategy: chosen?.name ?? null,
  plan,
  action: null,
  refusal: null,
  no_gain: no_gain?.message ?? null,
  ...ended,
});

const LAMBDA_UNKNOWN: Refused = {
  reason: "lambda_unknown",
  measured: null,
  flips: happens("a reading of lambda"),
  message: "without lambda nothing can be verified",
};

const ANOTHER_WAS_FIRST: Refused = {
  reason: "active_action",
  measured: null,
  flips: happens("the end of that action"),
  message: "another session started an action at the same time",
};

/** Keeps why there is no action; whoever asked by name is told, and nothing is kept. */
function refuse(situation: Situation, found: Evaluation, refusal: Refused): Decision {
  const { host, collection, problem, wanted } = situation;
  const { considered, chosen, held } = found;
  const refused: Decision = {
    outcome: refusal.reason === "no_strategy" ? "no_strategy" : "deferred",
    problem,
    considered,
    strategy: chosen?.name ?? null,
    plan: null,
    action: null,
    refusal,
  };
  if (wanted.origin === "execute") return refused;
  recordRefusal(
    host,
    collection,
    problem.details.class,
    refusal,
    collection.settings.refusal_escalation_seconds,
  );
  const forecast_id = keepHeld(situation, held, refusal.reason);
  const shown = refusal.reason === "mode" && held ? held : null;
  return {
    ...refused,
    ...(shown && { considered: shown.considered, strategy: shown.strategy, plan: shown.plan }),
    forecast_id,
  };
}

/** A strategy whose plan would take back what another action did is left alone for a while. */
function suspendOscillating({ host, collection }: Situation, found: Evaluation): void {
  const { refusal, chosen, context } = found;
  const reversal = context.planned?.reversal;
  if (refusal?.reason !== "oscillation" || !chosen || !reversal) return;
  suspend(host, collection, {
    strategy: chosen.name,
    problem_class: null,
    kind: "oscillation",
    reason: refusal.message,
    action_id: reversal.action_id,
  });
}
