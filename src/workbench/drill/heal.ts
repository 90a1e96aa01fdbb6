/** Watches what the loop makes of a drill's fault, and keeps what it sees. */
import { lambdaText } from "../../base/text.ts";
import { pause } from "../load.ts";
import type { Drill, Stage } from "./drill.ts";
import type { Probe } from "./latency.ts";
import { look, type Seen } from "./look.ts";
import { POLL_MS, type RunOptions } from "./options.ts";
import type { Result } from "./result.ts";
import { whatIsLeft } from "./well.ts";
import { HEALTH_AT_STRESS } from "../../graph/health.ts";

/** A drill whose fault is there. */
export interface Healing {
  readonly stage: Stage;
  readonly drill: Drill;
  readonly options: RunOptions;
  /** What is seen goes in here. */
  readonly result: Result;
  /** Since the fault. */
  readonly seconds: () => number;
  readonly probe: Probe | null;
}

/**
 * Watches until an action was verified and the collection is well, which may take more than one.
 * Returns whether one was verified.
 */
export async function heal(healing: Healing): Promise<boolean> {
  const { stage, options, result, seconds, probe } = healing;
  let verified: number | null = null;
  for (;;) {
    options.signal.throwIfAborted();
    const seen = await look(stage);
    const { lambda, normal, action } = seen;
    await noticeSensed(healing, lambda);
    if (action && !action.finished) probe?.enter("healing");
    if (action) noticeStrategy(healing, action);
    if (action?.finished) {
      noticeEnd(result, action, verified ?? (action.verified ? seconds() : null));
      // An action that did not verify makes way for the next strategy; the drill waits for that
      // one.
      if (action.verified) verified ??= seconds();
    }
    result.lambda_reached = lambda;
    if (verified !== null && seconds() - verified > options.patience) {
      result.problem = await betterOnly(healing);
      return true;
    }
    if (
      verified !== null &&
      action?.finished &&
      normal &&
      lambda !== null &&
      lambda >= HEALTH_AT_STRESS
    ) {
      result.well_after_seconds = seconds();
      return true;
    }
    if (verified === null && seconds() > options.patience) {
      result.problem = notHealed(options, seen);
      return false;
    }
    await pause(POLL_MS);
  }
}

async function noticeSensed(
  { stage, drill, options, result, seconds }: Healing,
  lambda: number | null,
): Promise<void> {
  if (result.sensed_after_seconds !== null || lambda === null || lambda >= HEALTH_AT_STRESS) return;
  result.sensed_after_seconds = seconds();
  result.lambda_before = lambda;
  options.say(`${drill.name}: sensed after ${seconds()} s, lambda ${lambda.toFixed(2)}`);
  if (drill.asked_for) await ask(stage, drill);
}

type Action = NonNullable<Seen["action"]>;

function noticeStrategy({ drill, options, result }: Healing, action: Action): void {
  if (result.strategy === action.strategy) return;
  options.say(`${drill.name}: ${action.problem_class}, ${action.strategy}`);
  Object.assign(result, {
    class: action.problem_class,
    strategy: action.strategy,
    started_by: drill.asked_for ? "asked for" : "loop",
  });
}

function noticeEnd(result: Result, action: Action, healed_after_seconds: number | null): void {
  Object.assign(result, {
    lambda_before: action.initial_lambda,
    lambda_predicted: action.predicted_lambda,
    lambda_after: action.final_lambda,
    healed_after_seconds,
    message: action.message,
  });
  keep(result, action);
}

const betterOnly = async ({ stage, options, result }: Healing): Promise<string> =>
  `better, not well: ${options.patience} s after it was verified lambda is ` +
  `${lambdaText(result.lambda_reached)} ` +
  `(${lambdaText(result.lambda_predicted)} foreseen); ` +
  `${await whatIsLeft(stage, result.strategy!)}`;

function notHealed({ patience }: RunOptions, { lambda, action, refusals }: Seen): string {
  const last = action
    ? `action ${action.id} (${action.strategy}) is ${action.state}: ${action.message ?? ""}`
    : refusals.map(({ reason, message }) => `${reason}: ${message}`).join("; ");
  return (
    `not healed within ${patience} s; lambda ${lambda ?? "not known"}; ` +
    `${last || "nothing was decided"}`
  );
}

function keep(result: Result, action: Action): void {
  if (result.actions.some(({ id }) => id === action.id)) return;
  const { id, strategy, verified, initial_lambda, predicted_lambda, final_lambda } = action;
  result.actions = [
    ...result.actions,
    {
      id,
      strategy,
      verified,
      lambda_before: initial_lambda,
      lambda_predicted: predicted_lambda,
      lambda_verified: final_lambda,
    },
  ];
}

async function ask({ client, table }: Stage, { strategy, asked_for }: Drill): Promise<void> {
  await client.query("SELECT ruvector_healing_execute($1, $2, $3)", [
    table,
    strategy,
    JSON.stringify(asked_for),
  ]);
}
