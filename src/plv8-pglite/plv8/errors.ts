/**
 * Errors across the border. PostgreSQL raises one by longjmp, which in WebAssembly is a JavaScript
 * exception without content: what happened lies in PostgreSQL's error stack. `caught` fetches it
 * (as PG_CATCH does) and makes the Error that JavaScript code sees; `raise` goes the other way (as
 * ereport does).
 */
import { types } from "node:util";
import { type ErrorReport, isSqlState, packSqlState, unpackSqlState } from "./error-report.ts";
import { fetchReport, sendReport } from "./error-stack.ts";
import { LEVELS } from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { Realm } from "./realm.ts";
import type { State } from "./state.ts";
import type { Symbols } from "./symbols.ts";

/** An error of this language's own, with its SQLSTATE. */
export class LanguageError extends Error {
  readonly sqlState: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  constructor(sqlState: string, message: string, more: { detail?: string; hint?: string } = {}) {
    super(message);
    this.sqlState = sqlState;
    this.detail = more.detail;
    this.hint = more.hint;
  }
}

/**
 * What plv8 throws itself: for the code an Error with this message and nothing else, XX000 where
 * nobody catches it.
 */
export class PlainError extends Error {}

/** The same as a text, no Error. */
export class ThrownText extends Error {}

const INTERNAL_ERROR = "XX000";

/** Of either realm, ours and that of the functions. */
const isStackOverflow = (error: unknown): boolean =>
  types.isNativeError(error) && error.name === "RangeError" && /call stack/i.test(error.message);

export interface Errors {
  /** True for what PostgreSQL's longjmp throws. Such an exception must reach C, or `caught`. */
  isJump(error: unknown): boolean;
  /**
   * Back to the state saved before the call that threw; the error as JavaScript code may see it.
   */
  caught(saved: number[], error: unknown): Error;
  /** Raises the error in PostgreSQL: does not return. `saved` as above. */
  raise(saved: number[], error: unknown): never;
  /** A message to client and log, below ERROR. */
  report(level: number, message: string): void;
}

interface Parts {
  readonly symbols: Symbols;
  readonly memory: Memory;
  readonly state: State;
  readonly realm: Realm;
  /** The class of exception that longjmp throws. */
  readonly jump: new () => object;
}

/**
 * PGlite leaves its main loop with this exit status where longjmp would have gone to the loop's own
 * handler.
 */
const MAIN_LOOP_JUMP = 100;

const STACK_EXHAUSTED: ErrorReport = {
  sqlState: "54001",
  message: "stack depth limit exceeded",
  detail: "JavaScript's own stack is used up.",
  hint: "Look for a function that calls itself without end.",
};

/** The Error as plv8 makes it: `sqlerrcode` is the text, `code` the packed number. */
const visible = (realm: Realm, report: ErrorReport): Error =>
  Object.assign(new realm.Error(report.message), {
    sqlerrcode: report.sqlState,
    code: packSqlState(report.sqlState),
    detail: report.detail ?? null,
    hint: report.hint ?? null,
    context: report.context ?? null,
    schema_name: report.schema ?? null,
    table_name: report.table ?? null,
    column_name: report.column ?? null,
    datatype_name: report.dataType ?? null,
    constraint_name: report.constraint ?? null,
    internalquery: report.internalQuery ?? null,
  });

/** Errors of this language and of the engine become what SQL errors are for the code. */
function translated(realm: Realm, error: unknown): unknown {
  if (isStackOverflow(error)) return visible(realm, STACK_EXHAUSTED);
  if (error instanceof PlainError) return new realm.Error(error.message);
  if (error instanceof ThrownText) return error.message;
  if (error instanceof LanguageError) {
    const { message, sqlState, detail, hint } = error;
    return visible(realm, { message, sqlState, detail: detail ?? null, hint: hint ?? null });
  }
  return error;
}

export function createErrors({ symbols, memory, state, realm, jump }: Parts): Errors {
  const isJump = (error: unknown): boolean =>
    error instanceof jump || (error as { status?: unknown } | null)?.status === MAIN_LOOP_JUMP;

  const send = (level: number, report: ErrorReport): void =>
    sendReport(symbols, memory, level, report);

  function caught(saved: number[], error: unknown): Error {
    state.restore(saved);
    if (isJump(error)) return visible(realm, fetchReport(symbols, memory));
    // It may have passed through C, which could not undo what errfinish undoes.
    if (isStackOverflow(error)) state.forgetInterruptions();
    return translated(realm, error) as Error;
  }

  return {
    isJump,
    caught,
    raise(saved, error) {
      if (isJump(error)) throw error;
      state.restore(saved);
      if (isStackOverflow(error)) state.forgetInterruptions();
      send(LEVELS.ERROR, describe(translated(realm, error), realm));
      throw new Error("PostgreSQL's errfinish returned from an error");
    },
    report: (level, message) => send(level, { message, sqlState: "00000" }),
  };
}

/**
 * What a thrown value says. Its fields may be getters or proxies of somebody's code, and throw. As
 * plv8 does it: the text of the value without a leading "Error: ", `detail` and `hint` where set,
 * the SQLSTATE from a numeric `code` (which SQL errors carry); anything else is XX000.
 */
export function describe(thrown: unknown, realm: Pick<Realm, "whereThrown">): ErrorReport {
  const text = (read: () => unknown): string | null => {
    try {
      const value = read();
      return value === null || value === undefined || value === "" ? null : String(value);
    } catch {
      return null;
    }
  };
  const fields = (typeof thrown === "object" && thrown !== null ? thrown : {}) as Record<
    string,
    unknown
  >;
  const field = (name: string): string | null => text(() => fields[name]);
  const whole = text(() => String(thrown)) ?? (thrown === "" ? "" : "unknown exception");
  const state = unpackOrNull(field("code"), () => fields.code);
  const where = text(() => realm.whereThrown(thrown));
  return {
    message: whole.startsWith("Error: ") ? whole.slice("Error: ".length) : whole,
    sqlState: state ?? INTERNAL_ERROR,
    detail: field("detail"),
    hint: field("hint"),
    context: [field("context"), where].filter(Boolean).join("\n") || null,
    schema: field("schema_name"),
    table: field("table_name"),
    column: field("column_name"),
    dataType: field("datatype_name"),
    constraint: field("constraint_name"),
  };
}

function unpackOrNull(shown: string | null, read: () => unknown): string | null {
  if (shown === null) return null;
  const code = read();
  if (typeof code !== "number") return null;
  const state = unpackSqlState(code);
  return isSqlState(state) && packSqlState(state) === code && state !== "00000" ? state : null;
}
