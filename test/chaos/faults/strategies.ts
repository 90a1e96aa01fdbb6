/** The product's own strategies fail, hang or run out of memory, at any of their steps. */
import { pause } from "../../../src/workbench/load.ts";
import { execute, heat } from "../actions.ts";
import type { Random } from "../random.ts";
import { STEPS } from "../sabotage-steps.ts";
import { BUSY } from "../tables.ts";
import type { World } from "../world.ts";
import type { Fault } from "./fault.ts";

/**
 * What makes the loop come by a step, where it might not by itself. Answers do not matter here: the
 * sabotage may be in them.
 */
const PROVOKE: Readonly<
  Record<(typeof STEPS)[number], (world: World, choices: Random) => Promise<unknown>>
> = {
  applicable: (world) => world.ask("SELECT ruvector_healing_trigger($1)", [BUSY.name]),
  plan: (world) => execute(world, BUSY.name, "rebalance_partitions", { dry_run: true }),
  executeBatch: async (world, choices) => {
    await heat(world, choices.pick(BUSY.keys));
    await execute(
      world,
      BUSY.name,
      choices.pick(["rebalance_partitions", "drain_hot_partition", "throttle_ingestion"]),
    );
  },
  undoStep: (world) => world.ask("SELECT ruvector_healing_rollback($1)", [BUSY.name]),
  clearUp: async () => undefined,
  endLease: (world) => execute(world, BUSY.name, "throttle_ingestion"),
  describeStep: (world) =>
    world.ask("SELECT ruvector_healing_explain(max(id)) FROM ruvector.healing_actions"),
  describeProgress: (world) =>
    world.ask("SELECT ruvector_healing_explain(max(id)) FROM ruvector.healing_actions"),
};

/** @param fresh in sessions that begin now, not in those that are there */
async function sabotage(
  world: World,
  choices: Random,
  ways: readonly string[],
  fresh = false,
): Promise<string | null> {
  const step = choices.pick(STEPS);
  const what = { strategy: null, step, way: choices.pick(ways), afterwards: choices.chance(0.4) };
  const hits = () =>
    world.value<string>(
      "SELECT CASE WHEN is_called THEN last_value ELSE 0 END::text FROM chaos.hits",
    );
  const before = Number(await hits());
  const wanted = choices.int(1, 5);
  await world.ask(
    "INSERT INTO chaos.sabotage SELECT * FROM json_populate_record(NULL::chaos.sabotage, $1)",
    [JSON.stringify(what)],
  );
  try {
    for (
      const end = Date.now() + 3000;
      Number(await hits()) < before + wanted && Date.now() < end;
      await pause(100)
    ) {
      if (fresh) await world.newControl();
      await PROVOKE[step](world, choices).catch(() => undefined);
      // Leases end, verdicts fall.
      world.clock.pass(5);
    }
  } finally {
    await world.ask("DELETE FROM chaos.sabotage");
  }
  const times = Number(await hits()) - before;
  return times > 0
    ? `${what.way} ${what.afterwards ? "after" : "in"} ${step}, ${times} times`
    : null;
}

export const strategyThrows: Fault = {
  name: "a strategy throws",
  weight: 14,
  explains: { ticks: ["RV999", "RV011", "22012", "55P03", "40001"] },
  short: true,
  inject: (world, choices) =>
    sabotage(world, choices, [
      "error",
      "text",
      "nothing",
      "healing",
      "division",
      "lock",
      "serialization",
      "recursion",
    ]),
};

export const slowStatement: Fault = {
  name: "a slow statement",
  weight: 2,
  explains: {},
  inject: (world, choices) => sabotage(world, choices, ["slow", "busy"]),
};

/** The limit is as low as the language lets it be (MB), for sessions that begin from now on. */
const LEAST_MEMORY: Readonly<Record<string, number>> = { pljs: 64, plv8: 256 };

export const engineMemory: Fault = {
  name: "out of memory in the engine",
  weight: 3,
  explains: { ticks: ["RV999", "53200"] },
  inject: async (world, choices) => {
    const limited = `${world.language}.memory_limit`;
    await world.ask(
      `DO $$ BEGIN EXECUTE
        format('ALTER DATABASE %I SET ${limited} = ${LEAST_MEMORY[world.language!]}',
        current_database()); END $$`,
    );
    try {
      return await sabotage(world, choices, ["memory"], true);
    } finally {
      await world.ask(
        `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET ${limited}', current_database());
          END $$`,
      );
    }
  },
};
