/**
 * Runs one drill: a healthy collection, the fault, what pg_cron makes of it, the undo, the rows. It
 * only watches.
 */
import type pg from "pg";
import { lambdaText } from "../../model/text.ts";
import { SETTLED } from "../../configuration/settings.ts";
import type { Server } from "../db/server.ts";
import { pause, type Running, type Failures } from "../load.ts";
import type { Drill, Stage } from "./drill.ts";
import { beyondBound, type Latency, type Phase, type Probe, startProbe } from "./latency.ts";
import { checkRows, rememberRows, type RowsCheck } from "./rows.ts";
import { connectTo, dropSchema, freshSchema, tableName } from "./stage.ts";
import { type ActionResult, predictionOff, whatIsLeft } from "./well.ts";

export interface DrillResult {
  readonly drill: string;
  readonly fault: string;
  /**
   * ok: sensed as the class, healed by the strategy, verified, well at the end, undone where it can
   * be, and no row lost.
   */
  readonly ok: boolean;
  /** Why it is not ok, or why it did not run. */
  readonly problem: string | null;
  readonly skipped: boolean;
  readonly sensed_after_seconds: number | null;
  readonly class: string | null;
  readonly strategy: string | null;
  /**
   * "loop", or "asked for": the strategy is above the default limit of impact or needs something a
   * drill cannot grant.
   */
  readonly started_by: "loop" | "asked for" | null;
  readonly lambda_healthy: number | null;
  readonly lambda_before: number | null;
  readonly lambda_predicted: number | null;
  /**
   * When the last action was verified, and once the collection was well, or the wait for that was
   * over.
   */
  readonly lambda_after: number | null;
  readonly lambda_reached: number | null;
  readonly healed_after_seconds: number | null;
  /** Out of stress again, for as long as recovery_hold_seconds asks; null: it was not. */
  readonly well_after_seconds: number | null;
  readonly actions: readonly ActionResult[];
  /**
   * Where less was reached than was foreseen. No failure of the drill: the collection is well; to
   * be looked at.
   */
  readonly finding: string | null;
  /** "yes", "cannot be undone", or what was left. */
  readonly undone: string | null;
  readonly rows: RowsCheck | null;
  /** With --latency: times of a workload beside it, by phase. */
  readonly latency: readonly Latency[] | null;
  /** Errors of the load that ran beside, by SQLSTATE. */
  readonly load_errors: Readonly<Record<string, number>>;
  readonly message: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
}

interface Seen {
  readonly lambda: number | null;
  readonly normal: boolean;
  readonly refusals: readonly { readonly reason: string; readonly message: string }[];
  readonly action: {
    readonly id: string;
    readonly state: string;
    readonly strategy: string;
    readonly problem_class: string;
    readonly reversible: boolean;
    readonly initial_lambda: number;
    readonly predicted_lambda: number | null;
    readonly final_lambda: number | null;
    readonly verified: boolean | null;
    readonly message: string | null;
    readonly finished: boolean;
  } | null;
}

export interface RunOptions {
  /** Seconds that one drill may take to be healed. */
  readonly patience: number;
  /**
   * Seconds for which the workload is timed before the fault, with the fault left alone, and after
   * the end; 0: not at all.
   */
  readonly latency: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const STRESS = 0.8;
const POLL_MS = 500;

export async function runDrill(
  server: Server,
  client: pg.Client,
  drill: Drill,
  options: RunOptions,
): Promise<DrillResult> {
  const table = tableName(drill.name);
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
  const result: { -readonly [K in keyof DrillResult]: DrillResult[K] } = {
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
    well_after_seconds: null,
    actions: [],
    finding: null,
    undone: null,
    rows: null,
    latency: null,
    load_errors: {},
    message: null,
    settings: drill.settings ?? {},
  };
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

function sumErrors(loads: readonly Running<Failures>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { result } of loads)
    for (const [code, times] of Object.entries(result.errors)) sum[code] = (sum[code] ?? 0) + times;
  return sum;
}

type Result = { -readonly [K in keyof DrillResult]: DrillResult[K] };

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
  const began = Date.now();
  const seconds = (): number => Math.round((Date.now() - began) / 100) / 10;
  const healed = await heal(stage, drill, options, result, seconds, probe);
  if (healed) await timed("healed");
  result.latency = probe?.summary() ?? null;
  if (!healed) return;
  result.undone = await undo(stage, result, options);
  result.rows = await checkRows(client, table);
  result.finding = predictionOff(
    result.actions.find(({ verified }) => verified)?.lambda_predicted ?? null,
    result.lambda_reached,
  );
  result.problem ??= verdict(drill, result);
  result.ok = result.problem === null;
}

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

/**
 * Watches until an action was verified and the collection is well, which may take more than one.
 * Returns whether one was verified.
 */
async function heal(
  stage: Stage,
  drill: Drill,
  options: RunOptions,
  result: Result,
  seconds: () => number,
  probe: Probe | null,
): Promise<boolean> {
  let verified: number | null = null;
  for (;;) {
    options.signal.throwIfAborted();
    const { lambda, normal, action, refusals } = await look(stage);
    if (result.sensed_after_seconds === null && lambda !== null && lambda < STRESS) {
      result.sensed_after_seconds = seconds();
      result.lambda_before = lambda;
      options.say(`${drill.name}: sensed after ${seconds()} s, lambda ${lambda.toFixed(2)}`);
      if (drill.asked_for) await ask(stage, drill);
    }
    if (action && !action.finished) probe?.enter("healing");
    if (action && result.strategy !== action.strategy) {
      options.say(`${drill.name}: ${action.problem_class}, ${action.strategy}`);
      Object.assign(result, {
        class: action.problem_class,
        strategy: action.strategy,
        started_by: drill.asked_for ? "asked for" : "loop",
      });
    }
    if (action?.finished) {
      Object.assign(result, {
        lambda_before: action.initial_lambda,
        lambda_predicted: action.predicted_lambda,
        lambda_after: action.final_lambda,
        healed_after_seconds: verified ?? (action.verified ? seconds() : null),
        message: action.message,
      });
      keep(result, action);
      // An action that did not verify makes way for the next strategy; the drill waits for that
      // one.
      if (action.verified) verified ??= seconds();
    }
    result.lambda_reached = lambda;
    if (verified !== null && seconds() - verified > options.patience) {
      result.problem =
        `better, not well: ${options.patience} s after it was verified lambda is ` +
        `${lambdaText(lambda)} ` +
        `(${lambdaText(result.lambda_predicted)} foreseen); ` +
        `${await whatIsLeft(stage, result.strategy!)}`;
      return true;
    }
    if (verified !== null && action?.finished && normal && lambda !== null && lambda >= STRESS) {
      result.well_after_seconds = seconds();
      return true;
    }
    if (verified === null && seconds() > options.patience) {
      const last = action
        ? `action ${action.id} (${action.strategy}) is ${action.state}: ${action.message ?? ""}`
        : refusals.map(({ reason, message }) => `${reason}: ${message}`).join("; ");
      result.problem =
        `not healed within ${options.patience} s; lambda ${lambda ?? "not known"}; ` +
        `${last || "nothing was decided"}`;
      return false;
    }
    await pause(POLL_MS);
  }
}

function keep(result: Result, action: NonNullable<Seen["action"]>): void {
  if (result.actions.some(({ id }) => id === action.id)) return;
  const { id, strategy, verified, initial_lambda, predicted_lambda, final_lambda } = action;
  result.actions = [
    ...result.actions,
    {
      id,
      strategy,
      verified,
      lambda_before: initial_lambda,
      lambda_predicted: predicted_lambda,
      lambda_verified: final_lambda,
    },
  ];
}

async function ask({ client, table }: Stage, { strategy, asked_for }: Drill): Promise<void> {
  await client.query("SELECT ruvector_healing_execute($1, $2, $3)", [
    table,
    strategy,
    JSON.stringify(asked_for),
  ]);
}

/**
 * Undoes every action that helped, the newest first, as a person would; the ticks of pg_cron carry
 * it out.
 */
async function undo(stage: Stage, { actions }: Result, options: RunOptions): Promise<string> {
  const helped = actions
    .filter(({ verified }) => verified)
    .map(({ id }) => id)
    .reverse();
  let answer = "there is no action";
  for (const id of helped) {
    answer = await undoOne(stage, id, options);
    if (answer !== "yes") return answer;
  }
  return answer;
}

async function undoOne({ client, table }: Stage, id: string, options: RunOptions): Promise<string> {
  const {
    rows: [found],
  } = await client.query<{ reversible: boolean }>(
    "SELECT reversible FROM ruvector.healing_actions WHERE id = $1",
    [id],
  );
  if (!found?.reversible) return "cannot be undone";
  await client.query("SELECT ruvector_healing_rollback($1)", [table]);
  let rest = "";
  for (
    const began = Date.now();
    Date.now() - began < options.patience * 1000;
    await pause(POLL_MS)
  ) {
    options.signal.throwIfAborted();
    const { rows } = await client.query<{
      state: string;
      message: string | null;
      left: number;
      leases: number;
    }>(
      `
      SELECT a.state, a.message, (SELECT count(*)::int FROM ruvector.healing_steps s
        WHERE s.action_id = a.id AND s.undone_at IS NULL) AS left,
             (SELECT count(*)::int FROM ruvector.healing_leases l WHERE l.action_id = a.id
               AND l.ended_at IS NULL) AS leases
        FROM ruvector.healing_actions a WHERE a.id = $1`,
      [id],
    );
    const now = rows[0];
    // A lease may outlive the undo for a moment: what it left on the table goes when nobody is at
    // work there.
    if (now?.state === "rolled_back" && now.left === 0 && now.leases === 0) return "yes";
    if (now?.state === "rolled_back") rest = `${now.left} steps and ${now.leases} leases are left`;
    if (now?.state === "rollback_failed") return `failed: ${now.message ?? ""}`;
  }
  return `not finished within ${options.patience} s${rest && `: ${rest}`}`;
}

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

/** The newest action and reading of the drill's collection. */
async function look({ client, table }: Stage): Promise<Seen> {
  const { rows } = await client.query<Seen>(
    `
    SELECT (SELECT lambda FROM ruvector_integrity_status($1)) AS lambda,
           coalesce((SELECT st.state = 0
             FROM ruvector.integrity_state st JOIN ruvector.collections c USING (collection_id)
                      WHERE format('%I.%I', c.schema_name, c.table_name) = $1), false) AS normal,
           coalesce((SELECT json_agg(json_build_object('reason', r.reason, 'message', r.message))
             FROM ruvector.healing_refusals r
                      WHERE r.collection = $1 AND r.closed_at IS NULL), '[]') AS refusals,
           (SELECT json_build_object('id', a.id::text, 'state', a.state, 'strategy',
             a.strategy_name, 'problem_class', a.problem_class,
                     'reversible', a.reversible, 'initial_lambda', a.initial_lambda,
                       'predicted_lambda', a.predicted_lambda,
                     'final_lambda', a.final_lambda, 'verified', a.verified, 'message', a.message,
                       'finished', a.finished_at IS NOT NULL)
              FROM ruvector.healing_actions a WHERE a.collection = $1
                AND a.collection_id = (SELECT collection_id FROM ruvector.collections
               WHERE format('%I.%I', schema_name, table_name) = $1)
                 ORDER BY a.id DESC LIMIT 1) AS action`,
    [table],
  );
  return rows[0]!;
}
