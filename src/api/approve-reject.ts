/**
 * The operations of a human on an action that waits for one: approve, reject. Each may be called
 * twice, late, or on the wrong action.
 */
import { loadCollection } from "../collection/lookup.ts";
import { actionById } from "../store/actions.ts";
import { endAction } from "../execute/end.ts";
import type { Host } from "../host/host.ts";
import { giveApproval } from "../loop/give-approval.ts";
import { type Action, isActive } from "../model/action.ts";
import { HealingError } from "../base/errors.ts";
import { oneLine, printable, sqlLiteral, utc } from "../base/text.ts";
import { observe } from "../loop/observe.ts";
import { OUTCOMES, pastBreaker, progressOf } from "./answers.ts";

type Document = Record<string, unknown>;

/** Longer is an essay. */
const REASON_CHARACTERS = 1000;

const answer = (action: Action, more: Document): Document => ({
  outcome: OUTCOMES[action.state] ?? "completed",
  collection: action.collection,
  action_id: Number(action.id),
  strategy: action.strategy_name,
  ...progressOf(action),
  fingerprint: action.fingerprint,
  approved_by: action.approved_by,
  ...more,
});

const quoted = sqlLiteral;

/** Lets an action that waits for a human begin, in the state it shows. */
export function approve(host: Host, id: unknown): Document {
  const action = actionById(host, id);
  if (action.approved_at !== null)
    return answer(action, {
      already: true,
      message:
        `approved already, by ${printable(action.approved_by ?? "")} at ` +
        `${utc(action.approved_at)}; ${action.message ?? action.state}`,
    });
  if (action.state === "expired") return late(action);
  if (action.state !== "awaiting_approval") throw notWaiting(action, "approval");
  if (action.deadline !== null && action.now > action.deadline) {
    return late(endAction(host, action, { state: "expired", message: "approved too late" }));
  }
  const collection = loadCollection(host, action.collection_id);
  const sample = observe(host, collection);
  if (sample.reading.lambda === null) {
    return answer(action, {
      outcome: "deferred",
      reason: "lambda_unknown",
      message: "without lambda nothing can be verified: it still waits",
      hint: "SELECT * FROM ruvector_integrity_status(); says what is not measured.",
    });
  }
  const given = giveApproval(host, collection, action, sample);
  switch (given.now) {
    case "same":
      return answer(given.action, pastBreaker(host, "this was approved and goes past it"));
    case "gone":
      return answer(given.action, {
        outcome: "deferred",
        reason: "nothing_to_do",
        hint: `SELECT ruvector_healing_trigger(${quoted(collection.name)}); decides anew.`,
      });
    case "moved":
      return answer(given.asks, {
        replaces: Number(action.id),
        changed: given.changed,
        plan: given.asks.plan,
        predicted_lambda: given.asks.predicted_lambda,
        hint: `SELECT ruvector_healing_approve(${given.asks.id}); approves it as it is now.`,
      });
  }
}

/** Late is no error: what it was for may be over, and the answer says what to type if it is not. */
function late(action: Action): Document {
  const hint =
    action.replaced_by !== null
      ? `SELECT ruvector_healing_approve(${action.replaced_by}); is the one that asks now.`
      : `SELECT ruvector_healing_trigger(${quoted(action.collection)}); asks again if it is ` +
        "still needed.";
  return answer(action, {
    outcome: "deferred",
    reason: "expired",
    hint,
    ...(action.replaced_by !== null && { replaced_by: Number(action.replaced_by) }),
    message:
      `it expired at ${utc(action.finished_at ?? action.now)}: ` +
      `${action.message ?? "nobody approved it in time"}`,
  });
}

function notWaiting(action: Action, what: "approval" | "an answer"): HealingError {
  const why = action.rejection_reason ? `: ${printable(action.rejection_reason, 200)}` : "";
  const by =
    action.rejected_at === null
      ? ""
      : ` It was rejected by ${printable(action.rejected_by ?? "")} at ` +
        `${utc(action.rejected_at)}${why}.`;
  const message = action.message ? `: ${printable(action.message, 300)}` : "";
  return new HealingError("wrong_action_state", `action ${action.id} does not wait for ${what}`, {
    detail: `Its state is ${action.state}${message}.${by}`,
    hint: insteadHint(action),
  });
}

/** What to type where an action does not wait for an answer. */
function insteadHint(action: Action): string {
  if (isActive(action.state))
    return `To stop and undo it: SELECT ruvector_healing_abort(${action.id});`;
  if (action.rejected_at === null)
    return "SELECT action_id, state FROM ruvector_healing_history(); shows what does.";
  return (
    "To do it all the same: SELECT " +
    `ruvector_healing_execute(${quoted(action.collection)}, ${quoted(action.strategy_name)});`
  );
}

/**
 * Ends an action that waits for a human, for good: the loop does not ask for the same again for a
 * while (rejection_seconds).
 */
export function reject(host: Host, id: unknown, reason: unknown): Document {
  if (reason !== null && (typeof reason !== "string" || reason.length > REASON_CHARACTERS)) {
    const given =
      typeof reason === "string" ? `${reason.length} characters` : JSON.stringify(reason);
    throw new HealingError(
      "invalid_argument",
      `reason must be a text of at most ${REASON_CHARACTERS} characters, or NULL`,
      {
        detail: `Got ${given}.`,
        hint: "SELECT ruvector_healing_reject(123, 'not during the sale');",
      },
    );
  }
  const action = actionById(host, id);
  if (action.rejected_at !== null) {
    return answer(action, {
      already: true,
      message:
        `rejected already, by ${printable(action.rejected_by ?? "")} at ` +
        `${utc(action.rejected_at)}`,
    });
  }
  if (action.state !== "awaiting_approval") throw notWaiting(action, "an answer");
  return answer(rejectAction(host, action, reason, "rejected"), {});
}

export const rejectAction = (
  host: Host,
  action: Action,
  reason: string | null,
  verb: string,
): Action =>
  endAction(host, action, {
    state: "aborted",
    rejected: { reason },
    message: reason === null ? verb : `${verb}: ${printable(oneLine(reason), REASON_CHARACTERS)}`,
  });
