/**
 * SQL from JavaScript, through the server programming interface (SPI): statements, plans, cursors,
 * the end of a transaction.
 */
import { typeByValue } from "./catalogue.ts";
import { type Errors, LanguageError } from "./errors.ts";
import type { Memory } from "./memory.ts";
import { createCursors } from "./spi/cursors.ts";
import { createGuarded } from "./spi/guarded.ts";
import { createParameters } from "./spi/parameters.ts";
import { createPlans } from "./spi/plans.ts";
import { createResults } from "./spi/results.ts";
import type { State } from "./state.ts";
import type { Result, Row, Spi } from "./statements.ts";
import type { Symbols } from "./symbols.ts";
import type { Transactions } from "./transactions.ts";
import type { Tuples, Types } from "./values.ts";

interface Parts {
  readonly symbols: Symbols;
  readonly memory: Memory;
  readonly state: State;
  readonly errors: Errors;
  readonly transactions: Transactions;
  readonly types: Types;
  readonly tuples: Tuples;
}

export function createSpi(parts: Parts): Spi {
  const { symbols, memory, state, errors, transactions } = parts;
  const { functions } = symbols;
  const results = createResults(parts);
  const parameters = createParameters({ ...parts, results });
  const guarded = createGuarded(transactions);
  const cursors = createCursors({ symbols, memory, guarded, parameters, results });
  const plans = createPlans({ symbols, memory, guarded, parameters, results, cursors });

  function executeWith(statement: string, given: readonly unknown[]): Result {
    const oids = parameters.inferredTypes(statement) ?? given.map(typeByValue);
    if (oids.length !== given.length) {
      throw new LanguageError(
        "XX000",
        `parameter numbers mismatch: ${oids.length} != ${given.length}`,
      );
    }
    const { count, types, values, nulls } = parameters.block(given, oids);
    results.forgetRows();
    const text = memory.newCString(statement);
    return results.takeResult(
      functions.SPI_execute_with_args(text, count, types, values, nulls, 0, 0),
    );
  }

  return {
    rows: (statement) => transactions.withScratch(() => results.run(statement) as Row[]),
    execute: (statement, given) =>
      guarded(() => (given.length === 0 ? results.run(statement) : executeWith(statement, given))),
    prepare: plans.prepare,
    endTransaction(how) {
      const saved = state.save();
      try {
        functions[`SPI_${how}`]();
      } catch (error) {
        throw errors.caught(saved, error);
      }
    },
  };
}
