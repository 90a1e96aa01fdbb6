/**
 * Where PostgreSQL keeps things, in the one build that this language runs in: PostgreSQL 18 for
 * wasm32 (pointers, Datum and long of 4 bytes; int8 and float8 by reference). Offsets in bytes,
 * from the structs of PostgreSQL's headers, which each table names. Another PGlite may move any of
 * them, so that the version is checked at start (`symbols.ts`).
 */

/**
 * The version of @electric-sql/pglite that these offsets, and the symbols, belong to; package.json
 * pins the same.
 */
export const PGLITE_VERSION = "0.5.14";
export const POSTGRES_MAJOR = 18;

/** fmgr.h: FunctionCallInfoBaseData, FmgrInfo, NullableDatum. */
export const CALL = {
  function: 0,
  context: 4,
  result: 8,
  isNull: 16,
  argumentCount: 18,
  arguments: 20,
} as const;
export const ARGUMENT = { size: 8, value: 0, isNull: 4 } as const;
export const FUNCTION = { oid: 4 } as const;

/** nodes/execnodes.h: ReturnSetInfo, ExprContext. */
export const SET_RESULT = {
  context: 4,
  expected: 8,
  allowedModes: 12,
  returnMode: 16,
  store: 24,
  description: 28,
} as const;
export const EXPRESSION_CONTEXT = { perQueryMemory: 16 } as const;
export const MATERIALIZE = 2;

/** nodes/parsenodes.h: CallContext (procedures) and InlineCodeBlock (DO). */
export const CALL_CONTEXT = { atomic: 4 } as const;
export const INLINE_CODE = { source: 4, atomic: 13 } as const;

/**
 * commands/trigger.h: TriggerData and its event bits; utils/reltrigger.h: Trigger; utils/rel.h:
 * RelationData.
 */
export const TRIGGER_DATA = {
  event: 4,
  relation: 8,
  tuple: 12,
  newTuple: 16,
  trigger: 20,
} as const;
export const TRIGGER = { name: 4, argumentCount: 34, arguments: 44 } as const;
export const TRIGGER_EVENT = {
  operation: 3,
  row: 4,
  timing: 0x18,
  before: 0x08,
  instead: 0x10,
} as const;
export const RELATION = { description: 52, oid: 56 } as const;

/**
 * access/tupdesc.h: TupleDescData; access/htup.h: HeapTupleData; access/htup_details.h:
 * HeapTupleHeaderData.
 */
export const DESCRIPTION = { columnCount: 0, references: 12 } as const;
export const TUPLE = { size: 24, length: 0, place: 4, header: 16 } as const;
export const TUPLE_HEADER = { xmin: 0, length: 0, typeModifier: 4, type: 8, offset: 22 } as const;

/** executor/spi.h: SPITupleTable; utils/portal.h: PortalData. */
export const TUPLE_TABLE = { description: 0, tuples: 4 } as const;
export const PORTAL = { name: 0 } as const;

/** utils/elog.h: ErrorData. */
export const ERROR_DATA = {
  sqlState: 28,
  message: 32,
  detail: 36,
  hint: 44,
  context: 48,
  schema: 60,
  table: 64,
  column: 68,
  dataType: 72,
  constraint: 76,
  internalQuery: 88,
} as const;

/** utils/elog.h: levels, as JavaScript sees them too. */
export const LEVELS = {
  DEBUG5: 10,
  DEBUG4: 11,
  DEBUG3: 12,
  DEBUG2: 13,
  DEBUG1: 14,
  LOG: 15,
  INFO: 17,
  NOTICE: 18,
  WARNING: 19,
  ERROR: 21,
} as const;

/** postgres_ext.h: fields of err_generic_string. */
export const DIAGNOSTIC = {
  schema: "s",
  table: "t",
  column: "c",
  dataType: "d",
  constraint: "n",
} as const;

/** funcapi.h: TypeFuncClass. */
export const RESULT_CLASS = { scalar: 0, composite: 1 } as const;

/** executor/spi.h, nodes/parsenodes.h (FetchDirection). */
export const SPI = { nonAtomic: 1, forward: 0, backward: 1 } as const;

/** catalog/pg_type.dat: types that are handled by themselves. */
export const TYPE = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  xml: 142,
  float4: 700,
  float8: 701,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  record: 2249,
  void: 2278,
  trigger: 2279,
  recordArray: 2287,
  jsonb: 3802,
} as const;

/**
 * utils/syscache.h: PROCOID, by the alphabetical order of the caches' names. Checked at start
 * against a known function.
 */
export const PROCEDURE_CACHE = 47;
/** catalog/pg_proc.h: FormData_pg_proc. */
export const PROCEDURE = { oid: 0, kind: 96 } as const;
/** pg_proc.dat: int4pl, which every database has. */
export const KNOWN_FUNCTION = 177;
