/** From each released version to this one, by script: with data and an action that is running. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { oneStatement } from "../../build/encoded.ts";
import { type Language, RELEASED, root, version } from "../../build/project.ts";
import { frozen, scriptsOf } from "../releases/scripts.ts";
import { objects } from "../support/catalogue.ts";
import { checksum, configure, HOT, makeTable, QUICK, ticks } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
/** What a new installation is made of. */
let fresh: string[];

const language = () => db.engine.language as Language;
const read = (ending: string) =>
  readFile(join(root, `dist/ruvector_healing.${language()}${ending}`), "utf8");
const installed = () => db.value("SELECT ruvector_healing_version()");

beforeAll(async () => {
  db = await testDatabase();
  fresh = await objects(db);
});

it("each released version is kept, and known to the build", () => {
  expect(frozen()).toEqual(RELEASED);
});

describe.each(frozen())("from %s", (older) => {
  it("the action goes on to its end, and all is as in a new installation", async () => {
    const script = `BEGIN; ${(await scriptsOf(older, language())).plain} COMMIT;`;
    await db.client.query("SELECT ruvector_healing_uninstall()");
    await db.client.query(script);
    await configure(db, { ...QUICK, batch_rows: 50, slice_seconds: 0.05 });
    await makeTable(db, { rows: HOT });
    const { action_id } = await db.value<{ action_id: string }>(
      "SELECT ruvector_healing_execute('embeddings', 'rebalance_partitions')",
    );
    const moved = "SELECT coalesce(sum(rows), 0)::int FROM ruvector.healing_steps";
    for (let turn = 0; turn < 20 && (await db.value<number>(moved)) === 0; turn++)
      await ticks(db, 1);
    const state = () =>
      db.value("SELECT state FROM ruvector.healing_actions WHERE id = $1", [action_id]);
    expect(await state()).toBe("executing");
    expect(await installed()).toBe(older);
    const kept = () =>
      db.rows(`SELECT (SELECT jsonb_agg(c.settings) FROM ruvector.healing_config c) AS settings,
        (SELECT count(*) FROM ruvector.healing_steps) AS steps,
        (SELECT min(at) FROM ruvector.healing_events) AS since`);
    const [before, rows] = [await kept(), await checksum(db)];

    await db.client.query(`BEGIN; ${await read(".sql")} COMMIT;`);
    expect(await kept()).toEqual(before);
    expect(await installed()).toBe(version);
    expect(await objects(db)).toEqual(fresh);
    await configure(db, { slice_seconds: 60, batch_rows: 1000 });
    for (let turn = 0; turn < 40 && (await state()) !== "succeeded"; turn++) await ticks(db, 1);
    expect(await state()).toBe("succeeded");
    expect(await checksum(db)).toEqual(rows);
    expect(await db.value("SELECT ruvector_healing_verify_audit() -> 'intact'")).toBe(true);

    // And not back.
    const back = await db.client.query(script).catch((error: pg.DatabaseError) => error);
    await db.client.query("ROLLBACK");
    expect(back).toMatchObject({
      code: "RV036",
      detail: `Installed is ruvector_healing ${version}, this script is of ${older}.`,
    });
    expect(await installed()).toBe(version);
  });

  it("as one statement over what was installed as one", async () => {
    await db.client.query("SELECT ruvector_healing_uninstall()");
    await db.client.query(oneStatement((await scriptsOf(older, language())).plain));
    await db.client.query("SELECT ruvector_healing_register('embeddings')");
    await db.client.query(await read(".one-statement.sql"));
    expect(await installed()).toBe(version);
    expect(await objects(db)).toEqual(fresh);
    expect(await db.value("SELECT count(*)::int FROM ruvector.collections")).toBe(1);
  });
});
