/** Whether there is anything to do here at all. */
import { anyOf, happens, measure } from "../../base/flip.ts";
import { explain } from "./text.ts";
import type { GuardContext, Refusal } from "./types.ts";

export function healthy({
  lambda,
  settings,
  weak_edges,
}: Pick<GuardContext, "lambda" | "weak_edges"> & {
  readonly settings: Pick<GuardContext["settings"], "stress_threshold">;
}): Refusal | null {
  if (lambda === null || !(lambda >= settings.stress_threshold) || weak_edges > 0) return null;
  return {
    reason: "healthy",
    measured: lambda,
    flips: anyOf(
      measure("lambda_below", settings.stress_threshold),
      happens("a weak edge in the minimum cut"),
    ),
    message:
      `nothing to heal: lambda is ${lambda.toFixed(3)} ` + "and no edge of the minimum cut is weak",
  };
}

export function unknownProblem({ problem_class, collection }: GuardContext): Refusal | null {
  if (problem_class !== "unknown") return null;
  return {
    reason: "unknown_problem",
    measured: "unknown",
    flips: happens(
      "a rule of the classifier is met (the evidence says by how much each was missed)",
    ),
    message: "the problem is of no known class: a human has to look at it",
    hint:
      `${explain(collection)} says what was seen. SELECT name FROM ` +
      "ruvector_healing_effectiveness(); lists what could be run by hand.",
  };
}
