/**
 * kill -9 of the server while jobs are paused and inserts throttled: what was under way goes on,
 * and all of it ends.
 */
import { expect, it } from "vitest";
import { configure, makeTable, QUICK, ticks } from "./support/collection.ts";
import { cronServer, type CronServer, external } from "./support/cron.ts";
import { raised } from "./support/database.ts";
import { waitEnds } from "../support/patience.ts";

// With background workers, pg_cron would terminate a job that is switched off while it runs.
const db: CronServer = external
  ? (undefined as never)
  : await cronServer({ suffix: "leases", settings: { "cron.use_background_workers": "on" } });

const INSERT = "INSERT INTO embeddings VALUES (999999, 0, 'w', '[1,2,3,4,5,6,7,8]')";
const DELETE = "DELETE FROM embeddings WHERE id = 999999";

const jobs = () =>
  db.rows<{ jobname: string; schedule: string; active: boolean }>(
    `SELECT jobname, schedule, active FROM cron.job
      WHERE jobname NOT LIKE 'ruvector\\_healing\\_watch%' ORDER BY 1`,
  );
const triggers = () =>
  db.value<number>(
    "SELECT count(*)::int FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'ruvector%'",
  );

/** Ticks until the newest action is in one of the states. */
async function reached(...states: string[]): Promise<string> {
  const end = waitEnds();
  for (;;) {
    const state = await db.value<string>(
      "SELECT state FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1",
    );
    if (states.includes(state) || Date.now() > end) return state;
    await ticks(db, 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

it.skipIf(external)(
  "goes on with pausing and resumes, and a throttle ends with its lease",
  async () => {
    await configure(db, {
      ...QUICK,
      enabled: true,
      max_attempts_per_hour: 0,
      stabilize_seconds: 600,
      drain_seconds: 60,
      slice_seconds: 0.2,
    });
    await makeTable(db, { rows: [20, 20, 20, 20] });
    await db.client.query(
      `SELECT cron.schedule('busy', '1 second', 'SELECT pg_sleep(4)'), cron.schedule('idle',
        '0 0 1 1 *', 'SELECT 1')`,
    );
    await db.until<boolean>(
      "SELECT EXISTS (SELECT FROM cron.job_run_details WHERE status = 'running')",
      (is) => is,
    );
    const before = await jobs();
    await db.client.query(
      "SELECT ruvector_healing_execute('embeddings', 'pause_maintenance', '{\"jobs\": " +
        '["busy", "idle"]}\')',
    );
    // One is switched off, one runs to its end and will not start again.
    expect(await jobs()).toEqual([
      { jobname: "busy", schedule: "0 0 31 2 *", active: true },
      { jobname: "idle", schedule: "0 0 1 1 *", active: false },
    ]);
    await db.killAndRestart();
    expect(await reached("stabilizing")).toBe("stabilizing");
    expect(await jobs()).toEqual(before.map((job) => ({ ...job, active: false })));
    await db.client.query("SELECT ruvector_healing_rollback('embeddings')");
    await db.killAndRestart();
    expect(await reached("rolled_back")).toBe("rolled_back");
    expect(await jobs()).toEqual(before);
    await db.client.query("SELECT cron.unschedule(jobid) FROM cron.job");

    const writer = await db.connect();
    await writer.query(`BEGIN; ${INSERT}`);
    await db.client.query(
      "SELECT ruvector_healing_execute('embeddings', 'throttle_ingestion', '{\"percent\": " +
        '100, "mode": "reject"}\')',
    );
    expect(await reached("executing")).toBe("executing");
    const some = await triggers();
    expect(some).toBeGreaterThan(0);
    expect(some).toBeLessThan(10);
    await db.killAndRestart();
    expect(await triggers()).toBe(some);
    expect(await reached("stabilizing")).toBe("stabilizing");
    expect(await triggers()).toBe(10);
    expect((await raised(db.client, INSERT)).code).toBe("RV012");
    await db.killAndRestart();
    expect((await raised(db.client, INSERT)).code).toBe("RV012");
    await db.client.query("UPDATE ruvector.healing_leases SET expires_at = clock_timestamp()");
    await db.client.query(INSERT);
    await db.client.query(DELETE);
    // Waits for a moment in which nobody, autovacuum neither, is at a table.
    for (let turn = 0; turn < 100 && (await triggers()) > 0; turn++) await ticks(db, 1);
    expect(await triggers()).toBe(0);
    await db.client.query("SELECT ruvector_healing_abort(max(id)) FROM ruvector.healing_actions");
    expect(
      await db.value("SELECT count(*)::int FROM ruvector.healing_leases WHERE ended_at IS NULL"),
    ).toBe(0);
  },
);
