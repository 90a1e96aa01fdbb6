/** `ruvector-healing`: the commands beside the database. None is needed for healing. */
import { Command } from "commander";
import pc from "./colours.ts";
import { COMMANDS } from "./commands.ts";
import { ConnectionProblem } from "./connect.ts";
import { VERSION } from "./version.ts";

const program = new Command("ruvector-healing")
  .description(
    "A PostgreSQL that runs vector search and heals itself from inside: what there is beside " +
      "the database.",
  )
  .version(VERSION)
  .showHelpAfterError("(ruvector-healing --help lists what there is)");
for (const add of COMMANDS) add(program);

/** What the person at the keyboard can act on: shown without a stack. */
const forPeople = (error: unknown): error is Error =>
  error instanceof ConnectionProblem ||
  (error instanceof Error &&
    (error.name === "KubernetesProblem" || error.name === "KeyProblem" || "syscall" in error));

try {
  await program.parseAsync();
} catch (error) {
  if (!forPeople(error)) throw error;
  process.stderr.write(`${pc.red(error.message)}\n`);
  process.exitCode = 1;
}
