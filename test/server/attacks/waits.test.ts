/**
 * Whatever of ours a role calls and leaves open: the tick comes back, and has served the other
 * collections in it. Each call is made where it locks most: a turn that fails, an action that ends,
 * rows that are due to be removed.
 */
import type pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { configure, IN_ONE_GO, makeTable, ticks } from "../../support/collection.ts";
import { type TestDatabase, testDatabase } from "../../support/database.ts";
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
