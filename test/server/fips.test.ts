/** OpenSSL in FIPS mode: md5() ends with an error. Here it is not there at all. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { configure, HOT, makeTable, QUICK, ticks } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;

const OWNER = `ruvector_test_fips_${process.pid}`;

afterAll(async () => {
  await db.client.query("DROP TABLE embeddings CASCADE");
  await db.client.query(`DROP OWNED BY ${OWNER}; DROP ROLE ${OWNER}`);
});

beforeAll(async () => {
  db = await testDatabase();
  // The test's own rows are made with it.
  await makeTable(db, { rows: HOT, register: false });
  // Of somebody who is not trusted with a session: its state is compared.
  await db.client.query(`
    CREATE ROLE ${OWNER};
    DO $$ DECLARE one regclass; BEGIN
      FOR one IN SELECT relid FROM pg_partition_tree('embeddings') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO ${OWNER}', one);
      END LOOP;
    END $$`);
  await db.client.query("ALTER FUNCTION pg_catalog.md5(text) RENAME TO md5_refused");
  await db.client.query("ALTER FUNCTION pg_catalog.md5(bytea) RENAME TO md5_refused");
});

it("the loop registers, senses, heals and takes back without md5()", async () => {
  await configure(db, { ...QUICK, stabilize_seconds: 0 });
  await db.client.query(`SELECT ruvector_healing_register('embeddings', '{"movable": true}')`);
  const heal = "SELECT ruvector_healing_execute('embeddings', 'rebalance_partitions')";
  expect(await db.value(heal)).toMatchObject({ action_id: expect.any(Number) });
  const state = () => db.value("SELECT state FROM ruvector.healing_actions");
  for (let turn = 0; turn < 60 && (await state()) !== "succeeded"; turn++) await ticks(db, 1);
  expect(await state()).toBe("succeeded");
  await db.client.query("SELECT ruvector_healing_rollback('embeddings')");
  for (let turn = 0; turn < 60 && (await state()) !== "rolled_back"; turn++) await ticks(db, 1);
  expect(await state()).toBe("rolled_back");
  expect(await db.rows("SELECT * FROM ruvector.healing_events WHERE kind ~ 'failed'")).toEqual([]);
});
