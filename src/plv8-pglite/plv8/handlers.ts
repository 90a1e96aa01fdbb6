/**
 * The three functions that PostgreSQL calls: a function or trigger of the language, a DO block, the
 * check at CREATE FUNCTION.
 */
import type { RunningCall } from "./api.ts";
import { createCallValues } from "./call-values.ts";
import { createEntry, type Entry, newCall } from "./entry.ts";
import { LanguageError } from "./errors.ts";
import { CALL, CALL_CONTEXT, FUNCTION, INLINE_CODE } from "./layout.ts";
import type { Parts } from "./parts.ts";
import { checkProcedureCache } from "./routines.ts";
import { createSetResult } from "./set-result.ts";
import type { Handler } from "./side-module.ts";
import { createTriggers } from "./triggers.ts";

/** Takes the address of a FunctionCallInfo, answers a Datum. */
type Handle = (call: number) => number;
export type Handlers = { readonly [Name in Handler]: Handle };

export function createHandlers(parts: Parts): { handlers: Handlers; running: () => RunningCall } {
  const { enter, running } = createEntry(parts);
  return {
    handlers: {
      call_handler: createCallHandler(parts, enter),
      inline_handler: createInlineHandler(parts, enter),
      validator: createValidator(parts, enter),
    },
    running,
  };
}

function createCallHandler(parts: Parts, enter: Entry["enter"]): Handle {
  const { routines } = parts;
  const values = createCallValues(parts);
  const setResult = createSetResult(parts);
  const triggers = createTriggers(parts);

  return (call) => {
    const running = newCall();
    return enter(
      () => isNonAtomicCall(parts, call),
      running,
      () => {
        const routine = routines.called(call);
        if (routine.isTrigger) return triggers.fire(call, routine);
        if (routine.isWindow)
          throw new LanguageError(
            "0A000",
            "window functions are not supported by the embedded plv8",
          );
        const given = values.argumentsOf(call, routine);
        if (routine.returnsSet) {
          const set = setResult.open(call, routine);
          running.returnNext = set.add;
          set.addAll(routine.code(...given));
          return () => 0;
        }
        const value = routine.code(...given);
        return () => values.resultOf(call, routine, value);
      },
    );
  };
}

/**
 * CALL passes a CallContext to procedures; what functions get as context is a node of another
 * kind.
 */
function isNonAtomicCall({ memory, routines }: Parts, call: number): boolean {
  const context = memory.u32(call + CALL.context);
  const oid = memory.u32(memory.u32(call + CALL.function) + FUNCTION.oid);
  return (
    context !== 0 && routines.isProcedure(oid) && memory.u8(context + CALL_CONTEXT.atomic) === 0
  );
}

const createInlineHandler =
  ({ memory, realm }: Parts, enter: Entry["enter"]): Handle =>
  (call) => {
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
  };

const createValidator =
  ({ symbols: { functions }, memory, routines }: Parts, enter: Entry["enter"]): Handle =>
  (call) => {
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
  };
