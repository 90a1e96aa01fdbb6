/** THE list of conditions under which rows of a table cannot be moved between partitions. */
import { type Condition, obstacle, type Obstacle } from "./condition.ts";
import { meansSomething, noConsent, noRight, otherKey } from "./consent.ts";
import type { TableFacts } from "./introspect.ts";
import type { MoveFacts } from "./move-facts.ts";

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
    "decoding",
    "logical slots pass a move on as a delete and an insert",
    "They decode every table of the database, and what reads them cannot be seen from here; one " +
      "that nobody reads: SELECT pg_drop_replication_slot(...);",
  ),
  listed(
    "subscriptions",
    "subscriptions write to the table",
    "Their publisher finds rows by the whole key, the partition column included.",
  ),
  listed(
    "unclear_constraints",
    "unique indexes with a predicate, an expression, NULLS NOT DISTINCT, a collation of their " +
      "own or an extension's type, or exclusion constraints",
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
          "Rows that the role does not see would be left behind in silence. ALTER ROLE ... " +
            "BYPASSRLS, by a superuser, lets it see all.",
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
    "views",
    "views, functions or policies read single partitions",
    "A moved row would leave what they read, or come into it: have them read the table, or drop " +
      "them.",
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
