/** What a condition is asked of, and what it answers. */
import type { Collection, RegisteredOptions } from "../model/collection.ts";
import type { TableFacts } from "./introspect.ts";
import type { MoveFacts } from "./move-facts.ts";

/** Something that stands in the way of moves. */
export interface Obstacle {
  readonly reason: string;
  readonly hint: string;
  /**
   * What it means for rows that were moved before it was there. Moving back is a move as well:
   * "never" where it would do the same harm, "asked" where only a person may want it all the same,
   * "free" where it does none. Rows that stay are no harm: the owner said that their place means
   * nothing.
   */
  readonly back: "free" | "asked" | "never";
}

/** What a table was registered as; null while it is being registered. */
export type Registered = Pick<Collection, "primary_key" | "partition_column"> & {
  readonly options: Readonly<Record<string, unknown>>;
};

/** What the conditions look at. */
export interface Examined {
  readonly facts: TableFacts;
  readonly moves: MoveFacts;
  /** What the owner said. */
  readonly options: RegisteredOptions;
  /** The column that says whose a row is; null: none does. */
  readonly tenant: string | null;
  readonly registered: Registered | null;
}

/** Of a table that is partitioned by a plain column. */
export type Partitioned = Examined & {
  readonly column: NonNullable<TableFacts["partition_column"]>;
};

export type Condition<T = Partitioned> = (table: T) => Obstacle | null;

export const obstacle = (
  reason: string,
  hint: string,
  back: Obstacle["back"] = "never",
): Obstacle => ({
  reason,
  hint,
  back,
});
