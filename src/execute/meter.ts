/**
 * The blast radius while an action is at work: what it wrote is added up batch by batch, what it
 * may write is read anew with each slice (others write too), and it stops where the next batch
 * would go beyond. Undoing is never measured against anything.
 */
import { updateAction } from "../store/action-changes.ts";
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Action, NewStep } from "../model/action.ts";
import { type Allowance, COST_KEYS, type Cost, NO_COST, plus } from "../model/cost.ts";
import type { Collection } from "../model/collection.ts";
import { HealingError } from "../base/errors.ts";
import { bytes, count } from "../base/text.ts";
import { readScopes } from "../select/blast-radius.ts";
import { recordActionEvent } from "../store/actions.ts";
import { beginRollback, beginStabilizing } from "./transitions.ts";

export interface Meter {
  readonly spent: Cost;
  readonly allowance: Allowance;
}

/**
 * What an action wrote and may write in all. Read from the tables once a slice; in between the last
 * reading stands.
 */
export function readMeter(host: Host, collection: Collection, action: Action): Meter | null {
  // A person named the strategy: what it writes is journaled, and counts for others.
  if (action.origin === "execute") return null;
  const { spent, allowance } = action.progress;
  if (spent && allowance && allowance.slice === action.slices) return { spent, allowance };
  const scopes = readScopes(host, collection, action.id);
  const own = scopes[0]!.used;
  const least = (key: keyof Cost): { limit: number; setting: string } =>
    scopes
      .map(({ name, limits, used, settings }) => ({
        // What others wrote leaves so much for this action in all.
        limit: name === "action" ? limits[key] : limits[key] - used[key] + own[key],
        setting: settings[key],
      }))
      .reduce((a, b) => (b.limit < a.limit ? b : a));
  const [rows, written, log] = COST_KEYS.map(least) as [
    ReturnType<typeof least>,
    ReturnType<typeof least>,
    ReturnType<typeof least>,
  ];
  return {
    spent: own,
    allowance: {
      slice: action.slices,
      limits: { rows: rows.limit, bytes: written.limit, wal_bytes: log.limit },
      settings: { rows: rows.setting, bytes: written.setting, wal_bytes: log.setting },
    },
  };
}

const NAMES: Readonly<Record<keyof Cost, string>> = {
  rows: "rows moved",
  bytes: "written",
  wal_bytes: "of log written",
};

/**
 * Which limit there is no room under for one more row; null: none. A limit that is no number is
 * used up.
 */
export function usedUp(action: Action, meter: Meter | null): string | null {
  if (!meter) return null;
  const { spent, allowance } = meter;
  for (const key of COST_KEYS) {
    // What is planned to write none of it is not stopped by it.
    if (!((key === "rows" ? (action.plan.rows_moved ?? 0) : action.plan[key]) > 0)) continue;
    const next = spent.rows > 0 ? spent[key] / spent.rows : 0;
    if (!(spent[key] + next <= allowance.limits[key]) || !(spent[key] < allowance.limits[key])) {
      const amount = (value: number) => (key === "rows" ? String(value) : bytes(value));
      return (
        `${amount(spent[key])} ${NAMES[key]}, and ${allowance.settings[key]} leaves ` +
        amount(Math.max(0, allowance.limits[key]))
      );
    }
  }
  return null;
}

/**
 * What a strategy sizes its batch by is this slice's reading, not the one that was kept with the
 * batch before: a limit may have shrunk since.
 */
export const metered = (action: Action, meter: Meter | null): Action =>
  meter === null ? action : { ...action, progress: { ...action.progress, ...meter } };

/** Progress as the engine keeps it beside the strategy's own. */
export const spend = (meter: Meter | null, steps: readonly NewStep[]): Partial<Meter> =>
  meter === null
    ? {}
    : {
        allowance: meter.allowance,
        spent: steps.reduce(
          (sum, step) =>
            plus(sum, {
              ...NO_COST,
              rows: step.rows,
              bytes: step.bytes ?? 0,
              wal_bytes: step.wal_bytes ?? 0,
            }),
          meter.spent,
        ),
      };

/**
 * What was done stays for verification to judge; where nothing was done there is nothing to judge,
 * and nothing to learn.
 */
export function stopAtRadius(
  host: Host,
  collection: Collection,
  action: Action,
  used: string,
): Action {
  const reason = `stopped at its blast radius: ${used}`;
  recordActionEvent(host, action, "stopped", reason, {
    spent: action.progress.spent ?? null,
    allowance: action.progress.allowance ?? null,
  });
  const stopped = updateAction(host, action, { progress: { ...action.progress, stopped: reason } });
  if ((action.progress.rows ?? 0) > 0) return beginStabilizing(host, collection, stopped, reason);
  return beginRollback(host, collection, stopped, "aborted", reason);
}

/** Relations that this session has locked above ACCESS SHARE, beside our own few. */
export const relationLocks = (host: Host): number =>
  host.one<{ held: number }>(sql`SELECT ruvector.healing_relations_held() AS held`).held;

/** @throws HealingError RV011: the batch is taken back, and the action with it */
export function checkLocks({ settings }: Collection, { origin }: Action, held: number): void {
  if (origin === "execute" || held <= settings.max_locks_per_action) return;
  throw new HealingError(
    "remedy_refused",
    `a batch locked ${count(held, "relation")}, max_locks_per_action is ` +
      `${settings.max_locks_per_action}`,
  );
}
