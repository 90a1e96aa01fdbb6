/** What people type first and wrongly: the HINT has a statement, and typing it works. */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, LEVEL, makeTable, QUICK, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  expect(await raised(db.client, "SELECT ruvector_healing_trigger()")).toMatchObject({
    code: "RV001",
    hint: expect.stringContaining("SELECT ruvector_healing_register('"),
  });
  await makeTable(db, { table: "docs", rows: LEVEL });
  await db.client.query("CALL ruvector_healing_tick()");
});

describe("is answered with what was meant", () => {
  it.each([
    [
      "SELECT * FROM ruvector_healing_history('docs')",
      "SELECT * FROM ruvector_healing_history() WHERE collection = 'public.docs';",
    ],
    [
      "SELECT * FROM ruvector_healing_decisions('docs')",
      "SELECT * FROM ruvector_healing_decisions() WHERE collection = 'public.docs';",
    ],
    [
      "SELECT * FROM ruvector_healing_forecasts('docs')",
      "SELECT * FROM ruvector_healing_forecasts() WHERE collection = 'public.docs';",
    ],
    [
      "SELECT * FROM ruvector_healing_history('2 moons')",
      "SELECT * FROM ruvector_healing_history('7 days');",
    ],
    ["SELECT ruvector_healing_report('docs')", "SELECT ruvector_healing_explain('public.docs');"],
    ["SELECT ruvector_healing_trigger()", "SELECT ruvector_healing_trigger('public.docs');"],
    ["SELECT ruvector_healing_explain()", "SELECT ruvector_healing_explain('public.docs');"],
    ["SELECT ruvector_integrity_sample()", "SELECT ruvector_integrity_sample('public.docs');"],
    ["SELECT ruvector_contracted_graph()", "SELECT ruvector_contracted_graph('public.docs');"],
    [
      "SELECT ruvector_integrity_gate()",
      "SELECT ruvector_integrity_gate('public.docs', 'insert');",
    ],
    [
      "SELECT ruvector_healing_execute()",
      "SELECT ruvector_healing_execute('public.docs', 'rebalance_partitions', " +
        "'{\"dry_run\": true}');",
    ],
    [
      "SELECT ruvector_healing_approve()",
      "SELECT action_id, state FROM ruvector_healing_history();",
    ],
    [
      "SELECT * FROM ruvector_healing_recall_curve()",
      "SELECT * FROM ruvector_healing_recall_curve('public.docs');",
    ],
    [
      "SELECT ruvector_healing_configure('mode', 'observe')",
      'SELECT ruvector_healing_configure(\'{"mode": "observe"}\');',
    ],
    [
      "SELECT ruvector_healing_configure('mode', 'observe', 'docs')",
      "SELECT ruvector_healing_configure('{\"mode\": \"observe\"}', 'docs');",
    ],
    [
      "SELECT ruvector_healing_configure('mode=observe', 'docs')",
      "SELECT ruvector_healing_configure('{\"mode\": \"observe\"}', 'docs');",
    ],
    [
      "SELECT ruvector_healing_configure('bach_rows', '50')",
      "SELECT ruvector_healing_configure('{\"batch_rows\": 50}');",
    ],
  ])("%s", async (typed, meant) => {
    const error = await raised(db.client, typed);
    expect(error).toMatchObject({ code: "RV001", hint: expect.stringContaining(meant) });
    await db.client.query(meant);
  });

  it("a tick inside a transaction or a function, and not where it may commit", async () => {
    await db.client.query("BEGIN");
    const error = await raised(db.client, "CALL ruvector_healing_tick()");
    expect(error).toMatchObject({ code: "RV019", hint: "ROLLBACK; CALL ruvector_healing_tick();" });
    for (const statement of error.hint!.split("; ")) await db.client.query(statement);
    expect(
      await raised(
        db.client,
        "DO $$ BEGIN CALL ruvector_healing_tick(); EXCEPTION WHEN SQLSTATE 'RV012' THEN END $$",
      ),
    ).toMatchObject({ code: "RV019" });
    // Where it may commit, in somebody's own procedure too, it does.
    await db.client.query("DO $$ BEGIN CALL ruvector_healing_tick(); END $$");
  });
});

it("a rollback by its action; a driver's parameter stays of its type", async () => {
  await configure(db, { ...QUICK, mode: "auto", require_approval: ["hotspot_congestion"] });
  await makeTable(db, { table: "hot", rows: HOT });
  await ticks(db, 2);
  const id = await db.value<string>("SELECT max(id) FROM ruvector.healing_actions");
  expect(await raised(db.client, `SELECT ruvector_healing_rollback(${id})`)).toMatchObject({
    code: "RV001",
    hint: `SELECT ruvector_healing_rollback('public.hot', ${id});`,
  });
  expect(await raised(db.client, "SELECT ruvector_healing_rollback(999999)")).toMatchObject({
    code: "RV006",
  });
  await db.client.query(`SELECT ruvector_healing_approve('${id}')`);
  // $1 is a bigint in both places, and a jsonb.
  await db.client.query(
    "SELECT ruvector_healing_abort($1) FROM ruvector.healing_actions WHERE id = $1",
    [id],
  );
  expect(await db.value(`SELECT state FROM ruvector.healing_actions WHERE id = ${id}`)).toBe(
    "aborted",
  );
  await db.client.query("SELECT ruvector_healing_configure($1), $1 -> 'mode'", [
    '{"mode": "auto"}',
  ]);
});

it("history takes a time, or how long ago", async () => {
  for (const since of ["'7 days'", "'yesterday'", "now() - interval '1 hour'", "current_date - 3"])
    await db.client.query(`SELECT * FROM ruvector_healing_history(${since})`);
  await db.client.query("SELECT * FROM ruvector_healing_history($1)", ["2 hours"]);
});

describe("configure answers with what changed", () => {
  const configured = (argument: string): Promise<unknown> =>
    db.value(`SELECT ruvector_healing_configure(${argument})`);

  it("old and new by setting, and nothing of what was the same", async () => {
    await configured(`'{"batch_rows": null}'`);
    expect(await configured(`'{"batch_rows": 77, "max_moves": 1000000}'`)).toEqual({
      batch_rows: { old: 10_000, new: 77 },
    });
    expect(await configured(`'{"batch_rows": 77}'::jsonb`)).toEqual({});
    // Set for the collection as it is for all: it works as before.
    expect(await configured(`'{"batch_rows": 77}', 'docs'`)).toEqual({});
    expect(await configured(`'{"batch_rows": 5}', 'docs'`)).toEqual({
      batch_rows: { old: 77, new: 5 },
    });
    expect(await configured(`'{"batch_rows": null}', 'docs'`)).toEqual({
      batch_rows: { old: 5, new: 77 },
    });
    expect(await configured(`'{"batch_rows": null}'`)).toEqual({
      batch_rows: { old: 77, new: 10_000 },
    });
    expect(await configured("'{}'")).toEqual({});
  });
});
