/**
 * An error of a batch keeps its SQLSTATE on its way out of the subtransaction: a lock that was not
 * to be had is tried again, and a cancel cancels. What raises here is the table's own code, in the
 * middle of the move.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { checksum, configure, HOT, IN_ONE_GO, makeTable, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, IN_ONE_GO);
  await makeTable(db, { rows: HOT });
  await db.client.query(`
    CREATE TABLE mood (code text);
    CREATE FUNCTION in_the_mood() RETURNS boolean LANGUAGE plpgsql AS $$
    DECLARE code text := (SELECT m.code FROM public.mood m);
    BEGIN
      IF code IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'not in the mood'; END IF;
      RETURN true;
    END $$;
    ALTER TABLE embeddings ADD CONSTRAINT mood CHECK (in_the_mood())`);
  await ticks(db, 1);
});

const mood = (code: string | null) =>
  db.client.query(
    `TRUNCATE mood; INSERT INTO mood VALUES (${code === null ? "NULL" : `'${code}'`})`,
  );

/** All that a failure would leave. */
const left = async () =>
  (
    await db.rows(`
  SELECT a.state, a.failures, a.message, (SELECT t.errors
    FROM ruvector.healing_ticks t)::int AS errors, (SELECT count(*)::int
    FROM ruvector.healing_outcomes) AS outcomes,
         (SELECT count(*)::int
           FROM ruvector.healing_steps) AS steps, (ruvector_healing_breaker() ->> 'failures')::int
           AS breaker
    FROM ruvector.healing_actions a`)
  )[0];

describe("a batch whose statement fails", () => {
  it("for a lock waits for the next tick", async () => {
    await mood("55P03");
    await ticks(db, 1);
    expect(await left()).toMatchObject({
      state: "executing",
      failures: 1,
      message: expect.stringMatching(
        /^waits for the next tick, try 1 of \d+ \(55P03: not in the mood\)$/,
      ),
      errors: 0,
      steps: 0,
    });
  });

  // On PLJS what PostgreSQL itself throws comes out of JavaScript as XX000, whatever it was.
  it("because it is canceled is canceled, and that counts as nothing", async ({ skip }) => {
    skip(db.engine.language === "pljs", "PLJS");
    await mood("57014");
    const before = await left();
    for (let again = 0; again < 5; again++)
      expect(await raised(db.client, "CALL ruvector_healing_tick()")).toMatchObject({
        code: "57014",
        message: "not in the mood",
      });
    expect(await left()).toEqual(before);
  });

  it("goes on when it can", async () => {
    await mood(null);
    const before = await checksum(db);
    await ticks(db, 3);
    expect(await left()).toMatchObject({ state: "succeeded", outcomes: 1, breaker: 0 });
    expect(await checksum(db)).toEqual(before);
  });
});

// A text of 512 MB ends plv8's server.
it("an answer that is too large for JavaScript is an error of the statement", async () => {
  const answer = await db.value<string>(
    "SELECT ruvector.healing_run('SELECT repeat(''x'', 70000000) AS x', '[]', true)",
  );
  expect(JSON.parse(answer)).toMatchObject({
    error: { sqlstate: "54000", detail: expect.stringMatching(/^1 rows, 700\d+ bytes\.$/) },
  });
});
