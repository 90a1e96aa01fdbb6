/**
 * Leases: changes that are temporary by nature. A lease is a row that outlives its action; it ends
 * when its time is over, when its action is undone, or when healing is switched off for the
 * collection, whatever happens first. What enforces a lease where writers meet it looks at
 * `expires_at` itself, so that it ends even where no tick comes.
 */
import type { Lease, NewLease } from "../model/lease.ts";
import sql, { raw } from "sql-template-tag";
import { recordEvent } from "./events.ts";
import type { Host } from "../host/host.ts";
import { HealingError, SqlError } from "../base/errors.ts";
import type { Action } from "../model/action.ts";

const COLUMNS = raw(`l.id::text, l.action_id::text, l.collection_id, l.strategy_name, l.kind,
  l.target, l.previous, extract(epoch FROM l.granted_at)::float8 AS granted_at,
  extract(epoch FROM l.expires_at)::float8 AS expires_at`);

/**
 * Its time is over. One that was granted at a time that has not come is, too: with the clock set
 * back by hours it would hold for those hours longer.
 */
const OVER = raw(`(l.expires_at <= clock_timestamp() OR l.granted_at > clock_timestamp())`);

/** Grants a lease to an action, in the transaction of the change it stands for. Returns its id. */
export function grantLease(host: Host, action: Action, lease: NewLease): string {
  return host.one<{ id: string }>(sql`
    INSERT INTO ruvector.healing_leases (action_id, collection_id, strategy_name, kind, target,
      previous, expires_at)
    VALUES (${action.id}::bigint, ${action.collection_id}::int, ${action.strategy_name},
      ${lease.kind}, ${JSON.stringify(lease.target)}::jsonb,
            ${JSON.stringify(lease.previous)}::jsonb,
              clock_timestamp() + make_interval(secs => ${lease.seconds}::float8))
    RETURNING id::text`).id;
}

/** Open leases of an action, oldest first. */
export function openLeases(host: Host, actionId: string): Lease[] {
  return host.query<Lease>(sql`
    SELECT ${COLUMNS} FROM ruvector.healing_leases l WHERE l.action_id = ${actionId}::bigint
      AND l.ended_at IS NULL ORDER BY l.id`);
}

/** What a strategy puts back when its lease ends; false: in part, the next tick goes on. */
export type PutBack = (host: Host, lease: Lease) => boolean | void;

/**
 * Puts back what a lease changed and closes it, both or none. false: it could not be done now (a
 * lock); the lease stays open and the next tick tries again.
 */
export function closeLease(host: Host, lease: Lease, putBack: PutBack, reason: string): boolean {
  let whole = true;
  try {
    host.atomic(() => {
      whole = putBack(host, lease) !== false;
      if (whole)
        host.execute(sql`
        UPDATE ruvector.healing_leases SET ended_at = clock_timestamp(), end_reason = ${reason}
          WHERE id = ${lease.id}::bigint AND ended_at IS NULL`);
    });
  } catch (error) {
    if (!(error instanceof SqlError || error instanceof HealingError)) throw error;
    host.log(
      `lease ${lease.id} (${lease.kind}) could not be ended yet: ${error.document.sqlstate} ` +
        `${error.document.message}`,
    );
    return false;
  }
  if (!whole) return false;
  recordEvent(host, {
    collection_id: lease.collection_id,
    collection: null,
    action_id: lease.action_id,
    kind: "lease_ended",
    message: `${lease.kind} of ${lease.strategy_name} ended: ${reason}`,
    details: { target: lease.target, previous: lease.previous },
  });
  return true;
}

export const hasOpenLeases = (host: Host, collectionId: number): boolean =>
  host.query(
    sql`SELECT FROM ruvector.healing_leases WHERE collection_id = ${collectionId}::int
        AND ended_at IS NULL LIMIT 1`,
  ).length > 0;

/** Open leases of one kind, of a collection or of all, oldest first. */
export function leasesOf(host: Host, kind: string, collectionId: number | null): Lease[] {
  return host.query<Lease>(sql`
    SELECT ${COLUMNS} FROM ruvector.healing_leases l
     WHERE l.kind = ${kind} AND l.ended_at IS NULL
       AND (${collectionId}::int IS NULL OR l.collection_id = ${collectionId}::int)
     ORDER BY l.id`);
}

/** What is put back when it ends is something else now, and with it what it stands for. */
export function changePrevious(
  host: Host,
  id: string,
  { previous, target }: Pick<Lease, "previous" | "target">,
): void {
  host.execute(sql`
    UPDATE ruvector.healing_leases SET previous = ${JSON.stringify(previous)}::jsonb,
           target = ${JSON.stringify(target)}::jsonb
     WHERE id = ${id}::bigint`);
}

/** It was looked at, and holds for so many seconds more. */
export function extendLease(
  host: Host,
  id: string,
  seconds: number,
  target: Lease["target"],
): void {
  host.execute(sql`
    UPDATE ruvector.healing_leases
       SET expires_at = clock_timestamp() + make_interval(secs => ${seconds}::float8),
           target = ${JSON.stringify(target)}::jsonb
     WHERE id = ${id}::bigint AND ended_at IS NULL`);
}

/** The level of the throttle that holds now; null: none does. */
export const throttleNow = <T extends object>(host: Host, collectionId: number): T | null =>
  host.query<{ target: T }>(sql`
    SELECT target FROM ruvector.healing_leases
     WHERE collection_id = ${collectionId}::int AND kind = 'throttle' AND ended_at IS NULL
       AND expires_at > clock_timestamp() AND granted_at <= clock_timestamp()
     ORDER BY id DESC LIMIT 1`)[0]?.target ?? null;

/** The table of a lease on a throttle's triggers, and who needs them beside that lease. */
export interface ThrottledTable {
  /** null: it is gone. */
  readonly relid: string | null;
  /** The throttle that the lease was granted with is on still. */
  readonly on: boolean;
  /** Another throttle needs the triggers too. */
  readonly shared: boolean;
}

/** null: the collection is not registered any more. */
export const throttledTable = (host: Host, lease: Lease): ThrottledTable | null =>
  host.query<ThrottledTable>(sql`
    SELECT coalesce(
             (SELECT k.oid FROM pg_class k JOIN pg_namespace n ON n.oid = k.relnamespace
               WHERE n.nspname = c.schema_name AND k.relname = c.table_name
                 AND k.relkind IN ('r', 'p')),
             (SELECT k.oid FROM pg_class k WHERE k.oid = c.relid))::text AS relid,
           EXISTS (SELECT FROM ruvector.healing_leases o
                    WHERE o.action_id = ${lease.action_id}::bigint AND o.kind = 'throttle'
                      AND o.ended_at IS NULL AND o.expires_at > clock_timestamp()
                      AND o.granted_at <= clock_timestamp()) AS "on",
           EXISTS (SELECT FROM ruvector.healing_leases o
                    WHERE o.collection_id = c.collection_id AND o.kind = 'throttle_triggers'
                      AND o.ended_at IS NULL AND o.id <> ${lease.id}::bigint) AS shared
      FROM ruvector.collections c WHERE c.collection_id = ${lease.collection_id}::int`)[0] ?? null;

/** Open leases that were granted before the collection's settings last changed, oldest first. */
export function leasesBeforeSettings(host: Host, collectionId: number): Lease[] {
  return host.query<Lease>(sql`
    SELECT ${COLUMNS} FROM ruvector.healing_leases l
     WHERE l.collection_id = ${collectionId}::int AND l.ended_at IS NULL
       AND l.granted_at < (SELECT max(c.updated_at) FROM ruvector.healing_config c
         WHERE c.collection_id IN (0, ${collectionId}::int))
     ORDER BY l.id`);
}

/** Open leases whose time is over, or all of them; oldest first. */
export function dueLeases(host: Host, collectionId: number, all: boolean): Lease[] {
  return host.query<Lease>(sql`
    SELECT ${COLUMNS} FROM ruvector.healing_leases l
     WHERE l.collection_id = ${collectionId}::int AND l.ended_at IS NULL
       AND (${all}::boolean OR ${OVER})
     ORDER BY l.id`);
}

/** Pauses of jobs whose time is over, but those that another session holds. */
export function duePauses(host: Host, collectionId: number): Lease[] {
  return host.query<Lease>(sql`
    SELECT ${COLUMNS} FROM ruvector.healing_leases l
     WHERE l.collection_id = ${collectionId}::int AND l.ended_at IS NULL AND l.kind = 'paused_job'
       AND ${OVER}
     ORDER BY l.id FOR UPDATE SKIP LOCKED`);
}

/** The time of an action's open leases of one kind is over now. */
export function expireLeases(host: Host, actionId: string, kind: string): void {
  host.execute(sql`
    UPDATE ruvector.healing_leases SET expires_at = clock_timestamp()
     WHERE action_id = ${actionId}::bigint AND kind = ${kind} AND ended_at IS NULL
       AND expires_at > clock_timestamp()`);
}
