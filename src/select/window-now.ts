import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import type { WindowNow } from "./guards/index.ts";

/**
 * Whether a maintenance window of the collection is open now; null: none are set, the loop may act
 * at any time.
 */
export function windowNow(
  host: Host,
  { settings }: Pick<Collection, "settings">,
): WindowNow | null {
  if (settings.maintenance_windows.length === 0) return null;
  return host.one<WindowNow>(sql`
    SELECT coalesce(w.is_open, false) AS open, extract(epoch
      FROM w.closes_at)::float8 AS closes_at, extract(epoch
      FROM w.opens_at)::float8 AS opens_at, w.problem
      FROM ruvector.healing_window(${JSON.stringify(settings.maintenance_windows)}::jsonb,
        clock_timestamp()) w`);
}
