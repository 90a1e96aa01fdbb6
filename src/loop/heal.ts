/** Classify, select, ask the guards, plan: from a sample to an action, or to the reason why there is none. */
import sql from "sql-template-tag";
import * as z from "zod/mini";
import { classify } from "../classify/classify.ts";
import type { Host } from "../host/host.ts";
import type { Action, Origin, Plan } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { NO_RADIUS } from "../model/cost.ts";
import { parseDocument } from "../model/documents.ts";
import type { Problem } from "../model/problem.ts";
import { insertAction } from "../execute/actions.ts";
import { planState } from "../execute/plan-state.ts";
import { STRATEGIES } from "../execute/registry.ts";
import { isPlan, type NothingToDo, type Strategy } from "../execute/strategy.ts";
import { guardContext, learnedWeights, recentFailures, recentRejections } from "../select/context.ts";
import { everyRefusal, GUARDS, judge, type GuardContext, type GuardMode, type GuardVerdict, type Refusal, type PlannedFacts } from "../select/guards/index.ts";
import { readReversal, suspend, suspensions } from "../select/oscillation.ts";
import { readPreflight } from "../select/preflight.ts";
import { costOf, radiusLeft, readScopes, type Scope } from "../select/radius.ts";
import { letThrough, takeTurn } from "../select/turn.ts";
import { closeRefusals, recordRefusal, type RefusalRecord } from "../select/refusals.ts";
import { type Candidate, type Considered, selectStrategy } from "../select/select.ts";
import type { Sample } from "../sense/sample.ts";
import { acts, effectiveMode } from "../configuration/modes.ts";
import { takenForecasts } from "../learn/forecasts.ts";
import { type HeldPlan, heldRefusal, keepHeld } from "./hold.ts";

/** What every evaluation ends in. */
export interface Decision {
  readonly outcome: "planned" | "awaiting_approval" | "deferred" | "no_strategy" | "dry_run";
  readonly problem: Problem;
  readonly considered: readonly Considered[];
  readonly strategy: string | null;
  readonly plan: Plan | null;
  readonly action: Action | null;
  readonly refusal: (RefusalRecord & { readonly hint?: string }) | null;
  /** The forecast that was kept, in the modes observe and recommend. */
  readonly forecast_id?: string | null;
}

export interface Wanted {
  readonly origin: Origin;
  /** null: the best one is selected. */
  readonly strategy: Strategy | null;
  readonly params: Readonly<Record<string, unknown>>;
}

const MODES: Readonly<Record<Origin, GuardMode>> = { loop: "automatic", trigger: "manual", execute: "explicit" };

/** @throws HealingError RV001 for params that the strategy does not know */
export function parseParams(strategy: Strategy, params: unknown): Record<string, unknown> {
  return parseDocument("params", {
    dry_run: z.optional(z.boolean()),
    target_lambda: z.optional(z.number().check(z.gt(0), z.lte(1))),
    ...strategy.params,
  }, params);
}

/** Evaluates a collection on a fresh sample. Runs under the collection's lock; changes nothing but our own tables. */
export function decide(host: Host, collection: Collection, sample: Sample, wanted: Wanted): Decision {
  // What is due by time is not left to the next tick.
  host.query(sql`SELECT ruvector.healing_breaker_update()`);
  const problem = classify(sample.reading.witness, sample.metrics, sample.topology);
  const choice = chooseWithPlan(host, collection, sample, problem, wanted);
  const { chosen, considered, verdict, plan, held } = choice;
  const refuse = (outcome: "deferred" | "no_strategy", refusal: RefusalRecord & { readonly hint?: string }): Decision => {
    if (wanted.origin === "execute") return { outcome, problem, considered, strategy: chosen?.name ?? null, plan: null, action: null, refusal };
    recordRefusal(host, collection, problem.details.class, refusal, collection.settings.refusal_escalation_seconds);
    const forecast_id = keepHeld(host, collection, sample, problem, held, wanted.params, refusal.reason);
    const shown = refusal.reason === "mode" ? held : null;
    return { outcome, problem, considered: shown?.considered ?? considered, strategy: shown?.strategy ?? chosen?.name ?? null, plan: shown?.plan ?? null, action: null, refusal, forecast_id };
  };
  if (choice.refusal?.reason === "oscillation" && chosen && choice.context.planned?.reversal) {
    suspend(host, collection, chosen.name, "oscillation", choice.refusal.message, choice.context.planned.reversal.action_id);
  }
  if (choice.refusal) return refuse(choice.refusal.reason === "no_strategy" ? "no_strategy" : "deferred", choice.refusal);
  if (!chosen || !plan) throw new TypeError("an evaluation that is not refused has a strategy and a plan");
  if (wanted.params["dry_run"] === true) return { outcome: "dry_run", problem, considered, strategy: chosen.name, plan, action: null, refusal: null };
  if (sample.reading.lambda === null) {
    return refuse("deferred", { reason: "lambda_unknown", measured: null, flips_at: "a reading of lambda", message: "without lambda nothing can be verified" });
  }
  const turn = takeTurn(host, collection, wanted.origin, verdict.approval_required !== null);
  if (turn.refusal) return refuse("deferred", turn.refusal);
  const action = insertAction(host, {
    collection, origin: wanted.origin, problem, considered, strategy: chosen, params: wanted.params, plan, sample, state: sample.state,
    plan_state: planState(problem, plan, chosen.boundTo?.(plan)),
    target_lambda: (wanted.params["target_lambda"] as number | undefined) ?? collection.settings.target_lambda,
    approval: verdict.approval_required,
  });
  if (!action) {
    return refuse("deferred", { reason: "active_action", measured: null, flips_at: "the end of that action", message: "another session started an action at the same time" });
  }
  if (turn.probe) letThrough(host, action);
  closeRefusals(host, collection.id);
  if (wanted.origin === "execute") takenForecasts(host, action);
  else keepHeld(host, collection, sample, problem, held, wanted.params, null);
  return { outcome: verdict.approval_required ? "awaiting_approval" : "planned", problem, considered, strategy: chosen.name, plan, action, refusal: null };
}

/** What the loop would decide on a sample, whatever stands in the way of it. */
export interface Preview {
  readonly problem: Problem;
  readonly considered: readonly Considered[];
  readonly strategy: string | null;
  readonly plan: Plan | null;
  /** Every guard that speaks against it now, in order. */
  readonly refusals: readonly Refusal[];
  /** Why there is no plan, where no guard is the reason. */
  readonly empty: RefusalRecord | null;
  /** Why it would wait for a human; null: it would not, or a guard stands before it. */
  readonly approval_required: string | null;
}

/** Decides as the loop would, and changes nothing: for explanations. */
export function preview(host: Host, collection: Collection, sample: Sample): Preview {
  const problem = classify(sample.reading.witness, sample.metrics, sample.topology);
  const { chosen, considered, verdict, plan, refusal, context, held } = chooseWithPlan(host, collection, sample, problem, {
    origin: "loop", strategy: null, params: { dry_run: true },
  });
  const refusals = everyRefusal(context);
  return {
    problem, considered, strategy: chosen?.name ?? held?.strategy ?? null, plan: plan ?? held?.plan ?? null, refusals, approval_required: verdict.approval_required,
    empty: refusal && !refusals.some(({ reason }) => reason === refusal.reason) ? refusal : null,
  };
}

interface Choice {
  readonly context: GuardContext;
  readonly chosen: Strategy | null;
  readonly considered: readonly Considered[];
  readonly verdict: GuardVerdict;
  readonly plan: Plan | null;
  /** The best strategy, where its mode lets it not act. */
  readonly held: HeldPlan | null;
  readonly refusal: (RefusalRecord & { readonly hint?: string }) | null;
}

/**
 * The best strategy that has something to do, with its plan. A strategy whose plan comes back empty makes way for the next
 * one of the same class; the guards are asked for each, because approval and impact are a strategy's own. One that only watches (its mode is observe
 * or recommend) makes way for one that may act: its plan is held.
 */
function chooseWithPlan(host: Host, collection: Collection, sample: Sample, problem: Problem, wanted: Wanted): Choice {
  const empty = new Map<string, NothingToDo>();
  const watched = new Map<string, string>();
  let held: HeldPlan | null = null;
  const scopes = readScopes(host, collection, null);
  // Whoever names a strategy has its size in mind; what it writes counts for the next ones all the same.
  const radius = wanted.origin === "execute" ? NO_RADIUS : radiusLeft(scopes, collection.settings);
  const dryRun = wanted.params["dry_run"] === true;
  for (;;) {
    const { chosen, considered } = choose(host, collection, problem, wanted.strategy, empty, watched);
    const context = guardContext(host, collection, MODES[wanted.origin], sample, problem, chosen);
    // Whoever asks while an action is at work is told which one, also when it has already made the collection look well.
    const busy = judge(context, GUARDS.filter(({ name }) => name === "active_action"));
    const verdict = busy.refusal ? busy : judge(context);
    const answer = { context, chosen, considered, verdict, plan: null, held };
    // A dry run shows the plan whatever stands in the way of carrying it out.
    if (verdict.refusal && !dryRun) return { ...answer, refusal: verdict.refusal };
    if (!chosen) return { ...answer, refusal: held ? heldRefusal(collection, held, wanted.params) : emptyPlan(empty) ?? noStrategy(problem, considered) };
    const applicable = chosen.applicable(collection);
    if (applicable !== true) {
      return { ...answer, refusal: { reason: "not_applicable", measured: chosen.name, flips_at: applicable.hint, message: applicable.reason, hint: applicable.hint } };
    }
    const plan = chosen.plan({ host, collection, snapshot: sample.snapshot, problem, state: sample.state, params: wanted.params, tick_seconds: tickSeconds(host), radius });
    if (isPlan(plan) && verdict.held) {
      // Only the best one is what would have been done; those behind it in the same mode are passed over.
      held ??= { ...verdict.held, strategy: chosen.name, considered, plan };
      if (!acts(collection.settings.mode)) return { ...answer, held, refusal: heldRefusal(collection, held, wanted.params) };
      watched.set(chosen.name, verdict.held.because);
      continue;
    }
    if (isPlan(plan)) {
      const complete: GuardContext = { ...context, planned: plannedFacts(host, collection, chosen, plan, scopes) };
      const judged = judge(complete);
      const unseen = complete.planned?.preflight?.unseen ?? [];
      return { ...answer, context: complete, verdict: judged, plan: unseen.length > 0 ? { ...plan, preflight: { unseen } } : plan, refusal: dryRun ? null : judged.refusal };
    }
    empty.set(chosen.name, plan);
    if (wanted.strategy) return { ...answer, refusal: emptyPlan(empty) };
  }
}

const plannedFacts = (host: Host, collection: Collection, strategy: Strategy, plan: Plan, scopes: readonly Scope[]): PlannedFacts => ({
  cost: costOf(plan),
  relation_locks: plan.relation_locks,
  scopes,
  reversal: readReversal(host, collection, plan),
  preflight: readPreflight(host, collection, strategy.preflight, plan.wal_bytes),
});

/** Why the first of the strategies that found nothing to do found nothing. */
function emptyPlan(empty: ReadonlyMap<string, NothingToDo>): (RefusalRecord & { readonly hint: string }) | null {
  const [first] = empty;
  if (!first) return null;
  const [name, { nothing, hint }] = first;
  return { reason: "nothing_to_do", measured: name, flips_at: hint, message: nothing, hint };
}

function choose(
  host: Host, collection: Collection, problem: Problem, asked: Strategy | null, empty: ReadonlyMap<string, NothingToDo>,
  watched: ReadonlyMap<string, string>,
): { chosen: Strategy | null; considered: readonly Considered[] } {
  const weights = learnedWeights(host, problem.details.class);
  if (asked) {
    const weight = weights[asked.name] ?? 1;
    return {
      chosen: asked,
      considered: [{ name: asked.name, weight, impact: asked.impact, taken: true, reason_code: "chosen", reason: "asked for by name" }],
    };
  }
  const { settings } = collection;
  const failures = recentFailures(host, collection.id, problem.details.class);
  const rejections = recentRejections(host, collection.id, problem.details.class);
  const suspended = suspensions(host, collection.id);
  const candidates = STRATEGIES.map((strategy): Candidate => {
    const nothing = empty.get(strategy.name);
    const held = watched.get(strategy.name);
    const { mode, setting } = effectiveMode(settings, strategy.name);
    return {
      ...strategy,
      applicable: strategy.applicable(collection),
      needs_approval: mode === "approve" || settings.require_approval_strategies.includes(strategy.name),
      ...(suspended[strategy.name] && { suspended: suspended[strategy.name]! }),
      failed_seconds_ago: failures[strategy.name] ?? null,
      rejected_seconds_ago: rejections[strategy.name] ?? null,
      ...(nothing && { nothing_to_do: nothing.nothing }),
      ...(held !== undefined && { held }),
      // Where all are off the guard says so for all.
      ...(mode === "off" && setting === "strategy_modes" && { mode_off: "its mode is off (strategy_modes)" }),
    };
  });
  const { chosen, considered } = selectStrategy(candidates, problem.details.class, {
    max_auto_heal_impact: settings.max_auto_heal_impact,
    weights,
    retry_seconds: settings.strategy_retry_seconds,
    rejection_seconds: settings.rejection_seconds,
  });
  return { chosen: STRATEGIES.find(({ name }) => name === chosen) ?? null, considered };
}

function noStrategy(problem: Problem, considered: readonly Considered[]): RefusalRecord {
  const handling = considered.filter(({ reason_code }) => reason_code !== "wrong_class");
  const suspended = handling.find(({ reason_code }) => reason_code === "suspended");
  if (suspended) {
    return {
      reason: "oscillation", measured: suspended.name, flips_at: suspended.reason.replace(/^suspended until (\S+):.*$/s, "$1"),
      message: `no strategy may be used: ${handling.map(({ name, reason }) => `${name}: ${reason}`).join("; ")}`,
    };
  }
  return {
    reason: "no_strategy",
    measured: problem.details.class,
    flips_at: handling.length > 0 ? "one of the strategies becoming usable" : `a strategy that handles ${problem.details.class}`,
    message:
      handling.length > 0
        ? `no strategy may be used: ${handling.map(({ name, reason }) => `${name}: ${reason}`).join("; ")}`
        : `no strategy handles ${problem.details.class}`,
  };
}

/** Seconds between ticks as measured; a minute, pg_cron's coarsest rhythm, before there is a measurement. */
export function tickSeconds(host: Host): number {
  return host.query<{ seconds: number | null }>(sql`SELECT interval_seconds AS seconds FROM ruvector.healing_ticks`)[0]?.seconds ?? 60;
}
