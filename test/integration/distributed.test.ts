/**
 * Tables that Citus manages, by a stand-in of the one table that says so: neither locked, counted,
 * moved, throttled nor rebuilt, and never called well.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { configure, HOT, IN_ONE_GO, makeTable, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, IN_ONE_GO);
  await makeTable(db, { table: "shards", rows: HOT, register: false });
  await makeTable(db, { table: "later", rows: [50, 50] });
  await db.client.query(`
    SET allow_system_table_mods = on;
    CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass PRIMARY KEY,
      partmethod "char" NOT NULL, repmodel "char" NOT NULL DEFAULT 's');
    GRANT SELECT ON pg_catalog.pg_dist_partition TO PUBLIC;
    RESET allow_system_table_mods`);
});

const verdict = (collection: string) =>
  db
    .rows("SELECT verdict, sentence FROM ruvector_healing_verdict($1)", [collection])
    .then(([row]) => row);
const distribute = (table: string) =>
  db.client.query("INSERT INTO pg_catalog.pg_dist_partition VALUES ($1::regclass, 'h')", [table]);

/** Locks of this transaction on the table, its partitions and their indexes. */
const locked = () =>
  db.value<number>(`
  SELECT count(*)::int FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
    AND l.relation IN (
    SELECT oid FROM pg_class WHERE relname LIKE 'shards%' UNION SELECT i.indexrelid
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relname LIKE 'shards%')`);

describe("a table of Citus", () => {
  it("is registered with everything as a limitation", async () => {
    await distribute("shards");
    const notices: string[] = [];
    db.client.on("notice", ({ message }) => void notices.push(message ?? ""));
    const { limitations } = await db.value<{ limitations: { strategy: string; reason: string }[] }>(
      "SELECT ruvector_healing_register('shards', '{\"movable\": true}')",
    );
    const strategies = await db.value<number>(
      "SELECT count(*)::int FROM ruvector.healing_strategies()",
    );
    expect(limitations).toHaveLength(strategies);
    expect(new Set(limitations.map(({ reason }) => reason))).toEqual(
      new Set(["public.shards is distributed by Citus: not sensed"]),
    );
    expect(notices).toEqual([
      expect.stringContaining(
        "public.shards is distributed by Citus: it is registered, and neither sensed nor healed",
      ),
    ]);
  });

  it("is unknown, and nothing of it is locked, counted or changed", async () => {
    await ticks(db, 3);
    expect(await verdict("shards")).toEqual({
      verdict: "unknown",
      sentence: "distributed: not sensed",
    });
    expect(
      await db.value(
        `SELECT count(*)::int
          FROM ruvector.integrity_samples JOIN ruvector.collections USING (collection_id)
          WHERE table_name = 'shards'`,
      ),
    ).toBe(0);
    expect(await db.value("SELECT count(*)::int FROM ruvector.healing_actions")).toBe(0);
    expect(await db.value("SELECT errors::int FROM ruvector.healing_ticks")).toBe(0);
    expect(await db.value("SELECT ruvector_healing_explain('shards')")).toContain(
      "public.shards is distributed: not sensed",
    );
    for (const call of [
      "ruvector_integrity_sample('shards')",
      "ruvector_healing_trigger('shards')",
      "ruvector_healing_execute('shards', 'throttle_ingestion')",
      "ruvector_healing_execute('shards', 'compact_indexes')",
      "ruvector_contracted_graph('shards')",
    ]) {
      expect(await raised(db.client, `SELECT ${call}`), call).toMatchObject({
        code: "RV003",
        message: "public.shards is distributed: not sensed",
        hint: expect.stringContaining("shards"),
      });
    }
    const collection = await db.value<number>(
      "SELECT collection_id FROM ruvector.collections WHERE table_name = 'shards'",
    );
    await db.client.query("BEGIN");
    for (const phase of ["batch", "observe"])
      await db.client.query("SELECT ruvector.healing_tick_collection($1, $2, 0)", [
        collection,
        phase,
      ]);
    await db.client.query(
      `SELECT ruvector_healing_verdict('shards'), ruvector_healing_status('shards'),
        ruvector_healing_explain('shards')`,
    );
    expect(await locked()).toBe(0);
    // The same of a table of this server holds some.
    await db.client.query("DELETE FROM pg_catalog.pg_dist_partition");
    await db.client.query("SELECT ruvector.healing_tick_collection($1, 'observe', 0)", [
      collection,
    ]);
    expect(await locked()).toBeGreaterThan(8);
    await db.client.query("ROLLBACK");
  });

  it("is so from the moment on at which it is distributed", async () => {
    expect(await verdict("later")).toMatchObject({ verdict: "healthy" });
    await distribute("later");
    expect(await verdict("later")).toEqual({
      verdict: "unknown",
      sentence: "distributed: not sensed",
    });
    await ticks(db, 1);
    expect(await verdict("later")).toEqual({
      verdict: "unknown",
      sentence: "distributed: not sensed",
    });
    expect(
      await db.rows(
        `SELECT reason, escalated_at FROM ruvector.healing_refusals WHERE closed_at IS NULL
          AND collection = 'public.later'`,
      ),
    ).toEqual([{ reason: "distributed", escalated_at: null }]);
  });
});

it.skipIf(inject("engine") === "embedded")(
  "is none any more where Citus is dropped while somebody waits for its table",
  async () => {
    // Three: in its transaction the first would see the same activity each time it looks.
    const [dba, somebody, onlooker] = await Promise.all([1, 2, 3].map(() => db.connect()));
    await dba!.query(
      "SET allow_system_table_mods = on; BEGIN; DROP TABLE pg_catalog.pg_dist_partition",
    );
    const found = somebody!.query("SELECT count(*)::int FROM ruvector.healing_distributed()");
    await expect
      .poll(() =>
        onlooker!
          .query(
            `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'
              AND query LIKE '%FROM ruvector.healing_distributed%'
              AND datname = current_database()`,
          )
          .then(({ rowCount }) => rowCount),
      )
      .toBe(1);
    await dba!.query("COMMIT");
    expect((await found).rows).toEqual([{ count: 0 }]);
  },
);

it("what is made and granted later stays off workers, too", async () => {
  const role = `citus_owner_${process.pid}`;
  await db.client.query(`
    CREATE ROLE ${role}; GRANT ALL ON SCHEMA public TO ${role};
    CREATE TABLE public.seen (tag text, off text);
    CREATE FUNCTION public.see() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF TG_TAG IN ('CREATE FUNCTION', 'DROP FUNCTION', 'GRANT', 'REVOKE') THEN
        INSERT INTO public.seen
        VALUES (TG_TAG, current_setting('citus.enable_ddl_propagation', true)); END IF; END $$;
    CREATE EVENT TRIGGER see ON ddl_command_end EXECUTE FUNCTION public.see()`);
  await makeTable(db, { table: "of_app", rows: [20, 20], register: false });
  await db.client.query(
    `ALTER TABLE of_app OWNER TO ${role}; ALTER TABLE of_app_p0 OWNER TO ${role};
      ALTER TABLE of_app_p1 OWNER TO ${role}; DELETE FROM public.seen`,
  );
  await db.client.query("SELECT ruvector_healing_register('of_app')");
  await db.client.query(
    `SELECT ruvector_healing_grant($1, 'viewer'), ruvector_healing_revoke($1),
      ruvector_integrity_sample('of_app'), ruvector_healing_unregister('of_app')`,
    [role],
  );
  expect(await db.rows("SELECT DISTINCT tag, off FROM public.seen ORDER BY 1")).toEqual(
    ["CREATE FUNCTION", "DROP FUNCTION", "GRANT", "REVOKE"].map((tag) => ({ tag, off: "off" })),
  );
  await db.client.query(`DROP EVENT TRIGGER see; DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
});

it("installing leaves nothing on workers: Citus propagates no function meanwhile", async () => {
  expect(await db.value("SELECT current_setting('citus.enable_ddl_propagation', true)")).not.toBe(
    "off",
  );
  const script = await readFile(
    join(root, `dist/ruvector_healing.${db.engine.language}.sql`),
    "utf8",
  );
  const lines = script.split("\n");
  const first = lines.findIndex((line) => line.includes("SET citus.enable_ddl_propagation = off;"));
  const last = lines.findIndex((line) => line.startsWith("RESET citus.enable_ddl_propagation;"));
  // Behind the DO that the whole script is.
  const made = lines.flatMap((line, at) =>
    at > first && /^(CREATE|ALTER|DO|GRANT)\b/.test(line) ? [at] : [],
  );
  expect(lines.slice(0, first).filter((line) => /^(CREATE|ALTER|GRANT)\b/.test(line))).toEqual([]);
  expect(first).toBeGreaterThan(0);
  expect(made.length).toBeGreaterThan(100);
  expect(Math.max(...made)).toBeLessThan(last);
});
