/**
 * The JavaScript engine inside PostgreSQL: plv8 or PLJS. This folder is the only one that knows it,
 * and uses only what both share. The loader (sql/engine/javascript.sql) passes it
 * as `engine`.
 */
export interface Engine {
  /**
   * Rows of a statement. Never with parameters: PLJS 1.0.5 crashes on some (null, Date), reads
   * foreign memory for others, and now and then passes any of them as NULL.
   */
  execute(statement: string): { readonly answer: string }[];
  /**
   * Runs the function in a subtransaction. A throw rolls it back and comes out of plv8 as another
   * Error with the same message, and no more.
   */
  subtransaction(work: () => void): void;
}

declare const engine: Engine;

export const currentEngine = (): Engine => engine;
