/** What drain_hot_partition foresees: which rows go where. */
import type { LoadedPartition } from "../moving-rows/shift.ts";
import { foresee } from "../foresee.ts";
import * as z from "zod/mini";
import { lambdaText, list, short } from "../../base/text.ts";
import { assess, hottestFigure, loadRatios, workingPartitions } from "../../sense/assess.ts";
import type { PartitionMeasurement } from "../../sense/collect/partitions.ts";
import type { Move, MovesPlan } from "../moving-rows/carry-out.ts";
import {
  bytesOf,
  movedRowsWal,
  moveSeconds,
  rowLocks,
  stabilizeSeconds,
  moveLocks,
} from "../moving-rows/estimate.ts";
import { foreseen, loaded } from "../moving-rows/foresee.ts";
import { shares } from "../moving-rows/moves.ts";
import type { NothingToDo, PlanRequest } from "../strategy.ts";

export interface DrainPlan extends MovesPlan {
  readonly partition: string;
  readonly keep_rows: number;
  readonly lease_seconds: number;
  readonly partitions: readonly {
    readonly label: string;
    readonly rows_before: number;
    readonly rows_after: number;
  }[];
}

export const PARAMS = () => ({
  max_moves: z.optional(z.int().check(z.gte(1), z.lte(1_000_000_000))),
  keep_rows: z.optional(z.int().check(z.gte(0))),
  partition: z.optional(z.string()),
});

export function planned(
  { host, collection, snapshot, params, tick_seconds }: PlanRequest<typeof PARAMS>,
  most: number,
): DrainPlan | NothingToDo {
  const { settings } = collection;
  const working = workingPartitions(snapshot.partitions);
  const source = sourceOf(working, params.partition);
  if ("nothing" in source) return source;
  const keep = params.keep_rows ?? 0;
  const amount = Math.min(most, source.rows - keep);
  const moves = amount > 0 ? movesOut(source, working, amount) : [];
  const rows = moves.reduce((sum, move) => sum + move.rows, 0);
  if (rows === 0) {
    return {
      nothing:
        `${source.label} holds ${source.rows} rows and is to keep ${keep}, or there is no ` +
        "other partition to take them",
      hint: "Give a lower keep_rows, or add a partition with a key value of its own.",
    };
  }
  const after = foreseen(snapshot, drained(source, working, moves));
  const [now, then] = [assess(snapshot, settings).reading.lambda, foresee(after, settings)];
  if (now !== null && then.predicted_lambda !== null && then.predicted_lambda <= now) {
    return {
      nothing:
        `moving ${rows} rows out of ${source.label} would leave lambda at ` +
        `${lambdaText(then.predicted_lambda)}: the load would only go elsewhere`,
      hint: "Give keep_rows (its fair share), or add partitions.",
    };
  }
  const bytes = bytesOf(snapshot, (label) => (label === source.label ? rows : 0));
  const stabilize = stabilizeSeconds(snapshot, collection);
  const rowsAfter = new Map(after.partitions.map((one) => [one.label, one.rows]));
  return {
    strategy: "drain_hot_partition",
    partition: source.label,
    keep_rows: keep,
    lease_seconds: settings.drain_lease_seconds,
    rows,
    rows_moved: rows,
    bytes: Math.round(bytes),
    wal_bytes: movedRowsWal(host, collection, rows, bytes),
    moves,
    partitions: working.map(({ label, rows: before }) => ({
      label,
      rows_before: before,
      rows_after: rowsAfter.get(label)!,
    })),
    assumes: [
      "every row of a partition carries an equal part of its reads, updates and deletes",
      "inserts that do not ask ruvector_healing_route() for their partition go on as before",
    ],
    ...then,
    estimated_duration_seconds: moveSeconds(host, collection, rows, tick_seconds, stabilize),
    stabilize_seconds: stabilize,
    relation_locks: moveLocks(host, collection),
    locks: rowLocks(collection),
  };
}

/** The partition to drain: the one named, else the most loaded one that a key value leads to. */
function sourceOf(
  working: readonly PartitionMeasurement[],
  named: string | undefined,
): PartitionMeasurement | NothingToDo {
  const reachable = working.filter(({ values }) => values.some((value) => value !== null));
  if (named !== undefined) {
    return (
      reachable.find(({ label }) => label === named) ?? {
        nothing: `there is no partition "${named.slice(0, 200)}" whose rows could be moved out`,
        hint: `Its partitions with key values: ${list(
          reachable.map(({ label }) => label),
          10,
        )}.`,
      }
    );
  }
  const ratios = loadRatios(working);
  const loads = new Map(working.map(({ label }, place) => [label, hottestFigure(ratios[place]!)]));
  const [hottest] = [...reachable].sort(
    (a, b) => loads.get(b.label)!.ratio - loads.get(a.label)!.ratio,
  );
  if (!hottest)
    return {
      nothing: "no partition has a key value that leads to it",
      hint: "Rows of DEFAULT and NULL partitions cannot be moved.",
    };
  const { figure, ratio } = loads.get(hottest.label)!;
  const worst = Math.max(...[...loads.values()].map((load) => load.ratio));
  if (ratio < worst) {
    return {
      nothing:
        `the hot partition has no key value that leads to it; the next one, ${hottest.label}, ` +
        `has ${short(ratio)} times the mean ${figure}`,
      hint: 'Name another one: {"partition": "..."}.',
    };
  }
  return hottest;
}

/** Out to all others, the emptiest first, which end up level. */
function movesOut(
  source: PartitionMeasurement,
  working: readonly PartitionMeasurement[],
  amount: number,
): Move[] {
  const targets = working
    .map(loaded)
    .filter(({ label, values }) => label !== source.label && values.length > 0)
    .sort((a, b) => a.rows - b.rows);
  const room = shares(
    targets.map(({ rows }) => rows),
    amount,
    amount + Math.max(0, ...targets.map(({ rows }) => rows)),
  );
  const from_keys = loaded(source).values;
  return targets.flatMap((target, place) =>
    room[place]! > 0
      ? [
          {
            from: source.label,
            to: target.label,
            from_keys,
            to_key: target.values[0]!,
            rows: room[place]!,
            filter: {},
          },
        ]
      : [],
  );
}

/** What the partitions would carry: each row takes its part of everything but inserts along. */
function drained(
  source: PartitionMeasurement,
  working: readonly PartitionMeasurement[],
  moves: readonly Move[],
): Map<string, LoadedPartition> {
  const from = loaded(source);
  const moved = moves.reduce((sum, { rows }) => sum + rows, 0);
  const change = (one: LoadedPartition, rows: number): LoadedPartition => {
    const share = rows / Math.max(1, from.rows);
    const plus = (value: number | null, amount: number | null): number | null =>
      value === null || amount === null ? value : Math.max(0, value + share * amount);
    return {
      ...one,
      rows: one.rows + rows,
      bytes: plus(one.bytes, from.bytes),
      reads: plus(one.reads, from.reads),
      writes: plus(one.writes, from.writes === null ? null : from.writes * (1 - from.inserted)),
    };
  };
  return new Map(
    working
      .map(loaded)
      .map((one) => [
        one.label,
        change(
          one,
          one.label === source.label
            ? -moved
            : moves.filter(({ to }) => to === one.label).reduce((sum, { rows }) => sum + rows, 0),
        ),
      ]),
  );
}
