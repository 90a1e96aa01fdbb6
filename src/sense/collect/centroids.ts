/**
 * Vector indexes: what recall they give, and how full the lists of IVF indexes are. Sources: the
 * collection's own rows (sampled searches by the index and without it), pageinspect where it may be
 * used. Dear, so remembered: see recall_interval_seconds.
 */
import { withoutSetAside } from "../../store/built-indexes.ts";
import type { Measured } from "../../model/measured.ts";
import sql from "sql-template-tag";
import { family } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { Configuration } from "../../model/configuration.ts";
import { SqlError } from "../../base/errors.ts";
import { lastMeasurement, measuredEvery } from "../../store/measurements.ts";
import { dueBlocks } from "../cost.ts";
import { dueOf } from "../due.ts";
import { isUndecided } from "../assess/recall-health.ts";
import type { CentroidGroup, IndexMeasurement } from "../vector-index.ts";
import { isOutgrown, untoldSkew, withTrial } from "./trial.ts";
import {
  attainedBy,
  bestOf,
  carriedOver,
  costsOf,
  heldAgainst,
  type Kept,
  type Memory,
  onRowsOfNow,
} from "./kept-index.ts";
import { measureIndex } from "./measure-index.ts";
import { gaps } from "./recall-gaps.ts";
import { unreadable } from "./unreadable-index.ts";
import { vacuumStates } from "./vacuum-state.ts";
import { openWriters, whyDoubted } from "./writers.ts";

export interface VectorIndex {
  readonly index: string;
  readonly oid: string;
  /** pg_class.relfilenode: a rebuild changes it. */
  readonly file: string;
  readonly method: "ivfflat" | "hnsw";
  readonly lists: number;
  /** Name of its table, without the schema. */
  readonly partition: string;
  /** Its table has rows, by the counters: to look would stand behind its locks. */
  readonly filled: boolean;
}

export const CENTROIDS = "centroids";

/**
 * The collection's vector indexes in use, with their number of lists (pgvector's default is 100).
 * An index that an action is building or keeps for its undo is left out.
 */
export function vectorIndexes(host: Host, collection: Collection): VectorIndex[] {
  const found = host.query<VectorIndex>(sql`
      SELECT format('%I.%I', n.nspname, ic.relname) AS index, ic.oid::text AS oid,
        ic.relfilenode::text AS file, am.amname AS method,
             (SELECT relname FROM pg_class WHERE oid = i.indrelid) AS partition,
             coalesce(pg_stat_get_live_tuples(i.indrelid) > 0, false) AS filled,
             CASE am.amname WHEN 'ivfflat' THEN
               coalesce((SELECT option_value::int FROM pg_options_to_table(ic.reloptions)
                 WHERE option_name = 'lists'), 100) ELSE 0 END AS lists
        FROM ${family(sql`${collection.relid}::oid`)} f
        JOIN pg_index i ON i.indrelid = f.relid AND i.indisvalid AND i.indisready
        JOIN pg_class ic ON ic.oid = i.indexrelid AND ic.relkind = 'i'
        JOIN pg_am am ON am.oid = ic.relam AND am.amname IN ('ivfflat', 'hnsw')
        JOIN pg_namespace n ON n.oid = ic.relnamespace
       ORDER BY index`);
  return withoutSetAside(host, collection.id, found);
}

/** @param fresh measure now, not from memory */
export function measureCentroids(
  host: Host,
  collection: Collection,
  fresh: boolean,
): Measured<readonly CentroidGroup[]> {
  const indexes = vectorIndexes(host, collection);
  if (indexes.length === 0) return { value: [], unmeasured: [] };
  const known = lastMeasurement<Memory>(host, collection.id, CENTROIDS)?.value ?? {};
  const changed = indexes.some(({ index, oid }) => known[index]?.oid !== oid);
  const { value } = measuredEvery<Memory>(
    host,
    collection.id,
    {
      kind: CENTROIDS,
      every: collection.settings.recall_interval_seconds,
      fresh: fresh || changed,
    },
    () => measureAll(host, collection, { indexes, known, fresh }),
  );
  const vacuums = vacuumStates(
    host,
    indexes.map(({ oid }) => oid),
  );
  return {
    value: indexes.map(({ index, method, lists, oid }) => ({
      index,
      method,
      lists,
      measured: value[index]?.measured ?? null,
      ...dueFields(collection, value[index]),
      trial: value[index]?.trial ?? null,
      due_blocks: dueCost(value[index]),
      attained: attainedAtBest(value[index], collection.settings),
      ...unattained(value[index], collection.settings),
      measured_at: value[index]?.measured ? value[index].at : null,
      ...(value[index] === undefined && { waits: true as const }),
      ...(vacuums[oid] && { vacuum: vacuums[oid] }),
    })),
    unmeasured: indexes.flatMap((one) => gaps(one, value[one.index], collection)),
  };
}

function dueFields(
  { settings }: Collection,
  kept: Kept | undefined,
): Pick<CentroidGroup, "baseline" | "due_from"> {
  const best = kept === undefined || isOutgrown(kept) ? null : kept.best;
  const due = dueOf(settings, kept?.measured ?? null, best, kept?.trial ?? null);
  return { baseline: due?.recall ?? null, due_from: due?.from ?? null };
}

/** As it was built, or by a fresh build, whichever is the fuller: builds differ. */
function attainedAtBest(kept: Kept | undefined, settings: Configuration): number | null {
  if (kept === undefined) return null;
  const untold = untoldSkew(kept, settings);
  const known = [kept.attained, kept.trial?.skew, untold].filter((skew) => skew != null);
  return known.length > 0 ? Math.max(...known) : null;
}

const unattained = (
  kept: Kept | undefined,
  settings: Configuration,
): Pick<CentroidGroup, "unattained"> =>
  kept?.untried && untoldSkew(kept, settings) !== null ? { unattained: kept.untried.why } : {};

const dueCost = (kept: Kept | undefined): number | null =>
  kept === undefined
    ? null
    : dueBlocks(kept.measured, { costs: kept.costs ?? [], trial: kept.trial ?? null }, kept.at);

interface ToMeasure {
  readonly indexes: readonly VectorIndex[];
  readonly known: Memory;
  readonly fresh: boolean;
}

/**
 * Measures the indexes whose measurement is oldest first, until the time for it is over; the others
 * keep theirs.
 */
function measureAll(
  host: Host,
  collection: Collection,
  { indexes, known, fresh }: ToMeasure,
): Memory {
  const { settings } = collection;
  const began = host.now();
  const age = ({ index, oid }: VectorIndex): number =>
    known[index]?.oid === oid ? known[index].at : 0;
  const memory: Record<string, Kept> = {};
  // A trial has time of its own: one a turn.
  let tried = false;
  for (const one of [...indexes].sort((a, b) => age(a) - age(b))) {
    const left = settings.recall_budget_ms - (host.now() - began);
    const before = known[one.index];
    if (left > 0) {
      const kept = measureOne(host, collection, one, { before, budget_ms: left, fresh });
      const after: Kept = tried ? kept : withTrial(host, collection, one.oid, kept, fresh);
      tried ||= after !== kept;
      memory[one.index] = onRowsOfNow(settings, kept, after);
    } else if (before?.oid === one.oid) memory[one.index] = before;
  }
  return memory;
}

interface OneMeasurement {
  readonly before: Kept | undefined;
  readonly budget_ms: number;
  readonly fresh: boolean;
}

function measureOne(
  host: Host,
  collection: Collection,
  one: VectorIndex,
  { before, budget_ms, fresh }: OneMeasurement,
): Kept {
  const { index, oid } = one;
  const { settings } = collection;
  const kept = carriedOver(one, before);
  const { at } = host.one<{ at: number }>(
    sql`SELECT extract(epoch FROM clock_timestamp())::float8 AS at`,
  );
  const writers = openWriters(host, collection);
  try {
    const measured = closely(host, collection, one, budget_ms, before);
    if ("why" in measured)
      return { ...kept, at, measured: null, ...measured, best: before?.best ?? null };
    const known = before?.oid === oid ? before.measured : null;
    // More than the last time is believed, and the first of an index that an action has made. One
    // that could not be measured the last time (a lock) is not new.
    const isFirst = before?.oid !== oid || before.best === null;
    const least = known?.recall ?? (fresh && isFirst ? 0 : 1);
    const doubted = (measured.recall ?? 1) < least ? whyDoubted(host, collection, writers) : null;
    if (doubted)
      return { ...kept, at, measured: known, best: before?.best ?? null, ...doubted, doubted };
    const held = heldAgainst(one, measured, before);
    const best = bestOf(settings, measured, held);
    return {
      ...kept,
      file: one.file,
      at,
      measured,
      best,
      best_of: best === held?.best ? (held?.best_of ?? null) : measured.rows,
      costs: costsOf(settings, measured, { ...kept, best }),
      ...attainedBy(one, measured, before),
    };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return {
      ...kept,
      at,
      measured: null,
      ...unreadable(host, index, error),
      best: before?.best ?? null,
    };
  }
}

/** A third of the error asks for nine times as many searches: healing_measure_index makes 600. */
const CLOSER = 1 / 3;

/**
 * Measured, and where that does not tell whether what is due is found, measured once more with as
 * many searches as the time allows: at 0.93 of 1, two standard errors of 100 searches read 0.96,
 * and an index stayed so for three days.
 */
function closely(
  host: Host,
  collection: Collection,
  one: VectorIndex,
  budget_ms: number,
  before: Kept | undefined,
): IndexMeasurement | { readonly why: string } {
  const { oid } = one;
  const { settings } = collection;
  const { recall_k: k, recall_samples: samples, recall_probes: probes, recall_error } = settings;
  const began = host.now();
  const { trial } = carriedOver(one, before);
  const since = trial?.xid;
  const wanted = { k, samples, probes, budget_ms, occupancy: true, since };
  const first = measureIndex(host, collection, oid, {
    ...wanted,
    ...(recall_error > 0 && { error: recall_error }),
  });
  const left = budget_ms - (host.now() - began);
  if ("why" in first || recall_error === 0 || left <= 0) return first;
  const best = bestOf(settings, first, heldAgainst(one, first, before));
  const due = dueOf(settings, first, best, trial)?.recall ?? null;
  if (!isUndecided(first, due, settings)) return first;
  const second = measureIndex(host, collection, oid, {
    ...wanted,
    budget_ms: left,
    occupancy: false,
    error: CLOSER * recall_error,
  });
  return "why" in second || second.samples <= first.samples
    ? first
    : { ...second, lists: first.lists, duration_ms: first.duration_ms + second.duration_ms };
}
