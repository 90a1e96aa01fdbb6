/** What is measured of a vector index: recall, cost, and how full its lists are. */
import type { DueSource, Search, VacuumState } from "../model/recall.ts";

/** What one measurement of an index found; null: it could not be measured, `why` says so. */
export interface IndexMeasurement {
  readonly method: "ivfflat" | "hnsw";
  /** ivfflat.probes, or hnsw.ef_search, that the searches were made with. */
  readonly probes: number;
  /** The iterative scan likewise. Measurements of older versions have none: it was off. */
  readonly iterative?: string | null;
  readonly k: number;
  /** Rows searched for. */
  readonly samples: number;
  readonly rows: number;
  /**
   * Share of the table that each was compared with: 1, or less where the table is larger than
   * recall_max_rows.
   */
  readonly share: number;
  /** Blocks of its table. Measurements of older versions have none. */
  readonly pages?: number;
  /** Of the k nearest rows, the share that the index finds; null: no rows to search for. */
  readonly recall: number | null;
  /**
   * Standard error of the recall; null: too few searches. Measurements of older versions have none.
   */
  readonly recall_error?: number | null;
  /** Mean milliseconds of a search by the index, and of one without it. */
  readonly index_ms: number | null;
  readonly exact_ms: number | null;
  /**
   * Mean blocks of index and table that a search by the index reads; null: not counted.
   * Measurements of older versions have none.
   */
  readonly search_blocks?: number | null;
  /** Its standard error; null: of one search. Measurements of older versions have none. */
  readonly search_blocks_error?: number | null;
  /** Those of the index among them. */
  readonly index_blocks?: number | null;
  /**
   * Entries of lists. pageinspect: of every list, in the index's order, dead ones not yet vacuumed
   * included. sampled: live rows of the lists that were met, fullest first.
   */
  readonly lists: {
    readonly source: "pageinspect" | "sampled";
    readonly rows: readonly number[];
    /** Rows that lie in the lists that were met; measurements of older versions do not say. */
    readonly sampled?: number;
    /** Of so many lists; likewise. */
    readonly of?: number;
    /**
     * Rows of the largest groups of equal vectors, the most there may be; measurements of older
     * versions have none.
     */
    readonly equal?: readonly number[];
    /**
     * Share of the rows that are younger than the index, and than its file; null: none were
     * sampled. Measurements of older versions have none.
     */
    readonly since_made?: number | null;
    readonly since_file?: number | null;
  } | null;
  /**
   * Share of the rows that were written after the trial that stands; null or absent: none does, or
   * one of an older version.
   */
  readonly replaced?: number | null;
  readonly duration_ms: number;
}

type Depth = Pick<IndexMeasurement, "probes" | "iterative" | "k">;

/** Whether two were searched in the same way: what one finds and reads can be said of the other. */
export const sameDepth = (one: Depth, other: Depth): boolean =>
  one.probes === other.probes &&
  one.k === other.k &&
  (one.iterative ?? "off") === (other.iterative ?? "off");

/** What a fresh build of the same kind on a sample of the same rows finds, and costs to make. */
export interface TrialMeasurement {
  /** Rows that it was built on, of so many. */
  readonly sampled: number;
  readonly rows: number;
  readonly probes: number;
  readonly iterative?: string | null;
  readonly k: number;
  /** At `rows` rows: measured where all were sampled, else extrapolated. */
  readonly recall: number;
  readonly recall_error: number;
  /** What a search by it reads, likewise; null: not counted. Trials of older versions have none. */
  readonly blocks?: number | null;
  /** Fullest list over the mean; null: no time, or too few rows. Older ones have none. */
  readonly skew?: number | null;
  /** Its standard error; trials of older versions have none. */
  readonly blocks_error?: number | null;
  /**
   * The share of its rows that are younger than the index; null: none were sampled. Trials of older
   * versions have it of hnsw indexes alone.
   */
  readonly since_made?: number | null;
  readonly build_ms: number;
  /** What was written by this transaction or later ones it has not seen. Older ones have none. */
  readonly xid?: string;
  /** Seconds since 1970. */
  readonly at: number;
}

/** A vector index that is INVALID, and that nobody is building now. */
export interface InvalidIndex {
  /** `schema.name`, quoted. */
  readonly index: string;
  readonly oid: string;
  /** Rows of its table, as the planner counts. */
  readonly rows: number;
  readonly bytes: number;
  /** A valid one of the same table that says the same: this one is what a build left; or null. */
  readonly twin?: string | null;
}

export interface CentroidGroup {
  /** The vector index, `schema.name` quoted. */
  readonly index: string;
  readonly method: "ivfflat" | "hnsw";
  /** Lists of an ivfflat index; 0 for hnsw. */
  readonly lists: number;
  readonly measured: IndexMeasurement | null;
  /** The recall it is judged against, and where that comes from; null: nothing is known yet. */
  readonly baseline: number | null;
  readonly due_from: DueSource | null;
  /** What a fresh build attains, as last tried. */
  readonly trial: TrialMeasurement | null;
  /** Blocks that a search should read; null: not known. */
  readonly due_blocks?: number | null;
  /**
   * Fullest list over the mean that a build on the rows there are has: of data that lies in
   * clusters many times the mean. null: not known.
   */
  readonly attained?: number | null;
  /** Why that is not known, where the fullest list would be judged by it. */
  readonly unattained?: string;
  /** Seconds since 1970. */
  readonly measured_at: number | null;
  /** Not measured because its turn has not come. */
  readonly waits?: true;
  readonly vacuum?: VacuumState;
}

/** What one measurement of a search with a filter found (ruvector.healing_measure_search). */
export interface SearchMeasurement {
  readonly k: number;
  /** Rows that match; estimated where `share` of the table was looked at. */
  readonly matches: number;
  readonly share: number;
  /** Rows searched for. */
  readonly samples: number;
  /** Of the nearest rows that match; null: none match. */
  readonly recall: number | null;
  readonly recall_error: number | null;
  /** Mean rows returned, and those there were to return: k, or as many as match. */
  readonly returned: number | null;
  readonly asked: number | null;
  readonly ms: number | null;
  readonly blocks: number | null;
  readonly table_blocks: number;
  /** Vector indexes that the planner takes, `schema.name`; empty: the answer is exact. */
  readonly indexes: readonly string[];
  /** Another index that it takes in their place; null: none. */
  readonly takes: string | null;
  readonly settings: Readonly<Record<string, string>>;
  /** Of each search, where more are to be held against it: of a table that was read whole. */
  readonly kth?: readonly (number | null)[];
  readonly others?: readonly number[];
}

/** A search with a filter, by one of the keys that vector indexes have. */
export interface FilteredSearch {
  readonly search: Search;
  /** As people write it: tenant_id = 7. */
  readonly text: string;
  /** An index that says by which key and distance is searched; whichever one the planner takes. */
  readonly oid: string;
  readonly method: "ivfflat" | "hnsw";
  readonly measured: SearchMeasurement | null;
  /** What a search without the filter is due by the same indexes; null: not known. */
  readonly due: number | null;
  /** Seconds since 1970. */
  readonly measured_at?: number | null;
}
