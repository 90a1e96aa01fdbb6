/** What has not helped lately is not tried again. */
import { anyOf, happens, time } from "../../base/flip.ts";
import { count } from "../../base/text.ts";
import { explain, within } from "./text.ts";
import type { GuardContext, Refusal } from "./types.ts";

/**
 * Seconds for which unverified outcomes of a class count against it: longer than the attempts',
 * which would always speak first.
 */
export const INEFFECTIVE_WINDOW_SECONDS = 86_400;

export function ineffective({
  outcomes,
  problem_class,
  now,
  settings,
  collection,
}: GuardContext): Refusal | null {
  const n = settings.ineffective_outcomes;
  const last = outcomes
    .filter(
      (outcome) =>
        outcome.problem_class === problem_class &&
        within(now, outcome.at, INEFFECTIVE_WINDOW_SECONDS),
    )
    .sort((a, b) => b.at - a.at)
    .slice(0, n);
  const oldest = last[last.length - 1];
  if (!oldest || last.length < n || last.some((outcome) => outcome.verified === true)) return null;
  return {
    reason: "ineffective",
    measured: last.length,
    flips: anyOf(
      time(oldest.at + INEFFECTIVE_WINDOW_SECONDS),
      happens("a verified outcome before"),
    ),
    message:
      `the last ${count(last.length, "outcome")} for ${problem_class} helped nothing: healing ` +
      "is not effective here",
    hint:
      `SELECT * FROM ruvector_healing_history(); shows what was tried. ${explain(collection)} ` +
      "says what could be run by hand.",
  };
}
