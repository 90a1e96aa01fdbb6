/**
 * Classify, select, ask the guards, plan: from a sample to an action, or to the reason why there is
 * none.
 */
import { startOf } from "./start.ts";
import type { Considered } from "../model/selection.ts";
import sql from "sql-template-tag";
import * as z from "zod/mini";
import { classify } from "../classify/classify.ts";
import type { Host } from "../host/host.ts";
import type { Action, Origin, Plan } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { NO_RADIUS } from "../model/cost.ts";
import { parseDocument } from "../base/documents.ts";
import type { Problem } from "../model/problem.ts";
import { utc } from "../base/text.ts";
import { insertAction } from "../store/actions.ts";
import { planState } from "../execute/plan-state.ts";
import { STRATEGIES } from "../strategies/registry.ts";
import { isPlan, type Strategy } from "../strategies/strategy.ts";
import { guardContext, learnedWeights } from "../select/context.ts";
import {
  everyRefusal,
  GUARDS,
  judge,
  type GuardContext,
  type GuardMode,
  type GuardVerdict,
  type Refusal,
  type PlannedFacts,
} from "../select/guards/index.ts";
import { noGain } from "../select/gain.ts";
import { readReversal } from "../select/oscillation.ts";
import { readPreflight } from "../select/preflight.ts";
import { costOf, radiusLeft, readScopes, type Scope } from "../select/radius.ts";
import { letThrough, takeTurn } from "../select/turn.ts";
import { closeRefusals, recordRefusal, type RefusalRecord } from "../select/refusals.ts";
import { type Candidate, selectStrategy } from "../select/select.ts";
import { suspend, suspensions } from "../select/suspensions.ts";
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
  /** A person named a strategy whose plan foresees that it will be undone: why. */
  readonly no_gain?: string | null;
  /** The forecast that was kept, in the modes observe and recommend. */
  readonly forecast_id?: string | null;
}

export interface Wanted {
  readonly origin: Origin;
  /** null: the best one is selected. */
  readonly strategy: Strategy | null;
  readonly params: Readonly<Record<string, unknown>>;
}

const MODES: Readonly<Record<Origin, GuardMode>> = {
  loop: "automatic",
  trigger: "manual",
  execute: "explicit",
};

/** @throws HealingError RV001 for params that the strategy does not know */
export function parseParams(strategy: Strategy, params: unknown): Record<string, unknown> {
  return parseDocument(
    "params",
    {
      dry_run: z.optional(z.boolean()),
      target_lambda: z.optional(z.number().check(z.gt(0), z.lte(1))),
      ...strategy.params,
    },
    params,
  );
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
  const choice = chooseWithPlan(host, collection, sample, problem, wanted);
  const { chosen, considered, verdict, plan, held } = choice;
  const refuse = (
    outcome: "deferred" | "no_strategy",
    refusal: RefusalRecord & { readonly hint?: string },
  ): Decision => {
    if (wanted.origin === "execute")
      return {
        outcome,
        problem,
        considered,
        strategy: chosen?.name ?? null,
        plan: null,
        action: null,
        refusal,
      };
    recordRefusal(
      host,
      collection,
      problem.details.class,
      refusal,
      collection.settings.refusal_escalation_seconds,
    );
    const forecast_id = keepHeld(
      host,
      collection,
      sample,
      problem,
      held,
      wanted.params,
      refusal.reason,
    );
    const shown = refusal.reason === "mode" ? held : null;
    return {
      outcome,
      problem,
      considered: shown?.considered ?? considered,
      strategy: shown?.strategy ?? chosen?.name ?? null,
      plan: shown?.plan ?? null,
      action: null,
      refusal,
      forecast_id,
    };
  };
  if (choice.refusal?.reason === "oscillation" && chosen && choice.context.planned?.reversal) {
    suspend(
      host,
      collection,
      chosen.name,
      null,
      "oscillation",
      choice.refusal.message,
      choice.context.planned.reversal.action_id,
    );
  }
  if (choice.refusal)
    return refuse(
      choice.refusal.reason === "no_strategy" ? "no_strategy" : "deferred",
      choice.refusal,
    );
  if (!chosen || !plan)
    throw new TypeError("an evaluation that is not refused has a strategy and a plan");
  const no_gain = choice.no_gain?.message ?? null;
  if (wanted.params["dry_run"] === true)
    return {
      outcome: "dry_run",
      problem,
      considered,
      strategy: chosen.name,
      plan,
      action: null,
      refusal: null,
      no_gain,
    };
  if (sample.reading.lambda === null) {
    return refuse("deferred", {
      reason: "lambda_unknown",
      measured: null,
      flips_at: "a reading of lambda",
      message: "without lambda nothing can be verified",
    });
  }
  const turn = takeTurn(host, collection, wanted.origin, verdict.approval_required !== null);
  if (turn.refusal) return refuse("deferred", turn.refusal);
  const action = insertAction(host, {
    collection,
    origin: wanted.origin,
    problem,
    considered,
    strategy: chosen,
    params: wanted.params,
    plan,
    start: startOf(collection, sample),
    plan_state: planState(problem, plan, chosen.boundTo?.(plan)),
    target_lambda:
      (wanted.params["target_lambda"] as number | undefined) ?? collection.settings.target_lambda,
    approval: verdict.approval_required,
  });
  if (!action) {
    return refuse("deferred", {
      reason: "active_action",
      measured: null,
      flips_at: "the end of that action",
      message: "another session started an action at the same time",
    });
  }
  if (turn.probe) letThrough(host, action);
  closeRefusals(host, collection.id);
  if (wanted.origin === "execute") takenForecasts(host, action);
  else keepHeld(host, collection, sample, problem, held, wanted.params, null);
  return {
    outcome: verdict.approval_required ? "awaiting_approval" : "planned",
    problem,
    considered,
    strategy: chosen.name,
    plan,
    action,
    refusal: null,
    no_gain,
  };
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
  const { chosen, considered, verdict, plan, refusal, context, held } = chooseWithPlan(
    host,
    collection,
    sample,
    problem,
    {
      origin: "loop",
      strategy: null,
      params: { dry_run: true },
    },
  );
  const refusals = everyRefusal(context);
  return {
    problem,
    considered,
    strategy: chosen?.name ?? held?.strategy ?? null,
    plan: plan ?? held?.plan ?? null,
    refusals,
    approval_required: verdict.approval_required,
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
  readonly refusal: Refused | null;
  /**
   * Why the plan of a strategy that was asked for by name is not expected to pass its verification.
   */
  readonly no_gain?: Refused | null;
}

type Refused = RefusalRecord & { readonly hint?: string };

/**
 * The best strategy that has something to do, with its plan. A strategy whose plan comes back
 * empty, or would not pass its own verification, makes way for the next one of the same class; the
 * guards are asked for each, because approval and impact are a strategy's own. One that only
 * watches (its mode is observe or recommend) makes way for one that may act: its plan is held.
 */
function chooseWithPlan(
  host: Host,
  collection: Collection,
  sample: Sample,
  problem: Problem,
  wanted: Wanted,
): Choice {
  const passed = new Map<string, Refused>();
  const watched = new Map<string, string>();
  let held: HeldPlan | null = null;
  const scopes = readScopes(host, collection, null);
  // Whoever names a strategy has its size in mind; what it writes counts for the next ones all the
  // same.
  const radius = wanted.origin === "execute" ? NO_RADIUS : radiusLeft(scopes, collection.settings);
  const dryRun = wanted.params["dry_run"] === true;
  for (;;) {
    const { chosen, considered } = choose(
      host,
      collection,
      problem,
      wanted.strategy,
      passed,
      watched,
    );
    const context = guardContext(host, collection, MODES[wanted.origin], sample, problem, chosen);
    // Whoever asks while an action is at work is told which one, also when it has already made the
    // collection look well.
    const busy = judge(
      context,
      GUARDS.filter(({ name }) => name === "active_action"),
    );
    const verdict = busy.refusal ? busy : judge(context);
    const answer = { context, chosen, considered, verdict, plan: null, held };
    // A dry run shows the plan whatever stands in the way of carrying it out.
    if (verdict.refusal && !dryRun) return { ...answer, refusal: verdict.refusal };
    if (!chosen)
      return {
        ...answer,
        refusal: held
          ? heldRefusal(collection, held, wanted.params)
          : ([...passed.values()][0] ?? noStrategy(problem, considered)),
      };
    const applicable = chosen.applicable(collection);
    if (applicable !== true) {
      return {
        ...answer,
        refusal: {
          reason: "not_applicable",
          measured: chosen.name,
          flips_at: applicable.hint,
          message: applicable.reason,
          hint: applicable.hint,
        },
      };
    }
    const plan = chosen.plan({
      host,
      collection,
      snapshot: sample.snapshot,
      problem,
      state: sample.state,
      params: wanted.params,
      tick_seconds: tickSeconds(host),
      radius,
    });
    const no_gain = isPlan(plan)
      ? noGain(plan, {
          collection: collection.name,
          lambda: sample.reading.lambda,
          reported: sample.source === "reported",
          verify_ratio: collection.settings.verify_ratio,
        })
      : null;
    if (no_gain && !wanted.strategy) {
      passed.set(chosen.name, no_gain);
      continue;
    }
    if (isPlan(plan) && verdict.held) {
      // Only the best one is what would have been done; those behind it in the same mode are passed
      // over.
      held ??= { ...verdict.held, strategy: chosen.name, considered, plan };
      if (!acts(collection.settings.mode))
        return { ...answer, held, refusal: heldRefusal(collection, held, wanted.params) };
      watched.set(chosen.name, verdict.held.because);
      continue;
    }
    if (isPlan(plan)) {
      const complete: GuardContext = {
        ...context,
        planned: plannedFacts(host, collection, chosen, plan, scopes),
      };
      const judged = judge(complete);
      const unseen = complete.planned?.preflight?.unseen ?? [];
      return {
        ...answer,
        context: complete,
        verdict: judged,
        plan: unseen.length > 0 ? { ...plan, preflight: { unseen } } : plan,
        refusal: dryRun ? null : judged.refusal,
        no_gain,
      };
    }
    const nothing: Refused = {
      reason: "nothing_to_do",
      measured: chosen.name,
      flips_at: plan.hint,
      message: plan.nothing,
      hint: plan.hint,
    };
    if (wanted.strategy) return { ...answer, refusal: nothing };
    passed.set(chosen.name, nothing);
  }
}

const plannedFacts = (
  host: Host,
  collection: Collection,
  strategy: Strategy,
  plan: Plan,
  scopes: readonly Scope[],
): PlannedFacts => ({
  cost: costOf(plan),
  relation_locks: plan.relation_locks,
  scopes,
  reversal: readReversal(host, collection, plan),
  preflight: readPreflight(host, collection, strategy.preflight, plan.wal_bytes),
});

function choose(
  host: Host,
  collection: Collection,
  problem: Problem,
  asked: Strategy | null,
  passed: ReadonlyMap<string, Refused>,
  watched: ReadonlyMap<string, string>,
): { chosen: Strategy | null; considered: readonly Considered[] } {
  const learned = learnedWeights(host, collection, problem.details.class);
  if (asked) {
    const weight = learned[asked.name]?.weight ?? 1;
    return {
      chosen: asked,
      considered: [
        {
          name: asked.name,
          weight,
          impact: asked.impact,
          taken: true,
          reason_code: "chosen",
          reason: "asked for by name",
        },
      ],
    };
  }
  const { settings } = collection;
  const suspended = suspensions(host, collection, problem.details.class);
  const candidates = STRATEGIES.map((strategy): Candidate => {
    const refusal = passed.get(strategy.name);
    const weighed = learned[strategy.name];
    const held = watched.get(strategy.name);
    const { mode, setting } = effectiveMode(settings, strategy.name);
    return {
      ...strategy,
      applicable: strategy.applicable(collection),
      needs_approval:
        mode === "approve" || settings.require_approval_strategies.includes(strategy.name),
      ...(suspended[strategy.name] && { suspended: suspended[strategy.name]! }),
      ...(weighed && weighed.weight <= 0 && { explores: weighed }),
      ...(refusal &&
        (refusal.reason === "no_gain_foreseen"
          ? { no_gain: refusal.message }
          : { nothing_to_do: refusal.message })),
      ...(held !== undefined && { held }),
      // Where all are off the guard says so for all.
      ...(mode === "off" &&
        setting === "strategy_modes" && { mode_off: "its mode is off (strategy_modes)" }),
    };
  });
  const { chosen, considered } = selectStrategy(candidates, problem.details.class, {
    max_auto_heal_impact: settings.max_auto_heal_impact,
    weights: Object.fromEntries(
      Object.entries(learned).map(([name, { weight }]) => [name, weight]),
    ),
  });
  return { chosen: STRATEGIES.find(({ name }) => name === chosen) ?? null, considered };
}

function noStrategy(problem: Problem, considered: readonly Considered[]): RefusalRecord {
  const handling = considered.filter(({ reason_code }) => reason_code !== "wrong_class");
  const message =
    "no strategy may be used: " +
    `${handling.map(({ name, reason }) => `${name}: ${reason}`).join("; ")}`;
  // Of those whose time comes by itself, the first to come.
  const [next] = handling
    .filter(({ until }) => until !== undefined)
    .sort((a, b) => a.until! - b.until!);
  if (next)
    return {
      reason: next.reason_code === "suspended" ? "oscillation" : "suspended",
      measured: next.name,
      flips_at: utc(next.until!),
      message,
    };
  return {
    reason: "no_strategy",
    measured: problem.details.class,
    flips_at:
      handling.length > 0
        ? "one of the strategies becoming usable"
        : `a strategy that handles ${problem.details.class}`,
    message: handling.length > 0 ? message : `no strategy handles ${problem.details.class}`,
  };
}

/**
 * Seconds between ticks as measured; a minute, pg_cron's coarsest rhythm, before there is a
 * measurement.
 */
export function tickSeconds(host: Host): number {
  return (
    host.query<{ seconds: number | null }>(
      sql`SELECT interval_seconds AS seconds FROM ruvector.healing_ticks`,
    )[0]?.seconds ?? 60
  );
}
