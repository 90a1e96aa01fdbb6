/** What happened since a time: the same document and words as ruvector_healing_report() has. */
import type { Query } from "./query.ts";

export interface ReportedAction {
  readonly action_id: number;
  readonly collection: string;
  readonly strategy: string;
  readonly state: string;
  readonly summary: string | null;
  readonly by_hand: string | null;
}

/** Of the document what the page shows by itself; all of it is in docs/monitoring.md. */
export interface HealingReport {
  readonly since: string;
  readonly until: string;
  readonly actions: readonly ReportedAction[];
  readonly [section: string]: unknown;
}

export async function readReport(query: Query, since: string): Promise<HealingReport> {
  const [row] = await query<{ report: HealingReport }>(
    "SELECT r::jsonb AS report FROM ruvector.ruvector_healing_report($1::text, 'json') r",
    [since],
  );
  return row!.report;
}

export async function readReportLines(query: Query, since: string): Promise<readonly string[]> {
  const rows = await query<{ line: string }>(
    "SELECT line FROM ruvector.ruvector_healing_report($1::text) WITH ORDINALITY r(line, n) " +
      "ORDER BY n",
    [since],
  );
  return rows.map(({ line }) => line);
}
