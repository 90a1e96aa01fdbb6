/**
 * A managed server: language, pgvector and pg_cron are there, and the role that installs is no
 * superuser. It works for another plain role's table as soon as that role has let it in, from a
 * fresh installation to an upgrade.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { checksum, HOT, makeTable, placement, places, QUICK } from "../support/collection.ts";
import { asked, raised, type TestDatabase } from "../support/database.ts";
import { type CronDatabase, cronDatabase, external } from "./support/cron.ts";

const installer = `ruvector_test_${process.pid}_installer`;
const app = `ruvector_test_${process.pid}_app`;
const db = external ? (undefined as unknown as CronDatabase) : await cronDatabase();

describe.skipIf(external)("an installing role that is no superuser", () => {
  let own: TestDatabase;
  let client: pg.Client;
  let script: string;
  const before: unknown[] = [];

  beforeAll(async () => {
    script = await readFile(join(root, `dist/ruvector_healing.${inject("language")}.sql`), "utf8");
    await db.client.query(`
      DROP SCHEMA ruvector CASCADE;
      DO $$ DECLARE r regprocedure; BEGIN FOR r IN SELECT oid FROM pg_proc
        WHERE proname LIKE 'ruvector\\_%' LOOP
        EXECUTE format('DROP ROUTINE %s', r); END LOOP; END $$;
      CREATE ROLE ${installer} LOGIN; CREATE ROLE ${app};
      GRANT CREATE ON DATABASE "${db.name}" TO ${installer};
        GRANT CREATE ON SCHEMA public TO ${installer}, ${app};
        GRANT USAGE ON SCHEMA cron TO ${installer};
      SET ROLE ${app}`);
    await makeTable(db, { rows: HOT, register: false });
    before.push(await places(db), await checksum(db));
    await db.client.query("RESET ROLE");
    const url = new URL(db.url);
    url.username = installer;
    client = new pg.Client({ connectionString: url.href });
    await client.connect();
    own = { ...db, client, ...asked(client) };
  });

  afterAll(async () => {
    await client.end();
    await db.client.query(`SELECT cron.unschedule(jobid) FROM cron.job`);
    await db.client.query(
      `DROP OWNED BY ${installer}, ${app} CASCADE; DROP ROLE ${installer}, ${app}`,
    );
  });

  it("installs, and everything belongs to it", async () => {
    expect(await own.value("SELECT rolsuper FROM pg_roles WHERE rolname = session_user")).toBe(
      false,
    );
    await client.query(`BEGIN; ${script} COMMIT;`);
    await client.query("SELECT ruvector_healing_configure($1)", [JSON.stringify(QUICK)]);
    expect(
      await own.rows(
        `SELECT p.oid::regprocedure FROM pg_proc p WHERE (p.pronamespace = 'ruvector'::regnamespace
          OR p.proname LIKE 'ruvector\\_%') AND pg_get_userbyid(p.proowner) <> $1`,
        [installer],
      ),
    ).toEqual([]);
  });

  it("does not touch a table whose owner has not let it in, and says what to type", async () => {
    const answer = await own
      .value<{ limitations: { reason: string; hint: string }[] }>(
        "SELECT ruvector_healing_register('embeddings', '{\"movable\": true}')",
      )
      .catch(({ code, hint }: pg.DatabaseError) => ({ code, hint }));
    // Not even SELECT: sensing needs that much.
    expect(answer).toMatchObject({ code: "RV010" });
    await db.client.query(
      `SET ROLE ${app}; GRANT SELECT, UPDATE ON embeddings TO ${installer}; RESET ROLE`,
    );
    const registered = await own.value<{ limitations: { reason: string; hint: string }[] }>(
      "SELECT ruvector_healing_register('embeddings', '{\"movable\": true}')",
    );
    expect(registered.limitations).toContainEqual(
      expect.objectContaining({
        strategy: "rebalance_partitions",
        hint: `GRANT ${app} TO ${installer};`,
      }),
    );
    const sample = await own.value<{ unmeasured: { what: string; hint: string }[] }>(
      "SELECT ruvector_integrity_sample('embeddings')",
    );
    expect(sample.unmeasured).toContainEqual(
      expect.objectContaining({ what: "partition rows", hint: `GRANT ${app} TO ${installer};` }),
    );
    expect(
      await own.value("SELECT ruvector_healing_execute('embeddings', 'rebalance_partitions')"),
    ).toMatchObject({ outcome: "deferred", reason: "not_applicable" });
  });

  it("heals by pg_cron and undoes it, with the rights of the table's owner", async () => {
    await db.client.query(
      `SET ROLE ${app}; REVOKE ALL ON embeddings FROM ${installer}; RESET ROLE;
        GRANT ${app} TO ${installer}`,
    );
    const answer = await own.value<{ limitations: { strategy: string }[] }>(
      "SELECT ruvector_healing_register('embeddings', '{\"movable\": true}')",
    );
    expect(
      answer.limitations.filter(({ strategy }) => strategy === "rebalance_partitions"),
    ).toEqual([]);
    expect(await own.value("SELECT ruvector_healing_schedule('1 second')")).toMatchObject({
      scheduled: true,
    });
    await db.until<string>(
      "SELECT max(state) FROM ruvector.healing_actions",
      (state) => state === "succeeded",
    );
    expect(
      await db.rows("SELECT state, verified, initiated_by FROM ruvector.healing_actions"),
    ).toEqual([{ state: "succeeded", verified: true, initiated_by: installer }]);
    expect((await placement(db))["3"]).toBeLessThan(700);
    expect(await checksum(db)).toEqual(before[1]);
    await own.value("SELECT ruvector_healing_configure('{\"enabled\": false}')");
    await own.value("SELECT ruvector_healing_rollback('embeddings')");
    await db.until<string>(
      "SELECT max(state) FROM ruvector.healing_actions",
      (state) => state === "rolled_back",
    );
    expect([await places(db), await checksum(db)]).toEqual(before);
    expect(await db.value("SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
  });

  it("throttles, though only the owner may make triggers on the table", async () => {
    await own.value(
      `SELECT ruvector_healing_execute('embeddings', 'throttle_ingestion', '{"percent": 1}')`,
    );
    await db.until<number>(
      "SELECT count(*)::int FROM pg_trigger WHERE tgname LIKE 'ruvector\\_healing%'",
      (count) => count > 0,
    );
    await own.value("SELECT ruvector_healing_rollback('embeddings')");
    expect(
      await db.until<number>(
        "SELECT count(*)::int FROM pg_trigger WHERE tgname LIKE 'ruvector\\_healing%'",
        (count) => count === 0,
      ),
    ).toBe(0);
  });

  it("says which triggers stay where the owner takes the right back meanwhile", async () => {
    await client.query(`CREATE TABLE inserted (LIKE embeddings)`);
    await db.client.query(`ALTER TABLE inserted OWNER TO ${app}`);
    await own.value("SELECT ruvector_healing_register('inserted')");
    await own.value("SELECT ruvector_healing_configure('{\"stabilize_seconds\": 60}')");
    await own.value(
      `SELECT ruvector_healing_execute('inserted', 'throttle_ingestion', '{"percent": 1}')`,
    );
    const triggers = `SELECT count(*)::int FROM pg_trigger WHERE tgrelid = 'inserted'::regclass`;
    await db.until<number>(triggers, (count) => count > 0);
    await db.client.query(`REVOKE ${app} FROM ${installer};
      UPDATE ruvector.healing_leases SET expires_at = clock_timestamp()`);
    const said = await db.until<string>(
      "SELECT max(message) FROM ruvector.healing_events WHERE kind = 'throttle_triggers_stay'",
      (message) => message !== null,
    );
    expect(await db.value(triggers)).toBe(2);
    await db.client.query(`SET ROLE ${app}; ${/DROP TRIGGER.*$/.exec(said)![0]} RESET ROLE`);
    expect(await db.value(triggers)).toBe(0);
    await db.client.query(`GRANT ${app} TO ${installer}; DROP TABLE inserted CASCADE`);
    await own.value("SELECT ruvector_healing_configure('{\"stabilize_seconds\": 0}')");
  });

  it("upgrades while the loop runs; a superuser who would is told to be that role", async () => {
    const viewer = `${app}_viewer`;
    await db.client.query(`CREATE ROLE ${viewer}`);
    await own.value("SELECT ruvector_healing_grant($1, 'viewer')", [viewer]);
    expect(await raised(db.client, `BEGIN; ${script} COMMIT;`)).toMatchObject({
      code: "RV032",
      hint: expect.stringContaining(`SET ROLE ${installer};`),
    });
    await db.client.query(`ROLLBACK; SET ROLE ${installer}; BEGIN; ${script} COMMIT; RESET ROLE`);
    expect(
      await db.value(
        "SELECT has_function_privilege($1, 'ruvector_healing_status(text)', 'EXECUTE')",
        [viewer],
      ),
    ).toBe(true);
    const ticks = await db.value<number>("SELECT ticks::int FROM ruvector.healing_ticks");
    expect(
      await db.until<number>(
        "SELECT ticks::int FROM ruvector.healing_ticks",
        (now) => now > ticks + 1,
      ),
    ).toBeGreaterThan(ticks + 1);
    await db.client.query(`DROP OWNED BY ${viewer}; DROP ROLE ${viewer}`);
  });

  it(
    "leaves nothing of an owner behind whose last collection is unregistered: the role can be " +
      "dropped",
    async () => {
      const second = `${app}_second`;
      const runners = () =>
        db.value<string[]>(
          "SELECT array_agg(pg_get_userbyid(proowner)::text ORDER BY 1) FROM pg_proc WHERE " +
            "pronamespace = 'ruvector'::regnamespace AND proname LIKE 'healing\\_as\\_%'",
        );
      await db.client.query(
        `CREATE ROLE ${second}; GRANT ${second} TO ${installer};
        GRANT CREATE ON SCHEMA public TO ${second}; SET ROLE ${second}`,
      );
      for (const table of ["mine", "mine_too"])
        await makeTable(db, { table, rows: HOT, register: false });
      await db.client.query(`RESET ROLE; REVOKE CREATE ON SCHEMA public FROM ${second}`);
      for (const table of ["mine", "mine_too"])
        await own.value("SELECT ruvector_healing_register($1)", [table]);
      for (const table of ["mine", "mine_too"])
        await own.value("SELECT ruvector_integrity_sample($1)", [table]);
      expect(await runners()).toEqual([app, second]);
      await own.value("SELECT ruvector_healing_unregister('mine')");
      expect(await runners()).toEqual([app, second]);
      await own.value("SELECT ruvector_healing_unregister('mine_too')");
      expect(await runners()).toEqual([app]);
      await db.client.query(`DROP TABLE mine, mine_too; DROP ROLE ${second}`);
    },
  );

  it("stops as soon as the owner takes the right back", async () => {
    await db.client.query(`REVOKE ${app} FROM ${installer}`);
    expect(await raised(client, "SELECT ruvector_integrity_sample('embeddings')")).toMatchObject({
      code: "42501",
      hint: `GRANT SELECT, UPDATE ON public.embeddings TO ${installer};`,
    });
    await own.value("SELECT ruvector_healing_unschedule()");
  });

  it("lets go of the roles that owned its tables: they can be dropped", async () => {
    const [former, next] = ["former", "next"].map((name) => `${app}_${name}`);
    const tables = ["first", "second", "third"];
    await db.client.query(`CREATE ROLE ${former}; CREATE ROLE ${next};
      GRANT ${former}, ${next} TO ${installer}`);
    for (const table of tables)
      await db.client.query(`CREATE TABLE ${table} (id int PRIMARY KEY, e vector(3));
        INSERT INTO ${table} VALUES (1, '[1,2,3]'); ALTER TABLE ${table} OWNER TO ${former}`);
    for (const table of tables) await own.value("SELECT ruvector_healing_register($1)", [table]);
    const aMinuteLater = async () => {
      await client.query("UPDATE ruvector.healing_ticks SET started_at = now() - interval '1 min'");
      await client.query("CALL ruvector_healing_tick()");
    };
    const runners = () =>
      own.value<string[] | null>(
        `SELECT array_agg(pg_get_userbyid(proowner)::text ORDER BY pg_get_userbyid(proowner))
           FROM pg_proc WHERE pronamespace = 'ruvector'::regnamespace
            AND proname ~ '^healing_as_[0-9]' AND pg_get_userbyid(proowner) = ANY ($1)`,
        [[former, next]],
      );
    await aMinuteLater();
    expect(await runners()).toEqual([former]);

    // One of three that share an owner, another one dropped: the last one needs it still.
    await db.client.query(`ALTER TABLE first OWNER TO ${next}; DROP TABLE second`);
    await aMinuteLater();
    expect(await runners()).toEqual([former, next]);
    // Whoever alters it holds up no tick.
    const other = await db.connect();
    await other.query("BEGIN");
    const runner = await own.value<string>(
      `SELECT oid::regprocedure::text FROM pg_proc
        WHERE proname ~ '^healing_as_[0-9]' AND pg_get_userbyid(proowner) = $1`,
      [former],
    );
    await other.query(`ALTER FUNCTION ${runner} COST 5`);
    await db.client.query(`ALTER TABLE third OWNER TO ${next}; REVOKE ${former} FROM ${installer}`);
    await aMinuteLater();
    expect(await runners()).toEqual([former, next]);
    await other.query("ROLLBACK");
    await aMinuteLater();
    expect(await runners()).toEqual([next]);
    await db.client.query(`DROP ROLE ${former}`);

    // What PostgreSQL's manual says to type of a role that goes, with the loop at work.
    await db.client.query(`REASSIGN OWNED BY ${next} TO ${app}; DROP OWNED BY ${next};
      DROP ROLE ${next}`);
    await aMinuteLater();
    expect(await own.value("SELECT state FROM ruvector_integrity_status('third')")).toBe("normal");
    expect(await own.rows("SELECT verdict FROM ruvector_healing_verdict('third')")).toEqual([
      { verdict: "healthy" },
    ]);
  });
});
