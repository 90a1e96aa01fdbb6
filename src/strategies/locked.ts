/** A plan that reads a table's indexes takes its lock first, or says that somebody else has it. */
import sql, { type Sql } from "sql-template-tag";
import { family } from "../collection/introspect.ts";
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

/**
 * Whether somebody has a lock on an index alone that renaming it (SHARE UPDATE EXCLUSIVE) or
 * dropping it (ACCESS EXCLUSIVE) would wait for, behind the lock on its table: a COMMENT that is
 * not committed, pgstatindex(). Indexes cannot be locked with NOWAIT.
 */
export const indexLocked = (
  host: Host,
  relid: Sql,
  { mode, partitions }: { readonly mode: string; readonly partitions: boolean },
): boolean =>
  host.one<{ locked: boolean }>(sql`
    SELECT EXISTS (SELECT FROM pg_locks k
      JOIN pg_index i ON i.indexrelid = k.relation
     WHERE k.locktype = 'relation' AND k.pid IS DISTINCT FROM pg_backend_pid()
       AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (${mode} = 'ACCESS EXCLUSIVE'
         OR k.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock'))
       AND CASE WHEN ${partitions}::boolean THEN i.indrelid IN (
         SELECT m.relid FROM ${family(relid)} m) ELSE i.indrelid = ${relid} END) AS locked`).locked;
