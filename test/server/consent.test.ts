/**
 * Rows do not move where somebody could see it, on a server of its own with logical decoding and
 * pg_stat_statements: keys that an application computes, foreign keys made in the middle of an
 * action, real subscribers, DDL beside a batch.
 */
import type pg from "pg";
import { beforeEach, describe, expect, it } from "vitest";
import { pattern } from "../support/pattern.ts";
import {
  configure,
  HOT,
  IN_ONE_GO,
  makeTable,
  placement,
  places,
  ticks,
} from "./support/collection.ts";
import { cronServer, external } from "./support/cron.ts";
import { waitEnds } from "../support/patience.ts";

const db = external
  ? null!
  : await cronServer({
      suffix: "consent",
      settings: {
        wal_level: "logical",
        shared_preload_libraries: "pg_cron, pg_stat_statements",
        cluster_name: "consent",
      },
    });

const SLOW = { batch_rows: 50, slice_seconds: 0.01 };
const AT_ONCE = { batch_rows: 500, slice_seconds: 60 };
const register = (table: string, options: object = {}) =>
  db.value<{ limitations: { strategy: string; reason: string }[] }>(
    "SELECT ruvector_healing_register($1, $2)",
    [table, JSON.stringify(options)],
  );
const action = () =>
  db
    .rows<{ id: string; state: string; message: string; rows: number }>(
      `SELECT id::text, state, message, coalesce((progress ->> 'rows')::int, 0) AS rows
        FROM ruvector.healing_actions ORDER BY healing_actions.id DESC LIMIT 1`,
    )
    .then(([row]) => row!);
const sampled = (table: string) =>
  db.value<string>(
    `SELECT max(sampled_at)::text
      FROM ruvector.integrity_samples s JOIN ruvector.collections c USING (collection_id)
      WHERE c.table_name = $1`,
    [table],
  );

beforeEach(async () => {
  if (external) return;
  await configure(db, {
    ...IN_ONE_GO,
    ...AT_ONCE,
    learning_enabled: false,
    breaker_failures: 1000,
    strategy_retry_seconds: 0,
  });
  await db.client.query(
    `UPDATE ruvector.healing_actions SET state = 'failed', finished_at = clock_timestamp()
      WHERE finished_at IS NULL`,
  );
  await db.client.query(
    `SELECT ruvector_healing_unregister(format('%I.%I', schema_name, table_name))
      FROM ruvector.collections`,
  );
  await db.client.query(
    "DROP TABLE IF EXISTS r, child, log, c, other CASCADE; CREATE TABLE log (said text)",
  );
  await db.client.query(
    `CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO public.log VALUES (TG_NAME); RETURN coalesce(new, old); END $$`,
  );
});

/** Table c with a hot partition, in the middle of a rebalance that was asked for. */
async function midway(): Promise<void> {
  await makeTable(db, { table: "c", rows: HOT });
  await configure(db, SLOW);
  await db.client.query("SELECT ruvector_healing_execute('c', 'rebalance_partitions')");
  expect(await action()).toMatchObject({ state: "executing" });
  expect((await action()).rows).toBeGreaterThan(0);
}

describe.skipIf(external)("a key that the application computes", () => {
  it("is left alone: by-key reads find every row, an upsert makes no stale copy", async () => {
    await db.client.query(
      `CREATE TABLE r (shard_id int NOT NULL, doc uuid NOT NULL, chunk int NOT NULL,
        e vector(3) NOT NULL, body text, PRIMARY KEY (shard_id, doc, chunk))
        PARTITION BY LIST (shard_id)`,
    );
    for (let place = 0; place < 4; place++)
      await db.client.query(`CREATE TABLE r_${place} PARTITION OF r FOR VALUES IN (${place})`);
    await db.client.query(
      `CREATE OR REPLACE FUNCTION app_shard(uuid) RETURNS int IMMUTABLE LANGUAGE sql AS $$
        SELECT CASE WHEN $1::text < 'c' THEN 1 ELSE abs(hashtext($1::text)) % 4 END $$`,
    );
    await db.client.query(
      `INSERT INTO r SELECT app_shard(d), d, c, '[1,2,3]', 'v1' FROM (SELECT gen_random_uuid() d
        FROM generate_series(1,1000)) x, generate_series(1,5) c; ANALYZE r`,
    );
    const { limitations } = await register("r");
    expect(
      limitations.find(({ strategy }) => strategy === "rebalance_partitions")?.reason,
    ).toContain("nobody said that rows may move: the partition column shard_id");
    await ticks(db, 12);
    expect(
      await db.value("SELECT ruvector_healing_execute('r', 'rebalance_partitions') ->> 'outcome'"),
    ).toBe("deferred");
    expect(await db.value("SELECT count(*)::int FROM ruvector.healing_actions")).toBe(0);
    expect(
      await db.rows(
        `SELECT count(*)::int AS rows, count(*)
          FILTER (WHERE shard_id = app_shard(doc))::int AS found FROM r`,
      ),
    ).toEqual([{ rows: 5000, found: 5000 }]);
    await db.client.query(
      `INSERT INTO r SELECT app_shard(doc), doc, chunk, e, 'v2'
        FROM r ON CONFLICT (shard_id, doc, chunk) DO UPDATE SET body = excluded.body`,
    );
    expect(
      await db.rows(
        "SELECT count(*)::int AS rows, count(*) FILTER (WHERE body = 'v1')::int AS stale FROM r",
      ),
    ).toEqual([{ rows: 5000, stale: 0 }]);
    const text = await db.value<string>("SELECT ruvector_healing_explain('r')");
    expect(text).toMatch(
      pattern(
        /Why its rows are not moved\n {2}nobody said [^]*\n {4}/,
        /SELECT ruvector_healing_register\('public\.r', '\{"movable": true\}'\)/,
      ),
    );
    // What it says to type works, and then there is nothing of the kind to say.
    await db.client.query(/SELECT ruvector_healing_register\([^\n]*\)/.exec(text)![0]);
    expect(await db.value<string>("SELECT ruvector_healing_explain('r')")).not.toContain(
      "Why its rows are not moved",
    );
  });
});

describe.skipIf(external)("foreign keys made in the middle of an action", () => {
  it.each([
    ["ON UPDATE CASCADE", "ON UPDATE CASCADE"],
    ["deferred", "DEFERRABLE INITIALLY DEFERRED"],
  ])(
    "%s: no row of the other table is rewritten, other collections go on, and the action says why",
    async (_, how) => {
      await makeTable(db, { table: "other", rows: [50, 50] });
      await midway();
      await db.client
        .query(`CREATE TABLE child (p int, i bigint, CONSTRAINT follows FOREIGN KEY (p, i)
          REFERENCES c ${how}); INSERT INTO child SELECT partition_id, id FROM c;
      CREATE TRIGGER told AFTER UPDATE ON child FOR EACH ROW EXECUTE FUNCTION note()`);
      const child = () =>
        db.value<string>(
          `SELECT md5(string_agg(format('%s %s %s %s', ctid, xmin, p, i), ',' ORDER BY i))
            FROM child`,
        );
      const [before, between, seen] = [
        await child(),
        await places(db, "c"),
        await sampled("other"),
      ];
      await configure(db, AT_ONCE);
      await ticks(db, 4);
      expect(await child()).toBe(before);
      expect(await db.value("SELECT count(*)::int FROM log")).toBe(0);
      expect(await places(db, "c")).toBe(between);
      expect(await sampled("other")).not.toBe(seen);
      expect(await action()).toMatchObject({
        state: "failed",
        message: expect.stringMatching(/foreign keys point at the table: follows of /),
      });
      expect(await db.rows("SELECT errors::int, last_error FROM ruvector.healing_ticks")).toEqual([
        { errors: 0, last_error: null },
      ]);
      expect(
        await db.value("SELECT limitations::text FROM ruvector.collections WHERE table_name = 'c'"),
      ).toContain("follows of");
    },
  );
});

describe.skipIf(external)("a real subscriber", () => {
  let there: pg.Client;

  /**
   * A second database of the same server: it cannot make the slot itself, that would wait for its
   * own transaction.
   */
  async function subscribe(copy: string): Promise<void> {
    await db.client.query("CREATE DATABASE subscriber");
    const {
      default: { Client },
    } = await import("pg");
    there = new Client({ connectionString: db.server.url("subscriber") });
    await there.connect();
    await there.query("CREATE EXTENSION vector");
    await there.query(copy);
    await db.client.query("SELECT pg_create_logical_replication_slot('moves', 'pgoutput')");
    await there.query(
      `CREATE SUBSCRIPTION moves CONNECTION '${db.server.url().replace(/'/g, "''")}' PUBLICATION p
        WITH (create_slot = false, slot_name = 'moves')`,
    );
    for (const end = waitEnds(); ;) {
      const { rows } = await there.query(
        "SELECT bool_and(srsubstate = 'r') AS ready FROM pg_subscription_rel",
      );
      if (rows[0].ready === true || Date.now() > end) return expect(rows[0].ready).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async function gone(): Promise<void> {
    await there.query("DROP SUBSCRIPTION moves");
    await there.end();
    await db.client.query("DROP DATABASE subscriber WITH (FORCE)");
    await db.client.query("DROP PUBLICATION p");
  }

  /** Everything that was written until now has arrived: the row written last has. */
  async function arrived(id: number): Promise<{ rows: number; ids: number }> {
    await db.client.query(`INSERT INTO c VALUES (${id}, 3, 'last', '[1,2,3,4,5,6,7,8]')`);
    for (const end = waitEnds(); ;) {
      const {
        rows: [{ last, rows, ids }],
      } = await there.query(
        `SELECT count(*) FILTER (WHERE id = ${id})::int AS last, count(*)::int AS rows,
          count(DISTINCT id)::int AS ids FROM c`,
      );
      if (last > 0 || Date.now() > end) return { rows, ids };
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  const PLAIN = (table: string): string =>
    `CREATE TABLE ${table} (id bigint NOT NULL, partition_id int NOT NULL, payload text, ` +
    "embedding vector(8))";
  const PARTS = HOT.map(
    (_, place) => `CREATE TABLE c_p${place} PARTITION OF c FOR VALUES IN (${place})`,
  );
  const WHOLE = `${PLAIN("c")} PARTITION BY LIST (partition_id); ${PARTS.join("; ")}`;
  const ONE = `${PLAIN("c_p3")}; CREATE VIEW c AS SELECT * FROM c_p3`;

  it.each([
    {
      name: "of inserts alone",
      publication: "FOR TABLE c WITH (publish = 'insert')",
      copy: WHOLE,
      rows: 2101,
      reason: /publications.*p \(inserts and nothing else\)/,
    },
    {
      name: "of one partition",
      publication: "FOR TABLE c_p3",
      copy: ONE,
      rows: 1261,
      reason: /publications.*p \(of single partitions: c_p3/,
    },
  ])(
    "$name has each row once, and the loop says why it moves none",
    async ({ publication, copy, rows, reason }) => {
      await makeTable(db, { table: "c", rows: HOT, register: false });
      await db.client.query(`CREATE PUBLICATION p ${publication}`);
      await subscribe(copy);
      try {
        const { limitations } = await register("c", { movable: true });
        expect(
          limitations.find(({ strategy }) => strategy === "rebalance_partitions")?.reason,
        ).toMatch(reason);
        const before = await places(db, "c");
        await ticks(db, 6);
        expect(
          await db.value("SELECT ruvector_healing_execute('c', 'rebalance_partitions')"),
        ).toMatchObject({ reason: "not_applicable", message: expect.stringMatching(reason) });
        expect(await places(db, "c")).toBe(before);
        expect(await arrived(9001)).toEqual({ rows, ids: rows });
      } finally {
        await gone();
      }
    },
  );

  it("that comes in the middle of an action ends it, and has each row once", async () => {
    await midway();
    const between = await places(db, "c");
    await db.client.query("CREATE PUBLICATION p FOR TABLE c WITH (publish = 'insert')");
    await subscribe(WHOLE);
    try {
      await configure(db, AT_ONCE);
      await ticks(db, 3);
      expect(await action()).toMatchObject({
        state: "failed",
        message: expect.stringMatching(/publications pass a move on.*p \(inserts/),
      });
      expect(await places(db, "c")).toBe(between);
      expect(await arrived(9002)).toEqual({ rows: 2101, ids: 2101 });
    } finally {
      await gone();
    }
  });
});

describe.skipIf(external)("what would see a move", () => {
  it.each([
    [
      "a trigger",
      "CREATE TRIGGER watch AFTER UPDATE ON c FOR EACH ROW EXECUTE FUNCTION note()",
      /triggers would see the moves: watch/,
    ],
    [
      "a trigger of a partition",
      "CREATE TRIGGER leaf AFTER DELETE ON c_p3 FOR EACH ROW EXECUTE FUNCTION note()",
      /triggers would see the moves: leaf/,
    ],
    [
      "a foreign key",
      "ALTER TABLE child ADD CONSTRAINT follows FOREIGN KEY (p, i) REFERENCES c ON UPDATE CASCADE",
      /foreign keys point at the table: follows/,
    ],
    [
      "a foreign key of its own",
      "ALTER TABLE c ADD CONSTRAINT points FOREIGN KEY (partition_id) REFERENCES keys",
      /the table has foreign keys: points/,
    ],
  ])(
    "%s waits for the batch that is at work, and ends the action before the next",
    async (_, make, reason) => {
      await makeTable(db, { table: "c", rows: HOT });
      await db.client.query(
        `DROP TABLE IF EXISTS keys; CREATE TABLE keys (id int PRIMARY KEY); INSERT INTO keys
          SELECT generate_series(0, 99); CREATE TABLE child (p int, i bigint)`,
      );
      await configure(db, SLOW);
      const second = await db.connect();
      const pid = (await second.query("SELECT pg_backend_pid() AS pid")).rows[0].pid as number;
      await db.client.query("BEGIN");
      await db.client.query("SELECT ruvector_healing_execute('c', 'rebalance_partitions')");
      const made = second.query(make);
      expect(
        await db.until<boolean>(
          "SELECT pg_backend_pid() = ANY (pg_blocking_pids($1))",
          (blocked) => blocked,
          [pid],
        ),
      ).toBe(true);
      const moved = (await action()).rows;
      expect(moved).toBeGreaterThan(0);
      await db.client.query("COMMIT");
      await made;
      const between = await places(db, "c");
      await db.client.query("TRUNCATE log");
      await configure(db, AT_ONCE);
      await ticks(db, 3);
      expect(await action()).toMatchObject({ rows: moved, message: expect.stringMatching(reason) });
      expect(["failed", "rollback_failed"]).toContain((await action()).state);
      expect(await places(db, "c")).toBe(between);
      expect(await db.value("SELECT count(*)::int FROM log")).toBe(0);
      expect(Object.values(await placement(db, "c")).reduce((a, b) => a + b)).toBe(2100);
      await db.client.query("DROP TABLE c, keys, child CASCADE");
      await second.end();
    },
  );
});
