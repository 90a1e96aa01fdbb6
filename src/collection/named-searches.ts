/**
 * Searches with filters, as they are named: what its owner says is asked of a table, {"searches":
 * [{"where": {"tenant_id": 7}, "k": 10}]}.
 */
import sql from "sql-template-tag";
import * as z from "zod/mini";
import { parseDocument } from "../base/documents.ts";
import { HealingError, SqlError, SQLSTATES } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import type { Host } from "../host/host.ts";
import type { Search, SearchInput } from "../model/recall.ts";
import type { TableFacts } from "./introspect.ts";
import { searchPredicate } from "./searches.ts";

/** Each is measured every recall_interval_seconds: what many searches have in common is enough. */
const MOST = { searches: 16, columns: 8, values: 100, characters: 1000 } as const;

const SHAPE = {
  where: z.record(z.string(), z.unknown()),
  k: z.optional(z.int().check(z.minimum(1), z.maximum(1000))),
};

const bad = (where: string, message: string, given: unknown, hint: string): HealingError =>
  new HealingError("invalid_argument", `options key "${where}" ${message}`, {
    detail: `Got ${printable(JSON.stringify(given) ?? "nothing", 200)}.`,
    hint,
  });

const EXAMPLE = 'For example {"searches": [{"where": {"tenant_id": 7}, "k": 10}]}.';

/** @throws HealingError RV001 where it is no list of searches; the columns are not looked at */
export function parseSearches(given: readonly unknown[]): readonly Search[] {
  if (given.length > MOST.searches)
    throw bad("searches", `has more than ${MOST.searches} searches`, given.length, EXAMPLE);
  return given.map((one, place): Search => {
    const at = `searches.${place}`;
    const { where, k } = parseDocument(`options key "${at}"`, SHAPE, one);
    const columns = Object.entries(where);
    if (columns.length === 0 || columns.length > MOST.columns)
      throw bad(`${at}.where`, `must name 1 to ${MOST.columns} columns`, where, EXAMPLE);
    for (const [name, value] of columns) checkValues(`${at}.where.${name.slice(0, 200)}`, value);
    return { where: where as Search["where"], k: k ?? 10 };
  });
}

function checkValues(at: string, given: unknown): void {
  const values: unknown[] = Array.isArray(given) ? given : [given];
  if (values.length === 0 || values.length > MOST.values)
    throw bad(at, `must have 1 to ${MOST.values} values`, values.length, EXAMPLE);
  for (const value of values) checkValue(at, value);
}

function checkValue(at: string, value: unknown): void {
  if (value !== null && !["string", "number", "boolean"].includes(typeof value))
    throw bad(at, "is no value", value, "A text, a number, true, false, null, or a list of these.");
  if (String(value).length > MOST.characters)
    throw bad(at, `is longer than ${MOST.characters} characters`, value, "Give a shorter value.");
  // JSON's numbers are kept as double precision: 9007199254740993 would become another tenant.
  if (typeof value === "number" && !isExact(value))
    throw bad(at, "is a number of more digits than are kept", value, "Write it in quotes.");
}

const isExact = (value: number): boolean =>
  Number.isInteger(value)
    ? Number.isSafeInteger(value)
    : value.toString().replace(/e.*$/, "").replace(/\D/g, "").length <= 15;

/**
 * @throws HealingError where a search does not fit the table, or who registers it may not read a
 *   column of it: how many rows match says something of what is in them
 */
export function checkSearches(
  host: Host,
  facts: TableFacts,
  searches: readonly SearchInput[],
): void {
  for (const [place, search] of searches.entries()) {
    const at = `Given as searches.${place}`;
    try {
      searchPredicate(host, facts.relid, search);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      const { sqlstate, message, detail, hint } = error.document;
      const isUntrusted = sqlstate === SQLSTATES.untrusted_code;
      if (sqlstate !== SQLSTATES.invalid_argument && !isUntrusted) throw error;
      throw new HealingError(isUntrusted ? "untrusted_code" : "invalid_argument", message, {
        detail: `${at}. ${detail ?? ""}`.trim(),
        ...(hint !== null && { hint }),
      });
    }
    const [closed] = host.query<{ name: string; caller: string; grant: string }>(sql`
      SELECT w.name, c.caller,
             format('GRANT SELECT (%I) ON %s TO %I;', w.name, ${facts.qualified}::text, c.caller)
               AS grant
        FROM jsonb_object_keys(${JSON.stringify(search.where)}::jsonb) w(name)
       CROSS JOIN (SELECT ruvector.healing_caller() AS caller) c
       WHERE NOT has_column_privilege(c.caller, ${facts.relid}::oid, w.name, 'SELECT')`);
    if (closed)
      throw new HealingError(
        "missing_privilege",
        `role ${closed.caller} may not read column "${closed.name}" of ${facts.qualified}`,
        { detail: `${at}: how many rows match would be told.`, hint: closed.grant },
      );
  }
}
