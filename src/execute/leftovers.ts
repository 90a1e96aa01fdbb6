/**
 * What an action that cannot be undone left behind (an invalid index of a REINDEX that was cut
 * short) is cleared up after it has ended, too: the time for its undo may be over before a job
 * could drop it (a clock that jumped, a server that was down), and there is no rollback that a
 * person could type.
 */
import { isOpen, jobsOf } from "../store/jobs.ts";
import { updateAction } from "../store/action-changes.ts";
import { keepUndo, newestStep, undoSummary } from "../store/steps.ts";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import { HealingError } from "../base/errors.ts";
import { actionById, withLeftovers } from "../store/actions.ts";
import { strategyNamed } from "../strategies/registry.ts";
import { knownTo } from "../strategies/strategy.ts";

/** Seconds between two tries: a job that fails each time is not started every minute. */
const PAUSE = 300;

/** One look at each such action. */
export function clearLeftovers(host: Host, collection: Collection): void {
  for (const id of withLeftovers(host, collection.id, PAUSE)) clearOne(host, collection, id);
}

function clearOne(host: Host, collection: Collection, id: string): void {
  const action = actionById(host, id);
  // One that is on its way is watched by sweepJobs.
  if (jobsOf(host, id).some(isOpen)) return;
  const strategy = strategyNamed(action.strategy_name);
  for (let step = newestStep(host, action, null); step; step = newestStep(host, action, null)) {
    const current = step;
    try {
      const undone = host.atomic(() =>
        strategy.undoStep({ host, collection, action: knownTo(strategy, action) }, current),
      );
      keepUndo(host, current, undone);
      if ((undone.left ?? undone.remaining.length) > 0) return;
    } catch (error) {
      // pg_cron is missing or full, or something is locked: the next look tries again.
      if (error instanceof HealingError) return;
      throw error;
    }
  }
  if (undoSummary(host, action).steps_left === 0)
    updateAction(host, action, {
      message: `cleared up after its time: ${action.rollback_reason ?? "asked for"}`,
    });
}
