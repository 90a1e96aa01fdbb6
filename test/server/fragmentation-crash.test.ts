/**
 * kill -9 of the server in the middle of a rebuild, with pg_cron's background workers, another time
 * zone of cron and an installation that belongs to a plain role: the job is not started again by
 * itself, its invalid index is dropped, and the rebuild is done by a new job.
 */
import { beforeAll, describe, expect, inject, it } from "vitest";
import { pattern } from "../support/pattern.ts";
import { checksum, configure, QUICK } from "./support/collection.ts";
import { type CronServer, cronServer, external } from "./support/cron.ts";
import { handTo } from "./support/plain-role.ts";
import { ticking } from "./support/ticking.ts";

let db: CronServer;

const jobs = () =>
  db.rows<{ id: string; purpose: string; state: string; message: string }>(
    "SELECT id::text, purpose, state, message FROM ruvector.healing_jobs ORDER BY id",
  );
const note = () =>
  db.value<string>(
    `SELECT coalesce(progress ->> 'note', '') || ' / ' || coalesce(message, '')
      FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1`,
  );
const invalid = () =>
  db.value<number>(
    "SELECT count(*)::int FROM pg_index WHERE indrelid = 'embeddings'::regclass AND NOT indisvalid",
  );

describe.skipIf(external)("a rebuild whose server is killed", () => {
  beforeAll(async () => {
    db = await cronServer({
      suffix: "compact",
      settings: {
        "cron.use_background_workers": "on",
        "cron.timezone": "America/New_York",
        autovacuum: "off",
      },
    });
    await db.client.query(`
      CREATE TABLE embeddings (id bigint PRIMARY KEY, payload text, embedding vector(8));
      INSERT INTO embeddings SELECT g, md5(g::text), (SELECT array_agg(random())
        FROM generate_series(1, 8) WHERE g > 0)::vector FROM generate_series(1, 25000) g;
      CREATE INDEX embeddings_payload ON embeddings (payload);
      DELETE FROM embeddings WHERE id % 10 < 7`);
    // Rows that this session has not reported yet would be added to what VACUUM counts.
    await db.client.query("SELECT pg_stat_force_next_flush()");
    await db.client.query("VACUUM (ANALYZE) embeddings");
    await db.client.query("SELECT ruvector_healing_register('embeddings')");
    await configure(db, { ...QUICK, enabled: false });
    await db.client.query("CREATE ROLE healer LOGIN");
    await handTo(db, "healer", inject("language"));
  });

  it("is done all the same, by another job, and nothing is left", async () => {
    const before = await checksum(db);
    const pages = await db.value<number>("SELECT pg_relation_size('embeddings_payload')::int");
    const asked = () =>
      db.value<{ outcome: string; hint?: string; plan?: object }>(
        "SELECT ruvector_healing_execute('embeddings', 'compact_indexes')",
      );
    expect(await asked()).toMatchObject({
      outcome: "deferred",
      hint: expect.stringMatching(
        pattern(
          /^GRANT USAGE ON SCHEMA cron TO healer; .*/,
          /REINDEX INDEX CONCURRENTLY public.embeddings_payload;$/,
        ),
      ),
    });
    // cron.timezone is not GMT here, and hidden from plain roles.
    await db.client.query(
      "GRANT USAGE ON SCHEMA cron TO healer; GRANT pg_read_all_settings TO healer",
    );
    expect(await asked()).toMatchObject({
      outcome: "started",
      plan: { unseen: expect.stringContaining("GRANT pg_read_all_stats TO healer;") },
    });
    await db.client.query("CALL ruvector_healing_tick()");
    const blocker = await db.connect();
    await blocker.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    expect(
      await ticking(db, async () => /waiting for old snapshots/.test(await note())),
      await note(),
    ).toBe(true);
    expect(await invalid()).toBe(1);
    await db.killAndRestart();
    expect(
      await db.value(
        "SELECT count(*)::int FROM cron.job WHERE jobname LIKE 'ruvector_healing_job_%'",
      ),
    ).toBe(1);
    expect(
      await ticking(db, async () => (await jobs())[0]!.state === "lost"),
      JSON.stringify(await jobs()),
    ).toBe(true);
    // No tick for a while: pg_cron does not start the command again, though it was the command's
    // own minute a moment ago.
    expect(
      await db.until<number>(
        "SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE '/* ruvector_healing job 1 %'",
        (some) => some > 0,
        [],
        5,
      ),
    ).toBe(0);
    expect(
      await ticking(
        db,
        async () => (await db.value("SELECT state FROM ruvector.healing_actions")) === "succeeded",
        220,
      ),
      `${await note()} ${JSON.stringify(await jobs())}`,
    ).toBe(true);
    expect((await jobs()).map(({ purpose, state }) => [purpose, state])).toEqual([
      ["rebuild an index", "lost"],
      ["clear_up", "succeeded"],
      ["rebuild an index", "succeeded"],
    ]);
    expect(await invalid()).toBe(0);
    expect(await db.value("SELECT count(*)::int FROM cron.job")).toBe(0);
    expect(
      await db.value<number>("SELECT pg_relation_size('embeddings_payload')::int"),
    ).toBeLessThan(pages / 2);
    expect(await checksum(db)).toEqual(before);
  });
});
