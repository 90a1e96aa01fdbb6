/** What a drill came to: what --json prints. */
import type { Latency } from "./latency.ts";
import type { Parts } from "./parts.ts";
import type { RowsCheck } from "./rows.ts";
import type { ActionResult } from "./well.ts";

export interface DrillResult {
  readonly drill: string;
  readonly fault: string;
  /**
   * ok: sensed as the class, healed by the strategy, verified, well at the end, undone where it can
   * be, and no row lost.
   */
  readonly ok: boolean;
  /** Why it is not ok, or why it did not run. */
  readonly problem: string | null;
  readonly skipped: boolean;
  readonly sensed_after_seconds: number | null;
  readonly class: string | null;
  readonly strategy: string | null;
  /**
   * "loop", or "asked for": the strategy is above the default limit of impact or needs something a
   * drill cannot grant.
   */
  readonly started_by: "loop" | "asked for" | null;
  readonly lambda_healthy: number | null;
  readonly lambda_before: number | null;
  readonly lambda_predicted: number | null;
  /**
   * When the last action was verified, and once the collection was well, or the wait for that was
   * over.
   */
  readonly lambda_after: number | null;
  readonly lambda_reached: number | null;
  readonly healed_after_seconds: number | null;
  /** What of that went where; null: it was not healed. */
  readonly parts: Parts | null;
  /** Out of stress again, for as long as recovery_hold_seconds asks; null: it was not. */
  readonly well_after_seconds: number | null;
  readonly actions: readonly ActionResult[];
  /**
   * Where less was reached than was foreseen. No failure of the drill: the collection is well; to
   * be looked at.
   */
  readonly finding: string | null;
  /** "yes", "cannot be undone", or what was left. */
  readonly undone: string | null;
  readonly rows: RowsCheck | null;
  /** With --latency: times of a workload beside it, by phase. */
  readonly latency: readonly Latency[] | null;
  /** Errors of the load that ran beside, by SQLSTATE. */
  readonly load_errors: Readonly<Record<string, number>>;
  readonly message: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** While the drill runs. */
export type Result = { -readonly [K in keyof DrillResult]: DrillResult[K] };
