/**
 * Where a chaos run happens: a server of its own, tables with writers and readers at work, and the
 * loop, which pg_cron and a session of ours drive.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { makeBundle, QUOTE } from "../../build/bundle.ts";
import { root } from "../../build/project.ts";
import { chosen } from "../../src/workbench/db/language.ts";
import { type Server, startServer } from "../../src/workbench/db/server.ts";
import { pause } from "../../src/workbench/load.ts";
import { QUICK_TRAFFIC } from "../server/support/traffic.ts";
import { QUICK } from "../support/collection.ts";
import { makeTables, TABLES } from "./tables.ts";
import { QUICK_JOBS, VirtualClock } from "./virtual-clock.ts";

/** What scale_replicas asks for; the run is its actuator. */
const WORKLOAD = "deployment/chaos/read";

/**
 * Everything is over quickly, so that a fault is likely to fall into it: small batches, short
 * leases, no cooldowns.
 */
const SETTINGS = {
  ...QUICK,
  ...QUICK_TRAFFIC,
  enabled: true,
  batch_rows: 15,
  slice_seconds: 0.05,
  // The table is small, and is judged all the same.
  min_rows_for_load: 100,
  max_auto_heal_impact: 1,
  require_approval_strategies: [],
  strategy_retry_seconds: 0,
  ineffective_outcomes: 100,
  // Most actions of a run fail: that is what the faults are for.
  breaker_failures: 1000,
  max_retries: 3,
  // A leftover is dropped by a one-off job, which takes more than a minute; a try that is cut
  // short, another one.
  rollback_timeout_seconds: 900,
  throttle_seconds: 4,
  throttle_max_delay_seconds: 0.05,
  drain_lease_seconds: 4,
  drain_seconds: 2,
  pause_seconds: 4,
  kept_index_seconds: 1,
  approval_ttl_seconds: 6,
  // Nobody's opinion keeps the loop from the next try.
  rejection_seconds: 0,
  scale_workload: WORKLOAD,
  actuation_timeout_seconds: 3,
  actuator_report_seconds: 3600,
};

/** A session of ours, told by its application_name. */
export const CONTROL = "chaos control";
export const TICKER = "chaos ticker";
const ACTUATOR = "chaos";
/**
 * pg_cron's ticks come beside the timer's; each starts a session, and with it the JavaScript, anew:
 * 2 s on a busy machine, where one of the timer's takes 0.7.
 */
export const SCHEDULE = "10 seconds";
/** Where pg_cron alone has to bring the loop back, and somebody waits for it. */
export const SOON = "1 second";

/** pg_cron's jobs of the imaginary user, which pause_maintenance may pause. */
export const USER_JOBS = { chaos_idle: "0 0 1 1 *", chaos_busy: "5 seconds" } as const;

const TICKS = "SELECT ticks::text FROM ruvector.healing_ticks";

export interface Options {
  readonly name: string;
  readonly replicas: number;
  readonly fsync: boolean;
  readonly log: (line: string) => void;
}

export class World {
  readonly server: Server;
  readonly log: (line: string) => void;
  readonly clock = new VirtualClock();
  /** "pljs" or "plv8", once the product is installed. */
  language: string | null = null;
  /** Tables that hold rows of the partitioned table while they are none of its partitions. */
  readonly detached: string[] = [];
  /** Whether statements may miss rows, because a partition is, or just was, detached. */
  outside = false;
  /** The mode of the partitioned table; null: the usual one. */
  mode: string | null = null;
  /**
   * What the actuator does with the next request for more replicas. One that takes them back is
   * always carried out.
   */
  actuator: "scales" | "fails" | "silent" | "away" = "scales";
  #control: pg.Client | undefined;
  #reported = false;
  #bundle: Awaited<ReturnType<typeof makeBundle>> | undefined;
  #ticker: { stop: () => Promise<void> } | undefined;

  private constructor(server: Server, log: (line: string) => void) {
    this.server = server;
    this.log = log;
  }

  static async make({ name, replicas, fsync, log }: Options): Promise<World> {
    // No fault takes the machine down: what a killed process has written, the kernel still has.
    // Without fsync a busy disk is not waited for; every third seed has it all the same, because a
    // disk that is full fails there too.
    const server = await startServer({
      name,
      fresh: true,
      replicas,
      settings: { max_connections: "150", autovacuum_naptime: "5s", fsync: fsync ? "on" : "off" },
      log,
    });
    const world = new World(server, log);
    await world.ask("ALTER SYSTEM SET deadlock_timeout = '500ms'");
    await world.ask("SELECT pg_reload_conf()");
    await world.#install();
    await makeTables(world);
    for (const { name: table, options } of TABLES)
      await world.ask("SELECT ruvector_healing_register($1, $2)", [table, JSON.stringify(options)]);
    await world.restoreSettings();
    await world.ask(
      `SELECT cron.schedule('chaos_idle', $1, 'SELECT 1'), cron.schedule('chaos_busy', $2,
        'SELECT pg_sleep(0.5)')`,
      [USER_JOBS.chaos_idle, USER_JOBS.chaos_busy],
    );
    await world.ask("SELECT ruvector_healing_schedule($1::interval)", [SCHEDULE]);
    return world;
  }

  async #install(): Promise<void> {
    await this.upgrade();
    await this.ask(`
      CREATE SCHEMA chaos;
      CREATE TABLE chaos.sabotage (strategy text, step text NOT NULL, way text NOT NULL,
        afterwards boolean NOT NULL);
      CREATE SEQUENCE chaos.hits;
      CREATE FUNCTION chaos.fail(state text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = 'sabotaged: ' || state; END $$;
      GRANT USAGE ON SCHEMA chaos TO PUBLIC; GRANT SELECT ON chaos.sabotage TO PUBLIC;
        GRANT USAGE ON chaos.hits TO PUBLIC`);
    await this.ask(QUICK_JOBS);
  }

  /** The product, with the bundle replaced by the one whose strategies can be made to fail. */
  async upgrade(): Promise<void> {
    this.language =
      chosen(
        (await this.ask<{ name: string }>("SELECT extname AS name FROM pg_extension")).map(
          ({ name }) => name,
        ),
      ) ?? null;
    const language = this.language;
    this.#bundle ??= await makeBundle("test/chaos/sabotage-bundle.ts");
    const { source, hash } = this.#bundle;
    await this.ask(`BEGIN;
      ${await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8")};
      CREATE OR REPLACE FUNCTION ruvector.healing_bundle() RETURNS text
        LANGUAGE sql IMMUTABLE AS $function$SELECT ${QUOTE}\n${source}${QUOTE}$function$;
      CREATE OR REPLACE FUNCTION ruvector.healing_bundle_hash() RETURNS text
        LANGUAGE sql IMMUTABLE AS $function$SELECT '${hash}'$function$; COMMIT;`).catch(
      async (error: unknown) => {
        await this.newControl();
        throw error;
      },
    );
  }

  /** A session that a fault may end without ending this process; waits for a server that starts. */
  async connect(application: string, patience = 60, role?: string): Promise<pg.Client> {
    const url = new URL(this.server.url());
    if (role !== undefined) url.username = role;
    for (const end = Date.now() + patience * 1000; ;) {
      const client = new pg.Client({
        connectionString: url.href,
        application_name: application,
        connectionTimeoutMillis: 20_000,
      });
      client.on("error", () => undefined);
      try {
        await client.connect();
        return client;
      } catch (error) {
        await client.end().catch(() => undefined);
        if (Date.now() > end) throw error;
        await pause(50);
      }
    }
  }

  /**
   * Asks on the control session; a lost one is made anew and asked again, so only for what may be
   * done twice.
   */
  async ask<Row extends pg.QueryResultRow>(
    statement: string,
    parameters?: unknown[],
  ): Promise<Row[]> {
    for (let attempt = 1; ; attempt++) {
      this.#control ??= await this.connect(CONTROL);
      try {
        return (await this.#control.query<Row>(statement, parameters)).rows;
      } catch (error) {
        if (attempt === 5 || !isLost(error)) throw error;
        void this.#control.end().catch(() => undefined);
        this.#control = undefined;
      }
    }
  }

  /** The next question is asked on a session of its own making. */
  async newControl(): Promise<void> {
    await this.#control?.end().catch(() => undefined);
    this.#control = undefined;
  }

  async value<T>(statement: string, parameters?: unknown[]): Promise<T> {
    return Object.values((await this.ask(statement, parameters))[0] ?? {})[0] as T;
  }

  /** Polls until the first value satisfies; the last one when it never does. */
  async until<T>(
    statement: string,
    satisfied: (value: T) => boolean,
    seconds: number,
    parameters?: unknown[],
  ): Promise<T> {
    for (const end = Date.now() + seconds * 1000; ;) {
      const current = await this.value<T>(statement, parameters);
      if (satisfied(current) || Date.now() > end) return current;
      await pause(40);
    }
  }

  /**
   * The loop comes by so often, or the seconds are over: how long a fault lasts, on any machine.
   */
  async whileTicks(ticks: number, seconds: number): Promise<void> {
    const before = Number(await this.value<string>(TICKS));
    await this.until<string>(TICKS, (now) => Number(now) >= before + ticks, seconds);
  }

  /** And an open circuit breaker is closed: a lower limit may have opened it. */
  async restoreSettings(): Promise<void> {
    await this.ask("SELECT ruvector_healing_configure($1)", [JSON.stringify(SETTINGS)]);
    if ((await this.value<string>("SELECT ruvector_healing_breaker() ->> 'state'")) !== "closed")
      await this.ask("SELECT ruvector_healing_breaker_close('chaos')");
  }

  /** Somebody's timer that calls the tick, beside pg_cron. */
  startTicking(): void {
    let running = true;
    const done = (async () => {
      let client: pg.Client | undefined;
      while (running) {
        try {
          client ??= await this.connect(TICKER);
          await this.clock.letPass(client);
          // As pg_cron calls it: in public others may make one of that name.
          await client.query("CALL ruvector.healing_tick()");
          if (this.actuator !== "away") await this.#actuate(client);
        } catch {
          // Ended or refused by the fault; what the tick itself has to say is in its events.
          await client?.end().catch(() => undefined);
          client = undefined;
        }
        await pause(100);
      }
      await client?.end().catch(() => undefined);
    })();
    this.#ticker = {
      stop: async () => {
        running = false;
        await done;
      },
    };
  }

  async #actuate(client: pg.Client): Promise<void> {
    const report = (replicas: number) =>
      client.query("SELECT ruvector_healing_actuator_report($1, $2)", [
        ACTUATOR,
        JSON.stringify({ workload: WORKLOAD, replicas }),
      ]);
    if (!this.#reported) await report(2);
    this.#reported = true;
    interface Request {
      readonly id: number;
      readonly wanted: { readonly replicas: number; readonly previous: number };
    }
    const { rows } = await client.query<{ request: Request | null }>(
      "SELECT ruvector_healing_actuation_take($1) AS request",
      [ACTUATOR],
    );
    const request = rows[0]?.request;
    if (!request) return;
    const { replicas, previous } = request.wanted;
    const does = replicas < previous ? "scales" : this.actuator;
    if (does === "silent") return;
    if (does === "scales") await report(replicas);
    await client.query("SELECT ruvector_healing_actuation_answer($1, $2, $3)", [
      request.id,
      does === "scales",
      JSON.stringify(does === "scales" ? { replicas } : { error: "sabotaged" }),
    ]);
  }

  async stopTicking(): Promise<void> {
    await this.#ticker?.stop();
    this.#ticker = undefined;
  }

  /** Ends our own sessions; the server stays. */
  async close(): Promise<void> {
    await this.stopTicking();
    await this.#control?.end().catch(() => undefined);
    this.#control = undefined;
  }
}

/** Whether the session is gone, and not just the statement. */
export function isLost(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return code === undefined
    ? /terminated|closed|ECONN|not queryable|timeout/i.test(message ?? "")
    : /^(57P0[1-5]|08...|53300|E[A-Z]+)$/.test(code);
}
