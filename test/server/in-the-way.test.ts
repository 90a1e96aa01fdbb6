/**
 * A transaction that was open before: VACUUM keeps the rows it may see, CREATE INDEX CONCURRENTLY
 * waits for it until its time is over. Both name it.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, QUICK } from "./support/collection.ts";
import { cronServer, external } from "./support/cron.ts";
import { ticking } from "./support/ticking.ts";

describe.skipIf(external)("an open transaction", async () => {
  const db = external
    ? (undefined as never)
    : await cronServer({
        suffix: "inway",
        settings: { max_prepared_transactions: "2" },
      });

  interface Action {
    readonly state: string;
    readonly message: string;
  }
  const action = async (table: string) =>
    (
      await db.rows<Action>(
        `SELECT state, message
           FROM ruvector.healing_actions WHERE collection = 'public.' || $1
          ORDER BY id DESC LIMIT 1`,
        [table],
      )
    )[0]!;
  const began = async (table: string, strategy: string) => {
    const answer = await db.value("SELECT ruvector_healing_execute($1, $2)", [table, strategy]);
    expect(answer, JSON.stringify(answer)).toMatchObject({ outcome: "started" });
  };

  beforeAll(async () => {
    await configure(db, {
      ...QUICK,
      enabled: false,
      recall_budget_ms: 60_000,
      preflight_transaction_seconds: 3600,
      fragmentation_pct: [97, 98, 99],
    });
    for (const table of ["vacuumed", "built"])
      await db.client.query(`
        CREATE TABLE ${table} (id int PRIMARY KEY, e vector(16)) WITH (autovacuum_enabled = off);
        INSERT INTO ${table} SELECT g, (SELECT array_agg(random()) FROM generate_series(1, 16)
          WHERE g > 0)::vector FROM generate_series(1, 1000) g;
        CREATE INDEX ON ${table} USING hnsw (e vector_l2_ops); ANALYZE ${table};
        SELECT ruvector_healing_register('${table}')`);
  });

  it("is named by the vacuum that it made vain, and by the build that waited for it", async () => {
    const holder = await db.connect();
    await holder.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    const pid = (await holder.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]!
      .pid;
    for (const table of ["vacuumed", "built"]) {
      await db.value("SELECT ruvector_integrity_sample($1)", [table]);
      for (let round = 0; round < 8; round++)
        await db.client.query(`UPDATE ${table} SET e = (SELECT array_agg(random())
          FROM generate_series(1, 16) WHERE ${table}.id > 0)::vector`);
      await db.client.query("SELECT pg_stat_force_next_flush()");
      await db.value("SELECT ruvector_integrity_sample($1)", [table]);
    }
    await began("vacuumed", "vacuum_index");
    await began("built", "rebuild_index");
    const ended = async (table: string) => (await action(table)).state === "failed";
    expect(await ticking(db, () => ended("vacuumed")), (await action("vacuumed")).message).toBe(
      true,
    );
    const vain = await action("vacuumed");
    expect(vain.message).toMatch(
      /vacuumed was vacuumed, and \S+ of its \S+ dead rows stay: a transaction has been open for/,
    );
    expect(vain.message).toContain(`pid ${pid} `);
    const waits = `waits for pid ${pid}`;
    expect(
      await ticking(db, async () => (await action("built")).message.includes(waits)),
      JSON.stringify(await action("built")),
    ).toBe(true);
    await db.client.query("UPDATE ruvector.healing_jobs SET deadline = now()");
    expect(await ticking(db, () => ended("built")), (await action("built")).message).toBe(true);
    expect((await action("built")).message).toContain(`SELECT pg_terminate_backend(${pid}); ends`);
    await holder.query("ROLLBACK");
  });

  it("a prepared one is named with what ends it, though a lock was met before", async () => {
    const vectors =
      "(SELECT array_agg(random()) FROM generate_series(1, 16) WHERE g > 0)::vector " +
      "FROM generate_series";
    await db.client.query(`
      CREATE TABLE prepared (id int PRIMARY KEY, e vector(16)) WITH (autovacuum_enabled = off);
      INSERT INTO prepared SELECT g, ${vectors}(1, 300) g;
      CREATE INDEX prepared_e ON prepared USING hnsw (e vector_l2_ops); ANALYZE prepared;
      SELECT ruvector_healing_register('prepared')`);
    const lambda = async () =>
      (await db.value<{ lambda: number }>("SELECT ruvector_integrity_sample('prepared')")).lambda;
    expect(await lambda()).toBe(1);
    const other = await db.connect();
    await other.query("BEGIN; LOCK TABLE prepared IN ACCESS EXCLUSIVE MODE");
    expect(await lambda()).toBe(1);
    await other.query("ROLLBACK; BEGIN");
    await other.query(`INSERT INTO prepared SELECT g, ${vectors}(301, 2500) g`);
    await other.query("PREPARE TRANSACTION 'it''s left'");
    await other.end();
    expect(await lambda()).toBe(1);
    const untold = await db.value<{ what: string; hint: string }[]>(
      "SELECT unmeasured FROM ruvector_integrity_status('prepared')",
    );
    const { hint } = untold.find(({ what }) => what === "recall of public.prepared_e")!;
    const [, statement] = /(ROLLBACK PREPARED .*?;)/.exec(hint)!;
    await db.client.query(statement!);
    expect(await db.rows("SELECT gid FROM pg_prepared_xacts")).toEqual([]);
  });

  it("a vacuum leaves the empty end of a table: cutting it off locks readers out", async () => {
    const vectors =
      "(SELECT array_agg(random()) FROM generate_series(1, 16) WHERE g > 0)::vector " +
      "FROM generate_series";
    await db.client.query(`
      CREATE TABLE tail (id int PRIMARY KEY, e vector(16))
        WITH (autovacuum_enabled = off);
      INSERT INTO tail SELECT g, ${vectors}(1, 300) g;
      CREATE INDEX ON tail USING hnsw (e vector_l2_ops); ANALYZE tail;
      SELECT ruvector_healing_register('tail');
      SELECT ruvector_healing_configure('{"search_cost_ratio": 10}', 'tail')`);
    await db.value("SELECT ruvector_integrity_sample('tail')");
    await db.client.query(`INSERT INTO tail SELECT g, ${vectors}(301, 2700) g`);
    await db.client.query("DELETE FROM tail WHERE id > 300");
    await db.client.query("SELECT pg_stat_force_next_flush()");
    await db.value("SELECT ruvector_integrity_sample('tail')");
    const pages = () => db.value<number>("SELECT pg_relation_size('tail')::int / 8192");
    const before = await pages();
    await began("tail", "vacuum_index");
    await db.client.query("CALL ruvector_healing_tick()");
    // As pg_cron would run it within a minute.
    const command = await db.value<string>(
      "SELECT command FROM ruvector.healing_jobs ORDER BY id DESC LIMIT 1",
    );
    expect(command).toContain("public.tail");
    await db.client.query(command);
    expect(await pages()).toBe(before);
  });
});
