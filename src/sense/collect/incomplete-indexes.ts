/**
 * Vector indexes of partitioned tables that are INVALID as a whole, because partitions have no
 * valid part of them. Source: the catalogues.
 */
import sql from "sql-template-tag";
import { family } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { IncompleteIndex } from "../../model/recall.ts";

/** Partitions named, and statements told. */
const NAMED = 3;

/** A partition of the table that such an index is of. Names are quoted by the server. */
interface Part {
  /** The index as a whole, `schema.name`. */
  readonly index: string;
  readonly partition: string;
  readonly heap: string;
  /** It is partitioned itself: CONCURRENTLY does not take it. */
  readonly divided: boolean;
  /** The part of this partition; null: there is none. */
  readonly part: string | null;
  readonly valid: boolean;
  /** A valid index of the partition that says the same, and is attached to nothing. */
  readonly ready: string | null;
  /** What a new one could be called, and `schema.name` of it. */
  readonly name: string;
  readonly made: string;
  /** What it is made of: USING ... */
  readonly using: string;
}

/**
 * CREATE INDEX ON ONLY the table makes one, and whoever attaches the parts makes it whole. The
 * planner asks each partition for its own indexes and takes the parts that there are: so it is
 * told, and is no sickness. A part that is there and INVALID is one (invalid-indexes.ts). Not where
 * somebody builds on one of the partitions right now.
 */
export function incompleteIndexes(host: Host, collection: Collection): readonly IncompleteIndex[] {
  const parts = readParts(host, collection);
  return [...new Set(parts.map(({ index }) => index))].map((index) => {
    const own = parts.filter((part) => part.index === index);
    const lacking = own.filter(({ part }) => part === null);
    const wanting = own.filter(({ valid }) => !valid);
    // All have a valid part: one that was INVALID was rebuilt since. Attaching it anew looks again.
    const told = (wanting.length > 0 ? wanting : own.slice(0, 1)).slice(0, NAMED);
    return {
      index,
      partitions: own.length,
      lacking: lacking.length,
      named: lacking.slice(0, NAMED).map(({ partition }) => partition),
      statements: told.map(statementFor),
      more: Math.max(0, wanting.length - told.length),
    };
  });
}

function statementFor({ index, heap, divided, part, valid, ready, name, made, using }: Part) {
  const attach = (one: string): string => `ALTER INDEX ${index} ATTACH PARTITION ${one};`;
  if (part !== null)
    return `${valid || divided ? "" : `REINDEX INDEX CONCURRENTLY ${part}; `}${attach(part)}`;
  if (ready !== null) return attach(ready);
  const create = divided ? "CREATE INDEX" : "CREATE INDEX CONCURRENTLY";
  return `${create} ${name} ON ${heap} ${using}; ${attach(made)}`;
}

/** Of foreign partitions nothing is asked: they take no index, and none is missed there. */
const readParts = (host: Host, { relid }: Collection): Part[] =>
  host.query<Part>(sql`
    WITH whole AS MATERIALIZED (
      SELECT i.indexrelid, i.indrelid, i.indclass, i.indpred, c.relam, c.relname,
             format('%I.%I', n.nspname, c.relname) AS index,
             substr(pg_get_indexdef(c.oid), length(format('CREATE INDEX %I ON ONLY %I.%I ',
               c.relname, hn.nspname, h.relname)) + 1) AS using
        FROM ${family(sql`${relid}::oid`)} f
        JOIN pg_index i ON i.indrelid = f.relid AND NOT (i.indisvalid AND i.indisready)
        JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'I'
        JOIN pg_am m ON m.oid = c.relam AND m.amname IN ('ivfflat', 'hnsw')
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class h ON h.oid = i.indrelid JOIN pg_namespace hn ON hn.oid = h.relnamespace
       WHERE NOT EXISTS (SELECT FROM pg_locks k
         WHERE k.locktype = 'relation' AND k.granted
           AND k.relation IN (SELECT i.indrelid UNION ALL SELECT p.inhrelid FROM pg_inherits p
             WHERE p.inhparent = i.indrelid)
           AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND k.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
             'ExclusiveLock', 'AccessExclusiveLock')
           AND k.pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum
             UNION ALL SELECT pid FROM pg_stat_progress_analyze))
    )
    SELECT w.index, p.relname AS partition, format('%I.%I', pn.nspname, p.relname) AS heap,
           p.relkind = 'p' AS divided, a.part, coalesce(a.valid, false) AS valid,
           (SELECT format('%I.%I', pn.nspname, xc.relname)
              FROM pg_index x JOIN pg_class xc ON xc.oid = x.indexrelid
                AND NOT xc.relispartition AND xc.relam = w.relam
             WHERE a.part IS NULL AND x.indrelid = p.oid AND x.indisvalid
               AND x.indclass = w.indclass AND NOT starts_with(xc.relname, 'ruvector_')
               AND pg_get_indexdef(x.indexrelid, 1, false)
                 = pg_get_indexdef(w.indexrelid, 1, false)
               AND pg_get_expr(x.indpred, x.indrelid)
                 IS NOT DISTINCT FROM pg_get_expr(w.indpred, w.indrelid)
             ORDER BY x.indexrelid LIMIT 1) AS ready,
           quote_ident(fresh.name) AS name, format('%I.%I', pn.nspname, fresh.name) AS made, w.using
      FROM whole w
      JOIN pg_inherits h ON h.inhparent = w.indrelid AND NOT h.inhdetachpending
      JOIN pg_class p ON p.oid = h.inhrelid AND p.relkind <> 'f'
      JOIN pg_namespace pn ON pn.oid = p.relnamespace
      LEFT JOIN LATERAL (
        SELECT format('%I.%I', xn.nspname, xc.relname) AS part, x.indisvalid AS valid
          FROM pg_inherits o JOIN pg_index x ON x.indexrelid = o.inhrelid AND x.indrelid = p.oid
          JOIN pg_class xc ON xc.oid = x.indexrelid JOIN pg_namespace xn ON xn.oid = xc.relnamespace
         WHERE o.inhparent = w.indexrelid) a ON true
     CROSS JOIN LATERAL (SELECT left(p.relname, 30) || '_' || left(w.relname, 30) AS name) fresh
     ORDER BY w.index, p.relname COLLATE "C"`);
