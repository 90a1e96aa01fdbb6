/**
 * Routing weights: where ruvector_healing_route() sends new rows while rows are moved out of a
 * partition.
 */
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Step, NewStep, UndoResult } from "../../model/action.ts";
import type { Collection } from "../../model/collection.ts";

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

export const ROUTE_WEIGHTS = "route_weights";

/** Routing weights that were lowered; its journal is what they were. */
export interface LoweredRoutes {
  readonly kind: typeof ROUTE_WEIGHTS;
  readonly details: { readonly weights: readonly RouteWeight[] };
  readonly journal: PreviousWeights;
}

export function lowerRoutesStep(
  host: Host,
  collection: Collection,
  weights: readonly RouteWeight[],
): NewStep<LoweredRoutes> {
  return {
    kind: ROUTE_WEIGHTS,
    details: { weights },
    rows: 0,
    journal: lowerRoutes(host, collection, weights),
  };
}

export function undoRoutesStep(
  host: Host,
  collection: Collection,
  step: Step<LoweredRoutes>,
): UndoResult<never> {
  restoreRoutes(host, collection.id, step.journal);
  return { remaining: [], undone: 0, gone: 0, conflicts: 0 };
}
