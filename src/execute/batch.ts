/** One bounded change of an action: the part of the state machine that touches the user's table. */
import { updateAction } from "../store/action-changes.ts";
import { insertStep, keepUndo, newestStep } from "../store/steps.ts";
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import { isTransient, SqlError, HealingError } from "../base/errors.ts";
import type { Action } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { beginRollback, beginStabilizing } from "./transitions.ts";
import { recordActionEvent } from "../store/actions.ts";
import {
  checkLocks,
  metered,
  readMeter,
  relationLocks,
  spend,
  stopAtRadius,
  usedUp,
} from "./meter.ts";
import { strategyNamed } from "../strategies/registry.ts";
import { knownTo } from "../strategies/strategy.ts";
import { noRoom } from "./room.ts";
import { leaveRows, mustStay } from "./stay.ts";
import { searchFigures } from "./searches.ts";

export interface BatchOutcome {
  readonly action: Action;
  /** Another batch may follow at once: the slice has time left and the action has work. */
  readonly again: boolean;
}

/**
 * Of a small plan with short ticks the estimate is a second: a slice that rests for others, or a
 * machine that is busy, takes more, and a timeout suspends the strategy for an hour.
 */
const LEAST_TIMEOUT_SECONDS = 30;

/** Seconds that an action may take: twice the estimate, as the document has it. */
const timeoutOf = ({ plan }: Action): number =>
  Math.max(LEAST_TIMEOUT_SECONDS, 2 * plan.estimated_duration_seconds);

/**
 * Moves an action at most one batch on. The change, its journal and the action's progress are one
 * transaction: a crash loses all three or none.
 * @param sliceElapsed seconds since this slice began
 */
export function runBatch(
  host: Host,
  collection: Collection,
  action: Action,
  sliceElapsed: number,
): BatchOutcome {
  limitLockWaits(host, collection);
  switch (action.state) {
    case "planned": {
      const full = noRoom(host, action, collection.settings.max_active_actions);
      if (full) return { action: updateAction(host, action, { message: full }), again: false };
      // The clock starts now, not at approval.
      const started = updateAction(host, action, {
        state: "executing",
        deadline_in: timeoutOf(action),
        message: `executing ${action.strategy_name}`,
        metrics: { searches: searchFigures(host, collection, action) },
      });
      return execute(host, collection, started, sliceElapsed);
    }
    case "executing":
      return execute(host, collection, action, sliceElapsed);
    case "rolling_back":
      return undo(host, collection, action, null, sliceElapsed);
    default:
      return { action, again: false };
  }
}

/**
 * Nobody queues behind the loop for longer than lock_timeout_ms: healing_call restores the caller's
 * setting.
 */
function limitLockWaits(host: Host, collection: Collection): void {
  host.execute(
    sql`SELECT set_config('lock_timeout', ${`${collection.settings.lock_timeout_ms}ms`}, true)`,
  );
}

function execute(
  host: Host,
  collection: Collection,
  action: Action,
  sliceElapsed: number,
): BatchOutcome {
  if (action.deadline !== null && action.now > action.deadline) {
    const late = updateAction(host, action, { failure: "timeout" });
    return {
      action: beginRollback(
        host,
        collection,
        late,
        "failed",
        "timeout: not finished after " +
          `${Math.round(action.now - (action.started_at ?? action.now))} s`,
      ),
      again: false,
    };
  }
  if (action.progress.undoing_slice !== undefined)
    return undo(host, collection, action, action.progress.undoing_slice, sliceElapsed);
  if (action.progress.done) return { action, again: false };
  const strategy = strategyNamed(action.strategy_name);
  const meter = readMeter(host, collection, action);
  const used = usedUp(action, meter);
  if (used !== null && strategy.mayStop?.(knownTo(strategy, action)) !== false)
    return { action: stopAtRadius(host, collection, action, used), again: false };
  try {
    const result = host.atomic(() => {
      const held = relationLocks(host);
      const batch = strategy.executeBatch({
        host,
        collection,
        action: knownTo(strategy, metered(action, meter)),
      });
      checkLocks(collection, action, relationLocks(host) - held);
      for (const step of batch.steps) insertStep(host, action, step);
      return batch;
    });
    const changed = updateAction(host, action, {
      progress: { ...result.progress, ...spend(meter, result.steps) },
      failures: 0,
      ...(result.waiting !== undefined && { message: result.waiting }),
    });
    return {
      action: changed,
      again:
        !result.done &&
        result.waiting === undefined &&
        sliceElapsed < collection.settings.slice_seconds,
    };
  } catch (error) {
    return { action: failed(host, collection, action, error), again: false };
  }
}

function undo(
  host: Host,
  collection: Collection,
  action: Action,
  slice: number | null,
  sliceElapsed: number,
): BatchOutcome {
  if (slice === null && action.deadline !== null && action.now > action.deadline)
    return { action, again: false };
  const step = newestStep(host, action, slice);
  if (!step) {
    return slice === null
      ? { action, again: false }
      : {
          action: beginStabilizing(
            host,
            collection,
            action,
            `slice ${slice} lowered lambda and was undone`,
          ),
          again: false,
        };
  }
  const strategy = strategyNamed(action.strategy_name);
  try {
    const result = host.atomic(() => {
      const undone = strategy.undoStep(
        { host, collection, action: knownTo(strategy, action) },
        step,
      );
      if (undone.no_way_back === undefined) keepUndo(host, step, undone);
      return undone;
    });
    if (result.no_way_back !== undefined)
      return passOver(host, collection, action, slice, result.no_way_back);
    const rows = Math.max(0, (action.progress.rows ?? 0) - result.undone);
    const changed = updateAction(host, action, {
      progress: { ...action.progress, rows },
      failures: 0,
      ...(result.waiting !== undefined && { message: `undo waits: ${result.waiting}` }),
    });
    // What is left of this step is locked by others: the next tick tries again, older steps wait
    // for it.
    return {
      action: changed,
      again:
        (result.left ?? result.remaining.length) === 0 &&
        sliceElapsed < collection.settings.slice_seconds,
    };
  } catch (error) {
    if (mustStay(error))
      return {
        action: leaveRows(host, collection, action, strategy, error.document),
        again: false,
      };
    return { action: failed(host, collection, action, error), again: false };
  }
}

/**
 * Steps whose rows have no way back hold up no older ones. A slice that cannot be taken back whole
 * ends the action.
 */
function passOver(
  host: Host,
  collection: Collection,
  action: Action,
  slice: number | null,
  key: string,
): BatchOutcome {
  if (slice !== null) {
    const reason = `slice ${slice} lowered lambda, and no partition takes key ${key} any more`;
    return {
      action: beginRollback(host, collection, action, "failed", reason),
      again: false,
    };
  }
  const no_way_back = [...(action.progress.no_way_back ?? []), key];
  return {
    action: updateAction(host, action, { progress: { ...action.progress, no_way_back } }),
    again: true,
  };
}

/**
 * Locks and races get another try with the next tick; everything else, and too many tries, ends in
 * the undo.
 */
function failed(host: Host, collection: Collection, action: Action, error: unknown): Action {
  if (!(error instanceof SqlError || error instanceof HealingError)) throw error;
  const { sqlstate, message, detail } = error.document;
  const what = `${sqlstate}: ${message}`;
  const failures = action.failures + 1;
  if (action.state === "rolling_back") {
    // An undo is never given up before its deadline.
    return updateAction(host, action, { failures, message: `undo waits (${what})` });
  }
  if (isTransient(error) && failures <= collection.settings.max_retries) {
    return updateAction(host, action, {
      failures,
      message:
        `waits for the next tick, try ${failures} of ${collection.settings.max_retries} ` +
        `(${what})`,
    });
  }
  recordActionEvent(host, action, "error", what, { sqlstate, message, detail });
  return beginRollback(
    host,
    collection,
    updateAction(host, action, { failure: sqlstate }),
    "failed",
    what,
  );
}
