/** What the answers of several operations share. */
import type { Action } from "../model/action.ts";

/** What a caller is told of an action that has not ended; one that has is completed. */
export const OUTCOMES: Partial<Record<Action["state"], string>> = {
  awaiting_approval: "awaiting_approval", planned: "started", executing: "started", stabilizing: "stabilizing", rolling_back: "started",
};

export const progressOf = (action: Action): Record<string, unknown> => ({
  state: action.state,
  initial_lambda: action.initial_lambda,
  rows_moved: action.progress.rows ?? 0,
  verified: action.verified,
  message: action.message,
});
