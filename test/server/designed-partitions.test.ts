/**
 * Partitions of sizes that a schema's author designed: shown, judged by nobody, throttled by
 * nobody.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, QUICK, ticks } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { pattern } from "../support/pattern.ts";

let db: TestDatabase;

interface Partition {
  readonly label: string;
  readonly load_ratio: number;
  readonly judged: boolean;
  readonly reason?: string;
  readonly ratios: Record<string, number | null>;
}
interface Sample {
  readonly lambda: number;
  readonly state: string;
  readonly metrics: { readonly partitions: readonly Partition[] };
}

const sample = (table: string): Promise<Sample> =>
  db.value<Sample>("SELECT ruvector_integrity_sample($1)", [table]);
const explained = (table: string): Promise<string> =>
  db.value<string>("SELECT ruvector_healing_explain($1)", [table]);
const VECTORS = "'[1,2,3]'::vector";

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, QUICK);
});

/** Months around now, `empty` of them ahead; each with so many rows. */
async function months(name: string, type: string, behind: number, ahead: number): Promise<void> {
  await db.client.query(
    `CREATE TABLE ${name} (id bigint GENERATED ALWAYS AS IDENTITY, at ${type} NOT NULL, e vector(3),
      PRIMARY KEY (id, at)) PARTITION BY RANGE (at)`,
  );
  for (let month = -behind; month <= ahead; month++) {
    const [from, to] = [month, month + 1].map(
      (one) => `(date_trunc('month', now()) + interval '1 month' * ${one})::${type}`,
    );
    const partition = `${name}_${month < 0 ? "minus" : "plus"}${Math.abs(month)}`;
    await db.client.query(`
      DO $$ BEGIN
        EXECUTE format('CREATE TABLE ${partition} PARTITION OF ${name}
                          FOR VALUES FROM (%L) TO (%L)', ${from}, ${to});
      END $$`);
  }
}
const fill = (name: string, month: number, rows: number) =>
  db.client.query(`
  INSERT INTO ${name} (at, e)
    SELECT date_trunc('month', now()) + interval '1 month' * ${month} + interval '3 days',
    ${VECTORS} FROM generate_series(1, ${rows})`);

/** What each healthy shape must show over several ticks: lambda 1, and nothing done or refused. */
async function leftAlone(name: string): Promise<void> {
  await ticks(db, 4);
  expect(await db.rows("SELECT lambda, state FROM ruvector_integrity_status($1)", [name])).toEqual([
    { lambda: 1, state: "normal" },
  ]);
  for (const table of ["healing_actions", "healing_refusals"]) {
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.${table}
          WHERE collection_id = ruvector.healing_collection($1)`,
        [name],
      ),
      table,
    ).toBe(0);
  }
}

describe("partitions by time", () => {
  it("made ahead are empty by design: nobody is throttled, explain only shows them", async () => {
    await months("m", "timestamptz", 4, 4);
    await fill("m", 0, 3000);
    await db.client.query("SELECT ruvector_healing_register('m')");
    const { lambda, metrics } = await sample("m");
    expect(lambda).toBe(1);
    expect(metrics.partitions.filter(({ reason }) => reason === "no_rows_yet")).toHaveLength(4);
    expect(metrics.partitions.filter(({ reason }) => reason === "never_written")).toHaveLength(4);
    expect(metrics.partitions.find(({ label }) => label === "m_plus0")).toMatchObject({
      judged: false,
      reason: "by_design",
      load_ratio: 1,
    });
    await leftAlone("m");
    expect(await explained("m")).toContain("8 partitions in no mean: they hold no rows yet.");
    await fill("m", -1, 30);
    expect(
      (await sample("m")).metrics.partitions.find(({ label }) => label === "m_plus0")!.load_ratio,
    ).toBeGreaterThan(1.9);
    expect(await explained("m")).toMatch(
      pattern(
        /Shown, not judged: m_plus0 has 2 times the mean rows: /,
        /its schema makes it .*judge_partition_load/s,
      ),
    );
    await leftAlone("m");
  });

  it.each(["date", "timestamp", "timestamp(0)", "timestamptz"])(
    "of type %s are judged where somebody asks, months ahead in no mean",
    async (type) => {
      const name = `asked_${type.replace(/\W/g, "")}`;
      await months(name, type, 2, 6);
      for (const month of [-2, -1, 0]) await fill(name, month, 400);
      await db.client.query("SELECT ruvector_healing_register($1)", [name]);
      await db.client.query(
        "SELECT ruvector_healing_configure('{\"judge_partition_load\": true}', $1)",
        [name],
      );
      const level = await sample(name);
      expect(level.lambda).toBe(1);
      expect(
        level.metrics.partitions.filter(({ judged }) => judged).map(({ load_ratio }) => load_ratio),
      ).toEqual([1, 1, 1]);
      // Emptied again after a mistake: a month ahead holds nothing all the same.
      await fill(name, 2, 10);
      await db.client.query(`TRUNCATE ${name}_plus2`);
      expect(
        (await sample(name)).metrics.partitions.find(({ label }) => label.endsWith("plus2")),
      ).toMatchObject({ judged: false, reason: "no_rows_yet" });
      // Bookings: rows that lie ahead are rows.
      await fill(name, 3, 3000);
      const hot = await sample(name);
      expect(hot.metrics.partitions.find(({ label }) => label.endsWith("plus3"))).toMatchObject({
        judged: true,
      });
      expect(hot.lambda).toBeLessThan(0.8);
      await db.client.query("SELECT ruvector_healing_unregister($1)", [name]);
    },
  );
});

describe("partitions by hash, by tenant, by ranges of numbers, on two levels", () => {
  it.each<[string, string, string, string]>([
    [
      "hashed",
      "PARTITION BY HASH (k)",
      "CREATE TABLE hashed_%1$s PARTITION OF hashed FOR VALUES WITH (MODULUS 4, REMAINDER %1$s)",
      "CASE WHEN g % 10 < 8 THEN 1 ELSE g END",
    ],
    [
      "tenants",
      "PARTITION BY LIST (k)",
      "CREATE TABLE tenants_%1$s PARTITION OF tenants FOR VALUES IN (%1$s)",
      "CASE WHEN g % 10 < 8 THEN 1 ELSE g % 4 END",
    ],
    [
      "numbers",
      "PARTITION BY RANGE (k)",
      "CREATE TABLE numbers_%1$s PARTITION OF numbers FOR VALUES FROM (%1$s) TO (%1$s + 1)",
      "CASE WHEN g % 10 < 8 THEN 1 ELSE g % 4 END",
    ],
    [
      "levels",
      "PARTITION BY RANGE (k)",
      `CREATE TABLE levels_%1$s PARTITION OF levels FOR VALUES
        FROM (%1$s) TO (%1$s + 1) PARTITION BY HASH (id);
      CREATE TABLE levels_%1$s_a PARTITION OF levels_%1$s FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE levels_%1$s_b PARTITION OF levels_%1$s FOR
        VALUES WITH (MODULUS 2, REMAINDER 1)`,
      "CASE WHEN g % 10 < 8 THEN 1 ELSE g % 4 END",
    ],
  ])("%s: one large partition lowers nothing", async (name, by, make, key) => {
    await db.client.query(
      `CREATE TABLE ${name} (id int, k int, e vector(3), PRIMARY KEY (id, k)) ${by}`,
    );
    for (const place of [0, 1, 2, 3])
      await db.client.query(
        make
          .replaceAll("%1$s", String(place))
          .replace(/\((\d) \+ 1\)/g, (_, n) => `(${Number(n) + 1})`),
      );
    await db.client.query(`CREATE TABLE ${name}_rest PARTITION OF ${name} DEFAULT`).catch(() => {});
    await db.client.query(
      `INSERT INTO ${name} SELECT g, ${key}, ${VECTORS} FROM generate_series(1, 3000) g`,
    );
    await db.client.query("SELECT ruvector_healing_register($1)", [name]);
    const { lambda, metrics } = await sample(name);
    expect(lambda).toBe(1);
    expect(Math.max(...metrics.partitions.map(({ load_ratio }) => load_ratio))).toBeGreaterThan(2);
    expect(metrics.partitions.every(({ judged }) => !judged)).toBe(true);
    await leftAlone(name);
    // The same sizes, where the owner says that they were meant to be level.
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"judge_partition_load": true, "mode": ' +
        '"observe"}\', $1)',
      [name],
    );
    expect((await sample(name)).lambda).toBeLessThan(0.8);
    expect(
      await db.value("SELECT ruvector_healing_trigger($1) #>> '{problem,class}'", [name]),
    ).toBe("hotspot_congestion");
    await db.client.query("SELECT ruvector_healing_unregister($1)", [name]);
  });
});

it(
  "where the owner consented to moves, a hot partition is found, and an empty one beside it " +
    "counts",
  async () => {
    await db.client.query(`
    CREATE TABLE spread (id int, shard_id int, e vector(3), PRIMARY KEY (id, shard_id))
      PARTITION BY LIST (shard_id);
    CREATE TABLE spread_0 PARTITION OF spread FOR VALUES IN (0);
      CREATE TABLE spread_1 PARTITION OF spread FOR VALUES IN (1);
    CREATE TABLE spread_2 PARTITION OF spread FOR VALUES IN (2);
      CREATE TABLE spread_rest PARTITION OF spread DEFAULT;
    INSERT INTO spread SELECT g, 0, ${VECTORS} FROM generate_series(1, 3000) g;
      SELECT ruvector_healing_register('spread', '{"movable": true}')`);
    await configure(db, { mode: "observe" });
    const { lambda, metrics } = await sample("spread");
    expect(lambda).toBeLessThan(0.8);
    expect(
      metrics.partitions.map(({ label, judged, reason, load_ratio }) => [
        label,
        judged,
        reason,
        load_ratio,
      ]),
    ).toEqual([
      ["spread_0", true, undefined, 3],
      ["spread_1", true, undefined, 0],
      ["spread_2", true, undefined, 0],
      ["spread_rest", false, "never_written", 0],
    ]);
  },
);
