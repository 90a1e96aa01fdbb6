/**
 * Moves rows between partitions by updating the partition key, and back. The only SQL that changes
 * a user's rows.
 */
import sql, { type Sql, join, raw } from "sql-template-tag";
import { readPartitions, readUniqueKeys } from "../../collection/introspect.ts";
import { lockTable } from "../../collection/lookup.ts";
import { deferrableTriggers } from "../../collection/move-facts.ts";
import type { Host } from "../../host/host.ts";
import { HealingError } from "../../base/errors.ts";
import { markMoved } from "../../sense/activity/activity.ts";
import type { Collection, Column } from "../../model/collection.ts";
import { checkMove, checkMoveBack, checkPublications } from "./permission.ts";
import { asRows, asText, asValue } from "../../collection/key-values.ts";

/**
 * Texts of the primary key columns beside the partition column, in index order: what is journaled
 * of a row.
 */
export type Identity = readonly string[];

export interface Route {
  readonly from_key: string;
  readonly to_key: string;
}

export interface Moved {
  /** Identities of the rows, in order. */
  readonly moved: Identity[];
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

export const identityColumns = (collection: Collection): readonly Column[] =>
  collection.primary_key.filter(({ name }) => name !== collection.partition_column?.name);

function partitionColumn(collection: Collection): Column {
  if (collection.partition_column) return collection.partition_column;
  throw new HealingError("unsupported_table", `${collection.name} has no partition column`);
}

const list = (columns: readonly Column[], alias: string): Sql =>
  raw(columns.map(({ quoted }) => `${alias}.${quoted}`).join(", "));

const texts = (columns: readonly Column[], alias: string): Sql =>
  raw(columns.map(({ quoted, type }) => asText(type, `${alias}.${quoted}`)).join(", "));

const match = (columns: readonly Column[], a: string, b: string): Sql =>
  raw(columns.map(({ quoted }) => `${a}.${quoted} = ${b}.${quoted}`).join(" AND "));

/** A key text as a value of the partition column. */
const key = (column: Column, value: string): Sql => asValue(column.type, value);

/**
 * Whether the row `alias` would collide with one that is there under `toKey`: for every plain
 * unique index of the partition that key leads to, on that partition alone (its indexes may differ
 * from the parent's).
 */
function collides(host: Host, collection: Collection, alias: string, toKey: string): Sql {
  const column = partitionColumn(collection);
  const leaf = readPartitions(host, collection.relid).find(({ values }) => values.includes(toKey));
  if (!leaf) {
    throw new HealingError(
      "unsupported_table",
      `no partition of ${collection.name} takes ${column.name} = ${toKey} any more`,
      {
        detail: "The partition was detached or dropped after the plan was made.",
        hint: "Attach it again to let the action go on, or abort the action.",
      },
    );
  }
  const keys = readUniqueKeys(host, leaf.relid).map(({ columns }) => {
    const conditions = columns.map((quoted) =>
      quoted === column.quoted
        ? sql`x.${raw(quoted)} = ${key(column, toKey)}`
        : sql`x.${raw(quoted)} = ${raw(alias)}.${raw(quoted)}`,
    );
    return sql`EXISTS (SELECT FROM ONLY ${raw(leaf.qualified)} x
      WHERE ${join(conditions, " AND ")})`;
  });
  return keys.length > 0 ? sql`(${join(keys, " OR ")})` : sql`false`;
}

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

/**
 * Moves up to `limit` rows in primary key order, beginning after `after`. Rows that others hold
 * locked and rows whose key is taken in the target are passed over, never waited for. Walking the
 * primary key's index (and not the heap) keeps a slice's cost even: the dead versions that earlier
 * slices left lie behind the cursor.
 */
export function moveRows(
  host: Host,
  collection: Collection,
  route: Route,
  filter: RowFilter,
  after: Identity | null,
  limit: number,
): Moved {
  lockTable(host, collection, "ROW EXCLUSIVE");
  checkMove(host, collection);
  const column = partitionColumn(collection);
  const identity = identityColumns(collection);
  const beyond =
    after === null
      ? sql`true`
      : sql`(${list(identity, "s")}) > (${join(
          identity.map(({ type }, place) => asValue(type, after[place] ?? null)),
          ", ",
        )})`;
  const tenant = tenantColumn(host, collection);
  const { moved, tenants, picked } = host.asOwner(collection.relid, "changes").one<
    Moved & { picked: number }
  >(sql`
    WITH picked AS MATERIALIZED (
      SELECT ${list(identity, "s")}
        FROM ${raw(collection.name)} s
       WHERE s.${raw(column.quoted)} = ${key(column, route.from_key)} AND ${beyond}
         AND ${passes(collection, "s", filter)}
         AND NOT ${collides(host, collection, "s", route.to_key)}
       ORDER BY ${list(identity, "s")}
       LIMIT ${limit}::int
         FOR UPDATE OF s SKIP LOCKED
    ), moved AS (
      UPDATE ${raw(collection.name)} t SET ${raw(column.quoted)} = ${key(column, route.to_key)}
        FROM picked p
       WHERE t.${raw(column.quoted)} = ${key(column, route.from_key)}
         AND ${match(identity, "t", "p")}
      RETURNING ${list(identity, "p")},
        ${raw(tenant === null ? "NULL::text" : asText(tenant.type, `t.${tenant.quoted}`))}
        AS ruvector_healing_tenant
    )
    SELECT (SELECT count(*)::int FROM picked) AS picked,
           coalesce((SELECT json_agg(d.tenant)
             FROM (SELECT DISTINCT ruvector_healing_tenant AS tenant
             FROM moved LIMIT 2) d), '[]') AS tenants,
           coalesce((SELECT json_agg(json_build_array(${texts(identity, "m")})
             ORDER BY ${list(identity, "m")}) FROM moved m), '[]') AS moved`);
  if (moved.length > 0) markMoved(host, collection);
  if (moved.length !== picked) {
    // Something swallowed an update: not a place to move rows in.
    throw new HealingError(
      "unsupported_table",
      `${picked - moved.length} of ${picked} rows of ${collection.name} did not move`,
      {
        detail: "Something on the table suppressed the update.",
        hint: "Look for rules and BEFORE UPDATE triggers on the table.",
      },
    );
  }
  checkPublications(host, collection);
  return { moved, tenants };
}

/** The tenant column as the statement has to write it; null: none, or it is gone. */
const tenantColumn = (
  host: Host,
  { relid, tenant_column }: Collection,
): Pick<Column, "quoted" | "type"> | null =>
  host.query<Pick<Column, "quoted" | "type">>(sql`
    SELECT quote_ident(attname) AS quoted, format_type(atttypid, atttypmod) AS type
      FROM pg_attribute WHERE attrelid = ${relid}::oid AND attname = ${tenant_column} AND attnum > 0
      AND NOT attisdropped`)[0] ?? null;

export interface MovedBack {
  readonly remaining: Identity[];
  readonly undone: number;
  readonly gone: number;
  readonly elsewhere: number;
  readonly conflicts: number;
}

/**
 * Moves journaled rows back. Rows locked by others remain for the next try; deleted rows are gone;
 * rows that the application put into another partition since, and rows whose old place is taken,
 * stay where they are and are counted.
 * @param asked a person asked for it
 * @throws HealingError RV018 where moving back would do harm
 */
export function moveRowsBack(
  host: Host,
  collection: Collection,
  route: Route,
  rows: readonly Identity[],
  asked: boolean,
): MovedBack {
  lockTable(host, collection, "ROW EXCLUSIVE");
  checkMoveBack(host, collection, [route.from_key, route.to_key], asked);
  const column = partitionColumn(collection);
  const identity = identityColumns(collection);
  const rowOf = (alias: string): Sql => sql`json_build_array(${texts(identity, alias)})`;
  const answer = host.asOwner(collection.relid, "changes").one<{
    missing: Identity[];
    conflicts: number;
    undone: number;
    remaining: Identity[];
  }>(sql`
    WITH wanted AS MATERIALIZED (
      ${asRows(identity, rows)}
    ), here AS MATERIALIZED (
      SELECT ${list(identity, "s")}, ${collides(host, collection, "s", route.from_key)} AS taken
        FROM ${raw(collection.name)} s JOIN wanted w ON ${match(identity, "s", "w")}
       WHERE s.${raw(column.quoted)} = ${key(column, route.to_key)}
    ), picked AS MATERIALIZED (
      SELECT ${list(identity, "s")}
        FROM ${raw(collection.name)} s JOIN here h ON ${match(identity, "s", "h")}
       WHERE s.${raw(column.quoted)} = ${key(column, route.to_key)} AND NOT h.taken
         FOR UPDATE OF s SKIP LOCKED
    ), moved AS (
      UPDATE ${raw(collection.name)} t SET ${raw(column.quoted)} = ${key(column, route.from_key)}
        FROM picked p
       WHERE t.${raw(column.quoted)} = ${key(column, route.to_key)} AND ${match(identity, "t", "p")}
      RETURNING ${list(identity, "p")}
    )
    SELECT coalesce((SELECT json_agg(${rowOf("w")}) FROM wanted w WHERE NOT EXISTS (SELECT
      FROM here h WHERE ${match(identity, "w", "h")})), '[]') AS missing,
           (SELECT count(*)::int FROM here WHERE taken) AS conflicts,
           (SELECT count(*)::int FROM moved) AS undone,
           coalesce((SELECT json_agg(${rowOf("h")} ORDER BY ${list(identity, "h")}) FROM here h
                      WHERE NOT h.taken AND NOT EXISTS (SELECT FROM moved m
                        WHERE ${match(identity, "m", "h")})), '[]') AS remaining`);
  if (answer.undone > 0) {
    markMoved(host, collection);
    fireDeferred(host, collection);
  }
  const elsewhere =
    answer.missing.length > 0 ? countElsewhere(host, collection, answer.missing) : 0;
  return {
    remaining: answer.remaining,
    undone: answer.undone,
    gone: answer.missing.length - elsewhere,
    elsewhere,
    conflicts: answer.conflicts,
  };
}

/** Of a DEFAULT partition, once for each batch of an undo that misses rows: some 20 ms. */
const READABLE_BYTES = 32 * 1024 * 1024;

/**
 * Of rows that are not where they were put: how many are in another partition, by the keys that
 * partitions have. One look into the primary keys for each, which begin with the partition column
 * or with the identity. What keys the DEFAULT partition holds nobody knows: it is searched by
 * identity, where its primary key begins with that, or it is small enough to be read.
 */
function countElsewhere(host: Host, collection: Collection, rows: readonly Identity[]): number {
  const column = partitionColumn(collection);
  const identity = identityColumns(collection);
  const keys = readPartitions(host, collection.relid)
    .filter(({ foreign }) => !foreign)
    .flatMap(({ values }) => values.filter((value) => value !== null));
  const [rest] = host.query<{ qualified: string }>(sql`
    SELECT format('%I.%I', n.nspname, c.relname) AS qualified
      FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partdefid
        AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE p.partrelid = ${collection.relid}::oid
       AND (pg_relation_size(c.oid) <= ${READABLE_BYTES}::bigint
            OR EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
              AND a.attnum = i.indkey[0]
                        WHERE i.indrelid = c.oid AND i.indisprimary
                          AND a.attname <> ${column.name}))`);
  const inRest = rest
    ? sql`UNION ALL SELECT FROM ONLY ${raw(rest.qualified)} s WHERE ${match(identity, "s", "w")}`
    : sql``;
  const own =
    keys.length === 0
      ? sql`NULL`
      : join(
          keys.map((value) => asValue(column.type, value)),
          ", ",
        );
  return host.asOwner(collection.relid).one<{ found: number }>(sql`
    SELECT count(*)::int AS found
      FROM (${asRows(identity, rows)} OFFSET 0) w
     CROSS JOIN LATERAL (SELECT FROM ${raw(collection.name)} s
                          WHERE s.${raw(column.quoted)} IN (${own})
                            AND ${match(identity, "s", "w")} ${inRest} LIMIT 1) x`).found;
}

/**
 * What waits for the commit fires now, with the owner's rights: before PostgreSQL 18 it would fire
 * with those of whoever commits. Only constraints of the user's own triggers: the server's own
 * (foreign keys) run as the owner whenever they run.
 */
function fireDeferred(host: Host, collection: Collection): void {
  const constraints = deferrableTriggers(host, collection.relid);
  if (constraints.length > 0)
    host
      .asOwner(collection.relid, "changes")
      .execute(sql`SET CONSTRAINTS ${raw(constraints.join(", "))} IMMEDIATE`);
}
