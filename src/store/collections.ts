/** The rows of ruvector.collections: which tables are registered, and as what. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Collection, Column, Limitation } from "../model/collection.ts";

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

/** Its name as it was registered. */
export const collectionName = (host: Host, id: number): string =>
  host.one<{ name: string }>(
    sql`SELECT format('%I.%I', schema_name, table_name) AS name FROM ruvector.collections
      WHERE collection_id = ${id}::int`,
  ).name;

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
