/** The parts of the contracted graph beside the partitions: IVF lists, replicas. Their health is not measured yet. */
import sql from "sql-template-tag";
import { family } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { CentroidGroup } from "../snapshot.ts";

/** IVF indexes of the collection's leaves with their number of lists (pgvector's default is 100). */
export function readCentroids(host: Host, collection: Collection): CentroidGroup[] {
  return host.query<CentroidGroup>(sql`
    SELECT format('%I.%I', n.nspname, ic.relname) AS index,
           coalesce((SELECT option_value::int FROM pg_options_to_table(ic.reloptions) WHERE option_name = 'lists'), 100) AS lists
      FROM ${family(sql`${collection.relid}::oid`)} f
      JOIN pg_index i ON i.indrelid = f.relid AND i.indisvalid
      JOIN pg_class ic ON ic.oid = i.indexrelid AND ic.relkind = 'i'
      JOIN pg_am am ON am.oid = ic.relam AND am.amname = 'ivfflat'
      JOIN pg_namespace n ON n.oid = ic.relnamespace
     ORDER BY 1`);
}

/** Connected streaming replicas. The views show their names to every role, their positions to pg_monitor. */
export function readReplicas(host: Host): { id: string; label: string }[] {
  return host.query<{ id: string; label: string }>(sql`
    SELECT 'replica:' || coalesce(nullif(application_name, ''), pid::text) AS id,
           coalesce(nullif(application_name, ''), 'replica ' || pid) AS label
      FROM pg_stat_replication
     WHERE state IS NULL OR state <> 'backup'
     GROUP BY 1, 2
     ORDER BY 1`);
}
