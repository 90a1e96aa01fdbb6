/** drain_hot_partition: closes a partition to routed inserts for a while and moves its rows out. */
import { openClosedRoutes, lowerRoutes, type PreviousWeights } from "../../store/routes.ts";
import { CLOSED_ROUTES, type Lease } from "../../model/lease.ts";
import { mayMoveRows } from "../../collection/limitations.ts";
import type { Host } from "../../host/host.ts";
import type { NewStep } from "../../model/action.ts";
import { closeLease, grantLease, openLeases } from "../../store/leases.ts";
import {
  describeMove,
  movesBound,
  movesProgress,
  moveBatch,
  type MovedRows,
  type MovesProgress,
  START,
  undoMove,
} from "../moving-rows/carry-out.ts";
import { trim } from "../moving-rows/estimate.ts";
import type { BatchContext, Strategy } from "../strategy.ts";
import { type DrainPlan, PARAMS, planned } from "./plan.ts";

/** Routes closed by a lease; its journal is the weights before. */
interface ClosedRoutes {
  readonly kind: typeof CLOSED_ROUTES;
  readonly details: { readonly partition: string; readonly lease: string };
  readonly journal: PreviousWeights;
}

export const drainHotPartition: Strategy<
  DrainPlan,
  MovesProgress,
  MovedRows | ClosedRoutes,
  typeof PARAMS
> = {
  name: "drain_hot_partition",
  handles: ["hotspot_congestion"],
  impact: 0.6,
  reversible: true,
  description:
    "Closes a hot partition to routed inserts for a while (a lease) and moves its rows to " +
    "the others.",
  params: PARAMS,
  start: START,

  applicable: (collection) => mayMoveRows("drain_hot_partition", collection),

  plan(request) {
    const { max_moves } = request.collection.settings;
    return trim(request, Math.min(max_moves, request.params.max_moves ?? max_moves), (most) =>
      planned(request, most),
    );
  },

  executeBatch(context) {
    return moveBatch(context, () => [closeRoutes(context)]);
  },

  boundTo: movesBound,
  describeProgress: movesProgress,
  undoneApart: [CLOSED_ROUTES],
  preflight: ["wraparound", "slots"],

  remeasures: ["partitions"],

  describeStep: (change, rows) =>
    change.kind === CLOSED_ROUTES
      ? `closed ${change.details.partition} to routed inserts`
      : describeMove(change.details, rows),

  undoStep(context, step) {
    if (step.kind !== CLOSED_ROUTES) return undoMove(context, step);
    const shut = openLeases(context.host, context.action.id).filter(
      (lease) => !closeLease(context.host, lease, openRoutes, "its action was undone"),
    );
    return { remaining: shut.length > 0 ? step.journal : [], undone: 0, gone: 0, conflicts: 0 };
  },

  endLease: openRoutes,
};

/** Weight 0 for as long as the lease lasts; the lease and the weights are one transaction. */
function closeRoutes({
  host,
  collection,
  action,
}: BatchContext<DrainPlan, MovesProgress>): NewStep<ClosedRoutes> {
  const { partition, lease_seconds } = action.plan;
  const weights: PreviousWeights = lowerRoutes(host, collection, [{ label: partition, weight: 0 }]);
  const lease = grantLease(host, action, {
    kind: CLOSED_ROUTES,
    target: { partition, partition_keys: weights.map(([key]) => key) },
    previous: { weights },
    seconds: lease_seconds,
  });
  return { kind: CLOSED_ROUTES, details: { partition, lease }, rows: 0, journal: weights };
}

function openRoutes(host: Host, { collection_id, previous }: Lease): void {
  openClosedRoutes(host, collection_id, previous["weights"]);
}
