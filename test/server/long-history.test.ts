/** A long history is kept for good: nobody who does not ask for all of it may read all of it. */
import type pg from "pg";
import { beforeAll, expect, it } from "vitest";
import { growHistory } from "../../src/workbench/history.ts";
import { configure, HOT, makeTable, QUICK } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

/** So many that an index is cheaper for the planner wherever there is one. */
const ACTIONS = 6000;

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, mode: "observe" });
  await makeTable(db, { table: "old", rows: HOT });
  // Each collection's samples are thinned in one tick of 500, the first one's in the first.
  for (let turn = 0; turn < 2; turn++) await db.client.query("CALL ruvector.healing_tick()");
  await db.value("SELECT ruvector_healing_execute('old', 'rebalance_partitions')");
  // What the action does is over at once, so that the collection is free.
  await db.client.query(
    `UPDATE ruvector.healing_actions SET state = 'succeeded', finished_at = clock_timestamp(),
       started_at = clock_timestamp();
     SELECT ruvector.healing_record_outcome(1, true)`,
  );
  await growHistory(db.client, 2, ACTIONS);
});

/** Rows of the history that sequential scans have read so far, by table. */
const readWhole = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await db.rows<{ name: string; rows: number }>(
        `SELECT relname AS name, seq_tup_read::float8 AS rows FROM pg_stat_user_tables
          WHERE relid IN ('ruvector.healing_actions'::regclass, 'ruvector.healing_steps'::regclass,
            'ruvector.healing_outcomes'::regclass, 'ruvector.healing_events'::regclass,
            'ruvector.integrity_samples'::regclass)`,
      )
    ).map(({ name, rows }) => [name, rows]),
  );

const flushed = async (client: pg.Client, statement: string): Promise<void> => {
  await client.query(statement);
  await client.query("SELECT pg_stat_force_next_flush()");
};

it.each([
  "CALL ruvector.healing_tick()",
  "SELECT ruvector_integrity_sample('old')",
  "SELECT ruvector_healing_execute('old', 'rebalance_partitions', '{\"dry_run\": true}')",
  "SELECT ruvector_healing_explain('old')",
  "SELECT ruvector_healing_explain(1)",
  "SELECT ruvector_healing_status()",
  "SELECT ruvector_healing_status('old')",
  "SELECT * FROM ruvector_healing_verdict()",
  "SELECT * FROM ruvector_healing_history(limit_ => 10)",
  "SELECT * FROM ruvector_integrity_history('old', limit_ => 10)",
  "SELECT * FROM ruvector_healing_metrics()",
])("does not read it whole: %s", async (statement) => {
  // As pg_cron and pools ask: in a session that has no plans from a time when there was less.
  const client = await db.connect();
  try {
    const before = await readWhole();
    await flushed(client, statement);
    const after = await readWhole();
    const read = Object.entries(after).filter(([name, rows]) => rows - before[name]! >= ACTIONS);
    expect(read).toEqual([]);
  } finally {
    await client.end();
  }
});
