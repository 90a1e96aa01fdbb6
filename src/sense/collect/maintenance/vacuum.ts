/**
 * Whether autovacuum falls behind on the collection's tables. Sources: pg_stat_all_tables,
 * pg_class, the autovacuum settings. The thresholds are PostgreSQL's own (documentation, "The
 * Autovacuum Daemon"), with the table's storage parameters.
 */
import sql from "sql-template-tag";
import { family } from "../../../collection/introspect.ts";
import type { Host } from "../../../host/host.ts";
import type { Collection } from "../../../model/collection.ts";

export interface TableBacklog {
  readonly relid: string;
  readonly table: string;
  /**
   * What is over its threshold: dead rows, inserted rows, or the age of its oldest transaction id.
   */
  readonly reason: "dead_rows" | "inserted_rows" | "transaction_age";
  readonly value: number;
  readonly threshold: number;
  /** autovacuum is switched off for it, or for the server. */
  readonly switched_off: boolean;
  /**
   * Since when it has been past its threshold, in autovacuum_naptimes; 0 while it is being
   * vacuumed.
   */
  readonly delay_naptimes: number;
}

interface Past extends Omit<TableBacklog, "delay_naptimes"> {
  readonly vacuumed_at: number | null;
}

/**
 * Where autovacuum is switched off somebody vacuums at a time of their own, most often at night: a
 * day, and two hours for it. No switch keeps old transaction ids from counting.
 */
const OWN_TIME_SECONDS = 26 * 3600;

/** Most tables named: a collection may have hundreds of partitions. */
const NAMED = 10;

/**
 * @param since table oid -> when it was first seen past its threshold
 * @param now, booted seconds since 1970: nobody vacuums while the server is down
 * @param vacuuming oids of the tables that are being vacuumed now
 */
export function readBacklog(
  host: Host,
  collection: Collection,
  since: Readonly<Record<string, number>>,
  {
    now,
    naptime,
    booted,
  }: { readonly now: number; readonly naptime: number; readonly booted: number },
  vacuuming: ReadonlySet<string>,
): { readonly tables: readonly TableBacklog[]; readonly memory: Readonly<Record<string, number>> } {
  const past = readPast(host, collection);
  const memory = Object.fromEntries(
    past.map((table) => [table.relid, pastSince(since[table.relid], table, { now, booted })]),
  );
  const tables = past.map(({ vacuumed_at: _, ...table }): TableBacklog => ({
    ...table,
    delay_naptimes: vacuuming.has(table.relid)
      ? 0
      : delayNaptimes(table, now - memory[table.relid]!, naptime),
  }));
  return {
    tables: tables.sort((a, b) => b.delay_naptimes - a.delay_naptimes).slice(0, NAMED),
    memory,
  };
}

/**
 * A vacuum that came meanwhile begins the clock anew: it may have found rows that nobody may remove
 * yet. Not from its own time on: where nobody looked for hours, the table came past its threshold
 * again at some time of these, and was called hours late.
 */
export const pastSince = (
  seen: number | undefined,
  { vacuumed_at }: Pick<Past, "vacuumed_at">,
  { now, booted }: { readonly now: number; readonly booted: number },
): number =>
  seen === undefined || (vacuumed_at ?? 0) > seen ? now : Math.min(now, Math.max(seen, booted));

/** @param seconds since it is past its threshold */
export const delayNaptimes = (
  { switched_off, reason }: Pick<TableBacklog, "switched_off" | "reason">,
  seconds: number,
  naptime: number,
): number =>
  Math.max(0, seconds - (switched_off && reason !== "transaction_age" ? OWN_TIME_SECONDS : 0)) /
  naptime;

function readPast(host: Host, collection: Collection): Past[] {
  return host.query<Past>(sql`
    WITH tables AS (
      SELECT c.oid, c.oid::regclass::text AS name, greatest(c.reltuples, 0)::float8 AS rows,
        c.relfrozenxid, c.relpages,
             pg_stat_get_dead_tuples(c.oid)::float8 AS dead,
               pg_stat_get_ins_since_vacuum(c.oid)::float8 AS inserted,
             greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid))
               AS vacuumed,
             coalesce((SELECT jsonb_object_agg(o.option_name, o.option_value)
               FROM pg_options_to_table(c.reloptions) o), '{}') AS options
        FROM ${family(sql`${collection.relid}::oid`)} f JOIN pg_class c ON c.oid = f.relid
          AND c.relkind = 'r'
    ), settings AS (
      SELECT t.*, option.*,
             NOT coalesce((t.options ->> 'autovacuum_enabled')::boolean, true)
               OR NOT current_setting('autovacuum')::boolean AS off
        FROM tables t
       CROSS JOIN LATERAL (
         SELECT coalesce((t.options ->> 'autovacuum_vacuum_threshold')::float8,
           current_setting('autovacuum_vacuum_threshold')::float8) AS base,
                coalesce((t.options ->> 'autovacuum_vacuum_scale_factor')::float8,
                  current_setting('autovacuum_vacuum_scale_factor')::float8) AS factor,
                -- PostgreSQL 18 and newer; -1: no limit.
                coalesce((t.options ->> 'autovacuum_vacuum_max_threshold')::float8,
                  current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1) AS most,
                coalesce((t.options ->> 'autovacuum_vacuum_insert_threshold')::float8,
                  current_setting('autovacuum_vacuum_insert_threshold')::float8) AS ins_base,
                coalesce((t.options ->> 'autovacuum_vacuum_insert_scale_factor')::float8,
                  current_setting('autovacuum_vacuum_insert_scale_factor')::float8) AS ins_factor,
                least(coalesce((t.options ->> 'autovacuum_freeze_max_age')::float8, 'infinity'),
                  current_setting('autovacuum_freeze_max_age')::float8) AS freeze
       ) option
    ), measures AS (
      SELECT s.oid, s.name, s.off, s.vacuumed, m.*
        FROM settings s
       CROSS JOIN LATERAL (VALUES
         ('transaction_age', age(s.relfrozenxid)::float8, s.freeze),
         ('dead_rows', s.dead, least(s.base + s.factor * s.rows, CASE WHEN s.most >= 0 THEN s.most
           ELSE 'infinity' END)),
         -- PostgreSQL 18 counts the unfrozen share of the table only: a lower threshold than this
         -- one, never a higher one.
         ('inserted_rows', CASE WHEN s.ins_base >= 0 THEN s.inserted
           ELSE 0 END, s.ins_base + s.ins_factor * s.rows)
       ) m(reason, value, threshold)
       WHERE m.value > m.threshold
    )
    SELECT DISTINCT ON (oid) oid::text AS relid, name AS table, reason, value, threshold,
      off AS switched_off,
           extract(epoch FROM vacuumed)::float8 AS vacuumed_at
      FROM measures ORDER BY oid, value / greatest(threshold, 1) DESC`);
}
