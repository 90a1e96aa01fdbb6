/** Prepared statements of the code: kept until it frees them, or JavaScript collects them. */
import { LanguageError, PlainError } from "../errors.ts";
import type { Memory } from "../memory.ts";
import type { Plan, Result } from "../statements.ts";
import type { Symbols } from "../symbols.ts";
import type { Cursors } from "./cursors.ts";
import type { Guarded } from "./guarded.ts";
import type { Parameters } from "./parameters.ts";
import type { Results } from "./results.ts";

export interface Plans {
  prepare(statement: string, typeNames: readonly string[] | null): Plan;
}

interface Parts {
  readonly symbols: Symbols;
  readonly memory: Memory;
  readonly guarded: Guarded;
  readonly parameters: Parameters;
  readonly results: Results;
  readonly cursors: Cursors;
}

/** A kept plan of the SPI. */
interface Kept {
  /** Its address; 0 once it is freed. */
  plan: number;
  readonly oids: readonly number[];
}

function expect({ oids }: Kept, values: readonly unknown[]): void {
  if (oids.length === values.length) return;
  throw new PlainError(`plan expected ${oids.length} argument(s), given is ${values.length}`);
}

export function createPlans({
  symbols,
  memory,
  guarded,
  parameters,
  results,
  cursors,
}: Parts): Plans {
  const { functions } = symbols;

  function keep(statement: string, typeNames: readonly string[] | null): Kept {
    const oids = typeNames
      ? parameters.namedTypes(typeNames)
      : (parameters.inferredTypes(statement) ?? []);
    const typeBlock = memory.allocate(4 * oids.length + 4);
    oids.forEach((oid, place) => memory.setU32(typeBlock + 4 * place, oid));
    const plan = functions.SPI_prepare(memory.newCString(statement), oids.length, typeBlock);
    if (plan === 0) throw new LanguageError("XX000", "the statement cannot be prepared");
    results.check(functions.SPI_keepplan(plan));
    return { plan, oids };
  }

  function free(kept: Kept): void {
    if (kept.plan !== 0) functions.SPI_freeplan(kept.plan);
    kept.plan = 0;
  }

  function execute(kept: Kept, given: readonly unknown[]): Result {
    const { plan, oids } = kept;
    // Of a freed plan plv8 is told -1.
    if (plan === 0) throw new PlainError(`plan expected -1 argument(s), given is ${given.length}`);
    expect(kept, given);
    return guarded(() => {
      const { values, nulls } = parameters.block(given, oids);
      results.forgetRows();
      return results.takeResult(functions.SPI_execute_plan(plan, values, nulls, 0, 0));
    });
  }

  // A plan that the code forgot to free is freed when JavaScript collects it: between two
  // statements, as nothing else runs then.
  const abandoned = new FinalizationRegistry(free);

  return {
    prepare(statement, typeNames) {
      const kept = guarded(() => keep(statement, typeNames));
      const plan: Plan = {
        execute: (values) => execute(kept, values),
        cursor(values) {
          if (kept.plan === 0) throw new PlainError("plan unexpectedly null");
          expect(kept, values);
          return cursors.open(statement, values, kept.oids);
        },
        free: () => free(kept),
      };
      abandoned.register(plan, kept);
      return plan;
    },
  };
}
