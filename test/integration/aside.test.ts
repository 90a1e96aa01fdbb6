/**
 * One collection never stops another: what fails is set aside with its reason, the others are
 * served in the same tick.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, LEVEL, makeTable, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";
import { pattern } from "../support/pattern.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...IN_ONE_GO, learning_enabled: false, max_retries: 1 });
  // "bad" is served first.
  await makeTable(db, { table: "bad", rows: LEVEL });
  await makeTable(db, { table: "good", rows: LEVEL });
  await ticks(db, 1);
});

const verdict = async (collection: string) =>
  (
    await db.rows<{ verdict: string; sentence: string }>(
      "SELECT verdict, sentence FROM ruvector_healing_verdict($1)",
      [collection],
    )
  )[0]!;
const samples = (table: string) =>
  db.value<number>(
    `SELECT count(*)::int
      FROM ruvector.integrity_samples JOIN ruvector.collections USING (collection_id)
      WHERE table_name = $1`,
    [table],
  );
const explain = (collection: string) =>
  db.value<string>("SELECT ruvector_healing_explain($1)", [collection]);
const turn = async (table: string) =>
  (
    await db.rows<{
      failures: number;
      stalls: number;
      aside: boolean;
      pause: number | null;
      serving: boolean;
      reason: string | null;
    }>(
      `
  SELECT failures, stalls, since IS NOT NULL AS aside, round(extract(epoch
    FROM until - last_at))::int AS pause, serving_since IS NOT NULL AS serving, reason
    FROM ruvector.healing_turns JOIN ruvector.collections USING (collection_id)
      WHERE table_name = $1`,
      [table],
    )
  )[0]!;

describe("an error that waits for the commit", () => {
  beforeAll(() =>
    db.client.query(`
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE poison (on_ boolean); INSERT INTO poison VALUES (true)`),
  );

  const poisonSamples = (on: boolean) =>
    db.client.query(
      on
        ? `
    CREATE OR REPLACE FUNCTION poison_sample() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.collection_id = (SELECT collection_id FROM ruvector.collections
        WHERE table_name = 'bad') THEN INSERT INTO public.child VALUES (42); END IF;
      RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER poison BEFORE INSERT ON ruvector.integrity_samples FOR EACH ROW
      EXECUTE FUNCTION poison_sample()`
        : "DROP TRIGGER poison ON ruvector.integrity_samples",
    );

  it("bites outside the loop", async () => {
    await db.client.query("BEGIN; INSERT INTO child VALUES (42)");
    expect(await raised(db.client, "COMMIT")).toMatchObject({ code: "23503" });
  });

  it("sets the collection aside, and the others are served in the same tick", async () => {
    await poisonSamples(true);
    const [bad, good] = [await samples("bad"), await samples("good")];
    await ticks(db, 1);
    expect([await samples("bad"), await samples("good")]).toEqual([bad, good + 1]);
    expect(await turn("bad")).toMatchObject({
      failures: 1,
      stalls: 0,
      aside: true,
      pause: null,
      serving: false,
      reason: expect.stringMatching(/^23503: .*violates foreign key constraint/),
    });
    expect(await explain("bad")).toMatch(
      /set aside since [^:]*:\d\d:\d\dZ \(its turn failed once\): 23503: /,
    );
    expect(await db.value("SELECT last_error FROM ruvector.healing_ticks")).toContain("23503");
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_events WHERE kind = 'tick_failed'
          AND collection = 'public.bad'`,
      ),
    ).toBe(1);
  });

  it("is passed over for longer each time, says so, and is unknown meanwhile", async () => {
    await ticks(db, 2);
    // The second of these passed it over.
    expect(await turn("bad")).toMatchObject({ failures: 2, pause: 30 });
    await db.client.query(
      "UPDATE ruvector.healing_turns SET until = clock_timestamp() WHERE until IS NOT NULL",
    );
    await ticks(db, 1);
    expect(await turn("bad")).toMatchObject({ failures: 3, pause: 60 });
    const { verdict: word, sentence } = await verdict("bad");
    expect(word).toBe("unknown");
    expect(sentence).toMatch(
      pattern(
        /^set aside since .* \(its turn failed 3 times in a row\): 23503: .*; /,
        /served again from .*To have it served at once: /,
        /SELECT ruvector_healing_resume\(collection => 'public.bad'\)$/,
      ),
    );
    const text = await explain("bad");
    expect(text).toContain("SELECT ruvector_healing_resume(collection => 'public.bad');");
    expect(text).toMatch(/Nothing happens because it is set aside/);
    expect(
      await db.value(
        "SELECT ruvector_healing_status('bad') #> '{collections,public.bad,set_aside}'",
      ),
    ).toMatchObject({
      failures: 3,
      reason: expect.stringContaining("23503"),
      resume: "SELECT ruvector_healing_resume(collection => 'public.bad');",
    });
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_events WHERE kind = 'set_aside'
          AND collection = 'public.bad'`,
      ),
    ).toBe(2);
    expect((await verdict("good")).verdict).toBe("healthy");
  });

  it("is served at once when a person says so, is as before when its turn succeeds", async () => {
    await poisonSamples(false);
    expect(
      await db.value("SELECT ruvector_healing_resume(collection => 'public.bad')"),
    ).toMatchObject({
      collection: "public.bad",
      message: "public.bad is served again with the next tick",
      lifted: [{ kind: "set_aside" }],
    });
    expect(await db.value("SELECT ruvector_healing_resume(NULL, 'bad')")).toMatchObject({
      message: "public.bad is not set aside",
      lifted: [],
    });
    await ticks(db, 1);
    expect(await turn("bad")).toMatchObject({ failures: 0, aside: false, reason: null });
    expect(await verdict("bad")).toMatchObject({ verdict: "healthy" });
    expect(await raised(db.client, "SELECT ruvector_healing_resume()")).toMatchObject({
      code: "RV004",
    });
  });

  it("comes back by itself too", async () => {
    await poisonSamples(true);
    await ticks(db, 2);
    await poisonSamples(false);
    await db.client.query(
      "UPDATE ruvector.healing_turns SET until = clock_timestamp() WHERE until IS NOT NULL",
    );
    await ticks(db, 1);
    expect(await turn("bad")).toMatchObject({ failures: 0, aside: false });
    expect(
      await db.value("SELECT message FROM ruvector.healing_events WHERE kind = 'served_again'"),
    ).toMatch(/^served again; it was set aside since /);
  });

  it("fails as an action of its own kind where it comes with moves", async () => {
    await makeTable(db, { table: "moved", rows: HOT });
    await db.client.query(`
      CREATE FUNCTION note_moved() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF (SELECT on_
        FROM public.poison) THEN INSERT INTO public.child VALUES (42); END IF; RETURN true; END $$;
      UPDATE poison SET on_ = false;
      ALTER TABLE moved ADD CHECK (note_moved());
      UPDATE poison SET on_ = true`);
    await ticks(db, 5);
    const [action] = await db.rows<{ state: string; message: string }>(
      "SELECT state, message FROM ruvector_healing_history() WHERE collection = 'public.moved'",
    );
    expect(action?.state).toMatch(/^(failed|rolled_back|rolling_back)$/);
    expect(await db.value("SELECT count(*)::int FROM child")).toBe(0);
    await db.client.query("SELECT ruvector_healing_unregister('moved')").catch(() => undefined);
  });
});

it("bears the same name in events, whether a session quotes all names or not", async () => {
  await db.client.query("SET quote_all_identifiers = on");
  try {
    expect(await db.value("SELECT format('%I', 'good')")).toBe('"good"');
    await db.client.query(
      "SELECT ruvector_healing_execute('good', 'throttle_ingestion', '{\"throttle_seconds\": 1}')",
    );
    await ticks(db, 1);
    expect(await db.value("SELECT ruvector_healing_metrics()")).toContain(
      'collection="public.good"',
    );
  } finally {
    await db.client.query("RESET quote_all_identifiers");
  }
  expect(
    await db.rows(
      `SELECT DISTINCT collection FROM ruvector.healing_events WHERE collection ~ 'good|bad'
        ORDER BY 1`,
    ),
  ).toEqual([{ collection: "public.bad" }, { collection: "public.good" }]);
});

describe("a tick that ended in the middle of a collection", () => {
  const left = (pid: number) =>
    db.client.query(
      `
    UPDATE ruvector.healing_turns t SET serving_since = clock_timestamp(), serving_pid = $1,
      backend_start = clock_timestamp() - interval '1 day'
      FROM ruvector.collections c WHERE c.collection_id = t.collection_id AND c.table_name = 'bad'`,
      [pid],
    );

  it("has the others served first, and sets it aside when it happens again", async () => {
    await left(999_999);
    await ticks(db, 1);
    // Served once more, last: it went well.
    expect(await turn("bad")).toMatchObject({ failures: 0, aside: false });
    const order = await db.rows<{ table_name: string }>(`
      SELECT table_name
        FROM ruvector.collections JOIN ruvector.integrity_state s USING (collection_id)
        WHERE table_name IN ('bad', 'good') ORDER BY s.sampled_at`);
    expect(order.map(({ table_name }) => table_name)).toEqual(["good", "bad"]);
    await left(999_999);
    await db.client.query("SELECT ruvector.healing_turns_left()");
    expect(await turn("bad")).toMatchObject({
      failures: 1,
      stalls: 1,
      pause: null,
      reason: expect.stringMatching(
        /^the session of the tick that served it from .* \(pid 999999\) ended in the middle/,
      ),
    });
    await left(999_999);
    await db.client.query("SELECT ruvector.healing_turns_left()");
    expect(await turn("bad")).toMatchObject({ failures: 2, stalls: 2, pause: 30 });
    await ticks(db, 1);
    expect(await verdict("bad")).toMatchObject({
      verdict: "unknown",
      sentence: expect.stringContaining("ended in the middle"),
    });
    await db.client.query("SELECT ruvector_healing_resume(collection => 'bad')");
  });

  it("is nobody's fault where the server was started since", async () => {
    await left(999_999);
    await db.client.query(
      `UPDATE ruvector.healing_turns SET serving_since = pg_postmaster_start_time()
        - interval '1 second' WHERE serving_since IS NOT NULL`,
    );
    await ticks(db, 1);
    expect(await turn("bad")).toMatchObject({ failures: 0, aside: false, serving: false });
  });
});

describe("a table that is not the one that was registered", () => {
  const CASES: readonly (readonly [name: string, how: string, reason: RegExp])[] = [
    [
      "v1",
      "ALTER TABLE v1 RENAME TO v1_base; CREATE VIEW v1 AS SELECT * FROM v1_base",
      /^its table is gone, and a view has its name$/,
    ],
    [
      "v2",
      "DROP TABLE v2; CREATE MATERIALIZED VIEW v2 AS SELECT '[1]'::vector AS embedding",
      /^its table is gone, and a materialized view has its name$/,
    ],
    ["v3", "DROP TABLE v3; CREATE SEQUENCE v3", /a sequence has its name$/],
    [
      "v4",
      "DROP TABLE v4; CREATE TABLE v4 (id int PRIMARY KEY, embedding text)",
      /^its table has no column embedding of a vector type any more$/,
    ],
    [
      "v5",
      "ALTER TABLE v5 DROP COLUMN embedding",
      /^its table has no column embedding of a vector type any more$/,
    ],
    [
      "v6",
      "ALTER TABLE v6 RENAME TO v6_old; CREATE TABLE v6 (id int PRIMARY KEY, embedding " +
        "vector(8)) PARTITION BY HASH (id)",
      pattern(
        /^another table has its name: it is partitioned by hash, /,
        /and the one that was registered by none$/,
      ),
    ],
    [
      "v7",
      "DROP TABLE v7; CREATE TABLE v7 (code text PRIMARY KEY, embedding vector(8))",
      /^another table has its name: its primary key is another one$/,
    ],
    ["v8", "DROP TABLE v8", /^its table is gone$/],
  ];

  it("is unknown with the reason at once, is sensed no more, and says what to type", async () => {
    for (const [name] of CASES) {
      await db.client.query(
        `CREATE TABLE ${name} (id int PRIMARY KEY, embedding vector(8)); INSERT INTO ${name}
          SELECT g, '[1,2,3,4,5,6,7,8]' FROM generate_series(1, 50) g`,
      );
      await db.client.query("SELECT ruvector_healing_register($1)", [name]);
    }
    await ticks(db, 1);
    for (const [name, how] of CASES) {
      expect(await verdict(name), name).toEqual({ verdict: "healthy", sentence: "lambda is 1" });
      await db.client.query(how);
    }
    for (const again of [false, true]) {
      if (again) await ticks(db, 1);
      for (const [name, , reason] of CASES) {
        const { verdict: word, sentence } = await verdict(name);
        expect([name, word]).toEqual([name, "unknown"]);
        expect(sentence).toMatch(reason);
        expect(await samples(name)).toBe(1);
      }
      expect((await verdict("good")).verdict).toBe("healthy");
    }
    for (const [name] of CASES) {
      for (const statement of [
        `SELECT ruvector_integrity_sample('${name}')`,
        `SELECT ruvector_healing_trigger('${name}')`,
      ]) {
        expect(await raised(db.client, statement)).toMatchObject({
          code: "RV003",
          hint: expect.stringContaining("ruvector_healing_unregister("),
        });
      }
      expect(await explain(name)).toMatch(/ruvector_healing_unregister\(/);
      expect(await turn(name)).toMatchObject({ failures: 0 });
      await db.client.query("SELECT ruvector_healing_unregister($1)", [name]);
    }
  });

  it("whose vector column was renamed is served again by what it says to type", async () => {
    await db.client.query(
      `CREATE TABLE "V 9" (id int PRIMARY KEY, embedding vector(8)); INSERT INTO "V 9"
        SELECT g, '[1,2,3,4,5,6,7,8]' FROM generate_series(1, 50) g`,
    );
    await db.client.query(`SELECT ruvector_healing_register('"V 9"')`);
    await db.client.query(`ALTER TABLE "V 9" RENAME embedding TO "Em Bed"`);
    const { hint } = await raised(db.client, `SELECT ruvector_integrity_sample('"V 9"')`);
    expect(hint).toBe(`SELECT ruvector_healing_register('public."V 9"');`);
    await db.client.query(hint!);
    await ticks(db, 1);
    expect((await verdict(`"V 9"`)).verdict).toBe("healthy");
    await db.client.query(`SELECT ruvector_healing_unregister('"V 9"')`);
  });

  it("but the same table made anew, or renamed, is followed", async () => {
    await makeTable(db, { table: "anew", rows: [50, 50] });
    await ticks(db, 1);
    await db.client.query("DROP TABLE anew");
    await makeTable(db, { table: "anew", rows: [40, 40], register: false });
    await ticks(db, 1);
    expect((await verdict("anew")).verdict).toBe("healthy");
    await db.client.query("ALTER TABLE anew RENAME TO renamed");
    await ticks(db, 1);
    expect((await verdict("renamed")).verdict).toBe("healthy");
    await db.client.query("SELECT ruvector_healing_unregister('renamed')");
  });
});
