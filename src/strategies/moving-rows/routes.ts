/**
 * Routing weights: where ruvector_healing_route() sends new rows while rows are moved out of a
 * partition.
 */
import type { Host } from "../../host/host.ts";
import type { Step, NewStep, UndoResult } from "../../model/action.ts";
import type { Collection } from "../../model/collection.ts";
import {
  type RouteWeight,
  type PreviousWeights,
  lowerRoutes,
  restoreRoutes,
} from "../../store/routes.ts";

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
