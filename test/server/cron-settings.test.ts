/** Settings of pg_cron with which the loop would not run, though it could be scheduled. */
import pg from "pg";
import { describe, expect, it } from "vitest";
import { configure, makeTable, QUICK } from "./support/collection.ts";
import { cronServer, type CronServer, external } from "./support/cron.ts";
import { raised } from "./support/database.ts";

const db: CronServer = external
  ? (undefined as never)
  : await cronServer({ suffix: "cron-settings", settings: { "cron.max_running_jobs": "1" } });

const scheduled = () =>
  db.value<{ note?: string; jobid: string }>("SELECT ruvector_healing_schedule('1 second')");
const comesOn = async (): Promise<void> => {
  const before = await db.value<number>("SELECT ticks::int FROM ruvector.healing_ticks");
  expect(
    await db.until<number>(
      "SELECT ticks::int FROM ruvector.healing_ticks",
      (ticks) => ticks > before + 4,
    ),
  ).toBeGreaterThan(before + 4);
};
const JOBS = "SELECT count(*)::int FROM cron.job";

describe.skipIf(external)("scheduling the loop", () => {
  it("is refused where pg_cron would stand still, and told where it might", async () => {
    const error = await raised(db.client, "SELECT ruvector_healing_schedule('1 second')");
    expect(error).toMatchObject({
      code: "RV009",
      detail: expect.stringContaining("cron.max_running_jobs is 1:"),
    });
    expect(await db.value(JOBS)).toBe(0);
    await db.client.query("ALTER SYSTEM SET cron.max_running_jobs = 3");
    await db.killAndRestart();
    expect((await scheduled()).note).toContain("cron.max_running_jobs is 3, and pg_cron");
    await db.client.query(/^(ALTER SYSTEM [^;]*;)/.exec(error.hint!)![1]!);
    await db.killAndRestart();
    expect((await scheduled()).note).toBeUndefined();
    await comesOn();
    await db.client.query("SELECT ruvector_healing_unschedule()");
  });

  it("leaves the slot that a tick has to the build that it asks for", async () => {
    await db.client.query("ALTER SYSTEM SET cron.max_running_jobs = 1");
    await db.killAndRestart();
    await db.client.query(`CREATE TABLE one (id int PRIMARY KEY, e vector(3));
      INSERT INTO one SELECT i, ARRAY[i, 1, 2]::vector FROM generate_series(1, 500) i;
      CREATE INDEX one_e ON one USING ivfflat (e vector_l2_ops) WITH (lists = 2);
      ANALYZE one; SELECT ruvector_healing_register('one');
      SET application_name = 'pg_cron'`);
    const { outcome, message } = await db.value<{ outcome: string; message: string }>(
      "SELECT ruvector_healing_execute('one', 'compact_indexes', $1)",
      ['{"indexes": ["public.one_e"]}'],
    );
    expect([outcome, message]).toEqual(["started", expect.not.stringContaining("as many jobs")]);
    expect(await db.value(JOBS)).toBe(1);
    await db.client.query(`RESET application_name; SELECT ruvector_healing_abort(max(id))
      FROM ruvector.healing_actions; SELECT cron.unschedule(jobid) FROM cron.job;
      DROP TABLE one`);
    await db.client.query("ALTER SYSTEM SET cron.max_running_jobs = 32");
  });

  it("goes where pg_cron lives, not where it lived", async () => {
    await db.client.query("ALTER SYSTEM SET cron.database_name = 'postgres'");
    await db.killAndRestart();
    const error = await raised(db.client, "SELECT ruvector_healing_schedule('1 second')");
    expect(error).toMatchObject({
      code: "RV009",
      message: "pg_cron runs no jobs from database ruvector",
      detail: expect.stringContaining("lives in database postgres (cron.database_name)"),
      hint: expect.stringContaining("In database postgres, as a superuser: SELECT cron."),
    });
    expect(await db.value(JOBS)).toBe(0);
    await makeTable(db, { rows: [20, 20] });
    await configure(db, { ...QUICK, enabled: false });
    await db.client.query("SELECT cron.schedule('nightly', '0 3 * * *', 'SELECT 1')");
    expect(
      await db.value(
        "SELECT ruvector_healing_execute('embeddings', 'pause_maintenance', $1) ->> 'message'",
        ['{"jobs": ["nightly"]}'],
      ),
    ).toContain("pg_cron's jobs are in database postgres");
    expect(await db.value("SELECT active FROM cron.job")).toBe(true);
    // With dblink it is asked there.
    await db.client.query("CREATE EXTENSION dblink");
    const there = new pg.Client({ connectionString: db.url.replace(/[^/]+$/, "postgres") });
    await there.connect();
    await there.query("CREATE EXTENSION pg_cron");
    await there.end();
    await scheduled();
    await comesOn();
    expect(await db.value("SELECT ruvector_healing_unschedule()")).toMatchObject({ removed: 1 });
  });
});
