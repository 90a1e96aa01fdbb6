/**
 * What a fresh sample means for an action: go on, stop on target, undo a slice that hurt, verify,
 * end the undo.
 */
import { updateAction } from "../store/action-changes.ts";
import { newestStep, undoSummary } from "../store/steps.ts";
import { goneFrom } from "../store/moved-rows.ts";
import { readPartitions } from "../collection/introspect.ts";
import type { Verification } from "../model/verification.ts";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { count, lambdaText, list, short, sqlLiteral } from "../base/text.ts";
import type { Sample } from "../sense/sample.ts";
import { improved, WHOLE, worsened } from "../graph/improvement.ts";
import { recordActionEvent } from "../store/actions.ts";
import { strategyNamed } from "../strategies/registry.ts";
import { knownTo } from "../strategies/strategy.ts";
import { sensesOldTraffic } from "../strategies/moving-rows/estimate.ts";
import { named } from "../verify/harm.ts";
import { builds, fellBeside, notYetMeasured, verifyHarm } from "./searches.ts";
import { endAction } from "./end.ts";
import { endWithRows } from "./stay.ts";
import { beginRollback, beginStabilizing } from "./transitions.ts";

/** @param sample taken after the last batch */
export function judgeAction(
  host: Host,
  collection: Collection,
  action: Action,
  sample: Sample,
): Action {
  const { lambda } = sample.reading;
  switch (action.state) {
    case "awaiting_approval":
      return action.deadline !== null && action.now > action.deadline
        ? endAction(host, action, { state: "expired", message: "nobody approved it in time" })
        : action;
    case "executing":
      return judgeSlice(host, collection, action, sample);
    case "stabilizing":
      return verify(host, collection, action, sample);
    case "rolling_back":
      return endUndo(host, collection, action, lambda);
    default:
      return action;
  }
}

/**
 * What lambda lost meanwhile is the action's doing: a strategy that cannot lower it is not blamed
 * for what the problem does, nor one that builds an index for what befell others.
 */
const harmed = (host: Host, collection: Collection, action: Action, sample: Sample): boolean =>
  strategyNamed(action.strategy_name).mayWorsen !== false &&
  worsened(action.initial_lambda, sample.reading.lambda, collection.settings.abort_ratio) &&
  !fellBeside(host, collection, action, sample);

function judgeSlice(host: Host, collection: Collection, action: Action, sample: Sample): Action {
  if (action.progress.undoing_slice !== undefined) return action;
  const { lambda } = sample.reading;
  if (harmed(host, collection, action, sample)) {
    // Without an undo there is no slice to take back, and a build is of no slice: its job goes on
    // while others come and go. What is under way is stopped and cleared up.
    if (!action.reversible || builds(action)) {
      return beginRollback(
        host,
        collection,
        updateAction(host, action, { failure: "worsened" }),
        "failed",
        `lambda fell from ${lambdaText(action.initial_lambda)} to ${lambdaText(lambda)}`,
      );
    }
    recordActionEvent(
      host,
      action,
      "slice_undone",
      `lambda fell from ${lambdaText(action.initial_lambda)} to ${lambdaText(lambda)}: slice ` +
        `${action.slices} is undone`,
      { lambda },
    );
    return updateAction(host, action, {
      progress: { ...action.progress, undoing_slice: action.slices },
      message: `lambda fell to ${lambdaText(lambda)}; undoing slice ${action.slices}`,
    });
  }
  // 1 is reached at WHOLE: what is missing is rounding.
  if (
    lambda !== null &&
    lambda >= Math.min(action.target_lambda, WHOLE) &&
    (action.progress.rows ?? 0) > 0
  ) {
    return beginStabilizing(
      host,
      collection,
      action,
      `target reached: lambda ${lambdaText(lambda)}`,
    );
  }
  if (action.progress.done)
    return beginStabilizing(host, collection, action, "the plan is carried out");
  const strategy = strategyNamed(action.strategy_name);
  const progress =
    strategy.describeProgress?.(knownTo(strategy, action)) ??
    `${count(action.progress.rows ?? 0, "row")} of ${action.plan.rows} moved`;
  return updateAction(host, action, {
    slices: action.slices + 1,
    // While a batch waits for another try, its reason says more than the progress.
    ...(action.failures === 0 && { message: `${progress}, lambda ${lambdaText(lambda)}` }),
  });
}

function verify(host: Host, collection: Collection, action: Action, sample: Sample): Action {
  if (action.stabilize_until !== null && action.now < action.stabilize_until) return action;
  if (sensesOldTraffic(sample.snapshot, collection))
    return updateAction(host, action, {
      message: "waits until the traffic since the last move was measured",
    });
  const old = notYetMeasured(host, collection, action, sample);
  if (old.length > 0)
    return updateAction(host, action, {
      // A name in quotes begins with them.
      message: `waits until searches ${named(
        old.map((one) => (one.startsWith("WHERE ") ? one : `by ${one}`)),
      )} were measured since`,
    });
  const { lambda } = sample.reading;
  const ratio = collection.settings.verify_ratio;
  const verification = verifyHarm(host, collection, action, sample);
  const stopped = action.progress.stopped ? `; ${action.progress.stopped}` : "";
  const went = `lambda ${lambdaText(action.initial_lambda)} -> ${lambdaText(lambda)}`;
  const failed = (failure: string, reason: string): Action =>
    overturn(host, collection, action, { lambda, verification, failure, reason });
  const { worse: harms, meanwhile: others, mended = [] } = verification;
  const fell = others.length > 0 ? `; meanwhile ${list(others)}` : "";
  // What holds lambda down is not its doing, and its undo would mend nothing: a rebuild that had
  // healed its index was undone for another that fell.
  const didItsPart = mended.length > 0 && others.length > 0 && harms.length === 0;
  const isUp = improved(action.initial_lambda, lambda, ratio);
  if (isUp || didItsPart) {
    // It helped, and something else is worse for it.
    if (harms.length > 0) return failed("vetoed", `vetoed: ${harms.join("; ")}; ${went}`);
    const strategy = strategyNamed(action.strategy_name);
    const vain = strategy.inVain?.(knownTo(strategy, action)) ?? null;
    // Lambda rose, and not by it: an outcome that counts against the strategy.
    if (vain !== null) return failed("in_vain", `in vain: ${vain}; ${went} all the same`);
    return endAction(host, action, {
      state: "succeeded",
      verified: true,
      final_lambda: lambda,
      metrics: { verification },
      message: `verified: ${isUp ? "" : `${named(mended)}; `}${went}${stopped}${isUp ? "" : fell}`,
    });
  }
  const wanting = `${went}, wanted more than ${short(ratio)} times the initial one${stopped}`;
  const worse = harmed(host, collection, action, sample);
  // What it did to searches is what keeps lambda down: that says more than lambda does.
  return harms.length > 0 && !worse
    ? failed("vetoed", `vetoed: ${harms.join("; ")}; ${wanting}${fell}`)
    : failed(worse ? "worsened" : "unverified", `not verified: ${wanting}${fell}`);
}

/** Why an action is not verified. */
interface NotVerified {
  readonly lambda: number | null;
  readonly verification: Verification;
  readonly failure: string;
  readonly reason: string;
}

/** What can be undone of it is; of the rest people are told. */
function overturn(
  host: Host,
  collection: Collection,
  action: Action,
  { lambda, verification, failure, reason }: NotVerified,
): Action {
  const judged = updateAction(host, action, {
    verified: false,
    final_lambda: lambda,
    metrics: { verification },
    failure,
  });
  return beginRollback(host, collection, judged, "rolled_back", reason);
}

/** What was not found where it had been put. */
function missed(host: Host, collection: Collection, action: Action, gone: number): string {
  if (gone === 0) return "";
  const { describeGone } = strategyNamed(action.strategy_name);
  if (describeGone) return describeGone(gone);
  const keys = readPartitions(host, collection.relid).flatMap(({ values }) => values);
  return goneFrom(host, action).some((key) => !keys.includes(key))
    ? `${count(gone, "row")} deleted since, or taken out of the table with their partition`
    : `${count(gone, "row")} deleted since`;
}

function endUndo(
  host: Host,
  collection: Collection,
  action: Action,
  lambda: number | null,
): Action {
  const { steps_left, rows_left, gone, elsewhere, conflicts } = undoSummary(host, action);
  const conflict =
    strategyNamed(action.strategy_name).describeConflicts?.(conflicts) ??
    `${count(conflicts, "row")} left where they are: their place is taken`;
  const kept =
    !action.reversible && action.verified === false
      ? `${action.strategy_name} cannot be undone: what it made stays`
      : "";
  const rest = [
    kept,
    missed(host, collection, action, gone),
    elsewhere > 0 ? `${count(elsewhere, "row")} put into another partition since, left there` : "",
    conflicts > 0 ? conflict : "",
  ]
    .filter(Boolean)
    .join("; ");
  if (steps_left > 0) {
    if (newestStep(host, action, null) === null)
      return endWithRows(host, collection, action, lambda, rest);
    if (action.deadline === null || action.now <= action.deadline) return action;
    // Journals of other strategies are of settings, jobs, indexes.
    const what = "moves" in action.plan ? "row" : "change";
    return endAction(host, action, {
      state: "rollback_failed",
      final_lambda: lambda,
      message: action.reversible
        ? `undo not finished in time: ${count(rows_left, what)} left; type SELECT ` +
          `ruvector_healing_rollback(${sqlLiteral(action.collection)}, ${action.id}); to go on`
        : "what it left was not cleared up in time; the loop goes on with that: " +
          `${action.rollback_reason ?? "asked for"}`,
    });
  }
  return endAction(host, action, {
    state: action.rollback_to ?? "rolled_back",
    final_lambda: lambda,
    message: [
      `${action.reversible ? "undone" : "ended and cleared up"}: ` +
        `${action.rollback_reason ?? "asked for"}`,
      rest,
    ]
      .filter(Boolean)
      .join("; "),
  });
}
