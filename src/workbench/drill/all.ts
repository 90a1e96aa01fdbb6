/**
 * The drills that are asked for, one after the other: causes each fault on a fresh collection of a
 * real server and lets pg_cron heal it. On a staging server (DATABASE_URL) it stays in its own
 * schema and cleans up after itself.
 */
import pc from "../../commands/colours.ts";
import { nearest } from "../../base/nearest.ts";
import { canHaveReplicas, ServerProblem, startServer } from "../db/server.ts";
import { interruption } from "../../commands/command-line.ts";
import { DRILLS } from "./drills/index.ts";
import type { Drill } from "./drill.ts";
import { table } from "./print.ts";
import type { DrillResult } from "./result.ts";
import { runDrill } from "./run.ts";
import { alone, connectTo, dropSchema, install, runLoop } from "./stage.ts";

export interface DrillFlags {
  readonly json?: boolean;
  readonly name: string;
  readonly interval: number;
  readonly patience: number;
  readonly latency: number | true | undefined;
}

/** At 20 statements a second: 400 of each kind, so that a p99 is the fourth worst. */
export const LATENCY_SECONDS = 20;

function wanted(names: readonly string[]): readonly Drill[] {
  if (names.includes("all")) return DRILLS;
  return names.map((name) => {
    const found = DRILLS.find((drill) => drill.name === name);
    if (found) return found;
    const known = DRILLS.map((drill) => drill.name);
    throw new ServerProblem(
      `There is no drill "${name}".`,
      `Did you mean "${nearest(name, known)}"? Known: all, ${known.join(", ")}.`,
    );
  });
}

async function drill(
  names: readonly string[],
  flags: DrillFlags,
  signal: AbortSignal,
): Promise<void> {
  const drills = wanted(names);
  const say = (line: string): void => void process.stderr.write(`${pc.dim(line)}\n`);
  const replicas = Math.max(0, ...drills.map((one) => one.replicas ?? 0));
  const server = await startServer({
    name: flags.name,
    log: say,
    ...(replicas > 0 && (await canHaveReplicas(flags.name)) && { replicas }),
  });
  const client = await connectTo(server.url());
  const results: DrillResult[] = [];
  let stop: () => Promise<void> = async () => undefined;
  // Before anything is to be cleaned up: what stands there belongs to the drill that runs.
  await alone(client).catch(async (error: unknown) => {
    await client.end();
    throw error;
  });
  try {
    await install(client, server);
    const loop = await runLoop(client, flags.interval);
    stop = loop.stop;
    say(`The loop runs by pg_cron (${loop.schedule}) on ${server.where}.`);
    for (const one of drills) {
      signal.throwIfAborted();
      say(`${one.name}: ${one.fault}`);
      results.push(
        await runDrill(server, client, one, {
          patience: flags.patience,
          latency: flags.latency === true ? LATENCY_SECONDS : (flags.latency ?? 0),
          signal,
          say,
        }),
      );
    }
  } finally {
    await stop().catch(() => undefined);
    await dropSchema(client).catch(() => undefined);
    await client.end().catch(() => undefined);
  }
  console.log(flags.json ? JSON.stringify(results, null, 1) : table(results));
  const run = results.filter(({ skipped }) => !skipped);
  const failed = run.filter(({ ok }) => !ok).map(({ drill }) => drill);
  say(
    `${run.length - failed.length} of ${run.length} drills ended ` +
      `well${failed.length > 0 ? `; not: ${failed.join(", ")}` : ""}` +
      (run.length < results.length ? `; ${results.length - run.length} not run` : ""),
  );
  // What could not be run on this server says so, and is no failure.
  if (failed.length > 0 || run.length === 0) process.exitCode = 1;
}

export async function drillAll(names: readonly string[], flags: DrillFlags): Promise<void> {
  const signal = interruption();
  try {
    await drill(names, flags, signal);
  } catch (error) {
    if (!(signal.aborted || error instanceof ServerProblem)) throw error;
    process.stderr.write(
      signal.aborted
        ? "Stopped; the drill's schema is dropped.\n"
        : `${pc.red((error as Error).message)}\n`,
    );
    process.exitCode = signal.aborted ? 130 : 1;
  }
}
