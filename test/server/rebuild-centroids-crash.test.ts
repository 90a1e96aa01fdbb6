/**
 * kill -9 of the whole server while an index is being built, and while an old one is kept: both
 * come out clean.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, QUICK, ticks } from "./support/collection.ts";
import { cronServer, external } from "./support/cron.ts";
import { makeDrifted } from "./support/vectors.ts";
import { waitEnds } from "../support/patience.ts";

// A server of DATABASE_URL is not ours to kill.
describe.skipIf(external)("after kill -9", async () => {
  const db = external ? (undefined as never) : await cronServer({ suffix: "rebuild" });

  const indexes = (table: string) =>
    db.rows(
      `
    SELECT c.oid::text AS oid, c.relname AS name, pg_get_indexdef(c.oid) AS definition,
      i.indisvalid AS valid
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = to_regclass($1)
        ORDER BY c.relname`,
      [table],
    );
  const state = (table: string) =>
    db.value<string>(
      `SELECT coalesce((SELECT state FROM ruvector.healing_actions
        WHERE collection = 'public.' || $1 ORDER BY id DESC LIMIT 1), 'none')`,
      [table],
    );
  const tickUntil = async (holds: () => Promise<boolean>, seconds?: number): Promise<void> => {
    const end = waitEnds(seconds);
    while (!(await holds()) && Date.now() < end) {
      await ticks(db, 1);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const before: Record<string, unknown> = {};

  beforeAll(async () => {
    await configure(db, { ...QUICK, stabilize_seconds: 3600, recall_trial_ms: 60_000 });
    await makeDrifted(db, "swapped");
    before["swapped"] = await indexes("swapped");
  });

  it("a half-built index is dropped, a kept one goes back when asked", async () => {
    // The other is made only then: its build, which waits for a writer, has 120 s.
    await tickUntil(async () => (await state("swapped")) === "stabilizing");
    await makeDrifted(db, "building");
    before["building"] = await indexes("building");
    const writer = await db.connect();
    await writer.query(
      "BEGIN; INSERT INTO building (embedding) SELECT embedding FROM building LIMIT 1",
    );
    const runs =
      "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '/* ruvector_healing " +
      "job%' AND query LIKE '%public.building%' AND state = 'active')";
    await tickUntil(() => db.value<boolean>(runs));
    const actions = await db.rows(
      `SELECT id, collection, state, message, progress FROM ruvector.healing_actions ORDER BY id`,
    );
    expect(
      [await state("swapped"), await db.value(runs)],
      JSON.stringify({ actions, jobs: await db.rows("SELECT * FROM ruvector.healing_jobs") }),
    ).toEqual(["stabilizing", true]);
    // Ours is there, and not ready.
    expect(await indexes("building")).toContainEqual(
      expect.objectContaining({ name: expect.stringMatching(/^ruvector_built_/), valid: false }),
    );
    await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": false}')");
    await db.killAndRestart();
    await tickUntil(async () =>
      ["failed", "rollback_failed", "succeeded"].includes(await state("building")),
    );
    expect(await state("building")).toBe("failed");
    expect(await indexes("building")).toEqual(before["building"]);
    expect(await state("swapped")).toBe("stabilizing");
    await db.value(
      `SELECT ruvector_healing_abort((SELECT max(id) FROM ruvector.healing_actions
        WHERE collection = 'public.swapped'))`,
    );
    await tickUntil(async () => (await state("swapped")) === "aborted");
    expect(await state("swapped")).toBe("aborted");
    expect(await indexes("swapped")).toEqual(before["swapped"]);
    expect(await db.rows("SELECT jobname FROM cron.job")).toEqual([]);
  });

  it("a REINDEX cut short after its exchange leaves no index behind", async () => {
    const wait = "SELECT phase FROM pg_stat_progress_create_index WHERE phase ~ 'readers'";
    const invalid = () =>
      db.rows<{ name: string }>(
        `SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
          WHERE i.indrelid = 'repaired'::regclass AND NOT i.indisvalid ORDER BY 1`,
      );
    await makeDrifted(db, "repaired", { index: "repaired_idx" });
    // Of others: what a person's own REINDEX left, of an index whose name begins alike.
    await db.client.query(`CREATE INDEX repaired_idx2_ccnew ON repaired (id);
      UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('repaired_idx'::regclass,
        'repaired_idx2_ccnew'::regclass)`);
    await db.client.query(`SELECT ruvector_healing_execute('repaired', 'rebuild_index',
      '{"index": "public.repaired_idx"}')`);
    const reader = await db.connect();
    await reader.query("BEGIN; SELECT 1 FROM repaired LIMIT 1");
    await tickUntil(async () => (await db.value(wait)) !== undefined);
    await db.client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE starts_with(query, '/* ruvector_healing job')`,
    );
    await tickUntil(async () => (await invalid()).length < 2, 5);
    expect(await invalid()).toEqual([
      { name: "repaired_idx2_ccnew" },
      { name: "repaired_idx_ccold" },
    ]);
    await reader.query("COMMIT");
    await tickUntil(async () => (await invalid()).length === 1);
    expect(await invalid()).toEqual([{ name: "repaired_idx2_ccnew" }]);
    await tickUntil(
      async () => !["executing", "stabilizing"].includes(await state("repaired")),
      20,
    );
  });
});
