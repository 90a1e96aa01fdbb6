/**
 * Errors of statements on a table's rows, without what is in those rows. Their texts are stored
 * (actions, refusals, what could not be measured, events) and read by viewers, who may not read the
 * table. Whoever runs the server finds the whole text in its log.
 */
import type { ErrorDocument } from "./errors.ts";

/**
 * Classes of PostgreSQL's errors that name objects, settings, sessions and limits. All others may
 * quote a row: a value that has no such form (22), the key that is there twice (23), a row that a
 * view does not let in (44), what somebody's function says (P0, 38, 39, XX).
 */
const NAMES_ONLY = /^(08|0A|25|28|2D|2F|3D|3F|40|42|53|54|55|57|58|RV|XX00[12])/;

const CONDITIONS: Readonly<Record<string, string>> = {
  "22001": "a text too long for its type",
  "22003": "a number out of range",
  "22007": "a time of no known form",
  "22008": "a time out of range",
  "22012": "division by zero",
  "22P02": "a text that is no value of its type",
  "22021": "a character that the encoding has not",
  "22023": "an argument that a function does not take",
  "23502": "a NULL where none may be",
  "23503": "a missing key of a foreign key",
  "23505": "a key that is there already",
  "23514": "a CHECK that does not hold",
  "23P01": "an exclusion that does not hold",
  P0001: "an error raised by a function",
  P0004: "an ASSERT of a function that does not hold",
};

const CLASSES: Readonly<Record<string, string>> = {
  "22": "a value that cannot be",
  "23": "a constraint that does not hold",
  P0: "an error in a function",
};

/** PostgreSQL names the constraint apart from the text. */
export function withoutRows(
  error: ErrorDocument & { readonly constraint?: string | null },
): ErrorDocument {
  const { sqlstate, message, detail, hint, constraint } = error;
  if (NAMES_ONLY.test(sqlstate)) return { sqlstate, message, detail, hint };
  const what = CONDITIONS[sqlstate] ?? CLASSES[sqlstate.slice(0, 2)] ?? "an error";
  return {
    sqlstate,
    message: `a statement on the table's rows met ${what}${constraint ? ` (${constraint})` : ""}`,
    detail: `SQLSTATE ${sqlstate}; its text may quote a row.`,
    hint: "The server's log has the text.",
  };
}

/**
 * pg_cron keeps of a failed run the text alone, with its DETAIL: these begin errors that name
 * objects only.
 */
const KNOWN = new RegExp(
  `^(server restarted|job cancell?ed|connection|(\\w+:\\s+)?(${[
    "canceling ",
    "terminating connection",
    "deadlock detected",
    "could not create unique index ",
    "could not obtain lock ",
    "could not extend file ",
    "could not write ",
    "out of memory",
    "out of shared memory",
    "division by zero",
    "permission denied ",
    "must be owner of ",
    "must be able to ",
    'relation "',
    'index "',
    'schema "',
    'role "',
    'database "',
    "could not open relation ",
    "cannot ",
    "too many ",
    "access method ",
    "the database system is ",
  ].join("|")}))`,
);

export const jobError = (message: string): string =>
  KNOWN.test(message)
    ? message.split("\n", 1)[0]!
    : "it failed; the server's log and cron.job_run_details have the text, which may quote a row";
