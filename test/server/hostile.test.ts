/**
 * A table whose owner means harm though trust was given to them (what others have never runs:
 * attacks/owner.test.ts), and the loop of a superuser: what runs on the way runs as the owner of
 * the table, whatever it is, leaves nothing behind in the session, and no row is skipped in
 * silence.
 */
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  checksum,
  configure,
  HOT,
  IN_ONE_GO,
  makeTable,
  placement,
  places,
} from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
/** Owns the tables, and code that runs with their rows. */
const owner = `ruvector_test_${process.pid}_owner`;
const total = HOT.reduce((a, b) => a + b);

/** Everything that ran, by the role it ran as. */
const ran = () =>
  db.rows<{ what: string; as: string }>(
    `SELECT DISTINCT what, ran_as AS "as" FROM harm.log ORDER BY 1, 2`,
  );
const forget = () =>
  db.client.query(
    "TRUNCATE harm.log; ALTER SEQUENCE harm.as_owner RESTART; ALTER SEQUENCE harm.as_other RESTART",
  );
/** How often, also while something was read: that is rolled back, and sequences are not. */
const counted = () =>
  db
    .rows<{ owner: boolean; other: boolean }>(
      "SELECT o.is_called AS owner, n.is_called AS other FROM harm.as_owner o, harm.as_other n",
    )
    .then(([row]) => row);

/**
 * Looks at a table as its owner: a look of the superuser who runs this test would be logged as
 * well.
 */
async function looked<T>(look: () => Promise<T>): Promise<T> {
  await db.client.query(`SET ROLE ${owner}`);
  return look().finally(() => db.client.query("RESET ROLE"));
}

async function owned(table: string, more: string): Promise<void> {
  await makeTable(db, { table, rows: HOT, register: false });
  await db.client.query(`
    ALTER TABLE ${table} OWNER TO ${owner};
    DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT inhrelid FROM pg_inherits
      WHERE inhparent = '${table}'::regclass LOOP
      EXECUTE format('ALTER TABLE %s OWNER TO ${owner}', t);
      -- It runs the owner's code too, whenever it comes by.
      EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', t); END LOOP; END $$;
    SET ROLE ${owner}; ${more}; RESET ROLE`);
}

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...IN_ONE_GO, learning_enabled: false });
  await db.client.query(`
    CREATE ROLE ${owner}; CREATE SCHEMA harm; GRANT ALL ON SCHEMA harm TO ${owner};
      GRANT CREATE ON SCHEMA public TO ${owner};
    CREATE TABLE harm.log (what text, ran_as name); GRANT INSERT ON harm.log TO PUBLIC;
      GRANT USAGE ON SCHEMA harm TO PUBLIC;
    CREATE SEQUENCE harm.as_owner; CREATE SEQUENCE harm.as_other;
      GRANT USAGE ON SEQUENCE harm.as_owner, harm.as_other TO PUBLIC;
    SET ROLE ${owner};
    CREATE FUNCTION harm.note(what text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
      PERFORM nextval(CASE current_user WHEN '${owner}' THEN 'harm.as_owner'
        ELSE 'harm.as_other' END); INSERT INTO harm.log VALUES (what, current_user);
        RETURN true; END $$;
    -- A lie: it is not immutable. Called with a constant it runs when a statement on the table is
    -- planned.
    CREATE FUNCTION harm.spy(what text, value text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
      BEGIN PERFORM harm.note(what); RETURN value; END $$;
    CREATE FUNCTION harm.watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM harm.note('trigger'); RETURN coalesce(NEW, OLD); END $$;
    CREATE DOMAIN harm.text AS text CHECK (harm.note('domain'));
    RESET ROLE; SELECT ruvector_healing_trust('${owner}')`);
});

afterAll(async () => {
  await db.client.query(`DROP OWNED BY ${owner} CASCADE; DROP ROLE ${owner}`);
});

describe("code on a table of another role", () => {
  beforeAll(async () => {
    await owned(
      "spying",
      `
      ALTER TABLE spying ADD CHECK (harm.spy('check', payload) IS NOT NULL);
      ALTER TABLE spying ADD COLUMN made text GENERATED ALWAYS AS (harm.spy('generated',
        payload)) STORED;
      CREATE INDEX ON spying (harm.spy('index', payload));
      CREATE INDEX ON spying (id) WHERE harm.spy('planning', 'x') = 'x';
      ALTER TABLE spying ADD COLUMN held harm.text`,
    );
  });

  it(
    "runs as the owner of the table while the loop of a superuser registers, measures, moves " +
      "and moves back",
    async () => {
      const state = () =>
        looked(async () => [await places(db, "spying"), await checksum(db, "spying")]);
      const before = await state();
      await forget();
      await db.client.query("SELECT ruvector_healing_register('spying', '{\"movable\": true}')");
      await db.client.query("SELECT ruvector_integrity_sample('spying')");
      const answer = await db.value<{ rows_moved: number; outcome: string }>(
        "SELECT ruvector_healing_execute('spying', 'rebalance_partitions')",
      );
      expect(answer.rows_moved).toBeGreaterThan(800);
      await db.client.query("CALL ruvector_healing_tick()");
      expect((await state())[1]).toEqual(before[1]);
      await db.client.query("SELECT ruvector_healing_rollback('spying')");
      const seen = await ran();
      expect(seen.map(({ what }) => what)).toEqual(
        expect.arrayContaining(["check", "generated", "index", "planning"]),
      );
      expect(seen.filter(({ as }) => as !== owner)).toEqual([]);
      expect(await state()).toEqual(before);
    },
  );

  it("runs as the owner in the tick too, on a connection without anybody", async () => {
    await forget();
    const tick = await db.connect();
    for (let times = 0; times < 2; times++) await tick.query("CALL ruvector_healing_tick()");
    expect(await counted()).toEqual({ owner: true, other: false });
    expect(await db.value("SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
  });

  it(
    "a trigger made after registration stops moves, runs as the owner, and rows go back " +
      "although it is there",
    async () => {
      await owned("later", "SELECT 1");
      await db.client.query("SELECT ruvector_healing_register('later', '{\"movable\": true}')");
      const before = await places(db, "later");
      await db.client.query("SELECT ruvector_healing_execute('later', 'rebalance_partitions')");
      await db.client.query(
        `SET ROLE ${owner}; CREATE TRIGGER watch AFTER UPDATE OR INSERT
        OR DELETE ON later FOR EACH ROW EXECUTE FUNCTION harm.watch(); RESET ROLE`,
      );
      await forget();
      const more = await db.value<{ message: string }>(
        "SELECT ruvector_healing_execute('later', 'drain_hot_partition')",
      );
      expect(await ran(), JSON.stringify(more)).toEqual([]);
      await db.client.query("SELECT ruvector_healing_rollback('later')");
      expect(await ran()).toEqual([{ what: "trigger", as: owner }]);
      expect(await places(db, "later")).toBe(before);
    },
  );

  it("a deferred trigger does not wait for a commit with the rights of the loop", async () => {
    await owned("deferred", "SELECT 1");
    await db.client.query("SELECT ruvector_healing_register('deferred', '{\"movable\": true}')");
    await db.client.query("SELECT ruvector_healing_execute('deferred', 'rebalance_partitions')");
    await db.client.query(
      `SET ROLE ${owner}; CREATE CONSTRAINT TRIGGER watch AFTER INSERT
        OR DELETE ON deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION harm.watch(); RESET ROLE`,
    );
    await forget();
    await db.client.query(
      "BEGIN; SELECT ruvector_healing_rollback('deferred'); SET CONSTRAINTS ALL DEFERRED",
    );
    const during = await db.value<number>("SELECT count(*)::int FROM harm.log");
    await db.client.query("COMMIT");
    expect(during).toBeGreaterThan(0);
    expect(await db.value<number>("SELECT count(*)::int FROM harm.log")).toBe(during);
    expect((await ran()).filter(({ as }) => as !== owner)).toEqual([]);
  });

  it("a throttle's triggers come and go as the owner, with an event trigger too", async () => {
    await owned("throttled", "SELECT 1");
    await db.client.query(`
      CREATE FUNCTION harm.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM harm.note('event trigger'); END $$;
      CREATE EVENT TRIGGER ruvector_test_watch ON ddl_command_end
        WHEN TAG IN ('CREATE TRIGGER', 'DROP TRIGGER') EXECUTE FUNCTION harm.on_ddl()`);
    try {
      await db.client.query("SELECT ruvector_healing_register('throttled', '{\"movable\": true}')");
      await forget();
      const answer = await db.value<{ outcome: string }>(
        `SELECT ruvector_healing_execute('throttled', 'throttle_ingestion', '{"percent": 1}')`,
      );
      expect(answer.outcome).not.toBe("deferred");
      expect(
        await db.value(
          "SELECT count(*)::int FROM pg_trigger WHERE tgname LIKE 'ruvector\\_healing%'",
        ),
      ).toBeGreaterThan(0);
      await db.client.query("SELECT ruvector_healing_rollback('throttled')");
      // As often as somebody is at work on a partition (autovacuum): the next tick looks again.
      const left = () =>
        db.value<number>(
          "SELECT count(*)::int FROM pg_trigger WHERE tgname LIKE 'ruvector\\_healing%'",
        );
      await expect
        .poll(async () => (await db.client.query("CALL ruvector_healing_tick()"), left()))
        .toBe(0);
      expect((await ran()).filter(({ what }) => what === "event trigger")).toEqual([
        { what: "event trigger", as: owner },
      ]);
    } finally {
      await db.client.query("DROP EVENT TRIGGER ruvector_test_watch");
    }
  });

  const poisons: readonly (readonly [string, string, RegExp])[] = [
    [
      "sets a search_path",
      "PERFORM set_config('search_path', 'harm, public', false)",
      /search_path of the session/,
    ],
    // It ends with the function that runs as the owner.
    [
      "sets it for the transaction",
      "PERFORM set_config('search_path', 'harm, public', true)",
      /target reached/,
    ],
    [
      "sets another parameter",
      "PERFORM set_config('standard_conforming_strings', 'off', false)",
      /^RV033$/,
    ],
    ["makes a temporary table", "CREATE TEMP TABLE IF NOT EXISTS accounts (id int)", /^RV033$/],
  ];
  it.each(poisons)("that %s leaves the session as it was", async (_, statement, outcome) => {
    await owned("poisoned", "SELECT 1");
    await db.client.query("SELECT ruvector_healing_register('poisoned', '{\"movable\": true}')");
    const before = await places(db, "poisoned");
    await db.client.query(`SET ROLE ${owner};
      CREATE OR REPLACE FUNCTION harm.poison(value text) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN ${statement}; RETURN true; END $$;
      ALTER TABLE poisoned ADD CHECK (harm.poison(payload)) NOT VALID; RESET ROLE`);
    const session = await db.connect();
    await session.query("SELECT ruvector_healing_status()");
    const state = async () =>
      (
        await session.query(
          `SELECT current_setting('search_path') AS path,
            current_setting('standard_conforming_strings') AS strings,
            to_regclass('pg_temp.accounts') AS temporary`,
        )
      ).rows;
    const was = await state();
    const answer = await session
      .query(
        `SELECT ruvector_healing_execute('poisoned', 'rebalance_partitions') ->> 'message'
          AS message`,
      )
      .then(
        ({ rows }) => rows[0].message as string,
        (error: pg.DatabaseError) => error.code,
      );
    expect(answer).toMatch(outcome);
    expect(await state()).toEqual(was);
    if (!/target/.test(outcome.source)) expect(await places(db, "poisoned")).toBe(before);
    await db.client.query(
      `DELETE FROM ruvector.healing_actions WHERE collection LIKE '%poisoned';
        SELECT ruvector_healing_unregister('poisoned'); DROP TABLE poisoned`,
    );
  });
});

describe("the function that runs as the owner", () => {
  const runner = () =>
    db.value<string>(
      `SELECT p.oid::regproc::text FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
        WHERE r.rolname = $1 AND p.proname LIKE 'healing\\_as\\_%' ORDER BY p.oid DESC LIMIT 1`,
      [owner],
    );

  it("refuses to run as anybody else, though its owner alters it; and is made anew", async () => {
    const name = await runner();
    await db.client.query(
      `SET ROLE ${owner}; ALTER FUNCTION ${name} SECURITY INVOKER;
        ALTER FUNCTION ${name} SET search_path = harm; RESET ROLE`,
    );
    expect(
      await raised(db.client, `SELECT ${name}('${owner}', 'SELECT 1', '[]', true)`),
    ).toMatchObject({ code: "42501" });
    await forget();
    await db.client.query("SELECT ruvector_integrity_sample('spying')");
    expect(await counted()).toEqual({ owner: true, other: false });
    expect(
      await db.value("SELECT prosecdef FROM pg_proc WHERE oid = $1::regproc", [await runner()]),
    ).toBe(true);
  });

  it("cannot be replaced by its owner, who may not create in the schema", async () => {
    const name = await runner();
    expect(
      await raised(
        db.client,
        `SET ROLE ${owner}; CREATE OR REPLACE FUNCTION ${name}(owner name, statement text, ` +
          "parameters text, wants_rows boolean) RETURNS text LANGUAGE sql AS 'SELECT NULL'",
      ),
    ).toMatchObject({ code: "42501" });
    await db.client.query("RESET ROLE");
    expect(await db.value("SELECT has_schema_privilege($1, 'ruvector', 'CREATE')", [owner])).toBe(
      false,
    );
  });

  it("survives that its owner gets, and loses, a level of their own", async () => {
    await db.client.query(
      `SELECT ruvector_healing_grant('${owner}', 'viewer');
        SELECT ruvector_healing_revoke('${owner}')`,
    );
    expect(
      await db.value(
        "SELECT has_function_privilege($1, 'ruvector_healing_status(text)', 'EXECUTE')",
        [owner],
      ),
    ).toBe(false);
    await forget();
    await db.client.query("SELECT ruvector_integrity_sample('spying')");
    expect(await counted()).toEqual({ owner: true, other: false });
  });
});

describe("an owner who gave everything away", () => {
  const heir = `${owner}_heir`;

  it("is followed by REASSIGN OWNED, in the middle of an action and for its undo", async () => {
    await owned("inherited", "SELECT 1");
    await db.client.query("SELECT ruvector_healing_register('inherited', '{\"movable\": true}')");
    const before = [await places(db, "inherited"), await checksum(db, "inherited")];
    await configure(db, { batch_rows: 50, slice_seconds: 0.01 });
    await db.client.query("SELECT ruvector_healing_execute('inherited', 'rebalance_partitions')");
    await configure(db, IN_ONE_GO);
    await db.client.query(
      `CREATE ROLE ${heir}; GRANT ALL ON SCHEMA harm, public TO ${heir};
        SELECT ruvector_healing_trust('${heir}'); REASSIGN OWNED BY ${owner} TO ${heir}`,
    );
    try {
      for (let times = 0; times < 3; times++) await db.client.query("CALL ruvector_healing_tick()");
      expect(
        await db.rows(
          "SELECT state, message FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1",
        ),
      ).toMatchObject([{ state: "succeeded", message: expect.stringMatching(/^verified/) }]);
      await db.client.query("SELECT ruvector_healing_rollback('inherited')");
      expect([await places(db, "inherited"), await checksum(db, "inherited")]).toEqual(before);
    } finally {
      await db.client.query(
        `SELECT ruvector_healing_unregister('inherited'); REASSIGN OWNED BY ${heir} TO ${owner};
          DROP OWNED BY ${heir}; DROP ROLE ${heir}`,
      );
    }
  });
});

it("an owner who may not use the schema of the table is named, with the right", async () => {
  await db.client.query(
    `CREATE SCHEMA shut; CREATE TABLE shut.here (id int PRIMARY KEY, e vector(3));
      INSERT INTO shut.here SELECT g, '[1,2,3]' FROM generate_series(1, 10) g;
      SELECT ruvector_healing_register('shut.here'); ALTER TABLE shut.here OWNER TO ${owner}`,
  );
  const sample = "SELECT ruvector_integrity_sample('shut.here')";
  const { code, message, hint } = await raised(db.client, sample);
  expect({ code, message }).toEqual({
    code: "42501",
    message: `shut.here belongs to role ${owner}, which may not use its schema: ${hint}`,
  });
  await db.client.query(hint!);
  expect(await db.value(sample)).toMatchObject({ lambda: 1 });
  await db.client.query(
    "SELECT ruvector_healing_unregister('shut.here'); DROP SCHEMA shut CASCADE",
  );
});

describe("row-level security", () => {
  it(
    "that hides rows from the owner too is a limitation, and no count or move skips rows in " +
      "silence",
    async () => {
      await owned(
        "hidden",
        "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE hidden FORCE ROW LEVEL " +
          "SECURITY; CREATE POLICY few ON hidden USING (id % 100 = 0)",
      );
      const answer = await db.value<{ limitations: { reason: string }[] }>(
        "SELECT ruvector_healing_register('hidden', '{\"movable\": true}')",
      );
      expect(answer.limitations.map(({ reason }) => reason).join()).toContain("row-level security");
      const before = await places(db, "hidden");
      const refused = await db.value<{ outcome: string; reason: string; message: string }>(
        "SELECT ruvector_healing_execute('hidden', 'rebalance_partitions')",
      );
      expect(refused).toMatchObject({ outcome: "deferred", reason: "not_applicable" });
      expect(await places(db, "hidden")).toBe(before);
    },
  );

  it(
    "made after registration stops a move with an error, where its policy would leave rows " +
      "behind",
    async () => {
      await owned("hiding", "SELECT 1");
      await db.client.query("SELECT ruvector_healing_register('hiding', '{\"movable\": true}')");
      await db.client.query(
        `SET ROLE ${owner}; ALTER TABLE hiding ENABLE ROW LEVEL SECURITY;
        ALTER TABLE hiding FORCE ROW LEVEL SECURITY;
        CREATE POLICY few ON hiding USING (id % 100 = 0); RESET ROLE`,
      );
      const before = await placement(db, "hiding");
      const answer = await db.client
        .query("SELECT ruvector_healing_execute('hiding', 'rebalance_partitions') AS answer")
        .then(
          ({ rows }) => JSON.stringify(rows[0].answer),
          (error: pg.DatabaseError) => `${error.code}: ${error.message}`,
        );
      expect(answer).toMatch(/row-level security/);
      expect(await placement(db, "hiding")).toEqual(before);
      expect(Object.values(before).reduce((a, b) => a + b)).toBe(total);
    },
  );
});
