import sql from "sql-template-tag";
import { recordEvent } from "../audit/events.ts";
import type { Host } from "../host/host.ts";
import { checkTogether, type Configuration, validateSettings } from "./configuration.ts";

/**
 * `ruvector_healing_configure`: merges the given settings into those of the installation (0) or of one collection;
 * null takes a setting back. Returns the effective settings.
 */
export function configure(host: Host, collectionId: number, input: unknown, strategies: readonly string[]): Configuration {
  const name = collectionId === 0 ? null : host.one<{ name: string }>(
    sql`SELECT format('%I.%I', schema_name, table_name) AS name FROM ruvector.collections WHERE collection_id = ${collectionId}::int`).name;
  const settings = validateSettings(input, strategies, name);
  host.execute(sql`
    INSERT INTO ruvector.healing_config AS c (collection_id, settings)
    VALUES (${collectionId}::int, jsonb_strip_nulls(${JSON.stringify(settings)}::jsonb))
    ON CONFLICT (collection_id) DO UPDATE
      SET settings = jsonb_strip_nulls(c.settings || ${JSON.stringify(settings)}::jsonb), updated_at = clock_timestamp(), updated_by = session_user`);
  // A change for all must not contradict a collection's own settings either.
  const effective = host.query<{ id: number; settings: Configuration }>(sql`
    SELECT id, ruvector.healing_settings(id) AS settings FROM (SELECT 0 AS id UNION SELECT collection_id FROM ruvector.collections) w ORDER BY id`);
  for (const one of effective) checkTogether(one.settings);
  recordEvent(host, {
    collection_id: collectionId === 0 ? null : collectionId, collection: name, kind: "configured",
    message: `Settings changed for ${name ?? "all collections"}: ${Object.keys(settings).join(", ")}.`, details: settings,
  });
  return effective.find(({ id }) => id === collectionId)!.settings;
}
