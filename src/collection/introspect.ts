/**
 * What the catalogues say about a table: everything the loop needs to know before it touches it.
 */
import sql, { type Sql, raw } from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Column } from "../model/collection.ts";

export interface TableFacts {
  readonly relid: string;
  readonly schema_name: string;
  readonly table_name: string;
  readonly qualified: string;
  /** pg_class.relkind: r table, p partitioned table, v view, f foreign table... */
  readonly kind: string;
  readonly is_partition: boolean;
  /** Citus manages it: its rows are on other servers. */
  readonly distributed: boolean;
  readonly partition_strategy: "list" | "range" | "hash" | "none";
  /** null where the key is an expression or has several columns. */
  readonly partition_column:
    | (Column & { readonly generated: boolean; readonly routed: boolean })
    | null;
  readonly primary_key: readonly Column[];
  readonly vector_columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly indexed: boolean;
  }[];
  readonly columns: readonly string[];
  /** How its rows may be touched: see ruvector.healing_access(). */
  readonly access: "direct" | "owner" | "none";
  /** Of a session: no other one can read it. */
  readonly temporary: boolean;
  readonly schema_quoted: string;
  /** USAGE on its schema. */
  readonly may_enter: boolean;
  readonly may_select: boolean;
  readonly may_update: boolean;
  readonly owner: string;
  /** The installing role is the owner, or may act as it. */
  readonly owns: boolean;
  readonly installer: string;
}

/** One partition of a LIST-partitioned table (or the table itself where it is not partitioned). */
export interface Partition {
  readonly relid: string;
  /** `schema.name`, quoted by the server. */
  readonly qualified: string;
  readonly label: string;
  readonly kind: string;
  /**
   * It is a foreign table, or has one below it: whoever reads it asks another server, which may
   * never answer.
   */
  readonly foreign: boolean;
  /** Key values as texts, null for a NULL value; empty for DEFAULT, RANGE and HASH partitions. */
  readonly values: readonly (string | null)[];
}

/** null: it is gone. */
export const readTable = (host: Host, relid: string): TableFacts | null =>
  host.one<{ facts: TableFacts | null }>(
    sql`SELECT ruvector.healing_table_facts(${relid}::oid) AS facts`,
  ).facts;

/**
 * A table and all its partitions as a subquery of `relid`; unlike pg_partition_tree it takes no
 * locks. As an array, of which the planner expects ten: of the recursion itself it expected 157,867
 * rows where there were 17, and read pg_class and pg_index from end to end.
 */
export const family = (relid: Sql): Sql => sql`(
  SELECT m.relid FROM unnest(ARRAY(
    WITH RECURSIVE f(relid) AS (SELECT ${relid} UNION SELECT i.inhrelid
      FROM f JOIN pg_inherits i ON i.inhparent = f.relid)
    SELECT relid FROM f)) m(relid))`;

/**
 * The same of several tables at once, as a subquery of (relid, member). One recursion for all: with
 * one for each of 256 partitions their rows in pg_class were found in 7.9 ms, now in 1.7.
 */
export const families = (relids: readonly string[]): Sql => sql`(
  SELECT m.root::text AS relid, m.member
    FROM (SELECT array_agg(f.root) AS roots, array_agg(f.relid) AS members FROM (
      WITH RECURSIVE f(root, relid) AS (
        SELECT w.relid::oid, w.relid::oid
          FROM jsonb_array_elements_text(${JSON.stringify(relids)}::jsonb) w(relid)
        UNION SELECT f.root, i.inhrelid FROM f JOIN pg_inherits i ON i.inhparent = f.relid)
      SELECT f.root, f.relid FROM f) f) a
   CROSS JOIN LATERAL unnest(a.roots, a.members) m(root, member))`;

/**
 * The partitions of a table, by name. The bound's list is read back by the server itself
 * (`ARRAY[...]::text[]` of what pg_get_expr wrote), so quoting and NULL are PostgreSQL's own.
 */
export function readPartitions(host: Host, relid: string): Partition[] {
  const { leaves } = host.one<{ leaves: readonly Leaf[] }>(
    sql`SELECT ruvector.healing_partitions(${relid}::oid) AS leaves`,
  );
  return withValues(host, leaves);
}

/** A partition as the catalogues have it, its bound as the server writes it. */
export type Leaf = Omit<Partition, "values"> & { readonly bound: string };

export function withValues(host: Host, leaves: readonly Leaf[]): Partition[] {
  const lists = leaves.map(({ bound }) => /^FOR VALUES IN \((.*)\)$/s.exec(bound)?.[1]);
  const values = lists.some((list) => list !== undefined)
    ? boundValues(host, lists)
    : lists.map(() => []);
  return leaves.map(({ bound: _, ...leaf }, index) => ({ ...leaf, values: values[index] ?? [] }));
}

/**
 * In a bound the server writes numbers, truth values, NULL and quoted texts, never a type: whatever
 * the key's type is, no code of it runs.
 */
function boundValues(host: Host, lists: readonly (string | undefined)[]): (string | null)[][] {
  const values = lists.map((list, place) => {
    const texts = list === undefined ? "'[]'::json" : `to_json(ARRAY[${list}]::text[])`;
    return `(${place}, ${texts})`;
  });
  return host.one<{ lists: (string | null)[][] }>(sql`
    SELECT json_agg(list ORDER BY place) AS lists
      FROM (VALUES ${raw(values.join(", "))}) v(place, list)`).lists;
}
