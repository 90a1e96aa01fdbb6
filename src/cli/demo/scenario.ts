/** The story of the demo, from a fresh clone to a healed collection. It makes the table and the load and watches; pg_cron does the rest. */
import pg from "pg";
import { build } from "../../../build/build.ts";
import { type Server, startServer } from "../db/server.ts";
import { checkRows, rememberRows } from "./check.ts";
import type { Display } from "./display.ts";
import { resultOf, type Result, type Story } from "./result.ts";
import { alone, install, makeTable, refuseToDrop, rowsByPartition } from "./table.ts";
import { look, now, type Seen } from "./watch.ts";
import { startSearcher, startWriter } from "./workload.ts";

export interface Options {
  readonly rows: number;
  /** Seconds between ticks. */
  readonly interval: number;
}

/** Below it lambda counts as bad; the default of stress_threshold. */
const STRESS = 0.8;
const POLL_MS = 400;

export const secondsSince = (began: number): number => Math.round((Date.now() - began) / 100) / 10;

/** Three samples to stress, a few ticks to move, ten seconds to stabilize; more where ticks come by the minute. */
const patience = (interval: number): number => Math.max(240, interval * 12);

export interface Finished {
  readonly server: Server;
  readonly result: Result;
  readonly seen: Seen;
  /** Open until close(): the report asks for more. */
  readonly client: pg.Client;
  close(): Promise<void>;
}

export async function play(options: Options, display: Display, say: (line: string) => void, signal: AbortSignal): Promise<Finished> {
  const began = Date.now();
  const timings: Record<string, number> = {};
  let mark = began;
  const step = (name: string): void => {
    timings[`${name}_seconds`] = secondsSince(mark);
    mark = Date.now();
    signal.throwIfAborted();
  };
  await build();
  step("build");
  const server = await startServer({ name: "demo", log: say });
  step("server");

  const client = new pg.Client({ connectionString: server.url() });
  let lost: Error | undefined;
  client.on("error", (error) => (lost = error));
  const cleanups: (() => Promise<unknown>)[] = [() => client.end()];
  const close = async (): Promise<void> => {
    for (let one = cleanups.pop(); one; one = cleanups.pop()) await one().catch(() => undefined);
  };
  try {
    await client.connect();
    await alone(client);
    if (server.kind === "external") await refuseToDrop(client);
    const language = await install(client);
    step("install");
    say(`ruvector_healing installed (${language}). Making embeddings: ${options.rows} rows in 8 partitions, 60 % of them in one...`);
    await cancellable(server, signal, (other) => makeTable(other, options.rows));
    await rememberRows(client);
    const before = await rowsByPartition(client);
    step("table");

    await client.query("SELECT ruvector_healing_register('embeddings')");
    const since = await now(client);
    const weight_before = (await look(client, since)).weight;
    const writer = await startWriter(server.url());
    cleanups.push(() => writer.stop());
    const searcher = await startSearcher(server.url());
    cleanups.push(() => searcher.stop());
    cleanups.push(() => client.query("SELECT ruvector_healing_unschedule()"));
    const { rows } = await client.query<{ schedule: string }>(
      "SELECT ruvector_healing_schedule(make_interval(secs => $1)) ->> 'schedule' AS schedule", [options.interval]);
    const schedule = rows[0]?.schedule ?? "";
    say(`pg_cron runs the loop (${schedule}). A writer and a searcher are at work.`);

    const healing = Date.now();
    // pg_cron before 1.5 knows minutes only.
    const limit = patience(schedule.includes("*") ? Math.max(60, options.interval) : options.interval);
    const story: Story = { states: [], witness: [], sensed_after: null, healed_after: null, limit };
    let seen: Seen;
    for (;;) {
      signal.throwIfAborted();
      if (lost) throw lost;
      seen = await look(client, since);
      notice(story, seen, secondsSince(healing));
      display.show({ ...seen, seconds: secondsSince(healing), inserted: writer.result.ids.length, queries: searcher.result.milliseconds.length, weight_before });
      if (seen.action?.finished_at || secondsSince(healing) >= limit) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    display.end();
    step("healing");

    await Promise.all([writer.stop(), searcher.stop()]);
    await client.query("SELECT ruvector_healing_unschedule()");
    const check = await checkRows(client, writer.result.ids);
    const after = await rowsByPartition(client);
    step("check");
    timings["total_seconds"] = secondsSince(began);
    const result = resultOf({ server, language, options, schedule, before, after, story, seen, weight_before, writer: writer.result, searcher: searcher.result, check, timings });
    return { server, result, seen, client, close };
  } catch (error) {
    display.end();
    await close();
    throw error;
  }
}

/** The part of the story that the end no longer shows. */
function notice(story: Story, seen: Seen, seconds: number): void {
  if (seen.state !== null && story.states.at(-1) !== seen.state) story.states.push(seen.state);
  if (story.sensed_after === null && seen.lambda !== null && seen.lambda < STRESS) {
    story.sensed_after = seconds;
    story.witness = seen.witness(20);
  }
  if (seen.action?.verified && seen.action.finished_at) story.healed_after = seconds;
}

/**
 * Making a large table takes a while; Ctrl-C cancels the statement instead of waiting for it. On a connection of
 * its own: once PLJS 1.0.5 has run in a session (installing is enough) no cancel reaches it any more.
 */
async function cancellable(server: Server, signal: AbortSignal, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: server.url() });
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const cancel = async (): Promise<void> => {
    const other = new pg.Client({ connectionString: server.url() });
    await other.connect();
    await other.query("SELECT pg_cancel_backend($1)", [rows[0]?.pid]);
    await other.end();
  };
  const listener = (): void => void cancel().catch(() => undefined);
  signal.addEventListener("abort", listener);
  try {
    signal.throwIfAborted();
    await work(client);
  } finally {
    signal.removeEventListener("abort", listener);
    await client.end();
  }
}
