/** When leases end; what each puts back is its strategy's. */
import type { Host } from "../host/host.ts";
import type { Lease } from "../model/lease.ts";
import { closeLease, dueLeases, duePauses, leasesBeforeSettings } from "../store/leases.ts";
import { strategyNamed } from "../strategies/registry.ts";

function endLease(host: Host, lease: Lease, reason: string): boolean {
  const { endLease: putBack } = strategyNamed(lease.strategy_name);
  if (!putBack) throw new TypeError(`${lease.strategy_name} grants leases and has no endLease`);
  return closeLease(host, lease, putBack, reason);
}

/**
 * Ends the leases of a healing that is switched off. Those granted since the settings last changed
 * stay to their time: they were asked for by a human who knew.
 */
export function endDisabledLeases(host: Host, collectionId: number): void {
  for (const lease of leasesBeforeSettings(host, collectionId))
    endLease(host, lease, "healing was switched off");
}

const OVER = "its time is over";

/**
 * Ends the leases of a collection whose time is over, or all of them. Returns how many are left
 * that should have ended.
 */
export const endDueLeases = (host: Host, collectionId: number, all: string | null): number =>
  dueLeases(host, collectionId, all !== null).filter((lease) => !endLease(host, lease, all ?? OVER))
    .length;

/**
 * Without the collection's lock, which somebody may hold for as long as they like: jobs that are
 * paused run again when their time is over. Other leases end by themselves where writers meet them.
 * What that session holds of these is left to it, not waited for.
 */
export function endDuePauses(host: Host, collectionId: number): void {
  for (const lease of duePauses(host, collectionId)) endLease(host, lease, OVER);
}
