/**
 * Functions and procedures of the language: their definition and compiled code, kept by their row's
 * version in pg_proc.
 */
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

interface Definition {
  readonly name: string;
  readonly source: string;
  readonly kind: "f" | "p" | "w" | "a";
  readonly result: number;
  readonly set: boolean;
  readonly language: string;
  readonly arguments: readonly {
    readonly name: string | null;
    readonly type: number;
    readonly pseudo: boolean;
  }[];
  readonly resultName: string;
  readonly resultIsPseudo: boolean;
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

/** Pseudo-types that a function may return or take: what a call resolves, and what marks a use. */
const ANY = "any(element|array|nonarray|enum|range|multirange|compatible\\w*)";
const RESULT_PSEUDO_TYPES = new RegExp(`^(trigger|record|void|internal|${ANY})$`);
const ARGUMENT_PSEUDO_TYPES = new RegExp(`^(internal|record|${ANY})$`);

interface Parts {
  readonly functions: Functions;
  readonly memory: Memory;
  readonly realm: Realm;
  readonly spi: Spi;
}

export function createRoutines({ functions, memory, realm, spi }: Parts): Routines {
  const kept = new Map<number, { version: string; routine: Routine }>();

  /**
   * Identity of the row in pg_proc: the transaction that wrote it and its place in the table. A
   * replaced function has another row; where the replacing is rolled back the old row, and with it
   * the old code, is found again.
   */
  const version = (oid: number): string =>
    withRow(oid, (tuple, header) => {
      const place = [0, 2, 4].map((offset) => memory.u16(tuple + TUPLE.place + offset));
      return `${memory.u32(header + TUPLE_HEADER.xmin)}:${place.join(":")}`;
    });

  function withRow<Value>(oid: number, read: (tuple: number, header: number) => Value): Value {
    const tuple = functions.SearchSysCache1(PROCEDURE_CACHE, oid);
    if (tuple === 0) throw new LanguageError("42883", `function with OID ${oid} does not exist`);
    const value = read(tuple, memory.u32(tuple + TUPLE.header));
    functions.ReleaseSysCache(tuple);
    return value;
  }

  function definition(oid: number): Definition {
    const [row] = spi.rows(`
      SELECT pg_catalog.json_build_object(
        'name', p.proname, 'source', p.prosrc, 'kind', p.prokind, 'result',
          p.prorettype::pg_catalog.int8, 'set', p.proretset,
        'language', l.lanname, 'resultName', r.typname, 'resultIsPseudo', r.typtype = 'p',
        'arguments', coalesce((
          SELECT pg_catalog.json_agg(
            pg_catalog.json_build_object('name', a.name, 'type', a.type::pg_catalog.int8, 'pseudo',
              t.typtype = 'p') ORDER BY a.place)
          FROM (
            SELECT u.place, u.type, nullif(p.proargnames[u.place], '') AS name,
              coalesce(p.proargmodes[u.place], 'i') AS mode
            FROM pg_catalog.unnest(coalesce(p.proallargtypes, p.proargtypes::pg_catalog.oid[]))
              WITH ORDINALITY AS u (type, place)
          ) a JOIN pg_catalog.pg_type t ON t.oid = a.type
          WHERE a.mode IN ('i', 'b', 'v')), '[]')) AS found
      FROM pg_catalog.pg_proc p
        JOIN pg_catalog.pg_language l ON l.oid = p.prolang
        JOIN pg_catalog.pg_type r ON r.oid = p.prorettype
      WHERE p.oid = ${oid}`) as { found: Definition }[];
    if (!row) throw new LanguageError("42883", `function with OID ${oid} does not exist`);
    return row.found;
  }

  function compile(oid: number, found: Definition): Routine {
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

  function get(oid: number): Routine {
    const seen = version(oid);
    const former = kept.get(oid);
    if (former?.version === seen) return former.routine;
    const routine = compile(oid, definition(oid));
    if (kept.size >= REMEMBERED) kept.delete(kept.keys().next().value!);
    kept.set(oid, { version: seen, routine });
    return routine;
  }

  function look(
    signature: string,
    type: "regproc" | "regprocedure" = signature.includes("(") ? "regprocedure" : "regproc",
  ): Found {
    const literal = quoted(signature);
    const [row] = spi.rows(`
      SELECT p.oid, l.lanname = 'plv8' AS ours, pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
        AS allowed
      FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
      WHERE p.oid = ${literal}::pg_catalog.${type}`) as unknown as Found[];
    return row ?? { oid: 0, ours: false, allowed: true };
  }

  function find(signature: string): Routine | null {
    const { oid, ours, allowed } = look(signature);
    if (!allowed) return null;
    if (!ours)
      throw new LanguageError("XX000", `javascript function is not found for "${signature}"`);
    return get(oid);
  }

  const quoted = (text: string): string =>
    memory.cString(functions.quote_literal_cstr(memory.newCString(text)))!;

  function validate(oid: number): void {
    const found = definition(oid);
    if (found.resultIsPseudo && !RESULT_PSEUDO_TYPES.test(found.resultName)) {
      throw new LanguageError("0A000", `PL/v8 functions cannot return type ${found.resultName}`);
    }
    for (const { type, pseudo } of found.arguments) {
      const [row] = pseudo
        ? (spi.rows(`SELECT typname::text FROM pg_catalog.pg_type WHERE oid = ${type}`) as {
            typname: string;
          }[])
        : [];
      if (row && !ARGUMENT_PSEUDO_TYPES.test(row.typname))
        throw new LanguageError("0A000", `PL/v8 functions cannot accept type ${row.typname}`);
    }
    const [checks] = spi.rows(
      "SELECT pg_catalog.current_setting('check_function_bodies')::pg_catalog.bool AS wanted",
    ) as { wanted: boolean }[];
    if (checks!.wanted) compile(oid, found);
  }

  const isProcedure = (oid: number): boolean =>
    withRow(
      oid,
      (_, header) =>
        memory.u8(header + memory.u8(header + TUPLE_HEADER.offset) + PROCEDURE.kind) ===
        "p".charCodeAt(0),
    );

  return {
    get,
    isProcedure,
    called: (call) => get(memory.u32(memory.u32(call + CALL.function) + FUNCTION.oid)),
    find,
    look,
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
