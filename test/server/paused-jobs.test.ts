/** A pause ends for the job that it was made for, and for no other that has its number by now. */
import { describe, expect, it } from "vitest";
import { configure, makeTable, QUICK, ticks } from "./support/collection.ts";
import { cronDatabase, type CronDatabase, external } from "./support/cron.ts";

const db: CronDatabase = external ? (undefined as never) : await cronDatabase();

const jobs = () =>
  db.rows<{ jobname: string | null; active: boolean }>(
    "SELECT jobname, active FROM cron.job WHERE jobname IS NULL OR jobname NOT LIKE " +
      "'ruvector%' ORDER BY jobid",
  );

/** Somebody else's job, switched off, under the number of the one that is paused. */
const inItsPlace = (name: string): Promise<unknown> =>
  db.client.query(
    `UPDATE cron.job SET jobname = nullif('${name}', ''), command = 'TRUNCATE a_day'
      WHERE jobname IS NULL OR jobname NOT LIKE 'ruvector%'`,
  );

describe.skipIf(external)("a paused job that is another one by now", () => {
  const ends = {
    "is rolled back": "SELECT ruvector_healing_rollback('elsewhere')",
    "no tick comes": "SELECT ruvector.healing_end_pauses('-1 day')",
  };
  it.each(
    Object.entries(ends).flatMap(([when, end]) =>
      ["nightly", ""].map((job) => [job || "without a name", when, job, end] as const),
    ),
  )("stays switched off: %s, when the pause %s", async (_job, _when, job, end) => {
    if (await db.value("SELECT to_regclass('elsewhere') IS NULL"))
      await makeTable(db, { table: "elsewhere", rows: [20, 20] });
    await configure(db, { ...QUICK, enabled: false, max_attempts_per_hour: 0 });
    await configure(db, { stabilize_seconds: 600 });
    await db.client.query("SELECT cron.schedule('other', '0 3 * * *', 'SELECT 1')");
    await db.client.query("UPDATE cron.job SET jobname = nullif($1, '')", [job]);
    const name = job || (await db.value<string>("SELECT 'job ' || max(jobid) FROM cron.job"));
    const pause = async (): Promise<void> => {
      await db.client.query(
        "SELECT ruvector_healing_execute('elsewhere', 'pause_maintenance', $1)",
        [JSON.stringify({ jobs: [name] })],
      );
      expect((await jobs()).map(({ active }) => active)).toEqual([false]);
    };
    const over = async (): Promise<void> => {
      await db.client.query(end);
      await ticks(db, 2);
      expect(
        await db.value("SELECT count(*)::int FROM ruvector.healing_leases WHERE ended_at IS NULL"),
      ).toBe(0);
      await db.client.query(
        `SELECT ruvector_healing_abort(id) FROM ruvector.healing_actions
          WHERE state IN ('executing', 'stabilizing')`,
      );
      await ticks(db, 2);
    };
    await pause();
    await over();
    expect(await jobs()).toEqual([{ jobname: job || null, active: true }]);
    await pause();
    await inItsPlace(job && "monthly");
    await over();
    expect(await jobs()).toEqual([{ jobname: job ? "monthly" : null, active: false }]);
    await db.client.query("SELECT cron.unschedule(jobid) FROM cron.job");
  });
});
