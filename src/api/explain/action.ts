/**
 * An action in plain words, for the person who was paged: the verdict and the way back first, then
 * how it came to it.
 */
import { undoSummary } from "../../store/steps.ts";
import sql from "sql-template-tag";
import { labelsOf } from "../../graph/labels.ts";
import { actionById } from "../../store/actions.ts";
import { rollbackStatement, undoObstacle } from "../../execute/undoable.ts";
import { strategyNamed } from "../../strategies/registry.ts";
import type { Host } from "../../host/host.ts";
import { type Action, isActive } from "../../model/action.ts";
import { INTEGRITY_STATES, type Metrics } from "../../model/problem.ts";
import { bytes, count, lambdaText, printable } from "../../base/text.ts";
import { edges, rules, weighing } from "./evidence.ts";
import { dateAndClock, document, duration, message, clock } from "./layout.ts";
import { broughtBack, type Now, nowOf, standing } from "./now.ts";
import { type ActionEvent, eventsOf, timeline } from "./timeline.ts";

export function explainAction(host: Host, id: unknown): { text: string } {
  const action = actionById(host, id);
  const events = eventsOf(host, action);
  const now = nowOf(host, action);
  const text = document(
    [
      `Action ${action.id} on ${printable(action.collection, 200)}: ${action.strategy_name} ` +
        `for ${action.problem_class}, ${action.state}.`,
      ending(action, now),
      origin(action),
      approval(action, events),
    ],
    [
      { title: "What was sensed", lines: sensed(action) },
      { title: "Which rule named the problem", lines: rules(action.problem) },
      { title: "Which strategies were weighed", lines: weighing(action.considered) },
      { title: "What was planned", lines: planned(action, now) },
      { title: "What it did (UTC)", lines: timeline(host, action, events) },
      { title: "What came out", lines: cameOut(host, action) },
      { title: "How the collection is now", lines: isActive(action.state) ? [] : standing(now) },
      {
        title: isActive(action.state) ? "How to stop it" : "How to undo it",
        lines: wayBack(host, action),
      },
      { title: "How to judge it", lines: judging(host, action) },
    ],
  );
  return { text };
}

/** What happened, in one sentence. */
function ending(action: Action, now: Now | null): string {
  const { initial_lambda, final_lambda } = action;
  const change = `lambda ${lambdaText(initial_lambda)} -> ${lambdaText(final_lambda)}`;
  const because = action.message ? `: ${message(action.message)}` : "";
  switch (action.state) {
    case "awaiting_approval":
      return `It waits for a human${because}. Until then it changes nothing.`;
    case "planned":
      return action.progress.waits_for_window
        ? `It begins later${because}.`
        : "It begins with the next tick.";
    case "executing":
      return `It is at work${because}.`;
    case "stabilizing": {
      const { stabilize_until: until } = action;
      const when = until === null ? "with the next tick" : `at ${clock(until)} UTC`;
      return `Its changes are made; whether lambda holds is judged ${when}.`;
    }
    case "rolling_back":
      return `It is being undone${because}.`;
    case "succeeded": {
      if (broughtBack(action, now)) return `It worked: ${change}, verified.`;
      const well =
        action.initial_state > 0
          ? `a state is left above ${short3(now!.back)}`
          : `stress is below ${short3(now!.stress)}`;
      return `It helped, and that is not enough: ${change}, verified. Better is not well: ${well}.`;
    }
    case "rolled_back": {
      const reason = action.rollback_reason ?? "";
      if (action.verified === false && harmed(action))
        return `It helped and did harm, so it was undone: ${message(reason)}.`;
      return action.verified === false
        ? `It did not help (${change}), so it was undone.`
        : `It was undone: ${message(action.rollback_reason ?? "asked for")}.`;
    }
    case "rollback_failed":
      return `Its undo is not finished${because}.`;
    case "failed":
      return `It failed${because}.`;
    case "aborted":
      return action.rejected_at === null
        ? "A human stopped it, and what it had done was undone."
        : `${printable(action.rejected_by ?? "A human", 63)} rejected it at ` +
            `${clock(action.rejected_at)} UTC${because}.`;
    case "expired":
      return `It never began${because}.`;
  }
}

const harmed = ({ system_metrics }: Action): boolean =>
  (system_metrics.verification?.worse.length ?? 0) > 0;
const short3 = (value: number): string => String(Number(value.toFixed(3)));

const ORIGINS: Readonly<Record<Action["origin"], string>> = {
  loop: "the loop itself",
  trigger: "ruvector_healing_trigger()",
  execute: "ruvector_healing_execute(), a strategy asked for by name",
};

function origin(action: Action): string {
  const began = action.started_at ?? action.created_at;
  const time =
    action.finished_at === null
      ? `under way for ${duration(action.now - began)}`
      : `ended at ${clock(action.finished_at)} after ${duration(action.finished_at - began)}`;
  return (
    `Planned by ${ORIGINS[action.origin]} (role ${printable(action.initiated_by, 63)}) at ` +
    `${dateAndClock(action.created_at)} UTC, ${time}.`
  );
}

function approval(action: Action, events: readonly ActionEvent[]): string {
  const given = events.find(
    ({ kind, from }) => kind === "action_planned" && from === "awaiting_approval",
  );
  if (given) return `Approved by ${printable(given.actor, 63)} at ${clock(given.at)}.`;
  const asked =
    action.state === "awaiting_approval" ||
    events.some(({ kind }) => kind === "action_awaiting_approval");
  return asked ? "Nobody has approved it." : "It needed no approval.";
}

function sensed(action: Action): string[] {
  const state = INTEGRITY_STATES[action.initial_state] ?? "unknown";
  const since =
    action.degraded_at === null
      ? ""
      : `, degraded for ${duration(action.created_at - action.degraded_at)} by then`;
  return [
    `lambda was ${lambdaText(action.initial_lambda)} (1 is healthy), state ${state}${since}.`,
    message(action.problem.summary) + ".",
    ...edges(
      action.witness_edges,
      labelsOf({ partitions: [], ...action.system_metrics } as unknown as Metrics),
    ),
  ];
}

function planned(
  { plan, strategy_name, strategy_params, target_lambda }: Action,
  now: Now | null,
): string[] {
  const size = [
    plan.rows > 0 ? `${count(plan.rows, "row")} (${bytes(plan.bytes)})` : null,
    plan.wal_bytes > 0 ? `about ${bytes(plan.wal_bytes)} of WAL` : null,
  ].filter(Boolean);
  const asked =
    Object.keys(strategy_params).length > 0
      ? [`Asked for with ${printable(JSON.stringify(strategy_params), 300)}.`]
      : [];
  return [
    `${strategyNamed(strategy_name).description}`,
    `${size.length > 0 ? `${size.join(", ")}, ` : ""}about ` +
      `${duration(plan.estimated_duration_seconds)}; lambda foreseen: ` +
      `${lambdaText(plan.predicted_lambda)}, to stop at ${lambdaText(target_lambda)}.`,
    ...(now !== null &&
    plan.predicted_lambda !== null &&
    plan.predicted_lambda <= now.back &&
    plan.remaining !== undefined
      ? [
          `That is better and not well (a state is left above ${short3(now.back)}). What ` +
            "would hold it there:",
          ...plan.remaining.map((edge) => `- ${message(edge)}`),
        ]
      : []),
    ...(plan.locks.length > 0
      ? [`Locks: ${plan.locks.map((lock) => message(lock)).join("; ")}.`]
      : []),
    ...asked,
  ];
}

interface OutcomeRow {
  readonly final_lambda: number | null;
  readonly recovery: number | null;
  readonly feedback: number | null;
  readonly feedback_by: string | null;
  readonly feedback_note: string | null;
}

function cameOut(host: Host, action: Action): string[] {
  const { initial_lambda, final_lambda, verified, state, rollback_reason } = action;
  if (isActive(state))
    return verified === false && rollback_reason !== null
      ? [`${capitalized(message(rollback_reason))}.`]
      : ["Not known yet."];
  const [outcome] = host.query<OutcomeRow>(sql`
    SELECT final_lambda::float8 AS final_lambda, recovery_seconds::float8 AS recovery,
      feedback_score::float8 AS feedback, feedback_by, feedback_note
      FROM ruvector.healing_outcomes WHERE action_id = ${action.id}::bigint`);
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
    ...(verification.worse.length > 0
      ? [`Worse for it: ${message(verification.worse.join("; "))}.`]
      : []),
    ...(verification.meanwhile.length > 0
      ? [`Worse meanwhile, and not blamed on it: ${message(verification.meanwhile.join("; "))}.`]
      : []),
  ];
}

/** Two digits: 0.25 is not 0.3. */
const score = (feedback: number): string => String(Number(feedback.toPrecision(2)));

function said({ feedback, feedback_by, feedback_note }: OutcomeRow): string[] {
  if (feedback === null) return [];
  if (feedback_by === null)
    return [`A human undid it, which counts as ${score(feedback)} (-1 to 1).`];
  return [
    `${printable(feedback_by, 63)} judged it ${score(feedback)} (-1 to ` +
      `1)${feedback_note === null ? "" : `: ${message(feedback_note)}`}.`,
  ];
}

/** What people say counts: how to say it, for what counts at all. */
function judging(host: Host, action: Action): string[] {
  if (
    isActive(action.state) ||
    host.query(sql`SELECT FROM ruvector.healing_outcomes WHERE action_id = ${action.id}::bigint`)
      .length === 0
  )
    return [];
  return [
    `It counts in the weight of ${action.strategy_name}. From -1 (it did harm) to 1 (it ` +
      "helped), as often as you like, NULL takes it back:",
    `SELECT ruvector_healing_feedback(${action.id}, 1, 'why');`,
  ];
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** How far the prediction was off, where there was one. */
function surprise({ predicted_lambda, final_lambda }: Action): string {
  if (predicted_lambda === null || final_lambda === null) return "; nothing was foreseen";
  const off = final_lambda - predicted_lambda;
  return Math.abs(off) < 0.05
    ? ", as foreseen"
    : `, ${lambdaText(Math.abs(off))} ${off > 0 ? "better" : "worse"} than foreseen ` +
        `(${lambdaText(predicted_lambda)})`;
}

function wayBack(host: Host, action: Action): string[] {
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
  const open = host.query<{ kind: string; until: number }>(sql`
    SELECT kind, extract(epoch FROM expires_at)::float8 AS until FROM ruvector.healing_leases
     WHERE action_id = ${action.id}::bigint AND ended_at IS NULL ORDER BY id`);
  return open.map(
    ({ kind, until }) => `${printable(kind)} ends by itself at ${dateAndClock(until)} UTC.`,
  );
}
