/** npm run drill -- all */
import { Command } from "commander";
import { drillOptions } from "./command.ts";
import { DRILLS } from "./drills/index.ts";

const drills = DRILLS.map(
  ({ name, fault, strategy }) => `  ${name.padEnd(20)} ${fault} (${strategy})`,
);

await drillOptions(
  new Command("npm run drill --").description(
    `Causes faults for real and lets the loop heal them.\n\n${drills.join("\n")}`,
  ),
).parseAsync();
