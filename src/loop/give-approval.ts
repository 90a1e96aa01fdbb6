/**
 * Approval is bound to the state it is given for. When it is given, and again when an approved
 * action begins later (in a maintenance window), the strategy plans anew on a fresh sample: the
 * same state begins with the new plan, another one asks again under a number of its own.
 */
import { endAction } from "../execute/end.ts";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { utc } from "../base/text.ts";
import { windowNow } from "../select/window-now.ts";
import type { Sample } from "../sense/sample.ts";
import { type Recheck, recheck } from "./recheck.ts";

/**
 * Approves an action in the state it shows. Outside the maintenance windows it begins with the next
 * one.
 */
export function giveApproval(
  host: Host,
  collection: Collection,
  action: Action,
  sample: Sample,
): Recheck {
  const window = windowNow(host, collection);
  if (window === null || window.open)
    return recheck(
      { host, collection, action, sample },
      {
        state: "planned",
        approved: true,
        message: "approved",
      },
    );
  const opens = window.opens_at;
  return recheck(
    { host, collection, action, sample },
    {
      state: "planned",
      approved: true,
      progress: { ...action.progress, waits_for_window: true },
      // An hour into it, if ticks are late.
      deadline_in:
        opens === null ? collection.settings.approval_ttl_seconds : opens - action.now + 3600,
      message:
        opens === null
          ? "approved; no maintenance window is open, and none is known to open"
          : `approved; begins with the maintenance window that opens at ${utc(opens)}`,
    },
  );
}

/**
 * An approved action that waits for a window: begins with the next tick once one is open, if the
 * state is still the one it was approved for.
 */
export function beginInWindow(
  host: Host,
  collection: Collection,
  action: Action,
  sample: Sample,
): void {
  const window = windowNow(host, collection);
  if (window !== null && !window.open) {
    if (action.deadline !== null && action.now > action.deadline) {
      endAction(host, action, {
        state: "expired",
        message: "approved, but no maintenance window opened in time",
      });
    }
    return;
  }
  if (sample.reading.lambda === null) return;
  const { waits_for_window: _, ...progress } = action.progress;
  recheck(
    { host, collection, action, sample },
    {
      progress,
      message: "approved; the maintenance window is open",
    },
  );
}
