/**
 * What people have changed and not committed yet: an index's comment, pg_cron's jobs, a role's
 * setting. The loop waits for none of it, where nobody can be asked with NOWAIT. Each of these
 * tests ends by its time where a tick waits. Builds are jobs of pg_cron, which share a minute.
 */
import { describe, expect, it } from "vitest";
import { configure, QUICK } from "./support/collection.ts";
import { cronServer, external } from "./support/cron.ts";
import { ticking } from "./support/ticking.ts";
import { insertClusters, makeDrifted } from "./support/vectors.ts";

describe.skipIf(external)("a change that is not committed", async () => {
  const db = external ? (undefined as never) : await cronServer({ suffix: "open" });

  const action = async (table: string) =>
    (
      await db.rows<{ state: string; message: string }>(
        `SELECT state, message FROM ruvector.healing_actions
          WHERE collection = 'public.' || $1 ORDER BY id DESC LIMIT 1`,
        [table],
      )
    )[0]!;
  const said = (table: string, what: RegExp) => async () =>
    what.test((await action(table)).message);
  const comes = async (table: string, what: RegExp) =>
    expect(await ticking(db, said(table, what)), JSON.stringify(await action(table))).toBe(true);
  const done = async (table: string, state: string) =>
    expect(
      await ticking(db, async () => (await action(table)).state === state),
      JSON.stringify(await action(table)),
    ).toBe(true);
  const execute = async (table: string, strategy: string, params = {}) =>
    expect(
      await db.value("SELECT ruvector_healing_execute($1, $2, $3)", [table, strategy, params]),
    ).toMatchObject({ outcome: expect.stringMatching(/^(started|stabilizing)$/) });

  it("of an index or of pg_cron's jobs holds up neither the loop nor a reader", async () => {
    await configure(db, {
      ...QUICK,
      enabled: false,
      recall_budget_ms: 60_000,
      recall_trial_ms: 60_000,
    });
    await makeDrifted(db, "alone", { index: "alone_idx" });
    await db.client.query(`
      CREATE TABLE whole (id bigserial, part int DEFAULT 0, embedding vector(8),
        PRIMARY KEY (part, id)) PARTITION BY LIST (part);
      CREATE TABLE whole_0 PARTITION OF whole FOR VALUES IN (0)`);
    await insertClusters(db, "whole", { rows: 500, clusters: 20 });
    await db.client.query(
      "CREATE INDEX whole_idx ON whole USING ivfflat (embedding vector_l2_ops) WITH (lists = 20)",
    );
    await insertClusters(db, "whole", { rows: 5500, clusters: 10, first: 1000, at: 50 });
    await db.client.query("ANALYZE whole; SELECT ruvector_healing_register('whole')");
    for (const table of ["alone", "whole"]) await execute(table, "rebuild_centroids");
    await db.client.query("CALL ruvector_healing_tick()");

    const commenting = await db.connect();
    await commenting.query(`BEGIN; COMMENT ON INDEX alone_idx IS 'ours';
      COMMENT ON INDEX whole_0_embedding_idx IS 'ours'`);
    const purging = await db.connect();
    await purging.query("BEGIN; UPDATE cron.job SET active = active");
    await comes("alone", /has ended as succeeded: another session is changing pg_cron's jobs/);
    expect(await db.value("SELECT count(*)::int FROM cron.job")).toBe(2);
    await purging.query("COMMIT");

    await comes("alone", /is built; public\.alone is being vacuumed or altered/);
    await comes("whole", /public\.whole and its partitions have to be free for an instant/);
    expect(await db.value("SELECT count(*)::int FROM whole")).toBe(6000);
    await commenting.query("COMMIT");
    for (const table of ["alone", "whole"]) await done(table, "succeeded");
    expect(await db.value("SELECT obj_description('alone_idx'::regclass)")).toBe("ours");
    expect(await db.value("SELECT count(*)::int FROM cron.job")).toBe(0);
  });

  it("is not made by dropping a kept index while all is measured: that comes last", async () => {
    // Whether what drops it has taken its sample before, in the same transaction.
    await db.client.query(`
      CREATE TABLE dropped (sampled boolean);
      CREATE FUNCTION note_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO public.dropped SELECT EXISTS (SELECT FROM ruvector.integrity_samples
          WHERE sampled_at >= now()) FROM pg_event_trigger_dropped_objects()
          WHERE object_name LIKE 'ruvector_kept_%'; END $$;
      CREATE EVENT TRIGGER note_drop ON sql_drop EXECUTE FUNCTION note_drop()`);
    await configure(db, { kept_index_seconds: 0 });
    const left = "SELECT count(*)::int FROM pg_class WHERE relname LIKE 'ruvector_kept_%'";
    expect(await ticking(db, async () => (await db.value(left)) === 0)).toBe(true);
    await db.client.query("DROP EVENT TRIGGER note_drop");
    expect(await db.value("SELECT bool_and(sampled) FROM dropped")).toBe(true);
  });

  it("of a role's setting is waited for by the next tick, not by this one", async () => {
    await configure(db, { recall_target: 0.88, search_cost_ratio: 100 });
    await db.client.query(`
      CREATE ROLE searcher LOGIN; CREATE TABLE t (id int PRIMARY KEY, e vector(32));
      INSERT INTO t SELECT g, (SELECT array_agg((hashint8extended(g * 64 + d, 7) & 1023)::real)
          FROM generate_series(1, 32) d)::vector FROM generate_series(1, 1500) g;
      CREATE INDEX t_e ON t USING hnsw (e vector_l2_ops) WITH (m = 4, ef_construction = 16);
      ANALYZE t; ALTER TABLE t OWNER TO searcher; SELECT ruvector_healing_register('t');
      SELECT ruvector_integrity_sample('t')`);
    const settings = () =>
      db.value<string[]>(
        `SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'searcher'::regrole`,
      );
    const altering = await db.connect();
    const alter = "BEGIN; ALTER ROLE searcher IN DATABASE ruvector SET work_mem = '8MB'";
    await altering.query(alter);
    await execute("t", "tune_search");
    await comes("t", /^waits for the next tick, .*another session is changing settings of roles/);
    await altering.query("COMMIT");
    await done("t", "succeeded");
    expect(await settings()).toEqual(["work_mem=8MB", expect.stringMatching(/^hnsw\.ef_search=/)]);

    await altering.query(`${alter.replace("8", "9")}`);
    await db.client.query("SELECT ruvector_healing_rollback('t')");
    await db.client.query("CALL ruvector_healing_tick()");
    expect((await action("t")).state).toBe("rolling_back");
    // As long as the time for it: what is left is a setting, and no row.
    await db.client.query(
      "UPDATE ruvector.healing_actions SET deadline = clock_timestamp() WHERE finished_at IS NULL",
    );
    await done("t", "rollback_failed");
    const { message } = await action("t");
    expect(message).toMatch(/^undo not finished in time: 1 change left; type SELECT /);
    await altering.query("COMMIT");
    await db.client.query(/SELECT .*;/.exec(message)![0]);
    await done("t", "rolled_back");
    expect(await settings()).toEqual(["work_mem=9MB"]);
  });
});
