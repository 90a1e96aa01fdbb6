import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";

/**
 * hnsw.ef_search or ivfflat.probes of a search by this index: the setting recall_probes, else what
 * a new session of the table's owner has.
 */
export const inEffect = (host: Host, { settings }: Collection, oid: string): number =>
  settings.recall_probes > 0
    ? settings.recall_probes
    : host.one<{ configured: number }>(sql`
        SELECT configured FROM ruvector.healing_vector_index(${oid}::oid)`).configured;
