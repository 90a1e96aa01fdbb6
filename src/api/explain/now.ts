/**
 * How the collection of an action is now: better is not well, and what is left is named with what
 * will be done about it.
 */
import { labelsOf } from "../../graph/labels.ts";
import type { Action } from "../../model/action.ts";
import type { Metrics, Verdict } from "../../model/problem.ts";
import type { CollectionNow } from "../../store/explained.ts";
import { edges } from "./evidence.ts";
import { message } from "./layout.ts";

/** Whether an action brought lambda to where the collection is well. */
export const broughtBack = (
  { initial_state, final_lambda }: Action,
  now: CollectionNow | null,
): boolean =>
  now === null ||
  final_lambda === null ||
  (initial_state > 0 ? final_lambda > now.back : final_lambda >= now.stress);

const SICK: readonly Verdict[] = ["critical", "stress", "suspect"];

export function standing(now: CollectionNow | null): string[] {
  if (now === null || !now.newest) return [];
  const lines = [`It is ${now.verdict}: ${message(now.sentence)}.`];
  if (!SICK.includes(now.verdict)) return lines;
  return [
    ...lines,
    ...edges(
      now.witness ?? [],
      labelsOf({ ...now.metrics, partitions: now.metrics?.partitions ?? [] } as Metrics),
    ),
    next(now),
    ...(now.loop.statement === null ? [] : [`  ${now.loop.statement}`]),
  ];
}

function next({ verdict, loop, refusal }: CollectionNow): string {
  if (loop.condition !== "running") return `${message(loop.sentence, 400)}.`;
  if (refusal)
    return (
      `Nothing is done about it now because of ${refusal.reason}: ${message(refusal.message)}. ` +
      `This changes with: ${message(refusal.flips_at)}.`
    );
  return verdict === "suspect"
    ? "Nothing is done about it before it is confirmed."
    : "The next tick decides what is done about it.";
}
