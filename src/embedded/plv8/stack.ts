/**
 * Room on the stack. PostgreSQL guards its own (check_stack_depth), and that measures the stack of its C code, not the one of the
 * JavaScript engine on which both run. When that one ends while PostgreSQL is at work, it is cut off half-way. So before
 * PostgreSQL is entered, the room for what it may need is tried out.
 */

/**
 * Words pushed at once: 512 KiB, of the 8 MiB that the worker has. PostgreSQL needs 40 KiB for a simple statement and some hundred for
 * planning a large one; what recurses in it comes back here at every level.
 */
const WORDS = 65_536;
const words = new Array<undefined>(WORDS).fill(undefined);
const nothing = (): void => undefined;

/** Throws RangeError ("Maximum call stack size exceeded") where the room is not there. Takes about 20 microseconds. */
export function tryStack(): void {
  Reflect.apply(nothing, undefined, words);
}

/** Calls of the language within each other. plv8 has no such limit; here each level takes about 20 KiB of the engine's stack. */
export const MOST_NESTED = 200;
