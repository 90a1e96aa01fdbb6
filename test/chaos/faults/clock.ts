/**
 * The clock jumps between samples. The server's own clock is the machine's and cannot be moved for
 * it alone; what a jump does to the product is that every time it has stored is suddenly older, or
 * lies in the future: so these are moved, all together.
 */
import { shiftStored } from "../../support/stored-times.ts";
import type { Random } from "../random.ts";
import type { World } from "../world.ts";
import { type Fault, INTERRUPTED } from "./fault.ts";

async function shift(world: World, seconds: (column: string) => number): Promise<number> {
  const client = await world.connect("chaos clock");
  try {
    // A tick may hold what comes next here, and want what was changed here before.
    for (let attempt = 1; ; attempt++) {
      try {
        await client.query("BEGIN");
        const columns = await shiftStored(client, seconds);
        await client.query("COMMIT");
        return columns;
      } catch (error) {
        await client.query("ROLLBACK");
        if ((error as { code?: string }).code !== "40P01" || attempt === 20) throw error;
      }
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}

const jump =
  (direction: 1 | -1) =>
  async (world: World, choices: Random): Promise<string> => {
    const seconds = choices.pick([5, 61, 600, 3601, 90_000, 40 * 86_400]);
    await shift(world, () => -direction * seconds);
    return `${seconds} s`;
  };

export const clockForward: Fault = {
  name: "the clock jumps forward",
  weight: 3,
  explains: { ticks: ["40P01", ...INTERRUPTED] },
  short: true,
  inject: jump(1),
};

/**
 * Stored times lie in the future then: leases and deadlines must still end, bounded by the clock's
 * own return.
 */
export const clockBack: Fault = {
  name: "the clock jumps back",
  weight: 2,
  explains: { ticks: ["40P01", ...INTERRUPTED] },
  inject: async (world, choices) => {
    const seconds = choices.pick([2, 5, 20]);
    await shift(world, () => seconds);
    return `${seconds} s`;
  },
};

/**
 * Times of different columns are moved by different amounts: what was written before and after a
 * jump.
 */
export const clockJitter: Fault = {
  name: "the clock jumps to and fro",
  weight: 2,
  explains: { ticks: ["40P01", ...INTERRUPTED] },
  inject: async (world, choices) => {
    await shift(world, () => choices.int(-20, 5));
    return "-20 to 5 s";
  },
};
