/** How work for the code of a function runs. */
import { tryStack } from "../stack.ts";
import type { Transactions } from "../transactions.ts";

/** In a subtransaction, with memory that ends with it, and with room on the stack. */
export type Guarded = <Value>(work: () => Value) => Value;

export const createGuarded =
  ({ atomic, withScratch }: Transactions): Guarded =>
  (work) => {
    tryStack("statement");
    return withScratch(() => atomic(work));
  };
