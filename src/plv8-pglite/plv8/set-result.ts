/**
 * The set that a function returns: rows go into a tuple store of PostgreSQL's (materialize mode),
 * which the caller then reads.
 */
import { LanguageError } from "./errors.ts";
import type { Parts } from "./parts.ts";
import {
  CALL,
  EXPRESSION_CONTEXT,
  MATERIALIZE,
  RESULT_CLASS,
  SET_RESULT,
  TUPLE,
  TYPE,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { Routine } from "./routines.ts";
import type { Description } from "./values.ts";

export interface OpenSet {
  /** One row. */
  add(value: unknown): void;
  /** What the function itself returned: nothing, one row, or an array of rows. */
  addAll(value: unknown): void;
}

/**
 * Bytes of rows that one call may return. Beyond work_mem the store is a file, and PGlite's files
 * lie in memory: without a bound a function that never stops adding rows would end the process
 * instead of the statement.
 */
export const MOST_BYTES = 128 * 1024 * 1024;

export const createSetResult = (
  parts: Parts,
): { open(call: number, routine: Routine): OpenSet } => ({
  open(call, routine) {
    const { symbols, memory, tuples } = parts;
    const info = resultInfo(memory, call);
    const kind = symbols.functions.get_call_result_type(call, 0, 0);
    if (routine.resultType === TYPE.record && kind !== RESULT_CLASS.composite) {
      throw new LanguageError(
        "0A000",
        "function returning record called in context that cannot accept type record",
      );
    }
    const { store, description } = newStore(parts, info);
    const tupleOf = (value: unknown): number =>
      kind === RESULT_CLASS.scalar
        ? tuples.scalarTuple(value, description)
        : tuples.toTuple(value, description);
    const add = createAdd(parts, description, createPut(parts, store, routine, tupleOf));
    return { add, addAll: (value) => addAll(value, add) };
  },
});

/** Where the caller wants the rows. */
function resultInfo(memory: Memory, call: number): number {
  const info = memory.u32(call + CALL.result);
  if (info === 0)
    throw new LanguageError(
      "0A000",
      "set-valued function called in context that cannot accept a set",
    );
  if ((memory.u32(info + SET_RESULT.allowedModes) & MATERIALIZE) === 0) {
    throw new LanguageError(
      "0A000",
      "materialize mode required, but it is not allowed in this context",
    );
  }
  return info;
}

/** An empty store, which the caller already has and reads when the function has ended. */
function newStore(
  { symbols: { functions, variables }, memory, state, tuples }: Parts,
  info: number,
): { readonly store: number; readonly description: Description } {
  const perQuery = memory.u32(
    memory.u32(info + SET_RESULT.context) + EXPRESSION_CONTEXT.perQueryMemory,
  );
  const former = state.switchMemory(perQuery);
  const store = functions.tuplestore_begin_heap(1, 0, memory.u32(variables.work_mem));
  const address = functions.CreateTupleDescCopy(memory.u32(info + SET_RESULT.expected));
  state.switchMemory(former);
  memory.setU32(info + SET_RESULT.returnMode, MATERIALIZE);
  memory.setU32(info + SET_RESULT.store, store);
  memory.setU32(info + SET_RESULT.description, address);
  return { store, description: tuples.describe(address) };
}

/** Puts one row into the store, as long as its rows are not too many. */
function createPut(
  { symbols: { functions }, memory }: Parts,
  store: number,
  routine: Routine,
  tupleOf: (value: unknown) => number,
): (value: unknown) => void {
  let bytes = 0;
  return (value) => {
    const tuple = tupleOf(value);
    bytes += memory.u32(tuple + TUPLE.length);
    if (bytes > MOST_BYTES) {
      throw new LanguageError("54000", "the result set is too large", {
        detail: `${routine.name} has returned more than ${MOST_BYTES / 1024 / 1024} MB of rows.`,
        hint: "Look for a loop that never ends, or return the rows in parts.",
      });
    }
    functions.tuplestore_puttuple(store, tuple);
  };
}

function createAdd(
  { transactions, types }: Parts,
  { columns }: Description,
  put: (value: unknown) => void,
): OpenSet["add"] {
  // The code may catch the error of a row. Where that can be an error of somebody's function,
  // only a rollback makes it safe to go on.
  const isPlain = columns.every((column) => column === null || types.isPlain(column.type));
  return (value) =>
    transactions.withScratch(() => (isPlain ? put(value) : transactions.atomic(() => put(value))));
}

function addAll(value: unknown, add: OpenSet["add"]): void {
  if (value === undefined) return;
  if (Array.isArray(value)) for (const row of value) add(row);
  else add(value);
}
