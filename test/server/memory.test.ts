/**
 * Memory use from the working set, and evict_cold_data: the cold partition, which rows go, what is
 * refused.
 */
import type pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { pattern } from "../support/pattern.ts";
import { checksum, configure, makeTable, placement, places, QUICK } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";
import { COLD, memoryTable, readPartitions } from "./support/movers.ts";
import { QUICK_TRAFFIC } from "./support/traffic.ts";
import { waitEnds } from "../support/patience.ts";

let db: TestDatabase;
let user: pg.Client;

beforeAll(async () => {
  db = await testDatabase();
  user = await db.connect();
  await configure(db, { ...QUICK, ...QUICK_TRAFFIC, enabled: false, slice_seconds: 60 });
});

interface Memory {
  readonly source: string;
  readonly working_set_bytes: number;
  readonly bounded_by_hit_ratio: boolean;
  readonly cache_bytes: number;
  readonly hit_ratio: number | null;
  readonly evictions_per_second: number | null;
  readonly temp_bytes_per_second: number | null;
  readonly system_used_pct: number | null;
}
interface Sampled {
  readonly lambda: number;
  readonly metrics: {
    readonly memory_usage_pct: number | null;
    readonly memory: Memory;
    readonly largest_consumers: readonly { readonly name: string; readonly bytes: number }[];
    readonly partitions: readonly {
      readonly label: string;
      readonly cold?: boolean;
      readonly load_ratio: number;
    }[];
  };
  readonly unmeasured: readonly {
    readonly what: string;
    readonly why: string;
    readonly hint: string;
  }[];
}
interface Answer {
  readonly outcome: string;
  readonly reason?: string;
  readonly message: string;
  readonly action_id: number;
  readonly rows_moved: number;
  readonly problem: { readonly class: string };
  readonly plan: {
    readonly rows: number;
    readonly make: { readonly label: string } | null;
    readonly locks: string[];
    readonly working_set_bytes: number;
    readonly predicted_working_set_bytes: number;
  } | null;
}

const sample = (table: string) =>
  db.value<Sampled>("SELECT ruvector_integrity_sample($1)", [table]);
const evict = (table: string, params: object = {}) =>
  db.value<Answer>("SELECT ruvector_healing_execute($1, 'evict_cold_data', $2)", [
    table,
    JSON.stringify(params),
  ]);
const dryRun = (table: string, params: object = {}) => evict(table, { dry_run: true, ...params });

describe("memory use", () => {
  it(
    "is the part of the table that is read over the memory there is; the parts and the largest " +
      "consumers are named",
    async () => {
      await makeTable(db, { table: "read_some", rows: [800, 800, 800, 800] });
      // Two partitions of four are read, which is uneven once it is judged, as on a busy machine.
      await db.client.query(
        "SELECT ruvector_healing_configure('{\"min_reads_per_second\": 1000000}', 'read_some')",
      );
      const first = await sample("read_some");
      expect(first.metrics.memory_usage_pct).toBeNull();
      expect(first.unmeasured.find(({ what }) => what === "memory use")?.why).toContain(
        "this is the first",
      );
      const unread = await sample("read_some");
      // Our own counting reads every block, and is none of the working set.
      expect(unread.metrics.memory.working_set_bytes).toBe(0);
      for (let turn = 0; turn < 5; turn++) await readPartitions(user, "read_some", [1, 2]);
      const { metrics, lambda } = await sample("read_some");
      expect(lambda).toBe(1);
      expect(metrics.largest_consumers.map(({ name }) => name).sort()).toEqual([
        "public.read_some_p1",
        "public.read_some_p2",
      ]);
      const size = await db.value<number>(
        `SELECT sum(pg_total_relation_size(oid))::float8 FROM pg_class
        WHERE relname IN ('read_some_p1', 'read_some_p2')`,
      );
      expect(metrics.memory.working_set_bytes).toBeGreaterThan(0.4 * size);
      expect(metrics.memory.working_set_bytes).toBeLessThanOrEqual(size);
      expect(metrics.memory_usage_pct).toBeCloseTo(
        (100 * metrics.memory.working_set_bytes) / metrics.memory.cache_bytes,
        5,
      );
      expect(metrics.memory.hit_ratio).toBeGreaterThan(0.5);
      expect(metrics.memory.evictions_per_second).not.toBeNull();
    },
  );

  it("counts against MemAvailable where it may be read, a page cache not as use", async () => {
    const { metrics } = await sample("read_some");
    const available = await db.value<number>(
      "SELECT 1024 * (regexp_match(pg_read_file('/proc/meminfo'), 'MemAvailable: " +
        "+(\\d+)'))[1]::float8",
    );
    expect(metrics.memory.source).toBe("working set over shared_buffers and MemAvailable");
    expect(Math.abs(metrics.memory.cache_bytes - available) / available).toBeLessThan(0.5);
    expect(metrics.memory.system_used_pct).toBeGreaterThan(0);
    expect(metrics.memory.system_used_pct).toBeLessThan(100);
  });

  it("sees what spills to temporary files", async () => {
    await sample("read_some");
    await user.query(
      `SET work_mem = '64kB'; SELECT count(*) FROM (SELECT g FROM generate_series(1, 200000) g
        ORDER BY md5(g::text) OFFSET 1) x; SELECT pg_stat_force_next_flush()`,
    );
    expect((await sample("read_some")).metrics.memory.temp_bytes_per_second).toBeGreaterThan(0);
  });

  it("is a pressure, with its class, if the working set does not fit; a report wins", async () => {
    await memoryTable(db, user, "tight");
    await readPartitions(user, "tight", [0, 1, 2, 3]);
    const tight = await sample("tight");
    expect(tight.metrics.memory.source).toBe("working set over effective_cache_size");
    expect(tight.metrics.memory_usage_pct).toBeGreaterThan(85);
    expect(tight.lambda).toBeLessThan(0.8);
    const { problem } = await dryRun("tight");
    expect(problem.class).toBe("memory_pressure");
    await db.client.query(
      "SELECT ruvector_integrity_report('tight', '{\"metrics\": {\"memory_usage_pct\": 12}}')",
    );
    const reported = await sample("tight");
    expect(reported.metrics).toMatchObject({
      memory_usage_pct: 12,
      memory: { source: "reported" },
    });
    expect(reported.lambda).toBe(1);
    await db.client.query("SELECT ruvector_healing_unregister('tight')");
    await db.client.query("RESET effective_cache_size");
  });
});

describe("a role without rights beyond its tables", () => {
  it("senses traffic and memory, and is told what would show it the machine", async () => {
    await db.client.query("DROP ROLE IF EXISTS ruvector_hotspots_plain");
    await db.client.query(`
      CREATE ROLE ruvector_hotspots_plain LOGIN;
      CREATE TABLE plain (id int, partition_id int, v vector(2), PRIMARY KEY (partition_id, id))
        PARTITION BY LIST (partition_id);
      CREATE TABLE plain_0 PARTITION OF plain FOR VALUES IN (0);
        CREATE TABLE plain_1 PARTITION OF plain FOR VALUES IN (1);
      INSERT INTO plain SELECT g, g % 2, '[1,2]' FROM generate_series(1, 2000) g;
      GRANT SELECT ON plain TO ruvector_hotspots_plain`);
    // The functions work with the rights of the role that installed them.
    const functions = await db.rows<{ name: string }>(`
      SELECT p.oid::regprocedure::text AS name
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname = 'ruvector' OR p.proname LIKE 'ruvector\\_%'`);
    await db.client.query(
      `GRANT ALL ON SCHEMA ruvector TO ruvector_hotspots_plain;
        GRANT ALL ON ALL TABLES IN SCHEMA ruvector TO ruvector_hotspots_plain;
        GRANT CREATE, USAGE ON SCHEMA public TO ruvector_hotspots_plain`,
    );
    const owner = await db.value<string>("SELECT quote_ident(current_user)");
    for (const { name } of functions)
      await db.client
        .query(`ALTER FUNCTION ${name} OWNER TO ruvector_hotspots_plain`)
        .catch(() => db.client.query(`ALTER PROCEDURE ${name} OWNER TO ruvector_hotspots_plain`));
    try {
      await db.client.query("SELECT ruvector_healing_register('plain', '{\"movable\": true}')");
      await sample("plain");
      await user.query("SELECT count(v) FROM plain; SELECT pg_stat_force_next_flush()");
      const { lambda, metrics, unmeasured } = await sample("plain");
      expect(lambda).toBe(1);
      expect(metrics.memory_usage_pct).not.toBeNull();
      expect(metrics.memory).toMatchObject({
        system_used_pct: null,
        source: "working set over effective_cache_size",
      });
      expect(unmeasured.find(({ what }) => what === "memory of the machine")?.hint).toContain(
        "GRANT pg_read_server_files TO ruvector_hotspots_plain",
      );
      // A right on the table alone does not reach its partitions.
      expect(unmeasured.find(({ what }) => what === "partition rows")?.hint).toMatch(
        /^GRANT SELECT ON public\.plain_0, public\.plain_1 TO ruvector_hotspots_plain/,
      );
      await db.client.query("GRANT SELECT ON plain_0, plain_1 TO ruvector_hotspots_plain");
      expect((await sample("plain")).unmeasured.some(({ what }) => what === "partition rows")).toBe(
        false,
      );
    } finally {
      for (const { name } of functions)
        await db.client
          .query(`ALTER FUNCTION ${name} OWNER TO ${owner}`)
          .catch(() => db.client.query(`ALTER PROCEDURE ${name} OWNER TO ${owner}`));
      await db.client.query("SELECT ruvector_healing_unregister('plain')");
      await db.client.query(
        "DROP OWNED BY ruvector_hotspots_plain; DROP ROLE ruvector_hotspots_plain",
      );
    }
  });
});

/**
 * State of the newest action once its undo ended, by ticks: one is not enough while an ANALYZE of
 * autovacuum has a snapshot from before the rows went back.
 */
async function undone(): Promise<string> {
  for (const end = waitEnds(); ;) {
    await db.client.query("CALL ruvector_healing_tick()");
    const state = await db.value<string>(
      "SELECT state FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1",
    );
    if (state !== "rolling_back" || Date.now() > end) return state;
  }
}

describe("the cold partition", () => {
  it(
    "is made where it is missing, with the indexes the table has; takes the oldest rows; is " +
      "neither judged nor routed to; goes with the undo",
    async () => {
      await memoryTable(db, user, "made");
      await db.client.query(
        "CREATE INDEX made_vector ON made USING hnsw (embedding vector_l2_ops)",
      );
      await readPartitions(user, "made", [0, 1, 2, 3]);
      const before = await places(db, "made");
      const { plan } = await dryRun("made");
      expect(plan!.make).toMatchObject({ label: "made_cold" });
      expect(plan!.locks.join()).toContain("SHARE UPDATE EXCLUSIVE");
      expect(plan!.predicted_working_set_bytes).toBeLessThan(plan!.working_set_bytes);
      expect(await db.value("SELECT to_regclass('made_cold')")).toBeNull();
      const content = await checksum(db, "made");
      const { rows_moved } = await evict("made", { share: 0.4 });
      expect(rows_moved).toBe(1280);
      expect(await checksum(db, "made")).toEqual(content);
      expect(await placement(db, "made")).toMatchObject({ [COLD]: 1280 });
      // Half of the rows were not used for a year: only such went.
      expect(
        await db.value(
          "SELECT count(*)::int FROM made_cold WHERE used_at > now() - interval '1 month'",
        ),
      ).toBe(0);
      expect(
        await db.value(
          `SELECT count(*)::int FROM pg_index JOIN pg_class ON oid = indexrelid
          JOIN pg_am a ON a.oid = relam WHERE indrelid = 'made_cold'::regclass AND amname = 'hnsw'
          AND indisvalid`,
        ),
      ).toBe(1);
      const { metrics } = await sample("made");
      expect(metrics.partitions.find(({ label }) => label === "made_cold")).toMatchObject({
        cold: true,
        load_ratio: 0,
      });
      expect(
        await db.value(
          "SELECT count(*)::int FROM ruvector.healing_routes WHERE partition = 'made_cold'",
        ),
      ).toBe(0);
      expect(await db.value("SELECT id::text FROM made ORDER BY id LIMIT 1")).toBe("1");
      // A reader with a snapshot from before the undo still finds in it what went back: it stays,
      // empty, until nobody does.
      await user.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class LIMIT 1");
      expect(await db.value("SELECT ruvector_healing_rollback('made')")).toMatchObject({
        state: "rolling_back",
        message: expect.stringContaining("made_cold is dropped with the next tick"),
      });
      expect(await places(db, "made")).toBe(before);
      await db.client.query("CALL ruvector_healing_tick()");
      expect(
        await db.value("SELECT message FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1"),
      ).toMatch(
        pattern(
          /^undo waits: the empty partition made_cold stays for an older snapshot: /,
          /pid \d+, in a transaction since /,
        ),
      );
      expect((await user.query("SELECT count(*)::int AS rows FROM made")).rows[0].rows).toBe(3200);
      await user.query("COMMIT");
      expect(await undone()).toBe("rolled_back");
      expect(await db.value("SELECT to_regclass('made_cold')")).toBeNull();
    },
  );

  it("stays where somebody put rows into it, or a lock to drop it is never free", async () => {
    await db.client.query("SELECT ruvector_healing_unregister('made')");
    await memoryTable(db, user, "kept");
    await evict("kept", { share: 0.2 });
    await db.client.query(
      `INSERT INTO kept (id, partition_id, payload) VALUES (999999, ${COLD}, 'mine')`,
    );
    await db.value("SELECT ruvector_healing_rollback('kept')");
    expect(await undone()).toBe("rolled_back");
    expect(await placement(db, "kept")).toMatchObject({ [COLD]: 1 });
    await db.client.query("DELETE FROM kept WHERE id = 999999; DROP TABLE kept_cold");
    await evict("kept", { share: 0.2 });
    await user.query("BEGIN; SELECT count(*) FROM kept");
    await db.value("SELECT ruvector_healing_rollback('kept')");
    const state = await undone();
    await user.query("COMMIT");
    expect(state).toBe("rolled_back");
    expect(await placement(db, "kept")).not.toHaveProperty(String(COLD));
  });

  it("is refused with what to type where it cannot be made", async () => {
    await db.client.query("SELECT ruvector_healing_unregister('kept')");
    await memoryTable(db, user, "unmade");
    await db.client.query("CREATE TABLE unmade_rest PARTITION OF unmade DEFAULT");
    expect(await dryRun("unmade", { share: 0.2 })).toMatchObject({
      outcome: "deferred",
      reason: "nothing_to_do",
      message: expect.stringContaining("DEFAULT partition unmade_rest"),
    });
    await db.client.query(`CREATE TABLE unmade_99 PARTITION OF unmade FOR VALUES IN (${COLD})`);
    expect((await dryRun("unmade", { share: 0.2 })).plan).toMatchObject({ make: null, rows: 640 });
  });

  it("rows that were never used go first; without an access_column nothing goes", async () => {
    await db.client.query("UPDATE unmade SET used_at = NULL WHERE id % 8 = 0");
    expect((await evict("unmade", { share: 0.125 })).rows_moved).toBe(400);
    expect(await db.value("SELECT count(*)::int FROM unmade_99 WHERE used_at IS NULL")).toBe(400);
    await db.value("SELECT ruvector_healing_rollback('unmade')");
    await db.client.query("SELECT ruvector_healing_register('unmade', '{\"movable\": true}')");
    expect(await evict("unmade")).toMatchObject({
      outcome: "deferred",
      reason: "not_applicable",
      message: expect.stringContaining("access_column"),
    });
    await db.client.query("SELECT ruvector_healing_unregister('unmade')");
  });
});

describe("what is given at registration", () => {
  it("is checked against the table", async () => {
    await makeTable(db, { table: "checked", rows: [10, 10], register: false });
    const refused = async (options: object) =>
      await db.client
        .query("SELECT ruvector_healing_register('checked', $1)", [JSON.stringify(options)])
        .then(
          () => ({ code: "none", message: "" }),
          (error: unknown) => error as { code: string; message: string },
        );
    expect(await refused({ access_column: "nowhere" })).toMatchObject({
      code: "RV001",
      message: expect.stringContaining('no column "nowhere"'),
    });
    expect(await refused({ access_column: "payload" })).toMatchObject({
      code: "RV001",
      message: expect.stringContaining("how lately"),
    });
    expect(await refused({ access_column: null })).toMatchObject({ code: "RV001" });
    expect(await refused({ cold_partition: "north" })).toMatchObject({
      code: "RV001",
      message: expect.stringContaining("must be a value"),
    });
    expect(await refused({ cold_partition: { a: 1 } })).toMatchObject({ code: "RV001" });
    const kept = await db.value<{ access_column: string; cold_partition: string }>(
      'SELECT ruvector_healing_register(\'checked\', \'{"access_column": "id", ' +
        '"cold_partition": "007"}\')',
    );
    expect(kept).toMatchObject({ access_column: "id", cold_partition: "7" });
  });
});
