/** How patient a drill is, and what it times. */
export interface RunOptions {
  /** Seconds that one drill may take to be healed. */
  readonly patience: number;
  /**
   * Seconds for which the workload is timed before the fault, with the fault left alone, and after
   * the end; 0: not at all.
   */
  readonly latency: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export const POLL_MS = 500;
