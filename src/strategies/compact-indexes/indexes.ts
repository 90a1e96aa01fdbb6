/** What the catalogues say about the indexes to rebuild, and what others left beside them. */
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import { rebuildRates } from "../../store/built-indexes.ts";
import { oldestTransaction, wraparound } from "../../select/preflight-facts.ts";

export interface IndexFacts {
  readonly oid: string;
  /** `schema.name`, quoted. */
  readonly index: string;
  /** Unquoted, without the schema. */
  readonly name: string;
  readonly table: string;
  readonly table_oid: string;
  readonly valid: boolean;
  readonly exclusion: boolean;
  readonly bytes: number;
  /** Invalid indexes on its table that are there already, whoever left them: never ours to drop. */
  readonly known: readonly string[];
  readonly known_names: readonly string[];
}

/** Facts of indexes by oid; those that are gone are left out. */
export const readIndexes = (host: Host, oids: readonly string[]): IndexFacts[] =>
  host.query<IndexFacts>(sql`
  SELECT c.oid::text AS oid, format('%I.%I', n.nspname, c.relname) AS index, c.relname AS name,
    format('%I.%I', tn.nspname, t.relname) AS "table",
         t.oid::text AS table_oid, i.indisvalid AS valid, i.indisexclusion AS exclusion,
         (CASE WHEN k.locked THEN c.relpages * current_setting('block_size')::bigint
           ELSE pg_relation_size(c.oid) END)::float8 AS bytes, x.known, x.known_names
    FROM jsonb_array_elements_text(${JSON.stringify(oids)}::jsonb) WITH ORDINALITY w(oid, place)
    JOIN pg_class c ON c.oid = w.oid::oid AND c.relkind = 'i'
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_index i ON i.indexrelid = c.oid
    JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace tn ON tn.oid = t.relnamespace
   CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation'
     AND l.relation = c.oid AND l.mode = 'AccessExclusiveLock'
                                        AND l.database = (SELECT oid FROM pg_database
                                          WHERE datname = current_database())) AS locked) k
   CROSS JOIN LATERAL (SELECT coalesce(json_agg(v.indexrelid::oid::text), '[]') AS known,
     coalesce(json_agg(format('%I.%I', vn.nspname, vc.relname)), '[]') AS known_names
                         FROM pg_index v JOIN pg_class vc ON vc.oid = v.indexrelid
                           JOIN pg_namespace vn ON vn.oid = vc.relnamespace
                        WHERE v.indrelid = t.oid AND NOT v.indisvalid) x
   ORDER BY w.place`);

/**
 * The index that has the name now: REINDEX CONCURRENTLY ends by giving the new one the name of the
 * old. null: none has.
 */
export const oidOf = (host: Host, index: string): string | null =>
  host.one<{ oid: string | null }>(sql`SELECT to_regclass(${index})::oid::text AS oid`).oid;

/** What a step was started for: enough to know the index, and its leftovers, again. */
export interface Target {
  readonly index: string;
  readonly oid: string;
  readonly name: string;
  readonly table: string;
  readonly table_oid: string;
  readonly known: readonly string[];
}

export interface Leftover {
  readonly index: string;
  readonly oid: string;
  /** new: the build was cut short. old: the swap was done, the old index was not dropped yet. */
  readonly kind: "new" | "old";
  /** Somebody works on it now: REINDEX CONCURRENTLY locks its indexes for as long as it runs. */
  readonly locked: boolean;
}

/**
 * What an interrupted REINDEX CONCURRENTLY of ours left: invalid, named after the index (PostgreSQL
 * shortens a long name before it adds _ccnew or _ccold), and not there when it was started. A
 * person's invalid index of such a name was, and is not touched.
 */
export const readLeftovers = (host: Host, { name, table_oid, known }: Target): Leftover[] =>
  host.query<Leftover>(sql`
  SELECT format('%I.%I', n.nspname, c.relname) AS index, c.oid::text AS oid, substring(c.relname
    FROM '_cc(new|old)[0-9]*$') AS kind,
         EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.relation = c.oid
                    AND l.database = (SELECT oid FROM pg_database
                      WHERE datname = current_database())
                    AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
                      'ExclusiveLock', 'AccessExclusiveLock')) AS locked
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE i.indrelid = ${table_oid}::oid AND NOT i.indisvalid
     AND c.relname ~ '_cc(new|old)[0-9]*$'
       AND starts_with(${name}, regexp_replace(c.relname, '_cc(new|old)[0-9]*$', ''))
     AND NOT (${JSON.stringify(known)}::jsonb ? c.oid::text)
   ORDER BY c.oid`);

/**
 * What REINDEX CONCURRENTLY would wait for, longer than it is worth, in one line; null: nothing in
 * the way. The guard looks before, this in between.
 */
export function obstacle(
  host: Host,
  tables: readonly string[],
  limitSeconds: number,
): string | null {
  const held = oldestTransaction(host, tables);
  if (held && held.seconds > limitSeconds)
    return (
      `a transaction has been open for ${Math.round(held.seconds)} s: ${held.who}; REINDEX ` +
      "CONCURRENTLY waits for every older one"
    );
  const old = wraparound(host, tables);
  return old
    ? `${old.relation} is past autovacuum_freeze_max_age: it has to be vacuumed first`
    : null;
}

/**
 * Bytes a second that builds by this strategy reached here, by access method: the last 20 of each.
 */
export const measuredThroughput = (host: Host): Readonly<Record<string, number>> =>
  Object.fromEntries(rebuildRates(host).map(({ method, rate }) => [method, rate]));
