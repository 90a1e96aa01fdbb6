/** What the command line of the drills says. */
export interface DrillFlags {
  readonly json?: boolean;
  readonly name: string;
  readonly interval: number;
  readonly patience: number;
  readonly latency: number | true | undefined;
}

/** At 20 statements a second: 400 of each kind, so that a p99 is the fourth worst. */
export const LATENCY_SECONDS = 20;
