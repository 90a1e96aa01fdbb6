/** What the commands share: numbers on the command line, and an orderly end at Ctrl-C. */
import { InvalidArgumentError } from "commander";
import pc from "picocolors";

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Write a whole number from ${least} to ${most}.`);
  };
}

/** Ctrl-C reaches this process up to three times: from the terminal, from npm and from build/run.mjs. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const stop = (): void => {
    if (first === 0) {
      first = Date.now();
      process.stderr.write(`\n${pc.yellow("Stopping...")} (again to leave at once)\n`);
      controller.abort(new Error("interrupted"));
    } else if (Date.now() - first > 1500) {
      process.stderr.write(`${pc.red("Left at once")}: the loop may still be scheduled, SELECT ruvector_healing_unschedule();\n`);
      process.exit(130);
    }
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, stop);
  return controller.signal;
}
