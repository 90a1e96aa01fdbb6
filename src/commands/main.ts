/** `ruvector-healing`: the commands beside the database. None is needed for healing. */
import pc from "./colours.ts";
import { ConnectionProblem } from "./connect.ts";
import { makeProgram } from "./program.ts";

/** What the person at the keyboard can act on: shown without a stack. */
const forPeople = (error: unknown): error is Error =>
  error instanceof ConnectionProblem ||
  (error instanceof Error &&
    (error.name === "KubernetesProblem" || error.name === "KeyProblem" || "syscall" in error));

// A reader that has seen enough (| head) is no error; a disk that is full is.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  process.stderr.write(`${pc.red(`The output cannot be written: ${error.message}`)}\n`);
  process.exit(1);
});

try {
  await makeProgram().parseAsync();
} catch (error) {
  if (!forPeople(error)) throw error;
  process.stderr.write(`${pc.red(error.message)}\n`);
  process.exitCode = 1;
}
