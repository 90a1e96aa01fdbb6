/**
 * Functions and procedures of the language: their definition and compiled code, kept by their row's
 * version in pg_proc.
 */
import { checkTypes, type Definition, definitionOf } from "./definition.ts";
import { LanguageError } from "./errors.ts";
import {
  CALL,
  FUNCTION,
  KNOWN_FUNCTION,
  PROCEDURE,
  PROCEDURE_CACHE,
  TUPLE,
  TUPLE_HEADER,
  TYPE,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { Code, Realm } from "./realm.ts";
import type { Spi } from "./statements.ts";
import type { Functions } from "./symbols.ts";
import { UnsupportedPGlite } from "./symbols.ts";

export interface Routine {
  readonly oid: number;
  readonly name: string;
  readonly code: Code;
  readonly argumentTypes: readonly number[];
  readonly resultType: number;
  readonly returnsSet: boolean;
  readonly isTrigger: boolean;
  readonly isWindow: boolean;
}

export interface Routines {
  /** The routine as this transaction sees it now. */
  get(oid: number): Routine;
  /** The one a call (FunctionCallInfo) is for. */
  called(call: number): Routine;
  isProcedure(oid: number): boolean;
  /**
   * By name ("f") or signature ("f(int, text)"), as plv8.find_function looks it up. null: the role
   * may not execute it.
   */
  find(signature: string): Routine | null;
  /**
   * Which function that is, and whether it is one of this language, and the role may execute it.
   */
  look(signature: string, as?: "regproc" | "regprocedure"): Found;
  /**
   * Compiles it and keeps nothing. Errors: the code's SyntaxError; types the language cannot take.
   */
  validate(oid: number): void;
}

export interface Found {
  readonly oid: number;
  readonly ours: boolean;
  readonly allowed: boolean;
}

const TRIGGER_ARGUMENTS = [
  "NEW",
  "OLD",
  "TG_NAME",
  "TG_WHEN",
  "TG_LEVEL",
  "TG_OP",
  "TG_RELID",
  "TG_TABLE_NAME",
  "TG_TABLE_SCHEMA",
  "TG_ARGV",
];
const REMEMBERED = 2_000;

interface Parts {
  readonly functions: Functions;
  readonly memory: Memory;
  readonly realm: Realm;
  readonly spi: Spi;
}

/**
 * Identity of the row in pg_proc: the transaction that wrote it and its place in the table. A
 * replaced function has another row; where the replacing is rolled back the old row, and with it
 * the old code, is found again.
 */
const version = (parts: Parts, oid: number): string =>
  withRow(parts, oid, (tuple, header) => {
    const place = [0, 2, 4].map((offset) => parts.memory.u16(tuple + TUPLE.place + offset));
    return `${parts.memory.u32(header + TUPLE_HEADER.xmin)}:${place.join(":")}`;
  });

function withRow<Value>(
  { functions, memory }: Parts,
  oid: number,
  read: (tuple: number, header: number) => Value,
): Value {
  const tuple = functions.SearchSysCache1(PROCEDURE_CACHE, oid);
  if (tuple === 0) throw new LanguageError("42883", `function with OID ${oid} does not exist`);
  const value = read(tuple, memory.u32(tuple + TUPLE.header));
  functions.ReleaseSysCache(tuple);
  return value;
}

const isProcedure = (parts: Parts, oid: number): boolean =>
  withRow(
    parts,
    oid,
    (_, header) =>
      parts.memory.u8(header + parts.memory.u8(header + TUPLE_HEADER.offset) + PROCEDURE.kind) ===
      "p".charCodeAt(0),
  );

function compile(realm: Realm, oid: number, found: Definition): Routine {
  const isTrigger = found.result === TYPE.trigger;
  if (isTrigger && found.arguments.length > 0)
    throw new LanguageError("42P13", "trigger function cannot have arguments");
  const names = isTrigger
    ? TRIGGER_ARGUMENTS
    : found.arguments.map(({ name }, place) => name ?? `$${place + 1}`);
  return {
    oid,
    name: found.name,
    code: realm.compile(`${found.name}()`, found.source, names),
    argumentTypes: found.arguments.map(({ type }) => type),
    resultType: found.result,
    returnsSet: found.set,
    isTrigger,
    isWindow: found.kind === "w",
  };
}

function look(
  { functions, memory, spi }: Parts,
  signature: string,
  type: "regproc" | "regprocedure" = signature.includes("(") ? "regprocedure" : "regproc",
): Found {
  const literal = memory.cString(functions.quote_literal_cstr(memory.newCString(signature)))!;
  const [row] = spi.rows(`
    SELECT p.oid, l.lanname = 'plv8' AS ours, pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
      AS allowed
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.oid = ${literal}::pg_catalog.${type}`) as unknown as Found[];
  return row ?? { oid: 0, ours: false, allowed: true };
}

export function createRoutines(parts: Parts): Routines {
  const { memory, realm, spi } = parts;
  const kept = new Map<number, { version: string; routine: Routine }>();

  function get(oid: number): Routine {
    const seen = version(parts, oid);
    const former = kept.get(oid);
    if (former?.version === seen) return former.routine;
    const routine = compile(realm, oid, definitionOf(spi, oid));
    if (kept.size >= REMEMBERED) kept.delete(kept.keys().next().value!);
    kept.set(oid, { version: seen, routine });
    return routine;
  }

  function find(signature: string): Routine | null {
    const { oid, ours, allowed } = look(parts, signature);
    if (!allowed) return null;
    if (!ours)
      throw new LanguageError("XX000", `javascript function is not found for "${signature}"`);
    return get(oid);
  }

  function validate(oid: number): void {
    const found = definitionOf(spi, oid);
    checkTypes(spi, found);
    const [checks] = spi.rows(
      "SELECT pg_catalog.current_setting('check_function_bodies')::pg_catalog.bool AS wanted",
    ) as { wanted: boolean }[];
    if (checks!.wanted) compile(realm, oid, found);
  }

  return {
    get,
    isProcedure: (oid) => isProcedure(parts, oid),
    called: (call) => get(memory.u32(memory.u32(call + CALL.function) + FUNCTION.oid)),
    find,
    look: (signature, as) => look(parts, signature, as),
    validate,
  };
}

/**
 * Reads a row of pg_proc through the system cache and compares. Errors: UnsupportedPGlite where the
 * cache's number or the layout is another.
 */
export function checkProcedureCache(functions: Functions, memory: Memory): void {
  const tuple = functions.SearchSysCache1(PROCEDURE_CACHE, KNOWN_FUNCTION);
  const header = tuple === 0 ? 0 : memory.u32(tuple + TUPLE.header);
  const found =
    tuple === 0 ? 0 : memory.u32(header + memory.u8(header + TUPLE_HEADER.offset) + PROCEDURE.oid);
  if (tuple !== 0) functions.ReleaseSysCache(tuple);
  if (found !== KNOWN_FUNCTION)
    throw new UnsupportedPGlite("its system cache of functions is another one");
}
