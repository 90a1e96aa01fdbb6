/** What moving rows costs: time, write-ahead log, and the wait before its effect can be judged. */
import sql from "sql-template-tag";
import { family } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { settleSeconds } from "../../sense/activity/follow.ts";
import { loadCurve, loadRatios, workingPartitions } from "../../sense/assess.ts";
import type { Snapshot } from "../../sense/snapshot.ts";

/** Seconds to move a row, for estimates: 0.03 ms measured with one ivfflat index; an hnsw insertion is some 4 ms. */
const ROW_SECONDS = { plain: 0.0002, hnsw: 0.004 };

/**
 * WAL of a move: the row and its index entries are written anew (the bytes they take now), and each row's old version,
 * new version and commit share come with some 100 bytes of record headers. Full-page images after a checkpoint come on top.
 */
export const movedRowsWal = (rows: number, bytes: number): number => Math.round(bytes + 100 * rows);

/** Bytes that so many rows of each partition take now, with their index entries. */
export const bytesOf = ({ partitions }: Snapshot, leaving: (label: string) => number): number =>
  partitions.reduce((sum, partition) => sum + (leaving(partition.label) / Math.max(1, partition.rows)) * partition.bytes, 0);

/** Seconds from the first batch to the verification. */
export function moveSeconds(host: Host, collection: Collection, rows: number, tickSeconds: number, stabilizeSeconds: number): number {
  const { hnsw } = host.one<{ hnsw: boolean }>(sql`
    SELECT EXISTS (SELECT FROM ${family(sql`${collection.relid}::oid`)} f
                     JOIN pg_index i ON i.indrelid = f.relid JOIN pg_class c ON c.oid = i.indexrelid
                     JOIN pg_am a ON a.oid = c.relam AND a.amname = 'hnsw') AS hnsw`);
  const work = rows * (hnsw ? ROW_SECONDS.hnsw : ROW_SECONDS.plain);
  const slices = Math.ceil(work / collection.settings.slice_seconds);
  return Math.ceil(work + (slices + 2) * tickSeconds + stabilizeSeconds);
}

/**
 * How long to wait before the moves are judged. Where traffic is part of the trouble its load is held until it was
 * measured anew for a while (src/sense/activity/follow.ts); a verification before that would see the old one.
 */
export function stabilizeSeconds({ partitions }: Snapshot, { settings }: Collection): number {
  const { fine } = loadCurve(workingPartitions(partitions).length, settings);
  const hot = loadRatios(partitions).some(({ reads, writes }) => Math.max(reads ?? 0, writes ?? 0) > fine);
  return hot ? Math.max(settings.stabilize_seconds, settleSeconds(settings)) : settings.stabilize_seconds;
}

export const rowLocks = (collection: Collection): string[] => [
  `ROW EXCLUSIVE on ${collection.name} and the partitions named in moves`,
  `FOR UPDATE on at most ${collection.settings.batch_rows} rows at a time; rows locked by others are skipped`,
];
