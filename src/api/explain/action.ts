/**
 * An action in plain words, for the person who was paged: the verdict and the way back first, then
 * how it came to it.
 */
import { labelsOf } from "../../graph/labels.ts";
import { noRoom } from "../../execute/room.ts";
import { actionById } from "../../store/actions.ts";
import { mostActive } from "../../store/settings.ts";
import { type ActionEvent, eventsOf } from "../../store/events.ts";
import { type CollectionNow, collectionNow } from "../../store/explained.ts";
import { improved } from "../../graph/improvement.ts";
import { strategyNamed } from "../../strategies/registry.ts";
import type { Host } from "../../host/host.ts";
import { type Action, isActive, waitsForWindow } from "../../model/action.ts";
import { INTEGRITY_STATES, type Metrics } from "../../model/problem.ts";
import { bytes, count, lambdaText, printable } from "../../base/text.ts";
import { edges, rules, weighing } from "./evidence.ts";
import { dateAndClock, document, duration, message, clock } from "./layout.ts";
import { broughtBack, standing } from "./now.ts";
import { timeline } from "./timeline.ts";
import { cameOut, judging, wayBack } from "./outcome.ts";

export function explainAction(host: Host, id: unknown): { text: string } {
  const action = actionById(host, id);
  const events = eventsOf(host, action);
  const now = collectionNow(host, action);
  const text = document(
    [
      `Action ${action.id} on ${printable(action.collection, 200)}: ${action.strategy_name} ` +
        `for ${action.problem_class}, ${action.state}.`,
      ending(host, action, now),
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

/** When it begins. */
function beginning(host: Host, action: Action): string {
  if (waitsForWindow(action))
    return `It begins later${action.message ? `: ${message(action.message)}` : ""}.`;
  const full = noRoom(host, action, mostActive(host));
  return full === null ? "It begins with the next tick." : `It begins later: it ${full}.`;
}

/** What happened, in one sentence. */
function ending(host: Host, action: Action, now: CollectionNow | null): string {
  const { initial_lambda, final_lambda } = action;
  const { mended } = action.system_metrics.verification ?? {};
  const change = `lambda ${lambdaText(initial_lambda)} -> ${lambdaText(final_lambda)}`;
  const because = action.message ? `: ${message(action.message)}` : "";
  switch (action.state) {
    case "awaiting_approval":
      return `It waits for a human${because}. Until then it changes nothing.`;
    case "planned":
      return beginning(host, action);
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
      if (mended?.length && !improved(initial_lambda, final_lambda, 1))
        return `It did what it is for, and something else fell meanwhile: ${change}, verified.`;
      if (broughtBack(action, now)) return `It worked: ${change}, verified.`;
      const well =
        action.initial_state > 0
          ? `a state is left above ${short3(now!.back)}`
          : `stress is below ${short3(now!.stress)}`;
      return `It helped, and that is not enough: ${change}, verified. Better is not well: ${well}.`;
    }
    case "rolled_back": {
      const reason = action.rollback_reason ?? "";
      if (action.verified === false && harmed(action)) {
        const helped = improved(initial_lambda, final_lambda, 1) ? "It helped and did" : "It did";
        return `${helped} harm, so it was undone: ${message(reason)}.`;
      }
      return action.verified === false
        ? `It did not help (${change}), so it was undone.`
        : `It was undone: ${message(action.rollback_reason ?? "asked for")}.`;
    }
    case "rollback_failed":
      return `Its undo is not finished${because}.`;
    case "failed":
      return `It failed${because}.`;
    case "aborted":
      // Not always a human: where its limits left it nothing to do (stopAtRadius).
      if (action.rollback_reason !== null && action.rollback_reason === action.progress.stopped)
        return `It was stopped before it had changed anything${because}.`;
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
  now: CollectionNow | null,
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
