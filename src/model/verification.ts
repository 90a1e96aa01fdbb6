/** What verification compares before and after an action, and what it says. */

/** What searches by one index find and cost. */
export interface SearchFigure {
  /** Rows that the index has to hold. */
  readonly rows: number;
  readonly probes: number;
  readonly k: number;
  readonly recall: number | null;
  readonly recall_error: number | null;
  /** Mean blocks of a search, and the standard error of that; null: not counted. */
  readonly blocks: number | null;
  readonly blocks_error: number | null;
  /** Blocks of the table. Actions of older versions have none. */
  readonly table_blocks?: number | null;
  /**
   * The planner takes the index itself, another one, or none for the usual search; null: not known.
   */
  readonly planner: "this" | "other" | "none" | null;
}

/** By index, `schema.name`. */
export type SearchFigures = Readonly<Record<string, SearchFigure>>;

/** Health of the parts of the graph, 0 to 1, by a name for people; null: not measured. */
export type PartsHealth = Readonly<Record<string, number | null>>;

export interface Verification {
  /** What got worse by it: it is undone. */
  readonly worse: readonly string[];
  /** What got worse meanwhile, by something else as far as can be told. */
  readonly meanwhile: readonly string[];
  /**
   * The parts that it was for, where they were sick and all are well: lambda may be as low for what
   * fell meanwhile. Actions of older versions have none.
   */
  readonly mended?: readonly string[];
  readonly looked_at: readonly string[];
}
