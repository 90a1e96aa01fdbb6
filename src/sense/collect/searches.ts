/**
 * What searches with the filters that the owner named get: rows returned of those asked for, recall
 * among the rows that match, and cost, as a query of a new session of the table's owner would.
 * Dear, so remembered as recall is.
 */
import sql from "sql-template-tag";
import { SQLSTATES, SqlError } from "../../base/errors.ts";
import { printable, sqlLiteral } from "../../base/text.ts";
import { lockTable } from "../../collection/lookup.ts";
import { searchPredicate, searchText } from "../../collection/searches.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { Measured, Unmeasured } from "../../model/measured.ts";
import type { Search } from "../../model/recall.ts";
import { lastMeasurement, measuredEvery } from "../../store/measurements.ts";
import type { CentroidGroup, FilteredSearch, SearchMeasurement } from "../vector-index.ts";
import { vectorIndexes } from "./centroids.ts";
import { unreadable } from "./unreadable-index.ts";
import { openWriters, whyDoubted } from "./writers.ts";

export const SEARCHES = "searches";

interface Kept {
  readonly at: number;
  readonly measured: SearchMeasurement | null;
  readonly why?: string;
  readonly hint?: string;
}

/** By search and index. */
type Memory = Readonly<Record<string, Kept>>;

/** A search by one of the keys that vector indexes of the table have. */
interface Asked extends Pick<FilteredSearch, "search" | "text" | "oid" | "method"> {
  readonly index: string;
  readonly key: string;
}

/** Each search by each key and distance that an index orders by; one index of it stands for all. */
function askedOf(host: Host, collection: Collection): readonly Asked[] {
  const { searches } = collection;
  if (searches.length === 0) return [];
  const indexes = vectorIndexes(host, collection);
  const by = host.query<{ oid: string }>(sql`
    SELECT min(i.oid::oid)::text AS oid
      FROM jsonb_array_elements_text(${JSON.stringify(indexes.map(({ oid }) => oid))}::jsonb) i(oid)
     CROSS JOIN LATERAL ruvector.healing_index_key(i.oid::oid) v
     GROUP BY v.key, v.operator`);
  const standing = indexes.filter(({ oid }) => by.some((one) => one.oid === oid));
  return searches.flatMap((search) =>
    standing.map(({ oid, index, method }) => {
      const text = searchText(search);
      return { search, text, oid, method, index, key: `${JSON.stringify(search)} ${oid}` };
    }),
  );
}

/** @param groups the indexes, with what searches without a filter are due */
export function measureSearches(
  host: Host,
  collection: Collection,
  groups: readonly CentroidGroup[],
  fresh: boolean,
): Measured<readonly FilteredSearch[]> {
  const asked = askedOf(host, collection);
  if (asked.length === 0) return { value: [], unmeasured: [] };
  const known = lastMeasurement<Memory>(host, collection.id, SEARCHES)?.value ?? {};
  const { value } = measuredEvery<Memory>(
    host,
    collection.id,
    {
      kind: SEARCHES,
      every: collection.settings.recall_interval_seconds,
      fresh: fresh || asked.some(({ key }) => known[key] === undefined),
    },
    () => measureAll(host, collection, { asked, known, fresh }),
  );
  return {
    value: asked.map(({ key, search, text, oid, method }) => {
      const measured = value[key]?.measured ?? null;
      const measured_at = measured && value[key]!.at;
      return { search, text, oid, method, measured, due: dueOf(measured, groups), measured_at };
    }),
    unmeasured: asked.flatMap(({ key, text }) => gap(collection, text, value[key])),
  };
}

/** A filter takes nothing from what an index owes: as much as without it. */
function dueOf(
  measured: SearchMeasurement | null,
  groups: readonly CentroidGroup[],
): number | null {
  const due = groups.flatMap(({ index, baseline }) =>
    baseline !== null && measured?.indexes.includes(index) ? [baseline] : [],
  );
  return due.length > 0 ? Math.min(...due) : null;
}

/** Those measured longest ago first, until the time is over; the others keep what they have. */
function measureAll(
  host: Host,
  collection: Collection,
  { asked, known, fresh }: { asked: readonly Asked[]; known: Memory; fresh: boolean },
): Memory {
  const began = host.now();
  const age = ({ key }: Asked): number => known[key]?.at ?? 0;
  const memory: Record<string, Kept> = {};
  for (const one of [...asked].sort((a, b) => age(a) - age(b))) {
    const left = collection.settings.recall_budget_ms - (host.now() - began);
    const before = known[one.key];
    if (left > 0)
      memory[one.key] = measureOne(host, collection, one, { before, budget_ms: left, fresh });
    else if (before) memory[one.key] = before;
  }
  return memory;
}

function measureOne(
  host: Host,
  collection: Collection,
  one: Asked,
  { before, budget_ms, fresh }: { before: Kept | undefined; budget_ms: number; fresh: boolean },
): Kept {
  const at = host.now() / 1000;
  const { recall_samples: samples, recall_probes: probes } = collection.settings;
  const writers = openWriters(host, collection);
  try {
    const measured = measureSearch(host, collection, one, {
      samples,
      budget_ms,
      settings: probes > 0 ? { [settingName(one.method)]: atMost(one.method, probes) } : {},
    });
    if ("why" in measured) return { at, measured: null, why: measured.why };
    const known = before?.measured ?? null;
    // More than the last time is believed, and the first of an index that an action has made.
    const least = known?.recall ?? (fresh ? 0 : 1);
    const doubted = (measured.recall ?? 1) < least ? whyDoubted(host, collection, writers) : null;
    return doubted ? { at, measured: known, ...doubted } : { at, measured };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const ours = ([SQLSTATES.invalid_argument, SQLSTATES.untrusted_code] as string[]).includes(
      error.sqlstate,
    );
    if (!ours) return { at, measured: null, ...unreadable(host, one.index, error) };
    const { message, hint, sqlstate } = error.document;
    return {
      at,
      measured: null,
      why: printable(message, 600),
      ...(sqlstate === SQLSTATES.untrusted_code && { hint: printable(hint ?? "", 600) }),
    };
  }
}

/** recall_probes is for both, and pgvector takes no ef_search above 1,000. */
const atMost = (method: FilteredSearch["method"], probes: number): string =>
  String(method === "hnsw" ? Math.min(1000, probes) : probes);

export const settingName = (method: FilteredSearch["method"]): string =>
  method === "hnsw" ? "hnsw.ef_search" : "ivfflat.probes";

export interface SearchOptions {
  readonly samples: number;
  readonly budget_ms: number;
  /** pgvector's, in place of what the owner has. */
  readonly settings: Readonly<Record<string, string>>;
  /** The answer is one that more are to be held against. */
  readonly for_more?: boolean;
  /** An answer to hold it against: nothing is searched exactly again. */
  readonly against?: SearchMeasurement;
}

/**
 * Throws a SqlError where the role may not read, the table is locked, or a column is not what it
 * was when the search was named (RV001).
 */
export function measureSearch(
  host: Host,
  collection: Collection,
  { search, oid }: { readonly search: Pick<Search, "where" | "k">; readonly oid: string },
  { against, ...options }: SearchOptions,
): SearchMeasurement | { readonly why: string } {
  lockTable(host, collection);
  const wanted = {
    ...options,
    k: search.k,
    seed: collection.id,
    max_rows: collection.settings.recall_max_rows,
    predicate: searchPredicate(host, collection.relid, search),
    ...(against?.others && { kth: against.kth, others: against.others }),
  };
  return host.asOwner(collection.relid).one<{ answer: SearchMeasurement | { why: string } }>(sql`
      SELECT ruvector.healing_measure_search(${oid}::oid, ${collection.relid}::oid,
        ${JSON.stringify(wanted)}::jsonb) AS answer`).answer;
}

/** What is not known of a search. */
function gap({ name, settings }: Collection, text: string, kept: Kept | undefined): Unmeasured[] {
  const found = kept?.measured;
  if (found && kept.why !== undefined)
    return [{ what: `searches WHERE ${text} now`, why: kept.why, hint: kept.hint! }];
  if (found && (found.matches > 0 || found.share >= 1)) return [];
  if (found)
    return [
      {
        what: `searches WHERE ${text}`,
        why: `no row matches of some ${settings.recall_max_rows} that were looked at`,
        hint: "The setting recall_max_rows has more of them looked at.",
      },
    ];
  return [
    {
      what: `searches WHERE ${text}`,
      why: kept?.why ?? "their turn has not come yet (recall_budget_ms)",
      hint:
        kept?.hint ??
        (kept?.why === undefined
          ? "It comes with the next measurement."
          : "Name the searches anew: SELECT ruvector_healing_register(" +
            `${sqlLiteral(name)}, '{"searches": [...]}');`),
    },
  ];
}
