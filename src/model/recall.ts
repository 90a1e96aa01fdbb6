/** What a vector index finds, and what it should. */

/**
 * Where the recall that is due comes from: the setting recall_target, the best that this index was
 * measured at, or what a fresh build on the same rows attains.
 */
export type DueSource = "target" | "best" | "fresh_build";

/** Recall of one vector index, as measured. */
export interface RecallMetric {
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
}
