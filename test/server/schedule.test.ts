/** The loop's schedule, in the database that pg_cron lives in. */
import { describe, expect, it } from "vitest";
import { type CronDatabase, cronDatabase, external } from "./support/cron.ts";

const db = external ? (undefined as unknown as CronDatabase) : await cronDatabase();

describe.skipIf(external)("the schedule", () => {
  it("is in seconds, and every minute with a notice where pg_cron is older than 1.5", async () => {
    const notices: string[] = [];
    const { client } = db;
    client.on("notice", ({ message }) => void notices.push(message ?? ""));
    const schedule = async (every: string) => db.value<object>("SELECT ruvector_healing_schedule($1)", [every]);
    expect(await schedule("5 seconds")).toMatchObject({ scheduled: true, schedule: "5 seconds" });
    expect(await schedule("7 minutes")).toMatchObject({ schedule: "*/10 * * * *" });
    await client.query("BEGIN");
    try {
      // Debian 12's pg_cron has a version that is no row of numbers.
      for (const [version, expected] of [["1.4", "* * * * *"], ["1.4-1", "* * * * *"], ["1.5", "5 seconds"], ["1.10", "5 seconds"], ["2.0-1", "5 seconds"]]) {
        await client.query("UPDATE pg_extension SET extversion = $1 WHERE extname = 'pg_cron'", [version]);
        expect(await schedule("5 seconds"), version).toMatchObject({ schedule: expected });
      }
      expect(notices.join()).toContain("pg_cron 1.4-1 has no schedules in seconds");
    } finally {
      await client.query("ROLLBACK");
    }
    expect(await db.value("SELECT ruvector_healing_unschedule()")).toMatchObject({ scheduled: false, removed: 1 });
  });
});
