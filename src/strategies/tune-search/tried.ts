/** What tune_search tries for a search with a filter, and what came of it. */
import type { Search } from "../../model/recall.ts";
import type { SearchMeasurement } from "../../sense/vector-index.ts";

/** A setting of pgvector's, and a value that it gets. */
export interface Means {
  readonly setting: string;
  readonly value: string;
  /** What is in effect. */
  readonly was: string;
}

export interface SearchPoint {
  readonly recall: number;
  readonly returned: number;
  readonly blocks: number | null;
  readonly ms: number | null;
}

export interface TunedSearch {
  readonly search: Search;
  readonly text: string;
  /** The first index that it takes, and the one by whose key it is measured. */
  readonly index: string;
  readonly oid: string;
  readonly due: number;
  readonly before: SearchPoint;
  readonly after: SearchPoint;
}

export interface Tried {
  readonly means: Means;
  readonly after: SearchMeasurement;
  /** Cost of a row found, over what it is now; null: not known. */
  readonly each: number | null;
  /** Cost of a search without a filter, over what it is now. */
  readonly plain: number;
  /** The planner would take the index for those no more. */
  readonly turns: boolean;
}
