/** What SQL is to the code of a function: statements, plans, cursors. */

export type Row = Record<string, unknown>;
/** Rows where the statement returns any; otherwise how many it touched. */
export type Result = Row[] | number;

export interface Spi {
  /** A statement of this language's own, without a subtransaction. */
  rows(statement: string): Row[];
  /** A statement of the code, in a subtransaction. */
  execute(statement: string, parameters: readonly unknown[]): Result;
  prepare(statement: string, typeNames: readonly string[] | null): Plan;
  /**
   * Ends the transaction and starts the next one. Errors: what PostgreSQL says where that is not
   * allowed.
   */
  endTransaction(how: "commit" | "rollback"): void;
}

export interface Plan {
  execute(parameters: readonly unknown[]): Result;
  cursor(parameters: readonly unknown[]): Cursor;
  free(): void;
}

export interface Cursor {
  /** One row, undefined at the end; with a count (backward when negative) an array. */
  fetch(count?: number): Row | Row[] | undefined;
  move(count: number): void;
  close(): void;
}
