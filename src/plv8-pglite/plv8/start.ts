/**
 * What plv8 does when the JavaScript of a role starts in a session: it runs the function that
 * `plv8.start_proc` names. One that is not there, or that the role may not execute, is a warning;
 * one of another language is nothing. Set to the empty text is not the same as not set.
 */
import type { Parts } from "./parts.ts";
import { LEVELS } from "./layout.ts";
import type { Routine } from "./routines.ts";

export function createStart({
  symbols,
  memory,
  errors,
  transactions,
  routines,
}: Parts): () => void {
  const { functions } = symbols;
  const started = new Set<number>();

  function setting(): string | null {
    return transactions.withScratch(() =>
      memory.cString(functions.GetConfigOption(memory.newCString("plv8.start_proc"), 1, 0)),
    );
  }

  function find(name: string): Routine | null {
    try {
      const { oid, ours, allowed } = transactions.withScratch(() =>
        transactions.atomic(() => routines.look(name, "regproc")),
      );
      if (allowed) return ours ? routines.get(oid) : null;
      return warn(name);
    } catch (error) {
      return warn((error as Error).message);
    }
  }

  function warn(what: string): null {
    errors.report(LEVELS.WARNING, `failed to find js function ${what}`);
    return null;
  }

  return () => {
    const role = functions.GetUserId();
    if (started.has(role)) return;
    // Before it runs: it may call functions itself.
    started.add(role);
    const name = setting();
    if (name !== null) find(name)?.code();
  };
}
