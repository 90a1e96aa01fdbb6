/**
 * Rebalancing whatever the keys are: types of the primary key, keys of several columns, many
 * partitions, several values in one.
 */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { configure, QUICK } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, batch_rows: 400, slice_seconds: 60 });
});

afterEach(async () => {
  await db.client.query("DROP TABLE IF EXISTS typed, counted");
  await db.client.query(
    `SELECT ruvector_healing_unregister(format('%I.%I', schema_name, table_name))
      FROM ruvector.collections`,
  );
});

const whole = (table: string) =>
  db.value<string>(`SELECT md5(string_agg(md5(t::text), '' ORDER BY t::text)) FROM ${table} t`);
const content = (table: string, without: string) =>
  db.value<string>(
    `SELECT md5(string_agg(md5((to_jsonb(t) - '${without}')::text), ''
      ORDER BY (to_jsonb(t) - '${without}')::text)) FROM ${table} t`,
  );

/** Heals the table by name, then undoes it; both must leave every row as it was. */
/** State of the newest action, once it is not that one any more, or after 20 ticks. */
async function ended(state: string): Promise<string> {
  for (let turn = 0; ; turn++) {
    const now = await db.value<string>(
      "SELECT state FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1",
    );
    if (now !== state || turn === 20) return now;
    await db.client.query("CALL ruvector_healing_tick()");
  }
}

async function healAndUndo(
  table: string,
  options: object = {},
  column = "partition_id",
): Promise<{ rows_moved: number; strategy: string; predicted_lambda: number }> {
  await db.client.query("SELECT ruvector_healing_register($1, $2)", [
    table,
    JSON.stringify({ movable: true, ...options }),
  ]);
  const [before, rows] = [await whole(table), await content(table, column)];
  const answer = await db.value<{
    outcome: string;
    message: string;
    rows_moved: number;
    strategy: string;
    predicted_lambda: number;
  }>("SELECT ruvector_healing_execute($1, 'rebalance_partitions')", [table]);
  // One slice on a quiet machine, a few beside other tests.
  expect(await ended("executing")).not.toBe("executing");
  const reached = await db.value<string>(
    `SELECT string_agg(message, '; ') FROM ruvector.healing_events
      WHERE kind = 'action_stabilizing' AND collection = (SELECT collection
        FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1)`,
  );
  expect(reached).toMatch(/^(target reached|the plan is carried out)/);
  expect(await content(table, column)).toBe(rows);
  expect(await whole(table)).not.toBe(before);
  expect(
    await db.value("SELECT ruvector_integrity_sample($1) -> 'lambda'", [table]),
  ).toBeGreaterThan(0.99);
  await db.value("SELECT ruvector_healing_rollback($1)", [table]);
  expect(await ended("rolling_back")).toBe("rolled_back");
  expect(await whole(table)).toBe(before);
  return answer;
}

const SPREAD = "CASE WHEN g % 10 < 6 THEN 3 ELSE g % 8 END";

/** Type of the id, and the id of row g. */
const TYPES: readonly (readonly [string, string])[] = [
  ["uuid", "md5(g::text)::uuid"],
  [
    "text",
    `CASE g % 4 WHEN 0 THEN 'ä"''\\' || g WHEN 1 THEN '' || chr(9) || g WHEN 2 THEN '{' || g ` +
      "|| ',NULL}' ELSE 'Z' || g END",
  ],
  ["varchar(12)", "'k ' || g"],
  ["char(9)", "'c' || g"],
  ["bytea", "decode(md5(g::text) || '00ff', 'hex')"],
  ["numeric", "g::numeric / 7 + 1e30"],
  [
    "timestamptz",
    "'2020-01-01 00:00:00.000001+05:30'::timestamptz + g * interval '1 day 1 microsecond'",
  ],
  [
    "date",
    "CASE g WHEN 1 THEN '-infinity' WHEN 2 THEN 'infinity' ELSE '0044-03-15 BC'::date + g::int END",
  ],
  ["interval", "g * interval '1 month 1 day 0.000001 second'"],
  ["float8", "CASE g WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' ELSE g / 3.0 END"],
  ["bigint", "CASE g WHEN 1 THEN -9223372036854775808 ELSE g * 4611686018427387 END"],
  ["inet", "'10.0.0.0'::inet + g"],
  ["boolean[]", "ARRAY(SELECT (g >> n) % 2 = 1 FROM generate_series(0, 12) n)"],
];

describe("the primary key may be of any type", () => {
  it.each(TYPES)("%s", async (type, id) => {
    await db.client.query(`
      CREATE TABLE typed (id ${type}, partition_id int, v vector(2), PRIMARY KEY (id, partition_id))
        PARTITION BY LIST (partition_id);
      DO $$ BEGIN FOR i IN 0..7 LOOP
        EXECUTE format('CREATE TABLE typed_%s PARTITION OF typed FOR VALUES IN (%s)', i,
        i); END LOOP; END $$;
      INSERT INTO typed SELECT ${id}, ${SPREAD}, '[1,2]' FROM generate_series(1, 1600) g`);
    expect((await healAndUndo("typed")).rows_moved).toBeGreaterThan(500);
  });
});

describe("keys of several columns", () => {
  it("a tenant, a document and a part, with a unique key of its own beside", async () => {
    await db.client.query(`
      CREATE TABLE parts (tenant_id uuid, "Doc No" text, part smallint, partition_id bigint,
        v vector(2), extra int,
                          PRIMARY KEY (tenant_id, "Doc No", partition_id, part),
                            UNIQUE (partition_id, extra)) PARTITION BY LIST (partition_id);
      DO $$ BEGIN FOR i IN 0..7 LOOP
        EXECUTE format('CREATE TABLE parts_%s PARTITION OF parts FOR VALUES IN (%s)', i,
        i); END LOOP; END $$;
      INSERT INTO parts
        SELECT md5((g % 20)::text)::uuid, 'doc ' || g % 100, g / 100, ${SPREAD}, '[1,2]', g
        FROM generate_series(1, 1600) g`);
    expect((await healAndUndo("parts")).rows_moved).toBeGreaterThan(500);
    expect(
      await db.value("SELECT tenant_column FROM ruvector.collections WHERE table_name = 'parts'"),
    ).toBe("tenant_id");
  });

  it("a partition key of text with several values in one, NULL and DEFAULT beside", async () => {
    await db.client.query(`
      CREATE TABLE "Many Values" (id int, shard text, v vector(2)) PARTITION BY LIST (shard);
      CREATE TABLE mv_a PARTITION OF "Many Values" FOR VALUES IN ('a', 'it''s', 'b"c');
      CREATE TABLE mv_b PARTITION OF "Many Values" FOR VALUES IN ('x', 'y');
      CREATE TABLE mv_c PARTITION OF "Many Values" FOR VALUES IN ('z');
      CREATE TABLE mv_null PARTITION OF "Many Values" FOR VALUES IN (NULL);
      CREATE TABLE mv_rest PARTITION OF "Many Values" DEFAULT;
      INSERT INTO "Many Values"
        SELECT g, CASE WHEN g <= 1500 THEN (ARRAY['a', 'it''s', 'b"c'])[1 + g % 3]
        ELSE (ARRAY['x', 'z', 'other', NULL])[1 + g % 4] END, '[1,2]'
        FROM generate_series(1, 2000) g`);
    // Journaled by primary key: without one it is only sensed. NULL cannot be part of one.
    const options = await db.value<{ limitations: { strategy: string; reason: string }[] }>(
      `SELECT ruvector_healing_register('"Many Values"', '{"movable": true}')`,
    );
    expect(
      options.limitations
        .filter(({ reason }) => reason.includes("primary key"))
        .map(({ strategy }) => strategy)
        .sort(),
    ).toEqual(["drain_hot_partition", "evict_cold_data", "rebalance_partitions"]);
    await db.client.query(`
      ALTER TABLE "Many Values" DETACH PARTITION mv_null;
        ALTER TABLE "Many Values" ADD PRIMARY KEY (shard, id)`);
    const { rows_moved } = await healAndUndo('"Many Values"', {}, "shard");
    expect(rows_moved).toBeGreaterThan(500);
  });
});

describe("from 2 to 256 partitions", () => {
  it.each([2, 256])("%i", async (partitions) => {
    await db.client.query(`
      CREATE TABLE counted (id int, bucket int, v vector(2), PRIMARY KEY (bucket, id))
        PARTITION BY LIST (bucket);
      DO $$ BEGIN FOR i IN 1..${partitions} LOOP
        EXECUTE format('CREATE TABLE counted_%s PARTITION OF counted FOR VALUES IN (%s)', i,
        i); END LOOP; END $$;
      INSERT INTO counted
        SELECT g, CASE WHEN g <= 2400 THEN 1 ELSE 1 + g % ${partitions} END, '[1,2]'
        FROM generate_series(1, 2800) g`);
    const { rows_moved, predicted_lambda } = await healAndUndo("counted", {}, "bucket");
    expect(predicted_lambda).toBeGreaterThan(0.99);
    expect(rows_moved).toBeGreaterThan(700);
  });
});

describe("partitions of partitions", () => {
  it("are sensed with all their rows, and refused by every strategy that moves rows", async () => {
    await db.client.query(`
      CREATE TABLE nested (id int, partition_id int, at date, v vector(2),
        PRIMARY KEY (partition_id, id, at)) PARTITION BY LIST (partition_id);
      CREATE TABLE nested_0 PARTITION OF nested FOR VALUES IN (0) PARTITION BY RANGE (at);
      CREATE TABLE nested_0_old PARTITION OF nested_0 FOR VALUES
        FROM ('2000-01-01') TO ('2020-01-01');
      CREATE TABLE nested_0_new PARTITION OF nested_0 FOR VALUES
        FROM ('2020-01-01') TO ('2040-01-01');
      CREATE TABLE nested_1 PARTITION OF nested FOR VALUES IN (1);
        CREATE TABLE nested_2 PARTITION OF nested FOR VALUES IN (2);
      CREATE TABLE nested_3 PARTITION OF nested FOR VALUES IN (3);
      INSERT INTO nested
        SELECT g, CASE WHEN g <= 1500 THEN 0
        ELSE g % 4 END, date '2010-01-01' + g * 10 % 9000, '[1,2]'
        FROM generate_series(1, 1800) g`);
    await db.client.query(
      'SELECT ruvector_healing_register(\'nested\', \'{"movable": true, "access_column": ' +
        '"at", "cold_partition": 9}\')',
    );
    const { lambda, metrics } = await db.value<{
      lambda: number;
      metrics: { partitions: { label: string; rows: number }[] };
    }>("SELECT ruvector_integrity_sample('nested')");
    expect(metrics.partitions.find(({ label }) => label === "nested_0")?.rows).toBe(1575);
    expect(lambda).toBeLessThan(0.6);
    for (const strategy of ["rebalance_partitions", "drain_hot_partition", "evict_cold_data"]) {
      const refused = await db.value<{ outcome: string; reason: string; message: string }>(
        "SELECT ruvector_healing_execute('nested', $1)",
        [strategy],
      );
      expect(refused).toMatchObject({
        outcome: "deferred",
        reason: "not_applicable",
        message: expect.stringContaining("nested_0"),
      });
    }
  });

  it("RANGE, HASH and DEFAULT partitions are sensed by rows like others", async () => {
    await db.client.query(`
      CREATE TABLE by_range (id int, v vector(2)) PARTITION BY RANGE (id);
      CREATE TABLE by_range_1 PARTITION OF by_range FOR VALUES FROM (0) TO (10);
        CREATE TABLE by_range_2 PARTITION OF by_range FOR VALUES FROM (10) TO (20);
      CREATE TABLE by_range_3 PARTITION OF by_range FOR VALUES FROM (20) TO (30);
        CREATE TABLE by_range_rest PARTITION OF by_range DEFAULT;
      INSERT INTO by_range SELECT CASE WHEN g < 1500 THEN g + 100 ELSE g % 30 END, '[1,2]'
        FROM generate_series(1, 2000) g;
      CREATE TABLE by_hash (id int, v vector(2)) PARTITION BY HASH (id);
      CREATE TABLE by_hash_0 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE by_hash_1 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      INSERT INTO by_hash SELECT CASE WHEN g < 1900 THEN 7 ELSE g END, '[1,2]'
        FROM generate_series(1, 2000) g`);
    for (const table of ["by_range", "by_hash"]) {
      await db.client.query("SELECT ruvector_healing_register($1)", [table]);
      expect(
        await db.value("SELECT (ruvector_integrity_sample($1) ->> 'lambda')::float8", [table]),
      ).toBe(1);
      await db.client.query(
        "SELECT ruvector_healing_configure('{\"judge_partition_load\": true}', $1)",
        [table],
      );
      const { lambda } = await db.value<{ lambda: number }>(
        "SELECT ruvector_integrity_sample($1)",
        [table],
      );
      expect(lambda).toBeLessThan(0.6);
      const answer = await db.value<{ problem: { class: string } }>(
        "SELECT ruvector_healing_execute($1, 'rebalance_partitions', '{\"dry_run\": true}')",
        [table],
      );
      expect(answer.problem.class).toBe("hotspot_congestion");
    }
  });
});
