/** What the language is put together from, for those that handle PostgreSQL's calls. */
import type { Errors } from "./errors.ts";
import type { Memory } from "./memory.ts";
import type { Realm } from "./realm.ts";
import type { Routines } from "./routines.ts";
import type { State } from "./state.ts";
import type { Symbols } from "./symbols.ts";
import type { Transactions } from "./transactions.ts";
import type { Tuples, Types } from "./values.ts";

export interface Parts {
  readonly symbols: Symbols;
  readonly memory: Memory;
  readonly realm: Realm;
  readonly state: State;
  readonly errors: Errors;
  readonly transactions: Transactions;
  readonly types: Types;
  readonly tuples: Tuples;
  readonly routines: Routines;
}

/**
 * What a JavaScript function gave, still to be converted: after SPI_finish, in the memory of
 * PostgreSQL's caller.
 */
export type Convert = () => number;
