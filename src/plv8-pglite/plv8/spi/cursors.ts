/** Cursors of the code: opened by a statement, found again by the name of their portal. */
import { PlainError } from "../errors.ts";
import { PORTAL, SPI } from "../layout.ts";
import type { Memory } from "../memory.ts";
import type { Cursor, Row } from "../statements.ts";
import type { Symbols } from "../symbols.ts";
import type { Guarded } from "./guarded.ts";
import type { Parameters } from "./parameters.ts";
import type { Results } from "./results.ts";

export interface Cursors {
  /** For a statement whose parameters have these types. */
  open(statement: string, values: readonly unknown[], oids: readonly number[]): Cursor;
}

interface Parts {
  readonly symbols: Symbols;
  readonly memory: Memory;
  readonly guarded: Guarded;
  readonly parameters: Parameters;
  readonly results: Results;
}

export function createCursors({ symbols, memory, guarded, parameters, results }: Parts): Cursors {
  const { functions } = symbols;

  /** The name of the portal, which PostgreSQL chooses. */
  function openPortal(
    statement: string,
    given: readonly unknown[],
    oids: readonly number[],
  ): string {
    const { count, types, values, nulls } = parameters.block(given, oids);
    const text = memory.newCString(statement);
    const portal = functions.SPI_cursor_open_with_args(0, text, count, types, values, nulls, 0, 0);
    return memory.cString(memory.u32(portal + PORTAL.name))!;
  }

  function portalOf(name: string): number {
    const found = functions.SPI_cursor_find(memory.newCString(name));
    if (found === 0) throw new PlainError("cannot find cursor");
    return found;
  }

  function fetch(name: string, count: number | undefined): Row | Row[] | undefined {
    results.forgetRows();
    functions.SPI_cursor_fetch(portalOf(name), (count ?? 1) >= 0 ? 1 : 0, Math.abs(count ?? 1));
    const found = results.takeRows();
    if (found.length === 0) return undefined;
    return count === undefined ? found[0] : found;
  }

  function move(name: string, count: number): void {
    const direction = count >= 0 ? SPI.forward : SPI.backward;
    functions.SPI_scroll_cursor_move(portalOf(name), direction, Math.abs(count));
  }

  return {
    open(statement, values, oids) {
      const name = guarded(() => openPortal(statement, values, oids));
      return {
        fetch: (count) => guarded(() => fetch(name, count)),
        move: (count) => guarded(() => move(name, count)),
        close: () => {
          guarded(() => functions.SPI_cursor_close(portalOf(name)));
        },
      };
    },
  };
}
