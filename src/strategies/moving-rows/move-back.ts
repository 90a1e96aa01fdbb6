/** Moves rows back to where they came from. */
import sql, { type Sql, join, raw } from "sql-template-tag";
import type { Partition } from "../../collection/introspect.ts";
import { lockRows, moveConditions } from "../../collection/lookup.ts";
import { GIVEN, type Host } from "../../host/host.ts";
import { markMoved } from "../../sense/activity/activity.ts";
import type { Collection, Column } from "../../model/collection.ts";
import { checkMoveBack } from "./permission.ts";
import { asRows, asValue, listable, rowsOfLists } from "../../collection/key-values.ts";
import { journalOf, leftOfStep, listsOf } from "../../store/moved-rows.ts";
import {
  type Identity,
  identityColumns,
  partitionColumn,
  list,
  texts,
  match,
  key,
} from "./identity.ts";
import { type Route, type Target, collides, fireDeferred, leafOf } from "./move-rows.ts";

export interface MovedBack {
  /** Rows locked by others, which the step keeps for the next try. */
  readonly left: number;
  readonly undone: number;
  readonly gone: number;
  readonly elsewhere: number;
  readonly conflicts: number;
  readonly wal_bytes: number;
  readonly no_way_back?: string;
}

const NOTHING: MovedBack = {
  left: 0,
  undone: 0,
  gone: 0,
  elsewhere: 0,
  conflicts: 0,
  wal_bytes: 0,
};

interface Answer {
  readonly missing: readonly Identity[];
  readonly conflicts: number;
  readonly undone: number;
  readonly left: number;
  readonly wal_bytes: number;
}

/**
 * Moves the journaled rows of a step back, and keeps in it what could not go. Rows locked by others
 * remain for the next try; deleted rows are gone; rows that the application put into another
 * partition since, and rows whose old place is taken, stay where they are and are counted. Where no
 * partition takes them back, nothing is done, and the step keeps its journal: one may again.
 * @param asked a person asked for it
 * @throws HealingError RV018 where moving back would do harm
 */
export function moveRowsBack(
  host: Host,
  collection: Collection,
  route: Route,
  stepId: string,
  asked: boolean,
): MovedBack {
  const { partitions, wal } = lockRows(host, collection);
  const [home, here] = [leafOf(partitions, route.from_key), leafOf(partitions, route.to_key)];
  if (!home) return { ...NOTHING, no_way_back: route.from_key };
  const touched = [home.relid, ...(here ? [here.relid] : [])];
  const conditions = moveConditions(host, collection, touched, home.relid);
  checkMoveBack(collection, conditions, asked);
  const { missing, ...back } = host.through<Answer>([
    {
      owner: null,
      statement: listsOf(stepId, identityColumns(collection).length, ends(collection)),
    },
    {
      owner: collection.relid,
      statement: movingBack(host, collection, {
        route,
        stepId,
        target: { leaf: home, conditions, within: (alias) => between(collection, alias) },
      }),
      merges: ordered(collection) !== null,
    },
    { owner: null, statement: leftOfStep(stepId, wal) },
  ]);
  if (back.undone > 0) {
    markMoved(host, collection);
    fireDeferred(host, collection);
  }
  const elsewhere = missing.length > 0 ? countElsewhere(host, collection, missing, partitions) : 0;
  return { ...back, gone: missing.length - elsewhere, elsewhere };
}

interface Backwards {
  readonly route: Route;
  readonly stepId: string;
  readonly target: Target;
}

/**
 * The first column of the identity where its type has one order: of a text it is its column's
 * collation's, which a journal does not know.
 */
function ordered(collection: Collection): Column | null {
  const [first] = identityColumns(collection);
  return first && /^(?:bigint|integer|smallint|uuid|date|timestamp\b.*)$/.test(first.type)
    ? first
    : null;
}

/**
 * The lowest and the highest of it. Of uuids PostgreSQL 15 knows neither; their texts sort alike.
 */
function ends(collection: Collection): Sql {
  const column = ordered(collection);
  if (!column) return sql`NULL AS lowest, NULL AS highest`;
  const value = column.type === "uuid" ? `c0 COLLATE "C"` : `CAST(c0 AS ${column.type})`;
  return raw(`min(${value})::text AS lowest, max(${value})::text AS highest`);
}

/**
 * The planner sees where these are and how many others lie between: it merges, or looks each row
 * up where those are many. Looking them all up was 5 of 17 microseconds a row.
 */
function between(collection: Collection, alias: string): Sql {
  const column = ordered(collection);
  if (!column) return sql`true`;
  const end = (name: string): string => `CAST(${GIVEN.sql}::json ->> '${name}' AS ${column.type})`;
  return raw(`${alias}.${column.quoted} BETWEEN ${end("lowest")} AND ${end("highest")}`);
}

function movingBack(host: Host, collection: Collection, { route, stepId, target }: Backwards): Sql {
  const column = partitionColumn(collection);
  const identity = identityColumns(collection);
  const taken = collides(collection, "s", route.from_key, target);
  const rowOf = (alias: string): Sql => sql`json_build_array(${texts(identity, alias)})`;
  // Texts of a type that somebody made are written as literals (key-values.ts): those come here.
  const wanted = listable(identity)
    ? rowsOfLists(identity, GIVEN)
    : asRows(identity, host.one<{ journal: Identity[] }>(journalOf(stepId)).journal);
  return sql`
    WITH wanted AS MATERIALIZED (
      ${wanted}
    ), picked AS MATERIALIZED (
      SELECT ${list(identity, "s")}
        FROM ${raw(collection.name)} s JOIN wanted w ON ${match(identity, "s", "w")}
       WHERE s.${raw(column.quoted)} = ${key(column, route.to_key)} AND ${target.within("s")}
         AND NOT ${taken}
         FOR UPDATE OF s SKIP LOCKED
    ), moved AS (
      UPDATE ${raw(collection.name)} t SET ${raw(column.quoted)} = ${key(column, route.from_key)}
        FROM picked p
       WHERE t.${raw(column.quoted)} = ${key(column, route.to_key)} AND ${match(identity, "t", "p")}
         AND ${target.within("t")}
      RETURNING ${list(identity, "p")}
    ), rest AS MATERIALIZED (
      SELECT ${list(identity, "w")} FROM wanted w
       WHERE (SELECT count(*) FROM moved) < (SELECT count(*) FROM wanted)
      EXCEPT SELECT ${list(identity, "m")} FROM moved m
    ), here AS MATERIALIZED (
      SELECT ${list(identity, "s")}, ${taken} AS taken
        FROM ${raw(collection.name)} s JOIN rest r ON ${match(identity, "s", "r")}
       WHERE s.${raw(column.quoted)} = ${key(column, route.to_key)} AND ${target.within("s")}
    )
    SELECT coalesce((SELECT json_agg(${rowOf("r")}) FROM (
             SELECT ${list(identity, "r")} FROM rest r
             EXCEPT SELECT ${list(identity, "h")} FROM here h) r), '[]') AS missing,
           (SELECT count(*)::int FROM here WHERE taken) AS conflicts,
           (SELECT count(*)::int FROM moved) AS undone,
           coalesce((SELECT json_agg(${rowOf("h")} ORDER BY ${list(identity, "h")})
             FROM here h WHERE NOT h.taken), '[]') AS remaining`;
}

/** Of a DEFAULT partition, once for each batch of an undo that misses rows: some 20 ms. */
const READABLE_BYTES = 32 * 1024 * 1024;

/**
 * Of rows that are not where they were put: how many are in another partition, by the keys that
 * partitions have. One look into the primary keys for each, which begin with the partition column
 * or with the identity. What keys the DEFAULT partition holds nobody knows: it is searched by
 * identity, where its primary key begins with that, or it is small enough to be read.
 */
function countElsewhere(
  host: Host,
  collection: Collection,
  rows: readonly Identity[],
  partitions: readonly Partition[],
): number {
  const column = partitionColumn(collection);
  const identity = identityColumns(collection);
  const keys = partitions
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
