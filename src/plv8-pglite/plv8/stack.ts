/**
 * Room on the stack. PostgreSQL guards its own (check_stack_depth), and that measures the stack of
 * its C code, not the one of the JavaScript engine on which both run. When that one ends while
 * PostgreSQL is at work, PostgreSQL is cut off half-way; when it ends while PostgreSQL is rolling
 * back from that, the database answers nothing any more. So the room is tried out before PostgreSQL
 * is entered.
 */

/**
 * Room in words of 8 bytes. Measured with code that uses up the stack and then runs a statement:
 * with 16 KiB the database was dead after it; with 64 KiB and more it lived. A statement gets 256
 * KiB, so that rolling back, which starts from the same place, always has room; trying that out
 * takes about 15 microseconds. What runs no statement (a row, a notice) gets 32 KiB, 2
 * microseconds.
 */
const ROOM = {
  statement: new Array<undefined>(32_768).fill(undefined),
  little: new Array<undefined>(4_096).fill(undefined),
};

const nothing = (): void => undefined;

/** Throws RangeError ("Maximum call stack size exceeded") where the room is not there. */
export function tryStack(room: keyof typeof ROOM): void {
  Reflect.apply(nothing, undefined, ROOM[room]);
}

/**
 * Calls of the language within each other. plv8 has no such limit; here 200, each through a
 * function in PL/pgSQL too, fit on the stack (tested).
 */
export const MOST_NESTED = 200;
