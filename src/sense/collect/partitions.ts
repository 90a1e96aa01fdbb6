/**
 * Partition load: rows, bytes, reads and writes of each partition. Sources: pg_class,
 * pg_stat_get_live_tuples, count(*), the width of sampled rows, and the activity since earlier
 * samples (pg_stat_user_tables).
 */
import type { ActivityMemory } from "../activity/memory.ts";
import type { Measured, Unmeasured } from "../../model/measured.ts";
import sql, { raw } from "sql-template-tag";
import { families, type Partition, readPartitions } from "../../collection/introspect.ts";
import { lockTable } from "../../collection/lookup.ts";
import type { Host } from "../../host/host.ts";
import { SqlError } from "../../base/errors.ts";
import type { Collection } from "../../model/collection.ts";
import type { IdleReason } from "../../model/problem.ts";
import { reusedBlocks, trafficLoad } from "../activity/follow.ts";
import { measureRowBytes } from "./row-bytes.ts";
import { unreadable, unreadableGap, untrustedGap, foreignGap, LOCKED } from "./unreadable.ts";

export interface PartitionMeasurement {
  readonly relid: string;
  readonly qualified: string;
  readonly label: string;
  /** pg_class.relkind. */
  readonly kind: string;
  /** Key values that lead to it, null for SQL NULL; empty where there are none to name. */
  readonly values: readonly (string | null)[];
  readonly rows: number;
  /** Heap, indexes and TOAST: the files, with the room in them that nobody uses. */
  readonly bytes: number;
  /** Heap and TOAST of the files alone. */
  readonly heap_bytes: number;
  /** Rows times the mean width of a row; null: not measured. */
  readonly live_bytes: number | null;
  /** null: not judged. */
  readonly traffic: Traffic | null;
  /**
   * Blocks that others asked for within the working set's window, the first pass of sequential
   * scans left out.
   */
  readonly blocks_asked: number;
  /** Named at registration as the place of cold rows. */
  readonly cold: boolean;
  /** Why it shares no load; null: it does. */
  readonly idle: IdleReason | null;
}

/** What others do to a partition, smoothed. */
export interface Traffic {
  /**
   * Its share of the reads and of the writes over the mean share; null: too few of them to judge.
   */
  readonly reads: number | null;
  readonly writes: number | null;
  readonly reads_per_second: number;
  /** Over a sixth of the window: a rate on its way up is believed by it, for what is foreseen. */
  readonly recent_reads_per_second: number;
  readonly writes_per_second: number;
  /** Of its writes, how many are inserts, 0 to 1: those do not follow rows that are moved. */
  readonly inserted: number;
}

export interface PartitionsMeasurement {
  readonly partitions: readonly PartitionMeasurement[];
  readonly rows_source: "exact" | "statistics";
}

interface Statistics {
  readonly relid: string;
  readonly pages: number;
  readonly bytes: number;
  readonly heap_bytes: number;
  readonly rows: number;
}

/**
 * The partitions of a collection; the table itself where it is not partitioned. Foreign ones are
 * left out: what lies on another server is neither counted nor compared with what lies here.
 */
export const partitionsOf = (host: Host, collection: Collection): readonly Partition[] =>
  collection.partition_strategy === "none"
    ? [
        {
          relid: collection.relid,
          qualified: collection.name,
          label: collection.table_name,
          kind: "r",
          foreign: false,
          values: [],
        },
      ]
    : readPartitions(host, collection.relid).filter(({ kind }) => kind !== "f");

export const isCold = (collection: Collection, { values }: Partition): boolean =>
  collection.cold_partition !== null && values.includes(collection.cold_partition);

/** What is known of the partitions before they are measured. */
export interface PartitionsInput {
  readonly partitions: readonly Partition[];
  readonly idle: ReadonlyMap<string, IdleReason>;
  readonly activity: ActivityMemory;
  /** reachable(): asked once a sample, the lock stays. */
  readonly open: boolean;
  /** Rows' widths are measured anew, and not taken from memory. */
  readonly fresh: boolean;
}

/**
 * Measures the partitions of a collection.
 * Small collections are counted, large ones read from the statistics: see exact_count_pages.
 */
export function measurePartitions(
  host: Host,
  collection: Collection,
  { partitions, idle, activity, open: unlocked, fresh }: PartitionsInput,
): Measured<PartitionsMeasurement> {
  const { settings } = collection;
  const statistics = readStatistics(host, partitions, !unlocked);
  const gaps = unlocked ? rowGaps(host, collection, partitions) : [LOCKED];
  const open = gaps.length === 0;
  const pages = statistics.reduce((sum, one) => sum + one.pages, 0);
  const here = partitions.filter(({ foreign }) => !foreign);
  const counted =
    open && pages <= settings.exact_count_pages
      ? countExactly(host.asOwner(collection.relid), here)
      : null;
  const byRelid = new Map(statistics.map((one) => [one.relid, one]));
  const sized = partitions.map((one) => ({ ...one, pages: byRelid.get(one.relid)?.pages ?? 0 }));
  const widths = open ? measureRowBytes(host, collection, sized, fresh) : {};
  const traffic = settings.sense_traffic ? trafficIn(activity, collection) : () => null;
  const liveBytes = ({ relid }: Partition, rows: number): number | null => {
    if (rows === 0 && open) return 0;
    return widths[relid] === undefined ? null : rows * widths[relid];
  };
  const measured = partitions.map((partition): PartitionMeasurement => {
    const { relid } = partition;
    const rows = counted?.get(relid) ?? byRelid.get(relid)?.rows ?? 0;
    return {
      ...partition,
      rows,
      bytes: byRelid.get(relid)?.bytes ?? 0,
      heap_bytes: byRelid.get(relid)?.heap_bytes ?? 0,
      live_bytes: liveBytes(partition, rows),
      traffic: traffic(relid),
      blocks_asked: reusedBlocks(activity, relid, rows),
      cold: isCold(collection, partition),
      idle: idle.get(relid) ?? null,
    };
  });
  return {
    value: { partitions: measured, rows_source: counted ? "exact" : "statistics" },
    unmeasured: [...gaps, ...foreignGap(host, collection)],
  };
}

/** Why rows are not read: code that is not trusted would run, or they are not for the role. */
function rowGaps(
  host: Host,
  collection: Collection,
  partitions: readonly Partition[],
): readonly Unmeasured[] {
  const closed = unreadable(host, collection, partitions);
  const untrusted = untrustedGap(host, collection);
  if (untrusted.length > 0) return untrusted;
  return closed.length > 0 ? [unreadableGap(closed)] : [];
}

/**
 * Traffic is judged from this part of the least rate from which shares are learned: a rate near
 * that must not make a load come and go.
 */
export const JUDGED_FROM = 0.5;

/** Which kinds of traffic there is enough of. */
function busyBy(
  { loads, rates }: ActivityMemory,
  { settings }: Collection,
): { readonly reads: boolean; readonly writes: boolean } {
  const total = (figure: "reads" | "writes"): number =>
    Object.keys(loads).reduce((sum, relid) => sum + (rates[relid]?.[figure] ?? 0), 0);
  return {
    reads: total("reads") > settings.min_reads_per_second * JUDGED_FROM,
    writes: total("writes") > settings.min_writes_per_second * JUDGED_FROM,
  };
}

/** Of each partition; what is one for all is found once: of 256 it was a tenth of a look. */
function trafficIn(activity: ActivityMemory, collection: Collection): (relid: string) => Traffic {
  const busy = busyBy(activity, collection);
  const { partition_load, partition_load_pair } = collection.settings;
  const fine = (Object.keys(activity.loads).length === 2 ? partition_load_pair : partition_load)[0];
  return (relid) => {
    const rate = activity.rates[relid];
    return {
      reads: busy.reads ? trafficLoad(activity, relid, "reads", fine) : null,
      writes: busy.writes ? trafficLoad(activity, relid, "writes", fine) : null,
      reads_per_second: rate?.reads ?? 0,
      recent_reads_per_second: rate?.recent_reads ?? rate?.reads ?? 0,
      writes_per_second: rate?.writes ?? 0,
      inserted: rate?.inserted ?? 0,
    };
  };
}

/**
 * Whether the partitions and their indexes can be opened now: counting and pg_relation_size would
 * wait for an ACCESS EXCLUSIVE lock.
 */
export function reachable(host: Host, collection: Collection): boolean {
  try {
    lockTable(host, collection);
    return true;
  } catch (error) {
    if (error instanceof SqlError && error.sqlstate === "55P03") return false;
    throw error;
  }
}

/**
 * Pages, bytes and estimated rows by partition. Rows: pg_stat's live tuples, which follow every
 * transaction; they are lost in a crash, so where they are far below the planner's reltuples and
 * nothing analyzed the partition since, reltuples stand in.
 */
function readStatistics(
  host: Host,
  partitions: readonly Partition[],
  locked: boolean,
): Statistics[] {
  const blocks = "c.relpages::bigint * current_setting('block_size')::int";
  const [size, indexes, heap] = locked
    ? ["c.relpages", "0", blocks]
    : [
        "pg_relation_size(c.oid) / current_setting('block_size')::int",
        "pg_indexes_size(c.oid)",
        "pg_table_size(c.oid)",
      ];
  host.query(sql`SELECT pg_stat_clear_snapshot()`);
  return host.query<Statistics>(sql`
    SELECT w.relid, coalesce(sum(z.pages), 0)::float8 AS pages,
           -- What pg_total_relation_size() is, without looking at the table's files twice.
           coalesce(sum(z.heap + z.indexes), 0)::float8 AS bytes,
           coalesce(sum(z.heap), 0)::float8 AS heap_bytes,
           coalesce(sum(CASE WHEN c.reltuples > 2 * pg_stat_get_live_tuples(c.oid)
                              AND greatest(pg_stat_get_last_analyze_time(c.oid),
                                pg_stat_get_last_autoanalyze_time(c.oid),
                                           pg_stat_get_last_vacuum_time(c.oid),
                                             pg_stat_get_last_autovacuum_time(c.oid)) IS NULL
                             THEN c.reltuples ELSE pg_stat_get_live_tuples(c.oid) END), 0)::float8
                               AS rows
      FROM ${families(partitions.map(({ relid }) => relid))} w
      JOIN pg_class c ON c.oid = w.member AND c.relkind <> 'p'
     CROSS JOIN LATERAL (SELECT ${raw(size!)} AS pages, ${raw(indexes!)} AS indexes,
       ${raw(heap!)} AS heap OFFSET 0) z
     GROUP BY w.relid`);
}

/** count(*) of every partition. */
function countExactly(host: Host, partitions: readonly Partition[]): Map<string, number> {
  if (partitions.length === 0) return new Map();
  const counts = partitions.map(
    ({ relid, qualified }) =>
      `SELECT '${relid}' AS relid, count(*)::float8 AS rows FROM ${qualified}`,
  );
  return new Map(
    host
      .query<{ relid: string; rows: number }>(sql`${raw(counts.join(" UNION ALL "))}`)
      .map(({ relid, rows }) => [relid, rows]),
  );
}
