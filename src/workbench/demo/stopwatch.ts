/** How long each phase took, for --json. */
export interface Stopwatch {
  /** Seconds by phase: `<name>_seconds`. */
  readonly timings: Record<string, number>;
  /**
   * Ends a phase: everything since the phase before belongs to it. Throws when the person has
   * pressed Ctrl-C.
   */
  lap(name: string): void;
  /** Since the process began, the loading of the program included. */
  total(): number;
}

export const seconds = (milliseconds: number): number => Math.round(milliseconds / 100) / 10;
export const secondsSince = (began: number): number => seconds(Date.now() - began);

export function startStopwatch(signal: AbortSignal): Stopwatch {
  const timings: Record<string, number> = {};
  let mark = performance.timeOrigin;
  return {
    timings,
    lap(name) {
      timings[`${name}_seconds`] = secondsSince(mark);
      mark = Date.now();
      signal.throwIfAborted();
    },
    total: () => secondsSince(performance.timeOrigin),
  };
}
