/** The rows of ruvector.healing_routes: which share of new rows each partition takes. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import { CLOSED_ROUTES } from "../model/lease.ts";
import { ACTIVE } from "./actions.ts";
import type { Collection } from "../model/collection.ts";

export interface RoutedPartition {
  readonly label: string;
  /** Texts of the partition key that it holds; null: NULL. */
  readonly values: readonly (string | null)[];
}

/**
 * Brings the routing table in step with the partitions there are; new partitions take their full
 * share.
 */
export function refreshRoutes(
  host: Host,
  collectionId: number,
  partitions: readonly RoutedPartition[],
): void {
  // One key a partition is enough to reach it; NULL and DEFAULT cannot be routed to.
  const routes = partitions.flatMap(({ label, values }) => {
    const key = values.find((value) => value !== null);
    return key === undefined || key === null ? [] : [{ key, label }];
  });
  host.execute(sql`
    WITH wanted AS (
      SELECT r ->> 'key' AS partition_key, r ->> 'label' AS partition
        FROM jsonb_array_elements(${JSON.stringify(routes)}::jsonb) r
    ), gone AS (
      DELETE FROM ruvector.healing_routes h
       WHERE h.collection_id = ${collectionId}::int
         AND NOT EXISTS (SELECT FROM wanted w WHERE w.partition_key = h.partition_key)
    )
    INSERT INTO ruvector.healing_routes AS h (collection_id, partition_key, partition)
    SELECT ${collectionId}::int, partition_key, partition FROM wanted
    ON CONFLICT (collection_id, partition_key) DO UPDATE SET partition = excluded.partition
      WHERE h.partition IS DISTINCT FROM excluded.partition`);
}

/**
 * A partition that was taken out of the routing returns to it once it holds no more than its share
 * and is not hot otherwise, unless an action that may still be undone is at work, or a lease keeps
 * it closed.
 * @param light labels of the partitions that hold no more than their share
 */
export function reopenRoutes(host: Host, collectionId: number, light: readonly string[]): void {
  host.execute(sql`
    UPDATE ruvector.healing_routes r SET weight = 1
     WHERE r.collection_id = ${collectionId}::int AND r.weight <> 1
       AND r.partition IN (SELECT jsonb_array_elements_text(${JSON.stringify(light)}::jsonb))
       AND NOT EXISTS (SELECT FROM ruvector.healing_actions a
                        WHERE a.collection_id = r.collection_id
                          AND a.state IN (${ACTIVE}))
       AND NOT EXISTS (SELECT FROM ruvector.healing_leases l
                        WHERE l.collection_id = r.collection_id AND l.ended_at IS NULL
                          AND l.kind = ${CLOSED_ROUTES}
                          AND l.target -> 'partition_keys' ? r.partition_key)`);
}

export interface RouteWeight {
  readonly label: string;
  /** 1: full share of new rows; 0: none. */
  readonly weight: number;
}

/** Keys whose weight was lowered, with the weight before. */
export type PreviousWeights = readonly (readonly [key: string, weight: number])[];

/** Lowers weights; one that is lower already stays. */
export function lowerRoutes(
  host: Host,
  collection: Collection,
  weights: readonly RouteWeight[],
): PreviousWeights {
  return host
    .query<{ key: string; previous: number }>(sql`
    WITH wanted AS (
      SELECT j ->> 'label' AS label, (j ->> 'weight')::float8 AS weight
        FROM jsonb_array_elements(${JSON.stringify(weights)}::jsonb) j
    ), before AS (
      SELECT r.partition_key, r.weight
        FROM ruvector.healing_routes r JOIN wanted w ON w.label = r.partition
       WHERE r.collection_id = ${collection.id}::int FOR UPDATE OF r
    )
    UPDATE ruvector.healing_routes r SET weight = least(r.weight, w.weight)
      FROM wanted w, before b
     WHERE r.collection_id = ${collection.id}::int AND r.partition = w.label
       AND b.partition_key = r.partition_key
    RETURNING r.partition_key AS key, b.weight AS previous`)
    .map(({ key, previous }) => [key, previous] as const);
}

export function restoreRoutes(host: Host, collectionId: number, previous: PreviousWeights): void {
  host.execute(sql`
    UPDATE ruvector.healing_routes r SET weight = (j.pair ->> 1)::float8
      FROM jsonb_array_elements(${JSON.stringify(previous)}::jsonb) j(pair)
     WHERE r.collection_id = ${collectionId}::int AND r.partition_key = j.pair ->> 0`);
}

/**
 * Opens the routes that are still closed; what somebody else set meanwhile stays.
 * @param previous PreviousWeights, as a lease kept them
 */
export function openClosedRoutes(host: Host, collectionId: number, previous: unknown): void {
  host.execute(sql`
    UPDATE ruvector.healing_routes r SET weight = (j.pair ->> 1)::float8
      FROM jsonb_array_elements(${JSON.stringify(previous ?? [])}::jsonb) j(pair)
     WHERE r.collection_id = ${collectionId}::int AND r.partition_key = j.pair ->> 0
       AND r.weight = 0`);
}

/** Writers get their keys from here by a DEFAULT: what to type so that they go on. */
export const routedWriters = (host: Host, id: number): string | null =>
  host.one<{ hint: string | null }>(sql`
    SELECT string_agg(format('ALTER TABLE %I.%I ALTER COLUMN %I DROP DEFAULT;', n.nspname,
             r.relname, a.attname), ' ') AS hint
      FROM ruvector.collections c
      JOIN pg_class r ON r.oid = c.relid
      JOIN pg_namespace n ON n.oid = r.relnamespace
      JOIN pg_attrdef d ON d.adrelid = r.oid
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.adnum
     WHERE c.collection_id = ${id}::int
       AND ruvector.healing_routed_name(r.oid, a.attname) IS NOT NULL`).hint;
