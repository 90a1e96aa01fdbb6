/**
 * Everything that could see a move, wait for it or be hurt by it: found at registration, and when
 * it is made between plan and batch, or between batches.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  configure,
  HOT,
  IN_ONE_GO,
  makeTable,
  placement,
  places,
  ticks,
} from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;
/** Roles belong to the server: of this run alone, and gone with it. */
const another = `another_owner_${process.pid}`;
beforeAll(async () => {
  db = await testDatabase();
  await configure(db, {
    ...IN_ONE_GO,
    learning_enabled: false,
    breaker_failures: 1000,
    strategy_retry_seconds: 0,
    max_active_actions: 1000,
  });
  await db.client.query(`
    CREATE TABLE log (said text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log
      VALUES (TG_NAME); RETURN coalesce(new, old); END $$;
    CREATE TABLE documents (id int PRIMARY KEY); INSERT INTO documents VALUES (1);
    CREATE ROLE ${another}`);
});
afterAll(() => db.client.query(`DROP OWNED BY ${another} CASCADE; DROP ROLE ${another}`));

interface Condition {
  readonly name: string;
  /** On table c, c_p3 is the hot partition. */
  readonly make: string;
  readonly drop: string;
  readonly reason: RegExp;
  /**
   * It lies on a partition that no move touches, or hurts nobody where rows go back: then they do.
   */
  readonly back?: true;
}

const CONDITIONS: readonly Condition[] = [
  {
    name: "a trigger",
    make: "CREATE TRIGGER watch BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION note()",
    drop: "DROP TRIGGER watch ON c",
    reason: /triggers would see the moves: watch/,
  },
  {
    name: "a trigger of a partition",
    make: "CREATE TRIGGER leaf BEFORE DELETE ON c_p3 FOR EACH ROW EXECUTE FUNCTION note()",
    drop: "DROP TRIGGER leaf ON c_p3",
    reason: /triggers.*leaf/,
  },
  {
    name: "a deferred trigger",
    make:
      "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON c DEFERRABLE INITIALLY DEFERRED FOR EACH " +
      "ROW EXECUTE FUNCTION note()",
    drop: "DROP TRIGGER late ON c",
    reason: /triggers.*late/,
  },
  {
    name: "a rule",
    make: "CREATE RULE twice AS ON UPDATE TO c DO ALSO INSERT INTO log VALUES ('rule')",
    drop: "DROP RULE twice ON c",
    reason: /rules would rewrite the moves: twice/,
  },
  {
    name: "a rule that swallows",
    make: "CREATE RULE none AS ON UPDATE TO c DO INSTEAD NOTHING",
    drop: "DROP RULE none ON c",
    reason: /rules.*none/,
  },
  {
    name: "a foreign key with ON UPDATE CASCADE",
    make: `CREATE TABLE child (p int, i bigint, CONSTRAINT follows FOREIGN KEY (p, i)
      REFERENCES c ON UPDATE CASCADE); INSERT INTO child SELECT partition_id, id FROM c;
           CREATE TRIGGER told AFTER UPDATE ON child FOR EACH ROW EXECUTE FUNCTION note()`,
    drop: "DROP TABLE child",
    reason: /foreign keys point at the table: follows of (?:public\.)?child/,
  },
  {
    name: "a deferred foreign key",
    make:
      "CREATE TABLE child (p int, i bigint, CONSTRAINT waits FOREIGN KEY (p, i) REFERENCES c " +
      "DEFERRABLE INITIALLY DEFERRED); INSERT INTO child SELECT partition_id, id FROM c",
    drop: "DROP TABLE child",
    reason: /foreign keys point.*waits/,
  },
  {
    name: "a foreign key at a partition",
    make: "CREATE TABLE child (p int, i bigint, CONSTRAINT one FOREIGN KEY (p, i) REFERENCES c_p3)",
    drop: "DROP TABLE child",
    reason: /foreign keys point.*one/,
  },
  {
    name: "a foreign key of its own",
    make: "ALTER TABLE c ADD CONSTRAINT of_document FOREIGN KEY (document) REFERENCES documents",
    drop: "ALTER TABLE c DROP CONSTRAINT of_document",
    reason: /the table has foreign keys: of_document to/,
  },
  {
    name: "a deferred foreign key of its own",
    make:
      "ALTER TABLE c ADD CONSTRAINT of_document FOREIGN KEY (document) REFERENCES documents " +
      "DEFERRABLE INITIALLY DEFERRED",
    drop: "ALTER TABLE c DROP CONSTRAINT of_document",
    reason: /of_document/,
  },
  {
    name: "a publication of inserts",
    make: "CREATE PUBLICATION p FOR TABLE c WITH (publish = 'insert')",
    drop: "DROP PUBLICATION p",
    reason: /publications.*p \(inserts and nothing else\)/,
  },
  {
    name: "a publication of one partition",
    make: "CREATE PUBLICATION p FOR TABLE c_p3",
    drop: "DROP PUBLICATION p",
    reason: /p \(of single partitions: c_p3, all operations\)/,
  },
  {
    name: "a publication with a row filter",
    make:
      "CREATE PUBLICATION p FOR TABLE c WHERE (partition_id < 3) WITH " +
      "(publish_via_partition_root)",
    drop: "DROP PUBLICATION p",
    reason: /with a row filter/,
  },
  {
    name: "a publication with a column list",
    make: "CREATE PUBLICATION p FOR TABLE c (partition_id, id) WITH (publish_via_partition_root)",
    drop: "DROP PUBLICATION p",
    reason: /with a column list/,
  },
  {
    name: "a publication of all tables",
    make: "CREATE PUBLICATION p FOR ALL TABLES",
    drop: "DROP PUBLICATION p",
    reason: /p \(for all tables, all operations\)/,
  },
  {
    name: "a publication of the schema",
    make: "CREATE PUBLICATION p FOR TABLES IN SCHEMA public",
    drop: "DROP PUBLICATION p",
    reason: /p \(for the schema, all operations\)/,
  },
  {
    name: "an exclusion constraint",
    make: "ALTER TABLE c_p3 ADD CONSTRAINT apart EXCLUDE (id WITH =)",
    drop: "ALTER TABLE c_p3 DROP CONSTRAINT apart",
    reason: /exclusion constraints: apart/,
  },
  {
    name: "a partial unique index",
    make: "CREATE UNIQUE INDEX few ON c_p3 (payload) WHERE id < 0",
    drop: "DROP INDEX few",
    reason: /unique indexes with a predicate.*few/,
  },
  {
    name: "a unique index that takes NULLs for equal",
    make: "CREATE UNIQUE INDEX nulls ON c_p3 (id, payload) NULLS NOT DISTINCT",
    drop: "DROP INDEX nulls",
    reason: /nulls/,
  },
  {
    name: "a unique index on an extension's type, whose = is not PostgreSQL's own",
    make: "CREATE UNIQUE INDEX alike ON c_p3 (id, embedding)",
    drop: "DROP INDEX alike",
    reason: /an extension's type.*alike/,
  },
  {
    name: "a deferrable unique constraint",
    make:
      "ALTER TABLE c ADD CONSTRAINT late UNIQUE (partition_id, id, payload) DEFERRABLE " +
      "INITIALLY DEFERRED",
    drop: "ALTER TABLE c DROP CONSTRAINT late",
    reason: /may wait for the commit: .*late|may wait for the commit: c_p0/,
  },
  {
    name: "a generated column that follows from the partition",
    make: "ALTER TABLE c ADD COLUMN made int GENERATED ALWAYS AS (partition_id * 2) STORED",
    drop: "ALTER TABLE c DROP COLUMN made",
    reason: /generated columns follow from the partition: made/,
  },
  {
    name: "row-level security",
    make: "ALTER TABLE c ENABLE ROW LEVEL SECURITY; ALTER TABLE c FORCE ROW LEVEL SECURITY",
    drop: "ALTER TABLE c NO FORCE ROW LEVEL SECURITY; ALTER TABLE c DISABLE ROW LEVEL SECURITY",
    reason: /row-level security/,
  },
  {
    name: "a partition of another role",
    make: `ALTER TABLE c_p3 OWNER TO ${another}`,
    drop: "ALTER TABLE c_p3 OWNER TO CURRENT_USER",
    reason: /partitions belong to other roles than the table: c_p3 of another_owner_\d+/,
  },
  {
    name: "a policy that reads the partition column",
    make:
      "ALTER TABLE c ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON c USING (partition_id = " +
      "current_setting('app.shard')::int)",
    drop: "DROP POLICY own ON c; ALTER TABLE c DISABLE ROW LEVEL SECURITY",
    reason: /row-level security decides by where a row is: own on (?:public\.)?c/,
    back: true,
  },
  {
    name: "a policy that reads the whole row",
    make:
      "CREATE FUNCTION mine(c) RETURNS boolean LANGUAGE sql AS 'SELECT $1.partition_id = 3'; " +
      "ALTER TABLE c ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON c USING (mine(c))",
    drop: "DROP POLICY own ON c; DROP FUNCTION mine(c); ALTER TABLE c DISABLE ROW LEVEL SECURITY",
    reason: /by where a row is: own on/,
    back: true,
  },
  {
    name: "a policy of another table that reads the partition column",
    make:
      "CREATE TABLE child (i bigint); ALTER TABLE child ENABLE ROW LEVEL SECURITY; CREATE POLICY " +
      "hot ON child USING (EXISTS (SELECT FROM c WHERE c.id = i AND c.partition_id = 3))",
    drop: "DROP TABLE child",
    reason: /by where a row is: hot on (?:public\.)?child/,
    back: true,
  },
  {
    name: "a policy that reads tableoid",
    make:
      "ALTER TABLE c ENABLE ROW LEVEL SECURITY; CREATE POLICY hot ON c USING (tableoid = " +
      "'c_p3'::regclass)",
    drop: "DROP POLICY hot ON c; ALTER TABLE c DISABLE ROW LEVEL SECURITY",
    reason: /by where a row is: hot on/,
    back: true,
  },
  {
    name: "row-level security of a partition",
    make: "ALTER TABLE c_p1 ENABLE ROW LEVEL SECURITY",
    drop: "ALTER TABLE c_p1 DISABLE ROW LEVEL SECURITY",
    reason: /by where a row is: row-level security of c_p1/,
    back: true,
  },
  {
    name: "a role that may read one partition",
    make: `GRANT SELECT ON c_p1 TO ${another}`,
    drop: `REVOKE SELECT ON c_p1 FROM ${another}`,
    reason: /roles may read single partitions and not the table: another_owner_\d+ on c_p1/,
    back: true,
  },
  {
    name: "a role that may read columns of one partition",
    make: `GRANT SELECT (id) ON c_p1 TO ${another}`,
    drop: `REVOKE SELECT (id) ON c_p1 FROM ${another}`,
    reason: /single partitions and not the table: another_owner_\d+ on c_p1 \(id\)/,
    back: true,
  },
  {
    name: "a view of a partition",
    make: "CREATE VIEW hottest AS SELECT id, payload FROM c_p3 WHERE id > 0",
    drop: "DROP VIEW hottest",
    reason: /views, functions or policies read single partitions: (?:public\.)?hottest of c_p3/,
    back: true,
  },
  {
    name: "a materialized view of some partitions",
    make:
      "CREATE MATERIALIZED VIEW several AS SELECT count(*) FROM (SELECT FROM c_p1 UNION ALL " +
      "SELECT FROM c_p2) both_of_them",
    drop: "DROP MATERIALIZED VIEW several",
    reason: /policies read single partitions: (?:public\.)?several of c_p1 and 1 more/,
    back: true,
  },
  {
    name: "a function whose body was parsed",
    make:
      "CREATE FUNCTION hot_ids() RETURNS SETOF bigint " +
      "BEGIN ATOMIC SELECT id::bigint FROM c_p3; END",
    drop: "DROP FUNCTION hot_ids()",
    reason: /policies read single partitions: function (?:public\.)?hot_ids\(\) of c_p3/,
    back: true,
  },
  {
    name: "a policy of another table",
    make:
      "CREATE TABLE beside (id int); CREATE POLICY hot ON beside " +
      "USING (EXISTS (SELECT FROM c_p3 h WHERE h.id = beside.id))",
    drop: "DROP TABLE beside",
    reason: /policies read single partitions: policy hot on (?:public\.)?beside of c_p3/,
    back: true,
  },
  {
    name: "an UNLOGGED partition",
    make: "ALTER TABLE c_p1 SET UNLOGGED",
    drop: "ALTER TABLE c_p1 SET LOGGED",
    reason: /UNLOGGED beside others that are not: c_p1/,
    back: true,
  },
  {
    name: "a partition of another access method",
    make:
      "CREATE ACCESS METHOD columns TYPE TABLE HANDLER heap_tableam_handler; ALTER TABLE c_p1 " +
      "SET ACCESS METHOD columns",
    drop: "ALTER TABLE c_p1 SET ACCESS METHOD heap; DROP ACCESS METHOD columns",
    reason: /stored by another access method than others: c_p1 \(columns\)/,
    back: true,
  },
  {
    name: "a CHECK of the partition column and another",
    make: "ALTER TABLE c ADD CONSTRAINT place CHECK (partition_id < 8 OR id % 8 = partition_id)",
    drop: "ALTER TABLE c DROP CONSTRAINT place",
    reason: /constraints say which rows a partition takes: place on (?:public\.)?c/,
    back: true,
  },
  {
    name: "a CHECK of a partition",
    make: "ALTER TABLE c_p1 ADD CONSTRAINT small CHECK (id < 1000000)",
    drop: "ALTER TABLE c_p1 DROP CONSTRAINT small",
    reason: /constraints say.*small on (?:public\.)?c_p1/,
    back: true,
  },
  {
    name: "a NOT NULL of a partition",
    make: "ALTER TABLE c_p1 ALTER payload SET NOT NULL",
    drop: "ALTER TABLE c_p1 ALTER payload DROP NOT NULL",
    reason: /constraints say.*NOT NULL of payload on c_p1/,
    back: true,
  },
  {
    name: "a table above it",
    make:
      "CREATE TABLE above (LIKE c) PARTITION BY RANGE (id); ALTER TABLE above ATTACH PARTITION c " +
      "FOR VALUES FROM (0) TO (1000000)",
    drop: "ALTER TABLE above DETACH PARTITION c; DROP TABLE above",
    reason: /the table is a partition of another one: (?:public\.)?above/,
  },
  {
    name: "another primary key",
    make:
      "ALTER TABLE c DROP CONSTRAINT c_pkey; ALTER TABLE c ADD PRIMARY KEY (partition_id, id, " +
      "payload)",
    drop: "",
    reason: /not the one it was registered with/,
  },
  {
    name: "a trigger of a partition that no move touches",
    make:
      "CREATE TABLE c_p9 PARTITION OF c FOR VALUES IN (9); CREATE TRIGGER elsewhere AFTER " +
      "DELETE ON c_p9 FOR EACH ROW EXECUTE FUNCTION note()",
    drop: "DROP TABLE c_p9",
    reason: /triggers.*elsewhere/,
    back: true,
  },
  {
    name: "a partition that is partitioned",
    make: "CREATE TABLE c_p9 PARTITION OF c FOR VALUES IN (9) PARTITION BY HASH (id)",
    drop: "DROP TABLE c_p9",
    reason: /partitioned themselves: c_p9/,
    back: true,
  },
  {
    name: "consent taken back",
    make: "SELECT ruvector_healing_register('c', '{\"movable\": false}')",
    drop: "",
    reason: /registered with movable = false/,
    back: true,
  },
];

const REGISTER = "SELECT ruvector_healing_register('c', '{\"movable\": true}')";

async function table(): Promise<void> {
  // One that failed must not fail those behind it.
  await db.client.query(
    `UPDATE ruvector.healing_actions SET state = 'failed', finished_at = clock_timestamp()
      WHERE finished_at IS NULL; DROP TABLE IF EXISTS child; DROP PUBLICATION IF EXISTS p`,
  );
  await db.client.query(
    `SELECT ruvector_healing_unregister(format('%I.%I', schema_name, table_name))
      FROM ruvector.collections; DROP TABLE IF EXISTS c CASCADE; TRUNCATE log`,
  );
  await makeTable(db, { table: "c", rows: HOT, register: false });
  await db.client.query("ALTER TABLE c ADD COLUMN document int NOT NULL DEFAULT 1");
}

const action = () =>
  db
    .rows<{ id: string; state: string; message: string; rows: number }>(
      `SELECT id::text, state, message, coalesce((progress ->> 'rows')::int, 0) AS rows
        FROM ruvector.healing_actions ORDER BY healing_actions.id DESC LIMIT 1`,
    )
    .then(([row]) => row!);
/** Ticks until it has ended, three at most. */
const tickToEnd = async (): Promise<void> => {
  for (let turn = 0; turn < 3 && (await action()).state !== "failed"; turn++) await ticks(db, 1);
};
const seen = () => db.value<number>("SELECT count(*)::int FROM log");
const kept = () => db.value<string>("SELECT limitations::text FROM ruvector.collections");

describe.each(CONDITIONS)("$name", ({ name, make, drop, reason, back }) => {
  const registers = !/consent|primary key|above/.test(name);

  it.runIf(registers)("made before registration is named, and nothing moves", async () => {
    await table();
    await db.client.query(make);
    const { limitations } = await db.value<{ limitations: { strategy: string; reason: string }[] }>(
      REGISTER,
    );
    expect(
      limitations
        .filter(({ strategy }) => strategy === "rebalance_partitions")
        .map((one) => one.reason)
        .join("\n"),
    ).toMatch(reason);
    const before = await places(db, "c");
    expect(
      await db.value("SELECT ruvector_healing_execute('c', 'rebalance_partitions')"),
    ).toMatchObject({
      outcome: "deferred",
      reason: "not_applicable",
      message: expect.stringMatching(reason),
    });
    expect(await places(db, "c")).toBe(before);
    await db.client.query(drop);
    // What is kept follows the table, without a new registration.
    await db.client.query("SELECT ruvector_integrity_sample('c')");
    expect(await kept()).not.toMatch(reason);
    expect(
      await db.value(
        "SELECT ruvector_healing_execute('c', 'rebalance_partitions', '{\"dry_run\": true}') " +
          "->> 'outcome'",
      ),
    ).toBe("dry_run");
  });

  it("made after the plan stops it before the first row", async () => {
    await table();
    await db.client.query(REGISTER);
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"require_approval\": [\"hotspot_congestion\"]}', 'c')",
    );
    const { action_id } = await db.value<{ action_id: number }>(
      "SELECT ruvector_healing_trigger('c')",
    );
    await db.client.query("SELECT ruvector_healing_approve($1)", [action_id]);
    await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": false}', 'c')");
    const was = await action();
    if (was.state !== "planned")
      await db.client.query("UPDATE ruvector.healing_actions SET state = 'planned' WHERE id = $1", [
        action_id,
      ]);
    const before = await places(db, "c");
    await db.client.query(make);
    await db.client.query("TRUNCATE log");
    await tickToEnd();
    expect(await places(db, "c")).toBe(before);
    expect(await seen()).toBe(0);
    expect(await action()).toMatchObject({
      id: String(action_id),
      state: "failed",
      rows: 0,
      message: expect.stringMatching(reason),
    });
    expect(await db.value("SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
    await db.client.query(drop);
  });

  it(
    "made between two batches stops it, and rows " +
      `${back ? "go back" : "stay where they are until they may go back"}`,
    async () => {
      await table();
      await db.client.query(REGISTER);
      const untouched = await places(db, "c");
      await db.client.query(
        "SELECT ruvector_healing_configure('{\"batch_rows\": 50, \"slice_seconds\": 0.01}', 'c')",
      );
      await db.client.query("SELECT ruvector_healing_execute('c', 'rebalance_partitions')");
      const { rows, state } = await action();
      expect(rows).toBeGreaterThan(0);
      expect(state).toBe("executing");
      const routes = () =>
        db.value<string>(
          `SELECT string_agg(weight::text, ',' ORDER BY partition_key) FROM ruvector.healing_routes
          WHERE partition_key <> '9'`,
        );
      expect(await routes()).not.toBe("1,1,1,1,1,1,1,1");
      const between = await places(db, "c");
      await db.client.query(make);
      await db.client.query(
        'TRUNCATE log; SELECT ruvector_healing_configure(\'{"enabled": false, ' +
          "\"slice_seconds\": 60}', 'c')",
      );
      await tickToEnd();
      const ended = await action();
      expect(ended).toMatchObject({ state: "failed", message: expect.stringMatching(reason) });
      expect(await places(db, "c")).toBe(back ? untouched : between);
      expect(await routes()).toBe("1,1,1,1,1,1,1,1");
      expect(await seen()).toBe(0);
      expect(await db.value("SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
      if (back || drop === "") return;
      expect(ended.message).toContain(`${rows} rows stay where they went`);
      // A person who asks is told the same, or has their trigger fired; what the message says to
      // type works once the reason is gone.
      const typed = /SELECT ruvector_healing_rollback\([^)]*\);/.exec(ended.message)![0];
      if (!/trigger/.test(name)) {
        expect(await db.value(typed)).toMatchObject({ rows_left: expect.any(Number) });
        expect(await places(db, "c")).toBe(between);
        expect(await action()).toMatchObject({
          state: "rollback_failed",
          message: expect.stringMatching(reason),
        });
        await db.client.query(drop);
      }
      await db.value(typed);
      expect(await places(db, "c")).toBe(untouched);
      if (/trigger/.test(name)) {
        // That of the partition sees deletes, and rows come back to it.
        if (!/partition/.test(name)) expect(await seen()).toBeGreaterThan(0);
        await db.client.query(drop);
      }
      expect(Object.values(await placement(db, "c")).reduce((a, b) => a + b)).toBe(2100);
    },
  );
});

it("a view of the table, of all partitions, or of what it may not read stops no move", async () => {
  await table();
  const all = HOT.map((_, place) => `SELECT id FROM c_p${place}`).join(" UNION ALL ");
  await db.client.query(`CREATE VIEW whole AS SELECT id FROM c; CREATE VIEW each AS ${all}`);
  await db.client.query(`CREATE SCHEMA theirs AUTHORIZATION ${another}; SET ROLE ${another};
    CREATE VIEW theirs.forbidden AS SELECT id FROM public.c_p3; RESET ROLE`);
  const { limitations } = await db.value<{ limitations: { strategy: string }[] }>(REGISTER);
  expect(limitations.map(({ strategy }) => strategy)).not.toContain("rebalance_partitions");
  expect(
    await db.value("SELECT ruvector_healing_execute('c', 'rebalance_partitions')"),
  ).not.toMatchObject({ outcome: "deferred" });
  await ticks(db, 2);
  expect(await db.value("SELECT count(*)::int FROM each")).toBe(2100);
});

it("a partition of a role without trust is told, with no empty brackets behind it", async () => {
  await table();
  await db.client.query(`ALTER TABLE c_p3 OWNER TO ${another}`);
  const { limitations } = await db.value<{ limitations: { strategy: string; reason: string }[] }>(
    REGISTER,
  );
  const told = limitations.find(({ strategy }) => strategy === "compact_indexes");
  expect(told?.reason).toMatch(
    /whatever another_owner_\d+ adds to (?:public\.)?c_p3, a partition of a table of \w+$/,
  );
});
