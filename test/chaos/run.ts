/**
 * A chaos run: begin something, let a fault fall into it, give the loop its time, check everything;
 * again.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { act } from "./actions.ts";
import { Check } from "./check.ts";
import type { Fault } from "./faults/fault.ts";
import { FAULTS } from "./faults/index.ts";
import { random } from "./random.ts";
import { TABLES } from "./tables.ts";
import { Workload } from "./workload.ts";
import { World } from "./world.ts";

export interface RunOptions {
  readonly seed: number;
  /** Ends after so many faults or so many minutes, whichever comes first. */
  readonly faults?: number;
  readonly minutes?: number;
  /** Only faults whose name contains one of these. */
  readonly only?: readonly string[];
  /** The quick faults, and no action that takes minutes. */
  readonly short?: boolean;
  readonly server: string;
  readonly log: (line: string) => void;
}

export interface Result {
  readonly seed: number;
  readonly survived: Readonly<Record<string, number>>;
  /** Faults that found nothing to hit. */
  readonly missed: Readonly<Record<string, number>>;
  readonly statements: number;
  /** From its first fault to its end, without making the server. */
  readonly seconds: number;
  /** null: all was survived. */
  readonly violation: {
    readonly number: number;
    readonly fault: string;
    readonly found: readonly string[];
    readonly evidence: string;
  } | null;
}

export async function run(options: RunOptions): Promise<Result> {
  const { seed, log, short = false } = options;
  const faults = FAULTS.filter(
    (fault) =>
      (!short || fault.short) &&
      (!short || !fault.needs) &&
      (!options.only || options.only.some((part) => fault.name.includes(part))),
  );
  if (faults.length === 0)
    throw new Error(
      `no fault has a name like that; there are: ${FAULTS.map(({ name }) => name).join(", ")}`,
    );
  const world = await World.make({
    name: options.server,
    replicas: faults.some(({ needs }) => needs === "replica") ? 1 : 0,
    fsync: seed % 3 === 0,
    log,
  });
  const workload = new Workload(world, TABLES, seed);
  world.startTicking();
  const check = new Check(world, workload);
  await check.begin();
  const survived: Record<string, number> = {};
  const missed: Record<string, number> = {};
  const start = Date.now();
  const end = start + (options.minutes ?? Infinity) * 60_000;
  let violation: Result["violation"] = null;
  for (
    let number = 1;
    number <= (options.faults ?? Infinity) && Date.now() < end && violation === null;
    number++
  ) {
    const began = Date.now();
    const choices = random(seed, "fault", number);
    const fault = choices.weighted(faults);
    const said: string[] = [];
    const found: string[] = [];
    const laps: string[] = [];
    let from = began;
    const lap = (what: string): void => {
      laps.push(`${what} ${((Date.now() - from) / 1000).toFixed(1)}`);
      from = Date.now();
    };
    try {
      said.push(await act(world, choices, short));
      lap("begun");
      const hit = await fault.inject(world, choices, workload);
      said.push(hit ?? "nothing to hit");
      lap("fault");
      const counts = hit === null ? missed : survived;
      found.push(...(await check.after(fault, false, lap)));
      if (found.length === 0) counts[fault.name] = (counts[fault.name] ?? 0) + 1;
    } catch (error) {
      found.push(
        `the run itself failed: ${(error as Error).stack ?? String(error)} ` +
          `${JSON.stringify(error)}`,
      );
    }
    world.outside = false;
    log(
      `seed ${seed} fault ${number}: ${fault.name} during ${said.join(": ")} ` +
        `(${((Date.now() - began) / 1000).toFixed(1)} s: ${laps.join(", ")})`,
    );
    if (found.length > 0)
      violation = {
        number,
        fault: fault.name,
        found,
        evidence: await keepEvidence(world, check, options, number, found),
      };
  }
  if (violation === null) violation = await settle(world, check, options);
  const seconds = (Date.now() - start) / 1000;
  await workload.stop();
  await world.close();
  if (violation === null) await world.server.destroy();
  return { seed, survived, missed, statements: workload.statements, seconds, violation };
}

/** In the end nothing may be left at all: no action, no lease, no job. */
async function settle(
  world: World,
  check: Check,
  options: RunOptions,
): Promise<Result["violation"]> {
  const found: string[] = [];
  try {
    await world.ask("SELECT ruvector_healing_configure('{\"enabled\": false}')");
    const left = `SELECT (SELECT count(*) FROM ruvector.healing_actions
      WHERE finished_at IS NULL) + (SELECT count(*) FROM ruvector.healing_leases
      WHERE ended_at IS NULL)
                       + (SELECT count(*) FROM ruvector.healing_jobs
                         WHERE state IN ('scheduled', 'running'))`;
    const end = Date.now() + (options.short ? 120 : 420) * 1000;
    let rest = await world.until<string>(left, (count) => count === "0", 2);
    while (rest !== "0" && Date.now() < end) {
      world.clock.pass(5);
      rest = await world.until<string>(left, (count) => count === "0", 1);
    }
    if (rest !== "0") found.push(`${rest} actions, leases and jobs do not end`);
    found.push(...(await check.after({ explains: {} }, true)));
  } catch (error) {
    found.push(`settling failed: ${(error as Error).stack ?? String(error)}`);
  }
  return found.length === 0
    ? null
    : {
        number: 0,
        fault: "the end",
        found,
        evidence: await keepEvidence(world, check, options, 0, found),
      };
}

/**
 * What there is to look at afterwards: the product's tables, the sessions, the log's place. The
 * server is left running.
 */
async function keepEvidence(
  world: World,
  check: Check,
  options: RunOptions,
  number: number,
  found: readonly string[],
): Promise<string> {
  const folder = join(tmpdir(), `ruvector-chaos-${options.seed}-${number}-${Date.now()}`);
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "found.txt"),
    `seed ${options.seed}, fault ${number}\n${found.join("\n")}\nserver: ` +
      `${world.server.psql}\nits log: ${check.logFile}\n`,
  );
  for (const table of [
    "healing_actions",
    "healing_steps",
    "healing_leases",
    "healing_jobs",
    "healing_routes",
    "healing_events",
    "healing_ticks",
    "healing_config",
    "healing_refusals",
  ]) {
    await world
      .ask(
        `SELECT to_jsonb(t) AS row FROM (SELECT * FROM ruvector.${table}
          ORDER BY 1 DESC LIMIT 300) t`,
      )
      .then(
        (rows) =>
          writeFile(
            join(folder, `${table}.json`),
            rows.map((row) => JSON.stringify(row["row"])).join("\n"),
          ),
        () => undefined,
      );
  }
  await world
    .ask(
      `SELECT to_jsonb(a) || jsonb_build_object('blocked_by', pg_blocking_pids(a.pid)) AS row
        FROM pg_stat_activity a`,
    )
    .then(
      (rows) =>
        writeFile(
          join(folder, "sessions.json"),
          rows.map((row) => JSON.stringify(row["row"])).join("\n"),
        ),
      () => undefined,
    );
  return folder;
}

export type { Fault };
