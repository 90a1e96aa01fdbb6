/**
 * kill -9 of the whole server while rows are on their way, and while they are on their way back,
 * for each strategy that moves rows.
 */
import type pg from "pg";
import { describe, expect, it } from "vitest";
import { checksum, configure, places, QUICK } from "./support/collection.ts";
import { cronServer, external } from "./support/cron.ts";
import type { TestDatabase } from "./support/database.ts";
import { MOVERS } from "./support/movers.ts";
import { QUICK_TRAFFIC } from "./support/traffic.ts";
import { waitEnds } from "../support/patience.ts";

describe.skipIf(external)("after kill -9", async () => {
  if (external) return;
  const db = await cronServer({ suffix: "movers" });
  const action = async () =>
    (
      await db.rows<{ state: string; rows: number; left: number }>(`
    SELECT state, coalesce((progress ->> 'rows')::int, 0) AS rows, (SELECT count(*)::int
      FROM ruvector.healing_steps s WHERE s.action_id = a.id AND undone_at IS NULL) AS left
      FROM ruvector.healing_actions a ORDER BY id DESC LIMIT 1`)
    )[0]!;

  /**
   * A tick after the other until the server goes down under one of them: the kill falls anywhere in
   * it.
   */
  async function killInATick(): Promise<void> {
    const victim = await db.connect();
    const going = (async () => {
      for (;;) await victim.query("CALL ruvector_healing_tick()");
    })().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await db.killAndRestart();
    await going;
  }

  it.each(MOVERS)("$strategy goes on, and so does its undo, and no row is lost", async (mover) => {
    const table = `${mover.strategy.split("_")[0]!}_crash`;
    await configure(db as TestDatabase, {
      ...QUICK,
      ...QUICK_TRAFFIC,
      enabled: false,
      batch_rows: 20,
      slice_seconds: 0.05,
      max_auto_heal_impact: 1,
      stabilize_seconds: 0,
    });
    let user: pg.Client = await db.connect();
    await mover.trouble(db, user, table);
    const memory = await db.value<string>("SELECT current_setting('effective_cache_size')");
    const [before, content] = [await places(db, table), await checksum(db, table)];
    const begun = await db.value<{ outcome: string }>("SELECT ruvector_healing_execute($1, $2)", [
      table,
      mover.strategy,
    ]);
    expect(begun.outcome).toBe("started");
    await killInATick();
    expect(await checksum(db, table)).toEqual(content);
    // The journal knows every row that moved, and the progress that committed with it.
    const { rows, state } = await action();
    expect(state === "executing" || state === "stabilizing").toBe(true);
    expect(
      await db.value(
        `SELECT sum(rows)::int FROM ruvector.healing_steps WHERE undone_at IS NULL
            AND action_id = (SELECT max(id) FROM ruvector.healing_actions)`,
      ),
    ).toBe(rows);
    expect(
      await db.value("SELECT count(*)::int FROM ruvector.healing_leases WHERE ended_at IS NULL"),
    ).toBe(mover.strategy === "drain_hot_partition" ? 1 : 0);

    await db.client.query(`SET effective_cache_size = '${memory}'`);
    user = await db.connect();
    const until = async (states: readonly string[], work: () => Promise<void>) => {
      const end = waitEnds();
      for (;;) {
        await work();
        await db.client.query("CALL ruvector_healing_tick()");
        const now = await action();
        if (states.includes(now.state) || Date.now() > end) return now;
      }
    };
    const ended = ["succeeded", "rolled_back", "failed", "rollback_failed"];
    // Counters and working set begin anew after a crash; whether it is verified is then a matter
    // of what is read.
    expect(ended).toContain((await until(ended, () => mover.load(user, table))).state);
    expect(await checksum(db, table)).toEqual(content);

    if ((await action()).state === "succeeded") {
      await db.client.query("SELECT ruvector_healing_rollback($1)", [table]);
      if ((await action()).state === "rolling_back") await killInATick();
      expect(await checksum(db, table)).toEqual(content);
      expect((await until(ended, async () => undefined)).state).toBe("rolled_back");
    }
    expect(await action()).toMatchObject({ left: 0 });
    expect(await places(db, table)).toBe(before);
    expect(
      await db.value("SELECT count(*)::int FROM ruvector.healing_leases WHERE ended_at IS NULL"),
    ).toBe(0);
    await db.client.query("SELECT ruvector_healing_unregister($1)", [table]);
  });
});
