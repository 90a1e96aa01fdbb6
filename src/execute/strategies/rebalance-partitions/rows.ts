/** Moves rows between partitions by updating the partition key, and back. The only SQL that changes a user's rows. */
import sql, { type Sql, join, raw } from "sql-template-tag";
import { readPartitions, readUniqueKeys } from "../../../collection/introspect.ts";
import { lockTable } from "../../../collection/lookup.ts";
import type { Host } from "../../../host/host.ts";
import { HealingError } from "../../../model/errors.ts";
import type { Collection, Column } from "../../../model/collection.ts";

/** Texts of the primary key columns beside the partition column, in index order: what is journaled of a row. */
export type Identity = readonly string[];

export interface Route {
  readonly from_key: string;
  readonly to_key: string;
}

export const identityColumns = (collection: Collection): readonly Column[] =>
  collection.primary_key.filter(({ name }) => name !== collection.partition_column?.name);

function partitionColumn(collection: Collection): Column {
  if (collection.partition_column) return collection.partition_column;
  throw new HealingError("unsupported_table", `${collection.name} has no partition column`);
}

const list = (columns: readonly Column[], alias: string, suffix = ""): Sql =>
  raw(columns.map(({ quoted }) => `${alias}.${quoted}${suffix}`).join(", "));

const match = (columns: readonly Column[], a: string, b: string): Sql =>
  raw(columns.map(({ quoted }) => `${a}.${quoted} = ${b}.${quoted}`).join(" AND "));

/** A key text as a value of the partition column. */
const key = (column: Column, value: string): Sql => sql`CAST(${value} AS ${raw(column.type)})`;

/**
 * Whether the row `alias` would collide with one that is there under `toKey`: for every plain unique index of the
 * partition that key leads to, on that partition alone (its indexes may differ from the parent's).
 */
function collides(host: Host, collection: Collection, alias: string, toKey: string): Sql {
  const column = partitionColumn(collection);
  const leaf = readPartitions(host, collection.relid).find(({ values }) => values.includes(toKey));
  if (!leaf) {
    throw new HealingError("unsupported_table", `no partition of ${collection.name} takes ${column.name} = ${toKey} any more`, {
      detail: "The partition was detached or dropped after the plan was made.",
      hint: "Attach it again to let the action go on, or abort the action.",
    });
  }
  const keys = readUniqueKeys(host, leaf.relid).map(({ columns }) => {
    const conditions = columns.map((quoted) =>
      quoted === column.quoted ? sql`x.${raw(quoted)} = ${key(column, toKey)}` : sql`x.${raw(quoted)} = ${raw(alias)}.${raw(quoted)}`,
    );
    return sql`EXISTS (SELECT FROM ONLY ${raw(leaf.qualified)} x WHERE ${join(conditions, " AND ")})`;
  });
  return keys.length > 0 ? sql`(${join(keys, " OR ")})` : sql`false`;
}

/**
 * Moves up to `limit` rows in primary key order, beginning after `after`. Rows that others hold locked and rows
 * whose key is taken in the target are passed over, never waited for.
 * Walking the primary key's index (and not the heap) keeps a slice's cost even: the dead versions that earlier
 * slices left lie behind the cursor.
 * @returns identities of the moved rows, in order
 */
export function moveRows(host: Host, collection: Collection, route: Route, after: Identity | null, limit: number): Identity[] {
  lockTable(host, collection, "ROW EXCLUSIVE");
  const column = partitionColumn(collection);
  const identity = identityColumns(collection);
  const beyond =
    after === null
      ? sql`true`
      : sql`(${list(identity, "s")}) > (${join(identity.map(({ type }, place) => sql`CAST(${after[place] ?? null} AS ${raw(type)})`), ", ")})`;
  const { moved, picked } = host.one<{ moved: Identity[]; picked: number }>(sql`
    WITH picked AS MATERIALIZED (
      SELECT ${list(identity, "s")}
        FROM ${raw(collection.name)} s
       WHERE s.${raw(column.quoted)} = ${key(column, route.from_key)} AND ${beyond}
         AND NOT ${collides(host, collection, "s", route.to_key)}
       ORDER BY ${list(identity, "s")}
       LIMIT ${limit}::int
         FOR UPDATE OF s SKIP LOCKED
    ), moved AS (
      UPDATE ${raw(collection.name)} t SET ${raw(column.quoted)} = ${key(column, route.to_key)}
        FROM picked p
       WHERE t.${raw(column.quoted)} = ${key(column, route.from_key)} AND ${match(identity, "t", "p")}
      RETURNING ${list(identity, "p")}
    )
    SELECT (SELECT count(*)::int FROM picked) AS picked,
           coalesce((SELECT json_agg(json_build_array(${list(identity, "m", "::text")}) ORDER BY ${list(identity, "m")}) FROM moved m), '[]') AS moved`);
  if (moved.length !== picked) {
    // A rule, or a trigger made after registration, swallowed an update: not a place to move rows in.
    throw new HealingError("unsupported_table", `${picked - moved.length} of ${picked} rows of ${collection.name} did not move`, {
      detail: "Something on the table suppressed the update.",
      hint: "Look for rules and BEFORE UPDATE triggers on the table.",
    });
  }
  return moved;
}

export interface MovedBack {
  readonly remaining: Identity[];
  readonly undone: number;
  readonly gone: number;
  readonly conflicts: number;
}

/**
 * Moves journaled rows back. Rows locked by others remain for the next try; deleted rows are gone; rows whose old
 * place is taken stay where they are and are counted.
 */
export function moveRowsBack(host: Host, collection: Collection, route: Route, rows: readonly Identity[]): MovedBack {
  lockTable(host, collection, "ROW EXCLUSIVE");
  const column = partitionColumn(collection);
  const identity = identityColumns(collection);
  const wanted = identity.map(({ quoted, type }, place) => `CAST(j.row ->> ${place} AS ${type}) AS ${quoted}`).join(", ");
  const rowOf = (alias: string): Sql => sql`json_build_array(${list(identity, alias, "::text")})`;
  const answer = host.one<{ here: number; conflicts: number; undone: number; remaining: Identity[] }>(sql`
    WITH wanted AS MATERIALIZED (
      SELECT ${raw(wanted)} FROM jsonb_array_elements(${JSON.stringify(rows)}::jsonb) j(row)
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
    SELECT (SELECT count(*)::int FROM here) AS here, (SELECT count(*)::int FROM here WHERE taken) AS conflicts,
           (SELECT count(*)::int FROM moved) AS undone,
           coalesce((SELECT json_agg(${rowOf("h")} ORDER BY ${list(identity, "h")}) FROM here h
                      WHERE NOT h.taken AND NOT EXISTS (SELECT FROM moved m WHERE ${match(identity, "m", "h")})), '[]') AS remaining`);
  return { remaining: answer.remaining, undone: answer.undone, gone: rows.length - answer.here, conflicts: answer.conflicts };
}
