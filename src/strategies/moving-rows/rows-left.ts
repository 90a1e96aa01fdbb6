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
  return COST_KEYS.reduce((least, key) => {
    const each =
      spent.rows > 0 ? spent[key] / spent.rows : planned.rows > 0 ? planned[key] / planned.rows : 0;
    return each > 0
      ? Math.min(least, Math.floor((allowance.limits[key] - spent[key]) / each))
      : least;
  }, wanted);
}
