/** The subcommands for people: what is, what was, why, and the decisions that wait for them. */
import { type Command, InvalidArgumentError } from "commander";
import { wholeNumber } from "../command-line.ts";
import type { Common } from "./session.ts";
import { type HistoryFlags, interval } from "./history.ts";
import type { ReportFlags } from "./report.ts";
import type { WatchFlags } from "./watch.ts";

const DBNAME = "-d, --dbname <database>";
const WHERE =
  "a URL, a conninfo string or a name, as psql takes it; default: DATABASE_URL, the PG* variables";

export function actionId(text: string): number {
  const id = Number(text);
  if (/^\d{1,15}$/.test(text) && id > 0) return id;
  throw new InvalidArgumentError(
    "Write the number of an action; ruvector-healing history lists them.",
  );
}

/** Bound to the command, so that each has the two options all have. */
export const command = (program: Command, name: string, description: string): Command =>
  program
    .command(name)
    .description(description)
    .option(DBNAME, WHERE)
    .option("--json", "print JSON on standard output");

/**
 * Where nothing else stands on the line, the database may: as with psql, and with page and
 * actuator.
 */
export const alone = (program: Command, name: string, description: string): Command =>
  command(program, name, description).argument("[database]", "the same as --dbname");

export const at = <Flags extends Common>(database: string | undefined, flags: Flags): Flags =>
  database === undefined || flags.dbname !== undefined ? flags : { ...flags, dbname: database };

export function terminalCommands(program: Command): void {
  alone(
    program,
    "status",
    "What the loop is doing. Exits with 0 when all is well, 3 when something needs " +
      "attention, 4 when the loop does not run.",
  ).action(async (database: string | undefined, flags: Common) =>
    (await import("./status.ts")).showStatus(at(database, flags)),
  );
  alone(program, "watch", "The same, live, until Ctrl-C; piped: a line on each change.")
    .option("-n, --interval <seconds>", "between two looks", wholeNumber(1, 3600), 2)
    .action(async (database: string | undefined, flags: WatchFlags) =>
      (await import("./watch.ts")).watch(at(database, flags)),
    );
  alone(program, "history", "Actions, newest first.")
    .option("--since <time>", "how far back: 2h, 7days", interval, "24h")
    .option("--limit <actions>", "at most so many", wholeNumber(1, 10_000), 20)
    .action(async (database: string | undefined, flags: HistoryFlags) =>
      (await import("./history.ts")).showHistory(at(database, flags)),
    );
  alone(program, "report", "What was sensed, done and undone, how long it took, what it cost.")
    .option("--since <time>", "how far back: '7 days', yesterday, 2026-11-20", "7 days")
    .action(async (database: string | undefined, flags: ReportFlags) =>
      (await import("./report.ts")).showReport(at(database, flags)),
    );
  command(
    program,
    "explain",
    "Why: an action by its number, or what happens (and why nothing does) on a collection.",
  )
    .argument("<action or collection>")
    .action(async (what: string, flags: Common) =>
      (await import("./actions.ts")).explain(what, flags),
    );
  command(program, "approve", "Lets an action that waits for approval begin.")
    .argument("<action>", "its number", actionId)
    .action(async (id: number, flags: Common) =>
      (await import("./actions.ts")).act("approve", id, [], flags),
    );
  command(
    program,
    "reject",
    "Ends an action that waits for approval; the loop does not ask for the same again for a day.",
  )
    .argument("<action>", "its number", actionId)
    .argument("[reason]", "why, for those who read the history")
    .action(async (id: number, reason: string | undefined, flags: Common) =>
      (await import("./actions.ts")).act("reject", id, reason === undefined ? [] : [reason], flags),
    );
  command(program, "abort", "Stops an action that is at work and undoes what it did.")
    .argument("<action>", "its number", actionId)
    .action(async (id: number, flags: Common) =>
      (await import("./actions.ts")).act("abort", id, [], flags),
    );
}
