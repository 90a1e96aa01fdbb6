/**
 * The proof that no row was lost, changed or doubled: every row's content, without its place,
 * before and after.
 */
import type pg from "pg";
import { PROBE_TENANT } from "./latency.ts";

export interface RowsCheck {
  readonly rows: number;
  readonly missing: number;
  readonly changed: number;
  readonly doubled: number;
  readonly ok: boolean;
}

const DIGEST =
  "md5(id::text || ' ' || tenant_id || ' ' || seen_at::text || ' ' || payload || ' ' || " +
  "embedding::text)";

/** Notes down every row; the connection has to stay open until checkRows(). */
export async function rememberRows(client: pg.Client, table: string): Promise<void> {
  await client.query("DROP TABLE IF EXISTS pg_temp.drill_rows");
  await client.query(
    `CREATE TEMPORARY TABLE drill_rows AS SELECT id, ${DIGEST} AS digest FROM ${table} WHERE ` +
      `tenant_id <> '${PROBE_TENANT}'`,
  );
  await client.query("ANALYZE drill_rows");
}

/** Rows that came later are the load's own: they may be there, but only once each. */
export async function checkRows(client: pg.Client, table: string): Promise<RowsCheck> {
  const { rows } = await client.query<Omit<RowsCheck, "ok">>(`
    WITH present AS MATERIALIZED (
      SELECT id, min(${DIGEST}) AS digest, count(*)::int AS copies FROM ${table} GROUP BY id
    )
    SELECT (SELECT count(*)::int FROM pg_temp.drill_rows) AS rows,
           (SELECT count(*)::int FROM pg_temp.drill_rows b WHERE NOT EXISTS (SELECT FROM present p
             WHERE p.id = b.id)) AS missing,
           (SELECT count(*)::int FROM pg_temp.drill_rows b JOIN present p USING (id)
             WHERE p.digest <> b.digest) AS changed,
           (SELECT count(*)::int FROM present WHERE copies > 1) AS doubled`);
  const found = rows[0];
  if (found === undefined) throw new Error("the check of the rows returned nothing");
  return { ...found, ok: found.missing === 0 && found.changed === 0 && found.doubled === 0 };
}
