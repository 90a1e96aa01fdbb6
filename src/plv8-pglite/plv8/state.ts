/**
 * PostgreSQL's state at one moment: what sigsetjmp and PG_TRY save in C. Every call into PostgreSQL
 * that may raise an error is made after `save`, and `restore` brings the state back when it did.
 */
import type { Memory } from "./memory.ts";
import type { Symbols, WebAssemblyModule } from "./symbols.ts";

export interface State {
  /** Stack pointer, error handler, error context, memory context, resource owner. */
  save(): number[];
  restore(saved: readonly number[]): void;
  /** Switches the memory context; the former one. */
  switchMemory(context: number): number;
  memoryContext(): number;
  /**
   * What work in a subtransaction leaves changed: error context, memory context, resource owner.
   */
  restoreAfterWork(saved: readonly number[]): void;
  /**
   * Errors collect no context beyond this point. What lies beyond is added once, when JavaScript
   * code has not caught the error and it is raised again; otherwise each level of nested calls
   * would repeat all levels above it (measured: 430 kB of context at 150 levels).
   */
  startErrorContext(): void;
  /** What errfinish does for an error of PostgreSQL's own. */
  forgetInterruptions(): void;
}

export function createState(
  module: WebAssemblyModule,
  { variables }: Symbols,
  memory: Memory,
): State {
  const word = (address: number) => memory.u32(address);
  const [handler, errorContext, memoryContext, owner] = [
    variables.PG_exception_stack,
    variables.error_context_stack,
    variables.CurrentMemoryContext,
    variables.CurrentResourceOwner,
  ];
  return {
    save: () => [
      module.stackSave(),
      word(handler),
      word(errorContext),
      word(memoryContext),
      word(owner),
    ],
    restore(saved) {
      module.stackRestore(saved[0]!);
      // What Emscripten's longjmp leaves behind until its setjmp has seen it.
      memory.setU32(variables.__THREW__, 0);
      memory.setU32(variables.__threwValue, 0);
      memory.setU32(handler, saved[1]!);
      memory.setU32(errorContext, saved[2]!);
      memory.setU32(memoryContext, saved[3]!);
    },
    switchMemory(context) {
      const former = word(memoryContext);
      memory.setU32(memoryContext, context);
      return former;
    },
    memoryContext: () => word(memoryContext),
    startErrorContext: () => memory.setU32(errorContext, 0),
    restoreAfterWork(saved) {
      memory.setU32(errorContext, saved[2]!);
      memory.setU32(memoryContext, saved[3]!);
      memory.setU32(owner, saved[4]!);
    },
    forgetInterruptions() {
      memory.setU32(variables.InterruptHoldoffCount, 0);
      memory.setU32(variables.CritSectionCount, 0);
    },
  };
}
