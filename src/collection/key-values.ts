/**
 * Values of key columns as texts and back, without a cast of the type's owner. Whoever owns a type
 * (an enum) may give it a cast to or from text at any moment, under no lock of ours, and CAST would
 * call that; the type's own input and output, which a literal and format() go through, are
 * PostgreSQL's or an extension's.
 */
import sql, { type Sql, join, raw } from "sql-template-tag";
import { literal } from "../base/literal.ts";
import type { Column } from "../model/collection.ts";

/**
 * search_path is pg_catalog in all we run: what is not PostgreSQL's own is written with its schema.
 */
const made = (type: string): boolean => type.includes(".");

export const asText = (type: string, expression: string): string =>
  made(type)
    ? `CASE WHEN ${expression} IS NOT NULL THEN format('%s', ${expression}) END`
    : `${expression}::text`;

export const asValue = (type: string, text: string | null): Sql =>
  text !== null && made(type)
    ? raw(`CAST(${literal(text)} AS ${type})`)
    : sql`CAST(${text} AS ${raw(type)})`;

/** Whether values of these types are made of texts by PostgreSQL's own code, wherever they are. */
const readableThere = (columns: readonly Column[]): boolean =>
  !columns.some(({ type }) => made(type));

/** The same of a list of them: a list in a list is another type than a list of lists. */
export const listable = (columns: readonly Column[]): boolean =>
  readableThere(columns) && !columns.some(({ type }) => type.endsWith("[]"));

/** Rows of a JSON array of arrays of texts as a subquery with these columns. */
function rowsOf(columns: readonly Column[], json: Sql): Sql {
  const wanted = columns
    .map(({ quoted, type }, place) => `CAST(j.row ->> ${place} AS ${type}) AS ${quoted}`)
    .join(", ");
  return sql`SELECT ${raw(wanted)} FROM json_array_elements(${json}) j(row)`;
}

/**
 * Rows of lists, {"lists": [a column's values as an array's text, ...]}, as a subquery with these
 * columns. The planner sees how many there are, which it does not in JSON.
 */
export function rowsOfLists(columns: readonly Column[], json: Sql): Sql {
  const lists = columns.map(
    ({ type }, place) =>
      sql`CAST(${json}::json -> 'lists' ->> ${raw(String(place))} AS ${raw(type)}[])`,
  );
  return sql`SELECT *
    FROM unnest(${join(lists, ", ")}) v(${raw(columns.map(({ quoted }) => quoted).join(", "))})`;
}

/** Rows of texts as a subquery with these columns. */
export function asRows(columns: readonly Column[], rows: readonly (readonly string[])[]): Sql {
  if (readableThere(columns) || rows.length === 0)
    return rowsOf(columns, sql`${JSON.stringify(rows)}::json`);
  const values = rows.map(
    (row) =>
      sql`(${join(
        columns.map(({ type }, place) => asValue(type, row[place] ?? null)),
        ", ",
      )})`,
  );
  return sql`SELECT *
    FROM (VALUES ${join(values, ", ")})
    v(${raw(columns.map(({ quoted }) => quoted).join(", "))})`;
}
