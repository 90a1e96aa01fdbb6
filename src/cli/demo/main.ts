/**
 * npm run demo: a hot partition is sensed, healed, verified and learned from on a real server, by pg_cron alone.
 * The demo makes the table and the load, starts the schedule, and watches. It never calls the engine itself.
 */
import { Command } from "commander";
import pc from "picocolors";
import { ServerProblem } from "../db/server.ts";
import { interruption, wholeNumber } from "../terminal.ts";
import { display } from "./display.ts";
import { report } from "./report.ts";
import { play } from "./scenario.ts";

interface Flags {
  readonly json?: boolean;
  readonly keep: boolean;
  readonly rows: number;
  readonly interval: number;
}

async function demo(flags: Flags, signal: AbortSignal): Promise<void> {
  const stream = flags.json ? process.stderr : process.stdout;
  const finished = await play(flags, display(stream), (line) => void process.stderr.write(`${pc.dim(line)}\n`), signal);
  try {
    const { result, server } = finished;
    if (flags.json) console.log(JSON.stringify(result, null, 1));
    else await report(finished, (line) => console.log(line));
    if (!result.ok) process.exitCode = 1;
    if (flags.keep) return;
    await finished.close();
    if (!server.canKill) process.stderr.write("--no-keep: a server of DATABASE_URL is left as it is.\n");
    else {
      await server.stop();
      process.stderr.write("--no-keep: the server is stopped; npm run db -- start --name demo starts it again.\n");
    }
  } finally {
    await finished.close();
  }
}

const program = new Command("npm run demo --")
  .description("Shows a hot partition being sensed, healed, verified and learned from, by pg_cron.")
  .option("--server", "on a real server (the only kind there is so far)")
  .option("--json", "print one JSON object on standard output; progress goes to standard error")
  .option("--rows <n>", "rows of the table", wholeNumber(2000, 10_000_000), 60_000)
  .option("--interval <seconds>", "seconds between ticks", wholeNumber(1, 60), 5)
  .option("--keep", "leave the server running at the end, to look around", true)
  .option("--no-keep", "stop the server at the end");

program.parse();
const signal = interruption();
try {
  await demo(program.opts<Flags>(), signal);
} catch (error) {
  if (signal.aborted) {
    process.stderr.write("Stopped. The loop is not scheduled and the demo's connections are closed; the next demo begins anew.\n");
    process.exitCode = 130;
  } else {
    if (!(error instanceof ServerProblem)) throw error;
    process.stderr.write(`${pc.red(error.message)}\n`);
    process.exitCode = 1;
  }
}
