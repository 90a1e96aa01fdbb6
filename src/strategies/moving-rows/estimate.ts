/** What moving rows costs: time, write-ahead log, and the wait before its effect can be judged. */
import sql from "sql-template-tag";
import { family } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import { walPerRow } from "../../store/moved-rows.ts";
import type { Collection } from "../../model/collection.ts";
import { settleSeconds } from "../../sense/activity/follow.ts";
import type { Plan } from "../../model/action.ts";
import { assess, loadCurve, loadRatios, workingPartitions } from "../../sense/assess.ts";
import type { Snapshot } from "../../sense/snapshot.ts";
import { improved } from "../../graph/improvement.ts";
import { isPlan, type NothingToDo, type PlanRequest } from "../strategy.ts";

/**
 * Seconds to move a row, for estimates: 0.03 ms measured with one ivfflat index; an hnsw insertion
 * is some 4 ms.
 */
const ROW_SECONDS = { plain: 0.0002, hnsw: 0.004 };
/** A batch of one row takes 20 to 30 ms: whoever makes batches small gets time for more of them. */
const BATCH_SECONDS = 0.03;
/** Beside others batches are smaller than batch_rows allows: there is time for that, and rests. */
const BATCH_ROWS = 500;

/** Fewer measured batches say little: the first ones after a checkpoint write whole pages. */
const MEASURED_BATCHES = 5;

/**
 * Log of a move, by what a row took in the last 100 batches on this collection (their median: some
 * met a checkpoint, some other writers). Before there are enough, by what is written anew: the row
 * and its index entries (the bytes they take now), and some 100 bytes of record headers for its old
 * version, its new one and each batch's commit.
 */
export function movedRowsWal(
  host: Host,
  collection: Collection,
  rows: number,
  bytes: number,
): number {
  const { batches, each } = walPerRow(host, collection.id);
  return Math.round(
    batches >= MEASURED_BATCHES && each !== null ? rows * each : bytes + 100 * rows,
  );
}

/** Bytes that so many rows of each partition take now, with their index entries. */
export const bytesOf = ({ partitions }: Snapshot, leaving: (label: string) => number): number =>
  partitions.reduce(
    (sum, partition) =>
      sum + (leaving(partition.label) / Math.max(1, partition.rows)) * partition.bytes,
    0,
  );

/** An insertion there takes a hundred times as long. */
export const hasHnsw = (host: Host, collection: Collection): boolean =>
  host.one<{ hnsw: boolean }>(sql`
    SELECT EXISTS (SELECT FROM ${family(sql`${collection.relid}::oid`)} f
                     JOIN pg_index i ON i.indrelid = f.relid JOIN pg_class c ON c.oid = i.indexrelid
                     JOIN pg_am a ON a.oid = c.relam AND a.amname = 'hnsw') AS hnsw`).hnsw;

/** Seconds from the first batch to the verification. */
export function moveSeconds(
  host: Host,
  collection: Collection,
  rows: number,
  tickSeconds: number,
  stabilizeSeconds: number,
): number {
  const { batch_rows, slice_seconds } = collection.settings;
  const work =
    rows * (hasHnsw(host, collection) ? ROW_SECONDS.hnsw : ROW_SECONDS.plain) +
    Math.ceil(rows / Math.min(batch_rows, BATCH_ROWS)) * BATCH_SECONDS;
  const slices = Math.ceil(work / slice_seconds);
  return Math.ceil(work + (slices + 2) * tickSeconds + stabilizeSeconds);
}

/**
 * How long to wait before the moves are judged. Where traffic is part of the trouble its load is
 * held until it was measured anew for a while (src/sense/activity/follow.ts); a verification before
 * that would see the old one.
 */
export const stabilizeSeconds = (snapshot: Snapshot, { settings }: Collection): number =>
  hotByTraffic(snapshot, settings)
    ? Math.max(settings.stabilize_seconds, settleSeconds(settings))
    : settings.stabilize_seconds;

const hotByTraffic = ({ partitions }: Snapshot, settings: Collection["settings"]): boolean => {
  const { fine } = loadCurve(workingPartitions(partitions).length, settings);
  return loadRatios(partitions).some(
    ({ reads, writes }) => Math.max(reads ?? 0, writes ?? 0) > fine,
  );
};

/**
 * Whether what was sensed is the traffic of before the moves: a pause of the loop has the measuring
 * of it begin anew, and a good move was undone for the load that it had taken away.
 */
export const sensesOldTraffic = (snapshot: Snapshot, { settings }: Collection): boolean =>
  snapshot.loads_held && hotByTraffic(snapshot, settings);

/**
 * Relations locked by a batch: LOCK TABLE takes all partitions, the UPDATE the indexes of two of
 * them and of the parent.
 */
export const moveLocks = (host: Host, collection: Collection): number =>
  host.one<{ locks: number }>(sql`
    SELECT (count(DISTINCT f.relid) + coalesce(max(i.indexes)
      FILTER (WHERE f.relid = ${collection.relid}::oid), 0)
            + 2 * coalesce(max(i.indexes)
              FILTER (WHERE f.relid <> ${collection.relid}::oid), 0))::int AS locks
      FROM ${family(sql`${collection.relid}::oid`)} f
      CROSS JOIN LATERAL (SELECT count(*) AS indexes FROM pg_index x WHERE x.indrelid = f.relid) i`)
    .locks;

export const rowLocks = (collection: Collection): string[] => [
  `ROW EXCLUSIVE on ${collection.name} and the partitions named in moves`,
  `FOR UPDATE on at most ${collection.settings.batch_rows} rows at a time; rows locked by ` +
    "others are skipped",
];

/**
 * The largest plan that stays within the blast radius: planned whole, and with fewer rows where
 * that is too much. One that could not be verified any more is not worth beginning: then the whole
 * plan comes back, and its guard says by how much it is too large.
 * @param planWith the plan with at most so many rows
 */
export function trim<P extends Plan>(
  { snapshot, collection, radius }: PlanRequest,
  most: number,
  planWith: (most: number) => P | NothingToDo,
): P | NothingToDo {
  const whole = planWith(most);
  if (!isPlan(whole)) return whole;
  let rows = most;
  let plan: P = whole;
  // What a row takes differs from partition to partition: a few steps come near enough.
  for (let step = 0; step < 4 && plan.rows > 0; step++) {
    const fits = Math.min(
      radius.rows / plan.rows,
      radius.bytes / Math.max(1, plan.bytes),
      radius.wal_bytes / Math.max(1, plan.wal_bytes),
    );
    if (fits >= 1) break;
    rows = Math.floor(Math.min(rows, plan.rows) * fits);
    if (!(rows > 0)) return whole;
    const less = planWith(rows);
    if (!isPlan(less)) return whole;
    plan = less;
  }
  if (plan === whole) return whole;
  const now = assess(snapshot, collection.settings).reading.lambda;
  const { verify_ratio } = collection.settings;
  const helps =
    improved(now, plan.predicted_lambda, verify_ratio) ||
    !improved(now, whole.predicted_lambda, verify_ratio);
  return helps ? { ...plan, trimmed_from: whole.rows } : whole;
}
