/** Which column of a table is served, or why the table cannot be. */
import { HealingError } from "../base/errors.ts";
import type { TableFacts } from "./introspect.ts";

/** The installing role has not the rights that sensing needs; all that it lacks, to type. */
export function mayNotRead(facts: TableFacts): HealingError {
  const { qualified, installer, schema_quoted, may_enter, may_select } = facts;
  return new HealingError("missing_privilege", `role ${installer} may not read ${qualified}`, {
    detail: "The loop works with the rights of the role that installed it.",
    hint: [
      ...(may_enter ? [] : [`GRANT USAGE ON SCHEMA ${schema_quoted} TO ${installer};`]),
      ...(may_select ? [] : [`GRANT SELECT, UPDATE ON ${qualified} TO ${installer};`]),
    ].join(" "),
  });
}

export function servableVectorColumn(facts: TableFacts, wanted: string | undefined) {
  if (!["r", "p"].includes(facts.kind)) {
    throw new HealingError("unsupported_table", `${facts.qualified} is not a table`, {
      detail:
        `pg_class.relkind is "${facts.kind}"; tables (r) and partitioned tables (p) can be ` +
        "registered.",
      hint:
        facts.kind === "m"
          ? `REFRESH MATERIALIZED VIEW ${facts.qualified}; builds its indexes anew. Or register ` +
            "the table that it is made from."
          : "Register the table behind it.",
    });
  }
  if (facts.is_partition) {
    throw new HealingError("unsupported_table", `${facts.qualified} is a partition`, {
      detail: "Partitions are healed as parts of their table.",
      hint:
        "SELECT ruvector_healing_register((SELECT inhparent::regclass::text FROM pg_inherits " +
        `WHERE inhrelid = '${facts.qualified.replace(/'/g, "''")}'::regclass));`,
    });
  }
  if (facts.temporary) {
    throw new HealingError("unsupported_table", `${facts.qualified} is a temporary table`, {
      detail: "It is gone with its session, and no other session, the loop's neither, can read it.",
      hint: "Register a table that stays: CREATE TABLE, or CREATE UNLOGGED TABLE.",
    });
  }
  if (!facts.may_enter || !facts.may_select) throw mayNotRead(facts);
  if (facts.vector_columns.length === 0) {
    throw new HealingError("unsupported_table", `${facts.qualified} has no vector column`, {
      detail: `Its columns: ${facts.columns.join(", ")}.`,
      hint:
        "A collection is a table with a column of pgvector's types vector, halfvec, sparsevec, " +
        "of a domain over one, or of bit with an index of pgvector's.",
    });
  }
  const chosen =
    wanted === undefined
      ? (facts.vector_columns.find((column) => column.indexed) ?? facts.vector_columns[0])
      : facts.vector_columns.find((column) => column.name === wanted);
  if (!chosen) {
    throw new HealingError(
      "invalid_argument",
      `"${wanted}" is not a vector column of ${facts.qualified}`,
      {
        detail: "Given as vector_column.",
        hint: `Its vector columns: ${facts.vector_columns.map(({ name }) => name).join(", ")}.`,
      },
    );
  }
  return chosen;
}
