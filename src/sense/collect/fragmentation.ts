/**
 * How fragmented the collection's indexes are: the share of an index that a rebuild would give
 * back, and keep. Sources: pgstatindex (extension pgstattuple) for btree where the role may call
 * it; otherwise, and for ivfflat and hnsw, which pgstattuple refuses ("index is not supported"),
 * pg_relation_size against the index's own size when it was new, or against the most that rows and
 * widths make up (../fragmentation).
 */
import type { Measured, Unmeasured } from "../../model/measured.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import {
  type Baselines,
  fragmentationOf,
  type IndexState,
  judge,
  type Last,
  SMALL_PAGES,
  unjudged,
} from "../fragmentation/baseline.ts";
import { type Breath, breathe } from "../fragmentation/breath.ts";
import { measuredEvery } from "../../store/measurements.ts";
import { type Facts, readIndexes, exactFunction, readExactly } from "./index-facts.ts";

export interface IndexMeasurement {
  /** `schema.name`, quoted. */
  readonly index: string;
  /** oid of the index; REINDEX CONCURRENTLY gives it a new one. */
  readonly oid: string;
  /** The leaf it is on, `schema.name` quoted. */
  readonly table: string;
  readonly method: "btree" | "ivfflat" | "hnsw";
  readonly bytes: number;
  /** Bytes after a rebuild; null: not known. */
  readonly expected_bytes: number | null;
  /** null: not measured. */
  readonly fragmentation_pct: number | null;
  /** small: too few pages to speak of; it counts as 0. */
  readonly source: "pgstattuple" | "estimate" | "small";
  /** Its size when it was new, where that is known: what it is compared with. */
  readonly bytes_when_new: number | null;
}

interface Value {
  readonly indexes: readonly IndexMeasurement[];
  readonly unmeasured: readonly Unmeasured[];
  /** What the next look compares with; values of older versions have none. */
  readonly last?: Last;
}

export const FRAGMENTATION = "fragmentation";

/** From memory while it is younger than fragmentation_interval_seconds, unless `fresh`. */
export function measureFragmentation(
  host: Host,
  collection: Collection,
  fresh: boolean,
): Measured<readonly IndexMeasurement[]> {
  const { value } = measuredEvery<Value>(
    host,
    collection.id,
    { kind: FRAGMENTATION, every: collection.settings.fragmentation_interval_seconds, fresh },
    (before) => measure(host, collection, before?.value.last ?? null),
  );
  return { value: value.indexes, unmeasured: value.unmeasured };
}

function measure(host: Host, collection: Collection, last: Last | null): Value {
  const facts = readIndexes(host, collection);
  const call = exactFunction(host);
  const exact = new Map<string, number>();
  let left = collection.settings.exact_fragmentation_pages;
  const candidates = facts
    .filter(({ method, pages, locked }) => method === "btree" && pages >= SMALL_PAGES && !locked)
    .sort((a, b) => a.pages - b.pages);
  if ("function" in call) {
    for (const one of candidates) {
      if (one.pages > left) break;
      left -= one.pages;
      const pages = readExactly(host, call.function, one);
      if (pages !== null) exact.set(one.oid, pages);
    }
  }
  const baselines: Record<string, Baselines[string]> = {};
  const breaths: Record<string, Breath> = {};
  for (const one of facts) breaths[one.table] ??= breathe(one, last?.breaths?.[one.table]);
  const indexes = facts.map((one) => {
    const { baseline, measurement } = measurementOf(
      one,
      breaths[one.table]!,
      exact.get(one.oid) ?? null,
      last,
    );
    baselines[one.oid] = baseline;
    return measurement;
  });
  const unmeasured: Unmeasured[] = [];
  if ("why" in call && candidates.length > 0)
    unmeasured.push({
      what: "exact fragmentation of btree indexes",
      why: `estimated instead: ${call.why}`,
      hint: call.hint,
    });
  const unknown = indexes.filter(({ fragmentation_pct }) => fragmentation_pct === null);
  if (unknown.length > 0) {
    const { index, table } = unknown[0]!;
    unmeasured.push({
      what:
        "fragmentation of " +
        `${unknown.length === 1 ? index : `${unknown.length} indexes, ${index} first`}`,
      why:
        "the width of a column is not known: its table was never analyzed, its values lie out " +
        "of line, or its statistics are not for the role to read",
      hint: `ANALYZE ${table}; or GRANT SELECT ON ${table} TO the installing role;`,
    });
  }
  return {
    indexes,
    unmeasured,
    last: {
      baselines,
      removed: Object.fromEntries(facts.map(({ table, removed }) => [table, removed])),
      breaths,
    },
  };
}

function measurementOf(facts: Facts, breath: Breath, exact: number | null, last: Last | null) {
  const { index, oid, table, method, pages, block } = facts;
  const bytes = pages * block;
  const varying = facts.partial_rows !== null || (method !== "btree" && nulls(facts) > 0);
  const state = (): IndexState => ({ ...facts, rows: entries(facts), breath, varying });
  const judged =
    pages < SMALL_PAGES || (facts.uncounted && exact === null)
      ? unjudged(facts, last)
      : judge(state(), exact, last);
  const { when_new } = judged.baseline;
  const base = {
    index,
    oid,
    table,
    method,
    bytes,
    bytes_when_new: when_new && when_new.pages * block,
  };
  const measurement: IndexMeasurement =
    pages < SMALL_PAGES
      ? { ...base, expected_bytes: bytes, fragmentation_pct: 0, source: "small" }
      : {
          ...base,
          // A rebuild never makes it larger than a fresh build of it is now: an estimate above that
          // is an error of the estimate.
          expected_bytes:
            judged.expected === null ? null : Math.min(bytes, Math.round(judged.expected * block)),
          fragmentation_pct: fragmentationOf(facts, judged),
          source: exact === null ? "estimate" : "pgstattuple",
        };
  return { measurement, baseline: judged.baseline };
}

/**
 * The most entries that an index may have: rows without a vector have none, as the last ANALYZE
 * found them, and as many of those may have got one as rows were changed since. A btree keeps
 * NULLs.
 */
function entries(facts: Facts): number {
  const { method, live, changed, partial_rows } = facts;
  if (changed === null) return live;
  if (partial_rows !== null) return Math.min(live, partial_rows + changed);
  return method === "btree" ? live : Math.min(live, live * (1 - nulls(facts)) + changed);
}

const nulls = ({ columns }: Facts): number => columns[0]?.null_frac ?? 0;
