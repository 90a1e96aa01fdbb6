/** The way from PostgreSQL's C into JavaScript and back. */
import type { RunningCall } from "./api.ts";
import { LanguageError } from "./errors.ts";
import { SPI } from "./layout.ts";
import type { Convert, Parts } from "./parts.ts";
import { MOST_NESTED, tryStack } from "./stack.ts";
import { createStart } from "./start.ts";

export interface Entry {
  /**
   * From C into JavaScript and back. No exception but PostgreSQL's own may leave: whatever else is
   * thrown is raised as an error of PostgreSQL. Levels of the SPI that an error of PostgreSQL
   * leaves behind end with its (sub)transaction.
   */
  enter(nonAtomic: () => boolean, running: RunningCall, work: () => Convert): number;
  /** The innermost call. */
  running(): RunningCall;
}

export const newCall = (): RunningCall => ({ returnNext: null, isOpen: true });

export function createEntry(parts: Parts): Entry {
  const { state, errors } = parts;
  const { functions } = parts.symbols;
  const start = createStart(parts);
  const stack: RunningCall[] = [];

  function enter(nonAtomic: () => boolean, running: RunningCall, work: () => Convert): number {
    const saved = state.save();
    let connected = false;
    stack.push(running);
    try {
      refuseTooDeep(stack.length);
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

  return { enter, running: () => stack.at(-1) ?? { returnNext: null, isOpen: false } };
}

function refuseTooDeep(calls: number): void {
  if (calls > MOST_NESTED) {
    throw new LanguageError("54001", "stack depth limit exceeded", {
      detail: `More than ${MOST_NESTED} calls of plv8 functions within each other.`,
    });
  }
  tryStack("little");
}
