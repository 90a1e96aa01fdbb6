/**
 * Runs one drill: a healthy collection, the fault, what pg_cron makes of it, the undo, the rows. It
 * only watches.
 */
import type pg from "pg";
import { SETTLED } from "../../configuration/settings.ts";
import type { Server } from "../db/server.ts";
import { pause, type Running, type Failures } from "../load.ts";
import type { Drill, Stage } from "./drill.ts";
import { heal } from "./heal.ts";
import { beyondBound, type Phase, startProbe } from "./latency.ts";
import { look } from "./look.ts";
import { POLL_MS, type RunOptions } from "./options.ts";
import { partsOf } from "./parts.ts";
import type { DrillResult, Result } from "./result.ts";
import { checkRows, rememberRows } from "./rows.ts";
import { connectTo, dropSchema, freshSchema, tableName } from "./stage.ts";
import { undo } from "./undo.ts";
import { predictionOff } from "./well.ts";

export async function runDrill(
  server: Server,
  client: pg.Client,
  drill: Drill,
  options: RunOptions,
): Promise<DrillResult> {
  const { stage, ends, loads } = stageOf(server, client, tableName(drill.name));
  const result = nothingYet(drill);
  try {
    const missing = (await drill.unavailable?.(stage)) ?? null;
    if (missing !== null) return { ...result, skipped: true, problem: missing };
    await play(stage, drill, options, result);
  } catch (error) {
    if (options.signal.aborted) throw error;
    result.problem = error instanceof Error ? error.message : String(error);
  } finally {
    for (let end = ends.pop(); end; end = ends.pop()) await end().catch(() => undefined);
    result.load_errors = sumErrors(loads);
    await dropSchema(client).catch((error: unknown) =>
      options.say(`cleaning up after ${drill.name}: ${String(error)}`),
    );
  }
  return result;
}

/** The drill's stage, what it started, and what is to be done when it ends. */
function stageOf(server: Server, client: pg.Client, table: string) {
  const ends: (() => Promise<unknown>)[] = [];
  const loads: Running<Failures>[] = [];
  const stage: Stage = {
    server,
    client,
    table,
    connect: async () => {
      const other = await connectTo(server.url());
      ends.push(() => other.end());
      return other;
    },
    background: (running) => {
      loads.push(running);
      ends.push(() => running.stop());
    },
    atEnd: (work) => ends.push(work),
  };
  return { stage, ends, loads };
}

const nothingYet = (drill: Drill): Result => ({
  drill: drill.name,
  fault: drill.fault,
  ok: false,
  problem: null,
  skipped: false,
  sensed_after_seconds: null,
  class: null,
  strategy: null,
  started_by: null,
  lambda_healthy: null,
  lambda_before: null,
  lambda_predicted: null,
  lambda_after: null,
  lambda_reached: null,
  healed_after_seconds: null,
  parts: null,
  well_after_seconds: null,
  actions: [],
  finding: null,
  undone: null,
  rows: null,
  latency: null,
  load_errors: {},
  message: null,
  settings: drill.settings ?? {},
});

function sumErrors(loads: readonly Running<Failures>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { result } of loads)
    for (const [code, times] of Object.entries(result.errors)) sum[code] = (sum[code] ?? 0) + times;
  return sum;
}

async function play(
  stage: Stage,
  drill: Drill,
  options: RunOptions,
  result: Result,
): Promise<void> {
  const { client, table } = stage;
  await freshSchema(client);
  await drill.prepare(stage);
  await client.query("SELECT ruvector_healing_register($1, $2)", [
    table,
    JSON.stringify({ movable: true, ...drill.options }),
  ]);
  // A drill teaches nothing: neither the next drill nor the server it runs on.
  await client.query("SELECT ruvector_healing_configure($1, $2)", [
    JSON.stringify({ ...SETTLED, learning_enabled: false, ...drill.settings }),
    table,
  ]);
  result.lambda_healthy = await healthy(stage, options);
  const probe = options.latency > 0 ? await startProbe(stage) : null;
  const timed = async (phase: Phase): Promise<void> => {
    probe?.enter(phase);
    if (probe) await pause(options.latency * 1000);
  };
  await timed("healthy");
  if (probe) await hold(stage, true);
  await drill.inject(stage);
  await rememberRows(client, table);
  await timed("fault");
  if (probe) await hold(stage, false);
  const faultAt = await serverTime(stage);
  const began = Date.now();
  const seconds = (): number => Math.round((Date.now() - began) / 100) / 10;
  const healed = await heal({ stage, drill, options, result, seconds, probe });
  const verified = result.actions.find((one) => one.verified);
  if (verified) result.parts = await partsOf(stage, verified.id, faultAt);
  if (healed) await timed("healed");
  result.latency = probe?.summary() ?? null;
  if (!healed) return;
  result.undone = await undo(stage, result, options);
  result.rows = await checkRows(client, table);
  result.finding = predictionOff(verified?.lambda_predicted ?? null, result.lambda_reached);
  result.problem ??= verdict(drill, result);
  result.ok = result.problem === null;
}

const serverTime = async ({ client }: Stage): Promise<string> =>
  (await client.query<{ at: string }>("SELECT clock_timestamp()::text AS at")).rows[0]!.at;

/** Waits for a sample of the collection as it was made; the fault must be ours, not the table's. */
async function healthy(stage: Stage, options: RunOptions): Promise<number | null> {
  const began = Date.now();
  for (;;) {
    options.signal.throwIfAborted();
    const { lambda } = await look(stage);
    if (lambda !== null && lambda >= 0.9) return lambda;
    if (Date.now() - began > 90_000)
      throw new Error(
        `the collection is not healthy before the fault: lambda ${lambda ?? "not known"} ` +
          "after 90 s",
      );
    await pause(POLL_MS);
  }
}

/** Keeps the loop from acting on the drill's collection; it still senses. */
const hold = async ({ client, table }: Stage, held: boolean): Promise<void> =>
  void (await client.query("SELECT ruvector_healing_configure($1, $2)", [
    JSON.stringify({ enabled: held ? false : null }),
    table,
  ]));

function verdict(drill: Drill, result: Result): string | null {
  if (result.class !== drill.problem_class)
    return `classified as ${result.class}, not ${drill.problem_class}`;
  if (result.strategy !== drill.strategy)
    return `healed by ${result.strategy}, not ${drill.strategy}`;
  if (result.undone !== "yes" && result.undone !== "cannot be undone")
    return `undo: ${result.undone}`;
  if (!result.rows?.ok)
    return (
      `rows: ${result.rows?.missing} missing, ${result.rows?.changed} changed, ` +
      `${result.rows?.doubled} doubled`
    );
  return result.latency && beyondBound(result.latency, result.strategy === "throttle_ingestion");
}
