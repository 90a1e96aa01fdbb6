/**
 * The waist between JavaScript and SQL, the same on plv8 and PLJS. Parameters travel as one JSON
 * array of texts, rows as one JSON text; the statement casts what it needs (`${id}::bigint`).
 * PostgreSQL's errors are caught in `ruvector.healing_run` and arrive as data, so JavaScript never
 * catches an SQL error (platform rule: five of those end the server).
 */
import sql, { Sql } from "sql-template-tag";
import { type ErrorDocument, HealingError, SQLSTATES, SqlError } from "../base/errors.ts";
import { withoutRows } from "../base/row-free.ts";
import { currentEngine } from "./engine.ts";
import type { Does, Host, Stage, Untrusted } from "./host.ts";
import { literal } from "../base/literal.ts";

type Answer =
  | { readonly rows: unknown[] }
  | { readonly count: number }
  | { readonly error: ErrorDocument };

/** `select ${1}::int` becomes `select ($1)[1]::int`: all parameters are one text array. */
export function compile(
  statement: Sql,
  given = 0,
): { readonly text: string; readonly parameters: string } {
  let text = statement.strings[0] ?? "";
  for (let index = 1; index < statement.strings.length; index++) {
    text += `($1)[${given + index}]${statement.strings[index]}`;
  }
  return { text, parameters: JSON.stringify(statement.values.map(toText)) };
}

function toText(value: unknown): string | null {
  if (value === null) return null;
  if (typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (typeof value === "boolean") return String(value);
  // A programming error, not a user's: documents are stringified where the statement is written.
  throw new TypeError(
    "a statement parameter must be text, a finite number, a boolean or null, not " +
      `${typeof value} ${String(value)}`,
  );
}

/**
 * What PostgreSQL itself threw in this operation: a cancel, a timeout, a lost connection. All else
 * arrives as data.
 */
let thrown: { readonly error: unknown } | null = null;

type Said = readonly [level: "log" | "warning" | "notice", message: string];
let lines: Said[] = [];

/**
 * The session's state before the first statement that ran as somebody else, in this operation. Kept
 * here, where their code cannot reach it.
 */
let stateBefore: string | null = null;

/**
 * A tick says with each statement that it gets on: a turn that is only slow is not taken for one
 * that hangs (sql/schedule/watch.sql).
 */
let pulse = "";

/**
 * What is on the tables touched in this operation, as it was when their first statement was about
 * to run.
 */
const looked = new Map<string, readonly Untrusted[]>();
/** Of these rows were touched. */
const touched = new Set<string>();

function untrusted(relid: string, again = false): readonly Untrusted[] {
  const known = looked.get(relid);
  if (known && !again) return known;
  const found = postgres.query<Untrusted>(
    sql`SELECT usage, what, hint FROM ruvector.healing_untrusted(${relid}::oid) LIMIT 20`,
  );
  looked.set(relid, found);
  return found;
}

/** @throws SqlError RV034: nothing of it has run */
function admit(relid: string, usages: readonly Untrusted["usage"][], again = false): void {
  const [first] = untrusted(relid, again).filter(({ usage }) => usages.includes(usage));
  if (!first) return;
  throw new SqlError({
    sqlstate: SQLSTATES.untrusted_code,
    message:
      `code of a role that is not trusted would run with the rows of the table: ` + first.what,
    detail: "Nothing of it was run.",
    hint: first.hint,
  });
}

/** What makes, alters or drops something, for itself or in a function of ours. */
const DDL = /^\s*(?:CREATE|ALTER|DROP|REINDEX|COMMENT|GRANT|REVOKE|REFRESH)\b/;
const OUR_DDL = /\bhealing_throttle_(?:install|remove)\(/;

/** @throws SqlError RV034 where an event trigger would run code of a role that is not trusted */
const admitDdl = (): void =>
  void postgres.execute(sql`SELECT ruvector.healing_no_event_triggers()`);

/**
 * Tables that are the installing role's own, or a superuser's: no other rights to take, and no need
 * to look at the session.
 */
const direct = new Map<string, boolean>();

function isDirect(relid: string): boolean {
  if (!direct.has(relid)) {
    const [access] = postgres.query<{ how: string }>(
      sql`SELECT how FROM ruvector.healing_access(${relid}::oid)`,
    );
    direct.set(relid, access?.how === "direct");
  }
  return direct.get(relid)!;
}

const sessionState = (): string =>
  postgres.one<{ state: string }>(sql`SELECT ruvector.healing_session_state() AS state`).state;

/**
 * Once an operation has done its work. No lock that readers and writers could live with keeps off
 * CREATE STATISTICS or a new partition of a partition: what came while it ran is found now, and the
 * operation undone.
 * @throws SqlError RV034
 * @throws HealingError RV033 where code of a table changed the session it ran in: the caller's
 *   error undoes the operation, and the change with it
 */
export function checkSession(): void {
  for (const relid of looked.keys()) if (touched.has(relid)) admit(relid, ["read"], true);
  if (stateBefore === null || sessionState() === stateBefore) return;
  throw new HealingError(
    "session_changed",
    "code that runs with a table's rows changed the session it ran in",
    {
      detail:
        "It set parameters, or made cursors, prepared statements, advisory locks or " +
        "temporary objects. The operation was undone; prepared statements and advisory locks " +
        "of a session are not part of it.",
      hint:
        "Look at the functions in the table's constraints, indexes, generated columns, rules " +
        "and triggers. DISCARD ALL; cleans this session.",
    },
  );
}

/**
 * Whether that is it. It must reach PostgreSQL again; answered as data, a cancelled statement would
 * go on.
 */
export const thrownByPostgres = (): boolean => thrown !== null;

/**
 * Lines for log and client, in their order. The wrapper says them: on plv8 a cancel that is due
 * ends the server in elog().
 */
export const said = (): readonly Said[] => lines;

/** A session outlives its cancelled statements: each operation begins anew. */
export const resetHost = (ticks = false): void => {
  pulse = ticks ? ", nextval('ruvector.healing_pulse')" : "";
  thrown = null;
  lines = [];
  stateBefore = null;
  direct.clear();
  looked.clear();
  touched.clear();
};

/**
 * plv8 shows an error's context, which holds the whole text of the statement, our parameters with
 * it: the place is enough.
 */
function thrownBySql(error: unknown): unknown {
  const { context } = Object(error) as { context?: unknown };
  if (typeof context === "string")
    (error as { context: string }).context = context.split("\n", 1)[0]!.slice(0, 200);
  thrown = { error };
  return error;
}

/** Looks what would run, and whether it runs as somebody else. */
function enter(relid: string | null, does: Does): boolean {
  if (relid !== null && does !== "catalogue") {
    admit(relid, does === "reads" ? ["read"] : ["read", "move"]);
    touched.add(relid);
  }
  const owned = relid !== null && !isDirect(relid);
  if (owned && stateBefore === null) stateBefore = sessionState();
  return owned;
}

function run(statement: Sql, wantsRows: boolean, relid: string | null, does: Does): Answer {
  const owned = enter(relid, does);
  const { text, parameters } = compile(statement);
  if (DDL.test(text) || OUR_DDL.test(text)) admitDdl();
  const verb = does === "reads" || does === "keys" ? "read" : "run";
  const call = owned
    ? `ruvector.healing_${verb}_as_owner(${literal(relid!)}, `
    : "ruvector.healing_run(";
  return ask(
    `${call}${literal(text)}, ${literal(parameters)}, ${wantsRows})`,
    // What reads no rows quotes none: an event trigger's word against our triggers reaches the
    // person on call.
    relid === null || does === "catalogue",
  );
}

/** @param rowFree nothing of a user's rows can be in what it says */
function ask(call: string, rowFree: boolean): Answer {
  // Whoever caught it on the way: nothing is done any more.
  if (thrown !== null) throw thrown.error;
  let rows: { readonly answer: string }[];
  try {
    rows = currentEngine().execute(`SELECT ${call} AS answer${pulse}`);
  } catch (error) {
    throw thrownBySql(error);
  }
  const answer = JSON.parse(rows[0]!.answer) as Answer;
  if ("error" in answer) throw new SqlError(rowFree ? answer.error : told(answer.error));
  return answer;
}

function through<Row>(stages: readonly Stage[]): Row {
  const written = stages.map(({ statement, owner, merges = false }) => {
    const relation = enter(owner, "changes") ? owner : null;
    const { text, parameters } = compile(statement, 1);
    return { relation, statement: text, parameters, merges };
  });
  const answer = ask(`ruvector.healing_through(${literal(JSON.stringify(written))})`, false);
  if (!("rows" in answer) || answer.rows[0] === undefined)
    throw new TypeError("the last of several statements returned no row");
  return answer.rows[0] as Row;
}

/** What is left of an error of a statement on a user's rows; the log gets the rest. */
function told(error: ErrorDocument): ErrorDocument {
  const free = withoutRows(error);
  if (free.message !== error.message)
    lines.push([
      "log",
      `ruvector_healing: ${oneLine(`${error.sqlstate}: ${error.message} ${error.detail ?? ""}`)}`,
    ]);
  return free;
}

/**
 * A table's name may hold a line's end, and what follows it must not look like a line of the log.
 */
const oneLine = (message: string): string => message.replace(/\s*[\r\n]\s*/g, " ");

/** @param relid whose owner's rights its statements have; null: the installing role's */
const hostOf = (relid: string | null, does: Does = "reads"): Host => ({
  query<Row>(statement: Sql): Row[] {
    const answer = run(statement, true, relid, does);
    if (!("rows" in answer)) throw new TypeError("a statement for rows was answered with a count");
    return answer.rows as Row[];
  },
  one<Row>(statement: Sql): Row {
    const [row] = this.query<Row>(statement);
    if (row === undefined)
      throw new TypeError(`statement returned no row: ${compile(statement).text}`);
    return row;
  },
  through,
  execute(statement: Sql): number {
    const answer = run(statement, false, relid, does);
    if (!("count" in answer)) throw new TypeError("a statement for a count was answered with rows");
    return answer.count;
  },
  asOwner: hostOf,
  untrusted,
  admitDdl,
  atomic<T>(work: () => T): T {
    const result: { value?: T; failed?: { readonly error: unknown } } = {};
    try {
      currentEngine().subtransaction(() => {
        try {
          result.value = work();
        } catch (error) {
          result.failed = { error };
          throw error;
        }
      });
    } catch (error) {
      // The error itself, with its class and SQLSTATE: plv8 lets out another one that has its
      // message.
      throw result.failed ? result.failed.error : error;
    }
    return result.value as T;
  },
  now: () => Date.now(),
  log: (message) => void lines.push(["log", `ruvector_healing: ${oneLine(message)}`]),
  warn: (message) => void lines.push(["warning", `ruvector_healing: ${oneLine(message)}`]),
  notice: (message) => void lines.push(["notice", oneLine(message)]),
});

export const postgres: Host = hostOf(null);
