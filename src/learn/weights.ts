/**
 * What outcomes teach: the weight of a strategy is `success rate * (1 + mean improvement)` over the last 30 days.
 * A success is an action that succeeded and was verified.
 */
import type { ProblemClass } from "../model/problem.ts";

/** What learning reads of an outcome row. */
export interface Outcome {
  readonly strategy: string;
  readonly problem_class: ProblemClass;
  readonly success: boolean;
  /** null: the verification was never reached, which is no success. */
  readonly verified: boolean | null;
  /** Fraction: 0.25 is a quarter better. null: not known (lambda was 0 before, or unknown); left out of the mean. */
  readonly improvement: number | null;
  /** Seconds since the epoch. */
  readonly at: number;
}

export interface Effectiveness {
  readonly outcomes: number;
  readonly successes: number;
  /** 0 to 1 */
  readonly success_rate: number;
  /** Fraction; null when no outcome has one. */
  readonly mean_improvement: number | null;
  readonly weight: number;
}

export const WINDOW_DAYS = 30;

/** Weight of a strategy without outcomes: it is neither trusted nor distrusted. */
export const UNLEARNED_WEIGHT = 1;

const SECONDS_PER_DAY = 86_400;

/** Mean of the known improvements; sorted before it is summed, so that the order of rows cannot change the last digit. */
function meanImprovement(outcomes: readonly Outcome[]): number | null {
  const known = outcomes
    .map((outcome) => outcome.improvement)
    .filter((value): value is number => value !== null && Number.isFinite(value))
    .sort((a, b) => a - b);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** The figures of some outcomes of one strategy; null when there are none. */
export function effectiveness(outcomes: readonly Outcome[]): Effectiveness | null {
  if (outcomes.length === 0) return null;
  const successes = outcomes.filter((outcome) => outcome.success && outcome.verified === true).length;
  const success_rate = successes / outcomes.length;
  const mean_improvement = meanImprovement(outcomes);
  // Kept finite and at least 0 whatever was recorded. Without a success the mean does not matter (0 * Infinity is NaN).
  const raw = successes === 0 ? 0 : success_rate * (1 + (mean_improvement ?? 0));
  return {
    outcomes: outcomes.length,
    successes,
    success_rate,
    mean_improvement,
    weight: Math.min(Number.MAX_VALUE, Math.max(0, raw)),
  };
}

/** Outcomes of the last `windowDays` days. One from the future (the clock was set back) is recent. */
const recent = (outcomes: readonly Outcome[], now: number, windowDays: number): readonly Outcome[] =>
  outcomes.filter((outcome) => outcome.at >= now - windowDays * SECONDS_PER_DAY);

function grouped<K>(outcomes: readonly Outcome[], key: (outcome: Outcome) => K): ReadonlyMap<K, readonly Outcome[]> {
  const groups = new Map<K, Outcome[]>();
  for (const outcome of outcomes) {
    const group = groups.get(key(outcome));
    if (group) group.push(outcome);
    else groups.set(key(outcome), [outcome]);
  }
  return groups;
}

/**
 * The weight of every strategy named. Outcomes of others are ignored.
 * @param now seconds since the epoch
 */
export function weights(
  outcomes: readonly Outcome[],
  strategies: readonly string[],
  now: number,
  windowDays = WINDOW_DAYS,
): Readonly<Record<string, number>> {
  const byStrategy = grouped(recent(outcomes, now, windowDays), (outcome) => outcome.strategy);
  // Object.fromEntries makes own properties of all names, "__proto__" too.
  return Object.fromEntries(
    strategies.map((name) => [name, effectiveness(byStrategy.get(name) ?? [])?.weight ?? UNLEARNED_WEIGHT]),
  );
}

/**
 * The same by strategy and problem class. Only pairs with outcomes are there: for the others the strategy's overall
 * weight says more than a constant.
 */
export function weightsByClass(
  outcomes: readonly Outcome[],
  strategies: readonly string[],
  now: number,
  windowDays = WINDOW_DAYS,
): Readonly<Record<string, Readonly<Partial<Record<ProblemClass, number>>>>> {
  const byStrategy = grouped(recent(outcomes, now, windowDays), (outcome) => outcome.strategy);
  return Object.fromEntries(
    strategies.map((name) => {
      const byClass = grouped(byStrategy.get(name) ?? [], (outcome) => outcome.problem_class);
      const pairs = [...byClass].map(([problem, own]) => [problem, effectiveness(own)?.weight ?? UNLEARNED_WEIGHT]);
      return [name, Object.fromEntries(pairs)];
    }),
  );
}
