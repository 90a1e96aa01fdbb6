/** The proof that no row was lost, changed or doubled while rows moved between partitions. */
import type { Session } from "../session.ts";
import { WRITER_IDS } from "./table.ts";

export interface RowsCheck {
  /** Original rows. */
  readonly before: number;
  /** Rows whose INSERT was acknowledged to the writer. */
  readonly inserted: number;
  /** All rows, the writer's included. */
  readonly after: number;
  /** Rows, original or the writer's, that are no longer there. */
  readonly missing: number;
  /** Original rows of which anything but the partition differs. */
  readonly changed: number;
  /** Rows that are there more than once. */
  readonly doubled: number;
  /** Of all original rows in order of id. */
  readonly checksum_before: string;
  readonly checksum_after: string;
  readonly ok: boolean;
}

/** Of everything in a row except the partition it is in. */
const DIGEST = "md5(id::text || ' ' || tenant_id || ' ' || embedding::text)";

/** Notes down every row; the session has to stay open until checkRows(). */
export async function rememberRows(session: Session): Promise<void> {
  await session.query(
    `CREATE TEMPORARY TABLE demo_before AS SELECT id, ${DIGEST} AS digest FROM embeddings`,
  );
  await session.query("ANALYZE demo_before");
}

export async function checkRows(session: Session, inserted: readonly number[]): Promise<RowsCheck> {
  const { rows } = await session.query<Omit<RowsCheck, "inserted" | "ok">>(
    `
    WITH now AS MATERIALIZED (
      SELECT id, min(${DIGEST}) AS digest, max(${DIGEST}) AS other, count(*)::int AS copies
        FROM embeddings GROUP BY id
    )
    SELECT (SELECT count(*)::int FROM demo_before) AS before,
           (SELECT sum(copies)::int FROM now) AS after,
           (SELECT count(*)::int FROM demo_before WHERE id NOT IN (SELECT id FROM now))
             + (SELECT count(*)::int FROM unnest($1::bigint[]) w(id) WHERE id NOT IN (SELECT id
               FROM now)) AS missing,
           (SELECT count(*)::int FROM demo_before b JOIN now n USING (id) WHERE n.digest <> b.digest
             OR n.other <> b.digest) AS changed,
           (SELECT count(*)::int FROM now WHERE copies > 1) AS doubled,
           (SELECT md5(string_agg(digest, '' ORDER BY id)) FROM demo_before) AS checksum_before,
           (SELECT md5(string_agg(digest, '' ORDER BY id)) FROM now
             WHERE id < ${WRITER_IDS}) AS checksum_after`,
    [inserted],
  );
  const found = rows[0];
  if (found === undefined) throw new Error("the check of the rows returned nothing");
  const ok =
    found.missing === 0 &&
    found.changed === 0 &&
    found.doubled === 0 &&
    found.checksum_before === found.checksum_after &&
    found.after === found.before + inserted.length;
  return { ...found, inserted: inserted.length, ok };
}
