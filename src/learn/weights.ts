/**
 * What outcomes teach: the weight of a strategy is `success rate * (1 + mean improvement)` over the
 * last 30 days, overall and by problem class. A success is an action that succeeded and was
 * verified; what a person said of it moves it towards success or failure.
 */
import type { Outcome, Weight } from "../model/outcome.ts";

export const WINDOW_DAYS = 30;

/**
 * From so many outcomes on a strategy that never helped has weight 0: not by one early failure, or
 * one person's rollback.
 */
export const SETTLED = 3;

/**
 * How much of a success an outcome is, 0 to 1. Feedback f takes it that part of the way to 1 (f >
 * 0) or to 0 (f < 0): 1 makes a success of whatever was measured, -1 a failure, 0 changes nothing.
 */
export function successOf({
  success,
  verified,
  feedback,
}: Pick<Outcome, "success" | "verified" | "feedback">): number {
  const measured = success && verified === true ? 1 : 0;
  const said =
    feedback === null || Number.isNaN(feedback) ? 0 : Math.min(1, Math.max(-1, feedback));
  return said >= 0 ? measured + said * (1 - measured) : measured * (1 + said);
}

/**
 * Mean; sorted before it is summed, so that the order of rows cannot change the last digit. Of
 * nothing: null.
 */
function mean(values: readonly number[]): number | null {
  return values.length === 0
    ? null
    : [...values].sort((a, b) => a - b).reduce((sum, value) => sum + value, 0) / values.length;
}

/** The weight of some outcomes of one strategy; there is at least one. */
function weightOf(outcomes: readonly Outcome[]): number {
  const rate = mean(outcomes.map(successOf)) ?? 0;
  const improvements = outcomes
    .map(({ improvement }) => improvement)
    .filter((value): value is number => value !== null && Number.isFinite(value));
  // Kept finite and at least 0 whatever was recorded. Without a success the mean does not matter (0
  // * Infinity is NaN).
  const weight =
    rate === 0
      ? 0
      : Math.min(Number.MAX_VALUE, Math.max(0, rate * (1 + (mean(improvements) ?? 0))));
  // The prior: one success that nobody has seen yet.
  return weight === 0 && outcomes.length < SETTLED ? 1 / (outcomes.length + 1) : weight;
}

/**
 * The weights of all strategies that have outcomes: over all classes, and for each class that it
 * has some of.
 */
export function weigh(outcomes: readonly Outcome[]): Weight[] {
  const groups = new Map<string, { strategy: string; problem_class: string; own: Outcome[] }>();
  for (const outcome of outcomes) {
    for (const problem_class of ["*", outcome.problem_class]) {
      const key = JSON.stringify([outcome.strategy, problem_class]);
      const group = groups.get(key) ?? { strategy: outcome.strategy, problem_class, own: [] };
      group.own.push(outcome);
      groups.set(key, group);
    }
  }
  return [...groups.values()].map(({ strategy, problem_class, own }) => ({
    strategy,
    problem_class,
    weight: weightOf(own),
    outcomes: own.length,
  }));
}
