/** Conditions about what a table was registered as, and what its owner said and lets us do. */
import type { Column } from "../model/collection.ts";
import { obstacle, type Obstacle, type Partitioned } from "./condition.ts";

/** A moved row is found again by the key it was journaled with. */
export function otherKey({ facts, registered, column }: Partitioned): Obstacle | null {
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
export function noConsent({
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
export function meansSomething({ options, tenant, column }: Partitioned): Obstacle | null {
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
  if (!(options.searches ?? []).some(({ where }) => name in where)) return null;
  return obstacle(
    `searches that were named at registration filter by the partition column ${partition}`,
    "They would find other rows after a move: leave them out, or movable.",
    "free",
  );
}

export function noRight({ facts }: Partitioned): Obstacle | null {
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
