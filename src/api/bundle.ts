/** Entry of the bundle: what ruvector.healing_javascript() calls. */
import { changedGlobals } from "../host/inherited.ts";
import { checkSession, postgres, resetHost, said, thrownByPostgres } from "../host/postgres.ts";
import { type ErrorDocument, HealingError, SQLSTATES, SqlError } from "../base/errors.ts";
import { depthOf } from "../base/depth.ts";
import { type Input, OPERATIONS } from "./operations.ts";

/**
 * The transaction of the operation that is under way in this session; null: none. A transaction,
 * because PLJS may end one without running what is in finally.
 */
let inside: string | null = null;

/**
 * Runs one operation. Always returns: errors travel as data, because only the SQL wrapper can raise
 * them with their SQLSTATE. The wrapper's RAISE also undoes what the operation did before it
 * failed.
 * @param operation a name in OPERATIONS
 * @param input JSON text
 * @returns JSON text: {"result": ...} or {"error": {sqlstate, message, detail, hint}}, and "said":
 *   [[level, line], ...]
 */
export function call(operation: string, input: string): string {
  const changed = changedGlobals();
  if (changed !== null) return changed;
  const given = JSON.parse(input) as Input & { readonly transaction: string };
  // Code on a table that calls one of ours: it would reset what this operation knows of the session
  // as it was.
  if (inside !== null && inside === given.transaction) {
    return JSON.stringify({
      error: new HealingError(
        "nested_call",
        "code that runs within an operation of ruvector_healing may not call another one",
        {
          detail: `It called ${operation}.`,
          hint:
            "Look at the functions in the table's constraints, indexes, generated columns, " +
            "rules and triggers.",
        },
      ).document,
    });
  }
  inside = given.transaction;
  resetHost(operation.startsWith("tick_"));
  try {
    const known = OPERATIONS[operation];
    if (!known) throw new TypeError(`no operation ${operation}`);
    const result = answer({ result: known.run(postgres, given) });
    checkSession();
    return result;
  } catch (error) {
    if (thrownByPostgres()) throw error;
    return answer({ error: documentOf(error, given) });
  } finally {
    inside = null;
  }
}

/**
 * Texts of the user are cut to a length, now and then in the middle of a character beyond the first
 * plane; what is left of it is no character, and jsonb would refuse the whole answer (22P02).
 */
const answer = (document: object): string =>
  JSON.stringify(
    said().length > 0 ? { ...document, said: said() } : document,
    (_key, value: unknown) => (typeof value === "string" ? value.replace(HALF, "?") : value),
  );

const HALF = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Nothing that is asked for has more; from some thousand on, JSON.stringify has no stack left. */
const MOST_LEVELS = 100;

function documentOf(error: unknown, given: Input): ErrorDocument {
  if (error instanceof HealingError || error instanceof SqlError) return error.document;
  const levels = depthOf(given);
  if (levels > MOST_LEVELS)
    return new HealingError("invalid_argument", "the document is nested too deep", {
      detail: `It has ${levels} levels.`,
      hint: "No document here has more than a few: \\df+ ruvector_* shows an example of each.",
    }).document;
  // Anything can be thrown, undefined and null too.
  const thrown = Object(error) as Partial<Error>;
  return {
    sqlstate: SQLSTATES.internal_error,
    message: `ruvector_healing failed: ${String(thrown.message ?? error)}`,
    detail: String(thrown.stack ?? ""),
    hint: "This is a defect. Please report it with the DETAIL.",
  };
}
