/** What stands in the way of moving rows: one list for registration and for each batch. */
import type { Collection, Column } from "../model/collection.ts";
import type { Untrusted } from "../host/host.ts";
import { printable } from "../base/text.ts";
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

const quoted = (text: string): string => `'${text.replace(/'/g, "''")}'`;

const registering = (table: string, options: object): string =>
  `SELECT ruvector_healing_register(${quoted(table)}, ${quoted(
    `{${Object.entries(options)
      .map(([key, value]) => `"${key}": ${JSON.stringify(value)}`)
      .join(", ")}}`,
  )});`;

/**
 * THE list of conditions: why rows of this table cannot be moved between partitions. Empty: they
 * can. Asked at registration, whenever the collection is loaded (before every decision), and under
 * the lock of every batch, forward and back. A move must be invisible, so everything that could see
 * it, set something off, wait for others, or lose a row, is a reason.
 */
export function obstacles(
  facts: TableFacts,
  moves: MoveFacts,
  movable: boolean | undefined,
  registered: Registered | null,
): Obstacle[] {
  const found: Obstacle[] = [];
  const add = (reason: string, hint: string, back: Obstacle["back"] = "never") =>
    void found.push({ reason, hint, back });
  const named = (
    list: readonly string[],
    reason: string,
    hint: string,
    back?: Obstacle["back"],
  ) => {
    const more = list.length > 10 ? `, and ${list.length - 10} more` : "";
    if (list.length > 0) add(`${reason}: ${list.slice(0, 10).join(", ")}${more}`, hint, back);
  };
  const column = facts.partition_column;
  if (facts.partition_strategy === "none") {
    add(
      "the table is not partitioned",
      "Partition it BY LIST on a partition_id column to have rows moved between partitions.",
    );
    return found;
  }
  if (facts.partition_strategy !== "list") {
    add(
      `the table is partitioned BY ${facts.partition_strategy.toUpperCase()}: a row's place ` +
        "follows from its values",
      "Rows are moved between LIST partitions only; sensing works as it is.",
    );
    return found;
  }
  if (column === null) {
    add(
      "the partition key is an expression",
      "Partition by a plain column to have rows moved between partitions.",
    );
    return found;
  }
  if (
    registered &&
    (registered.partition_column?.name !== column.name ||
      registered.partition_column.type !== column.type ||
      !sameKey(registered.primary_key, facts.primary_key))
  ) {
    add(
      "its partition column or primary key is not the one it was registered with",
      registering(facts.qualified, registered.options),
    );
  }
  if (column.generated)
    add(
      `the partition column ${column.quoted} is generated`,
      "A generated column cannot be updated.",
    );
  if (!facts.primary_key.some((key) => key.name !== column.name)) {
    add(
      "there is no primary key beside the partition column",
      "Rows are journaled by primary key: add one that includes an id.",
    );
  }
  named(
    moves.triggers,
    "triggers would see the moves",
    "Rows of tables with user triggers are not moved.",
    "asked",
  );
  named(
    moves.rules,
    "rules would rewrite the moves",
    "Rows of tables with rules ON UPDATE are not moved.",
  );
  named(
    moves.referenced_by,
    "foreign keys point at the table",
    "Rows that are referenced are not moved: their key would change, and with ON UPDATE " +
      "CASCADE rows of others.",
  );
  named(
    moves.references,
    "the table has foreign keys",
    "A moved row is inserted anew, which waits for whoever has locked the row it points at.",
  );
  named(
    moves.publications,
    "publications pass a move on as a delete and an insert",
    "What a subscriber makes of them cannot be seen from here (a lost or a double row, a " +
      "trigger, a partition it has not): rows of published tables are not moved.",
  );
  named(
    moves.subscriptions,
    "subscriptions write to the table",
    "Their publisher finds rows by the whole key, the partition column included.",
  );
  named(
    moves.unclear_constraints,
    "unique indexes with a predicate, an expression, NULLS NOT DISTINCT or a collation of " +
      "their own, or exclusion constraints",
    "A move could collide on them; plain unique indexes are fine.",
  );
  named(
    moves.deferrable_constraints,
    "constraints that may wait for the commit",
    "A move could wait or fail there; make them NOT DEFERRABLE.",
  );
  named(
    moves.generated,
    "generated columns follow from the partition",
    "A moved row would have another value in them.",
  );
  if (moves.forced_row_security) {
    add(
      "row-level security applies to the installing role",
      "Rows that the role does not see would be left behind in silence.",
    );
  }
  named(
    moves.sub_partitioned,
    "partitions are partitioned themselves",
    "Only one level of partitions is served.",
  );
  named(
    moves.foreign_partitions,
    "partitions are foreign tables",
    "Rows cannot be journaled across servers.",
  );
  named(
    moves.other_owners,
    "partitions belong to other roles than the table",
    `Their code would run with the rights of ${facts.owner}: ALTER TABLE ... OWNER TO ` +
      `${facts.owner};`,
  );
  if (movable === false)
    add(
      "registered with movable = false",
      "To have rows moved: " +
        `${registering(facts.qualified, { ...registered?.options, movable: true })}`,
      "free",
    );
  else if (movable === undefined && !column.routed) {
    add(
      `nobody said that rows may move: the partition column ${column.quoted} may mean ` +
        "something to the application",
      "If it only spreads the rows, say so: " +
        `${registering(facts.qualified, { ...registered?.options, movable: true })}`,
      "free",
    );
  }
  if (facts.access === "none") {
    add(
      `the table belongs to ${facts.owner}, and role ${facts.installer} may not act as its owner`,
      `GRANT ${facts.owner} TO ${facts.installer};`,
    );
  } else if (!facts.may_update) {
    add(
      `role ${facts.installer} may not update the table`,
      `GRANT SELECT, UPDATE ON ${facts.qualified} TO ${facts.installer};`,
    );
  }
  return found;
}

/** The first of them in one sentence. */
export function untrustedText(found: readonly Untrusted[]): string {
  const named = [...new Set(found.map(({ what }) => printable(what, 300)))];
  return (
    "code of roles that are not trusted would run: " +
    `${named.slice(0, 3).join("; ")}${named.length > 3 ? `; and ${named.length - 3} more` : ""}`
  );
}

/**
 * Code of roles that nobody trusts is not run, forward or back: nobody can answer for what it does.
 */
export function untrustedObstacles(found: readonly Untrusted[]): Obstacle[] {
  if (found.length === 0) return [];
  return [
    {
      reason: untrustedText(found),
      hint: printable(found[0]!.hint, 600),
      back: "never",
    },
  ];
}

const sameKey = (a: readonly Column[], b: readonly Column[]): boolean =>
  a.length === b.length &&
  a.every(({ name, type }, place) => name === b[place]!.name && type === b[place]!.type);
