/** How the cold partition that was made is taken back. */
import type { Host } from "../../host/host.ts";
import type { Action, Step, UndoResult } from "../../model/action.ts";
import type { MovesProgress } from "../moving-rows/carry-out.ts";
import type { BatchContext } from "../strategy.ts";
import { recordActionEvent } from "../../store/actions.ts";
import {
  dropColdPartition,
  findMade,
  type MadePartition as Made,
  olderReader,
  silentStandby,
  transactionId,
} from "./cold-partition.ts";
import type { EvictPlan } from "./plan.ts";

export const MADE = "made_partition";

/** The cold partition that was made first; of its journal one entry is left while it is unmade. */
export interface MadePartition {
  readonly kind: typeof MADE;
  readonly details: Made;
  readonly journal: readonly Unmaking[];
}

/** Its name, how often its lock was tried for, and the transaction that its drop stands behind. */
type Unmaking = readonly [qualified: string, tries?: number, xid?: string];

/**
 * How often a lock for dropping an empty partition is tried for; it harms nobody where it stays.
 */
const DROP_TRIES = 20;

/** Seconds before the end of an undo at which it is no longer waited for older snapshots. */
const MARGIN_SECONDS = 60;

/**
 * Rows that went back may have done so in this very transaction: the partition is dropped in a
 * later one, when nobody can have a snapshot from before any more. Until then it stays, empty.
 */
export function unmake(
  { host, collection, action }: BatchContext<EvictPlan, MovesProgress>,
  { details, journal }: Step<MadePartition>,
): UndoResult<Unmaking> {
  const made = findMade(host, collection, details);
  if (made === null) return OVER;
  if (!made.attached) return stays(host, action, made.qualified, "it is no partition any more");
  const [, tries = 0, xid] = journal[0] ?? [made.qualified];
  const later = (waiting: string, next: number, since: string): UndoResult<Unmaking> => ({
    remaining: [[made.qualified, next, since]],
    undone: 0,
    gone: 0,
    conflicts: 0,
    waiting,
  });
  if (xid === undefined)
    return later(
      `the empty partition ${made.label} is dropped with the next tick`,
      tries,
      transactionId(host),
    );
  const reader = olderReader(host, xid);
  if (
    reader !== null &&
    (action.deadline === null || action.now < action.deadline - MARGIN_SECONDS)
  ) {
    return later(
      `the empty partition ${made.label} stays for an older snapshot: ${reader}`,
      tries,
      xid,
    );
  }
  const standby = reader === null ? silentStandby(host) : null;
  const dropUnlessRead = () =>
    standby === null ? dropColdPartition(host, collection, made) : "unknown";
  const outcome = reader === null ? dropUnlessRead() : "needed";
  if (outcome === "busy" && tries < DROP_TRIES)
    return later(`the lock to drop the empty partition ${made.label} was not free`, tries + 1, xid);
  if (outcome !== "dropped") {
    const why = {
      busy: "the lock to drop it was never free",
      needed: `an older snapshot needs it: ${reader}`,
      unknown: `standby ${standby} does not say what is read on it (hot_standby_feedback)`,
      kept: "it holds rows",
      refused: "something depends on it (a view, say), or an event trigger keeps it",
    }[outcome];
    return stays(host, action, made.qualified, why);
  }
  return OVER;
}

const OVER = { remaining: [], undone: 0, gone: 0, conflicts: 0 } as const;

function stays(host: Host, action: Action, partition: string, why: string): UndoResult<Unmaking> {
  host.log(`action ${action.id}: ${partition} stays: ${why}`);
  recordActionEvent(host, action, "partition_stays", `${partition} stays: ${why}`, {
    partition,
    hint: `When nobody needs it: DROP TABLE ${partition};`,
  });
  return OVER;
}
