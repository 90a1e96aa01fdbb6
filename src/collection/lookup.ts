/** A registered collection as it is now: found again, locked, and what stands in its way. */
import type { Obstacle } from "./conditions.ts";
import { obstacles, untrustedObstacles } from "./obstacles.ts";
import sql, { raw } from "sql-template-tag";
import type { Host } from "../host/host.ts";
import { family, readTable } from "./introspect.ts";
import { registeredCollection, registeredOptions } from "../store/collections.ts";
import { limitationsOf } from "./limitations.ts";
import { readMoveFacts, readUntrusted } from "./move-facts.ts";
import { HealingError, SqlError } from "../base/errors.ts";
import type { Collection } from "../model/collection.ts";

/** As ruvector.healing_found says it. */
const DISTRIBUTED = "distributed: not sensed";

/** Citus distributes the table. */
export class DistributedTable extends HealingError {}

/**
 * A registered collection with its effective settings. Follows a renamed table by its oid; the name
 * wins where both exist, because oids change with dump and restore.
 * @param unchanged its table is as it was: what does not apply to it is what was kept
 * @throws HealingError RV002 when the collection is gone, RV003 when its table is
 */
export function loadCollection(host: Host, id: number, unchanged = false): Collection {
  const row = registeredCollection(host, id);
  if (!row) {
    throw new HealingError("unknown_collection", `collection ${id} is not registered`, {
      hint: "SELECT collection_id, table_name FROM ruvector.collections;",
    });
  }
  if (row.reason !== null) throw unsupported(row.name, row.reason, row.hint);
  const { limitations_then, routed, ...kept } = row;
  if (unchanged) {
    const list = row.partition_strategy === "list" && row.partition_column !== null;
    const movable = list && (row.options.movable ?? routed);
    return { ...kept, movable, limitations: limitations_then };
  }
  const facts = readTable(host, row.relid)!;
  const movable =
    facts.partition_strategy === "list" &&
    facts.partition_column !== null &&
    (row.options.movable ?? facts.partition_column.routed);
  return {
    ...kept,
    movable,
    limitations: limitationsOf(
      facts,
      readMoveFacts(host, row.relid),
      row.options,
      row,
      readUntrusted(host, row.relid),
    ),
  };
}

/** Its table is gone, is another one than was registered, or lies on other servers. */
function unsupported(name: string, reason: string, hint: string | null): HealingError {
  const gone = reason === "its table is gone";
  const message = (): string => {
    if (gone) return `table ${name} does not exist any more`;
    if (reason === DISTRIBUTED) return `${name} is ${reason}`;
    return `${name} is not the table that was registered: ${reason}`;
  };
  const Kind = reason === DISTRIBUTED ? DistributedTable : HealingError;
  return new Kind("unsupported_table", message(), {
    detail: gone
      ? "It was registered, then dropped or renamed together with its vector column."
      : "Nothing is sensed there, and nothing is changed.",
    ...(hint !== null && { hint }),
  });
}

/**
 * What speaks against moving rows, read now. Under the lock of a batch it stays true until the
 * batch ends, but for publications.
 * @param only the partitions that matter, by oid; null: all of them
 */
export function obstaclesNow(
  host: Host,
  collection: Collection,
  only: readonly string[] | null,
): Obstacle[] {
  const options = registeredOptions(host, collection.id) ?? { movable: false };
  const found = obstacles({
    facts: readTable(host, collection.relid)!,
    moves: readMoveFacts(host, collection.relid, only),
    movable: options.movable,
    registered: { ...collection, options },
  });
  return [...found, ...untrustedObstacles(host.untrusted(collection.relid, true))];
}

/**
 * Locks a table and its partitions, or fails at once with 55P03: the loop never stands in a lock
 * queue, where everybody who comes later would wait behind it. (lock_timeout would not help: it
 * does not end waits under PLJS.) A plain REINDEX locks the index alone, and everything that plans
 * a statement on its table waits for that: it counts too. Indexes cannot be locked with NOWAIT, but
 * everybody may read pg_locks.
 * @param mode ACCESS SHARE: for reading; more where the table's owner is not trusted
 */
export function lockTable(
  host: Host,
  collection: Collection,
  mode: "ACCESS SHARE" | "ROW EXCLUSIVE",
): void {
  const { lock } =
    mode === "ROW EXCLUSIVE"
      ? { lock: mode }
      : host.one<{ lock: string }>(
          sql`SELECT ruvector.healing_reading_lock(${collection.relid}::oid) AS lock`,
        );
  host.execute(sql`LOCK TABLE ${raw(collection.name)} IN ${raw(lock)} MODE NOWAIT`);
  // Somebody may have put something else in its place since it was looked up: what is locked now
  // stays what it is.
  const { same } = host.one<{ same: boolean }>(
    sql`SELECT to_regclass(${collection.name})::oid IS NOT DISTINCT
      FROM ${collection.relid}::oid AS same`,
  );
  if (!same)
    throw new SqlError({
      sqlstate: "42P01",
      message: `${collection.name} is another one than a moment ago`,
      detail: null,
      hint: null,
    });
  const [locked] = host.query<{ index: string; pid: number }>(sql`
    SELECT k.relation::regclass::text AS index, k.pid
      FROM ${family(sql`${collection.relid}::oid`)} f JOIN pg_index i ON i.indrelid = f.relid
      JOIN pg_locks k ON k.relation = i.indexrelid AND k.locktype = 'relation'
        AND k.mode = 'AccessExclusiveLock' AND k.pid <> pg_backend_pid()
     WHERE k.database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1`);
  if (locked)
    throw new SqlError({
      sqlstate: "55P03",
      message: `could not obtain lock on index ${locked.index}: pid ${locked.pid} holds it`,
      detail: null,
      hint: null,
    });
}
