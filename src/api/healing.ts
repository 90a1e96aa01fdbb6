/**
 * The operations that heal: trigger, execute, rollback, abort. Each answers with one JSON document.
 * ruvector.healing_call() holds the collection's lock around them.
 */
import { flipSentence, happens } from "../base/flip.ts";
import { undoSummary } from "../store/steps.ts";
import sql from "sql-template-tag";
import { loadCollection } from "../collection/lookup.ts";
import { actionById, activeAction, lastUndoable, recordActionEvent } from "../store/actions.ts";
import { runBatch } from "../execute/batch.ts";
import { judgeAction } from "../execute/judge.ts";
import { strategyNamed } from "../strategies/registry.ts";
import { beginRollback } from "../execute/transitions.ts";
import { undoHint, undoObstacle } from "../execute/undoable.ts";
import type { Host } from "../host/host.ts";
import { type Decision, decide } from "../loop/decide.ts";
import { parseParams, type Wanted } from "../loop/wanted.ts";
import type { Action } from "../model/action.ts";
import { isActive } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { HealingError } from "../base/errors.ts";
import { suspend } from "../select/suspensions.ts";
import { observe } from "../loop/observe.ts";
import { OUTCOMES, pastBreaker, progressOf } from "./answers.ts";
import { rejectAction } from "./approve-reject.ts";

type Document = Record<string, unknown>;

export const trigger = (host: Host, collectionId: number): Document =>
  heal(host, collectionId, () => ({ origin: "trigger", strategy: null, params: {} }));

export const execute = (
  host: Host,
  collectionId: number,
  name: unknown,
  params: unknown,
): Document =>
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
      outcome: "deferred",
      collection: collection.name,
      reason: "standby_server",
      message: "this server is a standby: nothing can be written here",
      flips_at: flipSentence(happens("promotion")),
      hint: "Run it on the primary.",
    };
  }
  const decision = decide(host, collection, observe(host, collection), wanted);
  const action =
    decision.action?.state === "planned"
      ? runSlice(host, collection, decision.action)
      : decision.action;
  return {
    ...documentOf(collection, decision, action),
    ...notices(host, wanted, decision, action),
  };
}

/** Nothing of it holds back what a person names: they are told in the answer. */
function notices(
  host: Host,
  wanted: Wanted,
  { no_gain, plan }: Decision,
  action: Action | null,
): Document {
  if (wanted.origin !== "execute") return {};
  const past = action
    ? pastBreaker(host, "this was asked for by name and went past it")["notice"]
    : undefined;
  const notice = [
    past,
    plan && no_gain ? `${no_gain}, unless something else changes meanwhile` : undefined,
  ]
    .filter((one) => one !== undefined)
    .join("; ");
  return notice === "" ? {} : { notice };
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
  return judgeAction(host, collection, current, observe(host, collection));
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
    ...(action?.state === "awaiting_approval" && {
      fingerprint: action.fingerprint,
      approve: `SELECT ruvector_healing_approve(${action.id});`,
    }),
    ...(decision.forecast_id != null && { forecast_id: Number(decision.forecast_id) }),
    ...(action && progressOf(action)),
    ...(refusal && {
      reason: refusal.reason,
      message: refusal.message,
      measured: refusal.measured,
      flips_at: flipSentence(refusal.flips),
      hint: refusal.hint ?? refusal.lift ?? null,
    }),
  };
}

/**
 * Undoes one action of a collection; without an id the active one, or else the newest that can be
 * undone.
 */
export function rollback(host: Host, collectionId: number, id: unknown): Document {
  const collection = loadCollection(host, collectionId);
  const named = id === undefined || id === null ? null : actionById(host, id);
  if (named && named.collection_id !== collectionId) {
    throw new HealingError("unknown_action", `action ${named.id} is not on ${collection.name}`, {
      detail: `It was on ${named.collection}.`,
      hint: "SELECT action_id, collection, state FROM ruvector_healing_history(); lists them.",
    });
  }
  const action = named ?? activeAction(host, collectionId) ?? lastUndoable(host, collectionId);
  if (!action) {
    throw new HealingError("wrong_action_state", `${collection.name} has no action to roll back`, {
      detail:
        "Every action on it was undone already, changed nothing, cannot be undone, or there " +
        "was none.",
      hint: "SELECT action_id, state, message FROM ruvector_healing_history(); shows them.",
    });
  }
  if (action.state === "rolled_back" || action.state === "aborted")
    return undoneAlready(host, action);
  if (action.state === "awaiting_approval")
    return dropped(host, action, "rollback asked for; nothing had been changed");
  if (isActive(action.state)) {
    if (action.reversible)
      return undo(host, collection, action, "rolled_back", "rollback asked for");
    throw new HealingError(
      "wrong_action_state",
      `action ${action.id} (${action.strategy_name}) cannot be undone`,
      {
        detail: `Its state is ${action.state}; what it has changed so far stays.`,
        hint: `To stop it: SELECT ruvector_healing_abort(${action.id});`,
      },
    );
  }
  const obstacle = undoObstacle(host, action);
  if (obstacle) throw new HealingError("wrong_action_state", obstacle.message, obstacle);
  return undo(host, collection, action, "rolled_back", "rollback asked for");
}

/** What is where the action put it: not undone yet, or never, because its old place is taken. */
function rowsLeft(host: Host, action: Action): number {
  const { rows_left, conflicts } = undoSummary(host, action);
  return rows_left + conflicts;
}

const undoneAlready = (host: Host, action: Action): Document => ({
  outcome: "completed",
  collection: action.collection,
  action_id: Number(action.id),
  strategy: action.strategy_name,
  ...progressOf(action),
  already: true,
  message: `${action.state === "aborted" ? "aborted" : "undone"} already: ${action.message ?? ""}`,
  rows_left: rowsLeft(host, action),
});

/**
 * An action that waits for approval is rejected by it: otherwise the loop would ask for the same
 * again with its next tick.
 */
function dropped(host: Host, action: Action, why: string): Document {
  const ended = rejectAction(host, action, null, why);
  return {
    outcome: "completed",
    collection: action.collection,
    action_id: Number(action.id),
    strategy: action.strategy_name,
    ...progressOf(ended),
    rows_left: 0,
  };
}

/** Stops an active action and undoes what it did. */
export function abort(host: Host, id: unknown): Document {
  const action = actionById(host, id);
  if (action.state === "aborted") return undoneAlready(host, action);
  if (!isActive(action.state)) {
    throw new HealingError("wrong_action_state", `action ${action.id} is not active`, {
      detail: `Its state is ${action.state}${action.message ? `: ${action.message}` : ""}.`,
      hint: undoHint(host, action),
    });
  }
  if (action.state === "awaiting_approval")
    return dropped(host, action, "abort asked for; nothing had been changed");
  return undo(
    host,
    loadCollection(host, action.collection_id),
    action,
    "aborted",
    "abort asked for",
  );
}

function undo(
  host: Host,
  collection: Collection,
  action: Action,
  to: "rolled_back" | "aborted",
  reason: string,
): Document {
  let current = action;
  if (action.state !== "rolling_back") {
    recordActionEvent(host, action, "undo_asked_for", reason);
    // A person did not want it: the loop must not begin the same again behind their back.
    suspend(host, collection, {
      strategy: action.strategy_name,
      problem_class: action.problem_class,
      kind: "human_undo",
      reason: `a person ${to === "aborted" ? "aborted" : "rolled back"} action ${action.id} of it`,
      action_id: action.id,
    });
    current = beginRollback(host, collection, action, to, reason);
  }
  if (isActive(current.state)) current = runSlice(host, collection, current);
  return {
    outcome: isActive(current.state) ? "started" : "completed",
    collection: collection.name,
    action_id: Number(current.id),
    strategy: current.strategy_name,
    ...progressOf(current),
    rows_left: rowsLeft(host, current),
  };
}
