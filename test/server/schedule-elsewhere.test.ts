/** The loop's schedule, where pg_cron lives in another database of the server. */
import pg from "pg";
import { describe, expect, inject, it } from "vitest";
import { type Raised, raised, type TestDatabase, testDatabase } from "../support/database.ts";
import { type CronDatabase, cronDatabase, external } from "./support/cron.ts";
import { handTo } from "./support/plain-role.ts";

const db = external ? (undefined as unknown as CronDatabase) : await cronDatabase();

/** pg_cron before 1.5 has no seconds. */
const EACH_SECOND: unknown = expect.stringMatching(/^(1 second|\* \* \* \* \*)$/);

const jobs = () =>
  db.rows<{ database: string; jobname: string; schedule: string; username: string }>(
    "SELECT database, jobname, schedule, username FROM cron.job ORDER BY jobid",
  );

describe.skipIf(external)("the schedule, where pg_cron lives in another database", () => {
  const role = `ruvector_test_${process.pid}_elsewhere`;

  /** A database whose installation belongs to a plain role, and a session of that role. */
  async function plainInstallation(
    work: (at: TestDatabase, plain: pg.Client, named: Raised) => Promise<void>,
  ) {
    const elsewhere = await testDatabase();
    const named = await raised(elsewhere.client, "SELECT ruvector_healing_schedule('1 second')");
    await elsewhere.client.query(`CREATE ROLE ${role} LOGIN`);
    await handTo(elsewhere, role, inject("language"));
    const url = new URL(elsewhere.url);
    url.username = role;
    const plain = new pg.Client({ connectionString: url.href });
    await plain.connect();
    try {
      await work(elsewhere, plain, named);
    } finally {
      await plain.end();
      await db.client.query(`SELECT cron.unschedule(jobid) FROM cron.job; DROP OWNED BY ${role}`);
      await elsewhere.client.query(
        `REASSIGN OWNED BY ${role} TO CURRENT_USER; DROP OWNED BY ${role}; DROP ROLE ${role}`,
      );
    }
  }

  it(
    "names that database to who may see it, says that it is there to a plain role, and what it " +
      "says to type there works",
    () =>
      plainInstallation(async (elsewhere, plain, named) => {
        // Its own loop, which a second database's job took over while names were the same.
        await db.client.query("SELECT ruvector_healing_schedule('30 minutes')");
        const ours = await jobs();
        expect(named).toMatchObject({
          code: "RV009",
          detail:
            `pg_cron of this server lives in database ${db.name} (cron.database_name), which ` +
            "could not be asked from here: the extension dblink is not installed here.",
        });
        const hidden = await raised(plain, "SELECT ruvector_healing_schedule('1 second')");
        expect(hidden).toMatchObject({
          code: "RV009",
          detail: expect.stringContaining("this role may not see in which database it lives"),
        });
        expect((await plain.query("SELECT ruvector_healing_unschedule() AS said")).rows).toEqual([
          { said: { scheduled: false, removed: 0, note: expect.stringContaining("unschedule(") } },
        ]);
        for (const [username, { hint }] of [
          ["postgres", named],
          [role, hidden],
        ] as const) {
          const [, typed] =
            /: (SELECT cron\.alter_job\(cron\.schedule_in_database\(.*\);)$/.exec(hint!) ?? [];
          // Of one that is there and was switched off, too.
          await db.client.query(typed!);
          await db.client.query(
            "SELECT cron.alter_job(jobid, active := false) FROM cron.job WHERE database = $1",
            [elsewhere.name],
          );
          await db.client.query(typed!);
          expect(await db.value("SELECT bool_and(active) FROM cron.job")).toBe(true);
          expect(await jobs()).toEqual([
            ...ours,
            {
              database: elsewhere.name,
              jobname: `ruvector_healing_tick_${elsewhere.name}`,
              schedule: EACH_SECOND,
              username,
            },
          ]);
          const { note } = await elsewhere.value<{ note: string }>(
            "SELECT ruvector_healing_unschedule()",
          );
          const [, taken] = /: (SELECT cron\.unschedule\(.*\);)$/.exec(note) ?? [];
          await db.client.query(taken!);
          expect(await jobs()).toEqual(ours);
        }
        await db.client.query("SELECT ruvector_healing_unschedule()");
      }),
  );

  it(
    "works from there by dblink, and ends there, as a plain role",
    () =>
      plainInstallation(async (elsewhere, plain) => {
        await elsewhere.client.query("CREATE EXTENSION dblink");
        const refused = await raised(plain, "SELECT ruvector_healing_schedule('1 second')");
        expect(refused).toMatchObject({
          code: "RV009",
          detail: expect.stringContaining("password"),
          hint: expect.stringContaining("SELECT cron.alter_job(cron.schedule_in_database("),
        });
        await elsewhere.client.query(
          `GRANT EXECUTE ON FUNCTION dblink_connect_u(text, text) TO ${role};
          GRANT pg_read_all_settings TO ${role}`,
        );
        await db.client.query(
          `GRANT USAGE ON SCHEMA cron TO ${role}; GRANT EXECUTE ON FUNCTION
          cron.schedule_in_database(text, text, text, text, text, boolean) TO ${role}`,
        );
        const { rows } = await plain.query("SELECT ruvector_healing_schedule('1 second') AS said");
        expect(rows).toMatchObject([{ said: { scheduled: true, schedule: EACH_SECOND } }]);
        expect(await jobs()).toEqual([
          {
            database: elsewhere.name,
            jobname: `ruvector_healing_tick_${elsewhere.name}`,
            schedule: EACH_SECOND,
            username: role,
          },
        ]);
        await expect
          .poll(() => elsewhere.value("SELECT ticks > 0 FROM ruvector.healing_ticks"))
          .toBe(true);
        // Switched off there, it is on again.
        await db.client.query("SELECT cron.alter_job(jobid, active := false) FROM cron.job");
        await plain.query("SELECT ruvector_healing_schedule('1 second')");
        expect(await db.value("SELECT bool_and(active) FROM cron.job")).toBe(true);
        expect(await jobs()).toHaveLength(1);
        expect((await plain.query("SELECT ruvector_healing_unschedule() AS said")).rows).toEqual([
          { said: { scheduled: false, removed: 1 } },
        ]);
        expect(await jobs()).toEqual([]);
        expect(
          await elsewhere.value("SELECT coalesce(cardinality(dblink_get_connections()), 0)"),
        ).toBe(0);
      }),
    120_000,
  );
});

describe.skipIf(external)("the schedule, by dblink as a superuser", () => {
  it("needs nothing but the extension, and quotes what it has to", async () => {
    const elsewhere = await testDatabase();
    const name = `${elsewhere.name}'s very \\ "own"`;
    const url = new URL(elsewhere.url);
    url.pathname = `/${encodeURIComponent(name)}`;
    await db.client.query(
      `CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE ` + `"${inject("template")}"`,
    );
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    try {
      const toType = "SELECT ruvector_healing_status() #>> '{loop,statement}' AS statement";
      expect((await client.query(toType)).rows[0].statement).toMatch(/^CALL ruvector_healing_tick/);
      await client.query('CREATE SCHEMA "x y"; CREATE EXTENSION dblink SCHEMA "x y"');
      expect((await client.query(toType)).rows[0].statement).toMatch(
        /^SELECT ruvector_healing_schedule\('5 seconds'\);/,
      );
      await client.query("SELECT ruvector_healing_schedule('*/5 * * * *')");
      expect(await jobs()).toMatchObject([{ database: name, schedule: "*/5 * * * *" }]);
      expect((await jobs())[0]!.jobname).toMatch(/^ruvector_healing_tick_[0-9a-f]{32}$/);
      // What pg_cron there still has of the name that the database had is told from here.
      await db.client.query(
        `SELECT cron.schedule('ruvector_healing_tick_old', '0 0 1 1 *', '');
          UPDATE cron.job SET database = 'old' WHERE jobname = 'ruvector_healing_tick_old'`,
      );
      const { rows } = await client.query("SELECT ruvector_healing_unschedule() AS said");
      expect(rows).toMatchObject([
        { said: { removed: 1, note: expect.stringMatching(/for database old,.*unschedule\(/) } },
      ]);
      await db.client.query(/SELECT cron[^;]*;/.exec(rows[0].said.note)![0]);
      expect(await jobs()).toEqual([]);
      // What somebody says of the way there counts.
      await client.query(
        `CREATE SERVER ruvector_healing_cron FOREIGN DATA WRAPPER dblink_fdw
            OPTIONS (host '127.0.0.1', port '1', dbname '${db.name}');
          CREATE USER MAPPING FOR CURRENT_USER SERVER ruvector_healing_cron`,
      );
      const lost = await raised(client, "SELECT ruvector_healing_schedule('5 minutes')");
      expect(lost).toMatchObject({ code: "RV009", detail: expect.stringContaining("could not") });
      await client.query(`ALTER SERVER ruvector_healing_cron OPTIONS (SET port '${url.port}')`);
      await client.query("SELECT ruvector_healing_schedule('5 minutes')");
      expect(await jobs()).toMatchObject([{ database: name, schedule: "*/5 * * * *" }]);
      await db.client.query("SELECT cron.unschedule(jobid) FROM cron.job");
    } finally {
      await client.end();
      await db.client.query(`DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`);
    }
  });
});
