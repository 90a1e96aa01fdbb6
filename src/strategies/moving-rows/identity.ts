/** Which rows: their identity, and the values of their keys. */
import { type Sql, raw } from "sql-template-tag";
import { HealingError } from "../../base/errors.ts";
import type { Collection, Column } from "../../model/collection.ts";
import { asText, asValue } from "../../collection/key-values.ts";

/**
 * Texts of the primary key columns beside the partition column, in index order: what is journaled
 * of a row.
 */
export type Identity = readonly string[];

export const identityColumns = (collection: Collection): readonly Column[] =>
  collection.primary_key.filter(({ name }) => name !== collection.partition_column?.name);

export function partitionColumn(collection: Collection): Column {
  if (collection.partition_column) return collection.partition_column;
  throw new HealingError("unsupported_table", `${collection.name} has no partition column`);
}

export const list = (columns: readonly Column[], alias: string): Sql =>
  raw(columns.map(({ quoted }) => `${alias}.${quoted}`).join(", "));

export const texts = (columns: readonly Column[], alias: string): Sql =>
  raw(columns.map(({ quoted, type }) => asText(type, `${alias}.${quoted}`)).join(", "));

export const match = (columns: readonly Column[], a: string, b: string): Sql =>
  raw(columns.map(({ quoted }) => `${a}.${quoted} = ${b}.${quoted}`).join(" AND "));

/** A key text as a value of the partition column. */
export const key = (column: Column, value: string): Sql => asValue(column.type, value);
