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

/** The columns of the primary key of `t`, in their order. */
const PRIMARY_KEY = sql`
  coalesce((SELECT json_agg(json_build_object('name', a.attname, 'quoted',
    quote_ident(a.attname),
            'type', format_type(a.atttypid, a.atttypmod)) ORDER BY k.place)
     FROM pg_index i
     CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
    WHERE i.indrelid = t.oid AND i.indisprimary
      AND k.place <= i.indnkeyatts), '[]')`;

/** The columns of pgvector's types of `t`, and whether an index of pgvector's is on them. */
const VECTOR_COLUMNS = sql`
  coalesce((SELECT json_agg(json_build_object('name', a.attname, 'type',
    format_type(a.atttypid, a.atttypmod),
            'indexed', EXISTS (SELECT
              FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
              JOIN pg_am am ON am.oid = ic.relam
                                WHERE i.indrelid IN (SELECT oid FROM family)
                                  AND am.amname IN ('ivfflat', 'hnsw')
                                  AND (SELECT x.attname FROM pg_attribute x
                                    WHERE x.attrelid = i.indrelid
                                    AND x.attnum = i.indkey[0]) = a.attname))
            ORDER BY a.attnum)
     FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
     JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = y.oid
       AND d.deptype = 'e'
     JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
       AND e.extname = 'vector'
    WHERE a.attrelid = t.oid AND a.attnum > 0
      AND NOT a.attisdropped), '[]')`;

export function readTable(host: Host, relid: string): TableFacts | null {
  const [facts] = host.query<TableFacts>(sql`
    WITH t AS (
      SELECT c.*, n.nspname, p.partstrat, p.partnatts, p.partattrs
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
       WHERE c.oid = ${relid}::oid
    ), leaves AS (
      SELECT c.oid, c.relkind, c.relname
        FROM t JOIN pg_inherits i ON i.inhparent = t.oid JOIN pg_class c ON c.oid = i.inhrelid
       WHERE t.relkind = 'p'
    ), family AS (
      SELECT oid FROM t UNION SELECT oid FROM leaves
    )
    SELECT t.oid::text AS relid, t.nspname AS schema_name, t.relname AS table_name,
           format('%I.%I', t.nspname, t.relname) AS qualified, t.relkind AS kind,
             t.relispartition AS is_partition,
           t.oid IN (SELECT ruvector.healing_distributed()) AS distributed,
           CASE t.partstrat WHEN 'l' THEN 'list' WHEN 'r' THEN 'range' WHEN 'h' THEN 'hash'
             ELSE 'none' END AS partition_strategy,
           (SELECT json_build_object('name', a.attname, 'quoted', quote_ident(a.attname),
                     'type', format_type(a.atttypid, a.atttypmod),
                     'generated', a.attgenerated <> '' OR a.attidentity = 'a',
                     'routed', ruvector.healing_routed_by_default(t.oid, a.attname))
              FROM pg_attribute a
             WHERE a.attrelid = t.oid AND t.partnatts = 1 AND a.attnum = t.partattrs[0]
               AND a.attnum > 0) AS partition_column,
           ${PRIMARY_KEY} AS primary_key,
           ${VECTOR_COLUMNS} AS vector_columns,
           coalesce((SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
                      WHERE a.attrelid = t.oid AND a.attnum > 0
                        AND NOT a.attisdropped), '[]') AS columns,
           (SELECT how FROM ruvector.healing_access(t.oid)) AS access,
           has_table_privilege(t.oid, 'SELECT') AS may_select,
           has_table_privilege(t.oid, 'UPDATE')
             AND has_table_privilege(t.oid, 'SELECT') AS may_update,
           quote_ident(pg_get_userbyid(t.relowner)) AS owner, pg_has_role(current_user, t.relowner,
             'USAGE') AS owns,
           quote_ident(current_user) AS installer
      FROM t`);
  return facts ?? null;
}

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
 * The partitions of a table, by name. The bound's list is read back by the server itself
 * (`ARRAY[...]::text[]` of what pg_get_expr wrote), so quoting and NULL are PostgreSQL's own.
 */
export function readPartitions(host: Host, relid: string): Partition[] {
  // Upwards from the foreign tables, which are few: looked for below each of 256 partitions: 344 ms
  // a batch, 8 so (load 30, 2 cores).
  const leaves = host.query<Omit<Partition, "values"> & { readonly bound: string }>(sql`
    WITH RECURSIVE foreign_or_above(relid) AS (
      SELECT ftrelid FROM pg_foreign_table UNION SELECT i.inhparent
        FROM foreign_or_above f JOIN pg_inherits i ON i.inhrelid = f.relid
    )
    SELECT c.oid::text AS relid, format('%I.%I', n.nspname, c.relname) AS qualified,
      c.relname AS label,
           c.relkind AS kind, c.oid IN (SELECT relid FROM foreign_or_above) AS foreign,
           coalesce(pg_get_expr(c.relpartbound, 0), '') AS bound
      FROM pg_inherits i
      JOIN pg_class c ON c.oid = i.inhrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE i.inhparent = ${relid}::oid AND c.relispartition
     ORDER BY c.relname, n.nspname`);
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

/**
 * Columns of each plain unique index of a relation beside its primary key; the row mover checks
 * them before it moves.
 */
export function readUniqueKeys(
  host: Host,
  relid: string,
): { readonly columns: readonly string[] }[] {
  return host.query(sql`
    SELECT (SELECT json_agg(quote_ident(a.attname) ORDER BY k.place)
              FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
             WHERE k.place <= i.indnkeyatts) AS columns
      FROM pg_index i
     WHERE i.indrelid = ${relid}::oid AND i.indisunique AND i.indpred IS NULL
       AND i.indexprs IS NULL`);
}
