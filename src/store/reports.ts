/** The rows of ruvector.integrity_reports: what a monitor outside pushed last. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";

export function keepReport(host: Host, collectionId: number, report: unknown): void {
  host.execute(sql`
    INSERT INTO ruvector.integrity_reports AS r (collection_id, report)
    VALUES (${collectionId}::int, ${JSON.stringify(report)}::jsonb)
    ON CONFLICT (collection_id) DO UPDATE
      SET report = excluded.report, reported_at = excluded.reported_at,
        reported_by = excluded.reported_by`);
}

/** What was pushed within so many seconds; null: nothing was. */
export const reportWithin = (
  host: Host,
  collectionId: number,
  seconds: number,
): { readonly report: unknown } | null =>
  host.query<{ report: unknown }>(sql`
    SELECT report FROM ruvector.integrity_reports
     WHERE collection_id = ${collectionId}::int
       AND reported_at > clock_timestamp() - make_interval(secs => ${seconds}::float8)`)[0] ?? null;
