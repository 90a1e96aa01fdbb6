/** Checks of what is given at registration against the table. */
import sql, { raw } from "sql-template-tag";
import type { Host } from "../host/host.ts";
import { HealingError, SqlError } from "../base/errors.ts";
import type { TableFacts } from "./introspect.ts";
import { asText, asValue } from "./key-values.ts";

/** @throws HealingError RV001 where the column is missing, or its type has no "newest" or "most" */
export function checkAccessColumn(host: Host, facts: TableFacts, name: string | undefined): void {
  if (name === undefined) return;
  const [column] = host.query<{ type: string; category: string }>(sql`
    SELECT format_type(a.atttypid, a.atttypmod) AS type, t.typcategory AS category
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     WHERE a.attrelid = ${facts.relid}::oid AND a.attname = ${name} AND a.attnum > 0
       AND NOT a.attisdropped`);
  if (!column) {
    throw new HealingError("invalid_argument", `table ${facts.qualified} has no column "${name}"`, {
      detail: "Given as access_column.",
      hint: `Its columns: ${facts.columns.join(", ")}.`,
    });
  }
  // Categories of pg_type: D dates and times, N numbers. oid and money are numbers by category, and
  // harmless.
  if (!["D", "N"].includes(column.category)) {
    throw new HealingError(
      "invalid_argument",
      `column "${name}" of ${facts.qualified} does not tell how lately a row was used`,
      {
        detail: `Given as access_column; its type is ${column.type}.`,
        hint: "It must be a date, a time or a number: newest or largest is hottest.",
      },
    );
  }
}

/**
 * The partition key value of the cold partition as the server writes it ("07" and 7 are one
 * integer).
 * @throws HealingError RV001 where it is no value of the partition column
 */
export function coldKey(host: Host, facts: TableFacts, given: string | number): string {
  const column = facts.partition_column;
  if (facts.partition_strategy !== "list" || !column) {
    throw new HealingError("invalid_argument", `${facts.qualified} cannot have a cold_partition`, {
      detail:
        `Given: ${JSON.stringify(given)}. The table is not partitioned BY LIST on a plain ` +
        "column.",
      hint: "Leave cold_partition out.",
    });
  }
  try {
    return host.asOwner(facts.relid, "keys").one<{ key: string }>(
      sql`SELECT ${raw(asText(column.type, "v"))} AS key
          FROM (SELECT ${asValue(column.type, String(given))} AS v) one`,
    ).key;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw new HealingError(
      "invalid_argument",
      `cold_partition must be a value of the partition column ${column.quoted}`,
      {
        detail:
          `Got ${JSON.stringify(given)}; the column's type is ${column.type}: ` +
          `${error.document.message}.`,
        hint:
          "Name the key of the partition that takes cold rows; " +
          "it is made when it is not there.",
      },
    );
  }
}
