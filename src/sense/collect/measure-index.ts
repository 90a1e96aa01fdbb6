/** Recall, cost and occupancy of one vector index. */
import sql from "sql-template-tag";
import { lockTable } from "../../collection/lookup.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { IndexMeasurement } from "../vector-index.ts";

export interface MeasureOptions {
  readonly k: number;
  readonly samples: number;
  /** 0: as a new session of the table's owner has them. */
  readonly probes: number;
  /** The iterative scan that searches go on by; left out: that of a new session likewise. */
  readonly iterative?: string;
  readonly budget_ms: number;
  readonly occupancy: boolean;
  /** Searches go on from `samples` until recall is within this, or the time is over. */
  readonly error?: number;
  /** A transaction: the share of rows written later is told (`replaced`). */
  readonly since?: string | undefined;
  /** false: no search without the index, so no recall. */
  readonly exact?: boolean;
  /** Each search by itself, and what the planner takes. */
  readonly cost?: boolean;
  /** How far the k-th row of each search is, of an earlier answer: no search without the index. */
  readonly kth?: readonly number[];
}

/**
 * What `cost` adds to a measurement: a number for each search, of the same rows as long as the
 * table stays the same.
 */
export interface SearchCosts {
  readonly blocks: readonly number[] | null;
  readonly searches_ms: readonly number[];
  /** The index that the planner takes with the settings of the table's owner; null: none. */
  readonly takes: string | null;
  /** The measured one's own name, unquoted as `takes` is. */
  readonly index_name: string;
  /** How far the k-th nearest row of each is; empty where none was searched exactly. */
  readonly kth: readonly number[];
  /** Mean rows that a search returned. */
  readonly returned: number | null;
}

/** What searches cost is there where it was asked for. */
export type MeasuredAs<Options> = Options extends { readonly cost: true }
  ? IndexMeasurement & SearchCosts
  : IndexMeasurement;

/**
 * Recall and occupancy of one index, by its oid. Throws a SqlError where the role may not read or
 * the table is locked.
 */
export function measureIndex<const Options extends MeasureOptions>(
  host: Host,
  collection: Collection,
  oid: string,
  options: Options,
): MeasuredAs<Options> | { readonly why: string } {
  // Never behind somebody's lock, and under one that lets no owner slip code in.
  lockTable(host, collection);
  const { recall_max_rows: max_rows, exact_count_pages } = collection.settings;
  // One seed: the rows searched for stay the same from one measurement to the next, so that recall
  // moves with the index and not with the sample.
  const wanted = { ...options, seed: collection.id, max_rows, exact_count_pages };
  return host.asOwner(collection.relid).one<{ answer: MeasuredAs<Options> | { why: string } }>(sql`
    SELECT ruvector.healing_measure_index(${oid}::oid, ${JSON.stringify(wanted)}::jsonb) AS answer`)
    .answer;
}
