/**
 * What must hold for every strategy that moves rows: plan, success, undo, no improvement, an error
 * in the middle, an abort in the middle.
 */
import type pg from "pg";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { checksum, configure, places, QUICK } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";
import { MOVERS, type Mover } from "./support/movers.ts";
import { QUICK_TRAFFIC } from "./support/traffic.ts";
import { waitEnds } from "../support/patience.ts";

let db: TestDatabase;
let user: pg.Client;

beforeAll(async () => {
  db = await testDatabase();
  user = await db.connect();
  // One batch a tick, so that there is a middle.
  await configure(db, {
    ...QUICK,
    ...QUICK_TRAFFIC,
    enabled: false,
    batch_rows: 100,
    slice_seconds: 0.01,
    max_auto_heal_impact: 1,
  });
});

// Ticks visit every collection: those of earlier tests would be most of the work.
afterEach(async () => {
  await db.client.query(
    `SELECT ruvector_healing_unregister(format('%I.%I', schema_name, table_name))
      FROM ruvector.collections`,
  );
});

interface Answer {
  readonly outcome: string;
  readonly message?: string;
  readonly action_id: number | null;
  readonly plan: {
    readonly rows: number;
    readonly bytes: number;
    readonly wal_bytes: number;
    readonly predicted_lambda: number;
    readonly estimated_duration_seconds: number;
    readonly locks: string[];
    readonly assumes: string[];
  } | null;
}

const execute = (table: string, { strategy }: Mover, params: object = {}) =>
  db.value<Answer>("SELECT ruvector_healing_execute($1, $2, $3)", [
    table,
    strategy,
    JSON.stringify(params),
  ]);

const last = async (table: string) =>
  (
    await db.rows<{
      id: string;
      state: string;
      verified: boolean | null;
      message: string;
      initial_lambda: number;
      final_lambda: number;
      predicted_lambda: number;
      rows: number;
    }>(
      `SELECT id::text, state, verified, message, initial_lambda, final_lambda, predicted_lambda,
        coalesce((progress ->> 'rows')::int, 0) AS rows FROM ruvector.healing_actions
        WHERE collection = $1 ORDER BY id DESC LIMIT 1`,
      [`public.${table}`],
    )
  )[0]!;

const ENDED = ["succeeded", "rolled_back", "failed", "aborted", "rollback_failed"];

/** Ticks until the last action is in one of the states, with the load going on. */
async function until(
  table: string,
  load: () => Promise<void>,
  states: readonly string[] = ENDED,
  seconds?: number,
) {
  const end = waitEnds(seconds);
  for (;;) {
    await load();
    await db.client.query("CALL ruvector_healing_tick()");
    const action = await last(table);
    if (states.includes(action.state) || Date.now() > end) return action;
  }
}

/** Until rows have moved and more are to come. */
async function begun(table: string, mover: Mover): Promise<void> {
  const answer = await execute(table, mover);
  expect(answer.message).not.toMatch(/would leave/);
  expect(answer.outcome).toBe("started");
  await until(table, () => mover.load(user, table), ["executing"]);
  const { state, rows } = await last(table);
  expect(state).toBe("executing");
  expect(rows).toBeGreaterThan(0);
}

describe.each(MOVERS)("$strategy", (mover) => {
  const { strategy } = mover;
  const name = strategy.split("_")[0]!;

  it("plans without changing anything, does as it planned, is verified, is undone", async () => {
    const table = `${name}_whole`;
    await mover.trouble(db, user, table);
    const [before, content] = [await places(db, table), await checksum(db, table)];
    await mover.load(user, table);
    const { outcome, plan, message } = await execute(table, mover, { dry_run: true });
    expect(message).toBeUndefined();
    expect(outcome).toBe("dry_run");
    expect(plan!.rows).toBeGreaterThan(500);
    for (const key of [
      "bytes",
      "wal_bytes",
      "predicted_lambda",
      "estimated_duration_seconds",
    ] as const)
      expect(plan![key]).toBeGreaterThan(0);
    expect(plan!.locks.join()).toContain("ROW EXCLUSIVE");
    expect(await places(db, table)).toBe(before);

    expect((await execute(table, mover)).outcome).toBe("started");
    const action = await until(table, () => mover.load(user, table));
    expect(action).toMatchObject({ state: "succeeded", verified: true });
    expect(action.rows).toBeGreaterThan(500);
    expect(action.final_lambda).toBeGreaterThan(0.85);
    expect(Math.abs(action.final_lambda - action.predicted_lambda)).toBeLessThan(0.15);
    expect(await checksum(db, table)).toEqual(content);
    expect(await db.value("SELECT ruvector_healing_explain($1::bigint)", [action.id])).toContain(
      "moved",
    );

    await db.value("SELECT ruvector_healing_rollback($1)", [table]);
    expect(await until(table, async () => undefined)).toMatchObject({ state: "rolled_back" });
    expect(await places(db, table)).toBe(before);
    expect(await checksum(db, table)).toEqual(content);
    expect(
      await db.value(
        `SELECT count(*)::int
          FROM ruvector.healing_leases l JOIN ruvector.healing_actions a ON a.id = l.action_id
          WHERE a.collection = $1 AND l.ended_at IS NULL`,
        [`public.${table}`],
      ),
    ).toBe(0);
    expect(
      await db.value(
        `SELECT count(*)::int
          FROM ruvector.healing_routes r JOIN ruvector.collections USING (collection_id)
          WHERE table_name = $1 AND weight <> 1`,
        [table],
      ),
    ).toBe(0);
  });

  it("goes back where it does not help", async () => {
    const table = `${name}_vain`;
    await mover.trouble(db, user, table);
    const before = await places(db, table);
    const first = await db.value<string>(`SELECT max(id)::text FROM ${table}`);
    await begun(table, mover);
    await mover.vain(db, user, table);
    const action = await until(table, async () =>
      strategy === "evict_cold_data" ? mover.vain(db, user, table) : undefined,
    );
    expect(action).toMatchObject({ state: "rolled_back", verified: false });
    expect(action.message).toContain("not verified");
    await db.client.query(`DELETE FROM ${table} WHERE id > ${first}`);
    expect(await places(db, table)).toBe(before);
  });

  it.each([
    [
      "an error",
      "RAISE EXCEPTION 'poisoned row'",
      "P0001: a statement on the table's rows met an error raised by a function",
    ],
    // No error for WHEN OTHERS.
    [
      "an ASSERT",
      "ASSERT false, 'poisoned row'",
      "P0004: a statement on the table's rows met an ASSERT of a function",
    ],
  ])("goes back after %s in the middle", async (_, fails, says) => {
    const table = `${name}_${says.slice(0, 5).toLowerCase()}`;
    await mover.trouble(db, user, table);
    const before = await places(db, table);
    await begun(table, mover);
    // The row of the hot or cold ones that the walk by primary key reaches last.
    await db.client.query(`
      CREATE OR REPLACE FUNCTION poison(payload text, part int) RETURNS boolean
        LANGUAGE plpgsql AS $$ BEGIN IF payload = 'poison'
        AND part <> 3 THEN ${fails}; END IF; RETURN true; END $$`);
    await db.client.query(
      `UPDATE ${table} SET payload = 'poison' WHERE partition_id = 3 AND id % 2 = 0
        AND id > (SELECT max(id) - 600 FROM ${table} WHERE partition_id = 3)`,
    );
    // A trigger would stop the moves before they come to it.
    await db.client.query(
      `ALTER TABLE ${table} ADD CHECK (poison(payload, partition_id)) NOT VALID`,
    );
    const action = await until(table, () => mover.load(user, table));
    expect(action).toMatchObject({ state: "failed" });
    // What the function said may quote a row, and stands in the server's log only.
    expect(action.message).toContain(says);
    expect(await places(db, table)).toBe(before);
  });

  it("goes back when it is aborted in the middle", async () => {
    const table = `${name}_abort`;
    await mover.trouble(db, user, table);
    const before = await places(db, table);
    await begun(table, mover);
    await db.value("SELECT ruvector_healing_abort($1::bigint)", [(await last(table)).id]);
    expect(await until(table, async () => undefined)).toMatchObject({ state: "aborted" });
    expect(await places(db, table)).toBe(before);
    expect(
      await db.value("SELECT count(*)::int FROM ruvector.healing_leases WHERE ended_at IS NULL"),
    ).toBe(0);
  });
});
