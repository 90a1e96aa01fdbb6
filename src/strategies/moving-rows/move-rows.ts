/**
 * Moves rows between partitions by updating the partition key, and back. The only SQL that changes
 * a user's rows.
 */
import sql, { type Sql, join, raw } from "sql-template-tag";
import type { Partition } from "../../collection/introspect.ts";
import {
  lockRows,
  moveConditions,
  type MoveConditions,
  type Others,
} from "../../collection/lookup.ts";
import { deferrableTriggers } from "../../collection/move-facts.ts";
import type { Host } from "../../host/host.ts";
import { HealingError } from "../../base/errors.ts";
import { markMoved } from "../../sense/activity/activity.ts";
import type { Action } from "../../model/action.ts";
import type { Collection, Column } from "../../model/collection.ts";
import { movedStep, type MovedStep } from "../../store/moved-rows.ts";
import { checkMove, checkPublications } from "./permission.ts";
import { asText, asValue } from "../../collection/key-values.ts";
import {
  type Identity,
  identityColumns,
  partitionColumn,
  list,
  texts,
  match,
  key,
} from "./identity.ts";

export interface Route {
  readonly from_key: string;
  readonly to_key: string;
}

export interface Moved {
  readonly rows: number;
  /** The last one, in the order of the primary key; null: none. */
  readonly last: Identity | null;
  /** Log that it took, with what others wrote meanwhile. */
  readonly wal_bytes: number;
  /** How long rows have been locked, milliseconds. */
  readonly ms: number;
  /** Sessions that wait for what it has locked. */
  readonly waiting: number;
  /** Statements of others before the rows moved, and after. */
  readonly before: Others;
  readonly after: Others;
  /** Whose rows they are: two values at most, which says "of several". */
  readonly tenants: readonly (string | null)[];
}

/** Which rows of the source may move; without any condition all of them may. */
export interface RowFilter {
  /**
   * access_column at or above this value (a text of its type): rows used lately. NULL was never
   * used.
   */
  readonly newer_than?: string;
  /** access_column at or below this value, or NULL. */
  readonly older_than?: string;
  /** access_column is NULL. */
  readonly never_used?: boolean;
  /**
   * Rows whose hashed identity lies in [from, to) of [0, 1): a share picked without regard to what
   * the rows hold.
   */
  readonly hash?: readonly [number, number];
}

/** The partition that a key value leads to. */
export const leafOf = (partitions: readonly Partition[], value: string): Partition | undefined =>
  partitions.find(({ values }) => values.includes(value));

/** Where rows go, and what is known of it. */
export interface Target {
  /** undefined: no partition takes them any more. */
  readonly leaf: Partition | undefined;
  readonly conditions: MoveConditions;
  /** Where the identities of the rows lie: others need not be looked at. */
  readonly within: (alias: string) => Sql;
}

/**
 * Whether the row `alias` would collide with one that is there under `toKey`: for every plain
 * unique index of the partition that key leads to, on that partition alone (its indexes may differ
 * from the parent's).
 */
export function collides(
  collection: Collection,
  alias: string,
  toKey: string,
  { leaf, conditions: { unique_keys }, within }: Target,
): Sql {
  const column = partitionColumn(collection);
  if (!leaf) {
    throw new HealingError(
      "unsupported_table",
      `no partition of ${collection.name} takes ${column.name} = ${toKey} any more`,
      {
        detail: "The partition was detached or dropped after the plan was made.",
        hint: "What the action has moved goes back; the next evaluation plans anew.",
      },
    );
  }
  const keys = unique_keys.map((columns) => {
    const conditions = columns.map((quoted) =>
      quoted === column.quoted
        ? sql`x.${raw(quoted)} = ${key(column, toKey)}`
        : sql`x.${raw(quoted)} = ${raw(alias)}.${raw(quoted)}`,
    );
    const identity = identityColumns(collection);
    if (identity.every(({ quoted }) => columns.includes(quoted))) conditions.push(within("x"));
    return sql`EXISTS (SELECT FROM ONLY ${raw(leaf.qualified)} x
      WHERE ${join(conditions, " AND ")})`;
  });
  return keys.length > 0 ? sql`(${join(keys, " OR ")})` : sql`false`;
}

/** Rows behind the cursor. */
const beyond = (identity: readonly Column[], alias: string, after: Identity | null): Sql =>
  after === null
    ? sql`true`
    : sql`(${list(identity, alias)}) > (${join(
        identity.map(({ type }, place) => asValue(type, after[place] ?? null)),
        ", ",
      )})`;

/** Slots of the identity's hash: fine enough that a share of one row in a million can be named. */
const HASH_SLOTS = 1_000_000;

/** The filter as a condition on the row `alias`. */
function passes(
  collection: Collection,
  alias: string,
  { newer_than, older_than, never_used, hash }: RowFilter,
): Sql {
  const conditions = [sql`true`];
  if (newer_than !== undefined || older_than !== undefined || never_used) {
    const access = collection.access_column;
    if (!access) {
      throw new HealingError(
        "unsupported_table",
        `${collection.name} has no access_column any more`,
        {
          detail: "The plan picks rows by it.",
          hint: "Register it again with the option access_column.",
        },
      );
    }
    const value = sql`${raw(alias)}.${raw(access.quoted)}`;
    if (never_used) conditions.push(sql`${value} IS NULL`);
    if (newer_than !== undefined)
      conditions.push(sql`${value} >= ${asValue(access.type, newer_than)}`);
    if (older_than !== undefined)
      conditions.push(sql`(${value} <= ${asValue(access.type, older_than)} OR ${value} IS NULL)`);
  }
  if (hash) {
    // Not abs(): the least bigint has no positive counterpart.
    const text = sql`concat_ws(chr(31), ${texts(identityColumns(collection), alias)})`;
    const slot = sql`((hashtextextended(${text},
      0) % ${HASH_SLOTS}::bigint + ${HASH_SLOTS}::bigint) % ${HASH_SLOTS}::bigint)`;
    conditions.push(
      sql`${slot} >= ${Math.round(hash[0] * HASH_SLOTS)}::bigint
        AND ${slot} < ${Math.round(hash[1] * HASH_SLOTS)}::bigint`,
    );
  }
  return join(conditions, " AND ");
}

/** Which rows move in one statement. */
export interface Slice {
  readonly route: Route;
  readonly filter: RowFilter;
  /** The last one that was looked at; null: from the beginning. */
  readonly after: Identity | null;
  readonly limit: number;
}

/**
 * Moves up to `limit` rows in primary key order, beginning after `after`, and journals them as a
 * step of the action. Rows that others hold locked and rows whose key is taken in the target are
 * passed over, never waited for. Walking the primary key's index (and not the heap) keeps a slice's
 * cost even: the dead versions that earlier slices left lie behind the cursor.
 */
export function moveRows(
  host: Host,
  collection: Collection,
  action: Action,
  slice: Slice,
  step: Omit<MovedStep, "wal">,
): Moved {
  const { partitions, wal, others } = lockRows(host, collection);
  const leaf = leafOf(partitions, slice.route.to_key);
  const conditions = moveConditions(host, collection, null, leaf?.relid ?? null);
  checkMove(collection, conditions);
  const began = host.now();
  const { picked, publications, ...moved } = host.through<
    Omit<Moved, "before" | "ms"> & {
      readonly picked: number;
      readonly publications: readonly string[];
    }
  >([
    {
      owner: collection.relid,
      statement: moving(collection, slice, {
        leaf,
        conditions,
        within: (alias) => beyond(identityColumns(collection), alias, slice.after),
      }),
      merges: true,
    },
    { owner: null, statement: movedStep(collection, action, { ...step, wal }) },
  ]);
  const ms = host.now() - began;
  if (moved.rows > 0) markMoved(host, collection);
  if (moved.rows !== picked) {
    // Something swallowed an update: not a place to move rows in.
    throw new HealingError(
      "unsupported_table",
      `${picked - moved.rows} of ${picked} rows of ${collection.name} did not move`,
      {
        detail: "Something on the table suppressed the update.",
        hint: "Look for rules and BEFORE UPDATE triggers on the table.",
      },
    );
  }
  checkPublications(collection, publications);
  return { ...moved, ms, before: others };
}

/**
 * The statement that moves rows. Its one row is what movedStep() reads. All that it joins begins
 * behind the cursor: where the planner merges, it walks no further than the batch.
 */
function moving(collection: Collection, { route, filter, limit }: Slice, target: Target): Sql {
  const column = partitionColumn(collection);
  const identity = identityColumns(collection);
  const { tenant } = target.conditions;
  const tenants =
    tenant === null
      ? sql`SELECT CASE WHEN EXISTS (SELECT FROM moved) THEN '[null]' ELSE '[]' END::json`
      : sql`SELECT coalesce(json_agg(d.tenant), '[]')
          FROM (SELECT DISTINCT ruvector_healing_tenant AS tenant FROM moved LIMIT 2) d`;
  return sql`
    WITH picked AS MATERIALIZED (
      SELECT ${list(identity, "s")}
        FROM ${raw(collection.name)} s
       WHERE s.${raw(column.quoted)} = ${key(column, route.from_key)}
         AND ${target.within("s")} AND ${passes(collection, "s", filter)}
         AND NOT ${collides(collection, "s", route.to_key, target)}
       ORDER BY ${list(identity, "s")}
       LIMIT ${limit}::int
         FOR UPDATE OF s SKIP LOCKED
    ), moved AS (
      UPDATE ${raw(collection.name)} t SET ${raw(column.quoted)} = ${key(column, route.to_key)}
        FROM picked p
       WHERE t.${raw(column.quoted)} = ${key(column, route.from_key)}
         AND ${match(identity, "t", "p")} AND ${target.within("t")}
      RETURNING ${list(identity, "p")},
        ${raw(tenant === null ? "NULL::text" : asText(tenant.type, `t.${tenant.quoted}`))}
        AS ruvector_healing_tenant
    )
    SELECT (SELECT count(*)::int FROM picked) AS picked,
           (SELECT json_build_array(${texts(identity, "p")}) FROM picked p
             ORDER BY (${list(identity, "p")}) DESC LIMIT 1) AS last,
           (${tenants}) AS tenants, m.rows, m.moved
      FROM (SELECT count(*)::int AS rows,
                   coalesce(json_agg(json_build_array(${texts(identity, "m")})
                     ORDER BY ${list(identity, "m")}), '[]') AS moved
              FROM moved m) m`;
}

/**
 * What waits for the commit fires now, with the owner's rights: before PostgreSQL 18 it would fire
 * with those of whoever commits. Only constraints of the user's own triggers: the server's own
 * (foreign keys) run as the owner whenever they run.
 */
export function fireDeferred(host: Host, collection: Collection): void {
  const constraints = deferrableTriggers(host, collection.relid);
  if (constraints.length > 0)
    host
      .asOwner(collection.relid, "changes")
      .execute(sql`SET CONSTRAINTS ${raw(constraints.join(", "))} IMMEDIATE`);
}
