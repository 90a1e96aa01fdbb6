/** Subtransactions round JavaScript, and memory that ends with a piece of work. */
import type { Errors } from "./errors.ts";
import type { Memory } from "./memory.ts";
import type { State } from "./state.ts";
import type { Symbols } from "./symbols.ts";

export interface Transactions {
  /**
   * Runs the work in a subtransaction. An error of PostgreSQL or JavaScript rolls it back and goes
   * on as an Error of the realm: only after a rollback is it safe to go on from an error of
   * PostgreSQL.
   */
  atomic<Value>(work: () => Value): Value;
  /** Runs the work with a memory context of its own, emptied afterwards. */
  withScratch<Value>(work: () => Value): Value;
}

/** ALLOCSET_DEFAULT_SIZES in memutils.h. */
const SIZES = { smallest: 0, first: 8 * 1024, largest: 8 * 1024 * 1024 } as const;

export function createTransactions(
  symbols: Symbols,
  memory: Memory,
  state: State,
  errors: Errors,
): Transactions {
  return {
    atomic: createAtomic(symbols, state, errors),
    withScratch: createScratch(symbols, memory, state),
  };
}

const createAtomic =
  ({ functions }: Symbols, state: State, errors: Errors): Transactions["atomic"] =>
  (work) => {
    const saved = state.save();
    try {
      functions.BeginInternalSubTransaction(0);
    } catch (error) {
      throw errors.caught(saved, error);
    }
    state.switchMemory(saved[3]!);
    state.startErrorContext();
    try {
      const value = work();
      functions.ReleaseCurrentSubTransaction();
      state.restoreAfterWork(saved);
      return value;
    } catch (error) {
      const seen = errors.caught(saved, error);
      functions.RollbackAndReleaseCurrentSubTransaction();
      state.restoreAfterWork(saved);
      throw seen;
    }
  };

function createScratch(
  { functions, variables }: Symbols,
  memory: Memory,
  state: State,
): Transactions["withScratch"] {
  // One context for each level of nesting, kept: making one costs more than emptying one.
  const contexts: number[] = [];
  let level = 0;

  function newContext(): number {
    const top = memory.u32(variables.TopMemoryContext);
    const former = state.switchMemory(top);
    const label = memory.newCString("plv8 scratch");
    const { smallest, first, largest } = SIZES;
    const context = functions.AllocSetContextCreateInternal(top, label, smallest, first, largest);
    state.switchMemory(former);
    return context;
  }

  return (work) => {
    const context = (contexts[level] ??= newContext());
    level++;
    const former = state.switchMemory(context);
    try {
      return work();
    } finally {
      level--;
      state.switchMemory(former);
      functions.MemoryContextReset(context);
    }
  };
}
