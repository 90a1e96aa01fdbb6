/** All times that the product has stored: moving them is what a jump of the clock is to it. */
import type pg from "pg";

/** What cannot be moved without being a forgery, and pg_cron's own times. */
const LEFT_ALONE = /^(healing_events|healing_audit.*|cron\..*)$/;

/**
 * Adds so many seconds to every stored time, in the caller's transaction; a clock that jumped
 * forward makes all of them older.
 * @returns how many columns there are
 */
export async function shiftStored(
  client: pg.Client,
  seconds: (column: string) => number,
): Promise<number> {
  const tables = await storedTimes(client);
  // One answer to wait for: some 30 tables, and on a busy machine each takes as long as a tick.
  await client.query(shifting(tables, seconds));
  return tables.reduce((sum, { columns }) => sum + columns.length, 0);
}

export interface StoredTimes {
  readonly name: string;
  readonly columns: readonly string[];
}

/** Which tables keep times, and in which columns. */
export async function storedTimes(client: Pick<pg.Client, "query">): Promise<StoredTimes[]> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(`
    SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'ruvector'::regnamespace AND c.relkind = 'r'
       AND a.atttypid = 'timestamptz'::regtype AND NOT a.attisdropped
     GROUP BY 1 ORDER BY 1`);
  return rows.filter(({ name }) => !LEFT_ALONE.test(name));
}

/** The statements that add so many seconds to all of them. */
export const shifting = (
  tables: readonly StoredTimes[],
  seconds: (column: string) => number,
): string =>
  tables
    .map(({ name, columns }) => {
      const moved = columns.map(
        (column) => `"${column}" = "${column}" + make_interval(secs => ${seconds(column)})`,
      );
      return `UPDATE ruvector.${name} SET ${moved.join(", ")}`;
    })
    .join(";\n");
