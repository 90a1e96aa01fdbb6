/**
 * Vector indexes: what recall they give, and how full the lists of IVF indexes are. Sources: the
 * collection's own rows (sampled searches by the index and without it), pageinspect where it may be
 * used. Dear, so remembered: see recall_interval_seconds.
 */
import { setAsideIndexes } from "../../store/built-indexes.ts";
import type { Measured, Unmeasured } from "../../model/measured.ts";
import sql from "sql-template-tag";
import { family } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { SqlError } from "../../base/errors.ts";
import { lastMeasurement, measuredEvery } from "../../store/measurements.ts";
import { dueOf } from "../due.ts";
import { skewOf } from "../lists.ts";
import type { CentroidGroup, IndexMeasurement } from "../vector-index.ts";
import { type Tried, withTrial } from "./trial.ts";
import { pushHint } from "./gap.ts";
import { measureIndex } from "./measure-index.ts";
import { unreadable } from "./unreadable-index.ts";
import { vacuumStates } from "./vacuum-state.ts";
import { openWriters, whyDoubted } from "./writers.ts";

interface Index {
  readonly index: string;
  readonly oid: string;
  /** pg_class.relfilenode: a rebuild changes it. */
  readonly file: string;
  readonly method: "ivfflat" | "hnsw";
  readonly lists: number;
  /** Name of its table, without the schema. */
  readonly partition: string;
}

interface Kept extends Tried {
  readonly oid: string;
  readonly at: number;
  readonly measured: IndexMeasurement | null;
  readonly why?: string;
  readonly hint?: string;
  readonly best: number | null;
  /** Values of older versions have none of these. */
  readonly file?: string;
  readonly attained?: number | null;
  /** Why the last measurement was not believed: `measured` is the one before. */
  readonly doubted?: { readonly why: string; readonly hint: string } | null;
}

/** What is remembered of a collection's vector indexes, by name. */
export type Memory = Readonly<Record<string, Kept>>;

export const CENTROIDS = "centroids";

/**
 * The collection's vector indexes in use, with their number of lists (pgvector's default is 100).
 * An index that an action is building or keeps for its undo is left out.
 */
export function vectorIndexes(host: Host, collection: Collection): Index[] {
  return host.query<Index>(sql`
    WITH made AS (${setAsideIndexes(collection.id)}
    ), found AS (
      SELECT format('%I.%I', n.nspname, ic.relname) AS index, ic.oid::text AS oid,
        ic.relfilenode::text AS file, am.amname AS method,
             (SELECT relname FROM pg_class WHERE oid = i.indrelid) AS partition,
             CASE am.amname WHEN 'ivfflat' THEN
               coalesce((SELECT option_value::int FROM pg_options_to_table(ic.reloptions)
                 WHERE option_name = 'lists'), 100) ELSE 0 END AS lists
        FROM ${family(sql`${collection.relid}::oid`)} f
        JOIN pg_index i ON i.indrelid = f.relid AND i.indisvalid AND i.indisready
        JOIN pg_class ic ON ic.oid = i.indexrelid AND ic.relkind = 'i'
        JOIN pg_am am ON am.oid = ic.relam AND am.amname IN ('ivfflat', 'hnsw')
        JOIN pg_namespace n ON n.oid = ic.relnamespace
    )
    SELECT * FROM found WHERE index NOT IN (SELECT index FROM made WHERE index IS NOT NULL)
      ORDER BY index`);
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
      attained: value[index]?.attained ?? null,
      measured_at: value[index]?.measured ? value[index].at : null,
      ...(vacuums[oid] && { vacuum: vacuums[oid] }),
    })),
    unmeasured: indexes.flatMap((one) => gaps(one, value[one.index])),
  };
}

function dueFields(
  { settings }: Collection,
  kept: Kept | undefined,
): Pick<CentroidGroup, "baseline" | "due_from"> {
  const due = dueOf(settings, kept?.measured ?? null, kept?.best ?? null, kept?.trial ?? null);
  return { baseline: due?.recall ?? null, due_from: due?.from ?? null };
}

interface ToMeasure {
  readonly indexes: readonly Index[];
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
  const age = ({ index, oid }: Index): number => (known[index]?.oid === oid ? known[index].at : 0);
  const memory: Record<string, Kept> = {};
  // A trial has time of its own: one a turn.
  let tried = false;
  for (const one of [...indexes].sort((a, b) => age(a) - age(b))) {
    const left = settings.recall_budget_ms - (host.now() - began);
    const before = known[one.index];
    if (left > 0) {
      const kept = measureOne(host, collection, one, { before, budget_ms: left, fresh });
      memory[one.index] = tried ? kept : withTrial(host, collection, one.oid, kept, fresh);
      tried ||= memory[one.index] !== kept;
    } else if (before?.oid === one.oid) memory[one.index] = before;
  }
  return memory;
}

function measureOne(
  host: Host,
  collection: Collection,
  one: Index,
  { before, budget_ms, fresh }: { before: Kept | undefined; budget_ms: number; fresh: boolean },
): Kept {
  const { index, oid, file } = one;
  const { recall_k: k, recall_samples: samples, recall_probes: probes } = collection.settings;
  const { recall_error: error } = collection.settings;
  const kept = {
    oid,
    file,
    attained: before?.attained ?? null,
    trial: before?.oid === oid ? (before.trial ?? null) : null,
    untried: before?.oid === oid ? (before.untried ?? null) : null,
  };
  const { at } = host.one<{ at: number }>(
    sql`SELECT extract(epoch FROM clock_timestamp())::float8 AS at`,
  );
  const writers = openWriters(host, collection);
  try {
    const measured = measureIndex(host, collection, oid, {
      k,
      samples,
      probes,
      budget_ms,
      occupancy: true,
      ...(error > 0 && { error }),
    });
    if ("why" in measured)
      return { ...kept, at, measured: null, why: measured.why, best: before?.best ?? null };
    const known = before?.oid === oid ? before.measured : null;
    // More than the last time is believed, and the first of an index that an action has made.
    const least = known?.recall ?? (fresh ? 0 : 1);
    const doubted = (measured.recall ?? 1) < least ? whyDoubted(host, collection, writers) : null;
    if (doubted)
      return { ...kept, at, measured: known, best: before?.best ?? null, ...doubted, doubted };
    return {
      ...kept,
      at,
      measured,
      best: bestOf(collection, measured, before),
      attained: attainedBy(one, measured, before),
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

/** The best this index had, that measurement among it; null: nothing to compare with. */
function bestOf(
  { settings }: Collection,
  measured: IndexMeasurement,
  before: Kept | undefined,
): number | null {
  // Recall with other probes, or of other neighbours, says nothing about this one.
  const comparable =
    before?.measured === null ||
    (before?.measured?.probes === measured.probes && before.measured.k === measured.k);
  // What few searches found by luck is no measure for all later ones.
  const enough = 2 * measured.samples >= Math.min(settings.recall_samples, measured.rows);
  const best = Math.max(
    (enough ? measured.recall : null) ?? -1,
    comparable ? (before?.best ?? -1) : -1,
  );
  return best < 0 ? null : best;
}

/** An index that most of its rows were there before is as its build left it. */
const FEW_YOUNGER = 0.1;

/**
 * What a build on these rows attains, as far as it is known: an index that is as it was built shows
 * it, with whatever number of lists. Its file may be younger than itself (REINDEX), but only one
 * that we saw change: a rename looks the same.
 */
function attainedBy(
  { oid, file, lists }: Index,
  measured: IndexMeasurement,
  before: Kept | undefined,
): number | null {
  const known = before?.attained ?? null;
  const rebuilt = before?.oid === oid && before.file !== undefined && before.file !== file;
  const younger = rebuilt ? measured.lists?.since_file : measured.lists?.since_made;
  const skew = skewOf(measured, lists);
  if (younger == null || younger > FEW_YOUNGER || skew === null) return known;
  return Math.max(known ?? 0, skew);
}

/** What is not known of an index. */
function gaps({ index, method, lists }: Index, kept: Kept | undefined): Unmeasured[] {
  if (!kept?.measured) {
    return [
      {
        what: `recall of ${index}`,
        why:
          kept?.why ??
          "its turn has not come yet: the indexes measured before it took the time there is " +
            "(recall_budget_ms)",
        hint: kept?.hint ?? "Its turn comes; by hand: ruvector_healing_recall().",
      },
    ];
  }
  const { measured, untried, doubted } = kept;
  const untold: Unmeasured[] = [];
  if (doubted) untold.push({ what: `recall of ${index} now`, ...doubted });
  if (untried?.hint !== undefined)
    untold.push({
      what: `what a fresh build of ${index} attains`,
      why: untried.why,
      hint: untried.hint,
    });
  if (method !== "ivfflat" || measured.rows === 0) return untold;
  const seen = measured.lists?.rows.length ?? 0;
  if (seen >= lists) return untold;
  return [
    ...untold,
    {
      what: `centroid occupancy of ${index}`,
      why:
        `sampled rows lie in ${seen} of its ${lists} lists; only pageinspect, for a superuser ` +
        "and up to exact_count_pages, shows all",
      hint: pushHint("centroid_occupancy"),
    },
  ];
}
