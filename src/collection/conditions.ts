/** THE list of conditions under which rows of a table cannot be moved between partitions. */
import type { Collection, Column, RegisteredOptions } from "../model/collection.ts";
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
type Partitioned = Examined & { readonly column: NonNullable<TableFacts["partition_column"]> };

type Condition<T = Partitioned> = (table: T) => Obstacle | null;

const obstacle = (reason: string, hint: string, back: Obstacle["back"] = "never"): Obstacle => ({
  reason,
  hint,
  back,
});

/** Holds where something of the kind is there, and names the first ten. */
const listed =
  (
    kind: Exclude<keyof MoveFacts, "forced_row_security">,
    reason: string,
    hint: string | ((facts: TableFacts) => string),
    back?: Obstacle["back"],
  ): Condition =>
  ({ facts, moves }) => {
    const names = moves[kind];
    if (names.length === 0) return null;
    const more = names.length > 10 ? `, and ${names.length - 10} more` : "";
    const what = `${reason}: ${names.slice(0, 10).join(", ")}${more}`;
    return obstacle(what, typeof hint === "string" ? hint : hint(facts), back);
  };

/** Why its rows have no other place to go to; nothing else is asked then. */
export const noPlaces: Condition<TableFacts> = ({ partition_strategy, partition_column }) => {
  if (partition_strategy === "none")
    return obstacle(
      "the table is not partitioned",
      "Partition it BY LIST on a partition_id column to have rows moved between partitions.",
    );
  if (partition_strategy !== "list")
    return obstacle(
      `the table is partitioned BY ${partition_strategy.toUpperCase()}: a row's place ` +
        "follows from its values",
      "Rows are moved between LIST partitions only; sensing works as it is.",
    );
  if (partition_column === null)
    return obstacle(
      "the partition key is an expression",
      "Partition by a plain column to have rows moved between partitions.",
    );
  return null;
};

/** In the order in which they are told. */
export const CONDITIONS: readonly Condition[] = [
  otherKey,
  ({ column }) =>
    column.generated
      ? obstacle(
          `the partition column ${column.quoted} is generated`,
          "A generated column cannot be updated.",
        )
      : null,
  ({ facts, column }) =>
    facts.primary_key.some((key) => key.name !== column.name)
      ? null
      : obstacle(
          "there is no primary key beside the partition column",
          "Rows are journaled by primary key: add one that includes an id.",
        ),
  listed(
    "triggers",
    "triggers would see the moves",
    "Rows of tables with user triggers are not moved.",
    "asked",
  ),
  listed(
    "rules",
    "rules would rewrite the moves",
    "Rows of tables with rules ON UPDATE are not moved.",
  ),
  listed(
    "referenced_by",
    "foreign keys point at the table",
    "Rows that are referenced are not moved: their key would change, and with ON UPDATE " +
      "CASCADE rows of others.",
  ),
  listed(
    "references",
    "the table has foreign keys",
    "A moved row is inserted anew, which waits for whoever has locked the row it points at.",
  ),
  listed(
    "publications",
    "publications pass a move on as a delete and an insert",
    "What a subscriber makes of them cannot be seen from here (a lost or a double row, a " +
      "trigger, a partition it has not): rows of published tables are not moved.",
  ),
  listed(
    "subscriptions",
    "subscriptions write to the table",
    "Their publisher finds rows by the whole key, the partition column included.",
  ),
  listed(
    "unclear_constraints",
    "unique indexes with a predicate, an expression, NULLS NOT DISTINCT or a collation of " +
      "their own, or exclusion constraints",
    "A move could collide on them; plain unique indexes are fine.",
  ),
  listed(
    "deferrable_constraints",
    "constraints that may wait for the commit",
    "A move could wait or fail there; make them NOT DEFERRABLE.",
  ),
  listed(
    "generated",
    "generated columns follow from the partition",
    "A moved row would have another value in them.",
  ),
  ({ moves }) =>
    moves.forced_row_security
      ? obstacle(
          "row-level security applies to the installing role",
          "Rows that the role does not see would be left behind in silence.",
        )
      : null,
  listed(
    "sub_partitioned",
    "partitions are partitioned themselves",
    "Only one level of partitions is served.",
  ),
  listed(
    "foreign_partitions",
    "partitions are foreign tables",
    "Rows cannot be journaled across servers.",
  ),
  listed(
    "other_owners",
    "partitions belong to other roles than the table",
    ({ owner }) =>
      `Their code would run with the rights of ${owner}: ALTER TABLE ... OWNER TO ${owner};`,
  ),
  listed(
    "parents",
    "the table is a partition of another one",
    "What hangs on that one (foreign keys, triggers, publications) is not looked at.",
  ),
  listed(
    "policies",
    "row-level security decides by where a row is",
    "Others would see a moved row, or no longer see it: rows are moved where no policy reads the " +
      "partition column, and partitions have none of their own.",
    "free",
  ),
  listed(
    "privileges",
    "roles may read single partitions and not the table",
    "They would see other rows after a move: grant them the table, or all partitions.",
    "free",
  ),
  listed(
    "unlogged",
    "partitions are UNLOGGED beside others that are not",
    "Rows that move there would be lost in a crash: ALTER TABLE ... SET LOGGED;",
    "free",
  ),
  listed(
    "access_methods",
    "partitions are stored by another access method than others",
    "A moved row might not be taken back from there.",
    "free",
  ),
  listed(
    "checks",
    "constraints say which rows a partition takes",
    "A moved row could break them. Put them on the table, without the partition column in them.",
    "free",
  ),
  listed(
    "alike",
    "values of the partition column can be equal and written differently",
    "A row that is moved back would get the value of the partition's bound (3 for 3.00, a for A).",
    "free",
  ),
  noConsent,
  meansSomething,
  noRight,
];

/** A moved row is found again by the key it was journaled with. */
function otherKey({ facts, registered, column }: Partitioned): Obstacle | null {
  if (
    registered === null ||
    (registered.partition_column?.name === column.name &&
      registered.partition_column.type === column.type &&
      sameKey(registered.primary_key, facts.primary_key))
  )
    return null;
  return obstacle(
    "its partition column or primary key is not the one it was registered with",
    registering(facts.qualified, registered.options),
  );
}

const sameKey = (a: readonly Column[], b: readonly Column[]): boolean =>
  a.length === b.length &&
  a.every(({ name, type }, place) => name === b[place]!.name && type === b[place]!.type);

/** The owner said no, or said nothing of a column that may mean something. */
function noConsent({
  facts,
  options: { movable },
  registered,
  column,
}: Partitioned): Obstacle | null {
  const consenting = registering(facts.qualified, { ...registered?.options, movable: true });
  if (movable === false)
    return obstacle("registered with movable = false", `To have rows moved: ${consenting}`, "free");
  if (movable !== undefined || column.routed) return null;
  return obstacle(
    `nobody said that rows may move: the partition column ${column.quoted} may mean ` +
      "something to the application",
    `If it only spreads the rows, say so: ${consenting}`,
    "free",
  );
}

/** The owner said that the column means nothing, and with the same breath what it means. */
function meansSomething({ options, tenant, column }: Partitioned): Obstacle | null {
  if (!(options.movable ?? column.routed)) return null;
  const { name, quoted: partition } = column;
  if (tenant === name)
    return obstacle(
      `the partition column ${partition} says whose a row is: it is the tenant column`,
      "A moved row would be another tenant's. If another column says it, register the table with " +
        "that one as tenant_column.",
      "free",
    );
  if (options.access_column === name)
    return obstacle(
      `the partition column ${partition} is the access_column`,
      "It says how lately a row was used, and would say something else after a move.",
      "free",
    );
  if (!(options.searches ?? []).some(({ where }) => Object.hasOwn(where, name))) return null;
  return obstacle(
    `searches that were named at registration filter by the partition column ${partition}`,
    "They would find other rows after a move: leave them out, or movable.",
    "free",
  );
}

function noRight({ facts }: Partitioned): Obstacle | null {
  const { access, owner, installer, qualified, may_update } = facts;
  if (access === "none")
    return obstacle(
      `the table belongs to ${owner}, and role ${installer} may not act as its owner`,
      `GRANT ${owner} TO ${installer};`,
    );
  if (may_update) return null;
  return obstacle(
    `role ${installer} may not update the table`,
    `GRANT SELECT, UPDATE ON ${qualified} TO ${installer};`,
  );
}

const quoted = (text: string): string => `'${text.replace(/'/g, "''")}'`;

/** What to type to register the table with these options. */
const registering = (table: string, options: object): string =>
  `SELECT ruvector_healing_register(${quoted(table)}, ${quoted(
    `{${Object.entries(options)
      .map(([key, value]) => `"${key}": ${JSON.stringify(value)}`)
      .join(", ")}}`,
  )});`;
