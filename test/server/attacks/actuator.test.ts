/** Who may speak for an actuator, and nothing else: names, sizes, and what it leaves open. */
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, LEVEL, makeTable } from "../../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../../support/database.ts";
import { type Cast, cast, ticksOn } from "./roles.ts";

let db: TestDatabase;
let roles: Cast;
let actuator: pg.Client;
let another: pg.Client;

beforeAll(async () => {
  db = await testDatabase();
  roles = cast(db);
  await configure(db, {
    ...IN_ONE_GO,
    learning_enabled: false,
    scale_workload: "deployment/a/b",
    require_approval_strategies: [],
  });
  await makeTable(db, { table: "held", rows: HOT });
  await makeTable(db, { table: "other", rows: LEVEL });
  const role = await roles.role("actuator", "actuator");
  [actuator, another] = [await role.connect(), await role.connect()];
  await actuator.query(
    `SELECT ruvector_healing_actuator_report('one',
      '{"workload": "deployment/a/b", "replicas": 2}')`,
  );
});
afterAll(() => roles.end());

const first = async <T>(client: pg.Client, expression: string): Promise<T> =>
  Object.values((await client.query<Record<string, T>>(`SELECT ${expression}`)).rows[0]!)[0]!;

describe("the name of an actuator", () => {
  it(
    "is one session's until that ends, whatever advisory locks others hold; and a session has " +
      "one name",
    async () => {
      // What kept it out before, taken by somebody who may connect: it does keep out who asks for
      // it.
      const eve = await (await roles.role("eve")).connect();
      await eve.query(
        "SELECT pg_advisory_lock(7294, hashtext('one')), pg_advisory_lock(7294, hashtext('two'))",
      );
      expect(await first(actuator, "pg_try_advisory_lock(7294, hashtext('one'))")).toBe(false);
      expect(await first(actuator, "ruvector_healing_actuator_connect('one')")).toBe(true);
      expect(await first(actuator, "ruvector_healing_actuator_connect('one')")).toBe(true);
      expect(await first(another, "ruvector_healing_actuator_connect('one')")).toBe(false);
      expect(await first(another, "ruvector_healing_actuator_connect('two')")).toBe(true);
      expect(await first(another, "ruvector_healing_actuator_connect('three')")).toBe(true);
      expect(
        await db.rows("SELECT actuator FROM ruvector.healing_actuator_sessions ORDER BY 1"),
      ).toEqual([{ actuator: "one" }, { actuator: "three" }]);
      expect(await raised(eve, "SELECT ruvector_healing_actuator_connect('one')")).toMatchObject({
        code: "42501",
      });
      expect(
        await raised(eve, "SELECT FROM ruvector.healing_actuator_sessions FOR UPDATE"),
      ).toMatchObject({ code: "42501" });
    },
  );

  it(
    "is free when its session has ended, or its server was restarted; a pid that was given out " +
      "again is nobody's",
    async () => {
      const pid = await first<number>(another, "pg_backend_pid()");
      await db.client.query("SELECT pg_terminate_backend($1, 10000)", [pid]);
      expect(await first(actuator, "ruvector_healing_actuator_connect('three')")).toBe(true);
      // As if the pid of a lost session were another's now: of another role, or under another name.
      await db.client.query(
        `UPDATE ruvector.healing_actuator_sessions SET pid = pg_backend_pid()
        WHERE actuator = 'three'`,
      );
      expect(await first(actuator, "ruvector_healing_actuator_connect('three')")).toBe(true);
      expect(await first(actuator, "ruvector_healing_actuator_connect('one')")).toBe(true);
    },
  );
});

it("what it says has a size, and how many it says it is, too", async () => {
  const big =
    "(SELECT jsonb_build_object('workload', 'deployment/a/b', 'replicas', 2, 'more', " +
    "repeat('x', 50000000)))";
  for (const call of [
    `ruvector_healing_actuator_report('one', ${big})`,
    `ruvector_healing_actuation_answer(1, true, ${big})`,
    "ruvector_healing_actuator_report(repeat('x', 1000), '{}')",
  ]) {
    expect(await raised(actuator, `SELECT ${call}`), call).toMatchObject({ code: "RV001" });
  }
  const flood = await raised(
    actuator,
    `SELECT count(ruvector_healing_actuator_report('flood' || g, '{"workload": ` +
      `"deployment/a/b", "replicas": 1}')) FROM generate_series(1, 1500) g`,
  );
  expect(flood).toMatchObject({
    code: "RV001",
    message: expect.stringContaining("are known already"),
  });
  expect(await db.value("SELECT count(*)::int FROM ruvector.healing_actuators")).toBe(1);
});

describe("a call left in an open transaction", () => {
  beforeAll(async () => {
    await db.client.query("SELECT ruvector_healing_execute('held', 'scale_replicas')");
    expect(await db.value("SELECT count(*)::int FROM ruvector.healing_actuations")).toBe(1);
  });

  it.each([
    `ruvector_healing_actuator_report('one', '{"workload": "deployment/a/b", "replicas": 2}')`,
    "ruvector_healing_actuator_connect('one')",
    "ruvector_healing_actuation_take('one')",
    "ruvector_healing_actuation_answer((SELECT (ruvector_healing_actuation_take('one') ->> " +
      "'id')::bigint), true, '{\"replicas\": 3}')",
    `ruvector_integrity_report('held', '{"metrics": {"maintenance_queue_depth": 1}}')`,
    "ruvector_healing_audit_head()",
  ])("%s holds up no tick of another collection", async (call) => {
    await actuator.query("BEGIN");
    try {
      // What is refused holds nothing: each of these is taken.
      await actuator.query(`SELECT ${call}`);
      expect(await ticksOn(db, "other")).toEqual({ ticked: true, sampled: true });
    } finally {
      await actuator.query("ROLLBACK");
    }
  });

  it("does not keep the loop from ending what was asked for", async () => {
    await actuator.query("BEGIN; SELECT ruvector_healing_actuation_take('one')");
    try {
      await db.client.query(
        `UPDATE ruvector.healing_actions SET deadline = now() - interval '1 second'
          WHERE finished_at IS NULL`,
      );
      expect((await ticksOn(db, "other")).ticked).toBe(true);
    } finally {
      await actuator.query("ROLLBACK");
    }
  });
});

it("reads nothing of the loop, begins nothing, and answers for nobody else by name", async () => {
  for (const call of [
    "ruvector_healing_status()",
    "ruvector_healing_history()",
    "ruvector_healing_trigger('held')",
    "ruvector_healing_metrics()",
    "ruvector_healing_configure('{}')",
    "ruvector_healing_audit_export()",
  ]) {
    for (const schema of ["public", "ruvector"])
      expect(await raised(actuator, `SELECT ${schema}.${call}`), call).toMatchObject({
        code: "42501",
      });
  }
  await db.client
    .query(`INSERT INTO ruvector.healing_actuations (action_id, collection, kind, target, wanted,
      deadline, state, taken_by)
    VALUES (1, 'x', 'scale', '{"workload": "deployment/c/d"}', '{"replicas": 3, "previous": 2}',
      now() + interval '1 hour', 'taken', 'somebody')`);
  expect(
    await raised(
      actuator,
      `SELECT ruvector_healing_actuation_answer((SELECT 2), true, '{"actuator": "one"}')`,
    ),
  ).toMatchObject({ code: "RV024" });
});
