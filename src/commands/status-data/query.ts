/**
 * How the page and the commands read: reading functions only, so that the level viewer is enough.
 * Whoever may create in public could put a function or an operator in front of what is found by a
 * name alone. So ours are called by their name in schema ruvector, and types fit PostgreSQL's own
 * operators and functions exactly, which are then found first; polymorphic ones are named with
 * their schema.
 */
import pg, { type QueryResultRow } from "pg";
import { sqlLiteral } from "../../base/text.ts";

export type Query = <Row extends QueryResultRow>(
  statement: string,
  parameters?: readonly unknown[],
) => Promise<Row[]>;

/**
 * What the role may not call, or this installation has not yet: named, and left out of what is
 * shown.
 */
export interface Missing {
  readonly what: string;
  readonly why: string;
}

/**
 * Milliseconds since 1970 of a time: as a time it comes in the DateStyle of role or database, and
 * pg reads no other than ISO.
 */
export const milliseconds = (time: string): string =>
  `pg_catalog.floor(pg_catalog.date_part('epoch', ${time}) * 1000::float8)`;

const DENIED = "42501";
const UNKNOWN_FUNCTION = "42883";

/** What the installing role types: there, current_user would be another one. */
export async function grant(query: Query, level: string): Promise<string> {
  const [row] = await query<{ role: string }>("SELECT current_user::text AS role").catch(() => []);
  return row === undefined
    ? `ruvector_healing_grant() gives the level '${level}'`
    : `SELECT ruvector_healing_grant(${sqlLiteral(row.role)}, '${level}'); as the installing role`;
}

/**
 * Rows, or none where the function may not be called or is not there; everything else is thrown.
 */
export async function optional<Row extends QueryResultRow>(
  query: Query,
  missing: Missing[],
  what: string,
  statement: string,
  parameters?: readonly unknown[],
): Promise<Row[]> {
  try {
    return await query<Row>(statement, parameters);
  } catch (error) {
    if (
      !(error instanceof pg.DatabaseError) ||
      (error.code !== DENIED && error.code !== UNKNOWN_FUNCTION)
    )
      throw error;
    missing.push({
      what,
      why:
        error.code === DENIED
          ? `this role may not call ${what}(): ${await grant(query, "viewer")}`
          : `${what}() is not there: install a newer ruvector_healing`,
    });
    return [];
  }
}
