/**
 * The three functions that PostgreSQL calls: a function or trigger of the language, a DO block, the
 * check at CREATE FUNCTION.
 */
import type { RunningCall } from "./api.ts";
import { LanguageError } from "./errors.ts";
import { ARGUMENT, CALL, CALL_CONTEXT, FUNCTION, INLINE_CODE, SPI, TYPE } from "./layout.ts";
import type { Convert, Parts } from "./parts.ts";
import { checkProcedureCache, type Routine } from "./routines.ts";
import { createSetResult } from "./set-result.ts";
import type { Handler } from "./side-module.ts";
import { MOST_NESTED, tryStack } from "./stack.ts";
import { createStart } from "./start.ts";
import { createTriggers } from "./triggers.ts";

/** Takes the address of a FunctionCallInfo, answers a Datum. */
export type Handlers = { readonly [Name in Handler]: (call: number) => number };

export function createHandlers(parts: Parts): { handlers: Handlers; running: () => RunningCall } {
  const { symbols, memory, realm, state, errors, types, routines } = parts;
  const { functions } = symbols;
  const setResult = createSetResult(parts);
  const triggers = createTriggers(parts);
  const start = createStart(parts);
  const stack: RunningCall[] = [];

  /**
   * From C into JavaScript and back. No exception but PostgreSQL's own may leave: whatever else is
   * thrown is raised as an error of PostgreSQL. Levels of the SPI that an error of PostgreSQL
   * leaves behind end with its (sub)transaction.
   */
  function enter(nonAtomic: () => boolean, running: RunningCall, work: () => Convert): number {
    const saved = state.save();
    let connected = false;
    stack.push(running);
    try {
      if (stack.length > MOST_NESTED) {
        throw new LanguageError("54001", "stack depth limit exceeded", {
          detail: `More than ${MOST_NESTED} calls of plv8 functions within each other.`,
        });
      }
      tryStack("little");
      functions.SPI_connect_ext(nonAtomic() ? SPI.nonAtomic : 0);
      connected = true;
      start();
      const convert = work();
      functions.SPI_finish();
      connected = false;
      running.isOpen = false;
      return convert();
    } catch (error) {
      if (connected && !errors.isJump(error)) finishQuietly(saved);
      return errors.raise(saved, error);
    } finally {
      stack.pop();
    }
  }

  function finishQuietly(saved: number[]): void {
    state.restore(saved);
    try {
      functions.SPI_finish();
    } catch (error) {
      errors.caught(saved, error);
    }
  }

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

  function resultDatum(call: number, routine: Routine, value: unknown): number {
    if (routine.resultType === TYPE.void) return 0;
    if (value === null || value === undefined) return nullResult(call);
    // plv8 hands the text of the value to the type's input function, which takes none.
    if (routine.resultType === TYPE.record)
      throw new LanguageError("0A000", "input of anonymous composite types is not implemented");
    return (
      types.toDatum(value, types.info(actualType(call, routine.resultType, -1))) ?? nullResult(call)
    );
  }

  function callHandler(call: number): number {
    const running = newCall();
    return enter(
      () => isNonAtomicCall(call),
      running,
      () => {
        const routine = routines.called(call);
        if (routine.isTrigger) return triggers.fire(call, routine);
        if (routine.isWindow)
          throw new LanguageError(
            "0A000",
            "window functions are not supported by the embedded plv8",
          );
        const values = argumentsOf(call, routine);
        if (routine.returnsSet) {
          const set = setResult.open(call, routine);
          running.returnNext = set.add;
          set.addAll(routine.code(...values));
          return () => 0;
        }
        const value = routine.code(...values);
        return () => resultDatum(call, routine, value);
      },
    );
  }

  /**
   * CALL passes a CallContext to procedures; what functions get as context is a node of another
   * kind.
   */
  function isNonAtomicCall(call: number): boolean {
    const context = memory.u32(call + CALL.context);
    const oid = memory.u32(memory.u32(call + CALL.function) + FUNCTION.oid);
    return (
      context !== 0 && routines.isProcedure(oid) && memory.u8(context + CALL_CONTEXT.atomic) === 0
    );
  }

  function inlineHandler(call: number): number {
    const block = memory.u32(call + CALL.arguments);
    const source = memory.cString(memory.u32(block + INLINE_CODE.source))!;
    return enter(
      () => memory.u8(block + INLINE_CODE.atomic) === 0,
      newCall(),
      () => {
        realm.compile("inline_code_block", source, [])();
        return () => 0;
      },
    );
  }

  function validator(call: number): number {
    const oid = memory.u32(call + CALL.arguments);
    return enter(
      () => false,
      newCall(),
      () => {
        checkProcedureCache(functions, memory);
        const own = memory.u32(memory.u32(call + CALL.function) + FUNCTION.oid);
        if (functions.CheckFunctionValidatorAccess(own, oid) !== 0) routines.validate(oid);
        return () => 0;
      },
    );
  }

  return {
    handlers: { call_handler: callHandler, inline_handler: inlineHandler, validator },
    running: () => stack.at(-1) ?? { returnNext: null, isOpen: false },
  };
}

const newCall = (): RunningCall => ({ returnNext: null, isOpen: true });

/**
 * pg_type.dat: anyelement, anyarray, anynonarray, anyenum, anyrange, anymultirange and the
 * anycompatible family.
 */
const POLYMORPHIC = new Set([2283, 2277, 2776, 3500, 3831, 4537, 5077, 5078, 5079, 5080, 4538]);
const isPolymorphic = (oid: number): boolean => POLYMORPHIC.has(oid);
