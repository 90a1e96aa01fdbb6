/** What a run of the demo came to: the object that --json prints. */
import type { RowsCheck } from "./check.ts";
import type { Options } from "./options.ts";
import type { Venue } from "./venue.ts";
import type { Seen } from "./watch.ts";
import { EXIT } from "../../commands/exit.ts";
import { percentile } from "../load.ts";
import type { SearcherResult, WriterResult } from "./workload.ts";

/** What was seen on the way. */
export interface Story {
  readonly states: string[];
  witness: readonly string[];
  sensed_after: number | null;
  healed_after: number | null;
  /** Seconds after which the demo gives up. */
  readonly limit: number;
}

export interface Parts {
  readonly venue: Venue;
  readonly options: Options;
  readonly schedule: string;
  readonly before: Record<string, number>;
  readonly after: Record<string, number>;
  readonly story: Story;
  readonly seen: Seen;
  readonly left: readonly string[];
  readonly weight_before: number | null;
  readonly writer: WriterResult;
  readonly searcher: SearcherResult;
  readonly check: RowsCheck;
  readonly timings: Record<string, number>;
}

export type Outcome = "well" | "better" | "failed";

/** Of the process. */
export const EXIT_OF: Readonly<Record<Outcome, number>> = {
  well: EXIT.well,
  better: EXIT.attention,
  failed: EXIT.failed,
};

/** Well again, and by what was done. An action still at work has not succeeded. */
export const isWell = ({ action, verdict }: Seen): boolean =>
  action?.state === "succeeded" &&
  action.verified === true &&
  (verdict === "healthy" || verdict === "recovering");

/**
 * Better is not well: something helped, and the collection is not (or no longer known to be) where
 * it should be.
 */
function outcomeOf(seen: Seen, check: RowsCheck): Outcome {
  if (!check.ok) return "failed";
  if (isWell(seen)) return "well";
  return seen.actions.some(({ verified }) => verified === true) ? "better" : "failed";
}

export type Result = ReturnType<typeof resultOf>;

export function resultOf(parts: Parts) {
  const { venue, options, story, seen, writer, searcher, check } = parts;
  const outcome = outcomeOf(seen, check);
  return {
    ok: outcome === "well",
    outcome,
    /** How the collection is at the end (docs/monitoring.md, "The verdict"). */
    verdict: seen.verdict,
    sentence: seen.sentence,
    lambda: seen.lambda,
    /** What is left where it is not well: what holds lambda, and what will be done about it. */
    left: outcome === "well" ? null : parts.left,
    server: venue.kind,
    psql: venue.psql,
    language: venue.language,
    schedule: parts.schedule,
    /** Set for a short demo, over the defaults. */
    settings: venue.settings,
    rows: options.rows,
    partitions_before: parts.before,
    partitions_after: parts.after,
    states_seen: story.states,
    witness: story.witness,
    ...decided(seen),
    ...reached(seen),
    weight_before: parts.weight_before,
    weight_after: seen.weight,
    /** From the first sample below the threshold to the verified end. */
    mttr_seconds: seen.action?.recovery_seconds ?? null,
    sensed_after_seconds: story.sensed_after,
    healed_after_seconds: story.healed_after,
    writer: { inserted: writer.ids.length, errors: writer.errors },
    searcher: searchesOf(searcher),
    rows_check: check,
    limit_seconds: story.limit,
    last_tick_error: seen.tick_error,
    refusals: seen.refusals,
    timings: parts.timings,
  };
}

/** What the newest action is, and all of them. */
const decided = ({ action, actions }: Seen) => ({
  action_id: action?.id ?? null,
  action_state: action?.state ?? null,
  problem_class: action?.problem_class ?? null,
  problem: action?.summary ?? null,
  strategy: action?.strategy ?? null,
  considered: action?.considered ?? [],
  plan_rows: action?.plan_rows ?? null,
  rows_moved: action?.rows_moved ?? null,
  /** All of them; what is above and below is of the newest. */
  actions: actions.map(
    ({ id, strategy, state, verified, initial_lambda, predicted_lambda, final_lambda }) => ({
      id,
      strategy,
      state,
      verified,
      lambda_before: initial_lambda,
      predicted_lambda,
      lambda_after: final_lambda,
    }),
  ),
});

/** What the newest action came to. */
const reached = ({ action, lambda }: Seen) => ({
  lambda_before: action?.initial_lambda ?? lambda,
  predicted_lambda: action?.predicted_lambda ?? null,
  lambda_after: action?.final_lambda ?? null,
  verified: action?.verified ?? null,
  message: action?.message ?? null,
});

const searchesOf = ({ milliseconds, errors }: SearcherResult) => ({
  queries: milliseconds.length,
  p50_ms: percentile(milliseconds, 0.5),
  p99_ms: percentile(milliseconds, 0.99),
  errors,
});
