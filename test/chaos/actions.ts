/**
 * What people and the loop are doing when a fault falls in: a random call, most of them begin an
 * action.
 */
import type pg from "pg";
import { pause } from "../../src/workbench/load.ts";
import type { Random } from "./random.ts";
import { BUSY, PLAIN } from "./tables.ts";
import { isLost, USER_JOBS, type World } from "./world.ts";

interface Answer {
  readonly outcome?: string;
  readonly reason?: string;
}

interface Doing {
  readonly name: string;
  readonly weight: number;
  /** Rebuilds by pg_cron's one-off jobs take minutes: not part of the short run. */
  readonly long?: boolean;
  run(world: World, choices: Random): Promise<unknown>;
}

/** Answers of the product to a person who asks at a bad moment. */
const REFUSED = /^(RV0(07|08|09|11)|40001|55P03)$/;

export const execute = (
  world: World,
  table: string,
  strategy: string,
  params: object = {},
): Promise<unknown> =>
  world.value("SELECT ruvector_healing_execute($1, $2, $3)", [
    table,
    strategy,
    JSON.stringify(params),
  ]);

/** The user makes one partition hot: half of all rows go there. */
export async function heat(world: World, key: number): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      await world.ask(
        `
        WITH picked AS (SELECT partition_id, id FROM ${BUSY.name} WHERE partition_id <> $1
          AND id % 2 = 0 FOR UPDATE SKIP LOCKED)
        UPDATE ${BUSY.name} b SET partition_id = $1 FROM picked p
          WHERE b.partition_id = p.partition_id AND b.id = p.id`,
        [key],
      );
      return;
    } catch (error) {
      if (!/^(40001|40P01|23505)$/.test((error as pg.DatabaseError).code ?? "")) throw error;
      await pause(20);
    }
  }
}

/** null: the usual one. */
async function setMode(world: World, mode: string | null): Promise<void> {
  world.mode = mode;
  await world.ask("SELECT ruvector_healing_configure($1, $2)", [
    JSON.stringify({ mode }),
    BUSY.name,
  ]);
}

export const ACTIVE =
  "state IN ('planned', 'awaiting_approval', 'executing', 'stabilizing', 'rolling_back')";

const hot = (
  strategy: string,
  weight: number,
  params: (choices: Random) => object = () => ({}),
): Doing => ({
  name: strategy,
  weight,
  run: async (world, choices) => {
    await heat(world, choices.pick(BUSY.keys));
    return execute(world, BUSY.name, strategy, params(choices));
  },
});

const DOINGS: readonly Doing[] = [
  hot("rebalance_partitions", 6),
  hot("drain_hot_partition", 4),
  hot("throttle_ingestion", 3, (choices) => ({
    percent: choices.int(20, 90),
    mode: choices.pick(["delay", "reject"]),
  })),
  {
    name: "evict_cold_data",
    weight: 3,
    run: (world, choices) =>
      execute(world, BUSY.name, "evict_cold_data", { share: choices.int(1, 4) / 10 }),
  },
  {
    name: "pause_maintenance",
    weight: 3,
    run: (world, choices) =>
      execute(world, choices.pick([BUSY.name, PLAIN.name]), "pause_maintenance", {
        jobs: Object.keys(USER_JOBS),
      }),
  },
  {
    name: "compact_indexes",
    weight: 1,
    long: true,
    run: (world) =>
      execute(world, PLAIN.name, "compact_indexes", { indexes: ["chaos.plain_payload"] }),
  },
  {
    name: "rebuild_centroids",
    weight: 1,
    long: true,
    run: (world) => execute(world, PLAIN.name, "rebuild_centroids"),
  },
  {
    name: "trigger",
    weight: 3,
    run: async (world, choices) => {
      await heat(world, choices.pick(BUSY.keys));
      return world.value("SELECT ruvector_healing_trigger($1)", [BUSY.name]);
    },
  },
  {
    name: "the loop alone",
    weight: 2,
    run: (world, choices) => heat(world, choices.pick(BUSY.keys)),
  },
  {
    name: "rollback",
    weight: 3,
    run: (world) => world.value("SELECT ruvector_healing_rollback($1)", [BUSY.name]),
  },
  {
    name: "abort",
    weight: 2,
    run: (world) =>
      world.ask(
        `SELECT ruvector_healing_abort(id) FROM ruvector.healing_actions WHERE ${ACTIVE}
          ORDER BY id LIMIT 1`,
      ),
  },
  {
    name: "approval",
    weight: 4,
    run: async (world, choices) => {
      await setMode(world, "approve");
      await heat(world, choices.pick(BUSY.keys));
      const waiting = await world.until<string | null>(
        "SELECT max(id)::text FROM ruvector.healing_actions WHERE state = 'awaiting_approval'",
        (id) => id !== null,
        1.5,
      );
      const said = choices.pick([
        "ruvector_healing_approve($1)",
        "ruvector_healing_approve($1)",
        "ruvector_healing_reject($1, 'chaos')",
        "ruvector_healing_abort($1)",
        null,
      ]);
      // Unanswered, it expires by itself, or is not needed any more.
      return waiting !== null && said !== null
        ? world.value(`SELECT ${said}`, [waiting])
        : { outcome: waiting === null ? "not asked for" : "left waiting" };
    },
  },
  {
    name: "mode",
    weight: 2,
    run: async (world, choices) => {
      const mode = choices.pick(["off", "observe", "recommend"]);
      await setMode(world, mode);
      await heat(world, choices.pick(BUSY.keys));
      return { outcome: mode };
    },
  },
  {
    name: "scale_replicas",
    weight: 3,
    run: async (world, choices) => {
      world.actuator = choices.pick(["away", "silent", "scales", "scales", "fails"]);
      await heat(world, choices.pick(BUSY.keys));
      const answer = (await execute(world, BUSY.name, "scale_replicas")) as Answer;
      const is = world.actuator === "away" || world.actuator === "silent" ? "is " : "";
      return { ...answer, reason: `the actuator ${is}${world.actuator}` };
    },
  },
  {
    name: "unregister and register",
    weight: 1,
    run: async (world) => {
      await world.ask("SELECT ruvector_healing_unregister($1)", [PLAIN.name]);
      await world.ask("SELECT ruvector_healing_register($1, $2)", [
        PLAIN.name,
        JSON.stringify(PLAIN.options),
      ]);
    },
  },
];

/** What is under way mostly waits: for its verdict, for the end of a lease, for a word. */
async function overIn(world: World, turns: number): Promise<void> {
  const active =
    `SELECT count(*)::text FROM ruvector.healing_actions WHERE collection = '${BUSY.name}' AND ` +
    `${ACTIVE}`;
  for (let turn = 0; turn < turns && (await world.value<string>(active)) !== "0"; turn++) {
    world.clock.pass(5);
    await world.whileTicks(1, 1.5);
  }
}

/** Begins something; returns what, for people. */
export async function act(world: World, choices: Random, short: boolean): Promise<string> {
  const doing = choices.weighted(short ? DOINGS.filter(({ long }) => !long) : DOINGS);
  try {
    if (world.mode !== null) await setMode(world, null);
    // Most calls would be refused because the action before is still at work; a few shall be.
    if (choices.chance(0.8)) await overIn(world, 3);
    const answer = (await doing.run(world, choices)) as Answer | undefined;
    return [doing.name, answer?.outcome, answer?.reason].filter(Boolean).join(" ");
  } catch (error) {
    const { code } = error as { code?: string };
    if (isLost(error) || !REFUSED.test(code ?? "")) throw error;
    return `${doing.name} ${code}`;
  }
}
