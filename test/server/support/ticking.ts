import type { TestDatabase } from "./database.ts";

/** Ticks until it holds; what it was at last when it never does within `seconds`. */
export async function ticking(db: TestDatabase, holds: () => Promise<boolean>, seconds: number): Promise<boolean> {
  for (const end = Date.now() + seconds * 1000; ; ) {
    await db.client.query("CALL ruvector_healing_tick()");
    if (await holds()) return true;
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
