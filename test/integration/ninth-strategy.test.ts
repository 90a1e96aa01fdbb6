/**
 * What it takes to add a strategy: its module and its line in the registry. What SQL knows of it is
 * generated from the same registry by the build.
 */
import { beforeAll, expect, it } from "vitest";
import { makeBundle, QUOTE } from "../../build/bundle.ts";
import { configure, makeTable, QUICK, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  const { source, hash } = await makeBundle("test/integration/support/ninth-strategy.ts");
  await db.client.query(`
    CREATE OR REPLACE FUNCTION ruvector.healing_bundle() RETURNS text
      LANGUAGE sql IMMUTABLE AS $function$SELECT ${QUOTE}\n${source}${QUOTE}$function$;
    CREATE OR REPLACE FUNCTION ruvector.healing_bundle_hash() RETURNS text
      LANGUAGE sql IMMUTABLE AS $function$SELECT '${hash}'$function$`);
  await configure(db, { ...QUICK, enabled: false });
  await makeTable(db, { table: "noted", rows: [50, 50] });
  await db.client.query("COMMENT ON TABLE noted IS 'ours'");
});

const note = (): Promise<string> => db.value("SELECT obj_description('noted'::regclass)");

it("is carried out, explained, judged and undone like the eight others", async () => {
  const answer = await db.value<Record<string, unknown>>(
    `SELECT ruvector_healing_execute('noted', 'leave_note', '{"note": "theirs"}')`,
  );
  expect(answer).toMatchObject({ outcome: "stabilizing", plan: { note: "theirs" } });
  expect(await note()).toBe("theirs");
  const id = answer["action_id"] as string;
  expect(await db.value("SELECT ruvector_healing_explain($1::bigint)", [id])).toContain(
    'wrote "theirs" on the table',
  );
  // It cannot have helped: lambda was whole.
  await ticks(db, 4);
  expect(
    await db.rows("SELECT state, verified FROM ruvector.healing_actions WHERE id = $1", [id]),
  ).toEqual([{ state: "rolled_back", verified: false }]);
  expect(await note()).toBe("ours");
});

it("has its own params, and its own reasons", async () => {
  expect(
    await raised(
      db.client,
      `SELECT ruvector_healing_execute('noted', 'leave_note', '{"note": 1}')`,
    ),
  ).toMatchObject({ code: "RV001" });
  expect(
    await db.value(`SELECT ruvector_healing_execute('noted', 'leave_note', '{"note": "ours"}')`),
  ).toMatchObject({ reason: "nothing_to_do", message: "the note is there" });
});
