/** Values of PostgreSQL that lie behind an address. */
import { ARGUMENT, CALL } from "../layout.ts";
import type { Memory } from "../memory.ts";
import type { Functions } from "../symbols.ts";

/** Content of a varlena, decompressed where it was compressed. */
export function contentOf<Value>(
  functions: Functions,
  memory: Memory,
  datum: number,
  read: (start: number, length: number) => Value,
): Value {
  const plain = functions.pg_detoast_datum_packed(datum);
  const { start, length } = memory.varlena(plain);
  const value = read(start, length);
  if (plain !== datum) functions.pfree(plain);
  return value;
}

/** Calls a function of PostgreSQL that takes one argument and answers with a value, never NULL. */
export function callWithOne(
  functions: Functions,
  memory: Memory,
  of: (call: number) => number,
  argument: number,
): number {
  const call = functions.palloc0(CALL.arguments + ARGUMENT.size);
  memory.setU8(call + CALL.argumentCount, 1);
  memory.setU32(call + CALL.arguments, argument);
  const result = of(call);
  functions.pfree(call);
  return result;
}

export function newInt8(memory: Memory, value: bigint): number {
  const address = memory.allocate(8);
  memory.setI64(address, value);
  return address;
}

export function newFloat8(memory: Memory, value: number): number {
  const address = memory.allocate(8);
  memory.setF64(address, value);
  return address;
}
