/**
 * Whatever of ours a role calls and leaves open: the tick comes back, and has served the other
 * collections in it. Each call is made where it locks most: a turn that fails, an action that ends,
 * rows that are due to be removed.
 */
import type pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { configure, IN_ONE_GO, makeTable, ticks } from "../../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../../support/database.ts";
import { type Cast, cast, ticksOn } from "./roles.ts";

let db: TestDatabase;
let roles: Cast;
const sessions = new Map<string, pg.Client>();
const ids = new Map<string, number>();
const SERVED = { ticked: true, sampled: true };

beforeAll(async () => {
  db = await testDatabase();
  roles = cast(db);
  await configure(db, IN_ONE_GO);
  const level = [30, 30, 30, 30];
  for (const table of ["held", "hot"])
    await makeTable(db, { table, rows: [30, 30, 300, 30, 30, 30] });
  for (const table of ["failing", "other"]) await makeTable(db, { table, rows: level });
  await makeTable(db, { table: "fresh", rows: level, register: false });
  for (const { name, id } of await db.rows<{ name: string; id: number }>(
    "SELECT table_name AS name, collection_id AS id FROM ruvector.collections",
  ))
    ids.set(name.toUpperCase(), id);
  await db.client.query(`
    CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.collection_id = ${ids.get("FAILING")} THEN RAISE EXCEPTION 'no'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER fail BEFORE INSERT ON ruvector.integrity_samples FOR EACH ROW
      EXECUTE FUNCTION public.fail()`);
  await configure(db, { mode: "observe" });
  await db.client.query("SELECT ruvector_healing_execute('held', 'rebalance_partitions')");
  await ticks(db, 2);
  expect(await db.value("SELECT count(*)::int FROM ruvector.healing_outcomes")).toBe(1);
  for (const level of ["viewer", "operator", "admin", "actuator"])
    sessions.set(level, await (await roles.role(level, level)).connect());
});
afterEach(async () => {
  for (const session of sessions.values()) await session.query("ROLLBACK");
});
afterAll(() => roles.end());

const held = async (level: string, call: string): Promise<void> => {
  await sessions.get(level)!.query("BEGIN");
  await sessions
    .get(level)!
    .query(`SELECT ${call.replace(/\b[A-Z]{4,}\b/, (name) => String(ids.get(name) ?? name))}`);
};

describe("a part of a tick that an operator calls by hand and leaves open", () => {
  it.each([
    "ruvector.healing_tick_begin()",
    "ruvector.healing_tick_rest('{FAILING}')",
    "ruvector.healing_tick_end()",
    "ruvector.healing_tick_collection(FAILING, 'observe', 0)",
    "ruvector.healing_tick_collection(HELD, 'batch', 0)",
    "ruvector.healing_turn_begin(OTHER)",
    "ruvector.healing_turn_end(OTHER, 0)",
    "ruvector.healing_turn_begin(FAILING)",
    "ruvector.healing_audit_tick()",
  ])("%s: all are served", async (call) => {
    await held("operator", call);
    expect(await ticksOn(db, "other")).toEqual(SERVED);
  });

  it("the row of healing_ticks: ticks and errors count, and the loop is said to run", async () => {
    const seen = () =>
      db.rows<{ ticks: number; errors: number; condition: string; said: string | null }>(
        `SELECT (SELECT value::int
            FROM ruvector_healing_metric_samples('ruvector_healing_ticks_total'))
            AS ticks,
          (SELECT value::int FROM
            ruvector_healing_metric_samples('ruvector_healing_tick_errors_total')) AS errors,
          s #>> '{loop,condition}' AS condition, s ->> 'last_tick_error' AS said
          FROM ruvector_healing_status() s`,
      );
    await db.client.query(
      `UPDATE ruvector.healing_ticks SET started_at = started_at - interval '1 hour',
        errors = 0, last_error = NULL`,
    );
    const before = (await seen())[0]!;
    expect(before).toMatchObject({ condition: "stopped", errors: 0 });
    await held("operator", "ruvector.healing_tick_begin()");
    await expect(
      db.client.query("SELECT FROM ruvector.healing_ticks FOR UPDATE NOWAIT"),
    ).rejects.toMatchObject({ code: "55P03" });
    await db.client.query("SELECT ruvector_healing_resume(collection => 'failing')");
    await ticks(db, 2);
    const during = {
      ticks: before.ticks + 2,
      errors: expect.any(Number),
      condition: "running",
      said: expect.stringContaining("P0001"),
    };
    expect((await seen())[0]).toEqual(during);
    const { errors } = (await seen())[0]!;
    expect(errors).toBeGreaterThan(0);
    await sessions.get("operator")!.query("ROLLBACK");
    await db.client.query("SELECT ruvector.healing_tick_note('started')");
    expect(await db.rows("SELECT ticks::int, errors::int FROM ruvector.healing_ticks")).toEqual([
      { ticks: during.ticks + 1, errors },
    ]);
    expect(await db.value("SELECT count(*)::int FROM ruvector.healing_ticks_uncounted")).toBe(0);
  });

  it.each([
    ["", "ruvector.healing_tick_collection(OTHER, 'observe', 0)", ""],
    ["SAVEPOINT a", "ruvector.healing_tick_collection(OTHER, 'observe', 0)", "RELEASE a"],
  ])("%s %s %s: status and explain name the session and what ends it", async (a, call, b) => {
    const operator = sessions.get("operator")!;
    await db.client.query(
      "UPDATE ruvector.integrity_state SET sampled_at = sampled_at - interval '1 hour'",
    );
    await operator.query(`BEGIN; ${a}`);
    await operator.query(`SELECT ${call.replace("OTHER", String(ids.get("OTHER")))}; ${b}`);
    const holder = (await operator.query("SELECT pg_backend_pid() AS pid")).rows[0] as {
      pid: number;
    };
    const told = () =>
      db.value<{ pid: number | null; end: string } | null>(
        "SELECT ruvector_healing_status() #> '{collections,public.other,held_by}'",
      );
    // Not of a call that is at work for a moment.
    expect(await told()).toBeNull();
    const patience = await db.value<string>(
      "SELECT pg_get_functiondef('ruvector.healing_turn_patience()'::regprocedure)",
    );
    await db.client.query(
      `CREATE OR REPLACE FUNCTION ruvector.healing_turn_patience() RETURNS interval LANGUAGE sql
        AS 'SELECT interval ''0'''`,
    );
    try {
      const named = await told();
      expect(named).toMatchObject({ pid: holder.pid });
      const end = `SELECT pg_terminate_backend(${holder.pid})`;
      expect(named!.end.startsWith(`${end};   -- ends it`)).toBe(true);
      // What PLJS has run in is there after that: its client has to end it, and that is said.
      expect(named!.end.includes("only its client can")).toBe(db.engine.language === "pljs");
      expect(await db.value("SELECT ruvector_healing_explain('other')")).toContain(named!.end);
      expect(await db.value("SELECT sentence FROM ruvector_healing_verdict('other')")).toContain(
        end,
      );
      // Nobody is told to end one of two who may be it.
      if (a !== "") {
        const admin = sessions.get("admin")!;
        await admin.query(
          "BEGIN; SAVEPOINT a; SELECT ruvector.healing_tick_collection(" +
            `${ids.get("OTHER")}, 'observe', 0); RELEASE a`,
        );
        const both = await told();
        expect(both).toMatchObject({ pid: null });
        expect(both!.end).toMatch(/^SELECT \* FROM pg_stat_activity WHERE pid IN \(\d+, \d+\);/);
        await admin.query("ROLLBACK");
      }
      expect(
        await db.value(
          "SELECT ruvector_healing_status() #> '{collections,public.failing,held_by}'",
        ),
      ).toBeNull();
    } finally {
      await db.client.query(patience);
    }
  });

  it(
    "a turn that was begun and is not gone on with keeps nobody off for longer than one that " +
      "hangs",
    async () => {
      await sessions
        .get("operator")!
        .query("SELECT ruvector.healing_turn_begin($1)", [ids.get("OTHER")]);
      expect(await ticksOn(db, "other")).toEqual({ ticked: true, sampled: false });
      await db.client.query(
        `UPDATE ruvector.healing_turns SET serving_since = clock_timestamp() - interval '1 minute'
        WHERE collection_id = $1`,
        [ids.get("OTHER")],
      );
      expect(await ticksOn(db, "other")).toEqual(SERVED);
      expect(
        await db.value("SELECT stalls FROM ruvector.healing_turns WHERE collection_id = $1", [
          ids.get("OTHER"),
        ]),
      ).toBe(0);
    },
  );
});

describe("a call left in an open transaction", () => {
  it("of somebody who starts an action: after a minute it counts for its own alone", async () => {
    const starting = await db.connect();
    const others = () =>
      db.value<number>("SELECT ruvector.healing_claim_slot($1)", [ids.get("OTHER")]);
    expect(await others()).toBe(0);
    await starting.query("BEGIN");
    await starting.query("SELECT ruvector.healing_claim_slot($1)", [ids.get("HOT")]);
    expect(await others()).toBe(1);
    expect(await db.value("SELECT ruvector.healing_start_patience() = '1 minute'")).toBe(true);
    await db.client.query(
      `CREATE OR REPLACE FUNCTION ruvector.healing_start_patience() RETURNS interval
        LANGUAGE sql IMMUTABLE AS 'SELECT interval ''0'''`,
    );
    expect(await others()).toBe(0);
    await starting.query("ROLLBACK");
  });

  it(
    "of an operator who judges an action: another one ends meanwhile, and is learned from " +
      "afterwards",
    async () => {
      await db.client.query("SELECT ruvector_healing_execute('hot', 'rebalance_partitions')");
      await held(
        "operator",
        "ruvector_healing_feedback((SELECT min(action_id) FROM ruvector_healing_history()), 1, " +
          "'good')",
      );
      const ended = () =>
        db.value<boolean>(
          `SELECT finished_at IS NOT NULL FROM ruvector.healing_actions WHERE collection_id = $1
          ORDER BY id DESC LIMIT 1`,
          [ids.get("HOT")],
        );
      expect(await ended()).toBe(false);
      for (let tick = 0; tick < 6 && !(await ended()); tick++)
        expect((await ticksOn(db, "hot")).ticked).toBe(true);
      expect(await ended()).toBe(true);
      const learned = () =>
        db.value<boolean>(
          "SELECT learned FROM ruvector.healing_outcomes WHERE collection_id = $1",
          [ids.get("HOT")],
        );
      const outcomes = () =>
        db.value<number>(
          "SELECT sum(outcomes)::int FROM ruvector.healing_weights WHERE problem_class = '*'",
        );
      expect([await learned(), await outcomes()]).toEqual([false, 1]);
      await sessions.get("operator")!.query("COMMIT");
      expect(await ticksOn(db, "hot")).toEqual(SERVED);
      expect([await learned(), await outcomes()]).toEqual([true, 2]);
    },
  );

  it("of an admin who unregisters: what is old is removed, but for that collection's", async () => {
    await db.client.query(
      `UPDATE ruvector.healing_ticks SET ticks = 499;
        UPDATE ruvector.integrity_samples SET sampled_at = sampled_at - interval '1000 days'`,
    );
    const old = () =>
      db.rows<{ id: number }>(
        `SELECT DISTINCT collection_id AS id FROM ruvector.integrity_samples
          WHERE sampled_at < now() - interval '900 days'`,
      );
    expect((await old()).length).toBeGreaterThan(1);
    await held("admin", "ruvector_healing_unregister('held')");
    expect(await ticksOn(db, "other")).toMatchObject({ ticked: true });
    expect(await db.value("SELECT ticks::int FROM ruvector.healing_ticks")).toBe(500);
    expect(await old()).toEqual([{ id: ids.get("HELD") }]);
  });

  it.each([
    ["operator", "ruvector_healing_resume(collection => 'failing')"],
    ["operator", "ruvector_healing_resume('rebalance_partitions')"],
    ["operator", "ruvector_healing_breaker_close('x')"],
    ["admin", "ruvector_healing_register('fresh')"],
    ["admin", "ruvector_healing_job_priority('x', 'high')"],
    ["admin", "ruvector_healing_audit_rotate_key()"],
    ["viewer", "ruvector_healing_verify_audit()"],
  ])("of a role of level %s: %s holds up no tick", async (level, call) => {
    await held(level, call);
    expect(await ticksOn(db, "other")).toEqual(SERVED);
  });
});

it("settings of a tick's caller, and what a table's owner alters, hold up nothing", async () => {
  const operator = sessions.get("operator")!;
  const user = (await operator.query<{ u: string }>("SELECT current_user AS u")).rows[0]!.u;
  await operator.query(
    "SET standard_conforming_strings = off; SET escape_string_warning = off; " +
      "SET DateStyle = 'German'; " +
      "SET IntervalStyle = 'iso_8601'; SET bytea_output = escape; SET array_nulls = off",
  );
  await db.client.query(
    `SELECT ruvector_healing_resume(collection => 'failing'); UPDATE ruvector.integrity_state
      SET sampled_at = sampled_at - interval '1 hour'`,
  );
  // Rows of others are read and moved as their owner, between two looks at the session.
  await db.client.query(
    `DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT relid FROM pg_partition_tree('fresh') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO %I', t, '${user}'); END LOOP; END $$;
      SELECT ruvector_healing_register('fresh')`,
  );
  const errors = () => db.value<number>("SELECT errors::int FROM ruvector.healing_ticks");
  const before = await errors();
  // The control: in this session a pattern is not what it says.
  expect((await operator.query("SELECT '7' ~ '\\d' AS is")).rows).toEqual([{ is: false }]);
  await operator.query("CALL ruvector_healing_tick()");
  // The one that fails with every tick, by its own trigger.
  expect(await errors()).toBe(before + 1);
  await operator.query("RESET ALL");

  // The owner of a table may alter the function that runs statements as them.
  const runner = await db.value<string>(
    `SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'ruvector'::regnamespace
      AND proname LIKE 'healing_as_%' AND pg_get_userbyid(proowner) = $1`,
    [user],
  );
  await operator.query(`ALTER FUNCTION ${runner} SECURITY INVOKER`);
  await operator.query(`BEGIN; ALTER FUNCTION ${runner} COST 5`);
  const waits = await db.connect();
  await waits.query("SET lock_timeout = '100ms'");
  expect(await raised(waits, `DROP FUNCTION ${runner}`)).toMatchObject({ code: "55P03" });
  expect(await ticksOn(db, "fresh")).toEqual(SERVED);
  await operator.query("ROLLBACK");
  await db.client.query("SELECT ruvector_healing_unregister('fresh')");
  expect(
    await db.value("SELECT count(*)::int FROM pg_proc WHERE proname ~ '^healing_as_[0-9]'"),
  ).toBe(0);
});

it("a tick that fails leaves the session of whoever called it as it was", async () => {
  const operator = sessions.get("operator")!;
  const changed = async (): Promise<unknown[]> =>
    (
      await operator.query(`
    SELECT name, setting FROM pg_settings WHERE source = 'session' AND name NOT LIKE '%.%'
      AND name <> 'transaction_isolation' ORDER BY name`)
    ).rows;
  await operator.query(
    `SET default_transaction_isolation = 'serializable'; SET lock_timeout = '7s';
      SET DateStyle = 'German'`,
  );
  const before = await changed();
  await db.client.query(
    `REVOKE EXECUTE ON FUNCTION ruvector.healing_tick_end()
      FROM ${(await operator.query<{ u: string }>("SELECT current_user AS u")).rows[0]!.u}`,
  );
  await expect(operator.query("CALL ruvector_healing_tick()")).rejects.toMatchObject({
    code: "42501",
  });
  expect(await changed()).toEqual(before);
  await operator.query("RESET ALL");
});
