/** Sessions are ended or cancelled from outside, or there are very many of them. */
import type pg from "pg";
import { pause } from "../../../src/workbench/load.ts";
import { execute } from "../actions.ts";
import type { Random } from "../random.ts";
import { BUSY, PLAIN } from "../tables.ts";
import type { World } from "../world.ts";
import { type Fault, INTERRUPTED, SERVER_GONE } from "./fault.ts";

const TICKS = "query ILIKE '%call%healing_tick()%' AND query NOT ILIKE '%pg_stat_activity%'";
const JOBS = "query LIKE '/* ruvector_healing job %'";

/** What a session that triggers may be answered. */
const EXPECTED = new Set([
  "deferred",
  "started",
  "stabilizing",
  "completed",
  "planned",
  "awaiting_approval",
  "no_strategy",
  "sampled",
  "RV007",
  "RV008",
  "40001",
  "55P03",
]);

/** Hits sessions as they come by, up to `times`, within `seconds`. */
async function hit(
  world: World,
  choices: Random,
  verb: "pg_terminate_backend" | "pg_cancel_backend",
  which: string,
  times: number,
  seconds: number,
): Promise<number> {
  let hits = 0;
  for (const end = Date.now() + seconds * 1000; hits < times && Date.now() < end;) {
    const rows = await world.ask<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()
        AND datname = current_database() AND ${which}`,
    );
    if (rows.length > 0) await pause(choices.int(0, 120));
    for (const { pid } of rows)
      hits += (await world.ask<{ done: boolean }>(`SELECT ${verb}($1) AS done`, [pid]))[0]!.done
        ? 1
        : 0;
    await pause(choices.int(5, 60));
  }
  return hits;
}

const said = (hits: number, what: string): string | null => (hits > 0 ? `${hits} ${what}` : null);

export const ticksTerminated: Fault = {
  name: "ticks terminated",
  weight: 6,
  explains: { ticks: ["57P01", ...INTERRUPTED] },
  short: true,
  inject: async (world, choices) =>
    said(await hit(world, choices, "pg_terminate_backend", TICKS, choices.int(1, 4), 4), "signals"),
};

export const ticksCancelled: Fault = {
  name: "ticks cancelled",
  weight: 6,
  explains: { ticks: ["57014", ...INTERRUPTED] },
  short: true,
  inject: async (world, choices) =>
    said(await hit(world, choices, "pg_cancel_backend", TICKS, choices.int(1, 4), 4), "signals"),
};

/**
 * A rebuild is asked for, and its job waits for a snapshot of somebody's while it is hit; it starts
 * with the next minute. What it leaves (an invalid index) is the action's to clear up, by another
 * job.
 */
const hitJob =
  (verb: "pg_terminate_backend" | "pg_cancel_backend") =>
  async (world: World, choices: Random): Promise<string | null> => {
    const holder = await world.connect("chaos idler");
    try {
      await holder.query(
        `BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM ${PLAIN.name}`,
      );
      await execute(world, PLAIN.name, "compact_indexes", { indexes: ["chaos.plain_payload"] });
      return said(await hit(world, choices, verb, JOBS, 1, 75), "jobs");
    } finally {
      await holder.end().catch(() => undefined);
    }
  };

export const jobsTerminated: Fault = {
  name: "one-off jobs terminated",
  weight: 1,
  explains: {},
  inject: hitJob("pg_terminate_backend"),
};
export const jobsCancelled: Fault = {
  name: "one-off jobs cancelled",
  weight: 1,
  explains: {},
  inject: hitJob("pg_cancel_backend"),
};

/**
 * The users' own sessions, in the middle of their statements: what they had no answer to may be
 * there or not.
 */
export const usersTerminated: Fault = {
  name: "users' sessions terminated",
  weight: 3,
  explains: { users: [...SERVER_GONE, "57014"] },
  inject: async (world, choices) =>
    said(
      await hit(
        world,
        choices,
        choices.pick(["pg_terminate_backend", "pg_cancel_backend"]),
        "application_name LIKE 'chaos writer%'",
        choices.int(1, 6),
        2,
      ),
      "sessions",
    ),
};

/** People, or a pool of an application, ask all at once; the same and different things. */
export const fiftySessions: Fault = {
  name: "50 sessions trigger at once",
  weight: 1,
  explains: {},
  inject: async (world, choices) => {
    const clients = await Promise.all(
      Array.from({ length: 50 }, () => world.connect("chaos crowd")),
    );
    const calls = [
      "ruvector_healing_trigger",
      "ruvector_healing_trigger",
      "ruvector_healing_rollback",
      "ruvector_integrity_sample",
    ];
    const answers = await Promise.all(
      clients.map((client) =>
        ask(client, `SELECT ${choices.pick(calls)}('${BUSY.name}') AS answer`),
      ),
    );
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
    const counts = new Map<string, number>();
    for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
    const odd = answers.filter((answer) => !EXPECTED.has(answer));
    if (odd.length > 0) throw new Error(`a session that triggered got ${odd[0]}`);
    return [...counts].map(([answer, count]) => `${count} ${answer}`).join(", ");
  },
};

async function ask(client: pg.Client, statement: string): Promise<string> {
  try {
    return (
      (await client.query<{ answer: { outcome?: string } }>(statement)).rows[0]!.answer.outcome ??
      "sampled"
    );
  } catch (error) {
    return (error as { code?: string }).code ?? "connection";
  }
}

/** Somebody's transaction that stays open: CONCURRENTLY waits for it, and nothing else may. */
export const longSnapshot: Fault = {
  name: "a transaction left open",
  weight: 2,
  explains: {},
  inject: async (world, choices) => {
    const client = await world.connect("chaos idler");
    const seen = async () =>
      (
        await client.query<{ seen: string }>(
          `SELECT count(*) || ' rows, ' || count(DISTINCT id) || ' ids, ' || coalesce(sum(id),
            0) AS seen FROM ${BUSY.name}`,
        )
      ).rows[0]!.seen;
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    const before = await seen();
    await world.whileTicks(choices.int(1, 3), 3);
    const after = await seen();
    await client.query("COMMIT");
    await client.end();
    // An undo that dropped a partition which this snapshot can still read in would show here.
    if (after !== before)
      throw new Error(`one snapshot of ${BUSY.name} held ${before}, and later ${after}`);
    return `repeatable read, ${before}`;
  },
};
