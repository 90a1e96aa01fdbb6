/**
 * A viewer reads what the loop says, and through it nothing of the rows; it holds up nobody,
 * whatever it keeps open.
 */
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, makeTable, places, ticks } from "../../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../../support/database.ts";
import { type Cast, cast, readable, ticksOn } from "./roles.ts";

let db: TestDatabase;
let roles: Cast;
let viewer: pg.Client;
/** In every row: what a viewer of the loop may not see. */
const SECRET = "secret-4711";

beforeAll(async () => {
  db = await testDatabase();
  roles = cast(db);
  await configure(db, {
    ...IN_ONE_GO,
    learning_enabled: false,
    max_retries: 1,
    strategy_retry_seconds: 0,
  });
  await makeTable(db, { table: "seen", rows: HOT });
  viewer = await (await roles.role("viewer", "viewer")).connect();
});
afterAll(() => roles.end());

describe("an error of a statement on the rows", () => {
  /** Made after the rows were there: only what is moved meets it, and its error quotes the row. */
  const quoting: readonly (readonly [string, string, string])[] = [
    [
      "22P02",
      "a value of no known form",
      `ALTER TABLE quoted ADD CONSTRAINT quoting CHECK (payload::int IS NOT NULL) NOT VALID`,
    ],
    [
      "23514",
      "a row that fails a CHECK",
      `ALTER TABLE quoted ADD CONSTRAINT quoting CHECK (id < 0) NOT VALID`,
    ],
    [
      "P0001",
      "a function that says it itself",
      `CREATE FUNCTION public.quote_it(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'bad row %', $1; END $$;
      ALTER TABLE quoted ADD CONSTRAINT quoting CHECK (public.quote_it(payload)) NOT VALID`,
    ],
  ];
  it.each(quoting)("%s, %s, does not carry the row to viewers", async (sqlstate, _, statement) => {
    await makeTable(db, { table: "quoted", rows: HOT, register: false });
    await db.client.query(`UPDATE quoted SET payload = '${SECRET}-' || id`);
    await db.client.query("SELECT ruvector_healing_register('quoted', '{\"movable\": true}')");
    await db.client.query(`SELECT ruvector_healing_configure('{"mode": "off"}', 'quoted')`);
    await db.client.query("SELECT ruvector_integrity_sample('quoted')");
    await db.client.query(statement);
    // What PostgreSQL itself says of it quotes the row.
    const plain = await raised(
      db.client,
      "UPDATE quoted SET partition_id = 0 WHERE partition_id = 3 AND payload IS NOT NULL",
    );
    expect(plain.code).toBe(sqlstate);
    expect(JSON.stringify(plain)).toContain(SECRET);
    const told = await db.client
      .query("SELECT ruvector_healing_execute('quoted', 'rebalance_partitions') AS answer")
      .then(
        ({ rows }) => JSON.stringify(rows[0].answer),
        (error: pg.DatabaseError) => `${error.code} ${error.message} ${error.detail ?? ""}`,
      );
    expect(told).not.toContain(SECRET);
    await db.client.query(`SELECT ruvector_healing_configure('{"mode": "auto"}', 'quoted')`);
    await ticks(db, 2);
    expect(await readable(viewer, "quoted")).not.toContain(SECRET);
    // Nor into what an export of the audit trail carries outside.
    expect(
      await db.value("SELECT string_agg(e::text, '') FROM ruvector.healing_events e"),
    ).not.toContain(SECRET);
    expect(
      await db.value("SELECT string_agg(a::text, '') FROM ruvector.healing_actions a"),
    ).not.toContain(SECRET);
    // It did come to that: the SQLSTATE is there.
    expect(
      await db.value(
        `SELECT string_agg(e::text, '') FROM ruvector.healing_events e
          WHERE e.collection = 'public.quoted'`,
      ),
    ).toContain(sqlstate);
    await db.client.query(
      `DELETE FROM ruvector.healing_actions WHERE collection LIKE '%quoted';
        SELECT ruvector_healing_unregister('quoted'); DROP TABLE quoted;
        DROP FUNCTION IF EXISTS public.quote_it`,
    );
  });
});

it("that keeps a snapshot open after its reading holds up no tick, move or undo", async () => {
  await viewer.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
  try {
    await readable(viewer, "seen");
    // It bites: what needs the table to itself does not get it.
    expect(
      await raised(
        db.client,
        "BEGIN; LOCK TABLE ruvector.healing_actions IN ACCESS EXCLUSIVE MODE NOWAIT",
      ),
    ).toMatchObject({ code: "55P03" });
    await db.client.query("ROLLBACK");
    expect(await ticksOn(db, "seen")).toEqual({ ticked: true, sampled: true });
    await makeTable(db, { table: "kept", rows: HOT });
    const before = await places(db, "kept");
    expect(
      await db.value<number>(
        "SELECT (ruvector_healing_execute('kept', 'rebalance_partitions') ->> 'rows_moved')::int",
      ),
    ).toBeGreaterThan(500);
    expect(await places(db, "kept")).not.toBe(before);
    expect(await db.value("SELECT ruvector_healing_rollback('kept') ->> 'outcome'")).toBe(
      "completed",
    );
    expect(await places(db, "kept")).toBe(before);
  } finally {
    await viewer.query("ROLLBACK");
  }
});

it("takes no lock on anything of ours, and reads and writes no table of ours", async () => {
  const tables = await db.rows<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class
      WHERE relnamespace = 'ruvector'::regnamespace AND relkind IN ('r', 'S') ORDER BY 1`,
  );
  expect(tables.length).toBeGreaterThan(20);
  for (const { name } of tables) {
    for (const statement of [
      `SELECT FROM ${name}`,
      `BEGIN; LOCK TABLE ${name} IN ACCESS SHARE MODE`,
      `DELETE FROM ${name}`,
    ]) {
      expect((await raised(viewer, statement)).code, statement).toMatch(/^(42501|42809)$/);
      await viewer.query("ROLLBACK");
    }
  }
});

it("finds by a twin nothing that it may not call by the name in public", async () => {
  for (const call of [
    "ruvector_healing_trigger('seen')",
    "ruvector_healing_configure('{}')",
    "ruvector_healing_grant('x', 'admin')",
    "ruvector_healing_audit_export()",
  ]) {
    expect(await raised(viewer, `SELECT ruvector.${call}`), call).toMatchObject({ code: "42501" });
  }
  expect(
    (await viewer.query("SELECT ruvector.ruvector_healing_status() IS NOT NULL AS there")).rows,
  ).toEqual([{ there: true }]);
});
