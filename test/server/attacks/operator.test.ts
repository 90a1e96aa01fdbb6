/**
 * An operator works with actions: it reaches no table, no setting and no other session through
 * them, and what it leaves open holds up its own collection only.
 */
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, LEVEL, makeTable } from "../../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../../support/database.ts";
import { type Cast, cast, ticksOn } from "./roles.ts";

let db: TestDatabase;
let roles: Cast;
let operator: pg.Client;
let held = 0;

beforeAll(async () => {
  db = await testDatabase();
  roles = cast(db);
  await configure(db, { ...IN_ONE_GO, learning_enabled: false });
  await makeTable(db, { table: "held", rows: HOT });
  await makeTable(db, { table: "other", rows: LEVEL });
  await db.client.query("CREATE TABLE victim (id int); INSERT INTO victim VALUES (1)");
  held = await db.value<number>(
    "SELECT collection_id FROM ruvector.collections WHERE table_name = 'held'",
  );
  operator = await (await roles.role("operator", "operator")).connect();
});
afterAll(() => roles.end());

describe("a call left in an open transaction", () => {
  const CALLS = [
    "ruvector_healing_trigger('held')",
    "ruvector_healing_execute('held', 'rebalance_partitions')",
    "ruvector_healing_rollback('held')",
    "ruvector_integrity_sample('held')",
    "* FROM ruvector_healing_recall('held')",
    "ruvector_healing_resume('rebalance_partitions')",
    "ruvector_healing_breaker_close('an operator')",
    "ruvector_healing_abort((SELECT max(action_id) FROM ruvector_healing_history()))",
    "ruvector_healing_feedback((SELECT max(action_id) FROM ruvector_healing_history()), 1, 'good')",
    "ruvector.healing_tick_collection(HELD, 'observe', 0)",
    "ruvector.healing_audit_tick()",
  ] as const;

  it("bites where a lock is waited for", async () => {
    await db.client.query(
      `CREATE FUNCTION public.control() RETURNS void
        LANGUAGE sql SECURITY DEFINER AS 'UPDATE public.victim SET id = id'`,
    );
    await operator.query("BEGIN; SELECT public.control()");
    // In a session where PLJS has run no timeout ends a wait.
    const fresh = await db.connect();
    await fresh.query("SET lock_timeout = '100ms'");
    expect(await raised(fresh, "SELECT public.control()")).toMatchObject({ code: "55P03" });
    await operator.query("ROLLBACK");
  });

  it.each(CALLS)("%s holds up no tick of another collection", async (call) => {
    await operator.query("BEGIN");
    await operator
      .query(`SELECT ${call.replace("HELD", String(held))}`)
      .catch((error: pg.DatabaseError) => expect(error.code).toMatch(/^RV0/));
    try {
      expect(await ticksOn(db, "other")).toEqual({ ticked: true, sampled: true });
    } finally {
      await operator.query("ROLLBACK");
    }
  });
});

describe("what an operator writes into arguments", () => {
  const EVIL = "x'; DROP TABLE victim; --";
  it.each([
    [
      "ruvector_healing_execute('held', 'compact_indexes', $1)",
      { indexes: [EVIL, '"; DROP TABLE victim; --'] },
    ],
    ["ruvector_healing_execute('held', 'rebuild_centroids', $1)", { index: EVIL }],
    ["ruvector_healing_execute('held', 'pause_maintenance', $1)", { jobs: [EVIL] }],
    ["ruvector_healing_execute('held', 'rebalance_partitions', $1)", { max_moves: EVIL }],
    ["ruvector_healing_execute('held', 'evict_cold_data', $1)", { share: EVIL, partition: EVIL }],
  ])("%s is no SQL", async (call, params) => {
    await operator
      .query(`SELECT ${call}`, [JSON.stringify(params)])
      .catch((error: pg.DatabaseError) => expect(error.code).toMatch(/^RV0/));
    expect(await db.value("SELECT count(*)::int FROM victim")).toBe(1);
  });

  it("a strategy, phase or collection of unknown name is refused before any write", async () => {
    const errors = () => db.value<string>("SELECT errors::text FROM ruvector.healing_ticks");
    const before = await errors();
    for (const phase of ["batch'; DROP TABLE victim; --", "", "observe ", "configure"]) {
      expect(
        await raised(operator, "SELECT ruvector.healing_tick_collection($1, $2, 0)", [held, phase]),
      ).toMatchObject({ code: "RV001" });
    }
    expect(
      await raised(operator, "SELECT ruvector_healing_execute('held', $1)", [EVIL]),
    ).toMatchObject({ code: "RV004" });
    expect(await errors()).toBe(before);
    expect(await db.value("SELECT count(*)::int FROM victim")).toBe(1);
  });
});

it("settings, rights, registration and the trail are not an operator's, by any name", async () => {
  for (const name of [
    "configure('{}')",
    "register('victim')",
    "unregister('held')",
    "grant('x', 'admin')",
    "revoke('x')",
    "schedule()",
    "unschedule()",
    "audit_rotate_key()",
    "audit_export()",
    "job_priority('x', 'high')",
  ]) {
    for (const schema of ["public", "ruvector"])
      expect(
        await raised(operator, `SELECT ${schema}.ruvector_healing_${name}`),
        `${schema} ${name}`,
      ).toMatchObject({ code: "42501" });
  }
  // What the loop runs with is not asked of a caller's level: that is the internals' own right.
  for (const internal of [
    "healing_run('SELECT 1', '[]', true)",
    "healing_call('configure', '{}')",
    "healing_javascript('x', 'y', 'z')",
    "healing_register(0, '{}')",
    "healing_try_lock('tick')",
    "healing_suspend(1, 'x', 'x', 'x', 'x', 1)",
  ]) {
    expect((await raised(operator, `SELECT ruvector.${internal}`)).code, internal).toMatch(
      /^42501$|^42883$/,
    );
  }
});
