/** rebalance_partitions: moves rows from hot to cold partitions, and new rows with them. */
import type { LoadMove } from "../moving-rows/shift.ts";
import { foresee } from "../foresee.ts";
import sql, { raw } from "sql-template-tag";
import * as z from "zod/mini";
import { mayMoveRows } from "../../collection/limitations.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { LoadFigure } from "../../model/problem.ts";
import { short } from "../../base/text.ts";
import { hottestFigure, loadCurve, loadRatios, workingPartitions } from "../../sense/assess.ts";
import { type PartitionMeasurement, reachable } from "../../sense/collect/partitions.ts";
import type { Snapshot } from "../../sense/snapshot.ts";
import {
  describeMove,
  type Move,
  moveBatch,
  movesBound,
  movesProgress,
  type MovedRows,
  type MovesPlan,
  type MovesProgress,
  movesReach,
  START,
  undoMove,
} from "../moving-rows/carry-out.ts";
import {
  bytesOf,
  movedRowsWal,
  moveSeconds,
  rowLocks,
  stabilizeSeconds,
  moveLocks,
  trim,
} from "../moving-rows/estimate.ts";
import { foreseen, loaded } from "../moving-rows/foresee.ts";
import { planLoads, type TrafficModel } from "../moving-rows/loads.ts";
import {
  type LoweredRoutes,
  lowerRoutesStep,
  ROUTE_WEIGHTS,
  undoRoutesStep,
} from "../moving-rows/routes.ts";
import type { NothingToDo, PlanRequest, Strategy } from "../strategy.ts";
import { asText } from "../../collection/key-values.ts";

export interface RebalancePlan extends MovesPlan {
  readonly partitions: readonly {
    readonly label: string;
    readonly rows_before: number;
    readonly rows_after: number;
    /** The worst of its figures over their means. */
    readonly load_before: number;
    readonly load_after: number;
  }[];
}

/**
 * Partitions are brought below the point where load begins to count, by this much: 5 % leave room
 * for the rows that writers add meanwhile, and every further row moved would be a row moved for
 * nothing.
 */
const MARGIN = 0.95;

const PARAMS = () => ({ max_moves: z.optional(z.int().check(z.gte(1), z.lte(1_000_000_000))) });

export const rebalancePartitions: Strategy<
  RebalancePlan,
  MovesProgress,
  MovedRows | LoweredRoutes,
  typeof PARAMS
> = {
  name: "rebalance_partitions",
  handles: ["hotspot_congestion"],
  impact: 0.3,
  reversible: true,
  description:
    "Moves rows from hot to cold partitions by updating the partition key, and routes new " +
    "rows away from the hot ones.",
  params: PARAMS,
  start: START,

  applicable: (collection) => mayMoveRows("rebalance_partitions", collection),

  plan(request) {
    const { max_moves } = request.collection.settings;
    return trim(request, Math.min(max_moves, request.params.max_moves ?? max_moves), (most) =>
      planned(request, most),
    );
  },

  executeBatch(context) {
    const { host, collection, action } = context;
    const { partitions, moves } = action.plan;
    // New rows are sent elsewhere first, in proportion to how overloaded the partition is; moving
    // would be in vain otherwise.
    const sources = partitions.filter(({ label }) => moves.some(({ from }) => from === label));
    const weights = sources.map(({ label, load_before }) => ({
      label,
      weight: Math.min(1, 1 / load_before),
    }));
    return moveBatch(context, () => [lowerRoutesStep(host, collection, weights)]);
  },

  boundTo: movesBound,
  describeProgress: movesProgress,
  reaches: movesReach,
  undoneApart: [ROUTE_WEIGHTS],
  preflight: ["wraparound", "slots"],

  remeasures: ["partitions"],

  describeStep: (change, rows) =>
    change.kind === ROUTE_WEIGHTS
      ? "sent new rows away from the hot partitions"
      : describeMove(change.details, rows),

  undoStep(context, step) {
    return step.kind === ROUTE_WEIGHTS
      ? undoRoutesStep(context.host, context.collection, step)
      : undoMove(context, step);
  },
};

function planned(
  { host, collection, snapshot, tick_seconds }: PlanRequest,
  maxMoves: number,
): RebalancePlan | NothingToDo {
  const { settings } = collection;
  const working = workingPartitions(snapshot.partitions);
  // A limit at or under the mean itself could never be met by all.
  const ceiling = Math.max(1.01, loadCurve(working.length, settings).fine * MARGIN);
  const model: TrafficModel = collection.access_column ? "recency" : "uniform";
  const loads = planLoads(working.map(loaded), ceiling, maxMoves, model);
  if (loads.moves.length === 0) return nothingToDo(snapshot, ceiling);
  if (loads.moves.some(({ latest }) => latest !== undefined) && !reachable(host, collection))
    return LOCKED;
  const moves = withThresholds(host, collection, snapshot, loads.moves);
  const rows = moves.reduce((sum, move) => sum + move.rows, 0);
  const after = foreseen(snapshot, new Map(loads.after.map((one) => [one.label, one])));
  const bytes = bytesOf(snapshot, (label) =>
    moves.filter(({ from }) => from === label).reduce((sum, move) => sum + move.rows, 0),
  );
  const [before, then] = [loadRatios(working), loadRatios(workingPartitions(after.partitions))];
  const stabilize = stabilizeSeconds(snapshot, collection);
  return {
    strategy: "rebalance_partitions",
    rows,
    rows_moved: rows,
    bytes: Math.round(bytes),
    wal_bytes: movedRowsWal(host, collection, rows, bytes),
    moves,
    partitions: working.map(({ label, rows: now }, place) => ({
      label,
      rows_before: now,
      rows_after: loads.after[place]!.rows,
      load_before: hottestFigure(before[place]!).ratio,
      load_after: hottestFigure(then[place]!).ratio,
    })),
    assumes: loads.figures.some((figure) => figure === "reads" || figure === "writes")
      ? ASSUMES[model]
      : [],
    ...foresee(after, settings),
    estimated_duration_seconds: moveSeconds(host, collection, rows, tick_seconds, stabilize),
    stabilize_seconds: stabilize,
    relation_locks: moveLocks(host, collection),
    locks: rowLocks(collection),
  };
}

const LOCKED: NothingToDo = {
  nothing:
    "a partition is locked ACCESS EXCLUSIVE by another session, so its latest rows cannot be " +
    "looked for",
  hint: "SELECT * FROM pg_locks WHERE mode = 'AccessExclusiveLock';",
};

const INSERTS = "inserts go where the application sends them: moving rows does not move them";
const ASSUMES: Readonly<Record<TrafficModel, readonly string[]>> = {
  uniform: [
    "every row of a partition carries an equal part of its reads, updates and deletes, so " +
      "that a share of the rows picked by hash carries that share of them",
    INSERTS,
  ],
  recency: [
    "the row used r-th most lately (access_column) carries 1/r of what the latest one carries",
    INSERTS,
  ],
};

/** Turns "the latest so many rows" into a value of the access column. */
function withThresholds(
  host: Host,
  collection: Collection,
  { partitions }: Snapshot,
  moves: readonly LoadMove[],
): Move[] {
  const found = new Map<string, string | null>();
  return moves.map(({ latest, filter, ...move }): Move => {
    const access = collection.access_column;
    if (latest === undefined || !access) return { ...move, filter };
    const key = `${move.from} ${latest}`;
    if (!found.has(key)) {
      const leaf = partitions.find(({ label }) => label === move.from)!;
      found.set(
        key,
        host.asOwner(collection.relid, "keys").query<{ value: string | null }>(sql`
        SELECT ${raw(asText(access.type, `x.${access.quoted}`))} AS value
          FROM ${raw(leaf.qualified)} x
         ORDER BY x.${raw(access.quoted)} DESC NULLS LAST OFFSET ${latest - 1}::int LIMIT 1`)[0]
          ?.value ?? null,
      );
    }
    const newest = found.get(key) ?? null;
    // So few rows were ever used that the latest of the count were not: all of them may go.
    return { ...move, filter: newest === null ? filter : { ...filter, newer_than: newest } };
  });
}

/** Why a load stays where it is, wherever rows would go. */
function whyStays({ values, traffic }: PartitionMeasurement, figure: LoadFigure): string {
  if (values.every((value) => value === null))
    return "no key value leads to it, so its rows cannot be told from others by it";
  if (figure === "writes" && (traffic?.inserted ?? 0) > 0.5)
    return "most of them are inserts, which do not follow rows that are moved";
  return "no other partition has room for what it carries";
}

function nothingToDo({ partitions }: Snapshot, ceiling: number): NothingToDo {
  const working = workingPartitions(partitions);
  const ratios = loadRatios(working);
  const worst = working
    .map((partition, place) => ({ partition, ...hottestFigure(ratios[place]!) }))
    .sort((a, b) => b.ratio - a.ratio)[0];
  if (worst && worst.ratio > ceiling) {
    const { partition, figure, ratio } = worst;
    return {
      nothing:
        `${partition.label} takes ${short(ratio)} times the mean ${figure}, and moving its ` +
        `rows would not change that: ${whyStays(partition, figure)}`,
      hint:
        "Let the application take the partition key from ruvector_healing_route(), or add " +
        "partitions.",
    };
  }
  return {
    nothing:
      "no partition carries more than its share: the most loaded one, " +
      `${worst?.partition.label ?? "none"}, has ${short(worst?.ratio ?? 0)} times the mean ` +
      `${worst?.figure ?? "rows"}`,
    hint:
      `Partitions up to ${Number(ceiling.toFixed(3))} times the mean are left alone; the ` +
      "setting partition_load moves that limit.",
  };
}
