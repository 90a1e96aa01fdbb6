/**
 * Carries a list of moves out, batch by batch, and takes them back: what all strategies that move
 * rows share.
 */
import { moveRowsBack } from "./move-back.ts";
import { type Identity, identityColumns } from "./identity.ts";
import { checkIdentity, checkTable } from "./permission.ts";
import { rowsLeft } from "./rows-left.ts";
import type {
  Action,
  Bound,
  Change,
  NewStep,
  Plan,
  Progress,
  Step,
  UndoResult,
} from "../../model/action.ts";
import { count } from "../../base/text.ts";
import { undoAskedFor } from "../../store/actions.ts";
import { firstPace, nextPace, type Pace, paceText, rowsOfBatch } from "./pace.ts";
import { hasHnsw } from "./estimate.ts";
import { insertStep } from "../../store/steps.ts";
import type { BatchContext, BatchResult } from "../strategy.ts";
import { moveRows, type RowFilter } from "./move-rows.ts";

export interface Move {
  readonly from: string;
  readonly to: string;
  /** Rows are taken from these key values, in order, and get the one key of the target. */
  readonly from_keys: readonly string[];
  readonly to_key: string;
  readonly rows: number;
  readonly filter: RowFilter;
}

export interface MovesPlan extends Plan {
  readonly moves: readonly Move[];
  /** What the prediction takes for granted, in words; verification decides. */
  readonly assumes: readonly string[];
}

/**
 * From where rows go, and how many where: where they come from must stay the same, what each target
 * takes about.
 */
export function movesBound({ moves }: MovesPlan): Bound {
  const sums = (end: "from" | "to"): Record<string, number> => {
    const rows: Record<string, number> = {};
    for (const move of moves) rows[move[end]] = (rows[move[end]] ?? 0) + move.rows;
    return rows;
  };
  return {
    facts: { from: moves.map(({ from }) => from) },
    amounts: { "rows from": sums("from"), "rows to": sums("to") },
  };
}

/**
 * Tables that rows leave are not judged: what was moved is dead there until a vacuum, and an undo
 * would only add to it.
 */
export const movesReach = ({
  moves,
}: MovesPlan): { readonly partitions: readonly string[]; readonly indexes: readonly string[] } => ({
  partitions: [...new Set(moves.map(({ to }) => to))],
  indexes: [],
});

/** Rows moved by one batch; its journal is their identities, which stay in the table. */
export interface MovedRows {
  readonly kind: "move_rows";
  readonly details: {
    readonly from: string;
    readonly to: string;
    readonly from_key: string;
    readonly to_key: string;
    /** The columns of the journal; older versions did not say. */
    readonly identity?: readonly string[];
    /** Oid of the table, and of the journal's own. */
    readonly table?: string;
    readonly here?: string;
    /** Their numbers in that table: another column may have a name since. */
    readonly columns?: readonly number[];
  };
  readonly journal: readonly Identity[];
}

export interface MovesProgress extends Progress {
  /**
   * Index of the move at work, rows moved in it, index of its key value, and the last identity
   * passed.
   */
  readonly move: number;
  readonly moved: number;
  readonly key: number;
  readonly after: Identity | null;
  /**
   * Which walk over the source this is: the second one picks up rows that were locked during the
   * first.
   */
  readonly pass: number;
  /** Tenants whose rows were moved, two at most: one alone is whose action it is. */
  readonly tenants: readonly (string | null)[];
  /** Oid of the table; missing before the first batch. */
  readonly table?: string;
  /** What comes before the moves was done. */
  readonly prepared: boolean;
  /** How fast it goes; missing before the first batch. */
  readonly pace?: Pace;
}

export const START: MovesProgress = {
  rows: 0,
  move: 0,
  moved: 0,
  key: 0,
  after: null,
  pass: 1,
  tenants: [],
  prepared: false,
};

/**
 * @param prepare what is changed before the first row moves, in the transaction of the first batch
 */
export function moveBatch<Prepared extends Change = never>(
  context: BatchContext<MovesPlan, MovesProgress>,
  prepare: () => readonly NewStep<Prepared>[],
): BatchResult<MovesProgress, MovedRows | Prepared> {
  const { host, collection, action } = context;
  const { progress } = action;
  const { moves } = action.plan;
  checkTable(collection, progress.table);
  // Kept before the rows' own step, which its undo comes before.
  const steps: NewStep<MovedRows | Prepared>[] = (progress.prepared ? [] : prepare()).map(
    (step) => {
      insertStep(host, action, step);
      return { ...step, kept: true };
    },
  );
  const move = moves[progress.move];
  if (!move) return { done: true, steps, progress: { ...progress, prepared: true, done: true } };
  const from_key = move.from_keys[progress.key]!;
  const pace = progress.pace ?? firstPace(hasHnsw(host, collection));
  const { batch_rows } = collection.settings;
  const wanted = Math.max(
    1,
    rowsLeft(action, rowsOfBatch(pace, batch_rows, move.rows - progress.moved)),
  );
  const route = { from_key, to_key: move.to_key };
  const identity = identityColumns(collection).map(({ name }) => name);
  const details = { ...route, from: move.from, to: move.to, identity };
  const bytes_each = action.plan.bytes / Math.max(1, action.plan.rows);
  const { rows, last, tenants, wal_bytes, ...felt } = moveRows(
    host,
    collection,
    action,
    { route, filter: move.filter, after: progress.after, limit: wanted },
    { details, bytes_each },
  );
  if (rows > 0)
    steps.push({
      kind: "move_rows",
      details,
      rows,
      journal: [],
      bytes: rows * bytes_each,
      wal_bytes,
      kept: true,
    });
  const next = advance(
    {
      ...progress,
      table: String(collection.relid),
      pace: nextPace(pace, { ...felt, rows }),
      tenants: [...new Set([...progress.tenants, ...tenants])].slice(0, 2),
    },
    move,
    { rows, last, wanted },
    moves.length,
  );
  return { done: next.done === true, steps, progress: next };
}

/** Rows moved, and how fast; for an action while it executes. */
export function movesProgress({
  plan,
  progress: { rows = 0, pace },
}: Action<MovesPlan, MovesProgress>): string {
  const text = pace ? paceText(pace) : null;
  return `${count(rows, "row")} of ${plan.rows} moved${text === null ? "" : ` ${text}`}`;
}

/** Takes a step of kind move_rows back, as far as rows are free. */
export function undoMove(
  { host, collection, action }: BatchContext<MovesPlan, MovesProgress>,
  step: Step<MovedRows>,
): UndoResult<Identity> {
  const { from_key, to_key } = step.details;
  const route = { from_key, to_key };
  checkIdentity(host, collection, step.details);
  const back = moveRowsBack(host, collection, route, step.id, undoAskedFor(host, action));
  return { ...back, remaining: [] };
}

export const describeMove = ({ from, to }: MovedRows["details"], rows: number): string =>
  `moved ${count(rows, "row")} from ${from} to ${to}`;

/**
 * Where the next batch begins: further on, at the next key value, on a second walk for rows that
 * were locked, or at the next move.
 */
function advance(
  progress: MovesProgress,
  move: Move,
  { rows, last, wanted }: { rows: number; last: Identity | null; wanted: number },
  moves: number,
): MovesProgress {
  const here: MovesProgress = {
    ...progress,
    prepared: true,
    rows: (progress.rows ?? 0) + rows,
    moved: progress.moved + rows,
    after: last ?? progress.after,
  };
  const complete = here.moved >= move.rows;
  if (!complete && rows === wanted) return here;
  if (!complete && progress.key + 1 < move.from_keys.length)
    return { ...here, key: progress.key + 1, after: null };
  if (!complete && progress.pass === 1) return { ...here, key: 0, after: null, pass: 2 };
  const next = progress.move + 1;
  return { ...here, move: next, moved: 0, key: 0, after: null, pass: 1, done: next >= moves };
}
