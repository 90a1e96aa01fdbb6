/** Vector indexes that a build which was interrupted left behind. Source: the catalogues. */
import sql from "sql-template-tag";
import { family } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { withoutSetAside } from "../../store/built-indexes.ts";
import type { InvalidIndex } from "../vector-index.ts";

/**
 * Those of an action of ours are left out, and those of a table on which somebody builds or drops
 * an index right now (DROP INDEX CONCURRENTLY waits with an index that is invalid already). All of
 * these hold SHARE UPDATE EXCLUSIVE on the table; so do VACUUM and ANALYZE, which are told apart by
 * their process: the progress views name that to all, the table to few.
 */
export function invalidIndexes(host: Host, collection: Collection): readonly InvalidIndex[] {
  const found = host.query<InvalidIndex>(sql`
      SELECT format('%I.%I', n.nspname, c.relname) AS index, c.oid::text AS oid,
        greatest(h.reltuples, 0)::float8 AS rows, c.relpages
          * current_setting('block_size')::float8 AS bytes,
        (SELECT format('%I.%I', tn.nspname, tc.relname)
           FROM pg_index t JOIN pg_class tc ON tc.oid = t.indexrelid
           JOIN pg_namespace tn ON tn.oid = tc.relnamespace
          WHERE t.indrelid = i.indrelid AND t.indisvalid AND t.indexrelid <> i.indexrelid
            AND tc.relam = c.relam AND t.indkey::text = i.indkey::text AND t.indclass = i.indclass
            AND pg_get_expr(t.indexprs, t.indrelid)
              IS NOT DISTINCT FROM pg_get_expr(i.indexprs, i.indrelid)
            AND pg_get_expr(t.indpred, t.indrelid)
              IS NOT DISTINCT FROM pg_get_expr(i.indpred, i.indrelid)
          ORDER BY t.indexrelid LIMIT 1) AS twin
        FROM ${family(sql`${collection.relid}::oid`)} f
        JOIN pg_index i ON i.indrelid = f.relid AND NOT (i.indisvalid AND i.indisready)
        JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
        JOIN pg_class h ON h.oid = i.indrelid
        JOIN pg_am m ON m.oid = c.relam AND m.amname IN ('ivfflat', 'hnsw')
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE NOT EXISTS (SELECT FROM pg_locks k
         WHERE k.locktype = 'relation' AND k.relation = i.indrelid AND k.granted
           AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND k.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
             'ExclusiveLock', 'AccessExclusiveLock')
           AND k.pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum
             UNION ALL SELECT pid FROM pg_stat_progress_analyze))
       ORDER BY index`);
  return withoutSetAside(host, collection.id, found);
}

/**
 * Whether an index of the table or of a partition is not valid yet, or any more. What they are is
 * asked only then: on a busy machine, where a look took 275 ms, to plan this and what
 * incomplete-indexes.ts asks took 18, of which this question saves all but one or two.
 */
export const unfinishedIndexes = (host: Host, { relid }: Collection): boolean =>
  host.one<{ some: boolean }>(sql`
    SELECT EXISTS (SELECT FROM ${family(sql`${relid}::oid`)} f
      JOIN pg_index i ON i.indrelid = f.relid
     WHERE NOT (i.indisvalid AND i.indisready)) AS some`).some;
