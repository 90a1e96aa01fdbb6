/**
 * Approval is bound to the state it is given for. When it is given, and again when an approved
 * action begins later (in a maintenance window), the strategy plans anew on a fresh sample: the
 * same state begins with the new plan, another one asks again under a number of its own.
 */
import { type ActionChange, updateAction } from "../store/action-changes.ts";
import { startOf } from "./start.ts";
import { classify } from "../classify/classify.ts";
import { endAction } from "../execute/end.ts";
import { insertAction } from "../store/actions.ts";
import { differences, planState } from "../execute/plan-state.ts";
import { strategyNamed } from "../strategies/registry.ts";
import { isPlan } from "../strategies/strategy.ts";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import type { Problem } from "../model/problem.ts";
import { NO_RADIUS } from "../model/cost.ts";
import { list, utc } from "../base/text.ts";
import { radiusLeft, readScopes } from "../select/radius.ts";
import { noGain } from "../select/gain.ts";
import { healthy } from "../select/guards/standing.ts";
import { windowNow } from "../select/window.ts";
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

/** @param as what an action in the same state becomes */
function recheck(
  host: Host,
  collection: Collection,
  action: Action,
  sample: Sample,
  as: ActionChange,
): Recheck {
  const problem = classify(sample.reading.witness, sample.metrics, sample.topology);
  const strategy = strategyNamed(action.strategy_name);
  const gone = (why: string): Recheck => ({
    now: "gone",
    why,
    action: endAction(host, action, {
      state: "expired",
      message: `not needed any more: ${why}`,
    }),
  });
  const without = notNeeded(collection, sample, problem, strategy.handles);
  if (without !== null) return gone(without);
  const applicable = strategy.applicable(collection);
  if (applicable !== true) return gone(applicable.reason);
  const plan = strategy.plan({
    host,
    collection,
    snapshot: sample.snapshot,
    problem,
    state: sample.state,
    params: action.strategy_params,
    tick_seconds: tickSeconds(host),
    radius:
      action.origin === "execute"
        ? NO_RADIUS
        : radiusLeft(readScopes(host, collection, action.id), collection.settings),
  });
  if (!isPlan(plan)) return gone(plan.nothing);
  // What a person ran by name is theirs to judge.
  const vain =
    action.origin === "execute"
      ? null
      : noGain(plan, {
          collection: collection.name,
          lambda: sample.reading.lambda,
          reported: sample.source === "reported",
          verify_ratio: collection.settings.verify_ratio,
        });
  if (vain) return gone(vain.message);
  const state = planState(problem, plan, strategy.boundTo?.(plan));
  const changed =
    action.plan_state === null
      ? ["it was planned by an older version"]
      : differences(action.plan_state, state);
  if (changed.length === 0)
    return {
      now: "same",
      action: updateAction(host, action, {
        ...as,
        replanned: { plan, problem, start: startOf(collection, sample) },
      }),
    };
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
    strategy,
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

/**
 * Approves an action in the state it shows. Outside the maintenance windows it begins with the next
 * one.
 */
export function giveApproval(
  host: Host,
  collection: Collection,
  action: Action,
  sample: Sample,
): Recheck {
  const window = windowNow(host, collection);
  if (window === null || window.open)
    return recheck(host, collection, action, sample, {
      state: "planned",
      approved: true,
      message: "approved",
    });
  const opens = window.opens_at;
  return recheck(host, collection, action, sample, {
    state: "planned",
    approved: true,
    progress: { ...action.progress, waits_for_window: true },
    // An hour into it, if ticks are late.
    deadline_in:
      opens === null ? collection.settings.approval_ttl_seconds : opens - action.now + 3600,
    message:
      opens === null
        ? "approved; no maintenance window is open, and none is known to open"
        : `approved; begins with the maintenance window that opens at ${utc(opens)}`,
  });
}

export const waitsForWindow = (action: Action): boolean =>
  action.state === "planned" && action.progress.waits_for_window === true;

/**
 * An approved action that waits for a window: begins with the next tick once one is open, if the
 * state is still the one it was approved for.
 */
export function beginInWindow(
  host: Host,
  collection: Collection,
  action: Action,
  sample: Sample,
): void {
  const window = windowNow(host, collection);
  if (window !== null && !window.open) {
    if (action.deadline !== null && action.now > action.deadline) {
      endAction(host, action, {
        state: "expired",
        message: "approved, but no maintenance window opened in time",
      });
    }
    return;
  }
  if (sample.reading.lambda === null) return;
  const { waits_for_window: _, ...progress } = action.progress;
  recheck(host, collection, action, sample, {
    progress,
    message: "approved; the maintenance window is open",
  });
}
