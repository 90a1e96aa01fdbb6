import type { Host } from "../host/host.ts";
import type { Step, UndoResult } from "../model/action.ts";
import { closeLease, openLeases, type PutBack } from "../store/leases.ts";

/**
 * Undoes a step whose journal is `[{lease}]`: ends the lease, unless that happened already. What
 * cannot be put back now (a lock) remains for the next tick.
 */
export function undoLease(host: Host, step: Step, actionId: string, putBack: PutBack): UndoResult {
  const remaining = (step.journal as readonly { readonly lease: string }[]).filter(({ lease }) => {
    const open = openLeases(host, actionId).find(({ id }) => id === lease);
    return open !== undefined && !closeLease(host, open, putBack, "its action was undone");
  });
  return { remaining, undone: step.journal.length - remaining.length, gone: 0, conflicts: 0 };
}
