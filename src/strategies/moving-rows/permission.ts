/**
 * Whether rows may move, and move back, asked under the lock of each batch: what was true when it
 * was planned may not be any more.
 */
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import { identityColumns } from "./identity.ts";
import type { Obstacle } from "../../collection/condition.ts";
import type { MoveConditions } from "../../collection/lookup.ts";
import type { Collection } from "../../model/collection.ts";
import { HealingError } from "../../base/errors.ts";
import { printable } from "../../base/text.ts";

function refuse(collection: Collection, how: string, [first, ...more]: readonly Obstacle[]): void {
  if (!first) return;
  throw new HealingError(
    "move_refused",
    `rows of ${printable(collection.name, 200)} may not ${how}: ${printable(first.reason, 600)}`,
    {
      detail:
        more.length > 0
          ? `And: ${more.map(({ reason }) => printable(reason, 300)).join("; ")}.`
          : "Nothing else stands in the way.",
      hint: first.hint,
    },
  );
}

/**
 * Of conditions that were read with ROW EXCLUSIVE held on the table and its partitions: until the
 * transaction ends nobody can make a trigger, a rule, a foreign key, a constraint or a policy
 * there.
 * @throws HealingError RV018
 */
export const checkMove = (collection: Collection, { obstacles }: MoveConditions): void =>
  refuse(collection, "be moved any more", obstacles);

/**
 * Of conditions on the table and on the two partitions of the step: only what moving back would
 * harm.
 * @param asked a person wants it, who was not held up by a trigger of their own
 * @throws HealingError RV018: the rows stay where they are
 */
export const checkMoveBack = (
  collection: Collection,
  { obstacles }: MoveConditions,
  asked: boolean,
): void =>
  refuse(
    collection,
    "be moved back",
    obstacles.filter(({ back }) => back === "never" || (back === "asked" && !asked)),
  );

/**
 * A publication takes no lock that writers meet, so that one can be made while a batch runs: looked
 * for once more when it has moved its rows. What is left is the moment until the commit; a
 * subscription made by then copies the table after it.
 * @throws HealingError RV018: the batch is taken back
 */
export function checkPublications(collection: Collection, found: readonly string[]): void {
  if (found.length > 0)
    refuse(collection, "be moved any more", [
      {
        reason: `publications pass a move on: ${found.join(", ")}`,
        hint: "Rows of published tables are not moved.",
        back: "never",
      },
    ]);
}

const REPLACED = {
  reason: "the table that they are of was replaced: this one has its name",
  hint:
    "To take them back, that one has to have its name again, and this one another. If it was " +
    "dropped, they went with it.",
  back: "never",
} as const;

/**
 * A table that was swapped in by its name has rows of its own.
 * @param begun oid of the table that the action began with; undefined: it has not
 * @throws HealingError RV018
 */
export function checkTable(collection: Collection, begun: string | undefined): void {
  if (begun !== undefined && begun !== String(collection.relid))
    refuse(collection, "be moved any more", [REPLACED]);
}

/**
 * A journal has the values of its columns in the order of the primary key as it was. Read by
 * another key, or in another table, it would name other rows, or none. So it would by a column that
 * was made anew under the name (an id that was numbered again). Where the numbers of the columns
 * are not known: one that is gone from the table was renamed, without it there would be no such
 * key.
 * @param journaled the columns of the journal and its table; undefined: nobody wrote them down
 * @throws HealingError RV018: the rows stay where they are
 */
export function checkIdentity(
  host: Host,
  collection: Collection,
  journaled: {
    readonly identity?: readonly string[];
    readonly table?: string;
    readonly here?: string;
    readonly columns?: readonly number[];
  },
): void {
  const { identity, table, here: then, columns } = journaled;
  if (identity === undefined) return;
  const { numbers, here } = host.one<{ numbers: Record<string, number>; here: string }>(sql`
    SELECT coalesce(json_object_agg(attname, attnum), '{}') AS numbers,
           'ruvector.healing_steps'::regclass::oid::text AS here
      FROM pg_attribute
     WHERE attrelid = ${collection.relid}::oid AND attnum > 0 AND NOT attisdropped`);
  if (table !== undefined && then === here && table !== String(collection.relid))
    refuse(collection, "be moved back", [REPLACED]);
  const now = identityColumns(collection).map(({ name }) => name);
  const known = then === here ? columns : undefined;
  const isSame = (name: string, place: number): boolean =>
    known
      ? known[place] === numbers[now[place]!]
      : name === now[place] || numbers[name] === undefined;
  if (identity.length === now.length && identity.every(isSame)) return;
  const gone = known?.some((number) => !Object.values(numbers).includes(number)) ?? false;
  refuse(collection, "be moved back", [
    {
      reason:
        `they were journaled by (${identity.join(", ")}), and its primary key is ` +
        `(${now.join(", ")}) now, beside the partition column` +
        (known && String(identity) === String(now) ? ": a column that was made since" : ""),
      hint: gone
        ? "A column that they were journaled by was dropped: which rows they are nobody can tell."
        : "Make the primary key as it was, and register the table again.",
      back: "never",
    },
  ]);
}
