/**
 * throttle_ingestion on the real server: how many inserts pass, who is spared, and that nothing of
 * it stays.
 */
import type pg from "pg";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { configure, forget, HOT, makeTable, QUICK, ticks } from "./support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "./support/database.ts";
import { waitEnds } from "../support/patience.ts";

let db: TestDatabase;
let next = 10_000_000;

const SMALL: readonly number[] = [20, 20, 20, 20];

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, stabilize_seconds: 600, slice_seconds: 0.3 });
});

afterEach(() => forget(db));

interface Answer {
  readonly outcome: string;
  readonly action_id: number;
  readonly state: string;
  readonly message: string;
  readonly reason: string;
  readonly hint: string;
}

const throttle = (table: string, params: object): Promise<Answer> =>
  db.value<Answer>("SELECT ruvector_healing_execute($1, 'throttle_ingestion', $2)", [
    table,
    JSON.stringify(params),
  ]);

const abort = (id: number): Promise<Answer> =>
  db.value<Answer>("SELECT ruvector_healing_abort($1)", [id]);

/** The throttle's triggers on a table and its partitions. */
const triggers = (table: string): Promise<number> =>
  db.value<number>(
    `SELECT count(*)::int FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'ruvector%'
      AND tgrelid IN (SELECT relid FROM pg_partition_tree($1::regclass) UNION SELECT $1::regclass)`,
    [table],
  );

/**
 * Ticks until the triggers are gone: they wait for a moment in which nobody, autovacuum neither, is
 * at a table.
 */
async function removed(table: string): Promise<number> {
  const end = waitEnds();
  for (;;) {
    await ticks(db, 1);
    const left = await triggers(table);
    if (left === 0 || Date.now() > end) return left;
  }
}

/** Inserts `rows` rows in one statement; the SQLSTATE it raised, or "". */
async function insert(client: pg.Client, table: string, rows = 1): Promise<string> {
  const first = next;
  next += rows;
  try {
    await client.query(
      `INSERT INTO ${table} SELECT g, 1, 'w', '[1,2,3,4,5,6,7,8]'
        FROM generate_series(${first}, ${first + rows - 1}) g`,
    );
    return "";
  } catch (error) {
    return (error as pg.DatabaseError).code ?? "?";
  }
}

/** How many of `times` statements were rejected. */
async function rejected(
  clients: readonly pg.Client[],
  table: string,
  times: number,
  rows = 1,
): Promise<number> {
  const codes: string[] = [];
  for (let turn = 0; turn < times; turn++)
    codes.push(await insert(clients[turn % clients.length]!, table, rows));
  expect(new Set(codes.filter(Boolean))).toEqual(
    codes.some(Boolean) ? new Set(["RV012"]) : new Set(),
  );
  return codes.filter(Boolean).length;
}

describe("mode reject", () => {
  it("rejects exactly its share of statements, over all sessions, more of bulk ones", async () => {
    await makeTable(db, { table: "shares", rows: SMALL });
    const clients = [await db.connect(), await db.connect()];
    expect(await rejected(clients, "shares", 20)).toBe(0);
    const half = await throttle("shares", { percent: 50, mode: "reject" });
    expect(half.state).toBe("stabilizing");
    expect(await rejected(clients, "shares", 100)).toBe(50);
    expect(await rejected(clients, "shares", 100, 3)).toBe(60);
    // Into a partition directly, and rows that the loop moves by an update of the key.
    expect(await rejected(clients, "shares_p1", 100)).toBe(50);
    expect(await db.value("SELECT count(*)::int FROM shares WHERE payload = 'w'")).toBe(
      20 + 50 + 40 * 3 + 50,
    );
    await db.client.query("UPDATE shares SET partition_id = 2 WHERE payload = 'w'");
    await abort(half.action_id);
    expect(await rejected(clients, "shares", 50)).toBe(0);

    const most = await throttle("shares", { percent: 90, mode: "reject" });
    expect(await rejected(clients, "shares", 100)).toBe(90);
    expect(await rejected(clients, "shares", 20, 2)).toBe(20);
    const copy = await raised(
      db.client,
      "COPY shares FROM PROGRAM 'printf \"1\\t1\\tx\\t[1,2,3,4,5,6,7,8]\"'",
    );
    expect(copy).toMatchObject({
      code: "RV012",
      message: "insert into public.shares was rejected: ingestion is throttled",
    });
    expect(copy.detail).toMatch(
      /^100.0 % of such statements are rejected, until \d{4}-.*Z at the latest\.$/,
    );
    expect(copy.hint).toMatch(/^Try the statement again in \d+ s\./);
    await abort(most.action_id);
    expect(await removed("shares")).toBe(0);
  });

  it(
    "spares what is no insert, so that the table can be healed meanwhile, and registers as " +
      "before",
    async () => {
      await makeTable(db, { table: "moved", rows: HOT });
      // The lease outlives its action.
      const { action_id } = await throttle("moved", { percent: 100, mode: "reject" });
      await db.client.query(
        `UPDATE ruvector.healing_actions SET state = 'succeeded', finished_at = now()
          WHERE id = $1`,
        [action_id],
      );
      expect(await rejected([db.client], "moved", 5)).toBe(5);
      const again = await db.value<{ limitations: { strategy: string }[] }>(
        "SELECT ruvector_healing_register('moved', '{\"movable\": true}')",
      );
      expect(
        again.limitations.filter(({ strategy }) =>
          ["rebalance_partitions", "throttle_ingestion"].includes(strategy),
        ),
      ).toEqual([]);
      await db.client.query(
        'SELECT ruvector_healing_configure(\'{"stabilize_seconds": 0, "slice_seconds": ' +
          "60}', 'moved')",
      );
      const moved = await db.value<{ outcome: string; rows_moved: number }>(
        "SELECT ruvector_healing_execute('moved', 'rebalance_partitions')",
      );
      expect(moved.rows_moved).toBeGreaterThan(800);
      expect(await rejected([db.client], "moved", 5)).toBe(5);
      await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": false}', 'moved')");
      // Switched off after the grant: over, and removed.
      expect(await removed("moved")).toBe(0);
      expect(await rejected([db.client], "moved", 5)).toBe(0);
    },
  );
});

describe("mode delay", () => {
  it("lets a writer come by half as often, and a tenth as often", async () => {
    for (const table of ["paced", "unpaced"]) await makeTable(db, { table, rows: SMALL });
    const [writer, other] = [await db.connect(), await db.connect()];
    const perSecond = async (session: typeof writer, table: string): Promise<number> => {
      const begin = performance.now();
      let done = 0;
      for (; performance.now() - begin < 1000; done++)
        expect(await insert(session, table)).toBe("");
      return done / ((performance.now() - begin) / 1000);
    };
    // Side by side: what else the machine does meets both. Not before the writer has slept for the
    // time between two throttles.
    const share = async (): Promise<number> => {
      expect(await insert(writer, "paced")).toBe("");
      const [paced, free] = await Promise.all([
        perSecond(writer, "paced"),
        perSecond(other, "unpaced"),
      ]);
      return paced / free;
    };
    // Whatever somebody sets, it is no memory of the throttle.
    const id = await db.value<number>(
      "SELECT collection_id FROM ruvector.collections WHERE table_name = 'paced'",
    );
    await writer.query(`SET ruvector_healing.throttle_${id} = 'nonsense'`);
    await share();
    const half = await throttle("paced", { percent: 50 });
    for (const text of ["nonsense", "", "NaN", "9e999", "1764380000.5'"]) {
      const pass = [`ruvector_healing.throttle_pass_${id}`, text];
      await writer.query("SELECT set_config($1, $2, false)", pass);
      expect(await insert(writer, "paced"), text).toBe("");
    }
    const halved = await share();
    await abort(half.action_id);
    const most = await throttle("paced", { percent: 90 });
    const tenth = await share();
    await abort(most.action_id);
    expect(halved).toBeLessThan(0.75);
    expect(tenth).toBeLessThan(0.3);
    expect(await removed("paced")).toBe(0);
  });

  it("looks at one insert of a tenth of a second where it is mild, in any DateStyle", async () => {
    await makeTable(db, { table: "mild", rows: SMALL });
    const { action_id } = await throttle("mild", { percent: 1 });
    const id = await db.value<number>(
      "SELECT collection_id FROM ruvector.collections WHERE table_name = 'mild'",
    );
    const writer = await db.connect();
    const memory = async (): Promise<string> =>
      (await writer.query(`SELECT current_setting('ruvector_healing.throttle_${id}') AS m`)).rows[0]
        .m;
    for (const style of ["ISO, DMY", "Postgres, MDY", "SQL, YMD", "German"]) {
      await writer.query(`SET DateStyle = ${style}`);
      expect(await insert(writer, "mild")).toBe("");
      // It may be the last moment of a tenth, again and again: not 200 times.
      let passed = false;
      for (let tries = 0; tries < 200 && !passed; tries++) {
        const before = await memory();
        expect(await insert(writer, "mild")).toBe("");
        passed = (await memory()) === before;
      }
      expect(passed, style).toBe(true);
      const before = await memory();
      await writer.query("SELECT pg_sleep(0.11)");
      expect(await insert(writer, "mild")).toBe("");
      expect(await memory(), style).not.toBe(before);
    }
    // What is set by hand to another moment, or to less of one, lets nothing pass by.
    for (const text of ["", "2", "NULL", "%", "2026-11-29 09:00:26.8"]) {
      const pass = [`ruvector_healing.throttle_pass_${id}`, text];
      await writer.query("SELECT set_config($1, $2, false)", pass);
      const before = await memory();
      expect(await insert(writer, "mild")).toBe("");
      expect(await memory(), text).not.toBe(before);
    }
    await abort(action_id);
    expect(await removed("mild")).toBe(0);
  });
});

describe("a throttle's end", () => {
  it("comes with its lease though nobody ticks; the triggers go with the next tick", async () => {
    await makeTable(db, { table: "lapsing", rows: SMALL });
    const { action_id } = await throttle("lapsing", { percent: 100, mode: "reject" });
    expect(await rejected([db.client], "lapsing", 3)).toBe(3);
    await db.client.query(
      "UPDATE ruvector.healing_leases SET expires_at = clock_timestamp() WHERE action_id = $1",
      [action_id],
    );
    expect(await rejected([db.client], "lapsing", 3)).toBe(0);
    expect(await triggers("lapsing")).toBe(10);
    expect(await removed("lapsing")).toBe(0);
    expect(
      await db.value("SELECT jsonb_array_length(ruvector_healing_status('lapsing') -> 'leases')"),
    ).toBe(0);
    await abort(action_id);
  });

  it("comes when the clock is set back: it would hold for those hours longer", async () => {
    await makeTable(db, { table: "earlier", rows: SMALL });
    const { action_id } = await throttle("earlier", { percent: 100, mode: "reject" });
    expect(await rejected([db.client], "earlier", 3)).toBe(3);
    await db.client.query(
      `UPDATE ruvector.healing_leases SET granted_at = granted_at + interval '2 hours',
          expires_at = expires_at + interval '2 hours' WHERE action_id = $1`,
      [action_id],
    );
    expect(await rejected([db.client], "earlier", 3)).toBe(0);
    expect(await removed("earlier")).toBe(0);
    expect(
      await db.value("SELECT jsonb_array_length(ruvector_healing_status('earlier') -> 'leases')"),
    ).toBe(0);
    await abort(action_id);
  });

  it("brings back exactly the level before it, while that one's lease lasts", async () => {
    await makeTable(db, { table: "nested", rows: SMALL });
    const first = await throttle("nested", { percent: 20, mode: "reject" });
    await db.client.query(
      "UPDATE ruvector.healing_actions SET state = 'succeeded', finished_at = now() WHERE id = $1",
      [first.action_id],
    );
    const second = await throttle("nested", { percent: 70, mode: "reject" });
    expect(
      await db.value(
        `SELECT previous ->> 'insert_pct' FROM ruvector.healing_leases WHERE action_id = $1
          AND kind = 'throttle'`,
        [second.action_id],
      ),
    ).toBe("20");
    expect(await rejected([db.client], "nested", 100)).toBe(70);
    await abort(second.action_id);
    await ticks(db, 1);
    expect(await rejected([db.client], "nested", 100)).toBe(20);
    expect(await db.value("SELECT ruvector_healing_rollback('nested') ->> 'state'")).toBe(
      "rolled_back",
    );
    expect(await rejected([db.client], "nested", 50)).toBe(0);
    expect(await removed("nested")).toBe(0);
  });

  it("is not held up by readers, and holds none up", async () => {
    await makeTable(db, { table: "read", rows: SMALL });
    const { action_id } = await throttle("read", { percent: 100, mode: "reject" });
    const reader = await db.connect();
    await reader.query("BEGIN; SELECT count(*) FROM read");
    expect((await abort(action_id)).state).toBe("aborted");
    await ticks(db, 1);
    expect(await triggers("read")).toBe(10);
    expect(await rejected([db.client], "read", 3)).toBe(0);
    await reader.query("COMMIT");
    expect(await removed("read")).toBe(0);
  });

  it("leaves no trigger when the throttle itself could not be ended at first", async () => {
    await makeTable(db, { table: "later", rows: SMALL });
    const { action_id } = await throttle("later", { percent: 50 });
    // What an undo leaves whose end of the throttle's lease failed: the triggers' lease is over,
    // the throttle's is not.
    await db.client.query(
      `UPDATE ruvector.healing_leases SET expires_at = clock_timestamp() WHERE action_id = $1
        AND kind = 'throttle_triggers'`,
      [action_id],
    );
    await ticks(db, 2);
    expect(await triggers("later")).toBe(10);
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_leases WHERE action_id = $1
          AND ended_at IS NULL`,
        [action_id],
      ),
    ).toBe(2);
    await db.client.query(
      "UPDATE ruvector.healing_leases SET expires_at = clock_timestamp() WHERE action_id = $1",
      [action_id],
    );
    expect(await removed("later")).toBe(0);
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_leases WHERE action_id = $1
          AND ended_at IS NULL`,
        [action_id],
      ),
    ).toBe(0);
  });

  it.each([
    ["dropped", ""],
    ["stood_in", "CREATE VIEW stood_in AS SELECT 1 AS one"],
  ])("lets a table go that was dropped under it (%s)", async (table, then) => {
    await makeTable(db, { table, rows: SMALL });
    const { action_id } = await throttle(table, { percent: 50 });
    await db.client.query(`DROP TABLE ${table}; ${then}`);
    await ticks(db, 2);
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_leases WHERE action_id = $1
          AND ended_at IS NULL`,
        [action_id],
      ),
    ).toBe(0);
    expect(
      await db.value("SELECT ruvector_healing_unregister($1)", [`public.${table}`]),
    ).toMatchObject({ unregistered: true });
  });

  it("takes its triggers from a partition that was detached meanwhile, too", async () => {
    await makeTable(db, { table: "leaver", rows: SMALL });
    const { action_id } = await throttle("leaver", { percent: 10 });
    await expect
      .poll(() => ticks(db, 1).then(() => triggers("leaver")))
      .toBe(2 * (1 + SMALL.length));
    await db.client.query("ALTER TABLE leaver DETACH PARTITION leaver_p1");
    expect(await triggers("leaver_p1")).toBe(2);
    // They are known by what they call.
    await db.client.query(
      "ALTER TRIGGER ruvector_healing_throttle_before ON leaver_p1 RENAME TO ruvector_of_mine",
    );
    await abort(action_id);
    expect(await removed("leaver")).toBe(0);
    expect(await removed("leaver_p1")).toBe(0);
    await db.client.query("ALTER TABLE leaver ATTACH PARTITION leaver_p1 FOR VALUES IN (1)");
    expect(await triggers("leaver")).toBe(0);
  });

  it("takes its triggers from a table that changed hands, and its partitions did not", async () => {
    const role = `${db.name}_new_hands`;
    await db.client.query(`CREATE ROLE ${role}`);
    await makeTable(db, { table: "handed", rows: SMALL });
    const { action_id } = await throttle("handed", { percent: 10 });
    await expect
      .poll(() => ticks(db, 1).then(() => triggers("handed")))
      .toBe(2 * (1 + SMALL.length));
    await db.client.query(`ALTER TABLE handed OWNER TO ${role}`);
    await abort(action_id);
    expect(await removed("handed")).toBe(0);
    await db.client.query(`SELECT ruvector_healing_unregister('handed'); DROP TABLE handed;
      DROP ROLE ${role}`);
  });

  it("leaves a table alone that came with another's triggers in a dump", async () => {
    await makeTable(db, { table: "numbered", rows: SMALL });
    const number = await db.value<number>(
      "SELECT collection_id FROM ruvector.collections WHERE table_name = 'numbered'",
    );
    await db.client.query(
      `CREATE TABLE restored (LIKE numbered);
        CREATE TRIGGER ruvector_healing_throttle_before BEFORE INSERT ON restored
          EXECUTE FUNCTION ruvector.healing_throttle_before('${number}', 'flat');
        CREATE TRIGGER ruvector_healing_throttle_after AFTER INSERT ON restored
          EXECUTE FUNCTION ruvector.healing_throttle_after('${number}', 'flat')`,
    );
    const { action_id } = await throttle("numbered", { percent: 100, mode: "reject" });
    await expect
      .poll(() => ticks(db, 1).then(() => triggers("numbered")))
      .toBe(2 * (1 + SMALL.length));
    expect(await insert(db.client, "numbered_p1")).toBe("RV012");
    expect(await insert(db.client, "restored")).toBe("");
    expect(await insert(db.client, "restored", 3)).toBe("");
    await abort(action_id);
    expect(await removed("numbered")).toBe(0);
    expect(await removed("restored")).toBe(0);
  });

  it("comes with unregistering", async () => {
    await makeTable(db, { table: "leaving", rows: SMALL });
    const { action_id } = await throttle("leaving", { percent: 100, mode: "reject" });
    await db.client.query(
      "UPDATE ruvector.healing_actions SET state = 'succeeded', finished_at = now() WHERE id = $1",
      [action_id],
    );
    await db.client.query("SELECT ruvector_healing_unregister('leaving')");
    expect(await triggers("leaving")).toBe(0);
    expect(await rejected([db.client], "leaving", 3)).toBe(0);
  });
});

describe("verification", () => {
  it(
    "keeps a throttle whose problem got better and undoes one whose problem did not, chosen by " +
      "the loop for memory pressure",
    async () => {
      await makeTable(db, { table: "pressed", rows: SMALL });
      await db.client.query(
        `SELECT ruvector_healing_configure('{"enabled": true, "stabilize_seconds": 0,
           "strategy_retry_seconds": 0, "ineffective_outcomes": 100}', 'pressed')`,
      );
      const report = (pct: number) =>
        db.client.query("SELECT ruvector_integrity_report('pressed', $1)", [
          JSON.stringify({ metrics: { memory_usage_pct: pct } }),
        ]);
      const last = async () =>
        (
          await db.rows<{ strategy_name: string; state: string; plan: { level: object } }>(
            `SELECT strategy_name, state, plan FROM ruvector.healing_actions
            WHERE collection = 'public.pressed' ORDER BY id DESC LIMIT 1`,
          )
        )[0];
      // Where nobody inserts there is nothing to hold back.
      await ticks(db, 1);
      expect(await insert(db.client, "pressed", 100)).toBe("");
      await report(90);
      await ticks(db, 2);
      expect(await last()).toMatchObject({
        strategy_name: "throttle_ingestion",
        state: "stabilizing",
        plan: { level: { insert_pct: 50, bulk_pct: 60, mode: "delay" } },
      });
      await report(72);
      await ticks(db, 1);
      expect(await last()).toMatchObject({ state: "succeeded" });
      expect(await triggers("pressed")).toBe(10);
      await db.client.query(
        "UPDATE ruvector.healing_leases SET expires_at = clock_timestamp() WHERE ended_at IS NULL",
      );
      await report(96.9);
      await ticks(db, 5);
      expect(
        await db.rows(
          `SELECT DISTINCT strategy_name, verified FROM ruvector.healing_actions
          WHERE collection = 'public.pressed' AND state = 'rolled_back'`,
        ),
      ).toEqual([{ strategy_name: "throttle_ingestion", verified: false }]);
      await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": false}', 'pressed')");
      await db.client.query(
        `SELECT ruvector_healing_abort(id) FROM ruvector.healing_actions
        WHERE collection = 'public.pressed' AND state IN ('executing', 'stabilizing', 'planned')`,
      );
      expect(await removed("pressed")).toBe(0);
    },
  );

  it("has nothing to do while the state is normal", async () => {
    await makeTable(db, { table: "calm", rows: SMALL });
    const answer = await db.value<Answer>(
      "SELECT ruvector_healing_execute('calm', 'throttle_ingestion')",
    );
    expect(answer).toMatchObject({ outcome: "deferred", reason: "nothing_to_do" });
    expect(answer.hint).toContain(`'{"percent": 50}'`);
    expect(
      (
        await raised(
          db.client,
          "SELECT ruvector_healing_execute('calm', 'throttle_ingestion', '{\"percent\": 101}')",
        )
      ).code,
    ).toBe("RV001");
    expect(
      (
        await raised(
          db.client,
          'SELECT ruvector_healing_configure(\'{"throttle_mode": "refuse"}\')',
        )
      ).code,
    ).toBe("RV001");
  });
});

describe("installing", () => {
  it("waits for a moment without writers, and no writer waits for it", async () => {
    await makeTable(db, { table: "busy", rows: SMALL });
    const writer = await db.connect();
    await writer.query("BEGIN");
    expect(await insert(writer, "busy")).toBe("");
    const { action_id, state } = await throttle("busy", { percent: 100, mode: "reject" });
    expect(state).toBe("executing");
    const other = await db.connect();
    expect(await insert(other, "busy")).toBe("");
    await ticks(db, 1);
    expect(
      await db.value("SELECT message FROM ruvector.healing_actions WHERE id = $1", [action_id]),
    ).toMatch(/^waits for a moment without writers on 2 tables/);
    await writer.query("COMMIT");
    await ticks(db, 1);
    expect(
      await db.value("SELECT state FROM ruvector.healing_actions WHERE id = $1", [action_id]),
    ).toBe("stabilizing");
    expect(await insert(other, "busy")).toBe("RV012");
    await abort(action_id);
    expect(await removed("busy")).toBe(0);
  });

  it("makes no trigger after its time: nobody would come to take it away", async () => {
    await makeTable(db, { table: "overdue", rows: SMALL });
    const writer = await db.connect();
    await writer.query("BEGIN; INSERT INTO overdue VALUES (9000001, 1, 'w', '[1,2,3,4,5,6,7,8]')");
    const { action_id, state } = await throttle("overdue", { percent: 50, throttle_seconds: 1 });
    expect(state).toBe("executing");
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await writer.query("COMMIT");
    for (let turn = 0; turn < 20 && (await triggers("overdue")) > 0; turn++) await ticks(db, 1);
    await ticks(db, 2);
    expect(await triggers("overdue")).toBe(0);
    expect(
      await db.rows("SELECT state, message FROM ruvector.healing_actions WHERE id = $1", [
        action_id,
      ]),
    ).toEqual([
      {
        state: "failed",
        message: expect.stringContaining(
          "RV011: the throttle's time was over before it was on everywhere",
        ),
      },
    ]);
  });

  it("serves hostile names, unpartitioned tables; undoes what an error cut short", async () => {
    const name = '"Weird; drop ""x"" Table"';
    await makeTable(db, { table: name, rows: SMALL });
    const weird = await throttle(name, { percent: 100, mode: "reject" });
    expect(await insert(db.client, name)).toBe("RV012");
    await abort(weird.action_id);
    await ticks(db, 1);
    expect(await insert(db.client, name)).toBe("");
    await db.client.query(
      `CREATE TABLE plain (id int PRIMARY KEY, partition_id int, payload text,
        embedding vector(8)); SELECT ruvector_healing_register('plain')`,
    );
    const plain = await throttle("plain", { percent: 100, mode: "reject" });
    expect(await insert(db.client, "plain")).toBe("RV012");
    await abort(plain.action_id);
    expect(await removed("plain")).toBe(0);

    await makeTable(db, { table: "cut", rows: SMALL });
    await db.client.query(
      `CREATE FUNCTION no_trigger() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'no triggers here'; END $$`,
    );
    await db.client.query(
      `CREATE EVENT TRIGGER no_trigger ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER')
        EXECUTE FUNCTION no_trigger()`,
    );
    try {
      const cut = await throttle("cut", { percent: 100, mode: "reject" });
      await ticks(db, 2);
      const [action] = await db.rows<{ state: string; message: string }>(
        "SELECT state, message FROM ruvector.healing_actions WHERE id = $1",
        [cut.action_id],
      );
      expect(action?.state).toBe("failed");
      expect(action?.message).toContain("no triggers here");
    } finally {
      await db.client.query("DROP EVENT TRIGGER no_trigger");
    }
    expect(
      await db.value("SELECT count(*)::int FROM ruvector.healing_leases WHERE ended_at IS NULL"),
    ).toBe(0);
    expect(await insert(db.client, "cut")).toBe("");
  });

  it("never deadlocks writers, whatever they lock and in whatever order", async () => {
    await makeTable(db, { table: "crowded", rows: SMALL });
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"throttle_max_delay_seconds\": 0.05}', 'crowded')",
    );
    const writers = await Promise.all(Array.from({ length: 5 }, () => db.connect()));
    let stop = false;
    const codes: string[] = [];
    const working = writers.map(async (writer, place) => {
      for (let turn = 0; !stop; turn++) {
        await writer.query("BEGIN");
        // Rows in rising order, as an application must; then inserts, single and bulk.
        await writer.query("SELECT FROM crowded WHERE id IN (1, 2, 21, 22) ORDER BY id FOR UPDATE");
        codes.push(
          await insert(writer, place % 2 === 0 ? "crowded" : "crowded_p1", (turn % 3) + 1),
        );
        await writer.query("UPDATE crowded SET payload = payload || '' WHERE id = 1");
        await writer.query("COMMIT");
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    });
    try {
      for (let round = 0; round < 2; round++) {
        const { action_id } = await throttle("crowded", { percent: 50 });
        await ticks(db, 2);
        await abort(action_id);
        await ticks(db, 1);
      }
    } finally {
      stop = true;
      await Promise.all(working);
    }
    expect(new Set(codes)).toEqual(new Set([""]));
    expect(await removed("crowded")).toBe(0);
  });
});
