/** The lent database of pg_cron: whole for each file, and one file's at a time. */
import pg from "pg";
import { describe, expect, it } from "vitest";
import { makeTable } from "./support/collection.ts";
import { type CronDatabase, cronDatabase, external } from "./support/cron.ts";

const db = external ? (undefined as unknown as CronDatabase) : await cronDatabase();

describe.skipIf(external)("the database of pg_cron", () => {
  it("runs jobs, and has nothing of an earlier file", async () => {
    expect(await db.value("SELECT count(*)::int FROM cron.job")).toBe(0);
    expect(await db.value("SELECT count(*)::int FROM ruvector.collections")).toBe(0);
    await makeTable(db, { rows: [20, 20] });
    await db.client.query("SELECT ruvector_healing_schedule('1 second')");
    expect(
      await db.until<number>("SELECT ticks::int FROM ruvector.healing_ticks", (ticks) => ticks > 1),
    ).toBeGreaterThan(1);
  });

  it("is this file's alone", async () => {
    const other = new pg.Client({ connectionString: db.url });
    await other.connect();
    expect(
      (await other.query<{ free: boolean }>("SELECT pg_try_advisory_lock(7293, 1) AS free"))
        .rows[0]!.free,
    ).toBe(false);
    await other.end();
  });
});
