/** Parameters of a statement: which types they have, and their values as the SPI takes them. */
import type { Memory } from "../memory.ts";
import type { Symbols } from "../symbols.ts";
import type { Transactions } from "../transactions.ts";
import type { Types } from "../values.ts";
import type { Results } from "./results.ts";

/** Parameters as the SPI takes them: `types`, `values` and `nulls` are addresses. */
interface Block {
  readonly count: number;
  readonly types: number;
  readonly values: number;
  readonly nulls: number;
}

export interface Parameters {
  block(parameters: readonly unknown[], typeOids: readonly number[]): Block;
  namedTypes(names: readonly string[]): number[];
  /**
   * The types that PostgreSQL's parser finds for $1, $2, ... The SPI's own way of asking for them
   * needs a hook in C that PGlite does not export, and what PREPARE finds is the same. Asked each
   * time: a type found earlier may have changed. null: PREPARE does not take such a statement.
   */
  inferredTypes(statement: string): number[] | null;
}

interface Parts {
  readonly symbols: Symbols;
  readonly memory: Memory;
  readonly transactions: Transactions;
  readonly types: Types;
  readonly results: Results;
}

const NULL_MARK = "n".charCodeAt(0);
const VALUE_MARK = " ".charCodeAt(0);

export function createParameters({
  symbols,
  memory,
  transactions,
  types,
  results,
}: Parts): Parameters {
  const { functions } = symbols;
  const { run } = results;
  let sequence = 0;

  function block(parameters: readonly unknown[], typeOids: readonly number[]): Block {
    const count = parameters.length;
    const area = memory.allocate(9 * count + 1);
    const parts: Block = { count, types: area, values: area + 4 * count, nulls: area + 8 * count };
    for (let place = 0; place < count; place++) {
      const datum = types.toDatum(parameters[place], types.info(typeOids[place]!));
      memory.setU32(parts.types + 4 * place, typeOids[place]!);
      memory.setU32(parts.values + 4 * place, datum ?? 0);
      memory.setU8(parts.nulls + place, datum === null ? NULL_MARK : VALUE_MARK);
    }
    memory.setU8(parts.nulls + count, 0);
    return parts;
  }

  function namedType(name: string): number {
    const literal = memory.cString(functions.quote_literal_cstr(memory.newCString(name)))!;
    const [row] = run(`SELECT ${literal}::pg_catalog.regtype::pg_catalog.oid AS type`) as {
      type: number;
    }[];
    return row!.type;
  }

  function inferredTypes(statement: string): number[] | null {
    const name = `plv8_${++sequence}`;
    try {
      transactions.atomic(() => run(`PREPARE ${name} AS ${statement}`));
    } catch (error) {
      // What PREPARE does not take at all (CALL, EXPLAIN) runs with types by value; what is wrong
      // in itself fails there again.
      if ((error as { sqlerrcode?: string }).sqlerrcode === "42601") return null;
      throw error;
    }
    const found = run(
      "SELECT parameter_types::pg_catalog.oid[] AS types FROM " +
        `pg_catalog.pg_prepared_statements WHERE name = '${name}'`,
    );
    run(`DEALLOCATE ${name}`);
    return (found as { types: number[] }[])[0]!.types;
  }

  return { block, namedTypes: (names) => names.map(namedType), inferredTypes };
}
