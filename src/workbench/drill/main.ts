/** npm run drill -- all; in the published package `ruvector-healing drill all`. */
import { Command } from "commander";
import { wholeNumber } from "../../commands/command-line.ts";
import { drillAll, type DrillFlags, LATENCY_SECONDS } from "./all.ts";
import { DRILLS } from "./drills/index.ts";

const drills = DRILLS.map(
  ({ name, fault, strategy }) => `  ${name.padEnd(20)} ${fault} (${strategy})`,
);

await new Command(import.meta.url.endsWith(".ts") ? "npm run drill --" : "ruvector-healing drill")
  .description(`Causes faults for real and lets the loop heal them.\n\n${drills.join("\n")}`)
  .argument("<names...>", '"all", or names of drills')
  .option("--json", "print the results as JSON on standard output; progress goes to standard error")
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
  .action((names: string[], flags: DrillFlags) => drillAll(names, flags))
  .parseAsync();
