/** What a vector index finds, and what it should. */

/**
 * Where the recall that is due comes from: the setting recall_target, the best that this index was
 * measured at, or what a fresh build on the same rows attains.
 */
export type DueSource = "target" | "best" | "fresh_build";

/** What is dead in the table of a vector index, and whether it is being vacuumed. */
export interface VacuumState {
  readonly dead_rows: number;
  readonly live_rows: number;
  /** Seconds since 1970; null: never, as far as the statistics go back. */
  readonly last_vacuum: number | null;
  /** The phase of the one that runs, and how far it is; null: none does. */
  readonly vacuum: string | null;
}

/** Recall of one vector index, as measured; samples of older versions say nothing of vacuum. */
export interface RecallMetric extends Partial<VacuumState> {
  /** Of the k nearest rows, the share that the index finds. */
  readonly recall: number;
  /** What it is judged against; null: nothing yet. */
  readonly baseline: number | null;
  /** ivfflat.probes or hnsw.ef_search. */
  readonly probes: number;
  readonly k: number;
  /** Where `baseline` comes from. Samples of older versions do not say. */
  readonly due_from?: DueSource | null;
  /** What a search costs with these probes; null: not counted. */
  readonly blocks?: number | null;
  readonly ms?: number | null;
  /** What a fresh index reads, where searches read so much more that it lowers health. */
  readonly due_blocks?: number;
}

/** A value of a column as JSON has it; null: IS NULL. */
export type SearchValue = string | number | boolean | null;

/** A search with a filter as its owner names it: equality, or one of several values. */
export interface SearchInput {
  readonly where: Readonly<Record<string, SearchValue | readonly SearchValue[]>>;
  /** Without it: 10. */
  readonly k?: number | undefined;
}

export interface Search extends SearchInput {
  readonly k: number;
}

/** What one such search gets, by one vector index or by none. */
export interface SearchMetric {
  /** "tenant_id = 7", as people write it. */
  readonly search: string;
  readonly k: number;
  /** The vector indexes that the planner takes, `schema.name`; empty: the answer is exact. */
  readonly indexes: readonly string[];
  /** Of the nearest rows that match, the share that is found; null: none match. */
  readonly recall: number | null;
  /** Mean rows returned, and those that were due: k, or as many as match. */
  readonly returned: number | null;
  readonly asked: number | null;
  /** Rows that match; of large tables an estimate. */
  readonly matches: number;
  /** What is due: what searches without a filter are due by the same index. */
  readonly due: number | null;
  readonly blocks: number | null;
  readonly ms: number | null;
  /** pgvector's settings in effect. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A vector index that no search used while its table was read from end to end. */
export interface UnusedIndex {
  /** `schema.name`, quoted. */
  readonly index: string;
  /** Seconds since 1970. */
  readonly since: number;
  /** How often its table was read through by sequential scans since then. */
  readonly read_through: number;
  /** Why that is, as far as can be told. */
  readonly reason: string;
  readonly hint: string;
}

/** A vector index of a partitioned table that is INVALID as a whole. */
export interface IncompleteIndex {
  /** `schema.name`, quoted. */
  readonly index: string;
  readonly partitions: number;
  /** Partitions without a part of it, and the first of them by name. */
  readonly lacking: number;
  readonly named: readonly string[];
  /** What makes it whole, partition by partition: the first ones, and how many more there are. */
  readonly statements: readonly string[];
  readonly more: number;
}

/** What is told of vector indexes and is no sickness; absent: nothing. */
export interface ToldIndexes {
  /** Those of partitioned tables that lack parts. */
  readonly incomplete_indexes?: readonly IncompleteIndex[];
  /** Those that nobody searches by. */
  readonly unused_indexes?: readonly UnusedIndex[];
}
