/** From a problem to the best strategy with its plan, or to what stands in the way of it. */
import { acts } from "../configuration/modes.ts";
import type { Plan } from "../model/action.ts";
import { NO_RADIUS, type Radius } from "../model/cost.ts";
import { guardContext } from "../select/context.ts";
import { noGain } from "../select/gain.ts";
import {
  type GuardContext,
  GUARDS,
  type GuardVerdict,
  judge,
  type PlannedFacts,
} from "../select/guards/index.ts";
import { readReversal } from "../select/reversals.ts";
import { readPreflight } from "../select/preflight-facts.ts";
import { costOf, radiusLeft, readScopes, type Scope } from "../select/blast-radius.ts";
import { tickSeconds } from "../store/ticks.ts";
import { isPlan, type NothingToDo, type Strategy } from "../strategies/strategy.ts";
import { answerBefore, askedAnew } from "./dear-plan.ts";
import { type Chosen, choose, type Refused, withoutStrategy } from "./candidates.ts";
import { type HeldPlan, heldRefusal } from "./held-plan.ts";
import { GUARD_MODES, isDryRun, type Situation } from "./wanted.ts";

export interface Evaluation extends Chosen {
  readonly context: GuardContext;
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

/**
 * The best strategy that has something to do, with its plan. A strategy whose plan comes back
 * empty, or would not pass its own verification, makes way for the next one of the same class; the
 * guards are asked for each, because mode and approval are a strategy's own. One that only
 * watches (its mode is observe or recommend) makes way for one that may act: its plan is held.
 */
export function evaluate(situation: Situation): Evaluation {
  const { host, collection, wanted } = situation;
  const passed = new Map<string, Refused>();
  const watched = new Map<string, string>();
  let held: HeldPlan | null = null;
  const scopes = readScopes(host, collection, null);
  // Whoever names a strategy has its size in mind; what it writes counts for the next ones all the
  // same.
  const radius = wanted.origin === "execute" ? NO_RADIUS : radiusLeft(scopes, collection.settings);
  for (;;) {
    const answer: Evaluation = { ...ask(situation, choose(situation, { passed, watched })), held };
    const { chosen, verdict } = answer;
    if (answer.refusal) return answer;
    if (!chosen)
      return {
        ...answer,
        refusal: held
          ? heldRefusal(collection, held, wanted.params)
          : withoutStrategy(situation.problem, answer.considered, [...passed.values()]),
      };
    const applicable = chosen.applicable(collection);
    if (applicable !== true) return { ...answer, refusal: notApplicable(chosen, applicable) };
    const before = answerBefore(situation, chosen);
    const vainly = (one: Plan | NothingToDo): Refused | null =>
      isPlan(one) ? withoutGain(situation, one) : nothingToDo(chosen, one);
    // What is carried out is planned by what is so now.
    const isGood = before !== null && (verdict.held !== null || vainly(before) !== null);
    const plan = isGood
      ? before
      : askedAnew(situation, chosen, () => planOf(situation, chosen, radius));
    const vain = vainly(plan);
    if (vain && !wanted.strategy) {
      passed.set(chosen.name, vain);
      continue;
    }
    if (!isPlan(plan)) return { ...answer, refusal: vain };
    if (!verdict.held) return judged(situation, answer, plan, scopes, vain);
    // Only the best one is what would have been done; those behind it in the same mode are passed
    // over.
    held ??= { ...verdict.held, strategy: chosen.name, considered: answer.considered, plan };
    if (!acts(collection.settings.mode))
      return { ...answer, held, refusal: heldRefusal(collection, held, wanted.params) };
    watched.set(chosen.name, verdict.held.because);
  }
}

/**
 * What the guards say before there is a plan. A dry run shows the plan whatever stands in the way
 * of carrying it out.
 */
function ask(situation: Situation, { chosen, considered }: Chosen): Omit<Evaluation, "held"> {
  const { wanted } = situation;
  const context = guardContext(situation, GUARD_MODES[wanted.origin], chosen);
  // Whoever asks while an action is at work is told which one, also when it has already made the
  // collection look well.
  const busy = judge(
    context,
    GUARDS.filter(({ name }) => name === "active_action"),
  );
  const verdict = busy.refusal ? busy : judge(context);
  const refusal = isDryRun(wanted) ? null : verdict.refusal;
  return { context, chosen, considered, verdict, plan: null, refusal };
}

const planOf = (
  { host, collection, sample, problem, wanted }: Situation,
  strategy: Strategy,
  radius: Radius,
): Plan | NothingToDo =>
  strategy.plan({
    host,
    collection,
    snapshot: sample.snapshot,
    problem,
    state: sample.state,
    params: wanted.params,
    tick_seconds: tickSeconds(host),
    radius,
  });

const withoutGain = ({ collection, sample }: Situation, plan: Plan): Refused | null =>
  noGain(plan, {
    collection: collection.name,
    lambda: sample.reading.lambda,
    reported: sample.source === "reported",
    verify_ratio: collection.settings.verify_ratio,
  });

/** The guards once more, with the plan. */
function judged(
  { host, collection, wanted }: Situation,
  answer: Evaluation,
  plan: Plan,
  scopes: readonly Scope[],
  no_gain: Refused | null,
): Evaluation {
  const planned: PlannedFacts = {
    cost: costOf(plan),
    relation_locks: plan.relation_locks,
    scopes,
    reversal: readReversal(host, collection, plan),
    preflight: readPreflight(host, collection, answer.chosen!.preflight, plan.wal_bytes),
  };
  const context: GuardContext = { ...answer.context, planned };
  const verdict = judge(context);
  const unseen = planned.preflight?.unseen ?? [];
  return {
    ...answer,
    context,
    verdict,
    plan: unseen.length > 0 ? { ...plan, preflight: { unseen } } : plan,
    refusal: isDryRun(wanted) ? null : verdict.refusal,
    no_gain,
  };
}

const notApplicable = (
  { name }: Strategy,
  { reason, hint }: { readonly reason: string; readonly hint: string },
): Refused => ({
  reason: "not_applicable",
  measured: name,
  flips: { kind: "advice", text: hint },
  message: reason,
  hint,
});

const nothingToDo = ({ name }: Strategy, { nothing, hint, beside }: NothingToDo): Refused => ({
  reason: "nothing_to_do",
  measured: name,
  flips: { kind: "advice", text: hint },
  message: nothing,
  hint,
  ...(beside && { beside }),
});
