/** What the answers of several operations share. */
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import { breakerFacts } from "../store/breaker.ts";
import { breaker } from "../select/guards/breaker.ts";

/** What a caller is told of an action that has not ended; one that has is completed. */
export const OUTCOMES: Partial<Record<Action["state"], string>> = {
  awaiting_approval: "awaiting_approval",
  planned: "started",
  executing: "started",
  stabilizing: "stabilizing",
  rolling_back: "started",
};

export const progressOf = (action: Action): Record<string, unknown> => ({
  state: action.state,
  initial_lambda: action.initial_lambda,
  rows_moved: action.progress.rows ?? 0,
  verified: action.verified,
  message: action.message,
});

/**
 * An open circuit breaker does not hold back what a person asks for: they are told in the answer.
 */
export function pastBreaker(host: Host, how: string): Record<string, unknown> {
  const refusal = breaker({ breaker: breakerFacts(host) });
  return refusal ? { notice: `${refusal.message}; ${how}` } : {};
}
