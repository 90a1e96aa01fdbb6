/** Traffic of other sessions, for tests of what the sensor makes of it. */
import type pg from "pg";
import { waitEnds } from "../../support/patience.ts";

/** Settings by which traffic is believed within a second, and little of it is judged. */
export const QUICK_TRAFFIC = {
  traffic_window_seconds: 1,
  min_reads_per_second: 50,
  min_writes_per_second: 50,
  working_set_window_seconds: 2,
};

/**
 * Hands the session's counters in at the end of the statement; otherwise they may stay with it for
 * a second and longer.
 */
const FLUSH = "SELECT pg_stat_force_next_flush()";

/** Runs statements, then hands in what they counted. */
export async function work(client: pg.Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await client.query(statement);
  await client.query(FLUSH);
}

/**
 * Works and looks, in turn, until `satisfied`; the last value when it never is.
 * @param look usually a sample; its value is judged
 */
export async function meanwhile<T>(
  client: pg.Client,
  statements: readonly string[],
  look: () => Promise<T>,
  satisfied: (value: T) => boolean,
  seconds?: number,
): Promise<T> {
  const end = waitEnds(seconds);
  for (;;) {
    await work(client, statements);
    const value = await look();
    if (satisfied(value) || Date.now() > end) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
