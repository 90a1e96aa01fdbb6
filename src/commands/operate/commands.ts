/** What an operator or admin orders: thin over the SQL functions, which check and explain. */
import { type Command, InvalidArgumentError } from "commander";
import { actionId, command } from "../terminal/commands.ts";
import type { Common } from "../terminal/session.ts";

type Document = Readonly<Record<string, unknown>>;

/** 1e999 is infinite here, and JSON would have null in its place, which takes a setting back. */
const parsed = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) => {
    if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError(text);
    return value;
  });

/** @param example what to type instead, of this command */
const document =
  (example: string) =>
  (text: string): Document => {
    try {
      const value = parsed(text);
      if (typeof value === "object" && value !== null && !Array.isArray(value))
        return value as Document;
    } catch {
      // It is said below.
    }
    throw new InvalidArgumentError(`Write a JSON object, such as '${example}'.`);
  };
const settings = document('{"mode": "observe"}');
const options = document('{"movable": false}');
const params = document('{"dry_run": true}');

/** "mode=observe", "max_moves=100", or a JSON object: settings of one command line together. */
export function setting(text: string, before: Document = {}): Document {
  if (text.trimStart().startsWith("{")) return { ...before, ...settings(text) };
  const [, key, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined)
    throw new InvalidArgumentError(
      `Write key=value, or a JSON object: ruvector-healing configure ${meant(text)}`,
    );
  return { ...before, [key]: valueOf(value) };
}

/** "mode", "observe" on the line: what was meant is the first with the second. */
function meant(first: string): string {
  const words = process.argv.slice(2).filter((one) => one !== "configure");
  const second = words[words.indexOf(first) + 1];
  return /^\w+$/.test(first) && second !== undefined && !/^-|=/.test(second)
    ? `${first}=${second}`
    : "mode=observe";
}

/** As JSON where it is any; else the text itself, as in mode=observe. */
function valueOf(text: string): unknown {
  try {
    return parsed(text);
  } catch {
    return text;
  }
}

/** A function of ours with its arguments as SQL types them; "": as the function has it. */
const call = async (
  flags: Common,
  name: string,
  ...parameters: readonly (readonly [type: string, value: unknown])[]
): Promise<void> => (await import("./call.ts")).call(flags, name, parameters);

const given = <T>(type: string, value: T | undefined): (readonly [string, T])[] =>
  value === undefined ? [] : [[type, value]];

export function operateCommands(program: Command): void {
  command(program, "register", "Registers a table with vectors, and says what was found.")
    .argument("<table>")
    .option("--options <json>", "as ruvector_healing_register takes them", options)
    .option("--movable", "its rows may move between its partitions")
    .action((table: string, flags: Common & { options?: Document; movable?: true }) =>
      call(
        flags,
        "register",
        ["text", table],
        ["jsonb", { ...flags.options, ...(flags.movable && { movable: true }) }],
      ),
    );
  command(program, "schedule", "Runs the loop by pg_cron; --off stops it.")
    .argument("[every]", "5 seconds", "5 seconds")
    .option("--off", "stop running it")
    .action((every: string, flags: Common & { off?: true }) =>
      flags.off ? call(flags, "unschedule") : call(flags, "schedule", ["", every]),
    );
  command(program, "trigger", "Evaluates a collection now, and acts if the guards allow.")
    .argument("<collection>")
    .action((collection: string, flags: Common) => call(flags, "trigger", ["text", collection]));
  command(program, "rollback", "Undoes an action; without a number the newest that can be undone.")
    .argument("<collection>")
    .argument("[action]", "its number", actionId)
    .action((collection: string, action: number | undefined, flags: Common) =>
      call(flags, "rollback", ["text", collection], ...given("bigint", action)),
    );
  command(program, "execute", "Runs one strategy on a collection.")
    .argument("<collection>")
    .argument("<strategy>")
    .option("--params <json>", "dry_run, target_lambda, and the strategy's own", params)
    .option("--dry-run", "only say what it would do")
    .action(
      (
        collection: string,
        strategy: string,
        flags: Common & { params?: Document; dryRun?: true },
      ) =>
        call(
          flags,
          "execute",
          ["text", collection],
          ["text", strategy],
          ["jsonb", { ...flags.params, ...(flags.dryRun && { dry_run: true }) }],
        ),
    );
  command(program, "configure", "Changes settings, for all or for one collection.")
    .argument("<settings...>", "mode=observe, or a JSON object", setting)
    .option("-c, --collection <name>", "for this one")
    .action(async (settings: Document, flags: Common & { collection?: string }) =>
      (await import("./call.ts")).configure(flags, [
        ["jsonb", settings],
        ...given("text", flags.collection),
      ]),
    );
}
