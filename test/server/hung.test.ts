/**
 * A tick that hangs, driven by pg_cron, and one whose session is ended: the others are served by
 * the next one.
 */
import { describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, LEVEL, makeTable, QUICK } from "../support/collection.ts";
import { cronDatabase, external } from "./support/cron.ts";

describe.skipIf(external)("a collection that hangs", async () => {
  const db = external ? undefined! : await cronDatabase();

  /**
   * Sleeps while a sample of "bad" is kept: what a slow disk, a lock or the code of a table may do.
   */
  const hang = () =>
    db.client.query(`
    CREATE TABLE public.hanging AS SELECT true AS on_;
    CREATE OR REPLACE FUNCTION public.hang() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.collection_id = (SELECT collection_id FROM ruvector.collections
        WHERE table_name = 'bad') THEN
        WHILE EXISTS (SELECT FROM public.hanging) LOOP PERFORM pg_sleep(0.1); END LOOP;
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER hang BEFORE INSERT ON ruvector.integrity_samples FOR EACH ROW
      EXECUTE FUNCTION public.hang()`);

  const sampled = (table: string) =>
    db.value<string | null>(
      `SELECT s.sampled_at::text
        FROM ruvector.integrity_state s JOIN ruvector.collections USING (collection_id)
        WHERE table_name = $1`,
      [table],
    );
  const SINCE =
    "SELECT coalesce((SELECT s.sampled_at > $1::timestamptz FROM ruvector.integrity_state s " +
    "JOIN ruvector.collections USING (collection_id) WHERE table_name = 'good'), false)";

  it("is not one that is slow and comes on, however long its turn takes", async ({ skip }) => {
    const { schedule } = await db.value<{ schedule: string }>(
      "SELECT ruvector_healing_schedule('1 second')",
    );
    await db.client.query("SELECT ruvector_healing_unschedule()");
    skip(schedule !== "1 second", "pg_cron before 1.5: a turn is slow after three minutes");
    await configure(db, { ...IN_ONE_GO, batch_rows: 20 });
    await makeTable(db, { table: "slow", rows: HOT });
    await db.client.query(`
      CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_sleep(0.55); RETURN NEW; END $$;
      CREATE TRIGGER slow BEFORE INSERT ON ruvector.healing_steps FOR EACH ROW
        EXECUTE FUNCTION public.slow()`);
    await db.client.query("SELECT ruvector_healing_schedule('1 second')");
    const job = () =>
      db.value<string>(
        "SELECT jobid::text FROM cron.job WHERE jobname = ruvector.healing_job_name('tick')",
      );
    const first = await job();
    const TURN =
      "SELECT coalesce(extract(epoch FROM clock_timestamp() - (SELECT serving_since FROM " +
      "ruvector.healing_turns WHERE serving_since IS NOT NULL))::float8, 0)";
    // Two looks of the watch find it older than it has patience for: it took the job out at the
    // first.
    expect(await db.until<number>(TURN, (seconds) => seconds > 25)).toBeGreaterThan(25);
    expect(await db.value("SELECT ruvector.healing_watch()")).toBe("a turn is slow and comes on");
    expect(await job()).toBe(first);
    expect(
      await db.value("SELECT count(*)::int FROM ruvector.healing_events WHERE kind = 'tick_hangs'"),
    ).toBe(0);
    await db.client.query(
      "SELECT ruvector_healing_unschedule(); DROP TRIGGER slow ON ruvector.healing_steps",
    );
    expect(await db.until<number>(TURN, (seconds) => seconds === 0)).toBe(0);
    expect(
      await db.value("SELECT count(*)::int FROM ruvector.healing_turns WHERE stalls > 0"),
    ).toBe(0);
    await db.client.query(
      "DELETE FROM ruvector.healing_actions; SELECT ruvector_healing_unregister('slow')",
    );
  });

  it("costs the others one tick: the loop's job starts anew, the next serves them", async () => {
    await configure(db, QUICK);
    await makeTable(db, { table: "bad", rows: LEVEL });
    await makeTable(db, { table: "good", rows: LEVEL });
    await db.client.query("CALL ruvector_healing_tick()");
    await hang();
    const { schedule } = await db.value<{ schedule: string }>(
      "SELECT ruvector_healing_schedule('1 second')",
    );
    // pg_cron before 1.5 comes every minute, and three missed turns are a hang.
    const wait = schedule === "1 second" ? undefined : 400;
    const before = await sampled("bad");
    const start = await db.value<string>("SELECT clock_timestamp()::text");
    const jobs = () =>
      db.rows<{ jobname: string; jobid: string }>(
        `SELECT jobname, jobid::text FROM cron.job WHERE jobname LIKE 'ruvector_healing%'
          ORDER BY jobname`,
      );
    const first = await jobs();
    expect(first.map(({ jobname }) => jobname)).toEqual([
      `ruvector_healing_tick_${db.name}`,
      `ruvector_healing_watch_${db.name}`,
    ]);
    expect(await db.until<boolean>(SINCE, Boolean, [start], wait)).toBe(true);
    expect(await sampled("bad")).toBe(before);
    expect((await jobs())[0]!.jobid).not.toBe(first[0]!.jobid);
    expect(
      await db.value("SELECT message FROM ruvector.healing_events WHERE kind = 'tick_hangs'"),
    ).toMatch(
      /^the tick that serves public\.bad since .* does not come back: the loop goes on as job \d+$/,
    );
    const later = await db.value<string>("SELECT clock_timestamp()::text");
    expect(await db.until<boolean>(SINCE, Boolean, [later], wait)).toBe(true);
    expect(
      await db.value(
        `SELECT sentence FROM ruvector.healing_aside(ARRAY[(SELECT collection_id
          FROM ruvector.collections WHERE table_name = 'bad')])`,
      ),
    ).toMatch(/does not come back: SELECT \* FROM pg_stat_activity WHERE pid = \d+;/);
    expect(
      await db.value<{ removed: number }>("SELECT ruvector_healing_unschedule()"),
    ).toMatchObject({ removed: 1 });
    expect(await jobs()).toEqual([]);
    // What hung ends its turn as any other.
    await db.client.query("DELETE FROM public.hanging");
    expect(
      await db.until<boolean>(
        "SELECT NOT EXISTS (SELECT FROM ruvector.healing_turns WHERE serving_since IS NOT NULL)",
        Boolean,
      ),
    ).toBe(true);
  }, 600_000);
});
