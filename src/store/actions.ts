/** The rows of ruvector.healing_actions. */
import type { WitnessEdge } from "../model/graph.ts";
import type { Considered } from "../model/selection.ts";
import sql, { type Sql, raw } from "sql-template-tag";
import { recordEvent } from "./events.ts";
import type { Host } from "../host/host.ts";
import { HealingError, SqlError } from "../base/errors.ts";
import {
  ACTIVE_STATES,
  type Action,
  type ActionState,
  PLACED_STATES,
  type Origin,
  type Plan,
  type PlanState,
} from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import {
  type ActionMetrics,
  type IntegrityState,
  INTEGRITY_STATES,
  type Problem,
} from "../model/problem.ts";

const epoch = (column: string): string => `extract(epoch FROM ${column})::float8 AS ${column}`;

/**
 * By the name that the table has now, while it is registered: that is what its statements are typed
 * with. The row keeps the one it had when the action was planned.
 */
const CALLED_NOW = `coalesce((SELECT format('%I.%I', c.schema_name, c.table_name)
  FROM ruvector.collections c WHERE c.collection_id = healing_actions.collection_id),
  healing_actions.collection) AS collection`;

export const COLUMNS = raw(
  [
    "id::text",
    "collection_id",
    CALLED_NOW,
    "state",
    "origin",
    "initiated_by",
    "problem_class",
    "problem",
    "considered",
    "strategy_name",
    "strategy_params",
    "reversible",
    "plan",
    "progress",
    "initial_lambda",
    "initial_state",
    "predicted_lambda",
    "target_lambda",
    "final_lambda",
    "witness_edges",
    "system_metrics",
    "slices",
    "failures",
    "rollback_reason",
    "rollback_to",
    "verified",
    "failure",
    "message",
    "plan_state",
    "fingerprint",
    "approved_by",
    "rejected_by",
    "rejection_reason",
    "replaced_by::text",
    ...[
      "approved_at",
      "rejected_at",
      "degraded_at",
      "created_at",
      "started_at",
      "stabilize_until",
      "deadline",
      "finished_at",
      "updated_at",
    ].map(epoch),
    "extract(epoch FROM clock_timestamp())::float8 AS now",
  ].join(", "),
);

const listed = (states: readonly ActionState[]): Sql =>
  raw(states.map((state) => `'${state}'`).join(", "));

/** The states of an action that is not over, as SQL. */
export const ACTIVE = listed(ACTIVE_STATES);

/** Of those, the states that take a place of max_active_actions. */
export const PLACED = listed(PLACED_STATES);

export function activeAction(host: Host, collectionId: number): Action | null {
  return (
    host.query<Action>(sql`
    SELECT ${COLUMNS} FROM ruvector.healing_actions WHERE collection_id = ${collectionId}::int
      AND state IN (${ACTIVE})`)[0] ?? null
  );
}

/**
 * The newest action of a collection that can be undone: what cannot, and what changed nothing, is
 * passed over.
 */
export function lastUndoable(host: Host, collectionId: number): Action | null {
  return (
    host.query<Action>(sql`
    SELECT ${COLUMNS} FROM ruvector.healing_actions
     WHERE collection_id = ${collectionId}::int
       AND state IN ('succeeded', 'failed', 'rollback_failed') AND reversible
       AND EXISTS (SELECT FROM ruvector.healing_steps s WHERE s.action_id = healing_actions.id
         AND s.undone_at IS NULL)
     ORDER BY healing_actions.id DESC LIMIT 1`)[0] ?? null
  );
}

/** @throws HealingError RV001 when the id is no number, RV006 when there is no such action */
export function actionById(host: Host, id: unknown): Action {
  if (typeof id !== "string" || !/^-?\d{1,19}$/.test(id)) {
    throw new HealingError("invalid_argument", "action_id must be a number", {
      detail: `Got ${JSON.stringify(id)}.`,
      hint: "SELECT action_id, state FROM ruvector_healing_history(); lists them.",
    });
  }
  const [action] = host.query<Action>(
    sql`SELECT ${COLUMNS} FROM ruvector.healing_actions WHERE id = ${id}::bigint`,
  );
  if (action) return action;
  throw new HealingError("unknown_action", `there is no action ${id}`, {
    detail: "Actions are numbered from 1, over all collections.",
    hint: "SELECT action_id, collection, state FROM ruvector_healing_history(); lists them.",
  });
}

/** How many actions take a place of max_active_actions, on all collections. */
export const placesTaken = (host: Host): number =>
  host.one<{ active: number }>(sql`
    SELECT count(*)::int AS active FROM ruvector.healing_actions
      WHERE state IN (${PLACED})`).active;

/** How many actions beside this one have begun and are not over, on all collections. */
export const othersAtWork = (host: Host, { id }: Action): number =>
  host.one<{ active: number }>(sql`
    SELECT count(*)::int AS active FROM ruvector.healing_actions
      WHERE state IN ('executing', 'stabilizing', 'rolling_back') AND id <> ${id}::bigint`).active;

/**
 * Actions that cannot be undone and ended with steps that are not.
 * @param pause seconds for which one is left out after a job of it failed
 */
export const withLeftovers = (host: Host, collectionId: number, pause: number): string[] =>
  host
    .query<{ id: string }>(sql`
    SELECT a.id::text FROM ruvector.healing_actions a
     WHERE a.collection_id = ${collectionId}::int AND a.state = 'rollback_failed'
       AND NOT a.reversible
       AND EXISTS (SELECT FROM ruvector.healing_steps s WHERE s.action_id = a.id
         AND s.undone_at IS NULL)
       AND NOT EXISTS (SELECT FROM ruvector.healing_jobs j WHERE j.action_id = a.id
         AND j.ended_at > clock_timestamp() - make_interval(secs => ${pause}::float8)
                          AND j.state <> 'succeeded')`)
    .map(({ id }) => id);

/** A short hash of a plan's state, for people: the same state reads the same. */
const fingerprintOf = (state: PlanState): Sql =>
  sql`left(encode(sha256(convert_to(${JSON.stringify(state)}::jsonb::text, 'UTF8')), 'hex'), 16)`;

/** The collection as it is when the action begins: what verification compares with. */
export interface ActionStart {
  readonly lambda: number | null;
  readonly state: IntegrityState;
  readonly witness: readonly WitnessEdge[];
  readonly metrics: ActionMetrics;
  /** Seconds since 1970. */
  readonly degraded_at: number | null;
}

export interface NewAction {
  readonly collection: Collection;
  readonly origin: Origin;
  readonly problem: Problem;
  readonly considered: readonly Considered[];
  readonly strategy: { readonly name: string; readonly reversible: boolean };
  readonly params: Readonly<Record<string, unknown>>;
  readonly plan: Plan;
  readonly plan_state: PlanState;
  readonly start: ActionStart;
  readonly target_lambda: number;
  /** Why it waits for a human; null: it may start. */
  readonly approval: string | null;
}

/**
 * Keeps a planned action. null: another action became active on the collection meanwhile (the
 * partial unique index decides, whatever sessions do).
 */
export function insertAction(host: Host, wanted: NewAction): Action | null {
  const { collection, start } = wanted;
  try {
    const action = host.one<Action>(sql`
      INSERT INTO ruvector.healing_actions
        (collection_id, collection, state, initiated_by, origin, problem_class, problem, considered,
          strategy_name, strategy_params,
         reversible, plan, initial_lambda, initial_state, predicted_lambda, target_lambda,
           witness_edges, system_metrics, degraded_at,
         message, plan_state, fingerprint, deadline)
      VALUES
        (${collection.id}::int, ${collection.name},
          ${wanted.approval ? "awaiting_approval" : "planned"}, session_user, ${wanted.origin},
         ${wanted.problem.details.class}, ${JSON.stringify(wanted.problem)}::jsonb,
           ${JSON.stringify(wanted.considered)}::jsonb,
         ${wanted.strategy.name}, ${JSON.stringify(wanted.params)}::jsonb,
           ${wanted.plan.reversible ?? wanted.strategy.reversible}::boolean,
         ${JSON.stringify(wanted.plan)}::jsonb, ${start.lambda}::float8,
           ${INTEGRITY_STATES.indexOf(start.state)}::smallint,
         ${wanted.plan.predicted_lambda}::float8, ${wanted.target_lambda}::float8,
           ${JSON.stringify(start.witness)}::jsonb,
         ${JSON.stringify(start.metrics)}::jsonb,
           to_timestamp(${start.degraded_at}::float8), ${wanted.approval},
         ${JSON.stringify(wanted.plan_state)}::jsonb, ${fingerprintOf(wanted.plan_state)},
         CASE WHEN ${wanted.approval}::text IS NOT NULL
           THEN clock_timestamp() + make_interval(secs
           => ${collection.settings.approval_ttl_seconds}::float8) END)
      RETURNING ${COLUMNS}`);
    recordActionEvent(
      host,
      action,
      wanted.approval ? "awaiting_approval" : "planned",
      `${wanted.strategy.name} planned: ${wanted.problem.summary}`,
      {
        plan: wanted.plan,
        considered: wanted.considered,
        fingerprint: action.fingerprint,
      },
    );
    return action;
  } catch (error) {
    if (error instanceof SqlError && error.sqlstate === "23505") return null;
    throw error;
  }
}

export function recordActionEvent(
  host: Host,
  action: Action,
  kind: string,
  message: string,
  details: unknown = {},
): void {
  recordEvent(host, {
    collection_id: action.collection_id,
    collection: action.collection,
    action_id: action.id,
    kind: `action_${kind}`,
    message,
    details,
  });
}

/**
 * Whether a person asked for the undo (api/healing.ts writes the event); else the loop undoes by
 * itself.
 */
export const undoAskedFor = (host: Host, action: Action): boolean =>
  host.query(
    sql`SELECT FROM ruvector.healing_events WHERE action_id = ${action.id}::bigint
      AND kind = 'action_undo_asked_for' LIMIT 1`,
  ).length > 0;

/** What an action did cannot be undone any more. */
export function keepForGood(host: Host, actionId: string): void {
  host.execute(
    sql`UPDATE ruvector.healing_actions SET reversible = false WHERE id = ${actionId}::bigint`,
  );
}
