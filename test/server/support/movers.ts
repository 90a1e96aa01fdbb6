/**
 * Each strategy that moves rows, with a table in the trouble it is for: what their common tests
 * begin with.
 */
import type pg from "pg";
import { HOT, makeTable } from "./collection.ts";
import type { TestDatabase } from "./database.ts";
import { work } from "./traffic.ts";

export interface Mover {
  readonly strategy: string;
  /** Makes the table and brings it into trouble. */
  trouble(db: TestDatabase, user: pg.Client, table: string): Promise<void>;
  /** What must go on for the trouble to last, and to be seen to end. */
  load(user: pg.Client, table: string): Promise<void>;
  /** The same, but so that the strategy does not help. */
  vain(db: TestDatabase, user: pg.Client, table: string): Promise<void>;
}

const hot = async (db: TestDatabase, _user: pg.Client, table: string): Promise<void> =>
  makeTable(db, { table, rows: HOT });

/** A second partition becomes as hot as the first one was. */
async function pour(db: TestDatabase, table: string): Promise<void> {
  await db.client.query(
    `INSERT INTO ${table} SELECT (SELECT max(id) FROM ${table}) + g, 1, 'more', '[1,2,3,4,5,6,7,8]'
      FROM generate_series(1, 3000) g`,
  );
}

/** Reads partitions whole and by their key, as queries do that name one. */
export const readPartitions = (
  user: pg.Client,
  table: string,
  keys: readonly number[],
): Promise<void> =>
  work(
    user,
    keys.flatMap((key) =>
      Array.from(
        { length: 5 },
        () => `SELECT count(payload) FROM ${table} WHERE partition_id = ${key}`,
      ),
    ),
  );

const KEYS = [0, 1, 2, 3];
export const COLD = 99;

/**
 * Four partitions that fill what memory is said to be there, half of whose rows were not used for a
 * year.
 */
export async function memoryTable(
  db: TestDatabase,
  user: pg.Client,
  table: string,
  options: object = {},
): Promise<void> {
  await makeTable(db, { table, rows: [800, 800, 800, 800], register: false });
  await db.client.query(`ALTER TABLE ${table} ADD used_at timestamptz`);
  await db.client.query(
    `UPDATE ${table} SET used_at = now() - CASE WHEN id % 2 = 0 THEN interval '1 year'
      ELSE interval '1 minute' END - id * interval '1 millisecond'`,
  );
  await db.client.query(`VACUUM FULL ${table}`);
  await db.client.query("SELECT ruvector_healing_register($1, $2)", [
    table,
    JSON.stringify({ movable: true, access_column: "used_at", cold_partition: COLD, ...options }),
  ]);
  await db.client.query("SET effective_cache_size = '1GB'");
  await db.client.query("SELECT ruvector_integrity_sample($1)", [table]);
  // Several seconds' worth at once, so that next to nothing of it is missing.
  for (let turn = 0; turn < 6; turn++) await readPartitions(user, table, KEYS);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const set = await db.value<number>(
    "SELECT ruvector_integrity_sample($1) #> '{metrics,memory,working_set_bytes}'",
    [table],
  );
  await db.client.query(`SET effective_cache_size = '${Math.round((set * 0.9) / 1024)}kB'`);
}

export const MOVERS: readonly Mover[] = [
  {
    strategy: "rebalance_partitions",
    trouble: hot,
    load: async () => undefined,
    vain: (db, _user, table) => pour(db, table),
  },
  {
    strategy: "drain_hot_partition",
    trouble: hot,
    load: async () => undefined,
    vain: (db, _user, table) => pour(db, table),
  },
  {
    strategy: "evict_cold_data",
    trouble: memoryTable,
    load: (user, table) => readPartitions(user, table, KEYS),
    vain: (_db, user, table) => readPartitions(user, table, [...KEYS, COLD]),
  },
];
