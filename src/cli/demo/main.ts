/**
 * npm run demo: a hot partition is sensed, healed, verified and learned from on a real server, by pg_cron alone.
 * The demo makes the table and the load, starts the schedule, and watches. It never calls the engine itself.
 */
import { Command, InvalidArgumentError } from "commander";
import pg from "pg";
import pc from "picocolors";
import { build } from "../../../build/build.ts";
import { describeWitness } from "../../classify/describe.ts";
import { lambdaText } from "../../model/text.ts";
import { label } from "./label.ts";
import { ServerProblem, type Server, startServer } from "../db/server.ts";
import { display } from "./display.ts";
import { checkRows, install, makeTable, rowsByPartition, writersRows } from "./table.ts";
import { look, type Seen, weight } from "./watch.ts";
import { percentile, startSearcher, startWriter } from "./workload.ts";

interface Options {
  readonly json?: boolean;
  readonly rows: number;
  readonly interval: number;
}

/** A tick a minute (pg_cron before 1.5) needs about this long. */
const PATIENCE_SECONDS = 420;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const secondsSince = (began: number): number => (Date.now() - began) / 1000;

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Write a whole number from ${least} to ${most}.`);
  };
}

async function demo(options: Options): Promise<void> {
  const began = Date.now();
  await build();
  const server = await startServer({ name: "demo", log: (line) => say(pc.dim(line)) });
  const server_seconds = secondsSince(began);
  const client = new pg.Client({ connectionString: server.url() });
  await client.connect();
  const unschedule = () => client.query("SELECT ruvector_healing_unschedule()");
  try {
    const language = await install(client);
    say(`ruvector_healing installed (${language}); making embeddings: ${options.rows} rows, 60 % of them in one of 8 partitions...`);
    await makeTable(client, options.rows);
    const before = { check: await checkRows(client), partitions: await rowsByPartition(client), weight: await weight(client) };
    await client.query("SELECT ruvector_healing_register('embeddings')");
    const [writer, searcher] = await Promise.all([startWriter(server.url()), startSearcher(server.url())]);
    await client.query("SELECT ruvector_healing_schedule(make_interval(secs => $1))", [options.interval]);
    say(`pg_cron calls the loop every ${options.interval} s; a writer and a searcher are at work.\n`);
    const healing = Date.now();
    const screen = display(process.stderr);
    const first: { witness?: Seen["witness"]; sensed_after?: number; states: string[] } = { states: [] };
    let seen = await look(client);
    let interrupted = false;
    process.once("SIGINT", () => (interrupted = true));
    while (!interrupted && secondsSince(healing) < PATIENCE_SECONDS && !seen.action?.finished_at) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      seen = await look(client);
      if (seen.state && first.states.at(-1) !== seen.state) first.states.push(seen.state);
      if (seen.lambda !== null && seen.lambda < 0.8 && first.sensed_after === undefined) {
        first.sensed_after = secondsSince(healing);
        first.witness = seen.witness;
      }
      screen.show(seen, secondsSince(healing), writer.result.ids.length, searcher.result.milliseconds.length);
    }
    screen.end();
    const healed_after = secondsSince(healing);
    await Promise.all([writer.stop(), searcher.stop()]);
    await unschedule();
    const after = { check: await checkRows(client), partitions: await rowsByPartition(client), weight: await weight(client) };
    const found = await writersRows(client, writer.result.ids);
    const { action } = seen;
    const result = {
      server: server.kind,
      language,
      rows: options.rows,
      partitions_before: before.partitions,
      partitions_after: after.partitions,
      states: first.states,
      lambda_before: action?.initial_lambda ?? seen.lambda,
      lambda_after: action?.final_lambda ?? null,
      predicted_lambda: action?.predicted_lambda ?? null,
      witness: describeWitness(first.witness ?? [], 8, label),
      problem_class: action?.problem_class ?? null,
      problem: action?.summary ?? null,
      strategy: action?.strategy ?? null,
      considered: action?.considered ?? [],
      action_id: action?.id ?? null,
      action_state: action?.state ?? null,
      rows_planned: action?.rows_planned ?? 0,
      rows_moved: action?.rows_moved ?? 0,
      verified: action?.verified ?? null,
      message: action?.message ?? null,
      weight_before: before.weight,
      weight_after: after.weight,
      mttr_seconds: action?.recovery_seconds ?? null,
      sensed_after_seconds: first.sensed_after ?? null,
      healed_after_seconds: healed_after,
      writer: { inserted: writer.result.ids.length, found_once: found, errors: writer.result.errors },
      searcher: {
        queries: searcher.result.milliseconds.length, errors: searcher.result.errors,
        p50_ms: percentile(searcher.result.milliseconds, 0.5), p99_ms: percentile(searcher.result.milliseconds, 0.99),
      },
      rows_check: {
        rows_before: before.check.rows, rows_after: after.check.rows,
        checksum_before: before.check.checksum, checksum_after: after.check.checksum,
        ok: before.check.rows === after.check.rows && before.check.checksum === after.check.checksum && found === writer.result.ids.length,
      },
      server_seconds,
      total_seconds: secondsSince(began),
    };
    if (options.json) console.log(JSON.stringify(result, null, 1));
    else await report(client, server, result, seen);
    if (interrupted) process.exitCode = 130;
    else if (action?.state !== "succeeded" || !result.rows_check.ok) process.exitCode = 1;
  } finally {
    await unschedule().catch(() => undefined);
    await client.end();
  }
}

type Result = { readonly [key: string]: unknown } & {
  readonly rows_check: { readonly ok: boolean; readonly rows_before: number; readonly rows_after: number };
  readonly writer: { readonly inserted: number; readonly found_once: number };
  readonly searcher: { readonly queries: number; readonly p50_ms: number | null; readonly p99_ms: number | null };
  readonly partitions_before: Record<string, number>;
  readonly partitions_after: Record<string, number>;
};

async function report(client: pg.Client, server: Server, result: Result, seen: Seen): Promise<void> {
  const { action } = seen;
  console.log();
  if (!action) {
    console.log(pc.red("No action was started in time."));
    console.log(JSON.stringify((await client.query("SELECT ruvector_healing_status() AS status")).rows[0].status, null, 1));
    return;
  }
  const { rows } = await client.query<{ text: string }>("SELECT ruvector_healing_explain($1) AS text", [action.id]);
  console.log(rows[0]?.text);
  console.log();
  for (const [name, before] of Object.entries(result.partitions_before)) {
    const after = result.partitions_after[name] ?? 0;
    console.log(`  ${name.padEnd(16)} ${String(before).padStart(7)} -> ${String(after).padStart(7)} ${pc.dim("█".repeat(Math.round((after / Math.max(1, ...Object.values(result.partitions_before))) * 40)))}`);
  }
  const ok = action.state === "succeeded";
  console.log();
  console.log(`${ok ? pc.green("healed") : pc.red(action.state)}: lambda ${lambdaText(action.initial_lambda)} -> ${lambdaText(action.final_lambda)}, weight ${fixed(result["weight_before"])} -> ${fixed(result["weight_after"])}`);
  console.log(`MTTR   ${fixed(action.recovery_seconds)} s from the first sample below 0.8 to the verified end`);
  console.log(`search ${result.searcher.queries} queries meanwhile, p50 ${result.searcher.p50_ms} ms, p99 ${result.searcher.p99_ms} ms`);
  const { ok: kept, rows_before, rows_after } = result.rows_check;
  console.log(`rows   ${kept ? pc.green("none lost, none changed") : pc.red("DIFFER")}: ${rows_before} before, ${rows_after} after, the same checksum over id and vector${kept ? "" : " expected"}; writer's rows ${result.writer.found_once} of ${result.writer.inserted} there once`);
  console.log();
  console.log(`Look around: ${pc.bold(server.psql)}`);
  console.log(pc.dim("  SELECT * FROM ruvector_healing_history();   SELECT ruvector_healing_rollback('embeddings');"));
  console.log(pc.dim("  The loop is no longer scheduled. To start it again: SELECT ruvector_healing_schedule('5 seconds');"));
  if (server.canKill) console.log(pc.dim("  To stop the server: npm run db -- stop --name demo; to remove it: npm run db -- destroy --name demo"));
}

const fixed = (value: unknown): string => (typeof value === "number" ? String(Number(value.toFixed(2))) : "not known");

const program = new Command("demo")
  .description("Shows a hot partition being sensed, healed, verified and learned from, by pg_cron.")
  .option("--server", "on a real server (the only kind there is so far)")
  .option("--json", "print one JSON object on standard output; progress goes to standard error")
  .option("--rows <n>", "rows of the table", wholeNumber(2000, 10_000_000), 60_000)
  .option("--interval <seconds>", "seconds between ticks", wholeNumber(1, 3600), 5);

program.parse();
try {
  await demo(program.opts<Options>());
} catch (error) {
  if (error instanceof ServerProblem) say(pc.red(error.message));
  else throw error;
  process.exitCode = 1;
}
