import type { Host } from "../host/host.ts";
import type { Change, Step, UndoResult } from "../model/action.ts";
import { closeLease, openLeases, type PutBack } from "../store/leases.ts";

/** A change that a lease stands for. */
export interface LeaseGranted extends Change {
  readonly journal: readonly { readonly lease: string }[];
}

/**
 * Undoes a step whose journal is `[{lease}]`: ends the lease, unless that happened already. What
 * cannot be put back now (a lock) remains for the next tick.
 */
export function undoLease(
  host: Host,
  { journal }: Step<LeaseGranted>,
  actionId: string,
  putBack: PutBack,
): UndoResult<LeaseGranted["journal"][number]> {
  const remaining = journal.filter(({ lease }) => {
    const open = openLeases(host, actionId).find(({ id }) => id === lease);
    return open !== undefined && !closeLease(host, open, putBack, "its action was undone");
  });
  return { remaining, undone: journal.length - remaining.length, gone: 0, conflicts: 0 };
}
