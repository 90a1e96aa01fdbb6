/**
 * npm run shapes -- [--only names] [--json] [--hours 24]: the loop over every usual schema for the
 * equivalent of a day, then over each with a true fault.
 */
import { Command } from "commander";
import { build } from "../../build/build.ts";
import { canHaveReplicas } from "../../src/workbench/db/server.ts";
import { externalUrl } from "../../src/workbench/db/external.ts";
import { runShapes } from "./run.ts";
import { table } from "./table.ts";

const number = (text: string): number => Number(text);

await new Command("shapes")
  .description(
    "The loop over each shape of test/shapes/catalogue for the equivalent of a day: nothing " +
      "is done to any, and each is sensed with a true fault.",
  )
  .option("--only <names>", "only shapes whose name contains one of these, separated by commas")
  .option("--hours <number>", "hours of the day", number, 24)
  .option("--ticks <number>", "ticks an hour", number, 3)
  .option("--no-faults", "only the day")
  .option("--keep", "leave the server running")
  .option("--json", "the result as JSON")
  .action(
    async (options: {
      only?: string;
      hours: number;
      ticks: number;
      faults: boolean;
      keep?: boolean;
      json?: boolean;
    }) => {
      if (externalUrl() !== undefined)
        throw new Error("DATABASE_URL is set: the shapes fill a throwaway server only; unset it.");
      await build();
      const name = `${process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test"}-shapes-run`;
      const results = await runShapes({
        name,
        hours: options.hours,
        ticksPerHour: options.ticks,
        faults: options.faults ? "all" : "none",
        replicas: options.faults && (await canHaveReplicas(name)) ? 1 : 0,
        keep: options.keep === true,
        only: options.only?.split(",").map((part) => part.trim()) ?? [],
        log: (line) => console.error(line),
      });
      console.log(options.json ? JSON.stringify(results, null, 1) : table(results));
      if (results.some(({ ok }) => !ok)) process.exitCode = 1;
    },
  )
  .parseAsync();
