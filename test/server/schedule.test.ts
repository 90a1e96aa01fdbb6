/** The loop's schedule, in the database that pg_cron lives in. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { raised } from "../support/database.ts";
import { type CronDatabase, cronDatabase, dropped, external } from "./support/cron.ts";

const db = external ? (undefined as unknown as CronDatabase) : await cronDatabase();

interface Job {
  readonly jobname: string;
  readonly schedule: string;
}
const jobs = () =>
  db.rows<Job>(
    "SELECT jobname, schedule FROM cron.job WHERE jobname LIKE 'ruvector%' ORDER BY jobname",
  );
// pg_cron before 1.5 has no seconds: every minute is the nearest.
const seconds = external
  ? true
  : await db.value<boolean>(
      `SELECT array_agg(m[1]::int ORDER BY place) >= ARRAY[1, 5] FROM pg_extension,
        regexp_matches(extversion, '[0-9]+', 'g') WITH ORDINALITY v(m, place)
        WHERE extname = 'pg_cron'`,
    );
const comes = (schedule: string) =>
  schedule.includes("second") && !seconds ? "* * * * *" : schedule;
const name = (kind: string) => `ruvector_healing_${kind}_${db.name}`;
const upgrade = async () =>
  db.client.query(
    await readFile(join(root, `dist/ruvector_healing.${inject("language")}.sql`), "utf8"),
  );

describe.skipIf(external)("the schedule", () => {
  const schedule = async (every: string | null, type = "") =>
    db.value<Job>(`SELECT ruvector_healing_schedule($1${type})`, [every]);

  it("is in seconds, and every minute with a notice where pg_cron is older than 1.5", async () => {
    const notices: string[] = [];
    const { client } = db;
    client.on("notice", ({ message }) => void notices.push(message ?? ""));
    expect(await schedule("5 seconds")).toMatchObject({
      scheduled: true,
      schedule: comes("5 seconds"),
    });
    await client.query("BEGIN");
    try {
      // Debian 12's pg_cron has a version that is no row of numbers.
      for (const [version, expected] of [
        ["1.4", "* * * * *"],
        ["1.4-1", "* * * * *"],
        // One that has none would refuse them.
        ...(seconds ? ["1.5", "1.10", "2.0-1"] : []).map((newer) => [newer, "5 seconds"]),
      ]) {
        await client.query("UPDATE pg_extension SET extversion = $1 WHERE extname = 'pg_cron'", [
          version,
        ]);
        expect(await schedule("5 seconds"), version).toMatchObject({ schedule: expected });
      }
      expect(notices.join()).toContain("pg_cron 1.4-1 has no schedules in seconds");
    } finally {
      await client.query("ROLLBACK");
    }
    expect(await db.value("SELECT ruvector_healing_unschedule()")).toMatchObject({
      scheduled: false,
      removed: 1,
    });
  });

  it("takes intervals that pg_cron has a schedule for, and lines of cron as lines", async () => {
    for (const [every, expected] of [
      ["*/5 * * * *", "*/5 * * * *"],
      [" 0,30  * * * * ", "0,30 * * * *"],
      ["@hourly", "0 * * * *"],
      ["1 second", "1 second"],
      ["00:00:59", "59 seconds"],
      ["60 seconds", "* * * * *"],
      ["10 minutes", "*/10 * * * *"],
      ["1 hour", "0 * * * *"],
    ] as const)
      expect(await schedule(every), every).toMatchObject({ schedule: comes(expected) });
    await db.client.query("SET IntervalStyle = 'postgres_verbose'");
    expect(await schedule("20 minutes", "::interval")).toMatchObject({ schedule: "*/20 * * * *" });
    await db.client.query("RESET IntervalStyle");
    expect(await db.value("SELECT ruvector_healing_schedule()")).toMatchObject({
      schedule: comes("5 seconds"),
      jobname: name("tick"),
    });
    expect(await jobs()).toEqual([
      { jobname: name("tick"), schedule: comes("5 seconds") },
      { jobname: name("watch"), schedule: comes("10 seconds") },
    ]);
  });

  it("is on again where somebody had switched its jobs off", async () => {
    const on = "SELECT bool_and(active) FROM cron.job WHERE database = current_database()";
    await db.client.query("SELECT ruvector_healing_schedule('30 minutes')");
    await db.client.query("SELECT cron.alter_job(jobid, active := false) FROM cron.job");
    expect(await db.value(on)).toBe(false);
    expect(await schedule("20 minutes")).toMatchObject({ scheduled: true });
    expect(await db.value(on)).toBe(true);
    expect(await jobs()).toMatchObject([{ schedule: "*/20 * * * *" }, { jobname: name("watch") }]);
    await db.client.query("SELECT ruvector_healing_schedule()");
  });

  it("goes to where the server is now, where a job of before cannot connect", async () => {
    const places = () =>
      db.rows(
        `SELECT nodename, nodeport = current_setting('port')::int AS own FROM cron.job
          WHERE jobname LIKE 'ruvector%' ORDER BY jobname`,
      );
    const ran = (said: string) =>
      db.client.query(
        `INSERT INTO cron.job_run_details (jobid, runid, database, status, return_message)
          SELECT jobid, (SELECT coalesce(max(runid), 0) FROM cron.job_run_details) + 1000 + jobid,
            database, 'failed', $1 FROM cron.job WHERE jobname LIKE 'ruvector%'`,
        [said],
      );
    const moved = (to: string) =>
      db.client.query(`UPDATE cron.job SET ${to} WHERE jobname LIKE 'ruvector%'`);
    // An hour apart, so that pg_cron runs none of them meanwhile.
    await schedule("1 hour");
    const right = await places();
    expect(right).toMatchObject([{ own: true }, { own: true }]);
    // Through a pooler, say: its runs do connect.
    await moved("nodeport = 1");
    await ran("canceling statement due to statement timeout");
    await schedule("1 hour");
    expect(await places()).toMatchObject([{ own: false }, { own: false }]);
    await ran("connection failed");
    await schedule("1 hour");
    expect(await places()).toEqual(right);
    // cron.host is another one now.
    await moved("nodename = 'before.invalid'");
    await ran("connection failed");
    await schedule("1 hour");
    expect(await places()).toEqual(right);
    // Nothing has run yet; and a role that may not read what has.
    await moved("nodeport = 1");
    await schedule("1 hour");
    expect(await places()).toEqual(right);
    await db.client.query("SELECT ruvector_healing_schedule()");
  });

  it("asks for no more than a role may read of pg_cron", async () => {
    const condition = () => db.value<string>("SELECT ruvector.healing_job_stays_out(true)");
    expect(await condition()).toContain("job_run_details");
    await db.client.query("BEGIN");
    await db.client.query(
      "CREATE ROLE ruvector_test_cron; " +
        "GRANT USAGE ON SCHEMA cron, ruvector TO ruvector_test_cron; " +
        "REVOKE SELECT ON cron.job_run_details FROM PUBLIC; " +
        "GRANT EXECUTE ON FUNCTION ruvector.healing_job_stays_out TO ruvector_test_cron; " +
        "SET LOCAL ROLE ruvector_test_cron",
    );
    const asked = await condition();
    const read = await db.rows(`SELECT j.jobid FROM cron.job j WHERE ${asked}`);
    await db.client.query("ROLLBACK");
    expect(asked).not.toContain("job_run_details");
    expect(read).toEqual([]);
  });

  it("takes over a job that somebody renamed, and names what else runs the loop", async () => {
    const rename =
      "UPDATE cron.job SET jobname = split_part(jobname, '_', 3) || ' of mine' " +
      "WHERE jobname LIKE 'ruvector%'";
    const all = () => db.rows("SELECT jobname, schedule FROM cron.job ORDER BY jobname");
    await schedule("30 minutes");
    await db.client.query(rename);
    // Somebody looks after a renamed one, too.
    await db.client.query("SELECT ruvector.healing_watch()");
    expect(await all()).toMatchObject([{ jobname: "tick of mine" }, { jobname: "watch of mine" }]);
    expect(await schedule("20 minutes")).not.toHaveProperty("note");
    expect(await all()).toEqual([
      { jobname: name("tick"), schedule: "*/20 * * * *" },
      { jobname: name("watch"), schedule: "* * * * *" },
    ]);
    await db.client.query(rename);
    expect(await db.value("SELECT ruvector_healing_unschedule()")).toEqual({
      scheduled: false,
      removed: 1,
    });
    expect(await all()).toEqual([]);
    // One of somebody's own, and those of a database that was renamed.
    await db.client.query(
      `SELECT cron.schedule('it''s mine', '0 * * * *', 'CALL public.ruvector_healing_tick()');
        SELECT cron.schedule('ruvector_healing_tick_old', '0 * * * *', 'SELECT 1');
        UPDATE cron.job SET database = 'no longer' WHERE jobname = 'ruvector_healing_tick_old';
        SELECT cron.schedule('reads', '0 * * * *', 'SELECT FROM ruvector.healing_ticks')`,
    );
    for (const call of ["schedule('20 minutes')", "unschedule()"]) {
      const { note } = await db.value<{ note: string }>(`SELECT ruvector_healing_${call}`);
      expect(note).toMatch(/\("it's mine"\) runs the loop as well: SELECT/);
      expect(note).toMatch(/is for database "no longer", which is not there any more: SELECT/);
      await db.client.query("BEGIN");
      for (const typed of note.match(/SELECT cron.unschedule\(\d+\);/g)!)
        await db.client.query(typed);
      expect(await db.value("SELECT ruvector.healing_stray_jobs()")).toBeNull();
      expect(await all()).toContainEqual({ jobname: "reads", schedule: "0 * * * *" });
      await db.client.query("ROLLBACK");
    }
    await db.client.query("SELECT cron.unschedule(jobid) FROM cron.job");
    await schedule("5 seconds");
  });

  it("refuses every other one with what fits, and what it says to type works", async () => {
    const before = await jobs();
    for (const [every, message] of [
      ["90 seconds", "pg_cron has no schedule of this interval"],
      ["1.5 seconds", "pg_cron has no schedule of this interval"],
      ["7 minutes", "pg_cron has no schedule of this interval"],
      ["31 minutes", "pg_cron has no schedule of this interval"],
      ["2 hours", "the interval must be between 1 second and 1 hour"],
      ["0 seconds", "the interval must be between 1 second and 1 hour"],
      ["-1 minute", "the interval must be between 1 second and 1 hour"],
      [null, "the interval must be between 1 second and 1 hour"],
      ["0 3 * * *", "the loop has to run once an hour at least"],
      ["5 4 3 2 1", "the loop has to run once an hour at least"],
      ["@daily", "the loop has to run once an hour at least"],
      ["*/5", "this is no line of cron"],
      ["61 * * * *", "pg_cron does not take this schedule"],
      ["often", "this is neither an interval nor a line of cron"],
      ["", "this is neither an interval nor a line of cron"],
    ] as const) {
      const error = await raised(db.client, "SELECT ruvector_healing_schedule($1)", [every]);
      expect(error, String(every)).toMatchObject({ code: "RV001", message });
      expect(error.detail).toContain(every === null ? "Got NULL" : `Got '${every}'`);
      expect(await jobs()).toEqual(before);
      const typed = error.hint!.match(/SELECT ruvector_healing_schedule\('[^']+'\);/g)!;
      expect(typed).not.toBeNull();
      if (every === "90 seconds")
        expect(typed.join()).toMatch(/'1 minute'\);,SELECT .*'2 minutes'\);$/);
      await db.client.query(`BEGIN; ${typed.join(" ")} ROLLBACK`);
    }
    await db.client.query("SELECT ruvector_healing_unschedule()");
  });
});

describe.skipIf(external)("an upgrade of a loop that is scheduled", () => {
  const schedule = (jobname: string, every: string, command: string) =>
    db.value<string>("SELECT cron.schedule($1, $2, $3)::text", [jobname, every, command]);

  it("has pg_cron look after it from then on, and changes nothing else", async () => {
    await db.client.query(
      "SELECT ruvector_healing_schedule('7 seconds'), " +
        "cron.unschedule(ruvector.healing_job_name('watch'))",
    );
    await upgrade();
    const both = [
      { jobname: name("tick"), schedule: comes("7 seconds") },
      { jobname: name("watch"), schedule: comes("10 seconds") },
    ];
    expect(await jobs()).toEqual(both);
    await schedule(name("watch"), "*/2 * * * *", "SELECT ruvector.healing_watch()");
    await upgrade();
    expect(await jobs()).toEqual([both[0], { ...both[1], schedule: "*/2 * * * *" }]);
    // What keeps it from that is said, and the upgrade is whole.
    await db.client.query("SELECT cron.unschedule(ruvector.healing_job_name('watch'))");
    const said: string[] = [];
    db.client.on("notice", ({ message }) => void said.push(message ?? ""));
    await db.client
      .query(`CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'no more jobs'; END $$;
      CREATE TRIGGER a_full BEFORE INSERT ON cron.job FOR EACH ROW EXECUTE FUNCTION public.full()`);
    await upgrade();
    await db.client.query("DROP TRIGGER a_full ON cron.job; DROP FUNCTION public.full()");
    expect(said.join()).toContain(
      "no more jobs): SELECT ruvector_healing_schedule(); schedules both jobs",
    );
    expect(await jobs()).toEqual([both[0]]);
    await db.client.query("SELECT ruvector_healing_unschedule()");
    await upgrade();
    expect(await jobs()).toEqual([]);
  });

  it("gives jobs of the old name their name of now, and leaves those of others alone", async () => {
    const old = await schedule(
      "ruvector_healing_tick",
      "*/9 * * * *",
      "CALL ruvector.healing_tick()",
    );
    await schedule("ruvector_healing_watch", "*/11 * * * *", "SELECT ruvector.healing_watch()");
    await db.client.query("SELECT cron.alter_job($1, active := false)", [old]);
    // The same name in another database's loop.
    const other = await db.value<string>(
      "SELECT cron.schedule_in_database('x', '0 0 1 1 *', 'SELECT 1', 'postgres')::text",
    );
    await db.client.query(
      "UPDATE cron.job SET jobname = 'ruvector_healing_tick', username = 'somebody' " +
        "WHERE jobid = $1",
      [other],
    );
    await upgrade();
    const mine = () =>
      db.rows(
        `SELECT jobname, schedule, active, command = ruvector.healing_job_command(
            split_part(jobname, '_', 3)) AS of_now
          FROM cron.job WHERE jobid <> $1 ORDER BY 1`,
        [other],
      );
    const both = [
      { jobname: name("tick"), schedule: "*/9 * * * *", active: false, of_now: true },
      { jobname: name("watch"), schedule: "*/11 * * * *", active: true, of_now: true },
    ];
    expect(await mine()).toEqual(both);
    expect(await db.value("SELECT count(*)::int FROM cron.job WHERE jobid = $1", [other])).toBe(1);
    // A command of somebody's own stays theirs.
    const own = "SET work_mem = '64MB'; CALL ruvector.healing_tick()";
    await db.client.query("UPDATE cron.job SET command = $1 WHERE jobname = $2", [
      own,
      name("tick"),
    ]);
    await upgrade();
    expect(await mine()).toEqual([{ ...both[0], of_now: false }, both[1]]);
    // What matches by name matches the old one too.
    await db.client.query(
      "UPDATE cron.job SET jobname = 'ruvector_healing_tick' WHERE jobname = $1",
      [name("tick")],
    );
    expect(await db.value("SELECT ruvector_healing_unschedule()")).toMatchObject({ removed: 1 });
    expect(await mine()).toEqual([]);
    await db.client.query("SELECT cron.unschedule($1::bigint)", [other]);
  });

  it("gives a new overload to whoever was granted the old one by hand", async () => {
    const role = `ruvector_test_${process.pid}_by_hand`;
    await db.client.query(
      `DROP FUNCTION public.ruvector_healing_schedule(text) CASCADE; CREATE ROLE ${role};
        GRANT EXECUTE ON FUNCTION ruvector_healing_schedule(interval) TO ${role}`,
    );
    try {
      await upgrade();
      expect(
        await db.value(
          `SELECT has_function_privilege($1, 'ruvector_healing_schedule(text)', 'EXECUTE') AND NOT
            has_function_privilege($1, 'ruvector_healing_unschedule()', 'EXECUTE')`,
          [role],
        ),
      ).toBe(true);
    } finally {
      await db.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});

describe.skipIf(external)("pg_cron's jobs, where ruvector_healing was dropped", () => {
  it("end quietly, and are gone", async () => {
    await db.client.query("SELECT ruvector_healing_schedule('1 second')");
    await db.until("SELECT ticks::int FROM ruvector.healing_ticks", (n: number) => n > 0);
    await db.client.query(
      `SELECT cron.schedule('ruvector_healing_job_1', '0 0 1 1 *', 'SELECT 1'),
        cron.schedule('ruvector_healing_report_of_mine', '0 0 1 1 *', 'SELECT 1')`,
    );
    await db.client.query("SET client_min_messages = warning");
    await dropped(db.client, "ruvector");
    const since = await db.value("SELECT clock_timestamp()");
    const left = "SELECT string_agg(jobname, ' ' ORDER BY jobname) FROM cron.job";
    const mine = "ruvector_healing_report_of_mine";
    const names = await db.until<string>(left, (found) => found === mine);
    expect(names, JSON.stringify(await db.rows("SELECT * FROM cron.job_run_details"))).toBe(mine);
    expect(
      await db.rows(
        "SELECT * FROM cron.job_run_details WHERE status = 'failed' AND start_time > $1 " +
          "AND return_message <> 'job canceled'",
        [since],
      ),
    ).toEqual([]);
  });
});
