/** What the commands share: numbers on the command line, and an orderly end at Ctrl-C. */
import { InvalidArgumentError } from "commander";
import pc from "./colours.ts";

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Write a whole number from ${least} to ${most}.`);
  };
}

/**
 * Ctrl-C reaches this process up to three times: from the terminal, from npm and from
 * build/run.mjs.
 * @param left what may be left behind by leaving at once
 */
export function interruption(
  left = "the loop may still be scheduled, SELECT ruvector_healing_unschedule();",
): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const stop = (): void => {
    if (first === 0) {
      first = Date.now();
      process.stderr.write(`\n${pc.yellow("Stopping...")} (again to leave at once)\n`);
      controller.abort(new Error("interrupted"));
    } else if (Date.now() - first > 1500) {
      process.stderr.write(`${pc.red("Left at once")}: ${left}\n`);
      process.exit(130);
    }
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, stop);
  return controller.signal;
}

/**
 * The work's result, or a rejection at Ctrl-C, with the work left to itself: for what cannot be
 * cancelled and leaves nothing when the process ends.
 */
export function untilInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
