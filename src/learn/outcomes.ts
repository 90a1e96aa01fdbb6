/** Learning from what came of actions, and from what people say of it. */
import sql from "sql-template-tag";
import { improvement } from "../graph/improvement.ts";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import {
  type Feedback,
  isUnlearned,
  keepFeedback,
  keepOutcome,
  keepWeights,
  learnLater,
  noteLearned,
  readOutcomes,
} from "../store/outcomes.ts";
import { weigh, WINDOW_DAYS } from "./weights.ts";

/**
 * Records how an action ended and learns from it. Once an action has an outcome it keeps it: a
 * later rollback by a human is feedback on it.
 */
export function recordOutcome(host: Host, action: Action): void {
  const { state, verified, initial_lambda: before, final_lambda: after } = action;
  const gain = verified === null ? null : improvement(before, after);
  keepOutcome(host, action, {
    success: state === "succeeded" || (state === "rolled_back" && verified !== null),
    // Verified by its own part: what lambda lost meanwhile is not its doing.
    improvement: verified === true && gain !== null && gain <= 0 ? null : gain,
    feedback: impliedFeedback(action),
  });
  if (!updateWeights(host, action.collection_id)) learnLater(host, action.id);
}

/** The loop itself undoes only what it found unverified; any other undo was a human's word. */
const impliedFeedback = ({ state, verified }: Action): number | null =>
  state === "rolled_back" && verified !== false ? -1 : null;

/** What ended while somebody else had the weights. */
export function learnRest(host: Host, collectionId: number): void {
  if (isUnlearned(host, collectionId) && updateWeights(host, collectionId))
    noteLearned(host, collectionId);
}

/**
 * Writes the weights of all strategies, over all classes ('*') and by class. They are one for all
 * collections: whoever is at it may keep them for as long as their transaction lasts, and is not
 * waited for. false: somebody is at it.
 */
function updateWeights(host: Host, collectionId: number): boolean {
  const { learning } = host.one<{ learning: boolean }>(
    sql`SELECT (ruvector.healing_settings(${collectionId}::int) ->> 'learning_enabled')::boolean
      AS learning`,
  );
  if (!learning) return true;
  if (!host.one<{ mine: boolean }>(sql`SELECT ruvector.healing_try_lock('weights') AS mine`).mine)
    return false;
  keepWeights(host, weigh(readOutcomes(host, WINDOW_DAYS)));
  return true;
}

/**
 * Keeps what a person says of an ended action, and learns from it. false: it has no outcome to
 * judge.
 */
export function giveFeedback(host: Host, action: Action, feedback: Feedback): boolean {
  if (!keepFeedback(host, action, feedback, impliedFeedback(action))) return false;
  if (!updateWeights(host, action.collection_id)) learnLater(host, action.id);
  return true;
}
