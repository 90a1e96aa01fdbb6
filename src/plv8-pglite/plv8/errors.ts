/**
 * Errors across the border. PostgreSQL raises one by longjmp, which in WebAssembly is a JavaScript
 * exception without content: what happened lies in PostgreSQL's error stack. `caught` fetches it
 * (as PG_CATCH does) and makes the Error that JavaScript code sees; `raise` goes the other way (as
 * ereport does).
 */
import { types } from "node:util";
import { DIAGNOSTIC, ERROR_DATA, LEVELS } from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { Realm } from "./realm.ts";
import type { State } from "./state.ts";
import type { Symbols } from "./symbols.ts";

/** What an error says, in both directions. `sqlState` in its five characters. */
export interface ErrorReport {
  readonly message: string;
  readonly sqlState: string;
  readonly detail?: string | null;
  readonly hint?: string | null;
  readonly context?: string | null;
  readonly schema?: string | null;
  readonly table?: string | null;
  readonly column?: string | null;
  readonly dataType?: string | null;
  readonly constraint?: string | null;
  readonly internalQuery?: string | null;
}

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

/** SQLSTATE as PostgreSQL packs it: six bits a character (MAKE_SQLSTATE in elog.h). */
export function packSqlState(state: string): number {
  let packed = 0;
  for (let place = 0; place < 5; place++)
    packed |= ((state.charCodeAt(place) - 48) & 0x3f) << (6 * place);
  return packed;
}

export function unpackSqlState(packed: number): string {
  return Array.from({ length: 5 }, (_, place) =>
    String.fromCharCode(((packed >> (6 * place)) & 0x3f) + 48),
  ).join("");
}

const isSqlState = (text: string): boolean => /^[0-9A-Z]{5}$/.test(text);

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

export function createErrors({ symbols, memory, state, realm, jump }: Parts): Errors {
  const { functions } = symbols;

  function fetchReport(): ErrorReport {
    const data = functions.CopyErrorData();
    functions.FlushErrorState();
    const text = (offset: number): string | null => memory.cString(memory.u32(data + offset));
    const report: ErrorReport = {
      message: text(ERROR_DATA.message) ?? "",
      sqlState: unpackSqlState(memory.i32(data + ERROR_DATA.sqlState)),
      detail: text(ERROR_DATA.detail),
      hint: text(ERROR_DATA.hint),
      context: text(ERROR_DATA.context),
      schema: text(ERROR_DATA.schema),
      table: text(ERROR_DATA.table),
      column: text(ERROR_DATA.column),
      dataType: text(ERROR_DATA.dataType),
      constraint: text(ERROR_DATA.constraint),
      internalQuery: text(ERROR_DATA.internalQuery),
    };
    functions.FreeErrorData(data);
    return report;
  }

  /** The Error as plv8 makes it: `sqlerrcode` is the text, `code` the packed number. */
  const visible = (report: ErrorReport): Error =>
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

  const isJump = (error: unknown): boolean =>
    error instanceof jump || (error as { status?: unknown } | null)?.status === MAIN_LOOP_JUMP;

  function caught(saved: number[], error: unknown): Error {
    state.restore(saved);
    if (isJump(error)) return visible(fetchReport());
    // It may have passed through C, which could not undo what errfinish undoes.
    if (isStackOverflow(error)) state.forgetInterruptions();
    return translated(error) as Error;
  }

  /** Errors of this language and of the engine become what SQL errors are for the code. */
  function translated(error: unknown): unknown {
    if (isStackOverflow(error)) return visible(STACK_EXHAUSTED);
    if (error instanceof PlainError) return new realm.Error(error.message);
    if (error instanceof ThrownText) return error.message;
    if (error instanceof LanguageError) {
      const { message, sqlState, detail, hint } = error;
      return visible({ message, sqlState, detail: detail ?? null, hint: hint ?? null });
    }
    return error;
  }

  function send(level: number, report: ErrorReport): void {
    if (functions.errstart(level, 0) === 0) return;
    const format = memory.newCString("%s");
    // Variable arguments are passed as the address of their block.
    const only = (text: string): number => {
      const block = memory.allocate(4);
      memory.setU32(block, memory.newCString(text));
      return block;
    };
    if (level >= LEVELS.ERROR) functions.errcode(packSqlState(report.sqlState));
    functions.errmsg_internal(format, only(report.message));
    if (report.detail) functions.errdetail_internal(format, only(report.detail));
    if (report.hint) functions.errhint(format, only(report.hint));
    if (report.context) functions.errcontext_msg(format, only(report.context));
    for (const [field, letter] of Object.entries(DIAGNOSTIC) as [
      keyof typeof DIAGNOSTIC,
      string,
    ][]) {
      const value = report[field];
      if (value) functions.err_generic_string(letter.charCodeAt(0), memory.newCString(value));
    }
    functions.errfinish(memory.newCString("plv8"), 0, memory.newCString("plv8"));
  }

  return {
    isJump,
    caught,
    raise(saved, error) {
      if (isJump(error)) throw error;
      state.restore(saved);
      if (isStackOverflow(error)) state.forgetInterruptions();
      send(LEVELS.ERROR, describe(translated(error), realm));
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
