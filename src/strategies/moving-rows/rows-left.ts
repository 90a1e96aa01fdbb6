/** The last batch before a limit of the action: how many rows still fit. */
import type { Action } from "../../model/action.ts";
import { COST_KEYS, type Cost } from "../../model/cost.ts";

/**
 * Rows that still fit, at what a row has cost so far, or was planned to cost: the last batch before
 * the limit is a smaller one.
 */
export function rowsLeft({ progress: { spent, allowance }, plan }: Action, wanted: number): number {
  if (!spent || !allowance) return wanted;
  const planned: Cost = {
    rows: plan.rows_moved ?? 0,
    bytes: plan.bytes,
    wal_bytes: plan.wal_bytes,
  };
  const known = spent.rows > 0 ? spent : planned;
  return COST_KEYS.reduce((least, key) => {
    const each = known.rows > 0 ? known[key] / known.rows : 0;
    return each > 0
      ? Math.min(least, Math.floor((allowance.limits[key] - spent[key]) / each))
      : least;
  }, wanted);
}
