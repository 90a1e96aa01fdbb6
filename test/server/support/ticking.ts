import type { TestDatabase } from "./database.ts";
import { waitEnds } from "../../support/patience.ts";

/**
 * Between two looks at what takes a minute of pg_cron's: `leftovers` took 16 s of a core with 0.3 s
 * between ticks, 11 with 1 s.
 */
export const PAUSE_MS = 1000;

/** Ticks of many collections take long, and what they wait for comes no sooner: others' turn. */
const PAUSE_PER_TICK = 3;

/** Ticks until it holds; what it was at last when it never does within the wait. */
export async function ticking(
  db: TestDatabase,
  holds: () => Promise<boolean>,
  seconds?: number,
): Promise<boolean> {
  for (const end = waitEnds(seconds); ;) {
    const began = Date.now();
    await db.client.query("CALL ruvector_healing_tick()");
    const pause = Math.max(PAUSE_MS, PAUSE_PER_TICK * (Date.now() - began));
    if (await holds()) return true;
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
