/** Others hold locks: on partitions, on rows, on the product's own tables. */
import { pause } from "../../../src/workbench/load.ts";
import type { Random } from "../random.ts";
import { BUSY, partitionOf, PLAIN } from "../tables.ts";
import type { World } from "../world.ts";
import { type Fault, INTERRUPTED } from "./fault.ts";

const MODES = ["ACCESS EXCLUSIVE", "ACCESS EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE"];

/**
 * Takes locks one after the other in sessions of their own, for a while; a lock that is not to be
 * had in 2 s is left.
 */
async function held(
  world: World,
  choices: Random,
  statements: readonly string[],
): Promise<string | null> {
  const taken: string[] = [];
  await Promise.all(
    statements.map(async (statement, place) => {
      const client = await world.connect("chaos locker");
      await pause(place * choices.int(0, 150));
      try {
        await client.query(`BEGIN; SET LOCAL lock_timeout = '2s'; ${statement}`);
        taken.push(statement);
        await world.whileTicks(choices.int(1, 2), choices.int(100, 1200) / 1000);
        await client.query(choices.pick(["COMMIT", "ROLLBACK"]));
      } catch (error) {
        const { code } = error as { code?: string };
        if (code !== "55P03" && code !== "40P01" && code !== "40001") throw error;
      } finally {
        await client.end().catch(() => undefined);
      }
    }),
  );
  return taken.length > 0 ? taken.join("; ") : null;
}

/**
 * Writers wait for these as for anybody's; two lockers in a circle are deadlocked with each other
 * or with a writer.
 */
export const exclusiveLocks: Fault = {
  name: "lock storm",
  weight: 6,
  explains: { users: ["40P01"], ticks: ["40P01"] },
  short: true,
  inject: async (world, choices) => {
    const tables = choices
      .shuffled([...BUSY.keys.map(partitionOf), PLAIN.name, BUSY.name])
      .slice(0, choices.int(1, 4));
    return held(
      world,
      choices,
      tables.map((table) => `LOCK TABLE ${table} IN ${choices.pick(MODES)} MODE`),
    );
  },
};

export const rowLocks: Fault = {
  name: "rows locked",
  weight: 5,
  explains: { users: ["40P01"] },
  short: true,
  inject: async (world, choices) =>
    held(
      world,
      choices,
      Array.from(
        { length: choices.int(1, 3) },
        () =>
          `SELECT FROM ${choices.pick([BUSY.name, BUSY.name, PLAIN.name])} WHERE id % ` +
          `${choices.int(1, 5)} = 0 FOR ` +
          `${choices.pick(["UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"])}`,
      ),
    ),
};

/**
 * Somebody reads the state for a backup, or changes a row of it by hand and forgets to commit for a
 * while.
 */
export const stateLocks: Fault = {
  name: "state of the product locked",
  weight: 3,
  explains: { ticks: ["55P03", "40P01", ...INTERRUPTED] },
  inject: async (world, choices) =>
    held(world, choices, [
      choices.pick([
        "LOCK TABLE ruvector.healing_actions IN SHARE MODE",
        "LOCK TABLE ruvector.healing_steps, ruvector.healing_leases IN EXCLUSIVE MODE",
        "LOCK TABLE ruvector.integrity_samples IN ACCESS EXCLUSIVE MODE",
        "SELECT FROM ruvector.healing_ticks FOR UPDATE",
        "SELECT FROM ruvector.healing_actions ORDER BY id DESC LIMIT 3 FOR UPDATE",
        "SELECT FROM ruvector.healing_routes FOR UPDATE",
        "LOCK TABLE ruvector.collections IN SHARE MODE",
        "SELECT FROM ruvector.collections FOR UPDATE",
      ]),
    ]),
};
