/** A -> B -> A: whether a plan would take back what was moved lately. */
import { type RecentMove, recentMoves } from "../store/moved-rows.ts";
import type { Host } from "../host/host.ts";
import type { Plan } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";

export interface PlannedMove {
  readonly from: string;
  readonly to: string;
  readonly rows: number;
}

export interface Reversal {
  /** Rows of the plan that would go back, and all of its rows. */
  readonly rows: number;
  readonly of: number;
  /** The latest action that it would take back. */
  readonly action_id: string;
  readonly at: number;
}

/** How much of the planned moves goes the way back of recent ones; null: nothing does. */
export function reversal(
  planned: readonly PlannedMove[],
  recent: readonly RecentMove[],
): Reversal | null {
  // Several moves may go the same way: together they take back no more than there is.
  const ways = new Map<string, PlannedMove>();
  for (const move of planned) {
    const way = JSON.stringify([move.from, move.to]);
    ways.set(way, { ...move, rows: move.rows + (ways.get(way)?.rows ?? 0) });
  }
  const back = [...ways.values()].flatMap(({ from, to, rows }) =>
    recent
      .filter((one) => one.from === to && one.to === from && one.rows > 0)
      .map((one) => ({ ...one, rows: Math.min(rows, one.rows) })),
  );
  const latest = back.sort((a, b) => b.at - a.at)[0];
  if (!latest) return null;
  return {
    rows: back.reduce((sum, { rows }) => sum + rows, 0),
    of: planned.reduce((sum, { rows }) => sum + rows, 0),
    action_id: latest.action_id,
    at: latest.at,
  };
}

export function readReversal(
  host: Host,
  { id, settings }: Collection,
  plan: Plan,
): Reversal | null {
  const moves = (plan as { moves?: readonly PlannedMove[] }).moves;
  if (!moves || moves.length === 0) return null;
  return reversal(moves, recentMoves(host, id, settings.oscillation_window_seconds));
}
