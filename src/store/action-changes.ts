/** How the row of an action changes. */
import sql, { type Sql, join, raw } from "sql-template-tag";
import type { Host } from "../host/host.ts";
import {
  type Action,
  type ActiveState,
  type EndedState,
  isActive,
  type Plan,
  type Progress,
} from "../model/action.ts";
import { type ActionMetrics, INTEGRITY_STATES, type Problem } from "../model/problem.ts";
import { COLUMNS, type ActionStart, recordActionEvent } from "./actions.ts";

/** What of an action changes. */
export interface ActionChange {
  /** Approved or rejected by the session's role, now. */
  readonly approved?: boolean;
  readonly rejected?: { readonly reason: string | null };
  readonly replaced_by?: string;
  /** Planned anew from the state of now: what it is verified against is what it begins with. */
  readonly replanned?: {
    readonly plan: Plan;
    readonly problem: Problem;
    readonly start: ActionStart;
  };
  /** What is known of it beside what is kept. */
  readonly metrics?: Partial<ActionMetrics>;
  readonly state?: ActiveState;
  readonly progress?: Progress;
  readonly slices?: number;
  readonly failures?: number;
  readonly rollback_reason?: string;
  readonly rollback_to?: Action["rollback_to"];
  readonly verified?: boolean;
  readonly failure?: string;
  readonly final_lambda?: number | null;
  readonly message?: string;
  /** Seconds from now. */
  readonly stabilize_in?: number;
  readonly deadline_in?: number;
}

/** How it ends. */
export type ActionEnd = Omit<ActionChange, "state"> & { readonly state: EndedState };

/** Changes an action that goes on; times are set by its state. Returns the row as it is then. */
export const updateAction = (host: Host, action: Action, change: ActionChange): Action =>
  write(host, action, change);

/**
 * The row of an action that ends, and the circuit breaker with it. What else belongs to an end is
 * in execute/end.ts, by which all actions end.
 */
export function closeAction(host: Host, action: Action, end: ActionEnd): Action {
  const closed = write(host, action, end);
  host.query(sql`SELECT ruvector.healing_breaker_update()`);
  return closed;
}

function write(host: Host, action: Action, change: ActionChange | ActionEnd): Action {
  const parts: Sql[] = [sql`updated_at = clock_timestamp()`];
  const set = (column: string, value: Sql) => parts.push(sql`${raw(column)} = ${value}`);
  if (change.state !== undefined) {
    set("state", sql`${change.state}`);
    if (change.state === "executing")
      set("started_at", sql`coalesce(started_at, clock_timestamp())`);
    set("finished_at", !isActive(change.state) ? sql`clock_timestamp()` : sql`NULL::timestamptz`);
  }
  if (change.progress !== undefined)
    set("progress", sql`${JSON.stringify(change.progress)}::jsonb`);
  if (change.slices !== undefined) set("slices", sql`${change.slices}::int`);
  if (change.failures !== undefined) set("failures", sql`${change.failures}::int`);
  if (change.rollback_reason !== undefined) set("rollback_reason", sql`${change.rollback_reason}`);
  if (change.rollback_to !== undefined) set("rollback_to", sql`${change.rollback_to}`);
  if (change.verified !== undefined) set("verified", sql`${change.verified}::boolean`);
  if (change.failure !== undefined) set("failure", sql`${change.failure}`);
  if (change.final_lambda !== undefined) set("final_lambda", sql`${change.final_lambda}::float8`);
  if (change.approved) parts.push(sql`approved_at = clock_timestamp(), approved_by = session_user`);
  if (change.rejected)
    parts.push(
      sql`rejected_at = clock_timestamp(), rejected_by = session_user,
        rejection_reason = ${change.rejected.reason}`,
    );
  if (change.replaced_by !== undefined) set("replaced_by", sql`${change.replaced_by}::bigint`);
  if (change.replanned) {
    const { plan, problem, start } = change.replanned;
    parts.push(sql`
      plan = ${JSON.stringify(plan)}::jsonb, problem = ${JSON.stringify(problem)}::jsonb,
        predicted_lambda = ${plan.predicted_lambda}::float8,
      initial_lambda = ${start.lambda}::float8,
        initial_state = ${INTEGRITY_STATES.indexOf(start.state)}::smallint,
      witness_edges = ${JSON.stringify(start.witness)}::jsonb,
        system_metrics = ${JSON.stringify(start.metrics)}::jsonb`);
  }
  if (change.metrics !== undefined)
    set("system_metrics", sql`system_metrics || ${JSON.stringify(change.metrics)}::jsonb`);
  if (change.message !== undefined) set("message", sql`${change.message}`);
  if (change.stabilize_in !== undefined)
    set(
      "stabilize_until",
      sql`clock_timestamp() + make_interval(secs => ${change.stabilize_in}::float8)`,
    );
  if (change.deadline_in !== undefined)
    set("deadline", sql`clock_timestamp() + make_interval(secs => ${change.deadline_in}::float8)`);
  const changed = host.one<Action>(
    sql`UPDATE ruvector.healing_actions SET ${join(parts, ", ")} WHERE id = ${action.id}::bigint
      RETURNING ${COLUMNS}`,
  );
  if (change.state !== undefined && change.state !== action.state) {
    recordActionEvent(
      host,
      changed,
      change.state,
      change.message ?? `${action.state} -> ${change.state}`,
      {
        from: action.state,
        to: change.state,
        lambda: change.final_lambda ?? null,
      },
    );
  }
  return changed;
}
