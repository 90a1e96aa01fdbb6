/** Two sessions that configure at once, and settings changed in the middle of an action. */
import { beforeAll, describe, expect, it } from "vitest";
import { checksum, configure, HOT, makeTable, QUICK } from "./support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, QUICK);
  await makeTable(db, { rows: HOT });
});

describe("two sessions", () => {
  it("changing different settings at once lose neither", async () => {
    const clients = await Promise.all([1, 2, 3, 4, 5, 6].map(() => db.connect()));
    const keys = [
      "batch_rows",
      "max_moves",
      "max_retries",
      "history_days",
      "sample_days",
      "recall_k",
    ];
    // Sessions that have the engine already: six that start it one after the other, each while it
    // holds the settings (0.13 to 0.19 s at load 11, 0.02 s later), may need more than the 5 s that
    // the last one waits on a busy one.
    for (const client of clients) await client.query("SELECT ruvector_healing_configure('{}')");
    await Promise.all(
      clients.map((client, place) =>
        client.query("SELECT ruvector_healing_configure(jsonb_build_object($1::text, 11))", [
          keys[place],
        ]),
      ),
    );
    const rows = await db.rows<{ value: number; source: string }>(
      "SELECT value, source FROM ruvector_healing_config() WHERE key = ANY($1)",
      [keys],
    );
    expect(rows).toEqual(keys.map(() => ({ value: 11, source: "global" })));
    await configure(db, Object.fromEntries(keys.map((key) => [key, null])));
  });

  it("cannot break together a rule that each of them keeps", async () => {
    // stress_threshold 0.8, critical_threshold 0.3: one lowers the first for all, the other raises
    // the second for the collection.
    for (let round = 0; round < 5; round++) {
      const [one, other] = await Promise.all([db.connect(), db.connect()]);
      const outcomes = await Promise.allSettled([
        one.query("SELECT ruvector_healing_configure('{\"stress_threshold\": 0.5}')"),
        other.query(
          "SELECT ruvector_healing_configure('{\"critical_threshold\": 0.6}', 'embeddings')",
        ),
      ]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      const settings = await db.value<{ critical_threshold: number; stress_threshold: number }>(
        "SELECT ruvector.healing_settings(collection_id) FROM ruvector.collections",
      );
      expect(settings.critical_threshold).toBeLessThan(settings.stress_threshold);
      await configure(db, { stress_threshold: null });
      await db.client.query(
        "SELECT ruvector_healing_configure('{\"critical_threshold\": null}', 'embeddings')",
      );
    }
  });

  it("one in an open transaction: the other is told after 5 seconds who; none hangs", async () => {
    const holder = await db.connect();
    await holder.query("BEGIN");
    await holder.query("SELECT ruvector_healing_configure('{\"batch_rows\": 12}')");
    const began = Date.now();
    const error = await raised(
      db.client,
      "SELECT ruvector_healing_configure('{\"batch_rows\": 13}')",
    );
    expect(error).toMatchObject({
      code: "RV008",
      message: expect.stringContaining("changing settings"),
    });
    expect(Date.now() - began).toBeGreaterThan(4000);
    const found = await db.rows<{ pid: number }>(error.hint!);
    expect(found.map(({ pid }) => pid)).toEqual([
      (holder as unknown as { processID: number }).processID,
    ]);
    await holder.query("ROLLBACK");
    expect(await db.value("SELECT ruvector_healing_configure('{\"batch_rows\": 13}')")).toEqual({
      batch_rows: { old: 10_000, new: 13 },
    });
    await configure(db, { batch_rows: null });
  });
});

describe("in the middle of an action", () => {
  it(
    "settings hold from the next slice on; switched off, what has begun is finished and " +
      "nothing new begins",
    async () => {
      const before = await checksum(db);
      await configure(db, { batch_rows: 50, slice_seconds: 0.01 });
      const action = () =>
        db.rows<{ state: string; rows: number }>(
          `SELECT state, (progress ->> 'rows')::int AS rows FROM ruvector.healing_actions
          ORDER BY id DESC LIMIT 1`,
        );
      // The second tick on a machine at rest; a busy one may be late with a sample, or only plan.
      for (let turn = 0; turn < 10 && (await action())[0]?.state !== "executing"; turn++)
        await db.client.query("CALL ruvector_healing_tick()");
      const [begun] = await action();
      expect(begun?.state).toBe("executing");
      expect(begun!.rows).toBeLessThanOrEqual(100);
      await configure(db, { batch_rows: 10_000, slice_seconds: 60, enabled: false });
      for (let turn = 0; turn < 3; turn++) await db.client.query("CALL ruvector_healing_tick()");
      expect((await action())[0]).toMatchObject({ state: "succeeded" });
      expect((await action())[0]!.rows).toBeGreaterThan(800);
      expect(await checksum(db)).toEqual(before);
      expect(await db.value("SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
    },
  );
});
