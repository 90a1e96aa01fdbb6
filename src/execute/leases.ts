/**
 * Leases: changes that are temporary by nature. A lease is a row that outlives its action; it ends
 * when its time is over, when its action is undone, or when healing is switched off for the
 * collection, whatever happens first. What enforces a lease where writers meet it looks at
 * `expires_at` itself, so that it ends even where no tick comes.
 */
import sql, { raw } from "sql-template-tag";
import { recordEvent } from "../audit/events.ts";
import type { Host } from "../host/host.ts";
import { HealingError, SqlError } from "../base/errors.ts";
import type { Action } from "../model/action.ts";
import { strategyNamed } from "../strategies/registry.ts";

export interface Lease {
  readonly id: string;
  readonly action_id: string;
  readonly collection_id: number;
  readonly strategy_name: string;
  readonly kind: string;
  readonly target: Readonly<Record<string, unknown>>;
  /** What is put back when it ends. */
  readonly previous: Readonly<Record<string, unknown>>;
  /** Seconds since 1970. */
  readonly granted_at: number;
  readonly expires_at: number;
}

export interface NewLease {
  readonly kind: string;
  readonly target: Readonly<Record<string, unknown>>;
  readonly previous: Readonly<Record<string, unknown>>;
  readonly seconds: number;
}

const COLUMNS = raw(`l.id::text, l.action_id::text, l.collection_id, l.strategy_name, l.kind,
  l.target, l.previous, extract(epoch FROM l.granted_at)::float8 AS granted_at,
  extract(epoch FROM l.expires_at)::float8 AS expires_at`);

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

/**
 * Puts back what a lease changed and closes it, both or none. false: it could not be done now (a
 * lock); the lease stays open and the next tick tries again.
 */
export function endLease(host: Host, lease: Lease, reason: string): boolean {
  const strategy = strategyNamed(lease.strategy_name);
  if (!strategy.endLease)
    throw new TypeError(`${lease.strategy_name} grants leases and has no endLease`);
  let whole = true;
  try {
    host.atomic(() => {
      whole = strategy.endLease!(host, lease) !== false;
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

/**
 * Ends the leases of a healing that is switched off. Those granted since the settings last changed
 * stay to their time: they were asked for by a human who knew.
 */
export function endDisabledLeases(host: Host, collectionId: number): void {
  const since = host.query<Lease>(sql`
    SELECT ${COLUMNS} FROM ruvector.healing_leases l
     WHERE l.collection_id = ${collectionId}::int AND l.ended_at IS NULL
       AND l.granted_at < (SELECT max(c.updated_at) FROM ruvector.healing_config c
         WHERE c.collection_id IN (0, ${collectionId}::int))
     ORDER BY l.id`);
  for (const lease of since) endLease(host, lease, "healing was switched off");
}

const OVER = "its time is over";

/**
 * Ends the leases of a collection whose time is over, or all of them. Returns how many are left
 * that should have ended.
 */
export function endDueLeases(host: Host, collectionId: number, all: string | null): number {
  const due = host.query<Lease>(sql`
    SELECT ${COLUMNS} FROM ruvector.healing_leases l
     WHERE l.collection_id = ${collectionId}::int AND l.ended_at IS NULL
       AND (${all}::text IS NOT NULL OR l.expires_at <= clock_timestamp())
     ORDER BY l.id`);
  return due.filter((lease) => !endLease(host, lease, all ?? OVER)).length;
}

/**
 * Without the collection's lock, which somebody may hold for as long as they like: jobs that are
 * paused run again when their time is over. Other leases end by themselves where writers meet them.
 * What that session holds of these is left to it, not waited for.
 */
export function endDuePauses(host: Host, collectionId: number): void {
  const due = host.query<Lease>(sql`
    SELECT ${COLUMNS} FROM ruvector.healing_leases l
     WHERE l.collection_id = ${collectionId}::int AND l.ended_at IS NULL AND l.kind = 'paused_job'
       AND l.expires_at <= clock_timestamp()
     ORDER BY l.id FOR UPDATE SKIP LOCKED`);
  for (const lease of due) endLease(host, lease, OVER);
}
