/** What was done and what came of it. */
import { milliseconds, type Missing, optional, type Query } from "./query.ts";
import type { OutcomeSeen } from "./documents.ts";

interface HistoryRow {
  readonly [column: string]: unknown;
  readonly id: number;
  readonly collection: string;
  readonly state: string;
  readonly problem: string;
  readonly strategy: string;
  readonly by: string;
  readonly created_at: number;
  readonly finished_at: number | null;
  readonly rows: number | null;
  readonly lambda_before: number;
  readonly lambda_foreseen: number | null;
  readonly lambda_after: number | null;
  readonly verified: boolean | null;
  readonly message: string | null;
}

/** Actions, newest first; also those at work. */
export async function readOutcomes(
  query: Query,
  missing: Missing[],
  limit: number,
  since = "7 days",
): Promise<OutcomeSeen[]> {
  return optional<HistoryRow>(
    query,
    missing,
    "ruvector_healing_history",
    `
    SELECT action_id::float8 AS id, collection, state, problem_class AS problem, strategy,
      initiated_by AS by, ${milliseconds("created_at")} AS created_at,
      ${milliseconds("finished_at")} AS finished_at,
           rows_moved::float8 AS rows, initial_lambda AS lambda_before,
             predicted_lambda AS lambda_foreseen, final_lambda AS lambda_after, verified, message
      FROM ruvector.ruvector_healing_history(since := now() - $1::interval, limit_ := $2)`,
    [since, limit],
  );
}
