/**
 * A hotspot by traffic or by bytes: equal rows, one partition that takes most of the reads, of the
 * writes, or of the bytes.
 */
import type pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import {
  checksum,
  configure,
  IN_ONE_GO,
  LEVEL,
  makeTable,
  placement,
  places,
  ticks,
} from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";
import { meanwhile, QUICK_TRAFFIC } from "./support/traffic.ts";

let db: TestDatabase;
let user: pg.Client;

beforeAll(async () => {
  db = await testDatabase();
  user = await db.connect();
  await configure(db, { ...IN_ONE_GO, ...QUICK_TRAFFIC, enabled: false });
});

interface Ratios {
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly reads: number | null;
  readonly writes: number | null;
}
interface Sampled {
  readonly lambda: number;
  readonly metrics: {
    readonly partitions: readonly {
      readonly label: string;
      readonly hottest: string;
      readonly load_ratio: number;
      readonly ratios: Ratios;
    }[];
  };
}

const sample = (table: string) =>
  db.value<Sampled>("SELECT ruvector_integrity_sample($1)", [table]);
const dryRun = (table: string, strategy = "rebalance_partitions") =>
  db.value<{
    outcome: string;
    problem: { class: string; summary: string; figure?: string };
    plan: { rows: number; assumes: string[]; predicted_lambda: number } | null;
    message?: string;
  }>("SELECT ruvector_healing_execute($1, $2, '{\"dry_run\": true}')", [table, strategy]);

/** Statements of which one partition of eight takes four fifths. */
const skewed = (hot: string, cold: (place: number) => string): string[] =>
  Array.from({ length: 35 }, (_, turn) =>
    turn % 5 === 0 ? cold([0, 1, 2, 4, 5, 6, 7][(turn / 5) % 7]!) : hot,
  );

const readAll = (table: string, place: number): string =>
  `SELECT count(payload) FROM ${table} WHERE partition_id = ${place}`;

/** What became of an action under this traffic, with its message for whoever reads of a failure. */
const ended = (id: number, traffic: readonly string[]) =>
  meanwhile(
    user,
    traffic,
    async () => {
      await ticks(db, 1);
      const [now] = await db.rows<{ state: string; message: string }>(
        "SELECT state, message FROM ruvector.healing_actions WHERE id = $1",
        [id],
      );
      return now!;
    },
    ({ state }) => !["executing", "stabilizing"].includes(state),
  );

describe("reads", () => {
  const statements = skewed(readAll("read_hot", 3), (place) => readAll("read_hot", place));

  it("of one partition are a hotspot where all hold as many rows; our own are not", async () => {
    await makeTable(db, { table: "read_hot", rows: LEVEL });
    for (let turn = 0; turn < 5; turn++) await sample("read_hot");
    const quiet = await sample("read_hot");
    expect(quiet.lambda).toBe(1);
    const hot = await meanwhile(
      user,
      statements,
      () => sample("read_hot"),
      ({ lambda }) => lambda < 0.3,
    );
    expect(hot.lambda).toBeLessThan(0.3);
    const partition = hot.metrics.partitions.find(({ label }) => label === "read_hot_p3")!;
    expect(partition).toMatchObject({ hottest: "reads", ratios: { rows: 1 } });
    expect(partition.ratios.reads).toBeGreaterThan(5);
    expect(partition.ratios.reads).toBeLessThanOrEqual(6.5);
    const { problem, plan } = await meanwhile(
      user,
      statements,
      () => dryRun("read_hot"),
      ({ plan }) => (plan?.rows ?? 0) > 200 && plan!.predicted_lambda > 0.9,
    );
    expect(problem).toMatchObject({ class: "hotspot_congestion", figure: "reads" });
    expect(problem.summary).toMatch(/^Partition read_hot_p3 takes \d(\.\d)? times the mean reads/);
    // Three quarters of the partition's rows carry what it has too much.
    expect(plan!.rows).toBeGreaterThan(200);
    expect(plan!.rows).toBeLessThan(300);
    expect(plan!.assumes.join()).toContain("equal part");
    expect(plan!.predicted_lambda).toBeGreaterThan(0.9);
  });

  it("are levelled by moving a share of the rows, verified by the reads that follow", async () => {
    const before = await checksum(db, "read_hot");
    // Every row is read as often as before, wherever it is: what was read of partition 3 follows
    // its rows.
    await db.client.query(
      "CREATE TABLE hot_rows AS SELECT id FROM read_hot WHERE partition_id = 3",
    );
    await db.client.query("CREATE INDEX ON read_hot (id)");
    const byRow = [
      ...Array.from(
        { length: 8 },
        () =>
          "SET enable_seqscan = off; SELECT count(payload) FROM read_hot WHERE id IN (SELECT " +
          "id FROM hot_rows); RESET enable_seqscan",
      ),
      "SET enable_seqscan = off; SELECT count(payload) FROM read_hot WHERE id NOT IN (SELECT " +
        "id FROM hot_rows) AND id % 2 = 0; RESET enable_seqscan",
    ];
    await meanwhile(
      user,
      statements,
      () => sample("read_hot"),
      ({ lambda }) => lambda < 0.3,
    );
    const begun = await db.value<{ outcome: string; action_id: number }>(
      "SELECT ruvector_healing_execute('read_hot', 'rebalance_partitions')",
    );
    expect(begun.outcome).toBe("stabilizing");
    // The loop stands still for longer than an interval counts: measuring begins anew after it.
    await ticks(db, 2);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await ended(begun.action_id, byRow)).toMatchObject({ state: "succeeded" });
    expect(await checksum(db, "read_hot")).toEqual(before);
    const { lambda } = await sample("read_hot");
    expect(lambda).toBeGreaterThan(0.75);
  });
});

describe("reads of the latest rows", () => {
  it("are levelled by moving few rows, where an access column tells which", async () => {
    await makeTable(db, { table: "latest", rows: LEVEL, register: false });
    await db.client.query("ALTER TABLE latest ADD seen_at timestamptz");
    await db.client.query("UPDATE latest SET seen_at = now() - id * interval '1 minute'");
    await db.client.query("CREATE INDEX ON latest (id)");
    await db.client.query(
      'SELECT ruvector_healing_register(\'latest\', \'{"movable": true, "access_column": ' +
        '"seen_at"}\')',
    );
    // 80 % of the lookups, by id, are of the forty latest rows of partition 3.
    await db.client.query(
      `CREATE TABLE wanted AS (SELECT id FROM latest WHERE partition_id = 3
        ORDER BY seen_at DESC LIMIT 40)`,
    );
    await db.client.query("CREATE TABLE others AS (SELECT id FROM latest WHERE id % 12 = 0)");
    const lookups = [
      ...Array.from(
        { length: 20 },
        () =>
          "SET enable_seqscan = off; SELECT count(payload) FROM latest WHERE id = ANY " +
          "(ARRAY(SELECT id FROM wanted)); RESET enable_seqscan",
      ),
      "SET enable_seqscan = off; SELECT count(payload) FROM latest WHERE id = ANY " +
        "(ARRAY(SELECT id FROM others)); RESET enable_seqscan",
    ];
    const { plan } = await meanwhile(
      user,
      lookups,
      () => dryRun("latest"),
      ({ plan }) => (plan?.rows ?? 0) > 20,
    );
    expect(plan!.assumes.join()).toContain("access_column");
    // By Zipf's law: a uniform share would be three quarters of the 300 rows.
    expect(plan!.rows).toBeLessThan(120);
    const { action_id } = await db.value<{ action_id: number }>(
      "SELECT ruvector_healing_execute('latest', 'rebalance_partitions')",
    );
    expect(await ended(action_id, lookups)).toMatchObject({ state: "succeeded" });
    expect(
      await db.value(
        "SELECT count(*)::int FROM latest JOIN wanted USING (id) WHERE partition_id = 3",
      ),
    ).toBeLessThan(20);
    expect(
      await db.value(
        `SELECT bool_and(seen_at >= (SELECT min(seen_at) FROM latest WHERE id <= 900 + 120
          AND id > 900)) FROM latest WHERE id BETWEEN 901 AND 1200 AND partition_id <> 3`,
      ),
    ).toBe(true);
  });
});

describe("writes", () => {
  it(
    "of one partition are a hotspot; where they are inserts, moving rows is no remedy and says " +
      "so",
    async () => {
      await makeTable(db, { table: "write_hot", rows: LEVEL });
      const updates = skewed(
        "UPDATE write_hot SET payload = payload WHERE partition_id = 3 AND id % 10 = 0",
        (place) =>
          `UPDATE write_hot SET payload = payload WHERE partition_id = ${place} AND id % 10 = 0`,
      );
      const hot = await meanwhile(
        user,
        updates,
        () => sample("write_hot"),
        ({ metrics }) => (metrics.partitions[3]!.ratios.writes ?? 0) > 5,
      );
      expect(hot.metrics.partitions[3]!.ratios.writes).toBeGreaterThan(5);
      expect(hot.lambda).toBeLessThan(0.3);
      expect(
        (
          await meanwhile(
            user,
            updates,
            () => dryRun("write_hot"),
            ({ plan }) => (plan?.rows ?? 0) > 200,
          )
        ).plan!.rows,
      ).toBeGreaterThan(200);

      // Rolled back, so that rows stay level: what was inserted counts all the same.
      await makeTable(db, { table: "insert_hot", rows: LEVEL });
      const insert = (place: number): string =>
        `BEGIN; INSERT INTO insert_hot SELECT g, ${place}, 'new', '[1,2,3,4,5,6,7,8]' FROM ` +
        "generate_series(1000000, 1000019) g; ROLLBACK";
      const refused = await meanwhile(
        user,
        skewed(insert(3), insert),
        () => dryRun("insert_hot"),
        ({ message, problem }) =>
          message?.includes("are inserts") === true && problem.class !== "unknown",
      );
      expect(refused).toMatchObject({
        outcome: "deferred",
        reason: "nothing_to_do",
        problem: { class: "hotspot_congestion", figure: "writes" },
      });
      expect(refused.message).toMatch(
        /^insert_hot_p3 takes \d(\.\d)? times the mean writes.*most of them are inserts/,
      );
    },
  );
});

describe("bytes", () => {
  it("of one partition are a hotspot, and its files are not what is looked at", async () => {
    await makeTable(db, { table: "wide", rows: LEVEL });
    await db.client.query("ALTER TABLE wide ALTER payload SET STORAGE EXTERNAL");
    await db.client.query(
      "UPDATE wide SET payload = repeat(md5(id::text), 60) WHERE partition_id = 3",
    );
    const hot = await sample("wide");
    expect(hot.metrics.partitions[3]).toMatchObject({ hottest: "bytes", ratios: { rows: 1 } });
    expect(hot.metrics.partitions[3]!.ratios.bytes).toBeGreaterThan(4);
    const before = await places(db, "wide");
    const healed = await db.value<{
      outcome: string;
      problem: { summary: string };
      rows_moved: number;
    }>("SELECT ruvector_healing_execute('wide', 'rebalance_partitions')");
    expect(healed.problem.summary).toMatch(/^Partition wide_p3 holds \d\.\d times the mean bytes/);
    expect(healed.outcome).toBe("stabilizing");
    await ticks(db, 1);
    expect(
      await db.value("SELECT state FROM ruvector.healing_actions WHERE collection = 'public.wide'"),
    ).toBe("succeeded");
    expect((await sample("wide")).lambda).toBeGreaterThan(0.99);
    await db.value("SELECT ruvector_healing_rollback('wide')");
    expect(await places(db, "wide")).toBe(before);
    expect(Object.keys(await placement(db, "wide"))).toHaveLength(8);
  });
});
