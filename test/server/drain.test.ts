/** drain_hot_partition: the closed routes, their lease, and what is moved. */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, LEVEL, makeTable, placement, QUICK, ticks } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, slice_seconds: 60 });
});

interface Answer {
  readonly outcome: string;
  readonly reason?: string;
  readonly message: string;
  readonly strategy: string;
  readonly action_id: number;
  readonly considered: readonly { readonly name: string; readonly reason_code: string }[];
}

const drain = (table: string, params: object = {}) =>
  db.value<Answer>("SELECT ruvector_healing_execute($1, 'drain_hot_partition', $2)", [
    table,
    JSON.stringify(params),
  ]);
const weight = (table: string) =>
  db.value<number>(
    `SELECT weight FROM ruvector.healing_routes JOIN ruvector.collections USING (collection_id)
      WHERE table_name = $1 AND partition_key = '3'`,
    [table],
  );
const open = (action: number) =>
  db.value<number>(
    "SELECT count(*)::int FROM ruvector.healing_leases WHERE action_id = $1 AND ended_at IS NULL",
    [action],
  );
const routed = async (table: string): Promise<boolean> =>
  (
    await db.rows<{ key: string }>(
      "SELECT DISTINCT ruvector_healing_route($1, g::text) AS key FROM generate_series(1, 300) g",
      [table],
    )
  ).some(({ key }) => key === "3");

describe("a drained partition", () => {
  it("is empty, closed to routed inserts until its lease ends, whatever samples say", async () => {
    await makeTable(db, { table: "drained", rows: HOT });
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"enabled": true, "max_attempts_per_hour": ' +
        "0}', 'drained')",
    );
    const { outcome, action_id } = await drain("drained");
    expect(outcome).toBe("stabilizing");
    expect(await weight("drained")).toBe(0);
    await ticks(db, 3);
    expect(
      await db.value("SELECT state FROM ruvector.healing_actions WHERE id = $1", [action_id]),
    ).toBe("succeeded");
    expect((await placement(db, "drained"))["3"]).toBeUndefined();
    // Empty, and so lighter than all: only the lease keeps it closed.
    expect(await weight("drained")).toBe(0);
    expect(await routed("drained")).toBe(false);
    expect(
      await db.value(
        `SELECT l -> 'overdue'
          FROM jsonb_array_elements(ruvector_healing_status('drained') -> 'leases') l`,
      ),
    ).toBe(false);
    await db.client.query(
      "UPDATE ruvector.healing_leases SET expires_at = clock_timestamp() WHERE action_id = $1",
      [action_id],
    );
    // Also where no tick comes any more.
    expect(await routed("drained")).toBe(true);
    expect(
      await db.value(
        "SELECT l FROM jsonb_array_elements(ruvector_healing_status('drained') -> 'leases') l",
      ),
    ).toMatchObject({ overdue: true, note: expect.stringContaining("holds nobody up") });
    await ticks(db, 1);
    expect(await open(action_id)).toBe(0);
    expect(await weight("drained")).toBe(1);
    expect(await routed("drained")).toBe(true);
    // The rows stay where they are; an undo still brings them back.
    await db.value("SELECT ruvector_healing_rollback('drained')");
    expect((await placement(db, "drained"))["3"]).toBe(1260);
  });

  it("is opened when healing is switched off", async () => {
    await makeTable(db, { table: "switched", rows: HOT });
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"enabled": true, "max_attempts_per_hour": ' +
        "0}', 'switched')",
    );
    const { action_id } = await drain("switched");
    await ticks(db, 1);
    expect(await open(action_id)).toBe(1);
    await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": false}', 'switched')");
    await ticks(db, 1);
    expect(await open(action_id)).toBe(0);
    expect(await weight("switched")).toBe(1);
  });
});

describe("what is drained", () => {
  it("may be named, and may keep rows", async () => {
    await makeTable(db, { table: "named", rows: HOT });
    expect(await drain("named", { partition: "named_p3", keep_rows: 200 })).toMatchObject({
      outcome: "stabilizing",
    });
    expect(await placement(db, "named")).toMatchObject({ 3: 200 });
  });

  it("is refused where there is no such partition, nothing to move, or no gain", async () => {
    await makeTable(db, { table: "refused", rows: HOT });
    expect(await drain("refused", { partition: "nowhere" })).toMatchObject({
      outcome: "deferred",
      reason: "nothing_to_do",
      message: expect.stringContaining('no partition "nowhere"'),
    });
    expect(await drain("refused", { keep_rows: 1260 })).toMatchObject({
      outcome: "deferred",
      reason: "nothing_to_do",
    });
    // Two partitions: emptying one makes the other as hot as can be.
    await makeTable(db, { table: "duo", rows: [1900, 200] });
    expect(await drain("duo")).toMatchObject({
      outcome: "deferred",
      reason: "nothing_to_do",
      message: expect.stringContaining("only go elsewhere"),
    });
    expect((await drain("duo", { keep_rows: 1050 })).outcome).toBe("stabilizing");
    await makeTable(db, { table: "quiet", rows: LEVEL });
    expect(await drain("quiet")).toMatchObject({ outcome: "deferred", reason: "nothing_to_do" });
  });

  it("is the loop's choice only if its impact is allowed; rebalance_partitions first", async () => {
    await makeTable(db, { table: "chosen", rows: HOT });
    const verdict = async () =>
      (await db.value<Answer>("SELECT ruvector_healing_trigger('chosen')")).considered.find(
        ({ name }) => name === "drain_hot_partition",
      )?.reason_code;
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"enabled": true, "require_approval": ' +
        "[\"hotspot_congestion\"]}', 'chosen')",
    );
    expect(await verdict()).toBe("impact_above_limit");
    await db.client.query("SELECT ruvector_healing_abort(max(id)) FROM ruvector.healing_actions");
    await db.client.query("DELETE FROM ruvector.healing_weights");
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"max_auto_heal_impact": 0.6, ' +
        "\"rejection_seconds\": 0}', 'chosen')",
    );
    expect(await verdict()).toBe("higher_impact");
  });
});
