/**
 * The partition for cold rows: found, made when it is missing, and taken away again when the action
 * is undone and nobody uses it.
 */
import sql, { raw } from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import { isTransient, SQLSTATES, SqlError } from "../../base/errors.ts";
import type { Collection } from "../../model/collection.ts";
import { printable } from "../../base/text.ts";
import { indexLocked } from "../locked.ts";
import type { NothingToDo } from "../strategy.ts";

export interface NewPartition {
  /** `schema.name`, quoted. */
  readonly qualified: string;
  readonly label: string;
}

/** One that was made; older versions knew it by its name alone. */
export interface MadePartition extends NewPartition {
  /** Its oid, and that of the journal: where that is another one, this is another database. */
  readonly table?: string;
  readonly here?: string;
}

/** How the partition would be made, or why it cannot be. */
export function planColdPartition(host: Host, collection: Collection): NewPartition | NothingToDo {
  const facts = host.one<{
    owns: boolean;
    owner: string;
    role: string;
    may_create: boolean;
    taken: boolean;
    default_partition: string | null;
    references: string | null;
    qualified: string;
    label: string;
  }>(sql`
    SELECT pg_has_role(t.relowner, 'USAGE') AS owns, quote_ident(pg_get_userbyid(t.relowner))
      AS owner, quote_ident(current_user) AS role,
           has_schema_privilege(t.relowner, t.relnamespace, 'CREATE') AS may_create,
           to_regclass(format('%I.%I', n.nspname, c.name)) IS NOT NULL AS taken,
           (SELECT d.relname FROM pg_partitioned_table p JOIN pg_class d ON d.oid = p.partdefid
             WHERE p.partrelid = t.oid) AS default_partition,
           (SELECT min(f.conname) FROM pg_constraint f WHERE f.conrelid = t.oid
             AND f.contype = 'f') AS "references",
           format('%I.%I', n.nspname, c.name) AS qualified, c.name AS label
      FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
     CROSS JOIN LATERAL (
       -- Somebody may be making a table or a type of the name that can be foretold, and whoever
       -- makes the second one waits for the end of their transaction.
       SELECT EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
                WHERE a.privilege_type = 'CREATE' AND a.grantee <> 'pg_database_owner'::regrole
                  AND a.grantee NOT IN (SELECT ruvector.healing_trusted_roles()))
                OR (n.nspowner = 'pg_database_owner'::regrole AND (SELECT d.datdba
                  FROM pg_database d WHERE d.datname = current_database())
                  NOT IN (SELECT ruvector.healing_trusted_roles())) AS others) o
     CROSS JOIN LATERAL (SELECT '_cold' || CASE WHEN o.others
       THEN '_' || left(gen_random_uuid()::text, 8) ELSE '' END AS suffix) s
     -- A name has 63 bytes.
     CROSS JOIN LATERAL (SELECT left(t.relname, (SELECT max(k) FROM generate_series(1, 63) k
       WHERE octet_length(left(t.relname, k)) <= 63 - length(s.suffix))) || s.suffix AS name) c
        WHERE t.oid = ${collection.relid}::oid`);
  const byHand =
    `Make it: CREATE TABLE ... PARTITION OF ${collection.name} FOR VALUES IN ` +
    `(${sqlLiteral(collection.cold_partition ?? "")});`;
  const no = (why: string): NothingToDo => ({
    nothing: `the cold partition is not there, and it cannot be made: ${why}`,
    hint: byHand,
  });
  if (!facts.owns)
    return no(`role ${facts.role} is not a member of ${facts.owner}, who owns the table`);
  if (!facts.may_create)
    return no(`role ${facts.owner} may not create tables in the table's schema`);
  if (facts.taken) return no(`there is a table ${facts.qualified} already`);
  // Attaching scans the DEFAULT partition, and locks a referenced table, for as long as it takes.
  if (facts.default_partition !== null)
    return no(
      `DEFAULT partition ${facts.default_partition} would be scanned under ACCESS EXCLUSIVE`,
    );
  if (facts.references !== null)
    return no(`foreign key ${facts.references} would lock the table it points at`);
  return { qualified: facts.qualified, label: facts.label };
}

const sqlLiteral = (value: string): string => `'${value.replace(/'/g, "''")}'`;

/**
 * Makes the partition and attaches it, in the caller's subtransaction. The CHECK makes attaching a
 * matter of catalogues; its one lock on the table, SHARE UPDATE EXCLUSIVE, is taken at once or not
 * at all (55P03) and stops neither readers nor writers. Indexes of the table are made on it while
 * it is empty.
 */
export function makeColdPartition(
  host: Host,
  collection: Collection,
  { qualified, label }: NewPartition,
): MadePartition {
  const column = collection.partition_column!;
  const key = host.one<{ literal: string; owner: string; kind: string }>(sql`
    SELECT quote_literal(${collection.cold_partition}) AS literal,
      -- Rows of UNLOGGED partitions are not moved to one that is not, or back.
      (SELECT CASE WHEN bool_and(p.relpersistence = 'u') THEN 'UNLOGGED TABLE' ELSE 'TABLE' END
        FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
        WHERE i.inhparent = ${collection.relid}::oid) AS kind,
      quote_ident(pg_get_userbyid(relowner)) AS owner FROM pg_class
      WHERE oid = ${collection.relid}::oid`);
  const value = `CAST(${key.literal} AS ${column.type})`;
  const owner = host.asOwner(collection.relid, "changes");
  owner.execute(sql`LOCK TABLE ONLY ${raw(collection.name)} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT`);
  host.untrusted(collection.relid, true);
  owner.execute(sql`
    CREATE ${raw(key.kind)} ${raw(qualified)} (LIKE ${raw(collection.name)} INCLUDING DEFAULTS
                                    INCLUDING CONSTRAINTS INCLUDING GENERATED
                                    INCLUDING STORAGE INCLUDING COMPRESSION,
                                    CONSTRAINT ruvector_healing_cold
                                      CHECK (${raw(column.quoted)} IS NOT NULL
                                      AND ${raw(column.quoted)} = ${raw(value)}))`);
  owner.execute(sql`ALTER TABLE ${raw(qualified)} OWNER TO ${raw(key.owner)}`);
  owner.execute(
    sql`ALTER TABLE ${raw(collection.name)} ATTACH PARTITION ${raw(qualified)} FOR
      VALUES IN (${raw(key.literal)})`,
  );
  owner.execute(sql`ALTER TABLE ${raw(qualified)} DROP CONSTRAINT ruvector_healing_cold`);
  return {
    qualified,
    label,
    ...host.one<{ table: string; here: string }>(sql`
      SELECT to_regclass(${qualified})::oid::text AS "table",
             'ruvector.healing_steps'::regclass::oid::text AS here`),
  };
}

/** The partition that was made, as it is called now. */
export interface FoundPartition extends NewPartition {
  /** It is still one of the table. */
  readonly attached: boolean;
}

/**
 * The partition that was made, wherever it was put and whatever it is called; null: it is gone.
 * Looked for by its name where an older version made it, or a dump brought it here.
 */
export const findMade = (
  host: Host,
  { relid }: Collection,
  { qualified, table, here }: MadePartition,
): FoundPartition | null =>
  host.query<FoundPartition>(sql`
    SELECT format('%I.%I', n.nspname, c.relname) AS qualified, c.relname AS label,
           EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid
             AND i.inhparent = ${relid}::oid AND NOT i.inhdetachpending) AS attached
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = CASE WHEN ${here ?? null}::oid = 'ruvector.healing_steps'::regclass
       THEN ${table ?? null}::oid ELSE to_regclass(${qualified}) END`)[0] ?? null;

/**
 * The id of this transaction. Whoever does not see its changes has a snapshot with this or an older
 * one in progress.
 */
export const transactionId = (host: Host): string =>
  host.one<{ xid: string }>(sql`SELECT pg_current_xact_id()::text AS xid`).xid;

/**
 * Who may still read with a snapshot from before that transaction; null: nobody. Rows that went
 * back then are, for them, where they were: in the cold partition, and dropping it would take them
 * from their sight. Sessions of this database, standbys that say what they read
 * (hot_standby_feedback), slots that hold rows for them. A session whose snapshot may not be seen
 * counts as reading while it is in a transaction.
 */
export function olderReader(host: Host, xid: string): string | null {
  const [reader] = host.query<{ reader: string }>(sql`
    WITH mark AS (SELECT ${xid}::numeric AS xid,
      pg_snapshot_xmax(pg_current_snapshot())::text::numeric AS next),
    held AS (
      SELECT format('pid %s, in a transaction since %s', a.pid,
        coalesce(ruvector.healing_timestamp(a.xact_start), 'a time that is hidden')) AS reader,
        a.backend_xmin AS xmin,
             -- Of a session of a role that is not ours nothing is shown but that it is there; that
             -- it is in a transaction shows in pg_locks.
             a.backend_type IS NULL AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid
               AND l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock') AS hidden
        FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() AND (a.datname = current_database()
          OR a.backend_type = 'walsender')
       UNION ALL
      SELECT format('replication slot %I', r.slot_name), r.xmin, false FROM pg_replication_slots r
    )
    -- xmin has 32 bits: its distance from the next id tells which one it is.
    SELECT h.reader FROM held h CROSS JOIN mark m
     WHERE h.hidden
       OR mod(mod(m.next, 4294967296) - h.xmin::text::numeric + 4294967296,
       4294967296) >= m.next - m.xid
     LIMIT 1`);
  return reader?.reader ?? null;
}

/**
 * A standby that replays and does not say what is read on it (hot_standby_feedback is off, and no
 * slot holds rows for it); null: none. A transaction there with an older snapshot that comes to the
 * table after the DROP was replayed would miss the rows that went back, and nobody here can know of
 * it. What may not be seen counts.
 */
export function silentStandby(host: Host): string | null {
  const [standby] = host.query<{ standby: string }>(sql`
    SELECT CASE WHEN r.state IS NULL
      THEN format('pid %s (hidden: GRANT pg_read_all_stats TO %I;)', r.pid, current_user)
      ELSE format('%s (pid %s)', r.application_name, r.pid) END AS standby
      FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid
     WHERE (r.state IS NULL OR r.replay_lsn IS NOT NULL) AND r.backend_xmin IS NULL
       AND s.xmin IS NULL AND coalesce(s.slot_type, 'physical') = 'physical'
     LIMIT 1`);
  return standby === undefined ? null : printable(standby.standby, 200);
}

/**
 * Drops the partition that was made, where it holds no row. "kept": it holds rows. "busy": a lock
 * it needs was not free; dropping takes ACCESS EXCLUSIVE on the table for an instant.
 */
export function dropColdPartition(
  host: Host,
  collection: Collection,
  { qualified }: NewPartition,
): "dropped" | "kept" | "busy" | "refused" {
  try {
    const owner = host.asOwner(collection.relid, "changes");
    return host.atomic(() => {
      owner.execute(sql`LOCK TABLE ONLY ${raw(collection.name)} IN ACCESS EXCLUSIVE MODE NOWAIT`);
      owner.execute(sql`LOCK TABLE ${raw(qualified)} IN ACCESS EXCLUSIVE MODE NOWAIT`);
      const relid = sql`to_regclass(${qualified})::oid`;
      if (indexLocked(host, relid, { mode: "ACCESS EXCLUSIVE", partitions: true })) return "busy";
      if (
        owner.one<{ used: boolean }>(
          sql`SELECT EXISTS (SELECT FROM ONLY ${raw(qualified)}) AS used`,
        ).used
      )
        return "kept";
      owner.execute(sql`DROP TABLE ${raw(qualified)}`);
      return "dropped";
    });
  } catch (error) {
    if (error instanceof SqlError && error.sqlstate === "55P03") return "busy";
    // Empty or not: looking would run it.
    if (error instanceof SqlError && error.sqlstate === SQLSTATES.untrusted_code) return "kept";
    // A view that somebody made on it, an event trigger: no later try would get on.
    if (error instanceof SqlError && !isTransient(error)) return "refused";
    throw error;
  }
}
