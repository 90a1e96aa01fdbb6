/** A registered collection as it is now: found again, locked, and what stands in its way. */
import type { Obstacle } from "./condition.ts";
import { obstacles, untrustedObstacles } from "./obstacles.ts";
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import { type Leaf, type Partition, readTable, type TableFacts, withValues } from "./introspect.ts";
import { registeredCollection, type RegisteredCollection } from "../store/collections.ts";
import { limitationsOf } from "./limitations.ts";
import { type FoundFacts, moveFacts, oids, readMoveFacts, readUntrusted } from "./move-facts.ts";
import { HealingError, SqlError } from "../base/errors.ts";
import { mayNotRead } from "./vector-column.ts";
import type { Collection, Column, Limitation } from "../model/collection.ts";

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
  let known: TableFacts | null = null;
  const facts = (): TableFacts => (known ??= readTable(host, row.relid)!);
  let limitations: readonly Limitation[] | null = null;
  return {
    ...kept,
    // Asked by those who decide and plan, and not by a batch, which asks under its lock: of 60 ms
    // of a batch of 500 rows on a busy machine this was 13.
    get movable() {
      const { partition_strategy, partition_column } = facts();
      return (
        partition_strategy === "list" &&
        partition_column !== null &&
        (row.options.movable ?? partition_column.routed)
      );
    },
    get limitations() {
      return (limitations ??= limitationsOf(
        facts(),
        readMoveFacts(host, row.relid),
        row.options,
        row,
        readUntrusted(host, row.relid),
      ));
    },
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

/** What a batch is made of that moves rows, read under its lock. */
export interface MoveConditions {
  /** What speaks against it. It stays true until the batch ends, but for publications. */
  readonly obstacles: readonly Obstacle[];
  /** Columns of each plain unique index of the partition that takes the rows. */
  readonly unique_keys: readonly (readonly string[])[];
  /** The tenant column as the statement has to write it; null: none, or it is gone. */
  readonly tenant: Pick<Column, "quoted" | "type"> | null;
}

/**
 * @param only the partitions that matter, by oid; null: all of them
 * @param target the partition that takes the rows; null: there is none any more
 */
export function moveConditions(
  host: Host,
  collection: Collection,
  only: readonly string[] | null,
  target: string | null,
): MoveConditions {
  const { now } = host.one<{
    now: {
      facts: TableFacts;
      moves: FoundFacts;
      options: RegisteredCollection["options"] | null;
      tenant: MoveConditions["tenant"];
      unique_keys: MoveConditions["unique_keys"];
    };
  }>(sql`
    SELECT ruvector.healing_move_conditions(${collection.id}::int, ${collection.relid}::oid,
      ${oids(only)}, ${target}::oid) AS now`);
  const options: RegisteredCollection["options"] = now.options ?? { movable: false };
  const { primary_key, partition_column } = collection;
  const found = obstacles({
    facts: now.facts,
    moves: moveFacts(now.moves),
    options,
    tenant: collection.tenant_column,
    registered: { primary_key, partition_column, options },
  });
  return {
    obstacles: [...found, ...untrustedObstacles(host.untrusted(collection.relid, true))],
    unique_keys: now.unique_keys,
    tenant: now.tenant,
  };
}

/**
 * Locks a table and its partitions, or fails at once with 55P03: the loop never stands in a lock
 * queue, where everybody who comes later would wait behind it. (lock_timeout would not help: it
 * does not end waits under PLJS.) A plain REINDEX locks the index alone, and everything that plans
 * a statement on its table waits for that: it counts too.
 * @param mode reading: ACCESS SHARE, and more where the table's owner is not trusted
 */
function lock(host: Host, collection: Collection, mode: "reading" | "ROW EXCLUSIVE"): Locked {
  const locked = lockOrSay(host, collection, mode);
  const refused = (sqlstate: string, message: string) =>
    new SqlError({ sqlstate, message, detail: null, hint: null });
  if (!locked.same) throw refused("42P01", `${collection.name} is another one than a moment ago`);
  if (locked.index !== null)
    throw refused(
      "55P03",
      `could not obtain lock on index ${locked.index}: pid ${locked.pid} holds it`,
    );
  return locked;
}

/** @throws SqlError 42501 with what to grant where a right was taken away since */
function lockOrSay(host: Host, collection: Collection, mode: "reading" | "ROW EXCLUSIVE"): Locked {
  try {
    return host.one<{ locked: Locked }>(sql`
      SELECT ruvector.healing_lock_table(${collection.relid}::oid, ${collection.name}, ${mode})
        AS locked`).locked;
  } catch (error) {
    if (!(error instanceof SqlError) || error.sqlstate !== "42501") throw error;
    const facts = readTable(host, collection.relid);
    if (!facts || (facts.may_enter && facts.may_select)) throw error;
    throw new SqlError({ ...mayNotRead(facts).document, sqlstate: error.sqlstate });
  }
}

interface Locked {
  readonly same: boolean;
  readonly index: string | null;
  readonly pid: number | null;
  readonly partitions: readonly Leaf[] | null;
  readonly wal: string | null;
  readonly others: Others | null;
}

/** Statements of other clients at one moment: those that began within the last second. */
export interface Others {
  readonly active: number;
  /** Their mean age, milliseconds; null: there is none, or it may not be seen. */
  readonly age_ms: number | null;
}

/** A table that is locked for moving rows until the transaction ends. */
export interface LockedRows {
  readonly partitions: readonly Partition[];
  /** Where the write-ahead log ended then. */
  readonly wal: string;
  readonly others: Others;
}

export const lockTable = (host: Host, collection: Collection): void =>
  void lock(host, collection, "reading");

export function lockRows(host: Host, collection: Collection): LockedRows {
  const { partitions, wal, others } = lock(host, collection, "ROW EXCLUSIVE");
  return { partitions: withValues(host, partitions!), wal: wal!, others: others! };
}
