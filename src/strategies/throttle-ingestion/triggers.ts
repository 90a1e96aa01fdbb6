/** The throttle's triggers: made where nobody writes, removed where nobody is at work. */
import type { Lease } from "../../model/lease.ts";
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import { throttledTable } from "../../store/leases.ts";
import { nameIfRegistered } from "../../store/collections.ts";
import { recordEvent } from "../../store/events.ts";
import { printable } from "../../base/text.ts";
import type { NothingToDo } from "../strategy.ts";

/**
 * Tables that get their triggers in one transaction: their locks are held until it ends, a few
 * milliseconds.
 */
export const TABLES_A_BATCH = 16;

/** Between two tries for the locks of tables that are being written to. */
const TRY_SECONDS = 0.005;

/**
 * Longest look for a moment in which nobody reads a table, so that its triggers can go; the next
 * tick looks again.
 */
const REMOVE_SECONDS = 0.1;

export const missing = (host: Host, relid: string): string[] =>
  host
    .query<{ relid: string }>(
      sql`SELECT t.relid::text
        FROM ruvector.healing_throttle_tables(${relid}::oid, false) t(relid)`,
    )
    .map((row) => row.relid);

/**
 * Makes the triggers on tables that nobody writes to at this moment; tries for `seconds` until
 * there is one.
 */
export function installSome(
  host: Host,
  relid: string,
  collectionId: number,
  seconds: number,
): number {
  const end = host.now() + seconds * 1000;
  for (;;) {
    const { installed } = host.asOwner(relid, "catalogue").one<{ installed: number }>(sql`
      SELECT count(*)
        FILTER (WHERE ruvector.healing_throttle_install(t.relid, ${collectionId}::int))::int
        AS installed
        FROM (SELECT relid
          FROM ruvector.healing_throttle_tables(${relid}::oid, false) f(relid)
          LIMIT ${TABLES_A_BATCH}::int) t`);
    if (installed > 0 || missing(host, relid).length === 0 || host.now() >= end) return installed;
    host.query(sql`SELECT pg_sleep(${TRY_SECONDS}::float8)`);
  }
}

/**
 * Removes the triggers where nobody is at work now. false: some are left; they do nothing, and the
 * next tick looks again.
 */
export function removeTriggers(host: Host, lease: Lease): boolean {
  const table = throttledTable(host, lease);
  // Another throttle needs them, and has a lease for them of its own.
  if (!table || table.shared) return true;
  // Its own throttle, which could not be ended yet: without this lease nobody would come to remove
  // them.
  if (table.on) return false;
  const end = host.now() + REMOVE_SECONDS * 1000;
  for (;;) {
    const { removed, left } = removeOnce(host, lease, table.relid);
    // Those removed are locked until this transaction ends: no waiting for the others now.
    if (left === 0) {
      tellStaying(host, lease, table.relid);
      return true;
    }
    if (removed > 0 || host.now() >= end) return false;
    host.query(sql`SELECT pg_sleep(${TRY_SECONDS}::float8)`);
  }
}

interface Removed {
  readonly removed: number;
  readonly left: number;
}

/** Tables that have triggers of the lease's collection, and how each may be touched. */
const throttled = (
  host: Host,
  lease: Lease,
  relid: string | null,
): readonly { readonly relid: string; readonly name: string; readonly how: string }[] =>
  host.query(sql`
    SELECT f.relid::text, f.relid::regclass::text AS name, a.how
      FROM (SELECT DISTINCT t.tgrelid AS relid FROM pg_trigger t
             WHERE t.tgfoid IN ('ruvector.healing_throttle_before()'::regprocedure,
               'ruvector.healing_throttle_after()'::regprocedure)
               AND (starts_with(encode(t.tgargs, 'escape'),
                   ${String(lease.collection_id)} || '\\000')
                 OR t.tgrelid IN (SELECT o
                   FROM ruvector.healing_throttle_tables(${relid}::oid, true) o))) f
     CROSS JOIN LATERAL ruvector.healing_access(f.relid) a`);

/** Its owner took the right back, or it has another one: what they can type is said. */
function tellStaying(host: Host, lease: Lease, relid: string | null): void {
  for (const { name, how } of throttled(host, lease, relid)) {
    if (how !== "none") continue;
    const drop = ["before", "after"].map(
      (when) => `DROP TRIGGER IF EXISTS ruvector_healing_throttle_${when} ON ${name};`,
    );
    recordEvent(host, {
      collection_id: lease.collection_id,
      action_id: lease.action_id,
      collection: nameIfRegistered(host, lease.collection_id),
      kind: "throttle_triggers_stay",
      message:
        `triggers of a throttle that is over stay on ${printable(name, 200)}, and do nothing: ` +
        `the installing role may not act as its owner any more, who can type: ${drop.join(" ")}`,
    });
  }
}

/**
 * From each table as its own owner: ALTER TABLE ... OWNER TO leaves the partitions to the owner
 * before, and what one role may not would keep all of them. A partition that was detached while
 * the throttle was on took its triggers along (found by chaos, seed 182). What nobody let us act on
 * stays.
 * @param relid the collection's table; null: it is gone
 */
function removeOnce(host: Host, lease: Lease, relid: string | null): Removed {
  const tables = throttled(host, lease, relid).filter(({ how }) => how !== "none");
  return tables.reduce(
    (sum, table) => {
      const { gone } = host
        .asOwner(table.relid, "catalogue")
        .one<{ gone: boolean }>(
          sql`SELECT ruvector.healing_throttle_remove(${table.relid}::oid) AS gone`,
        );
      return { removed: sum.removed + (gone ? 1 : 0), left: sum.left + (gone ? 0 : 1) };
    },
    { removed: 0, left: 0 },
  );
}

/** Only a table's owner may remove a trigger: none is made where it could not be removed. */
export function notOwned(host: Host, relid: string): NothingToDo | null {
  const [table] = host.asOwner(relid, "catalogue").query<{
    name: string;
    owner: string;
    role: string;
  }>(sql`
    WITH RECURSIVE f(relid) AS (SELECT ${relid}::oid UNION SELECT i.inhrelid
      FROM f JOIN pg_inherits i ON i.inhparent = f.relid)
    SELECT c.oid::regclass::text AS name, quote_ident(pg_get_userbyid(c.relowner)) AS owner,
      quote_ident(current_user) AS role
      FROM f JOIN pg_class c ON c.oid = f.relid
     WHERE NOT pg_has_role(c.relowner, 'USAGE') LIMIT 1`);
  if (!table) return null;
  return {
    nothing:
      `${printable(table.name)} belongs to ${table.owner}: role ${table.role} could not remove ` +
      "a trigger from it",
    hint: `GRANT ${table.owner} TO ${table.role};`,
  };
}
