/**
 * Requests to the actuator outside the database: rows of ruvector.healing_actuations, announced by
 * NOTIFY.
 */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";

export const CHANNEL = "ruvector_healing_actuation";

export interface Scaling {
  readonly workload: string;
  /** How many replicas there shall be, and how many there were. */
  readonly replicas: number;
  readonly previous: number;
}

export type ActuationState =
  | "requested"
  | "taken"
  | "succeeded"
  | "failed"
  | "expired"
  | "cancelled";

export interface Actuation {
  readonly id: string;
  readonly state: ActuationState;
  readonly taken_by: string | null;
  /** Its deadline has passed: an answer would be refused. */
  readonly overdue: boolean;
  /**
   * Seconds since it was answered, or since it could have been for the last time; negative before.
   */
  readonly ended_seconds_ago: number;
  readonly answer: Readonly<Record<string, unknown>> | null;
}

/**
 * Asks for a count of replicas; an answer is taken for so many seconds. Returns the request's id.
 */
export function requestScaling(
  host: Host,
  action: Action,
  { workload, replicas, previous }: Scaling,
  seconds: number,
): string {
  return host.one<{ id: string }>(sql`
    WITH request AS (
      INSERT INTO ruvector.healing_actuations (action_id, collection, kind, target, wanted,
        deadline)
      VALUES (${action.id}::bigint, ${action.collection}, 'scale', jsonb_build_object('workload',
        ${workload}::text),
              jsonb_build_object('replicas', ${replicas}::int, 'previous', ${previous}::int),
              clock_timestamp() + make_interval(secs => ${seconds}::float8))
      RETURNING id, kind, target
    )
    SELECT id::text, pg_notify(${CHANNEL}, json_build_object('id', id, 'kind', kind, 'workload',
      target ->> 'workload')::text)::text FROM request`).id;
}

/** A request as it stands; null: it was removed with old history. */
export const actuation = (host: Host, id: string): Actuation | null =>
  host.query<Actuation>(sql`
    SELECT id::text, state, taken_by, deadline <= clock_timestamp() AS overdue, answer,
           extract(epoch
             FROM clock_timestamp() - coalesce(answered_at, deadline))::float8 AS ended_seconds_ago
      FROM ruvector.healing_actuations WHERE id = ${id}::bigint`)[0] ?? null;

/**
 * Moves an open request on: one that nobody took is cancelled, one whose time is over expires, one
 * that is at work is asked to stop. false: somebody is taking or answering it at this moment, so
 * its state is about to change.
 */
export function settle(host: Host, id: string): boolean {
  return (
    host.execute(sql`
    WITH open AS (
      SELECT id FROM ruvector.healing_actuations WHERE id = ${id}::bigint
        AND state IN ('requested', 'taken') FOR UPDATE SKIP LOCKED
    ), settled AS (
      UPDATE ruvector.healing_actuations r
         SET state = CASE WHEN deadline <= clock_timestamp() THEN 'expired' WHEN state = 'requested'
           THEN 'cancelled' ELSE state END,
             cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())
        FROM open WHERE r.id = open.id
      RETURNING r.id, r.kind, r.state, r.target
    )
    SELECT pg_notify(${CHANNEL}, json_build_object('id', id, 'kind', kind, 'workload',
      target ->> 'workload', 'cancel', true)::text)
      FROM settled WHERE state = 'taken'
    UNION ALL SELECT NULL FROM settled`) > 0
  );
}

/** The open request for a workload, if there is one. */
export const openRequest = (host: Host, workload: string): string | null =>
  host.query<{ id: string }>(sql`
    SELECT id::text FROM ruvector.healing_actuations
     WHERE state IN ('requested', 'taken') AND deadline > clock_timestamp()
       AND target ->> 'workload' = ${workload} LIMIT 1`)[0]?.id ?? null;

/**
 * When replicas were scaled down last, from the request to its answer, as SQL: a look at the
 * replicas has it beside them.
 */
export const LAST_SCALED_DOWN = sql`
         (SELECT json_build_object('from', extract(epoch FROM requested_at)::float8,
                                   'to', extract(epoch
                                     FROM coalesce(answered_at, deadline))::float8)
            FROM ruvector.healing_actuations
           WHERE kind = 'scale' AND (wanted ->> 'replicas')::int < (wanted ->> 'previous')::int
             AND taken_at IS NOT NULL
           ORDER BY id DESC LIMIT 1)`;

export interface ActuatorReport {
  readonly actuator: string;
  readonly replicas: number;
  readonly max_replicas: number | null;
  readonly seconds_ago: number;
}

/**
 * The last word of an actuator on a workload; null: there is none.
 * @param after a request: only what was said after its end counts, an older word knows nothing of
 *   it
 */
export const lastReport = (
  host: Host,
  workload: string,
  after: string | null = null,
): ActuatorReport | null =>
  host.query<ActuatorReport>(sql`
    SELECT actuator, (state ->> 'replicas')::int AS replicas, (state ->> 'max_replicas')::int
      AS max_replicas,
           extract(epoch FROM clock_timestamp() - reported_at)::float8 AS seconds_ago
      FROM ruvector.healing_actuators
     WHERE workload = ${workload}
       AND (${after}::bigint IS NULL
            OR reported_at > (SELECT least(coalesce(answered_at, deadline), clock_timestamp())
              FROM ruvector.healing_actuations WHERE id = ${after}::bigint))
     ORDER BY reported_at DESC LIMIT 1`)[0] ?? null;
