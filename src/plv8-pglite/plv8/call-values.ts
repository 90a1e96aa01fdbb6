/** What a call gives its function, and what the function's value is to the call. */
import { LanguageError } from "./errors.ts";
import { ARGUMENT, CALL, TYPE } from "./layout.ts";
import type { Parts } from "./parts.ts";
import type { Routine } from "./routines.ts";

export interface CallValues {
  argumentsOf(call: number, routine: Routine): unknown[];
  /** A Datum. */
  resultOf(call: number, routine: Routine, value: unknown): number;
}

/**
 * pg_type.dat: anyelement, anyarray, anynonarray, anyenum, anyrange, anymultirange and the
 * anycompatible family.
 */
const POLYMORPHIC = new Set([2283, 2277, 2776, 3500, 3831, 4537, 5077, 5078, 5079, 5080, 4538]);
const isPolymorphic = (oid: number): boolean => POLYMORPHIC.has(oid);

export function createCallValues({ symbols, memory, types }: Parts): CallValues {
  const { functions } = symbols;

  /** Type of an argument or of the result: of a polymorphic one, the type in this call. */
  function actualType(call: number, declared: number, place: number): number {
    if (!isPolymorphic(declared)) return declared;
    const info = memory.u32(call + CALL.function);
    const actual =
      place < 0 ? functions.get_fn_expr_rettype(info) : functions.get_fn_expr_argtype(info, place);
    if (actual === 0)
      throw new LanguageError(
        "42804",
        "could not determine the actual type of a polymorphic argument",
      );
    return actual >>> 0;
  }

  function argumentsOf(call: number, { argumentTypes }: Routine): unknown[] {
    return argumentTypes.map((declared, place) => {
      const argument = call + CALL.arguments + ARGUMENT.size * place;
      if (memory.u8(argument + ARGUMENT.isNull)) return null;
      return types.toValue(
        memory.u32(argument + ARGUMENT.value),
        types.info(actualType(call, declared, place)),
      );
    });
  }

  const nullResult = (call: number): number => {
    memory.setU8(call + CALL.isNull, 1);
    return 0;
  };

  function resultOf(call: number, routine: Routine, value: unknown): number {
    if (routine.resultType === TYPE.void) return 0;
    if (value === null || value === undefined) return nullResult(call);
    // plv8 hands the text of the value to the type's input function, which takes none.
    if (routine.resultType === TYPE.record)
      throw new LanguageError("0A000", "input of anonymous composite types is not implemented");
    return (
      types.toDatum(value, types.info(actualType(call, routine.resultType, -1))) ?? nullResult(call)
    );
  }

  return { argumentsOf, resultOf };
}
