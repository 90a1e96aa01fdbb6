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

/** Columns that take a value as it is given, and its type in SQL. */
const PLAIN = {
  slices: "int",
  failures: "int",
  rollback_reason: "text",
  rollback_to: "text",
  verified: "boolean",
  failure: "text",
  final_lambda: "float8",
  replaced_by: "bigint",
  message: "text",
} as const satisfies Partial<Record<keyof ActionChange, string>>;

const set = (column: string, value: Sql): Sql => sql`${raw(column)} = ${value}`;

const secondsFromNow = (column: string, seconds: number | undefined): Sql[] =>
  seconds === undefined
    ? []
    : [set(column, sql`clock_timestamp() + make_interval(secs => ${seconds}::float8)`)];

/** An action begins with its first batch, and ends with a state that is none of the active ones. */
function ofState(state: Action["state"] | undefined): Sql[] {
  if (state === undefined) return [];
  return [
    set("state", sql`${state}`),
    ...(state === "executing"
      ? [set("started_at", sql`coalesce(started_at, clock_timestamp())`)]
      : []),
    set("finished_at", !isActive(state) ? sql`clock_timestamp()` : sql`NULL::timestamptz`),
  ];
}

function ofAnswer({ approved, rejected }: ActionChange | ActionEnd): Sql[] {
  return [
    ...(approved ? [sql`approved_at = clock_timestamp(), approved_by = session_user`] : []),
    ...(rejected
      ? [
          sql`rejected_at = clock_timestamp(), rejected_by = session_user,
            rejection_reason = ${rejected.reason}`,
        ]
      : []),
  ];
}

function ofPlan(replanned: ActionChange["replanned"]): Sql[] {
  if (!replanned) return [];
  const { plan, problem, start } = replanned;
  return [
    sql`
      plan = ${JSON.stringify(plan)}::jsonb, problem = ${JSON.stringify(problem)}::jsonb,
        predicted_lambda = ${plan.predicted_lambda}::float8,
      initial_lambda = ${start.lambda}::float8,
        initial_state = ${INTEGRITY_STATES.indexOf(start.state)}::smallint,
      witness_edges = ${JSON.stringify(start.witness)}::jsonb,
        system_metrics = ${JSON.stringify(start.metrics)}::jsonb`,
  ];
}

/** What of the row is set. */
function assignments(change: ActionChange | ActionEnd): Sql[] {
  const { progress, metrics } = change;
  const plain = Object.entries(PLAIN).flatMap(([column, type]) => {
    const value = change[column as keyof typeof PLAIN];
    return value === undefined ? [] : [set(column, sql`${value}::${raw(type)}`)];
  });
  return [
    sql`updated_at = clock_timestamp()`,
    ...ofState(change.state),
    ...(progress === undefined ? [] : [set("progress", sql`${JSON.stringify(progress)}::jsonb`)]),
    ...plain,
    ...ofAnswer(change),
    ...ofPlan(change.replanned),
    ...(metrics === undefined
      ? []
      : [set("system_metrics", sql`system_metrics || ${JSON.stringify(metrics)}::jsonb`)]),
    ...secondsFromNow("stabilize_until", change.stabilize_in),
    ...secondsFromNow("deadline", change.deadline_in),
  ];
}

function write(host: Host, action: Action, change: ActionChange | ActionEnd): Action {
  const changed = host.one<Action>(
    sql`UPDATE ruvector.healing_actions SET ${join(assignments(change), ", ")}
      WHERE id = ${action.id}::bigint RETURNING ${COLUMNS}`,
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
