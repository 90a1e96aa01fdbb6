/** The rows of ruvector.healing_config: what was configured, for all (0) and by collection. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Configuration } from "../model/configuration.ts";

/** Puts settings over those that are there; null takes one back. */
export function mergeSettings(
  host: Host,
  collectionId: number,
  settings: Readonly<Record<string, unknown>>,
): void {
  host.execute(sql`
    INSERT INTO ruvector.healing_config AS c (collection_id, settings)
    VALUES (${collectionId}::int, jsonb_strip_nulls(${JSON.stringify(settings)}::jsonb))
    ON CONFLICT (collection_id) DO UPDATE
      SET settings = jsonb_strip_nulls(c.settings || ${JSON.stringify(settings)}::jsonb
        || coalesce((
            -- Objects are merged key by key: to name one strategy takes none of the others back.
            SELECT jsonb_object_agg(n.key, (c.settings -> n.key) || n.value)
              FROM jsonb_each(${JSON.stringify(settings)}::jsonb) n
             WHERE jsonb_typeof(n.value) = 'object'
               AND jsonb_typeof(c.settings -> n.key) = 'object'), '{}')),
          updated_at = clock_timestamp(), updated_by = session_user`);
}

/** Settings as they work for all collections (0), or for one. */
export interface Layer {
  readonly id: number;
  /** null: for all. */
  readonly name: string | null;
  readonly settings: Configuration;
}

/** Settings as they work: for all (0), and for each collection. */
export const effectiveSettings = (host: Host): readonly Layer[] =>
  host.query<Layer>(sql`
    SELECT id, name, ruvector.healing_settings(id) AS settings FROM (SELECT 0 AS id, NULL AS name
      UNION SELECT collection_id, format('%I.%I', schema_name, table_name)
      FROM ruvector.collections) w ORDER BY id`);

/** A setting that is the same for all collections. */
export const mostActive = (host: Host): number =>
  host.one<{ most: number }>(
    sql`SELECT (ruvector.healing_settings(0) ->> 'max_active_actions')::int AS most`,
  ).most;
