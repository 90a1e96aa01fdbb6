/** The rows of ruvector.integrity_reports: what a monitor outside pushed last. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";

/**
 * The row of a report without the report, which `ruvector_integrity_report` puts there.
 * @param found what samples need of it
 */
export function keepReport(host: Host, collectionId: number, found: unknown): void {
  host.execute(sql`
    INSERT INTO ruvector.integrity_reports AS r (collection_id, report, found)
    VALUES (${collectionId}::int, jsonb_build_object(), ${JSON.stringify(found)}::jsonb)
    ON CONFLICT (collection_id) DO UPDATE
      SET report = excluded.report, found = excluded.found, reported_at = excluded.reported_at,
        reported_by = excluded.reported_by`);
}

/**
 * What was pushed within so many seconds; null: nothing was. Where what was found in it is there in
 * that form, the report itself, which may be large, is not read.
 */
export const reportWithin = (
  host: Host,
  collectionId: number,
  seconds: number,
  form: number | null,
): { readonly report: unknown; readonly found: unknown } | null =>
  host.query<{ report: unknown; found: unknown }>(sql`
    SELECT CASE WHEN f.kept THEN NULL ELSE r.report END AS report,
           CASE WHEN f.kept THEN r.found END AS found
      FROM ruvector.integrity_reports r
        CROSS JOIN LATERAL (SELECT coalesce((r.found ->> 'form')::int = ${form}::int, false)
          AS kept) f
     WHERE r.collection_id = ${collectionId}::int
       AND r.reported_at > clock_timestamp() - make_interval(secs => ${seconds}::float8)`)[0] ??
  null;
