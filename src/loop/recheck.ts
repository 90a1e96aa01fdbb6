/** Whether an action is still what it was approved as: it is planned anew on a fresh sample. */
import { type ActionChange, updateAction } from "../store/action-changes.ts";
import { startOf } from "./start.ts";
import { classify } from "../classify/classify.ts";
import { endAction } from "../execute/end.ts";
import { insertAction } from "../store/actions.ts";
import { differences, planState } from "../execute/plan-state.ts";
import { strategyNamed } from "../strategies/registry.ts";
import { isPlan } from "../strategies/strategy.ts";
import type { Host } from "../host/host.ts";
import type { Action, Plan, PlanState } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import type { Problem } from "../model/problem.ts";
import { NO_RADIUS } from "../model/cost.ts";
import { list } from "../base/text.ts";
import { radiusLeft, readScopes } from "../select/blast-radius.ts";
import { noGain } from "../select/gain.ts";
import { healthy } from "../select/guards/healthy.ts";
import type { Sample } from "../sense/sample.ts";
import { tickSeconds } from "../store/ticks.ts";

export type Recheck =
  | { readonly now: "same"; readonly action: Action }
  /** Nothing is left to approve: the action has ended. */
  | { readonly now: "gone"; readonly action: Action; readonly why: string }
  /** The action has ended; `asks` waits for approval in its stead. */
  | {
      readonly now: "moved";
      readonly action: Action;
      readonly asks: Action;
      readonly changed: readonly string[];
    };

/** What an approved action is rechecked against. */
interface Standing {
  readonly host: Host;
  readonly collection: Collection;
  readonly action: Action;
  readonly sample: Sample;
}

/** @param as what an action in the same state becomes */
export function recheck(standing: Standing, as: ActionChange): Recheck {
  const { host, collection, action, sample } = standing;
  const problem = classify(sample.reading.witness, sample.metrics, sample.topology);
  const plan = planAnew(standing, problem);
  if (typeof plan === "string") {
    const message = `not needed any more: ${plan}`;
    return {
      now: "gone",
      why: plan,
      action: endAction(host, action, { state: "expired", message }),
    };
  }
  const strategy = strategyNamed(action.strategy_name);
  const state = planState(problem, plan, strategy.boundTo?.(plan));
  const changed =
    action.plan_state === null
      ? ["it was planned by an older version"]
      : differences(action.plan_state, state);
  if (changed.length > 0) return askAgain(standing, { problem, plan, state, changed });
  const replanned = { plan, problem, start: startOf(collection, sample) };
  return { now: "same", action: updateAction(host, action, { ...as, replanned }) };
}

/** The plan for the state of now; or why there is nothing to do. */
function planAnew({ host, collection, action, sample }: Standing, problem: Problem): Plan | string {
  const strategy = strategyNamed(action.strategy_name);
  const without = notNeeded(collection, sample, problem, strategy.handles);
  if (without !== null) return without;
  const applicable = strategy.applicable(collection);
  if (applicable !== true) return applicable.reason;
  // What a person ran by name is theirs to judge.
  const named = action.origin === "execute";
  const plan = strategy.plan({
    host,
    collection,
    snapshot: sample.snapshot,
    problem,
    state: sample.state,
    params: action.strategy_params,
    tick_seconds: tickSeconds(host),
    radius: named
      ? NO_RADIUS
      : radiusLeft(readScopes(host, collection, action.id), collection.settings),
  });
  if (!isPlan(plan)) return plan.nothing;
  if (named) return plan;
  const vain = noGain(plan, {
    collection: collection.name,
    lambda: sample.reading.lambda,
    reported: sample.source === "reported",
    verify_ratio: collection.settings.verify_ratio,
  });
  return vain ? vain.message : plan;
}

/** What was planned for the state of now, and in what that differs. */
interface Replanned {
  readonly problem: Problem;
  readonly plan: Plan;
  readonly state: PlanState;
  readonly changed: readonly string[];
}

/** Another action waits for approval in its stead. */
function askAgain(
  { host, collection, action, sample }: Standing,
  { problem, plan, state, changed }: Replanned,
): Recheck {
  // First the old one ends: a collection has one active action.
  const ended = endAction(host, action, {
    state: "expired",
    message: `its state moved before it began: ${list(changed, 5)}`,
  });
  const asks = insertAction(host, {
    collection,
    origin: action.origin,
    problem,
    considered: action.considered,
    strategy: strategyNamed(action.strategy_name),
    params: action.strategy_params,
    plan,
    plan_state: state,
    start: startOf(collection, sample),
    target_lambda: action.target_lambda,
    approval:
      `asks again for what action ${action.id} was for, because the state moved: ` +
      `${list(changed, 5)}`,
  });
  if (!asks)
    throw new TypeError("under the collection's lock no other action can have become active");
  return {
    now: "moved",
    asks,
    changed,
    action: updateAction(host, ended, { replaced_by: asks.id }),
  };
}

function notNeeded(
  collection: Collection,
  sample: Sample,
  problem: Problem,
  handles: readonly string[],
): string | null {
  const well = healthy({
    lambda: sample.reading.lambda,
    settings: collection.settings,
    weak_edges: problem.evidence.weak_edges,
  });
  if (well) return well.message;
  return handles.includes(problem.details.class)
    ? null
    : `the problem is of class ${problem.details.class} now`;
}
