/** The loop's schedule, in the database that pg_cron lives in. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { raised, testDatabase } from "../support/database.ts";
import { type CronDatabase, cronDatabase, external } from "./support/cron.ts";
import { handTo } from "./support/plain-role.ts";

const db = external ? (undefined as unknown as CronDatabase) : await cronDatabase();

describe.skipIf(external)("the schedule", () => {
  it("is in seconds, and every minute with a notice where pg_cron is older than 1.5", async () => {
    const notices: string[] = [];
    const { client } = db;
    client.on("notice", ({ message }) => void notices.push(message ?? ""));
    const schedule = async (every: string) =>
      db.value<object>("SELECT ruvector_healing_schedule($1)", [every]);
    expect(await schedule("5 seconds")).toMatchObject({ scheduled: true, schedule: "5 seconds" });
    expect(await schedule("7 minutes")).toMatchObject({ schedule: "*/10 * * * *" });
    await client.query("BEGIN");
    try {
      // Debian 12's pg_cron has a version that is no row of numbers.
      for (const [version, expected] of [
        ["1.4", "* * * * *"],
        ["1.4-1", "* * * * *"],
        ["1.5", "5 seconds"],
        ["1.10", "5 seconds"],
        ["2.0-1", "5 seconds"],
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
});

describe.skipIf(external)("an upgrade of a loop that is scheduled", () => {
  const upgrade = async () =>
    db.client.query(
      await readFile(join(root, `dist/ruvector_healing.${inject("language")}.sql`), "utf8"),
    );
  const jobs = () =>
    db.rows<{ jobname: string; schedule: string }>(
      "SELECT jobname, schedule FROM cron.job WHERE jobname LIKE 'ruvector%' ORDER BY 1",
    );

  it("has pg_cron look after it from then on, and changes nothing else", async () => {
    await db.client.query(
      "SELECT ruvector_healing_schedule('7 seconds'), cron.unschedule('ruvector_healing_watch')",
    );
    await upgrade();
    const both = [
      { jobname: "ruvector_healing_tick", schedule: "7 seconds" },
      { jobname: "ruvector_healing_watch", schedule: "10 seconds" },
    ];
    expect(await jobs()).toEqual(both);
    await db.client.query(
      `SELECT cron.schedule('ruvector_healing_watch', '20 seconds',
        'SELECT ruvector.healing_watch()')`,
    );
    await upgrade();
    expect(await jobs()).toEqual([both[0], { ...both[1], schedule: "20 seconds" }]);
    // What keeps it from that is said, and the upgrade is whole.
    await db.client.query("SELECT cron.unschedule('ruvector_healing_watch')");
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
});

describe.skipIf(external)("the schedule, where pg_cron lives in another database", () => {
  const role = `ruvector_test_${process.pid}_elsewhere`;

  it(
    "names that database to who may see it, says that it is there to a plain role, and what it " +
      "says to type there works",
    async () => {
      const elsewhere = await testDatabase();
      const named = await raised(elsewhere.client, "SELECT ruvector_healing_schedule('5 seconds')");
      expect(named).toMatchObject({
        code: "RV009",
        detail: `pg_cron of this server lives in database ${db.name} (cron.database_name).`,
      });
      await elsewhere.client.query(`CREATE ROLE ${role} LOGIN`);
      await handTo(elsewhere, role, inject("language"));
      const url = new URL(elsewhere.url);
      url.username = role;
      const plain = new pg.Client({ connectionString: url.href });
      await plain.connect();
      try {
        const hidden = await raised(plain, "SELECT ruvector_healing_schedule('5 seconds')");
        expect(hidden).toMatchObject({
          code: "RV009",
          detail:
            "The server loads pg_cron; this role may not see in which database it lives " +
            "(cron.database_name).",
        });
        for (const { hint } of [named, hidden]) {
          const [, typed] = /: (SELECT cron\.schedule_in_database\(.*\);)$/.exec(hint!) ?? [];
          await db.client.query(typed!.replace("5 seconds", "1 second"));
          expect(
            await db.value("SELECT database FROM cron.job WHERE jobname = 'ruvector_healing_tick'"),
          ).toBe(elsewhere.name);
          await db.client.query("SELECT cron.unschedule('ruvector_healing_tick')");
        }
      } finally {
        await plain.end();
        await elsewhere.client.query(
          `REASSIGN OWNED BY ${role} TO CURRENT_USER; DROP OWNED BY ${role}; DROP ROLE ${role}`,
        );
      }
    },
  );
});
