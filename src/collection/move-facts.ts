/**
 * What the catalogues say about everything that a move of rows would set off, wait for, or be seen
 * by.
 */
import sql, { type Sql } from "sql-template-tag";
import type { Host, Untrusted } from "../host/host.ts";

/** Names, as people read them. What lies on partitions counts like what lies on the table. */
export interface MoveFacts {
  readonly triggers: readonly string[];
  /** ON UPDATE, on the table itself: rules of partitions do not see a statement on the table. */
  readonly rules: readonly string[];
  readonly referenced_by: readonly string[];
  readonly references: readonly string[];
  readonly publications: readonly string[];
  /** Logical slots of this database that no publication limits. */
  readonly decoding: readonly string[];
  readonly subscriptions: readonly string[];
  /** Unique or exclusion constraints that the row mover cannot check before it moves. */
  readonly unclear_constraints: readonly string[];
  readonly deferrable_constraints: readonly string[];
  /** Generated columns that would have another value in another partition. */
  readonly generated: readonly string[];
  readonly forced_row_security: boolean;
  readonly sub_partitioned: readonly string[];
  readonly foreign_partitions: readonly string[];
  readonly other_owners: readonly string[];
  /** What it is a partition of. */
  readonly parents: readonly string[];
  /** By which row-level security shows a row in one place and not in another. */
  readonly policies: readonly string[];
  /** Roles that may read some partitions, and neither the others nor the table. */
  readonly privileges: readonly string[];
  /**
   * Views, materialized views, functions with a parsed body and policies of other tables that read
   * some partitions by name, and not all.
   */
  readonly views: readonly string[];
  /** Partitions that a crash empties, beside others that it does not. */
  readonly unlogged: readonly string[];
  /** Partitions that are stored otherwise than others. */
  readonly access_methods: readonly string[];
  /** What a row meets in one partition and not in another. */
  readonly checks: readonly string[];
  /** The partition column, where values of it that are equal may be written differently. */
  readonly alike: readonly string[];
}

const NONE: MoveFacts = {
  triggers: [],
  rules: [],
  referenced_by: [],
  references: [],
  publications: [],
  decoding: [],
  subscriptions: [],
  unclear_constraints: [],
  deferrable_constraints: [],
  generated: [],
  forced_row_security: false,
  sub_partitioned: [],
  foreign_partitions: [],
  other_owners: [],
  parents: [],
  policies: [],
  privileges: [],
  views: [],
  unlogged: [],
  access_methods: [],
  checks: [],
  alike: [],
};

/** As ruvector.healing_move_facts() answers: kinds of which there is nothing are left out. */
export interface FoundFacts {
  readonly found: Partial<MoveFacts>;
  readonly forced_row_security: boolean;
}

export const moveFacts = ({ found, forced_row_security }: FoundFacts): MoveFacts => ({
  ...NONE,
  ...found,
  forced_row_security,
});

/** Oids as an array that may be NULL. */
export const oids = (relids: readonly string[] | null): Sql =>
  sql`${relids === null ? null : `{${relids.join(",")}}`}::oid[]`;

/** @param only the partitions that matter, by oid; null: all of them */
export const readMoveFacts = (
  host: Host,
  relid: string,
  only: readonly string[] | null = null,
): MoveFacts =>
  moveFacts(
    host.one<{ facts: FoundFacts }>(
      sql`SELECT ruvector.healing_move_facts(${relid}::oid, ${oids(only)}) AS facts`,
    ).facts,
  );

/** What SET CONSTRAINTS calls users' triggers that may wait for the commit. */
export const deferrableTriggers = (host: Host, relid: string): readonly string[] =>
  host
    .query<{ name: string }>(sql`
    SELECT DISTINCT format('%I.%I', n.nspname, k.conname) AS name
      FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint
        JOIN pg_namespace n ON n.oid = k.connamespace
     WHERE g.tgrelid IN (SELECT ${relid}::oid UNION ALL SELECT i.inhrelid FROM pg_inherits i
             WHERE i.inhparent = ${relid}::oid)
       AND g.tgdeferrable AND NOT g.tgisinternal AND g.tgenabled <> 'D'`)
    .map(({ name }) => name);

/** Without a lock: for those who only want to know. Whoever touches rows asks host.untrusted(). */
export const readUntrusted = (host: Host, relid: string): readonly Untrusted[] =>
  host.query<Untrusted>(
    sql`SELECT usage, what, hint FROM ruvector.healing_untrusted(${relid}::oid) LIMIT 20`,
  );
