/** What came of an action: how it was judged, what is learned, the way back. */
import { openLeases } from "../../store/leases.ts";
import { type ActionOutcome, hasOutcome, outcomeOf } from "../../store/outcomes.ts";
import { undoSummary } from "../../store/steps.ts";
import { rollbackStatement, undoObstacle } from "../../execute/undoable.ts";
import type { Host } from "../../host/host.ts";
import { type Action, isActive } from "../../model/action.ts";
import { count, lambdaText, printable } from "../../base/text.ts";
import { dateAndClock, duration, message, capitalized } from "./layout.ts";

export function cameOut(host: Host, action: Action): string[] {
  const { initial_lambda, final_lambda, verified, state, rollback_reason } = action;
  if (isActive(state))
    return verified === false && rollback_reason !== null
      ? [`${capitalized(message(rollback_reason))}.`]
      : ["Not known yet."];
  const outcome = outcomeOf(host, action);
  const lines: string[] = [];
  if (state === "succeeded") {
    lines.push(
      `lambda ${lambdaText(initial_lambda)} -> ` +
        `${lambdaText(final_lambda)}${surprise(action)}. Verified.`,
    );
    if (outcome && outcome.recovery !== null)
      lines.push(`From the first bad sample to verified: ${duration(outcome.recovery)}.`);
  } else {
    // What was measured before the undo is in the outcome where it had been verified, else in the
    // reason of the undo.
    if (verified === true)
      lines.push(
        `It had been verified: lambda ${lambdaText(initial_lambda)} -> ` +
          `${lambdaText(outcome?.final_lambda ?? null)}. Then it was undone: ` +
          `${message(rollback_reason ?? "asked for")}.`,
      );
    else if (rollback_reason !== null) lines.push(`${capitalized(message(rollback_reason))}.`);
    if (final_lambda !== null) lines.push(`lambda when it had ended: ${lambdaText(final_lambda)}.`);
  }
  lines.push(...lookedAt(action));
  if (outcome) lines.push(...said(outcome));
  if (!outcome)
    lines.push(`It says nothing about ${action.strategy_name}: it does not count in its weight.`);
  return lines;
}

/** What the verification looked at beside lambda. */
function lookedAt({ system_metrics: { verification } }: Action): string[] {
  if (!verification) return [];
  const nothing = verification.worse.length === 0 ? "; nothing did by it" : "";
  return [
    "Looked whether anything else got worse: " +
      `${message(verification.looked_at.join("; "))}${nothing}.`,
    ...(verification.mended?.length ? [`Mended: ${message(verification.mended.join("; "))}.`] : []),
    ...(verification.worse.length > 0
      ? [`Worse for it: ${message(verification.worse.join("; "))}.`]
      : []),
    ...(verification.meanwhile.length > 0
      ? [`Worse meanwhile, and not blamed on it: ${message(verification.meanwhile.join("; "))}.`]
      : []),
  ];
}

/** Two digits: 0.25 is not 0.3. */
export const score = (feedback: number): string => String(Number(feedback.toPrecision(2)));

/** What people say counts: how to say it, for what counts at all. */
export function judging(host: Host, action: Action): string[] {
  if (isActive(action.state) || !hasOutcome(host, action)) return [];
  return [
    `It counts in the weight of ${action.strategy_name}. From -1 (it did harm) to 1 (it ` +
      "helped), as often as you like, NULL takes it back:",
    `SELECT ruvector_healing_feedback(${action.id}, 1, 'why');`,
  ];
}

/** How far the prediction was off, where there was one. */
function surprise({ predicted_lambda, final_lambda }: Action): string {
  if (predicted_lambda === null || final_lambda === null) return "; nothing was foreseen";
  const off = final_lambda - predicted_lambda;
  return Math.abs(off) < 0.05
    ? ", as foreseen"
    : `, ${lambdaText(Math.abs(off))} ${off > 0 ? "better" : "worse"} than foreseen ` +
        `(${lambdaText(predicted_lambda)})`;
}

export function wayBack(host: Host, action: Action): string[] {
  if (action.state === "awaiting_approval")
    return [
      "To let it begin, or to drop it:",
      `SELECT ruvector_healing_approve(${action.id});`,
      `SELECT ruvector_healing_abort(${action.id});`,
    ];
  if (action.state === "rolling_back")
    return ["It is being undone already, with every tick a part."];
  if (isActive(action.state))
    return [
      "This stops it and undoes what it did:",
      `SELECT ruvector_healing_abort(${action.id});`,
    ];
  const { steps_left, rows_left } = undoSummary(host, action);
  if (steps_left === 0) return ["There is nothing left to undo."];
  if (!action.reversible) return [`${action.strategy_name} cannot be undone.`];
  const obstacle = undoObstacle(host, action);
  if (obstacle)
    return [`It cannot be undone now: ${message(obstacle.message)}. First:`, obstacle.hint];
  return [
    ...leases(host, action),
    rows_left > 0 ? `This puts ${count(rows_left, "change")} back:` : "This undoes it:",
    rollbackStatement(action),
  ];
}

function leases(host: Host, action: Action): string[] {
  return openLeases(host, action.id).map(
    ({ kind, expires_at, target: { role } }) =>
      `${printable(kind)}${typeof role === "string" ? ` of ${printable(role, 63)}` : ""} ` +
      `ends by itself at ${dateAndClock(expires_at)} UTC.`,
  );
}

export function said({ feedback, feedback_by, feedback_note }: ActionOutcome): string[] {
  if (feedback === null) return [];
  if (feedback_by === null)
    return [`A human undid it, which counts as ${score(feedback)} (-1 to 1).`];
  return [
    `${printable(feedback_by, 63)} judged it ${score(feedback)} (-1 to ` +
      `1)${feedback_note === null ? "" : `: ${message(feedback_note)}`}.`,
  ];
}
