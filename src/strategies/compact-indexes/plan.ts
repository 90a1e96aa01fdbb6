/** What compact_indexes foresees: which indexes, worst first, and what stands in its way. */
import { endedEarly } from "../../jobs/timeouts.ts";
import { foresee } from "../foresee.ts";
import type { Plan } from "../../model/action.ts";
import type { Radius } from "../../model/cost.ts";
import { bytes as bytesText, list } from "../../base/text.ts";
import type { IndexMeasurement } from "../../sense/collect/fragmentation.ts";
import type { Snapshot } from "../../sense/snapshot.ts";
import { blocksAsBuilt } from "../../sense/cost.ts";
import type { CentroidGroup } from "../../sense/vector-index.ts";
import type { NothingToDo } from "../strategy.ts";
import { blindSpot } from "../../select/preflight-facts.ts";
import { type IndexFacts, measuredThroughput } from "./indexes.ts";
import { type Request, type Chosen, choose } from "./choose.ts";
import { START_SECONDS } from "../../jobs/cron.ts";

export interface PlannedIndex {
  readonly index: string;
  readonly oid: string;
  readonly table: string;
  readonly method: string;
  readonly fragmentation_pct: number;
  readonly bytes: number;
  readonly expected_bytes: number;
  readonly estimated_seconds: number;
  readonly source: string;
}

export interface CompactPlan extends Plan {
  readonly indexes: readonly PlannedIndex[];
  readonly skipped: Chosen["skipped"];
  /** Invalid indexes that somebody left on these tables: they stay. */
  readonly left_alone: readonly string[];
  /** Needed beside what is there while the largest is rebuilt. */
  readonly disk_bytes: number;
  readonly disk: string;
  readonly throughput: string;
  /** What the preflight could not see, with the GRANT; null: nothing. */
  readonly unseen: string | null;
}

/**
 * Bytes a second, until a build here was measured: what REINDEX CONCURRENTLY reached on two busy
 * cores with the default maintenance_work_mem (btree of 17 MB: 3.5 MB/s, ivfflat of 46 MB: 3.4
 * MB/s, hnsw of 3.5 MB: 0.27 MB/s). Slow on purpose: an estimate that is too short ends in a
 * cancelled build.
 */
const ASSUMED: Readonly<Record<string, number>> = { btree: 3e6, ivfflat: 3e6, hnsw: 0.25e6 };

/**
 * WAL over the bytes of the new index: 0.90 to 0.93 measured for btree, 0.94 to 0.99 for ivfflat,
 * 0.98 for hnsw.
 */
const WAL_RATIO = 1;

/** @param named the indexes that somebody asked for */
export function planCompaction(
  request: Request,
  named: readonly string[] | undefined,
): CompactPlan | NothingToDo {
  const chosen = choose(request, named);
  if ("nothing" in chosen) return chosen;
  const { host, radius } = request;
  const { usable, facts } = chosen;
  const rates = measuredThroughput(host);
  const all = usable.map((one) => planned(one, facts.get(one.oid)!, rates));
  const indexes = within(all, radius);
  const longest = Math.max(...indexes.map(({ estimated_seconds }) => estimated_seconds));
  const early = endedEarly(host, "a build", longest);
  if (early) return early;
  return planOf(request, chosen, {
    all,
    indexes,
    measured: indexes.every(({ method }) => rates[method] !== undefined),
  });
}

/** The indexes that the blast radius takes, of all that could be rebuilt. */
interface Estimated {
  readonly all: readonly PlannedIndex[];
  readonly indexes: readonly PlannedIndex[];
  /** Builds of each method were measured here. */
  readonly measured: boolean;
}

function planOf(
  { host, collection: { settings }, snapshot, tick_seconds }: Request,
  { usable, skipped, facts }: Chosen,
  { all, indexes, measured }: Estimated,
): CompactPlan {
  const after = indexes.reduce((sum, { expected_bytes }) => sum + expected_bytes, 0);
  const largest = Math.max(...indexes.map(({ expected_bytes }) => expected_bytes));
  return {
    strategy: "compact_indexes",
    rows: 0,
    bytes: indexes.reduce((sum, { bytes }) => sum + bytes, 0),
    wal_bytes: Math.round(after * WAL_RATIO),
    // The table, the old index and the new one, by the job that is at work; one index at a time.
    relation_locks: 3,
    ...(indexes.length < all.length && { trimmed_from: all.length }),
    indexes,
    skipped,
    left_alone: [...new Set(usable.flatMap(({ oid }) => facts.get(oid)!.known_names))],
    disk_bytes: largest,
    disk:
      `about ${bytesText(largest)} more while the largest is rebuilt; how much the disk has ` +
      "left cannot be read from SQL",
    throughput: measured
      ? "measured from earlier builds here"
      : "assumed until a build here was measured",
    unseen: blindSpot(host)[0] ?? null,
    ...foresee(rebuilt(snapshot, indexes), settings),
    // Half the time budget goes to rebuilding (the timeout is twice this): the wait for pg_cron's
    // minute counts for each index.
    estimated_duration_seconds: Math.ceil(
      indexes.reduce(
        (sum, { estimated_seconds }) => sum + estimated_seconds + START_SECONDS + 2 * tick_seconds,
        0,
      ) + settings.stabilize_seconds,
    ),
    locks: [
      `SHARE UPDATE EXCLUSIVE on ${list([...new Set(indexes.map(({ table }) => table))])}, ` +
        "one at a time: reads and writes go on; VACUUM, ANALYZE, ALTER TABLE and other builds " +
        "wait",
      "it waits for transactions that are older than its phases; nobody waits behind it",
    ],
  };
}

/**
 * As many of the worst as the blast radius takes; where it does not even take the worst, all: then
 * the guard says so.
 */
function within(all: readonly PlannedIndex[], radius: Radius): readonly PlannedIndex[] {
  let bytes = 0;
  let log = 0;
  const fits = all.filter((one) => {
    if (
      !(
        bytes + one.bytes <= radius.bytes &&
        log + one.expected_bytes * WAL_RATIO <= radius.wal_bytes
      )
    )
      return false;
    bytes += one.bytes;
    log += one.expected_bytes * WAL_RATIO;
    return true;
  });
  return fits.length > 0 ? fits : all;
}

function planned(
  one: IndexMeasurement,
  facts: IndexFacts,
  rates: Readonly<Record<string, number>>,
): PlannedIndex {
  const expected = Math.min(one.expected_bytes ?? facts.bytes, facts.bytes);
  return {
    index: facts.index,
    oid: facts.oid,
    table: facts.table,
    method: one.method,
    fragmentation_pct: one.fragmentation_pct ?? 0,
    bytes: facts.bytes,
    expected_bytes: expected,
    estimated_seconds: Math.max(
      1,
      Math.ceil(expected / (rates[one.method] ?? ASSUMED[one.method]!)),
    ),
    source: one.source,
  };
}

/** The snapshot as it would be with these indexes rebuilt. */
export function rebuilt(snapshot: Snapshot, indexes: readonly PlannedIndex[]): Snapshot {
  const { index_fragmentation_pct: _, fragmented_indexes: __, ...pushed } = snapshot.pushed;
  const done = new Set(indexes.map(({ oid }) => oid));
  const names = new Set(indexes.map(({ index }) => index));
  return {
    ...snapshot,
    pushed,
    indexes: snapshot.indexes.map((one) =>
      done.has(one.oid) ? { ...one, fragmentation_pct: 0 } : one,
    ),
    centroids: snapshot.centroids.map((group) => (names.has(group.index) ? asBuilt(group) : group)),
  };
}

/** An index as it is foreseen after it was built anew: it finds and costs what was due of it. */
function asBuilt(group: CentroidGroup): CentroidGroup {
  const { measured, baseline } = group;
  if (!measured) return group;
  const { recall } = measured;
  return {
    ...group,
    measured: {
      ...measured,
      recall: recall === null ? null : Math.max(recall, baseline ?? recall),
      search_blocks: blocksAsBuilt(group),
    },
  };
}
