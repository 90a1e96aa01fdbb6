/** What a statement gave: its code checked, its rows as JavaScript objects. */
import { ThrownText } from "../errors.ts";
import { TUPLE_TABLE } from "../layout.ts";
import type { Memory } from "../memory.ts";
import type { Result, Row } from "../statements.ts";
import type { Symbols } from "../symbols.ts";
import type { Tuples } from "../values.ts";

export interface Results {
  /** Errors: what the SPI's own code says. */
  check(code: number): void;
  /** Before a statement: it may leave no table of its own. */
  forgetRows(): void;
  takeRows(): Row[];
  takeResult(code: number): Result;
  /** A statement without parameters. */
  run(statement: string): Result;
}

interface Parts {
  readonly symbols: Symbols;
  readonly memory: Memory;
  readonly tuples: Tuples;
}

export function createResults({ symbols, memory, tuples }: Parts): Results {
  const { functions, variables } = symbols;

  function check(code: number): void {
    if (code >= 0) return;
    const name = memory.cString(functions.SPI_result_code_string(code))!;
    throw new ThrownText(
      name === "SPI_ERROR_TRANSACTION"
        ? "current transaction is aborted, commands ignored until end of transaction block"
        : name,
    );
  }

  function takeRows(): Row[] {
    const table = memory.u32(variables.SPI_tuptable);
    const count = Number(memory.u64(variables.SPI_processed));
    const first = memory.u32(table + TUPLE_TABLE.tuples);
    const description = tuples.describe(memory.u32(table + TUPLE_TABLE.description));
    const addresses = Array.from({ length: count }, (_, place) => memory.u32(first + 4 * place));
    const rows = tuples.toObjects(addresses, description);
    functions.SPI_freetuptable(table);
    return rows;
  }

  function takeResult(code: number): Result {
    check(code);
    return memory.u32(variables.SPI_tuptable) === 0
      ? Number(memory.u64(variables.SPI_processed))
      : takeRows();
  }

  const forgetRows = (): void => memory.setU32(variables.SPI_tuptable, 0);

  function run(statement: string): Result {
    forgetRows();
    return takeResult(functions.SPI_execute(memory.newCString(statement), 0, 0));
  }

  return { check, forgetRows, takeRows, takeResult, run };
}
