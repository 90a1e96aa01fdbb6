/**
 * The SQL of rebuild_centroids: what an index is made of, its building command, dropping and
 * swapping.
 */
import type { BuildOptions } from "./target.ts";
import { isOpen, type JobOwner, jobsOf } from "../../store/jobs.ts";
import sql, { raw } from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import { HealingError, SqlError } from "../../base/errors.ts";
import { CLEAR_UP, startJob, watchJob } from "../../jobs/jobs.ts";
import { family } from "../../collection/introspect.ts";
import type { Collection } from "../../model/collection.ts";
import { indexLocked } from "../locked.ts";

export interface IndexFacts {
  readonly oid: string;
  /** `schema.name`, quoted. */
  readonly index: string;
  /** quote_ident of the name alone. */
  readonly name: string;
  /** quote_ident of the schema. */
  readonly schema: string;
  readonly heap: string;
  readonly valid: boolean;
  readonly method: string;
  readonly lists: number;
  /** hnsw; the default where it is not set. */
  readonly m: number;
  readonly ef_construction: number;
  /** The index of a partitioned table: no CONCURRENTLY command takes it. */
  readonly partitioned: boolean;
  /** The index that it is a part of, and of how many parts; null: none. */
  readonly whole: {
    readonly oid: string;
    readonly index: string;
    readonly parts: readonly string[];
  } | null;
  /**
   * Whether it is the part of a partitioned table's index: such a one cannot be exchanged, only
   * built anew in place.
   */
  readonly attached: boolean;
  readonly owner: string;
  /** Whether the installing role may alter it. */
  readonly may: boolean;
  readonly role: string;
  readonly bytes: number;
  /** Bytes of one vector in memory; null where its dimensions are not fixed. */
  readonly vector_bytes: number | null;
  /**
   * The most ivfflat.probes that a role which may read the table has set, or the database; null:
   * nobody has.
   */
  readonly probes_set: number | null;
  /** maintenance_work_mem of this session, bytes. */
  readonly memory: number;
}

/** An index by oid; null: it is gone. */
export function indexFacts(host: Host, oid: string): IndexFacts | null {
  return (
    host.query<IndexFacts>(sql`
    SELECT c.oid::text AS oid, format('%I.%I', n.nspname, c.relname) AS index,
      quote_ident(c.relname) AS name, quote_ident(n.nspname) AS schema,
           format('%I.%I', hn.nspname, h.relname) AS heap, i.indisvalid
             AND i.indisready AS valid, m.amname AS method,
           coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions)
             WHERE option_name = 'lists'), 100) AS lists,
           coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions)
             WHERE option_name = 'm'), 16) AS m,
           coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions)
             WHERE option_name = 'ef_construction'), 64) AS ef_construction,
           c.relispartition AS attached, c.relkind = 'I' AS partitioned,
           (SELECT json_build_object('oid', p.oid::text, 'index', format('%I.%I', pn.nspname,
             p.relname),
                     'parts', (SELECT json_agg(s.inhrelid::text ORDER BY s.inhrelid)
                       FROM pg_inherits s WHERE s.inhparent = p.oid))
              FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent
                JOIN pg_namespace pn ON pn.oid = p.relnamespace
             WHERE h.inhrelid = c.oid) AS whole, quote_ident(pg_get_userbyid(h.relowner)) AS owner,
               pg_has_role(h.relowner, 'USAGE') AS may,
           quote_ident(current_user) AS role, pg_relation_size(c.oid)::float8 AS bytes,
           CASE WHEN a.atttypmod > 0 THEN CASE y.typname WHEN 'vector' THEN 8 + 4 * a.atttypmod
             WHEN 'halfvec' THEN 8 + 2 * a.atttypmod
                                               WHEN 'bit' THEN 8 + a.atttypmod / 8 END END
                                                 AS vector_bytes,
           (SELECT max(split_part(one, '=', 2)::int)
             FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) one
             WHERE d.setdatabase IN (0, (SELECT oid FROM pg_database
               WHERE datname = current_database()))
               AND split_part(one, '=', 1) = 'ivfflat.probes'
                 AND split_part(one, '=', 2) ~ '^[0-9]{1,5}$'
               AND (d.setrole = 0
                 OR has_table_privilege(d.setrole, h.oid, 'SELECT'))) AS probes_set,
           pg_size_bytes(current_setting('maintenance_work_mem'))::float8 AS memory
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_am m ON m.oid = c.relam
      JOIN pg_class h ON h.oid = i.indrelid
      JOIN pg_namespace hn ON hn.oid = h.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
      JOIN pg_type y ON y.oid = a.atttypid
     WHERE i.indexrelid = ${oid}::oid`)[0] ?? null
  );
}

/** The oid behind a quoted name; null: no such relation. */
export const oidOf = (host: Host, index: string): string | null =>
  host.one<{ oid: string | null }>(sql`SELECT to_regclass(${index})::oid::text AS oid`).oid;

/**
 * An index of ours, `schema.name`, where it is now: its table may have been put into another schema
 * since, the schema renamed, or its partition taken out of the table. The collection's own first,
 * others only of the same owner: anybody may call an index of theirs as ours. As it was, where it
 * is gone.
 */
export const nowCalled = (host: Host, { relid }: Collection, index: string): string =>
  host.query<{ index: string }>(sql`
    SELECT f.index FROM (
      SELECT format('%I.%I', n.nspname, c.relname) AS index, c.relname, c.relowner,
             i.indrelid IN (SELECT m.relid FROM ${family(sql`${relid}::oid`)} m) AS own
        FROM pg_class c
        JOIN pg_index i ON i.indexrelid = c.oid
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relname = ${index.slice(index.lastIndexOf(".") + 1)}) f
     WHERE f.own OR (starts_with(f.relname, 'ruvector_kept_') AND f.relowner = (
       SELECT k.relowner FROM pg_class k WHERE k.oid = ${relid}::oid))
     ORDER BY f.own DESC LIMIT 1`)[0]?.index ?? index;

/** What goes back in an undo. */
export interface ReplacedIndex {
  /** The old index, and its table. */
  readonly kept: string;
  readonly heap: string;
  /** What it is to be called again, with its schema and without. */
  readonly index: string;
  readonly name: string;
  /** The index of a partitioned table that it is a part of; null: none. */
  readonly whole: string | null;
}

/**
 * The index that an action replaced and keeps; null: it is gone. Where somebody renamed the new
 * one, the old one gets that name.
 * @param oid of the new one; undefined: not known
 */
export function replacedIndex(
  host: Host,
  collection: Collection,
  { kept: was, name, oid }: { readonly kept: string; readonly name: string; readonly oid?: string },
): ReplacedIndex | null {
  const kept = nowCalled(host, collection, was);
  const own = oidOf(host, kept);
  const facts = own === null ? null : indexFacts(host, own);
  if (!facts) return null;
  const { heap, schema } = facts;
  const whole = facts.whole?.index ?? null;
  const fresh = oid === undefined ? null : indexFacts(host, oid);
  return fresh?.heap === heap
    ? { kept, heap, whole, index: fresh.index, name: fresh.name }
    : { kept, heap, whole, index: `${schema}.${name}`, name };
}

export interface NewIndex {
  readonly name: string;
  readonly options: BuildOptions;
  /** On a partitioned table alone, with nothing in it: parts are attached to it. */
  readonly parent?: boolean;
}

/**
 * The statement that builds an index like another one under a new name: table, key, operator class,
 * options, tablespace and predicate as the catalogues have them, put together by the server.
 * (pg_get_indexdef would leave out the tablespace; without one default_tablespace would decide.)
 */
export function buildCommand(
  host: Host,
  oid: string,
  { name, options, parent = false }: NewIndex,
): string {
  const [create, on] = parent ? ["CREATE INDEX", "ON ONLY"] : ["CREATE INDEX CONCURRENTLY", "ON"];
  return host.one<{ command: string }>(sql`
    SELECT format('%s %s %s %I.%I USING %I (%s %I.%I)%s%s%s', ${create}::text,
      ${name}::text, ${on}::text, hn.nspname, h.relname, m.amname,
                  pg_get_indexdef(c.oid, 1, false), kn.nspname, k.opcname,
                  (SELECT format(' WITH (%s)', string_agg(format(CASE o.place WHEN 1 THEN '%I = %s'
                     ELSE '%I = %L' END, o.name, o.value), ', '
                     ORDER BY o.place, o.name)) FROM (
                     SELECT key AS name, value, 1 AS place
                       FROM jsonb_each_text(${JSON.stringify(options)}::jsonb)
                     UNION ALL SELECT option_name, option_value, 2
                       FROM pg_options_to_table(c.reloptions)
                      WHERE NOT jsonb_exists(${JSON.stringify(options)}::jsonb, option_name)) o
                    HAVING count(*) > 0),
                  (SELECT format(' TABLESPACE %I', spcname) FROM pg_tablespace
                    WHERE oid = CASE WHEN c.reltablespace = 0
                        AND current_setting('default_tablespace') <> ''
                      THEN (SELECT dattablespace FROM pg_database
                        WHERE datname = current_database()) ELSE c.reltablespace END),
                  ' WHERE ' || pg_get_expr(i.indpred, i.indrelid)) AS command
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_am m ON m.oid = c.relam
      JOIN pg_class h ON h.oid = i.indrelid
      JOIN pg_namespace hn ON hn.oid = h.relnamespace
      JOIN pg_opclass k ON k.oid = i.indclass[0]
      JOIN pg_namespace kn ON kn.oid = k.opcnamespace
     WHERE i.indexrelid = ${oid}::oid`).command;
}

/**
 * A lock on a table, or on its partitions too, that is had at once or not at all. false: somebody
 * else has one that conflicts, or one on an index of it.
 */
export function tryLock(
  host: Host,
  heap: string,
  mode: "ACCESS EXCLUSIVE" | "SHARE UPDATE EXCLUSIVE",
  partitions = false,
): boolean {
  try {
    host.execute(
      sql`LOCK TABLE ${raw(partitions ? "" : "ONLY ")}${raw(heap)} IN ${raw(mode)} MODE NOWAIT`,
    );
    return !indexLocked(host, sql`to_regclass(${heap})::oid`, { mode, partitions });
  } catch (error) {
    if (error instanceof SqlError && error.sqlstate === "55P03") return false;
    throw error;
  }
}

/** Seconds for DROP INDEX CONCURRENTLY, which waits for every transaction that uses the table. */
const DROP_SECONDS = 900;

/**
 * Drops an index of ours: at once where its table can be locked without waiting, else by DROP INDEX
 * CONCURRENTLY in a job, behind which nobody queues. Called again until it answers null.
 * @returns what it waits for; null: it is gone
 */
export function dropIndex(host: Host, action: JobOwner, index: string): string | null {
  // Also when the index is gone already: its job is taken out of pg_cron once it was seen to end.
  const open = jobsOf(host, action.id).find((job) => job.purpose === CLEAR_UP && isOpen(job));
  const job = open && watchJob(host, open.id);
  if (job && isOpen(job)) return `pg_cron is to drop ${index} (${job.message ?? job.state})`;
  const oid = oidOf(host, index);
  const facts = oid === null ? null : indexFacts(host, oid);
  if (!facts) return null;
  const dropped = host.atomic(() => {
    if (!tryLock(host, facts.heap, "ACCESS EXCLUSIVE", facts.partitioned)) return false;
    host.execute(sql`DROP INDEX ${raw(facts.index)}`);
    return true;
  });
  if (dropped) return null;
  if (facts.partitioned)
    return (
      `${facts.heap} or a partition of it is in use: ${index} is dropped as soon as all of ` +
      "them are free"
    );
  try {
    host.atomic(() =>
      startJob(host, action, {
        purpose: CLEAR_UP,
        command: `DROP INDEX CONCURRENTLY IF EXISTS ${facts.index}`,
        deadline_seconds: DROP_SECONDS,
      }),
    );
  } catch (error) {
    if (!(error instanceof HealingError)) throw error;
    return (
      `${facts.heap} is in use, ${index} is dropped as soon as it can be locked ` +
      `(${error.message})`
    );
  }
  return `${facts.heap} is in use: pg_cron is to drop ${index}`;
}

const AT_RANDOM = sql`SELECT left(gen_random_uuid()::text, 8) AS at_random`;

/**
 * A name that nobody can foretell: whoever is making something of the name that we give, in a
 * transaction left open, would be waited for.
 */
export const unforeseen = (host: Host, name: string): string =>
  `${name}_${host.one<{ at_random: string }>(AT_RANDOM).at_random}`;

/**
 * Gives `from` the name `to` (quote_ident). Blocks neither readers nor writers: SHARE UPDATE
 * EXCLUSIVE since PostgreSQL 12.
 */
export const rename = (host: Host, from: string, to: string): number =>
  host.execute(sql`ALTER INDEX ${raw(from)} RENAME TO ${raw(to)}`);
