/** `ruvector-healing` with its subcommands, before it reads a command line. */
import { Command } from "commander";
import { COMMANDS } from "./commands.ts";
import { VERSION } from "./version.ts";

export function makeProgram(): Command {
  const program = new Command("ruvector-healing")
    .description(
      "A PostgreSQL that runs vector search and heals itself from inside: what there is beside " +
        "the database.",
    )
    .version(VERSION)
    .showHelpAfterError("(ruvector-healing --help lists what there is)");
  for (const add of COMMANDS) add(program);
  return program;
}
