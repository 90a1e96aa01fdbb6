/**
 * SQL from JavaScript, through the server programming interface (SPI): statements, plans, cursors,
 * the end of a transaction.
 */
import { typeByValue } from "./catalogue.ts";
import { type Errors, LanguageError, PlainError, ThrownText } from "./errors.ts";
import { PORTAL, SPI, TUPLE_TABLE } from "./layout.ts";
import type { Memory } from "./memory.ts";
import { tryStack } from "./stack.ts";
import type { State } from "./state.ts";
import type { Cursor, Plan, Result, Row, Spi } from "./statements.ts";
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

/** Parameters as the SPI takes them: `types`, `values` and `nulls` are addresses. */
interface Block {
  readonly count: number;
  readonly types: number;
  readonly values: number;
  readonly nulls: number;
}

const NULL_MARK = "n".charCodeAt(0);
const VALUE_MARK = " ".charCodeAt(0);

export function createSpi({
  symbols,
  memory,
  state,
  errors,
  transactions,
  types,
  tuples,
}: Parts): Spi {
  const { functions, variables } = symbols;
  const { atomic, withScratch } = transactions;
  let sequence = 0;

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

  const run = (statement: string): Result => {
    memory.setU32(variables.SPI_tuptable, 0);
    return takeResult(functions.SPI_execute(memory.newCString(statement), 0, 0));
  };

  function rows(statement: string): Row[] {
    return withScratch(() => run(statement) as Row[]);
  }

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

  const namedTypes = (names: readonly string[]): number[] =>
    names.map((name) => {
      const literal = memory.cString(functions.quote_literal_cstr(memory.newCString(name)))!;
      return (
        run(`SELECT ${literal}::pg_catalog.regtype::pg_catalog.oid AS type`) as { type: number }[]
      )[0]!.type;
    });

  /**
   * The types that PostgreSQL's parser finds for $1, $2, ... The SPI's own way of asking for them
   * needs a hook in C that PGlite does not export, and what PREPARE finds is the same. Asked each
   * time: a type found earlier may have changed.
   */
  function inferredTypes(statement: string): number[] | null {
    const name = `plv8_${++sequence}`;
    try {
      atomic(() => run(`PREPARE ${name} AS ${statement}`));
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

  function expect(types: readonly number[], parameters: readonly unknown[]): void {
    if (types.length === parameters.length) return;
    throw new PlainError(
      `plan expected ${types.length} argument(s), given is ${parameters.length}`,
    );
  }

  /** In a subtransaction, with memory that ends with it, and with room on the stack. */
  function guarded<Value>(work: () => Value): Value {
    tryStack("statement");
    return withScratch(() => atomic(work));
  }

  function execute(statement: string, parameters: readonly unknown[]): Result {
    return guarded(() => {
      if (parameters.length === 0) return run(statement);
      const oids = inferredTypes(statement) ?? parameters.map(typeByValue);
      if (oids.length !== parameters.length) {
        throw new LanguageError(
          "XX000",
          `parameter numbers mismatch: ${oids.length} != ${parameters.length}`,
        );
      }
      const { count, types: typeBlock, values, nulls } = block(parameters, oids);
      memory.setU32(variables.SPI_tuptable, 0);
      return takeResult(
        functions.SPI_execute_with_args(
          memory.newCString(statement),
          count,
          typeBlock,
          values,
          nulls,
          0,
          0,
        ),
      );
    });
  }

  function prepare(statement: string, typeNames: readonly string[] | null): Plan {
    const handle = { plan: 0 };
    const oids = guarded(() => {
      const found = typeNames ? namedTypes(typeNames) : (inferredTypes(statement) ?? []);
      const typeBlock = memory.allocate(4 * found.length + 4);
      found.forEach((oid, place) => memory.setU32(typeBlock + 4 * place, oid));
      const plan = functions.SPI_prepare(memory.newCString(statement), found.length, typeBlock);
      if (plan === 0) throw new LanguageError("XX000", "the statement cannot be prepared");
      check(functions.SPI_keepplan(plan));
      handle.plan = plan;
      return found;
    });
    const made: Plan = {
      execute(parameters: readonly unknown[]): Result {
        const { plan } = handle;
        // Of a freed plan plv8 is told -1.
        if (plan === 0)
          throw new PlainError(`plan expected -1 argument(s), given is ${parameters.length}`);
        expect(oids, parameters);
        return guarded(() => {
          const { values, nulls } = block(parameters, oids);
          memory.setU32(variables.SPI_tuptable, 0);
          return takeResult(functions.SPI_execute_plan(plan, values, nulls, 0, 0));
        });
      },
      cursor(parameters: readonly unknown[]): Cursor {
        if (handle.plan === 0) throw new PlainError("plan unexpectedly null");
        expect(oids, parameters);
        return openCursor(statement, parameters, oids);
      },
      free(): void {
        free(handle);
      },
    };
    abandoned.register(made, handle);
    return made;
  }

  function free(handle: { plan: number }): void {
    if (handle.plan !== 0) functions.SPI_freeplan(handle.plan);
    handle.plan = 0;
  }

  // A plan that the code forgot to free is freed when JavaScript collects it: between two
  // statements, as nothing else runs then.
  const abandoned = new FinalizationRegistry(free);

  function openCursor(
    statement: string,
    parameters: readonly unknown[],
    oids: readonly number[],
  ): Cursor {
    const name = guarded(() => {
      const { count, types: typeBlock, values, nulls } = block(parameters, oids);
      const portal = functions.SPI_cursor_open_with_args(
        0,
        memory.newCString(statement),
        count,
        typeBlock,
        values,
        nulls,
        0,
        0,
      );
      return memory.cString(memory.u32(portal + PORTAL.name))!;
    });
    const portal = (): number => {
      const found = functions.SPI_cursor_find(memory.newCString(name));
      if (found === 0) throw new PlainError("cannot find cursor");
      return found;
    };
    return {
      fetch: (count) =>
        guarded(() => {
          memory.setU32(variables.SPI_tuptable, 0);
          functions.SPI_cursor_fetch(portal(), (count ?? 1) >= 0 ? 1 : 0, Math.abs(count ?? 1));
          const found = takeRows();
          return found.length === 0 ? undefined : count === undefined ? found[0] : found;
        }),
      move: (count) => {
        guarded(() =>
          functions.SPI_scroll_cursor_move(
            portal(),
            count >= 0 ? SPI.forward : SPI.backward,
            Math.abs(count),
          ),
        );
      },
      close: () => {
        guarded(() => functions.SPI_cursor_close(portal()));
      },
    };
  }

  return {
    rows,
    execute,
    prepare,
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
