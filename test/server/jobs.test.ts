/**
 * One-off pg_cron jobs: started once, watched, cancelled, withdrawn; never a statement of somebody
 * else's.
 */
import type { Job } from "../../src/store/jobs.ts";
import { beforeAll, describe, expect, it } from "vitest";
import { type CronDatabase, cronDatabase, external } from "./support/cron.ts";
import { type Jobs, jobsInside } from "./support/jobs.ts";

const db = external ? (undefined as unknown as CronDatabase) : await cronDatabase();
const ended = ({ state }: Job) => state !== "scheduled" && state !== "running";
/** Its statement is at work: pg_cron notes a run a moment earlier. */
const running = ({ message }: Job) => message === "runs";

describe.skipIf(external)("one-off jobs", () => {
  let jobs: Jobs;

  beforeAll(async () => {
    jobs = await jobsInside(db);
    await db.client.query(
      `CREATE TABLE ran (what text); CREATE TABLE t (a int); INSERT INTO t SELECT g
        FROM generate_series(1, 1000) g; CREATE INDEX t_a ON t (a)`,
    );
  });

  // A job starts with the next minute: these share it.
  it(
    "run once, end with what pg_cron says, and are taken out of it; a cancel reaches the job's " +
      "own statement only",
    async () => {
      const deadline_seconds = 120;
      const reindex = await jobs.start({
        purpose: "reindex",
        command: "REINDEX INDEX CONCURRENTLY public.t_a",
        deadline_seconds,
      });
      const fails = await jobs.start({ purpose: "fails", command: "SELECT 1/0", deadline_seconds });
      const cancelled = await jobs.start({
        purpose: "cancelled",
        command: "SELECT pg_sleep(300)",
        deadline_seconds,
      });
      const late = await jobs.start({
        purpose: "late",
        command: "SELECT pg_sleep(301)",
        deadline_seconds: 2,
      });
      const withdrawn = await jobs.start({
        purpose: "withdrawn",
        command: "INSERT INTO public.ran VALUES ('withdrawn')",
        deadline_seconds,
      });
      const taken = await jobs.start({
        purpose: "taken out",
        command: "INSERT INTO public.ran VALUES ('taken')",
        deadline_seconds,
      });
      const dropped = await jobs.start({
        purpose: "dropped by others",
        command: "SELECT pg_sleep(6)",
        deadline_seconds,
      });
      const unwatched = await jobs.start({
        purpose: "not watched",
        command: "INSERT INTO public.ran VALUES ('once')",
        deadline_seconds,
      });
      expect(reindex).toMatchObject({
        state: "scheduled",
        message: "waits for its minute",
        pid: null,
      });
      await expect(
        jobs.start({ purpose: "reindex", command: "SELECT 1", deadline_seconds }),
      ).rejects.toMatchObject({ sqlstate: "23505" });
      expect(await jobs.cancel(withdrawn.id, "not wanted any more")).toMatchObject({
        state: "scheduled",
        withdrawn_at: expect.any(Number),
      });
      await db.client.query("SELECT cron.unschedule($1::bigint)", [taken.jobid]);
      expect(await jobs.watch(taken.id)).toMatchObject({
        state: "failed",
        message: "somebody took it out of pg_cron before it started",
      });
      // A human's statement of the same text, but for the comment: it must live through the cancel
      // of the job's.
      const human = await db.connect();
      const humans = human.query("SELECT pg_sleep(300)").catch((error: Error) => error);

      // pg_cron began it 150 s after it was asked to where 30 processes wanted two cores.
      expect(await jobs.until(cancelled.id, running, 300)).toMatchObject({
        state: "running",
        message: "runs",
      });
      // pg_cron had noted the run, and its pid, before the statement was at work.
      await db.client.query(
        `UPDATE ruvector.healing_jobs SET message = 'pg_cron: starting',
          missing_since = now() - interval '1 hour' WHERE id = $1`,
        [cancelled.id],
      );
      expect(await jobs.watch(cancelled.id)).toMatchObject({
        state: "running",
        message: "runs",
        missing_since: null,
      });
      expect(await jobs.cancel(cancelled.id, "enough")).toMatchObject({
        state: "running",
        message: "being cancelled: enough",
      });
      expect(await jobs.until(cancelled.id, ended)).toMatchObject({
        state: "cancelled",
        message: expect.stringMatching(
          /^enough \(ERROR:  canceling statement due to user request\)/,
        ),
      });
      expect(
        await db.value(
          `SELECT count(*)::int FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(300)'
          AND state = 'active'`,
        ),
      ).toBe(1);
      expect(await jobs.until(fails.id, ended)).toMatchObject({
        state: "failed",
        message: expect.stringContaining("division by zero"),
      });
      expect(await jobs.until(withdrawn.id, ended)).toMatchObject({
        state: "cancelled",
        pid: null,
      });

      // Somebody unschedules a running job: pg_cron gives it up, its backend goes on, and so does
      // the watch.
      expect(await jobs.until(dropped.id, running)).toMatchObject({ state: "running" });
      await db.client.query("SELECT cron.unschedule($1::bigint)", [dropped.jobid]);
      expect(
        await db.until<string>(
          "SELECT status FROM cron.job_run_details WHERE jobid = $1",
          (status) => status === "failed",
          [dropped.jobid],
        ),
      ).toBe("failed");
      expect(await jobs.until(dropped.id, ended)).toMatchObject({
        state: "lost",
        message: expect.stringContaining("job canceled"),
      });

      expect(await jobs.until(late.id, ended)).toMatchObject({
        state: "cancelled",
        message: expect.stringContaining("not finished by its deadline"),
      });
      // Nobody looked for two more minutes' worth of pg_cron's own time: it ran in its minute and
      // in no other.
      expect(await db.rows("SELECT what FROM ran")).toEqual([{ what: "once" }]);
      expect(await jobs.watch(unwatched.id)).toMatchObject({ state: "succeeded" });
      // REINDEX CONCURRENTLY waits for every older snapshot: the human's, too.
      expect(await jobs.watch(reindex.id)).toMatchObject({ state: "running", message: "runs" });
      await db.client.query(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(300)'",
      );
      await humans;
      expect(await jobs.until(reindex.id, ended)).toMatchObject({
        state: "succeeded",
        pid: expect.any(Number),
      });
      expect(
        await db.value(
          "SELECT count(*)::int FROM cron.job WHERE jobname LIKE 'ruvector_healing_job_%'",
        ),
      ).toBe(0);
      expect(
        await db.value(
          `SELECT count(*)::int FROM cron.job_run_details
          WHERE command LIKE '/* ruvector_healing job%' AND status <> 'failed'`,
        ),
      ).toBe(0);
    },
  );

  it("are withdrawn when pg_cron does not start them in time, and never start later", async () => {
    const job = await jobs.start({
      purpose: "never",
      command: "INSERT INTO public.ran VALUES ('never')",
      deadline_seconds: 60,
      start_within_seconds: 0,
    });
    // As if its minute had passed without a start (cron.max_running_jobs): no wait for the minute
    // to come.
    await db.client.query(
      `UPDATE ruvector.healing_jobs SET start_at = start_at - interval '2 minutes',
        start_by = start_by - interval '2 minutes' WHERE id = $1`,
      [job.id],
    );
    expect(await jobs.watch(job.id)).toMatchObject({
      state: "scheduled",
      withdrawn_at: expect.any(Number),
    });
    expect(await db.value("SELECT count(*)::int FROM cron.job WHERE jobid = $1", [job.jobid])).toBe(
      0,
    );
    expect(await jobs.until(job.id, ended)).toMatchObject({
      state: "failed",
      message: expect.stringContaining("did not start it within 0 s"),
    });
  });

  it("say what somebody did to them in pg_cron", async () => {
    const made = (purpose: string, start_within_seconds = 60) =>
      jobs.start({ purpose, command: "SELECT 1", deadline_seconds: 60, start_within_seconds });
    const [off, other] = [await made("off"), await made("other line", 0)];
    await db.client.query("SELECT cron.alter_job($1, active := false)", [off.jobid]);
    await db.client.query("SELECT cron.alter_job($1, schedule := '0 0 31 2 *')", [other.jobid]);
    await db.client.query(
      `UPDATE ruvector.healing_jobs SET start_at = start_at - interval '2 minutes',
        start_by = start_by - interval '2 minutes' WHERE id = $1`,
      [other.id],
    );
    expect(await jobs.until(off.id, ended)).toMatchObject({
      state: "failed",
      message: "somebody switched it off in pg_cron before it started",
    });
    expect(await jobs.until(other.id, ended)).toMatchObject({
      state: "failed",
      message: expect.stringContaining("; its schedule in pg_cron is 0 0 31 2 * now"),
    });
  });

  it("are told from another job that has their number: pg_cron was made again", async () => {
    const job = await jobs.start({ purpose: "lost", command: "SELECT 1", deadline_seconds: 60 });
    await db.client.query("SELECT cron.unschedule($1::bigint)", [job.jobid]);
    const nightly = await db.value<string>(
      "SELECT cron.schedule('nightly', '0 3 * * *', 'SELECT 1')::text",
    );
    await db.client.query("UPDATE ruvector.healing_jobs SET jobid = $1 WHERE id = $2", [
      nightly,
      job.id,
    ]);
    await jobs.cancel(job.id, "not wanted any more");
    expect(await jobs.until(job.id, ended)).toMatchObject({ state: "cancelled" });
    expect(await db.value("SELECT cron.unschedule('nightly')")).toBe(true);
  });

  it("do not start at another table that has the name, once theirs is gone", async () => {
    await db.client.query(`CREATE TABLE gone (id int PRIMARY KEY, e vector(3));
      SELECT ruvector_healing_register('gone')`);
    await db.client.query(
      `UPDATE ruvector.healing_actions a SET collection_id = c.collection_id
         FROM ruvector.collections c WHERE c.table_name = 'gone' AND a.id = $1`,
      [jobs.action.id],
    );
    const job = await jobs.start({ purpose: "gone", command: "SELECT 1", deadline_seconds: 60 });
    await db.client.query(
      `UPDATE ruvector.healing_jobs j SET collection_id = a.collection_id
         FROM ruvector.healing_actions a WHERE a.id = j.action_id AND j.id = $1`,
      [job.id],
    );
    await db.client.query("DROP TABLE gone; CREATE TABLE gone (id int)");
    await db.client.query("CALL ruvector_healing_tick()");
    expect(await db.value("SELECT count(*)::int FROM cron.job WHERE jobid = $1", [job.jobid])).toBe(
      0,
    );
    await db.client.query("SELECT ruvector_healing_unregister('gone'); DROP TABLE gone");
  });

  it("of an ended action are ended by the loop", async () => {
    const job = await jobs.start({ purpose: "left", command: "SELECT 1", deadline_seconds: 60 });
    await db.client.query(
      "UPDATE ruvector.healing_actions SET state = 'failed', finished_at = now() WHERE id = $1",
      [jobs.action.id],
    );
    await jobs.sweep();
    expect(await jobs.until(job.id, ended)).toMatchObject({
      state: "cancelled",
      cancel_reason: "its action has ended",
    });
  });

  it("are refused with what would allow them", async () => {
    await db.client.query("CREATE ROLE ruvector_jobs_plain");
    try {
      await db.client.query(`GRANT USAGE, CREATE ON SCHEMA ruvector, public TO ruvector_jobs_plain;
          GRANT ALL ON ALL TABLES IN SCHEMA ruvector TO ruvector_jobs_plain;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ruvector, public TO ruvector_jobs_plain`);
      await db.client.query("SET ROLE ruvector_jobs_plain");
      await expect(
        jobs.start({ purpose: "refused", command: "SELECT 1", deadline_seconds: 60 }),
      ).rejects.toMatchObject({
        sqlstate: "RV009",
        message: "role ruvector_jobs_plain may not use pg_cron",
        hint: "GRANT USAGE ON SCHEMA cron TO ruvector_jobs_plain;",
      });
      await db.client.query("RESET ROLE");
      await db.client.query("GRANT USAGE ON SCHEMA cron TO ruvector_jobs_plain");
      await db.client.query("SET ROLE ruvector_jobs_plain");
      const job = await jobs.start({
        purpose: "granted",
        command: "SELECT 1",
        deadline_seconds: 60,
      });
      expect(await jobs.cancel(job.id, "seen enough")).toMatchObject({
        state: "scheduled",
        withdrawn_at: expect.any(Number),
      });
    } finally {
      await db.client.query("RESET ROLE");
      await db.client.query("DROP OWNED BY ruvector_jobs_plain; DROP ROLE ruvector_jobs_plain");
    }
  });
});
