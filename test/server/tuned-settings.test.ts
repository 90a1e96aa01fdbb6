/**
 * What tune_search sets for roles: it comes back exactly, whatever people do to the roles and their
 * settings meanwhile, and takes nothing from a role that has more.
 */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { configure, QUICK, ticks } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;
const DATABASE = "(SELECT oid FROM pg_database WHERE datname = current_database())";

/** "role: setting" of those that were made here, in this database. */
const settings = async () =>
  (
    await db.rows<{ one: string }>(
      `SELECT r.rolname || ': ' || c AS one FROM pg_db_role_setting s
         JOIN pg_roles r ON r.oid = s.setrole CROSS JOIN LATERAL unnest(s.setconfig) c
        WHERE s.setdatabase = ${DATABASE} AND r.rolname LIKE 'ruvector_test_tuned%' ORDER BY 1`,
    )
  ).map(({ one }) => one);
const alter = (role: string, what: string) =>
  db.client.query(
    `DO $$ BEGIN EXECUTE format('ALTER ROLE ${role} IN DATABASE %I ${what}', current_database());
       END $$`,
  );
/** Until it is verified; the value that it set. */
async function tune(): Promise<string> {
  const { action_id, message } = await db.value<{ action_id: number; message: string }>(
    "SELECT ruvector_healing_execute('t', 'tune_search')",
  );
  expect(action_id, message).not.toBeNull();
  const state = "SELECT state FROM ruvector.healing_actions WHERE id = $1";
  for (let turn = 0; turn < 20; turn++) {
    if ((await db.value<string>(state, [action_id])) === "succeeded") break;
    await ticks(db, 1);
  }
  expect(await db.value(state, [action_id])).toBe("succeeded");
  return db.value(
    "SELECT target ->> 'value' FROM ruvector.healing_leases ORDER BY id DESC LIMIT 1",
  );
}
const sampled = () => db.value("SELECT ruvector_integrity_sample('t')");
const openLeases = () =>
  db.value("SELECT count(*)::int FROM ruvector.healing_leases WHERE ended_at IS NULL");

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, {
    ...QUICK,
    enabled: true,
    mode: "recommend",
    recall_budget_ms: 60_000,
    recall_trial_ms: 0,
    recall_target: 0.88,
    search_cost_ratio: 100,
    rejection_seconds: 0,
  });
  await db.client.query(`
    CREATE ROLE ruvector_test_tuned LOGIN; CREATE ROLE ruvector_test_tuned_batch LOGIN;
    CREATE TABLE t (id int PRIMARY KEY, e vector(32));
    INSERT INTO t SELECT g, (SELECT array_agg((hashint8extended(g * 64 + d, 7) & 1023)::real)
        FROM generate_series(1, 32) d)::vector FROM generate_series(1, 1500) g;
    CREATE INDEX t_e ON t USING hnsw (e vector_l2_ops) WITH (m = 4, ef_construction = 16);
    ANALYZE t; ALTER TABLE t OWNER TO ruvector_test_tuned`);
});

beforeEach(async () => {
  await db.client.query("SELECT ruvector_healing_register('t')");
  await sampled();
});

describe("what was set for a role", () => {
  it("goes back where the role was renamed", async () => {
    const value = await tune();
    expect(await settings()).toEqual([`ruvector_test_tuned: hnsw.ef_search=${value}`]);
    await db.client.query(`ALTER ROLE ruvector_test_tuned RENAME TO "ruvector_test_tuned's"`);
    await db.client.query("SELECT ruvector_healing_rollback('t')");
    await ticks(db, 2);
    expect(await settings()).toEqual([]);
    await db.client.query(`ALTER ROLE "ruvector_test_tuned's" RENAME TO ruvector_test_tuned`);
    await db.client.query("SELECT ruvector_healing_unregister('t')");
  });

  it("what somebody set between two of ours comes back, if both set the same", async () => {
    const value = await tune();
    await alter("ruvector_test_tuned", "SET hnsw.ef_search = 41");
    await sampled();
    const again = await tune();
    // The very same figure is a matter of luck.
    await alter("ruvector_test_tuned", `SET hnsw.ef_search = ${value}`);
    await db.client.query(
      `UPDATE ruvector.healing_leases SET target = target || jsonb_build_object('value', $1::text)
        WHERE target ->> 'value' = $2 AND previous ->> 'value' = '41'`,
      [value, again],
    );
    await db.client.query("SELECT ruvector_healing_unregister('t')");
    expect(await settings()).toEqual(["ruvector_test_tuned: hnsw.ef_search=41"]);
    await alter("ruvector_test_tuned", "RESET hnsw.ef_search");
  });

  it("goes where somebody sets as much for the role in all databases", async () => {
    await tune();
    await db.client.query("ALTER ROLE ruvector_test_tuned SET hnsw.ef_search = 900");
    await ticks(db, 2);
    expect(await settings()).toEqual([]);
    expect(await openLeases()).toBe(0);
    await db.client.query("ALTER ROLE ruvector_test_tuned RESET hnsw.ef_search");
    await db.client.query("SELECT ruvector_healing_unregister('t')");
  });

  it("goes back when ruvector_healing is uninstalled", async () => {
    await alter("ruvector_test_tuned", "SET hnsw.ef_search = 42");
    await sampled();
    await tune();
    await db.client.query("BEGIN");
    const put = await db.value("SELECT put_back FROM ruvector.healing_end_tunings()");
    const after = await settings();
    await db.client.query("ROLLBACK");
    expect(put).toBe(1);
    expect(after).toEqual(["ruvector_test_tuned: hnsw.ef_search=42"]);
    await db.client.query("SELECT ruvector_healing_unregister('t')");
    await alter("ruvector_test_tuned", "RESET hnsw.ef_search");
  });
});

describe("a lease whose reason is gone", () => {
  const last = () =>
    db.value<{ open: boolean; reason: string | null; indexes: { index: string }[] }>(
      `SELECT jsonb_build_object('open', ended_at IS NULL, 'reason', end_reason,
         'indexes', target -> 'indexes')
         FROM ruvector.healing_leases ORDER BY id DESC LIMIT 1`,
    );
  const away = () => db.client.query("SELECT ruvector_healing_unregister('t')");

  it("goes on where the index was renamed, and knows it by its new name", async () => {
    await tune();
    await db.client.query("ALTER INDEX t_e RENAME TO t_renamed");
    await configure(db, { tune_recheck_seconds: 0 });
    await ticks(db, 2);
    expect(await last()).toMatchObject({ open: true, indexes: [{ index: "public.t_renamed" }] });
    await configure(db, { tune_recheck_seconds: 21_600 });
    await db.client.query("ALTER INDEX t_renamed RENAME TO t_e");
    await away();
  });

  it("waits as long as a rebuilt index may be exchanged back", async () => {
    await tune();
    // Nothing needs it any more, and a rebuild was verified just now, whose old index is kept.
    await db.client.query(`
      CREATE INDEX ruvector_kept_1 ON t USING hnsw (e vector_l2_ops);
      UPDATE ruvector.healing_leases SET target = jsonb_set(target, '{indexes,0,due}', '0.01')
       WHERE ended_at IS NULL;
      INSERT INTO ruvector.healing_actions SELECT (jsonb_populate_record(a, jsonb_build_object(
          'id', 999999, 'strategy_name', 'rebuild_index', 'finished_at', clock_timestamp()))).*
        FROM ruvector.healing_actions a ORDER BY a.id DESC LIMIT 1;
      INSERT INTO ruvector.healing_steps (action_id, slice, kind, details)
        VALUES (999999, 1, 'swap_index', '{"kept": "public.ruvector_kept_1"}')`);
    await configure(db, { tune_recheck_seconds: 0, kept_index_seconds: 3600 });
    await ticks(db, 2);
    expect(await last()).toMatchObject({ open: true });
    await db.client.query(
      "UPDATE ruvector.healing_actions SET reversible = false WHERE id = 999999",
    );
    await ticks(db, 1);
    expect(await last()).toMatchObject({
      open: false,
      reason: expect.stringMatching(/^not needed any more/),
    });
    await db.client.query(
      "DROP INDEX ruvector_kept_1; DELETE FROM ruvector.healing_actions WHERE id = 999999",
    );
    await configure(db, { tune_recheck_seconds: 21_600, kept_index_seconds: 60 });
    await away();
  });

  it("ends where the index was dropped, and does not say that searches find enough", async () => {
    await tune();
    await db.client.query("ALTER INDEX t_e RENAME TO t_f");
    await db.client.query("CREATE INDEX t_e ON t USING hnsw (e vector_cosine_ops)");
    await db.client.query("DROP INDEX t_e, t_f");
    await ticks(db, 1);
    expect(await last()).toMatchObject({ open: false, reason: "public.t_e is there no more" });
    expect(await settings()).toEqual([]);
    await db.client.query(
      "CREATE INDEX t_e ON t USING hnsw (e vector_l2_ops) WITH (m = 4, ef_construction = 16)",
    );
    await away();
  });

  it("ends where the role was dropped, and where it owns the table no more", async () => {
    await db.client.query("CREATE ROLE ruvector_test_tuned_gone LOGIN");
    await db.client.query("ALTER TABLE t OWNER TO ruvector_test_tuned_gone");
    await sampled();
    const value = await tune();
    expect(await settings()).toEqual([`ruvector_test_tuned_gone: hnsw.ef_search=${value}`]);
    await db.client.query("ALTER TABLE t OWNER TO ruvector_test_tuned");
    await ticks(db, 1);
    expect(await last()).toMatchObject({
      open: false,
      reason: "ruvector_test_tuned_gone does not own the table any more, and is none of tune_roles",
    });
    expect(await settings()).toEqual([]);
    await db.client.query("ALTER TABLE t OWNER TO ruvector_test_tuned_gone");
    await sampled();
    await tune();
    await db.client.query(`REASSIGN OWNED BY ruvector_test_tuned_gone TO ruvector_test_tuned;
      DROP OWNED BY ruvector_test_tuned_gone; DROP ROLE ruvector_test_tuned_gone`);
    await ticks(db, 1);
    expect(await last()).toMatchObject({
      open: false,
      reason: "role ruvector_test_tuned_gone was dropped",
    });
    await away();
  });

  it("ends where somebody set something else, or reset it", async () => {
    await tune();
    await alter("ruvector_test_tuned", "SET hnsw.ef_search = 41");
    await ticks(db, 1);
    expect(await last()).toMatchObject({
      open: false,
      reason: "hnsw.ef_search of ruvector_test_tuned was set or reset by somebody",
    });
    expect(await settings()).toEqual(["ruvector_test_tuned: hnsw.ef_search=41"]);
    await alter("ruvector_test_tuned", "RESET hnsw.ef_search");
    await away();
  });

  it("what another one on top of it goes back to is what was before both", async () => {
    await tune();
    await db.client.query(`CREATE TABLE t2 AS SELECT * FROM t;
      CREATE INDEX t2_e ON t2 USING hnsw (e vector_l2_ops) WITH (m = 4, ef_construction = 16);
      ANALYZE t2; ALTER TABLE t2 OWNER TO ruvector_test_tuned;
      SELECT ruvector_healing_register('t2');
      SELECT ruvector_healing_configure('{"recall_target": 0.93}', 't2');
      SELECT ruvector_integrity_sample('t2')`);
    const { action_id, message } = await db.value<{ action_id: number; message: string }>(
      "SELECT ruvector_healing_execute('t2', 'tune_search')",
    );
    expect(action_id, message).not.toBeNull();
    await ticks(db, 3);
    const untuned = () =>
      db.value("SELECT target ->> 'untuned' FROM ruvector.healing_leases ORDER BY id DESC LIMIT 1");
    expect(Number(await untuned())).toBeGreaterThan(40);
    await away();
    expect(await untuned()).toBe("40");
    await db.client.query("SELECT ruvector_healing_unregister('t2')");
    expect(await settings()).toEqual([]);
    await db.client.query("DROP TABLE t2");
  });
});

it("a role of tune_roles that looks deeper already keeps what it has", async () => {
  await alter("ruvector_test_tuned_batch", "SET hnsw.ef_search = 990");
  await configure(db, { tune_roles: "ruvector_test_tuned_batch" });
  const value = await tune();
  expect(await settings()).toEqual([
    `ruvector_test_tuned: hnsw.ef_search=${value}`,
    "ruvector_test_tuned_batch: hnsw.ef_search=990",
  ]);
  await db.client.query("SELECT ruvector_healing_unregister('t')");
  expect(await settings()).toEqual(["ruvector_test_tuned_batch: hnsw.ef_search=990"]);
});

/** The ef_search that a session takes for the owner's, and searches with. */
async function inEffect(session: Awaited<ReturnType<TestDatabase["connect"]>>) {
  const { rows } = await session.query<{ configured: number }>(
    "SELECT configured FROM ruvector.healing_vector_index('t_e'::regclass)",
  );
  await session.query("BEGIN; SELECT ruvector.healing_owner_settings('t'::regclass)");
  const set = await session.query<{ is: string }>(
    "SELECT current_setting('hnsw.ef_search', true) AS is",
  );
  await session.query("ROLLBACK");
  return { configured: rows[0]!.configured, set: set.rows[0]!.is };
}

it("what the role that asks has of its own is not taken for the owner's", async () => {
  const asking = await db.value<string>("SELECT quote_ident(session_user)");
  await alter(asking, "SET hnsw.ef_search = 401");
  const other = await db.connect();
  // Its settings are known once pgvector is loaded.
  await other.query("SELECT e FROM t LIMIT 1");
  const found = await inEffect(other);
  await other.end();
  await alter(asking, "RESET hnsw.ef_search");
  expect(found).toEqual({ configured: 40, set: "40" });
});

it("what was set when a session began, and was taken back since, is not in effect", async () => {
  await alter("ruvector_test_tuned", "RESET hnsw.ef_search");
  const asking = await db.value<string>("SELECT quote_ident(session_user)");
  await alter(asking, "SET hnsw.ef_search = 402");
  const other = await db.connect();
  await other.query("SELECT e FROM t LIMIT 1");
  expect((await other.query<{ is: string }>("SHOW hnsw.ef_search")).rows).toEqual([
    { "hnsw.ef_search": "402" },
  ]);
  await alter(asking, "RESET hnsw.ef_search");
  const found = await inEffect(other);
  await other.end();
  expect(found).toEqual({ configured: 40, set: "40" });
});

it.each(["bogus", "5000", "0"])(
  "a value of %s is none: pgvector's own is in effect",
  async (value) => {
    const database = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I";
    await db.client.query(`${database} SET hnsw.ef_search = 80', current_database()); END $$`);
    const asking = await db.value<string>("SELECT quote_ident(session_user)");
    await db.client.query(`ALTER TABLE t OWNER TO ${asking}`);
    // In a session without pgvector any text is taken.
    const fresh = await db.connect();
    await fresh.query(`DO $$ BEGIN EXECUTE format('ALTER ROLE ${asking} IN DATABASE %I
    SET hnsw.ef_search = ''${value}''', current_database()); END $$`);
    await fresh.end();
    const other = await db.connect();
    await other.query("SELECT e FROM t LIMIT 1");
    const has = await other.query<Record<string, string>>("SHOW hnsw.ef_search");
    const found = await inEffect(other);
    await other.end();
    await alter(asking, "RESET hnsw.ef_search");
    await db.client.query(`${database} RESET hnsw.ef_search', current_database()); END $$`);
    await db.client.query("ALTER TABLE t OWNER TO ruvector_test_tuned");
    expect(has.rows).toEqual([{ "hnsw.ef_search": "40" }]);
    expect(found).toEqual({ configured: 40, set: "40" });
  },
);
