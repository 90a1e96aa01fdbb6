/**
 * npm run demo: a hot partition is sensed, healed, verified and learned from by the loop alone. The
 * demo makes the table and the load, starts the loop, and watches; it never calls the engine
 * itself. In this process (PGlite), or with --server on a real server.
 */
import { Command } from "commander";
import pc from "../../commands/colours.ts";
import { build } from "../project.ts";
import { ServerProblem } from "../db/server.ts";
import { interruption, wholeNumber } from "../../commands/command-line.ts";
import { display } from "./display.ts";
import { type EmbeddedVenue, embeddedVenue } from "./embedded.ts";
import { DEFAULT_PORT, keepOpen, takePort } from "./listen.ts";
import type { Options } from "./options.ts";
import { report, whereToLook } from "./report.ts";
import { EXIT_OF } from "./result.ts";
import { type Finished, play, type Stage } from "./scenario.ts";
import { serverVenue } from "./server.ts";
import { startStopwatch } from "./stopwatch.ts";

interface Flags {
  readonly server?: boolean;
  readonly name?: string;
  readonly json?: boolean;
  readonly listen?: number | true;
  readonly keep: boolean;
  readonly rows?: number;
  readonly interval?: number;
}

/** A demo in this process is over in seconds: fewer rows, more ticks. */
const EMBEDDED: Options = { rows: 12_000, interval: 0.5 };
const ON_SERVER: Options = { rows: 60_000, interval: 5 };

const DEFAULT_NAME = "demo";

const note = (line: string): void => void process.stderr.write(`${pc.dim(line)}\n`);

async function tell(finished: Finished, json: boolean | undefined): Promise<void> {
  if (json) console.log(JSON.stringify(finished.result, null, 1));
  else await report(finished, (line) => console.log(line));
  process.exitCode = EXIT_OF[finished.result.outcome];
}

async function onServer(flags: Flags, stage: Stage): Promise<void> {
  const venue = await serverVenue(flags.name ?? DEFAULT_NAME, stage.watch, stage.say, stage.signal);
  try {
    const finished = await play(venue, stage);
    await tell(finished, flags.json);
    if (!flags.json) whereToLook(venue, finished, (line) => console.log(line));
  } finally {
    await venue.close();
  }
  if (flags.keep) return;
  if (!venue.server.canKill)
    process.stderr.write("--no-keep: a server of DATABASE_URL is left as it is.\n");
  else {
    await venue.server.stop();
    process.stderr.write(
      "--no-keep: the server is stopped; npm run db -- start --name " +
        `${flags.name ?? DEFAULT_NAME} starts it again.\n`,
    );
  }
}

async function embedded(flags: Flags, stage: Stage): Promise<void> {
  if (process.env["DATABASE_URL"])
    note("DATABASE_URL is set, and not used: npm run demo -- --server would.");
  const listening =
    flags.listen === undefined
      ? undefined
      : await takePort(flags.listen === true ? DEFAULT_PORT : flags.listen);
  let venue: EmbeddedVenue | undefined;
  try {
    venue = await embeddedVenue(stage.watch, stage.say, stage.signal);
    const finished = await play(venue, stage);
    await tell(finished, flags.json);
    const say = flags.json ? note : (line: string) => console.log(line);
    if (listening)
      await keepOpen({
        venue,
        listening,
        interval: stage.options.interval,
        seen: finished.seen,
        say,
        signal: stage.signal,
      });
    else {
      say(
        pc.dim(
          "The database was in this process's memory: nothing is left of it. npm run demo -- " +
            "--listen keeps it open for psql,",
        ),
      );
      say(pc.dim("npm run demo -- --server shows the same on a real server, by pg_cron."));
      say("");
      say("Next, on a PostgreSQL of yours; the mode observe changes nothing there:");
      say("  npx ruvector-healing doctor postgresql://...     what that server lacks");
      say("  README.md, Ten minutes in psql                   register, observe, look, switch on");
    }
  } finally {
    await listening?.close();
    // At Ctrl-C a statement may be under way, and closing would wait for it: the process leaves
    // instead.
    if (!stage.signal.aborted) await venue?.close();
  }
}

async function demo(flags: Flags, signal: AbortSignal): Promise<void> {
  if (flags.server && flags.listen !== undefined)
    throw new ServerProblem(
      "--listen is for the demo in this process.",
      "A server listens anyway: npm run demo -- --server prints how to get in.",
    );
  if (!flags.server && flags.name !== undefined)
    throw new ServerProblem(
      "--name is for --server.",
      "The demo in this process has no server to name.",
    );
  if (!flags.server && !flags.keep)
    throw new ServerProblem(
      "--no-keep is for --server.",
      "The demo in this process leaves nothing running.",
    );
  const defaults = flags.server ? ON_SERVER : EMBEDDED;
  const watch = startStopwatch(signal);
  watch.lap("start");
  await build();
  watch.lap("build");
  const stage: Stage = {
    options: { rows: flags.rows ?? defaults.rows, interval: flags.interval ?? defaults.interval },
    display: display(flags.json ? process.stderr : process.stdout),
    say: note,
    signal,
    watch,
  };
  await (flags.server ? onServer(flags, stage) : embedded(flags, stage));
}

const program = new Command("npm run demo --")
  .description(
    "Shows a hot partition being sensed, healed, verified and learned from, by the loop " +
      "alone: in this process, without a server.",
  )
  .option("--json", "print one JSON object on standard output; progress goes to standard error")
  .option(
    "--rows <n>",
    `rows of the table (default: ${EMBEDDED.rows}, on a server ${ON_SERVER.rows})`,
    wholeNumber(2000, 10_000_000),
  )
  .option(
    "--interval <seconds>",
    `seconds between ticks (default: ${EMBEDDED.interval}, on a server ${ON_SERVER.interval})`,
    wholeNumber(1, 60),
  )
  .option(
    "--listen [port]",
    `keep the database open for psql on this port of 127.0.0.1 (default: ${DEFAULT_PORT})`,
    wholeNumber(0, 65_535),
  )
  .option("--server", "on a real PostgreSQL with pg_cron: a throwaway one, or that of DATABASE_URL")
  .option("-n, --name <name>", `with --server: which throwaway server (default: ${DEFAULT_NAME})`)
  .option("--keep", "with --server: leave the server running at the end, to look around", true)
  .option("--no-keep", "with --server: stop the server at the end");

program.parse();
const flags = program.opts<Flags>();
const signal = interruption(
  flags.server
    ? "the loop may still be scheduled, SELECT ruvector_healing_unschedule();"
    : "nothing is left of the database",
);
try {
  await demo(flags, signal);
  // A database that was closed while it worked keeps its thread.
  if (signal.aborted) process.exit(process.exitCode ?? 0);
} catch (error) {
  if (signal.aborted) {
    const left = flags.server
      ? "The loop is not scheduled and the demo's connections are closed; the next demo begins " +
        "anew."
      : "The database was in memory: nothing is left of it.";
    process.stderr.write(`Stopped. ${left}\n`);
    process.exit(130);
  }
  if (!(error instanceof ServerProblem)) throw error;
  process.stderr.write(`${pc.red(error.message)}\n`);
  process.exitCode = 1;
}
