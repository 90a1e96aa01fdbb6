/**
 * The command line of the drills, as `npm run drill` and as `ruvector-healing drill`; what it needs
 * is loaded when it is run.
 */
import type { Command } from "commander";
import { wholeNumber } from "../../commands/terminal.ts";
import { type DrillFlags, LATENCY_SECONDS } from "./flags.ts";

export const drillOptions = (command: Command): Command =>
  command
    .argument("<names...>", '"all", or names of drills')
    .option(
      "--json",
      "print the results as JSON on standard output; progress goes to standard error",
    )
    .option(
      "-n, --name <name>",
      "which throwaway server; two of them can be drilled side by side",
      "drill",
    )
    .option(
      "--interval <seconds>",
      "seconds between ticks, where the loop is not scheduled yet",
      wholeNumber(1, 60),
      5,
    )
    .option(
      "--patience <seconds>",
      "how long a drill may take to be healed",
      wholeNumber(30, 3600),
      300,
    )
    .option(
      "--latency [seconds]",
      "time a workload beside it: healthy, with the fault left alone for so long (default: " +
        `${LATENCY_SECONDS}), while healing, healed`,
      wholeNumber(5, 600),
    )
    .action(async (names: string[], flags: DrillFlags) =>
      (await import("./all.ts")).drillAll(names, flags),
    );

/** `ruvector-healing drill`. */
export const drillCommand = (program: Command): void => {
  drillOptions(
    program
      .command("drill")
      .description(
        "Causes faults for real, on a throwaway server or on that of DATABASE_URL, and lets " +
          "the loop heal them.",
      ),
  );
};
