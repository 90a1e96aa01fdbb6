/**
 * evict_cold_data: moves the rows that were not used for longest to the cold partition of the same
 * table.
 */
import { PARAMS } from "./choose.ts";
import { mayMoveRows } from "../../collection/limitations.ts";
import type { NewStep } from "../../model/action.ts";
import {
  describeMove,
  moveBatch,
  movesBound,
  movesProgress,
  type MovedRows,
  type MovesProgress,
  movesReach,
  START,
  undoMove,
} from "../moving-rows/carry-out.ts";
import { trim } from "../moving-rows/estimate.ts";
import type { BatchContext, Strategy } from "../strategy.ts";
import { makeColdPartition, type NewPartition } from "./cold-partition.ts";
import { type EvictPlan, planned } from "./plan.ts";
import { MADE, type MadePartition, unmake } from "./unmake.ts";

export const evictColdData: Strategy<
  EvictPlan,
  MovesProgress,
  MovedRows | MadePartition,
  typeof PARAMS
> = {
  name: "evict_cold_data",
  handles: ["memory_pressure"],
  impact: 0.35,
  reversible: true,
  description:
    "Moves the rows not used for longest to the cold partition of the same table; every " +
    "query still sees them.",
  params: PARAMS,
  start: START,

  applicable(collection) {
    const movable = mayMoveRows("evict_cold_data", collection);
    if (movable !== true) return movable;
    if (collection.access_column && collection.cold_partition !== null) return true;
    return {
      reason: "it is not known which rows are cold, or where to put them",
      hint: "Register the table with access_column and cold_partition.",
    };
  },

  plan(request) {
    const { max_moves } = request.collection.settings;
    return trim(request, Math.min(max_moves, request.params.max_moves ?? max_moves), (most) =>
      planned(request, most),
    );
  },

  executeBatch(context) {
    const { make } = context.action.plan;
    return moveBatch(context, () => (make ? [madeStep(context, make)] : []));
  },

  boundTo: movesBound,
  describeProgress: movesProgress,
  reaches: movesReach,
  preflight: ["wraparound", "slots"],

  remeasures: ["partitions", "memory"],

  describeStep: (change, rows) =>
    change.kind === MADE
      ? `made the partition ${change.details.label}`
      : describeMove(change.details, rows),

  undoStep(context, step) {
    return step.kind === MADE ? unmake(context, step) : undoMove(context, step);
  },
};

function madeStep({ host, collection }: BatchContext, make: NewPartition): NewStep<MadePartition> {
  const details = makeColdPartition(host, collection, make);
  return { kind: MADE, details, rows: 0, journal: [[make.qualified]] };
}
