/**
 * What this language uses of PGlite's WebAssembly module: functions and variables that it exports
 * for its own loadable extensions. All are looked up once, at start, so that a PGlite that lacks
 * one is refused in words.
 */
import { PGLITE_VERSION } from "./layout.ts";

const FUNCTIONS = [
  "AllocSetContextCreateInternal",
  "BeginInternalSubTransaction",
  "CheckFunctionValidatorAccess",
  "CopyErrorData",
  "CreateTupleDescCopy",
  "DecrTupleDescRefCount",
  "FlushErrorState",
  "FreeErrorData",
  "GetConfigOption",
  "GetUserId",
  "HeapTupleHeaderGetDatum",
  "MemoryContextReset",
  "OidInputFunctionCall",
  "OidOutputFunctionCall",
  "ReleaseCurrentSubTransaction",
  "ReleaseSysCache",
  "RollbackAndReleaseCurrentSubTransaction",
  "SPI_commit",
  "SPI_connect_ext",
  "SPI_cursor_close",
  "SPI_cursor_fetch",
  "SPI_cursor_find",
  "SPI_cursor_open_with_args",
  "SPI_execute",
  "SPI_execute_plan",
  "SPI_execute_with_args",
  "SPI_finish",
  "SPI_fname",
  "SPI_freeplan",
  "SPI_freetuptable",
  "SPI_getrelname",
  "SPI_gettypeid",
  "SPI_keepplan",
  "SPI_prepare",
  "SPI_result_code_string",
  "SPI_rollback",
  "SPI_scroll_cursor_move",
  "SearchSysCache1",
  "construct_md_array",
  "deconstruct_array",
  "err_generic_string",
  "errcode",
  "errcontext_msg",
  "errdetail_internal",
  "errfinish",
  "errhint",
  "errmsg_internal",
  "errstart",
  "float8_numeric",
  "getTypeInputInfo",
  "getTypeOutputInfo",
  "get_base_element_type",
  "get_call_result_type",
  "get_fn_expr_argtype",
  "get_fn_expr_rettype",
  "get_namespace_name",
  "get_rel_namespace",
  "get_type_category_preferred",
  "get_typlenbyvalalign",
  "get_typtype",
  "heap_deform_tuple",
  "heap_form_tuple",
  "heap_modify_tuple_by_cols",
  "lookup_rowtype_tupdesc",
  "numeric_float8",
  "palloc",
  "palloc0",
  "pfree",
  "pg_detoast_datum",
  "pg_detoast_datum_packed",
  "quote_identifier",
  "quote_literal_cstr",
  "tuplestore_begin_heap",
  "tuplestore_puttuple",
] as const;

const VARIABLES = [
  "CritSectionCount",
  "CurrentMemoryContext",
  "CurrentResourceOwner",
  "InterruptHoldoffCount",
  "PG_exception_stack",
  "SPI_processed",
  "SPI_tuptable",
  "TopMemoryContext",
  "__THREW__",
  "__threwValue",
  "error_context_stack",
  "work_mem",
] as const;

export type Functions = {
  readonly [Name in (typeof FUNCTIONS)[number]]: (...values: number[]) => number;
};
/** Addresses. */
export type Variables = { readonly [Name in (typeof VARIABLES)[number]]: number };

/** The part of Emscripten's module object that is used. */
export interface WebAssemblyModule {
  HEAPU8: Uint8Array;
  stackSave(): number;
  stackRestore(pointer: number): void;
  [name: string]: unknown;
}

/** PGlite as found does not fit. `missing` names what it lacks, or its version. */
export class UnsupportedPGlite extends Error {
  override readonly name = "UnsupportedPGlite";
  constructor(found: string) {
    super(
      `The embedded plv8 runs in @electric-sql/pglite ${PGLITE_VERSION} and in no other ` +
        `version: ${found}. ` +
        "It reads PostgreSQL's memory, whose layout changes from build to build. " +
        "Install the pinned version: npm install --save-exact " +
        `@electric-sql/pglite@${PGLITE_VERSION}`,
    );
  }
}

export interface Symbols {
  readonly functions: Functions;
  readonly variables: Variables;
}

/** Errors: UnsupportedPGlite naming the missing symbols. */
export function symbolsOf(module: WebAssemblyModule): Symbols {
  const missing = [
    ...FUNCTIONS.filter((name) => typeof module[`_${name}`] !== "function"),
    ...VARIABLES.filter((name) => typeof module[`_${name}`] !== "number"),
  ];
  if (missing.length > 0)
    throw new UnsupportedPGlite(`the one installed does not export ${missing.join(", ")}`);
  return {
    functions: Object.fromEntries(FUNCTIONS.map((name) => [name, module[`_${name}`]])) as Functions,
    variables: Object.fromEntries(VARIABLES.map((name) => [name, module[`_${name}`]])) as Variables,
  };
}
