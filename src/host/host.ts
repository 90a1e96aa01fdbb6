/** What the loop asks of its host. Everything outside this folder knows only this interface. */
import { raw, type Sql } from "sql-template-tag";

/**
 * What a statement on a user's table does. reads: rolled back once it is answered, so that code on
 * the way leaves nothing behind. keys: the same, and it makes texts of keys, or keys of texts,
 * which is what types bring code for. changes: stays. catalogue: stays, and runs no code of the
 * table, such as making our triggers.
 */
export type Does = "reads" | "keys" | "changes" | "catalogue";

/**
 * One thing that would run: as soon as the table is read, only when its rows are written, or with
 * whatever is made, altered or dropped.
 */
export interface Untrusted {
  readonly usage: "read" | "move" | "ddl";
  readonly what: string;
  /** What to type. */
  readonly hint: string;
}

/** One of several statements that run one after the other. */
export interface Stage {
  readonly statement: Sql;
  /** The table with whose owner's rights it runs, and changes rows; null: with ours. */
  readonly owner: string | null;
  /** Its joins may be merges; without it nested loops, which cost by the rows that are wanted. */
  readonly merges?: boolean;
}

/** In a stage: the first row of the stage before it, as the text of its JSON. */
export const GIVEN = raw("($1)[1]");

export interface Host {
  /**
   * Rows of a statement, as `row_to_json` writes them. Cast what must keep its exact text (bigint
   * ids, keys) to text.
   */
  query<Row>(statement: Sql): Row[];
  /** The single row of a statement. */
  one<Row>(statement: Sql): Row;
  /**
   * Runs statements one after the other, each with the row of the one before it (GIVEN); the row of
   * the last. What is large goes from one to the next without coming here. In `atomic`: what ran
   * before an error is the caller's to take back.
   */
  through<Row>(stages: readonly Stage[]): Row;
  /** Runs a statement that returns nothing; the number of rows it touched. */
  execute(statement: Sql): number;
  /**
   * The same host with the rights of the owner of that table, not more: for every statement that
   * reads or writes a user's rows. Such statements name nothing of schema `ruvector` but functions
   * of level table_owner. 42501 where its owner has not let us in. RV034 where code of somebody who
   * is not trusted would run on the way.
   */
  asOwner(relid: string, does?: Does): Host;
  /**
   * Code of roles that nobody trusts, which would run with the rows of that table: as it was before
   * the first of them was touched, or now. Ask under a lock.
   */
  untrusted(relid: string, again?: boolean): readonly Untrusted[];
  /**
   * @throws SqlError RV034 where an event trigger would run code of somebody who is not trusted.
   *   Statements here look for themselves; this is for those that pg_cron is to run.
   */
  admitDdl(): void;
  /** Runs the work in a subtransaction: a throw rolls it back and goes on as that throw. */
  atomic<T>(work: () => T): T;
  /**
   * Milliseconds of the wall clock, for durations. Times that are stored come from the database's
   * clock.
   */
  now(): number;
  /** A line in the server's log. */
  log(message: string): void;
  /** The same for what nobody should overlook: at level WARNING, and so to the client too. */
  warn(message: string): void;
  /** A NOTICE to the client. */
  notice(message: string): void;
}
