/** IVF indexes: their lists, how full each is, and what recall they give. */
import sql from "sql-template-tag";
import { family } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { Measured } from "../snapshot.ts";
import { pushHint } from "./gap.ts";

export interface CentroidGroup {
  /** The vector index, `schema.name` quoted. */
  readonly index: string;
  readonly lists: number;
}

/** IVF indexes of the collection's leaves with their number of lists (pgvector's default is 100). */
export function measureCentroids(host: Host, collection: Collection): Measured<readonly CentroidGroup[]> {
  const value = host.query<CentroidGroup>(sql`
    SELECT format('%I.%I', n.nspname, ic.relname) AS index,
           coalesce((SELECT option_value::int FROM pg_options_to_table(ic.reloptions) WHERE option_name = 'lists'), 100) AS lists
      FROM ${family(sql`${collection.relid}::oid`)} f
      JOIN pg_index i ON i.indrelid = f.relid AND i.indisvalid
      JOIN pg_class ic ON ic.oid = i.indexrelid AND ic.relkind = 'i'
      JOIN pg_am am ON am.oid = ic.relam AND am.amname = 'ivfflat'
      JOIN pg_namespace n ON n.oid = ic.relnamespace
     ORDER BY 1`);
  return {
    value,
    unmeasured: value.length > 0 ? [{ what: "centroid occupancy", why: "no collector measures it yet", hint: pushHint("centroid_occupancy") }] : [],
  };
}
