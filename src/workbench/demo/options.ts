/** How large the demo is, and how often the loop looks. */
export interface Options {
  readonly rows: number;
  /** Seconds between ticks. */
  readonly interval: number;
}
