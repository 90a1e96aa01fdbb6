/**
 * Better is not well: whether the collection has recovered, what is left where it has not, and how
 * far off the foreseen was.
 */
import { lambdaText } from "../../base/text.ts";
import type { Stage } from "./drill.ts";

/** One action of the drill's collection, as it ended. */
export interface ActionResult {
  readonly id: string;
  readonly strategy: string;
  readonly verified: boolean | null;
  readonly lambda_before: number;
  readonly lambda_predicted: number | null;
  /** When it was verified; what is smoothed may still be on its way. */
  readonly lambda_verified: number | null;
}

/**
 * What lambda may fall short of the foreseen: a reading is 0.05 to the side of the true one at the
 * drills' loads.
 */
const OFF = 0.1;

/** A prediction that was off; null: it came out. What became better than foreseen does no harm. */
export const predictionOff = (foreseen: number | null, reached: number | null): string | null =>
  foreseen === null || reached === null || foreseen - reached <= OFF
    ? null
    : `lambda ${lambdaText(foreseen)} was foreseen, ${lambdaText(reached)} reached`;

/** In the loop's own words: what is wrong still, and why nothing is done about it now. */
export async function whatIsLeft({ client, table }: Stage, strategy: string): Promise<string> {
  const { rows } = await client.query<{ summary: string | null; waits: string | null }>(
    `
    SELECT ruvector_healing_execute($1, $2, '{"dry_run": true}') #>> '{problem,summary}' AS summary,
           (SELECT string_agg(r.message || ' (until ' || r.flips_at || ')', '; ')
             FROM ruvector.healing_refusals r
             WHERE r.collection = $1 AND r.closed_at IS NULL) AS waits`,
    [table, strategy],
  );
  const { summary, waits } = rows[0]!;
  return `left: ${summary ?? "not known"}; next: ${waits ?? "the loop decides with its next tick"}`;
}
