/**
 * A REINDEX that was cut short, and a clock 25 hours ahead: the job that drops its invalid index
 * and the time of the undo are over together.
 */
import { describe, expect, it } from "vitest";
import { configure, QUICK } from "./support/collection.ts";
import { cronServer, external } from "./support/cron.ts";
import { ticking } from "./support/ticking.ts";

describe.skipIf(external)("an invalid index of ours", async () => {
  const db = external ? (undefined as never) : await cronServer({ suffix: "leftovers" });

  const invalid = () =>
    db.value<number>(
      "SELECT count(*)::int FROM pg_index WHERE indrelid = 'late'::regclass AND NOT indisvalid",
    );
  const action = async () =>
    (
      await db.rows<{ id: string; state: string; message: string; note: string }>(
        `SELECT id::text, state, message, coalesce(progress ->> 'note', '') AS note
          FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1`,
      )
    )[0]!;
  const aged = (seconds: number) =>
    db.client.query(`
    UPDATE ruvector.healing_actions SET deadline = deadline - make_interval(secs => ${seconds}),
      finished_at = finished_at - make_interval(secs => ${seconds});
    UPDATE ruvector.healing_jobs SET start_at = start_at - make_interval(secs => ${seconds}),
      start_by = start_by - make_interval(secs => ${seconds}),
      deadline = deadline - make_interval(secs => ${seconds}),
        ended_at = ended_at - make_interval(secs => ${seconds})`);

  it("is dropped though the time for it was over", async () => {
    await configure(db, { ...QUICK, enabled: false });
    await db.client.query(`
      CREATE TABLE late (id int PRIMARY KEY, payload text, embedding vector(8));
      INSERT INTO late SELECT g, md5(g::text), '[1,2,3,4,5,6,7,8]' FROM generate_series(1, 20000) g;
      CREATE INDEX late_payload ON late (payload); DELETE FROM late WHERE id % 10 < 7`);
    // Rows that this session has not reported yet would be added to what VACUUM counts.
    await db.client.query("SELECT pg_stat_force_next_flush()");
    await db.client.query("VACUUM (ANALYZE) late");
    await db.client.query("SELECT ruvector_healing_register('late')");
    await db.value("SELECT ruvector_healing_execute('late', 'compact_indexes')");
    await db.client.query("CALL ruvector_healing_tick()");
    const blocker = await db.connect();
    await blocker.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    expect(
      await ticking(db, async () => /waiting for old snapshots/.test((await action()).note)),
      (await action()).note,
    ).toBe(true);
    expect(await invalid()).toBe(1);
    const { id } = await action();
    await db.value("SELECT ruvector_healing_abort($1::bigint)", [id]);
    expect(
      await ticking(
        db,
        async () =>
          (await db.value(
            "SELECT count(*)::int FROM ruvector.healing_jobs WHERE purpose = 'clear_up'",
          )) === 1,
      ),
    ).toBe(true);
    await aged(25 * 3600);
    expect(
      await ticking(db, async () => (await action()).state === "rollback_failed"),
      JSON.stringify(await action()),
    ).toBe(true);
    expect((await action()).message).toContain("the loop goes on with that");
    await blocker.query("ROLLBACK");
    expect(
      await ticking(
        db,
        async () =>
          (await db.value(
            `SELECT count(*)::int FROM ruvector.healing_jobs
              WHERE state IN ('scheduled', 'running')`,
          )) === 0,
      ),
    ).toBe(true);
    expect(await invalid()).toBe(1);
    // Five minutes later it is tried again.
    await aged(301);
    expect(
      await ticking(db, async () => (await invalid()) === 0),
      JSON.stringify(await db.rows("SELECT state, message FROM ruvector.healing_jobs")),
    ).toBe(true);
    expect(
      await ticking(db, async () =>
        (await action()).message.startsWith("cleared up after its time"),
      ),
      (await action()).message,
    ).toBe(true);
    expect(await db.value("SELECT count(*)::int FROM cron.job")).toBe(0);
    expect(
      await db.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'late_payload'::regclass"),
    ).toBe(true);
  });
});
