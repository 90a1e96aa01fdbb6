/** A plan that reads a table's indexes takes its lock first, or says that somebody else has it. */
import { SqlError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import { lockTable } from "../collection/lookup.ts";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import type { NothingToDo } from "./strategy.ts";

/**
 * The size of an index, or its definition, is waited for behind ACCESS EXCLUSIVE, for as long as
 * that takes: a tick must not. null: it is locked for reading now.
 */
export function lockedNow(host: Host, collection: Collection): NothingToDo | null {
  try {
    lockTable(host, collection);
    return null;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return {
      nothing: `${collection.name} cannot be read now: ${printable(error.document.message, 300)}`,
      hint: "SELECT * FROM pg_locks WHERE mode = 'AccessExclusiveLock'; shows who has it.",
    };
  }
}
