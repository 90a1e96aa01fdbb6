/**
 * The operations that heal: trigger, execute, rollback, abort. Each answers with one JSON document.
 * ruvector.healing_call() holds the collection's lock around them.
 */
import sql from "sql-template-tag";
import { loadCollection } from "../collection/lookup.ts";
import { actionById, activeAction, lastUndoable, recordActionEvent, undoSummary } from "../execute/actions.ts";
import { runBatch } from "../execute/batch.ts";
import { judgeAction } from "../execute/judge.ts";
import { strategyNamed } from "../execute/registry.ts";
import { beginRollback } from "../execute/transitions.ts";
import type { Host } from "../host/host.ts";
import { type Decision, decide, parseParams, type Wanted } from "../loop/heal.ts";
import type { Action } from "../model/action.ts";
import { isActive } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { HealingError } from "../model/errors.ts";
import { suspend } from "../select/oscillation.ts";
import { takeSample } from "../sense/sample.ts";
import { OUTCOMES, pastBreaker, progressOf } from "./answers.ts";
import { rejectAction } from "./approval.ts";

type Document = Record<string, unknown>;

export const trigger = (host: Host, collectionId: number): Document =>
  heal(host, collectionId, () => ({ origin: "trigger", strategy: null, params: {} }));

export const execute = (host: Host, collectionId: number, name: unknown, params: unknown): Document =>
  heal(host, collectionId, () => {
    const strategy = strategyNamed(name);
    return { origin: "execute", strategy, params: parseParams(strategy, params) };
  });

/** Evaluates now, and runs the first slice in the caller's transaction. */
function heal(host: Host, collectionId: number, parse: () => Wanted): Document {
  const wanted = parse();
  const collection = loadCollection(host, collectionId);
  if (host.one<{ standby: boolean }>(sql`SELECT pg_is_in_recovery() AS standby`).standby) {
    return {
      outcome: "deferred", collection: collection.name, reason: "standby_server",
      message: "this server is a standby: nothing can be written here", flips_at: "promotion", hint: "Run it on the primary.",
    };
  }
  const decision = decide(host, collection, takeSample(host, collection), wanted);
  const action = decision.action?.state === "planned" ? runSlice(host, collection, decision.action) : decision.action;
  return { ...documentOf(collection, decision, action), ...(action && wanted.origin === "execute" && pastBreaker(host, "this was asked for by name and went past it")) };
}

/** One slice: batches until it has had its time, then a sample and a judgement. */
function runSlice(host: Host, collection: Collection, action: Action): Action {
  const began = host.now();
  let current = action;
  for (;;) {
    const batch = runBatch(host, collection, current, (host.now() - began) / 1000);
    current = batch.action;
    if (!batch.again) break;
  }
  if (!isActive(current.state)) return current;
  return judgeAction(host, collection, current, takeSample(host, collection));
}

function documentOf(collection: Collection, decision: Decision, action: Action | null): Document {
  const { problem, refusal, plan } = decision;
  const { class: problem_class, ...details } = problem.details;
  return {
    outcome: action ? (OUTCOMES[action.state] ?? "completed") : decision.outcome,
    collection: collection.name,
    problem: { class: problem_class, ...details, summary: problem.summary },
    evidence: problem.evidence,
    strategy: decision.strategy,
    considered: decision.considered,
    plan,
    predicted_lambda: plan?.predicted_lambda ?? null,
    action_id: action ? Number(action.id) : null,
    ...(action?.state === "awaiting_approval" && { fingerprint: action.fingerprint, approve: `SELECT ruvector_healing_approve(${action.id});` }),
    ...(decision.forecast_id != null && { forecast_id: Number(decision.forecast_id) }),
    ...(action && progressOf(action)),
    ...(refusal && { reason: refusal.reason, message: refusal.message, measured: refusal.measured, flips_at: refusal.flips_at, hint: refusal.hint ?? null }),
  };
}

/** Undoes the active action of a collection, or else the last one that ended with its changes in place. */
export function rollback(host: Host, collectionId: number): Document {
  const collection = loadCollection(host, collectionId);
  const action = activeAction(host, collectionId) ?? lastUndoable(host, collectionId);
  if (!action) {
    throw new HealingError("wrong_action_state", `${collection.name} has no action to roll back`, {
      detail: "Every action on it was undone already, or there was none.",
      hint: "SELECT action_id, state, message FROM ruvector_healing_history(); shows them.",
    });
  }
  if (!action.reversible) {
    throw new HealingError("wrong_action_state", `action ${action.id} (${action.strategy_name}) cannot be undone`, {
      detail: `${action.strategy_name} is not reversible.`,
    });
  }
  return undo(host, collection, action, "rolled_back", "rollback asked for");
}

/**
 * Stops an active action and undoes what it did. One that waits for approval is rejected by it: otherwise the loop would ask for the same again
 * with its next tick.
 */
export function abort(host: Host, id: unknown): Document {
  const action = actionById(host, id);
  if (action.state === "aborted") {
    return {
      outcome: "completed", collection: action.collection, action_id: Number(action.id), strategy: action.strategy_name, ...progressOf(action),
      already: true, message: `aborted already: ${action.message ?? ""}`, rows_left: undoSummary(host, action).rows_left,
    };
  }
  if (!isActive(action.state)) {
    throw new HealingError("wrong_action_state", `action ${action.id} is not active`, {
      detail: `Its state is ${action.state}${action.message ? `: ${action.message}` : ""}.`,
      hint: action.state === "succeeded" ? `To undo it: SELECT ruvector_healing_rollback('${action.collection.replace(/'/g, "''")}');` : "There is nothing to stop.",
    });
  }
  if (action.state === "awaiting_approval") {
    const ended = rejectAction(host, action, null, "abort asked for; nothing had been changed");
    return { outcome: "completed", collection: action.collection, action_id: Number(action.id), strategy: action.strategy_name, ...progressOf(ended), rows_left: 0 };
  }
  return undo(host, loadCollection(host, action.collection_id), action, "aborted", "abort asked for");
}

function undo(host: Host, collection: Collection, action: Action, to: "rolled_back" | "aborted", reason: string): Document {
  let current = action;
  if (action.state !== "rolling_back") {
    if (undoSummary(host, action).steps_left === 0 && !isActive(action.state)) {
      throw new HealingError("wrong_action_state", `action ${action.id} changed nothing that could be undone`, {
        detail: `Its state is ${action.state}.`,
        hint: "SELECT action_id, state, message FROM ruvector_healing_history(); shows what else there was.",
      });
    }
    recordActionEvent(host, action, "undo_asked_for", reason);
    // A person did not want it: the loop must not begin the same again behind their back.
    suspend(host, collection, action.strategy_name, "human_undo", `a person ${to === "aborted" ? "aborted" : "rolled back"} action ${action.id} of it`, action.id);
    current = beginRollback(host, collection, action, to, reason);
  }
  if (isActive(current.state)) current = runSlice(host, collection, current);
  return {
    outcome: isActive(current.state) ? "started" : "completed",
    collection: collection.name,
    action_id: Number(current.id),
    strategy: current.strategy_name,
    ...progressOf(current),
    rows_left: undoSummary(host, current).rows_left,
  };
}
