/** rebalance_partitions: moves rows from hot to cold partitions, and new rows with them. */
import sql from "sql-template-tag";
import * as z from "zod/mini";
import { family } from "../../../collection/introspect.ts";
import { mayMoveRows } from "../../../collection/limitations.ts";
import type { Host } from "../../../host/host.ts";
import type { Plan, Progress, Step } from "../../../model/action.ts";
import type { Collection } from "../../../model/collection.ts";
import { count } from "../../../model/text.ts";
import { assess, loadCurve, meanRows } from "../../../sense/assess.ts";
import type { Snapshot } from "../../../sense/snapshot.ts";
import type { BatchContext, BatchResult, NewStep, NothingToDo, PlanRequest, Strategy, UndoResult } from "../../strategy.ts";
import { type Move, planMoves } from "../../rows/moves.ts";
import { type Identity, moveRows, moveRowsBack } from "../../rows/rows.ts";

export interface RebalancePlan extends Plan {
  readonly moves: readonly Move[];
  readonly partitions: readonly { readonly label: string; readonly rows_before: number; readonly rows_after: number }[];
}

interface RebalanceProgress extends Progress {
  /** Index of the move at work, rows moved in it, index of its key value, and the last identity passed. */
  readonly move: number;
  readonly moved: number;
  readonly key: number;
  readonly after: Identity | null;
  /** Which walk over the source this is: the second one picks up rows that were locked during the first. */
  readonly pass: number;
  readonly routed: boolean;
}

const START: RebalanceProgress = { rows: 0, move: 0, moved: 0, key: 0, after: null, pass: 1, routed: false };

/**
 * Partitions are brought below the point where load begins to count, by this much: 5 % leave room for the rows that
 * writers add meanwhile, and every further row moved would be a row moved for nothing.
 */
const MARGIN = 0.95;

/** Seconds to move a row, for estimates: 0.03 ms measured with one ivfflat index; an hnsw insertion is some 4 ms. */
const ROW_SECONDS = { plain: 0.0002, hnsw: 0.004 };

export const rebalancePartitions: Strategy = {
  name: "rebalance_partitions",
  handles: ["hotspot_congestion"],
  impact: 0.3,
  reversible: true,
  description: "Moves rows from hot to cold partitions by updating the partition key, and routes new rows away from the hot ones.",
  params: { max_moves: z.optional(z.int().check(z.gte(1), z.lte(1_000_000_000))) },

  applicable: (collection) => mayMoveRows("rebalance_partitions", collection),

  plan({ host, collection, snapshot, params, tick_seconds }: PlanRequest): RebalancePlan | NothingToDo {
    const { settings } = collection;
    const maxMoves = Math.min(settings.max_moves, (params["max_moves"] as number | undefined) ?? settings.max_moves);
    const movable = snapshot.partitions.map(({ label, rows, values }) => ({ label, rows, values: values.filter((value) => value !== null) }));
    // A limit at or under the mean itself could never be met by all.
    const ceiling = Math.max(1.01, loadCurve(movable.length, settings).fine * MARGIN);
    const { moves, rows_after } = planMoves(movable, ceiling, maxMoves);
    if (moves.length === 0) return nothingToDo(snapshot, ceiling);
    const rows = moves.reduce((sum, move) => sum + move.rows, 0);
    const after: Snapshot = { ...snapshot, partitions: snapshot.partitions.map((partition, place) => ({ ...partition, rows: rows_after[place]! })) };
    const bytes = snapshot.partitions.reduce((sum, partition) => {
      const leaving = moves.filter(({ from }) => from === partition.label).reduce((total, move) => total + move.rows, 0);
      return sum + (leaving / Math.max(1, partition.rows)) * partition.bytes;
    }, 0);
    return {
      strategy: "rebalance_partitions",
      rows,
      bytes: Math.round(bytes),
      wal_bytes: movedRowsWal(rows, bytes),
      moves,
      partitions: snapshot.partitions.map(({ label, rows: before }, place) => ({ label, rows_before: before, rows_after: rows_after[place]! })),
      predicted_lambda: assess(after, settings).reading.lambda,
      estimated_duration_seconds: estimate(host, collection, rows, tick_seconds),
      locks: [
        `ROW EXCLUSIVE on ${collection.name} and the partitions named in moves`,
        `FOR UPDATE on at most ${settings.batch_rows} rows at a time; rows locked by others are skipped`,
      ],
    };
  },

  executeBatch(context: BatchContext): BatchResult {
    const { host, collection, action } = context;
    const plan = action.plan as RebalancePlan;
    const progress: RebalanceProgress = { ...START, ...action.progress };
    const steps: NewStep[] = [];
    if (!progress.routed) steps.push(closeRoutes(host, collection, plan));
    const move = plan.moves[progress.move];
    if (!move) return { done: true, steps, progress: { ...progress, routed: true, done: true } };
    const from_key = move.from_keys[progress.key]!;
    const wanted = Math.min(collection.settings.batch_rows, move.rows - progress.moved);
    const route = { from_key, to_key: move.to_key };
    const moved = moveRows(host, collection, route, {}, progress.after, wanted);
    if (moved.length > 0) steps.push({ kind: "move_rows", details: { ...route, from: move.from, to: move.to }, rows: moved.length, journal: moved });
    const next = advance(progress, move, moved, wanted, plan.moves.length);
    return { done: next.done === true, steps, progress: next };
  },

  remeasures: ["partitions"],

  describeStep: (kind, { from, to }, rows) =>
    kind === "route_weights" ? "sent new rows away from the hot partitions" : `moved ${count(rows, "row")} from ${String(from)} to ${String(to)}`,

  undoStep({ host, collection }: BatchContext, step: Step): UndoResult {
    if (step.kind === "route_weights") {
      host.execute(sql`
        UPDATE ruvector.healing_routes r SET weight = (j.pair ->> 1)::float8
          FROM jsonb_array_elements(${JSON.stringify(step.journal)}::jsonb) j(pair)
         WHERE r.collection_id = ${collection.id}::int AND r.partition_key = j.pair ->> 0`);
      return { remaining: [], undone: 0, gone: 0, conflicts: 0 };
    }
    const { from_key, to_key } = step.details as { from_key: string; to_key: string };
    return moveRowsBack(host, collection, { from_key, to_key }, step.journal as Identity[]);
  },
};

/**
 * WAL of a move: the row and its index entries are written anew (the bytes they take now), and each row's old version,
 * new version and commit share come with some 100 bytes of record headers. Full-page images after a checkpoint come on top.
 */
const movedRowsWal = (rows: number, bytes: number): number => Math.round(bytes + 100 * rows);

function nothingToDo({ partitions }: Snapshot, ceiling: number): NothingToDo {
  const mean = meanRows(partitions);
  const largest = partitions.reduce((best, one) => (one.rows > best.rows ? one : best), partitions[0] ?? { label: "", rows: 0 });
  return {
    nothing: `no partition holds more than its share: the largest, ${largest.label}, holds ${largest.rows} rows, the mean is ${Math.round(mean)}`,
    hint: `Partitions up to ${Number(ceiling.toFixed(3))} times the mean are left alone; the setting partition_load moves that limit.`,
  };
}

function estimate(host: Host, collection: Collection, rows: number, tickSeconds: number): number {
  const { hnsw } = host.one<{ hnsw: boolean }>(sql`
    SELECT EXISTS (SELECT FROM ${family(sql`${collection.relid}::oid`)} f
                     JOIN pg_index i ON i.indrelid = f.relid JOIN pg_class c ON c.oid = i.indexrelid
                     JOIN pg_am a ON a.oid = c.relam AND a.amname = 'hnsw') AS hnsw`);
  const work = rows * (hnsw ? ROW_SECONDS.hnsw : ROW_SECONDS.plain);
  const slices = Math.ceil(work / collection.settings.slice_seconds);
  return Math.ceil(work + (slices + 2) * tickSeconds + collection.settings.stabilize_seconds);
}

/** New rows are sent elsewhere first, in proportion to how overloaded the partition is; moving would be in vain otherwise. */
function closeRoutes(host: Host, collection: Collection, plan: RebalancePlan): NewStep {
  const mean = plan.partitions.reduce((sum, { rows_before }) => sum + rows_before, 0) / plan.partitions.length;
  const sources = plan.partitions.filter(({ label }) => plan.moves.some(({ from }) => from === label));
  const weights = sources.map(({ label, rows_before }) => ({ label, weight: Math.min(1, mean / rows_before) }));
  const journal = host.query<{ key: string; previous: number }>(sql`
    WITH wanted AS (
      SELECT j ->> 'label' AS label, (j ->> 'weight')::float8 AS weight FROM jsonb_array_elements(${JSON.stringify(weights)}::jsonb) j
    ), before AS (
      SELECT r.partition_key, r.weight FROM ruvector.healing_routes r JOIN wanted w ON w.label = r.partition
       WHERE r.collection_id = ${collection.id}::int FOR UPDATE OF r
    )
    UPDATE ruvector.healing_routes r SET weight = least(r.weight, w.weight)
      FROM wanted w, before b
     WHERE r.collection_id = ${collection.id}::int AND r.partition = w.label AND b.partition_key = r.partition_key
    RETURNING r.partition_key AS key, b.weight AS previous`);
  return { kind: "route_weights", details: { weights }, rows: 0, journal: journal.map(({ key, previous }) => [key, previous]) };
}

/** Where the next batch begins: further on, at the next key value, on a second walk for rows that were locked, or at the next move. */
function advance(progress: RebalanceProgress, move: Move, moved: readonly Identity[], wanted: number, moves: number): RebalanceProgress {
  const here: RebalanceProgress = {
    ...progress,
    routed: true,
    rows: (progress.rows ?? 0) + moved.length,
    moved: progress.moved + moved.length,
    after: moved[moved.length - 1] ?? progress.after,
  };
  const complete = here.moved >= move.rows;
  if (!complete && moved.length === wanted) return here;
  if (!complete && progress.key + 1 < move.from_keys.length) return { ...here, key: progress.key + 1, after: null };
  if (!complete && progress.pass === 1) return { ...here, key: 0, after: null, pass: 2 };
  const next = progress.move + 1;
  return { ...here, move: next, moved: 0, key: 0, after: null, pass: 1, done: next >= moves };
}
