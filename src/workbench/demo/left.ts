/**
 * Better is not well: what is left, what holds lambda there, and what will be done about it and
 * when.
 */
import type { Seen } from "./watch.ts";

export function whatIsLeft(seen: Seen): string[] {
  const held = seen.witness(3);
  return [
    `It is ${seen.verdict}: ${seen.sentence}.`,
    ...(held.length > 0
      ? [`What holds lambda there: the minimum cut crosses ${held.join("; ")}.`]
      : []),
    next(seen),
  ];
}

function next({ verdict, action, refusals }: Seen): string {
  if (action !== null && action.finished_at === null)
    return (
      `Action ${action.id} (${action.strategy}) is still ${action.state}: ` +
      `${action.message ?? "it goes on with the next tick"}.`
    );
  const refusal = refusals.find(({ reason }) => reason !== "healthy");
  if (refusal)
    return (
      `Nothing is done about it now because of ${refusal.reason}: ${refusal.message}. This ` +
      `changes with: ${refusal.flips_at}.`
    );
  return verdict === "suspect"
    ? "Nothing is done about it before it is confirmed."
    : "The next tick decides what is done about it.";
}
