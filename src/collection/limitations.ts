import type { Collection, Limitation } from "../model/collection.ts";
import type { TableFacts } from "./introspect.ts";

const TENANT_NAME = /^(tenant|customer|account|org|organization|organisation|client|workspace)(_?(id|key|uuid))?$/i;

/** The tenant column of a table: what the user said, or the first column of a usual name. */
export function tenantColumn(facts: TableFacts, given: string | undefined): string | null {
  return given ?? facts.columns.find((name) => TENANT_NAME.test(name)) ?? null;
}

/** The strategies that move rows between partitions: what stands in the way of one stands in the way of all. */
export const ROW_MOVERS = ["rebalance_partitions", "drain_hot_partition", "evict_cold_data"] as const;

const consentOf = (table: string): string => `SELECT ruvector_healing_register('${table.replace(/'/g, "''")}', '{"movable": true}');`;

/** Why a strategy that moves rows does not apply to a collection; true: it does. */
export const mayMoveRows = (
  strategy: (typeof ROW_MOVERS)[number], { limitations, movable, name }: Pick<Collection, "limitations" | "movable" | "name">,
): true | Limitation =>
  // Collections registered before a strategy was there have the reasons of rebalance_partitions, which are the same.
  limitations.find((one) => one.strategy === strategy) ?? limitations.find((one) => one.strategy === "rebalance_partitions") ??
  // Registered when a column's name was taken for consent, or the DEFAULT that gave it is gone.
  (movable || { strategy, reason: "nobody said that rows may move", hint: consentOf(name) });

/**
 * Why rows of this table cannot be moved between partitions, for each strategy that would. Empty: they can.
 * A move must be invisible to the application, so everything that could see it, or that could lose a row, is
 * a reason: a partition column with a meaning, triggers, foreign keys, constraints that cannot be checked first.
 */
export function moveLimitations(facts: TableFacts, movable: boolean | undefined): Limitation[] {
  const found: Limitation[] = [];
  const add = (reason: string, hint: string) => ROW_MOVERS.forEach((strategy) => found.push({ strategy, reason, hint }));
  const column = facts.partition_column;
  if (facts.partition_strategy === "none") {
    add("the table is not partitioned", "Partition it BY LIST on a partition_id column to have rows moved between partitions.");
    return found;
  }
  if (facts.partition_strategy !== "list") {
    add(
      `the table is partitioned BY ${facts.partition_strategy.toUpperCase()}: a row's place follows from its values`,
      "Rows are moved between LIST partitions only; sensing works as it is.",
    );
    return found;
  }
  if (column === null) {
    add("the partition key is an expression", "Partition by a plain column to have rows moved between partitions.");
    return found;
  }
  if (column.generated) add(`the partition column ${column.quoted} is generated`, "A generated column cannot be updated.");
  if (!facts.primary_key.some((key) => key.name !== column.name)) {
    add("there is no primary key beside the partition column", "Rows are journaled by primary key: add one that includes an id.");
  }
  if (facts.triggers.length > 0) {
    add(`triggers would see the moves: ${facts.triggers.join(", ")}`, "Rows of tables with user triggers are not moved.");
  }
  if (facts.referenced_by.length > 0) {
    add(`foreign keys point at the table: ${facts.referenced_by.join(", ")}`, "Rows that are referenced are not moved.");
  }
  if (facts.unclear_constraints.length > 0) {
    add(
      `unique indexes with a predicate or an expression, or exclusion constraints: ${facts.unclear_constraints.join(", ")}`,
      "A move could collide on them; plain unique indexes are fine.",
    );
  }
  if (facts.forced_row_security) {
    add("row-level security applies to the installing role", "Rows that the role does not see would be left behind in silence.");
  }
  if (facts.sub_partitioned.length > 0) add(`partitions are partitioned themselves: ${facts.sub_partitioned.join(", ")}`, "Only one level of partitions is served.");
  if (facts.foreign_partitions.length > 0) add(`partitions are foreign tables: ${facts.foreign_partitions.join(", ")}`, "Rows cannot be journaled across servers.");
  const consent = consentOf(facts.qualified);
  if (movable === false) add("registered with movable = false", `To have rows moved: ${consent}`);
  else if (movable === undefined && !column.routed) {
    add(
      `nobody said that rows may move: the partition column ${column.quoted} may mean something to the application`,
      `If it only spreads the rows, say so: ${consent}`,
    );
  }
  if (facts.access === "none") {
    add(`the table belongs to ${facts.owner}, and role ${facts.installer} may not act as its owner`, `GRANT ${facts.owner} TO ${facts.installer};`);
  } else if (!facts.may_update) {
    add(`role ${facts.installer} may not update the table`, `GRANT SELECT, UPDATE ON ${facts.qualified} TO ${facts.installer};`);
  }
  return found;
}

/** What evict_cold_data needs beside a table whose rows may be moved: how to tell cold rows, and where to put them. */
export function evictionLimitations(facts: TableFacts, options: { readonly access_column?: string | undefined; readonly cold_partition?: unknown }): Limitation[] {
  const missing = [
    ...(options.access_column === undefined ? ["access_column (a time of last use, a count of uses)"] : []),
    ...(options.cold_partition === undefined ? ["cold_partition (the partition key value for cold rows)"] : []),
  ];
  if (missing.length === 0) return [];
  return [{
    strategy: "evict_cold_data",
    reason: `registered without ${missing.join(" and ")}`,
    hint: `Register ${facts.qualified} again with the options access_column and cold_partition.`,
  }];
}

/** Why inserts into this table cannot be throttled. Empty: they can. */
export function throttleLimitations({ owns, owner, installer, qualified }: TableFacts): Limitation[] {
  if (owns) return [];
  return [{
    strategy: "throttle_ingestion",
    reason: `${qualified} belongs to ${owner}: only its owner can remove the trigger that throttles`,
    hint: `GRANT ${owner} TO ${installer}; and register the table again.`,
  }];
}
