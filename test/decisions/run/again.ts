/**
 * All scripts share one database: after each it is as it was before the first, with the same
 * numbers to come (action 1 is the first of each script).
 */
import type { TestDatabase } from "../../support/database.ts";

export interface Kept {
  readonly tables: readonly { readonly name: string; readonly rows: readonly object[] }[];
  /** Statements that set the sequences to where they were. */
  readonly sequences: readonly string[];
}

const TABLES = `
  SELECT quote_ident(relname) AS name FROM pg_class
   WHERE relnamespace = 'ruvector'::regnamespace AND relkind = 'r' ORDER BY 1`;

const SEQUENCES = `
  SELECT format('SELECT setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
    coalesce(last_value, 1), last_value IS NOT NULL) AS statement FROM pg_sequences
   WHERE schemaname = 'ruvector'`;

/** What is in the product's tables now. */
export async function keep(db: TestDatabase): Promise<Kept> {
  const tables: { name: string; rows: object[] }[] = [];
  for (const { name } of await db.rows<{ name: string }>(TABLES)) {
    const rows = await db.value<object[]>(
      `SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM ruvector.${name} t`,
    );
    tables.push({ name, rows });
  }
  const sequences = await db.rows<{ statement: string }>(SEQUENCES);
  return { tables, sequences: sequences.map(({ statement }) => statement) };
}

/** Puts that back, and drops what a script made in the schema public. */
export async function again(db: TestDatabase, { tables, sequences }: Kept): Promise<void> {
  const dropped = await db.rows<{ statement: string }>(`
    SELECT format('DROP TABLE IF EXISTS public.%I CASCADE', relname) AS statement FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`);
  // Without triggers: they would count, chain and announce what is only put back. DELETE and not
  // TRUNCATE, which makes every file anew (50 ms of 10).
  await db.client.query(
    [
      ...dropped.map(({ statement }) => statement),
      "SET session_replication_role = replica",
      ...tables.map(({ name }) => `DELETE FROM ruvector.${name}`),
      ...sequences,
    ].join(";\n"),
  );
  for (const { name, rows } of tables.filter((one) => one.rows.length > 0))
    await db.client.query(
      `INSERT INTO ruvector.${name} OVERRIDING SYSTEM VALUE
        SELECT * FROM jsonb_populate_recordset(NULL::ruvector.${name}, $1)`,
      [JSON.stringify(rows)],
    );
  await db.client.query("RESET session_replication_role");
}
