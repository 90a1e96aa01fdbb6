/** The rows of ruvector.collections: which tables are registered, and as what. */
import sql, { type Sql } from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Collection, Column, Limitation, RegisteredOptions } from "../model/collection.ts";

/** A table as it is registered. */
export interface RegisteredTable {
  readonly schema_name: string;
  readonly table_name: string;
  readonly relid: string;
  readonly partition_strategy: Collection["partition_strategy"];
  readonly partition_column: Column | null;
  readonly primary_key: readonly Column[];
  readonly vector: { readonly name: string; readonly type: string };
  readonly tenant_column: string | null;
  readonly limitations: readonly Limitation[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** Keeps a table, in place of what was kept of it. Returns the collection's id. */
export function keepCollection(host: Host, table: RegisteredTable): number {
  const { id } = host.one<{ id: number }>(sql`
    INSERT INTO ruvector.collections AS c (schema_name, table_name, relid, partition_strategy,
      partition_column, partition_type,
                                     primary_key, vector_column, vector_type, tenant_column,
                                       limitations, options)
    VALUES (${table.schema_name}, ${table.table_name}, ${table.relid}::oid,
      ${table.partition_strategy},
            ${table.partition_column?.name ?? null}, ${table.partition_column?.type ?? null},
            ${JSON.stringify(table.primary_key)}::jsonb, ${table.vector.name}, ${table.vector.type},
            ${table.tenant_column}, ${JSON.stringify(table.limitations)}::jsonb,
              ${JSON.stringify(table.options)}::jsonb)
    ON CONFLICT (schema_name, table_name) DO UPDATE
       SET relid = excluded.relid, partition_strategy = excluded.partition_strategy,
         partition_column = excluded.partition_column,
           partition_type = excluded.partition_type, primary_key = excluded.primary_key,
             vector_column = excluded.vector_column,
           vector_type = excluded.vector_type, tenant_column = excluded.tenant_column,
             limitations = excluded.limitations,
           options = excluded.options
    RETURNING c.collection_id AS id`);
  return id;
}

/**
 * Keeps the registry's name and oid in step with a table that was renamed or restored, and what
 * does not apply to it with what is true now.
 */
export function followTable(host: Host, collection: Collection): void {
  host.execute(sql`
    UPDATE ruvector.collections
       SET schema_name = ${collection.schema_name}, table_name = ${collection.table_name},
         relid = ${collection.relid}::oid,
           limitations = ${JSON.stringify(collection.limitations)}::jsonb
     WHERE collection_id = ${collection.id}::int
       AND (schema_name, table_name, relid, limitations)
           IS DISTINCT FROM (${collection.schema_name}, ${collection.table_name},
             ${collection.relid}::oid, ${JSON.stringify(collection.limitations)}::jsonb)`);
}

type Options = RegisteredOptions & Readonly<Record<string, unknown>>;

/**
 * A collection without what is asked each time, not kept: a trigger, a publication, a DEFAULT comes
 * and goes without anybody registering the table again.
 */
export type RegisteredCollection = Omit<Collection, "limitations" | "movable"> & {
  /** Why it is not the table that was registered, and what to type. */
  readonly reason: string | null;
  readonly hint: string | null;
  readonly options: Options;
  /** The column that partitions it is filled by ruvector_healing_route(). */
  readonly routed: boolean;
  readonly limitations_then: readonly Limitation[];
};

/** What is kept of a collection, with what the catalogues say of its table now. */
export const registeredCollection = (host: Host, id: number): RegisteredCollection | null =>
  host.query<RegisteredCollection>(sql`
    SELECT c.collection_id AS id, format('%I.%I', coalesce(n.nspname, c.schema_name),
      coalesce(r.relname, c.table_name)) AS name,
           coalesce(n.nspname, c.schema_name) AS schema_name, coalesce(r.relname, c.table_name)
             AS table_name,
           r.oid::text AS relid, f.reason, f.hint,
           c.partition_strategy,
           CASE WHEN c.partition_column IS NOT NULL THEN
             json_build_object('name', c.partition_column, 'quoted',
               quote_ident(c.partition_column), 'type', c.partition_type) END AS partition_column,
           c.limitations AS limitations_then,
           coalesce(ruvector.healing_routed_by_default(r.oid, c.partition_column), false) AS routed,
           c.primary_key, c.vector_column, c.tenant_column, c.options,
             c.options ->> 'cold_partition' AS cold_partition,
             coalesce(c.options -> 'searches', '[]') AS searches,
           (SELECT json_build_object('name', a.attname, 'quoted', quote_ident(a.attname), 'type',
             format_type(a.atttypid, a.atttypmod))
              FROM pg_attribute a
             WHERE a.attrelid = r.oid AND a.attname = c.options ->> 'access_column' AND a.attnum > 0
               AND NOT a.attisdropped) AS access_column,
           ruvector.healing_settings(c.collection_id) AS settings
      FROM ruvector.collections c
      JOIN ruvector.healing_found(ARRAY[${id}::int]) f USING (collection_id)
      LEFT JOIN pg_class r ON r.oid = f.relid
      LEFT JOIN pg_namespace n ON n.oid = r.relnamespace
     WHERE c.collection_id = ${id}::int`)[0] ?? null;

const nameOf = (id: number): Sql =>
  sql`SELECT format('%I.%I', schema_name, table_name) AS name FROM ruvector.collections
      WHERE collection_id = ${id}::int`;

/** Its name as it was registered. */
export const collectionName = (host: Host, id: number): string =>
  host.one<{ name: string }>(nameOf(id)).name;

/** The same where it may have gone; null: it has. */
export const nameIfRegistered = (host: Host, id: number): string | null =>
  host.query<{ name: string }>(nameOf(id))[0]?.name ?? null;

export const isRegistered = (host: Host, id: number): boolean =>
  host.query(sql`SELECT FROM ruvector.collections WHERE collection_id = ${id}::int`).length > 0;

/** Forgets a collection and its settings. Returns its name; null: it was not there. */
export function forgetCollection(host: Host, id: number): string | null {
  const [gone] = host.query<{ name: string }>(sql`
    DELETE FROM ruvector.collections WHERE collection_id = ${id}::int
      RETURNING format('%I.%I', schema_name, table_name) AS name`);
  host.execute(sql`DELETE FROM ruvector.healing_config WHERE collection_id = ${id}::int`);
  return gone?.name ?? null;
}
