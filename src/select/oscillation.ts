/** A -> B -> A: whether a plan would take back what was moved lately. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Plan } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";

export interface PlannedMove {
  readonly from: string;
  readonly to: string;
  readonly rows: number;
}

/** Rows that went from one partition to another lately and are there still. */
export interface RecentMove extends PlannedMove {
  readonly action_id: string;
  /** Seconds since 1970. */
  readonly at: number;
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
  return reversal(
    moves,
    host.query<RecentMove>(sql`
    SELECT s.details ->> 'from' AS "from", s.details ->> 'to' AS "to",
      sum(s.rows - s.undone - s.gone - s.elsewhere)::float8 AS rows,
           max(s.action_id)::text AS action_id, extract(epoch FROM max(s.executed_at))::float8 AS at
      FROM ruvector.healing_actions a JOIN ruvector.healing_steps s ON s.action_id = a.id
     WHERE a.collection_id = ${id}::int AND s.kind = 'move_rows'
       AND s.executed_at > clock_timestamp()
         - make_interval(secs => ${settings.oscillation_window_seconds}::float8)
     GROUP BY 1, 2`),
  );
}
