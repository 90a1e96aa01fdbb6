/** Approve, reject, abort: bound to the state, safe to call twice, late, or on the wrong action. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  checksum,
  configure,
  HOT,
  IN_ONE_GO,
  makeTable,
  placement,
  places,
  ticks,
} from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";
import { pattern } from "../support/pattern.ts";

let db: TestDatabase;
let role: string;

beforeAll(async () => {
  db = await testDatabase();
  role = await db.value("SELECT session_user::text");
  // Only one strategy, so that what is asked for is known.
  await configure(db, {
    ...IN_ONE_GO,
    mode: "approve",
    strategy_modes: { throttle_ingestion: "off" },
    learning_enabled: false,
  });
});

// A tick visits every collection there is: those of the tests before are no part of this one.
afterEach(() => db.client.query("DELETE FROM ruvector.collections"));

interface Answer {
  readonly outcome: string;
  readonly state: string;
  readonly action_id: number;
  readonly already?: boolean;
  readonly reason?: string;
  readonly message: string;
  readonly hint?: string;
  readonly fingerprint: string;
  readonly approved_by: string | null;
  readonly replaces?: number;
  readonly changed?: readonly string[];
}

const ask = (name: string, id: number, ...more: unknown[]) =>
  db.value<Answer>(
    `SELECT ruvector_healing_${name}($1${more.map((_, place) => `, $${place + 2}`).join("")})`,
    [id, ...more],
  );
const set = (table: string, settings: object) =>
  db.client.query("SELECT ruvector_healing_configure($1, $2)", [JSON.stringify(settings), table]);
const row = async (id: number) =>
  (
    await db.rows<{
      state: string;
      message: string;
      approved_by: string | null;
      rejected_by: string | null;
      rejection_reason: string | null;
      replaced_by: string | null;
      fingerprint: string;
      initial_lambda: number;
      plan: { rows: number };
    }>("SELECT * FROM ruvector.healing_actions WHERE id = $1", [id])
  )[0]!;

/** A hot table whose action waits for approval: its id. */
async function waiting(table: string, rows = HOT): Promise<number> {
  await makeTable(db, { table, rows });
  const answer = await db.value<Answer>("SELECT ruvector_healing_trigger($1)", [table]);
  expect(answer).toMatchObject({
    outcome: "awaiting_approval",
    fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  return answer.action_id;
}

describe("approved in the state it shows", () => {
  it("begins, says who and when, and is carried out", async () => {
    const id = await waiting("plain");
    const before = await checksum(db, "plain");
    const given = await ask("approve", id);
    expect(given).toMatchObject({
      outcome: "started",
      state: "planned",
      approved_by: role,
      action_id: id,
    });
    expect(given.already).toBeUndefined();
    await ticks(db, 3);
    expect(await row(id)).toMatchObject({ state: "succeeded", approved_by: role });
    expect(await checksum(db, "plain")).toEqual(before);
    // Twice, and late: the same answer, not an error.
    expect(await ask("approve", id)).toMatchObject({
      outcome: "completed",
      already: true,
      message: expect.stringContaining(`approved already, by ${role}`),
    });
  });

  it("begins from the state of now: amounts that differed a little are planned anew", async () => {
    const id = await waiting("drifted");
    const then = await row(id);
    await db.client.query(
      `INSERT INTO drifted SELECT g, 3, 'more', embedding
        FROM generate_series(100001, 100150) g, (SELECT embedding FROM drifted LIMIT 1) e`,
    );
    expect(await ask("approve", id)).toMatchObject({
      outcome: "started",
      fingerprint: then.fingerprint,
    });
    const now = await row(id);
    expect(now.plan.rows).toBeGreaterThan(then.plan.rows);
    expect(now.initial_lambda).toBeLessThan(then.initial_lambda);
    await ticks(db, 3);
    expect(await row(id)).toMatchObject({ state: "succeeded" });
  });
});

describe("a state that moved", () => {
  it("asks again under a number of its own, says what changed, and moves nothing", async () => {
    const id = await waiting("moved");
    const then = await row(id);
    // Another partition becomes the hot one.
    await db.client.query("DELETE FROM moved WHERE partition_id = 3 AND id % 10 <> 0");
    await db.client.query(
      `INSERT INTO moved SELECT g, 5, 'more', embedding
        FROM generate_series(100001, 101200) g, (SELECT embedding FROM moved LIMIT 1) e`,
    );
    const before = await places(db, "moved");
    const asked = await ask("approve", id);
    expect(asked).toMatchObject({
      outcome: "awaiting_approval",
      state: "awaiting_approval",
      replaces: id,
      approved_by: null,
    });
    expect(asked.action_id).toBeGreaterThan(id);
    expect(asked.fingerprint).not.toBe(then.fingerprint);
    expect(asked.changed!.join("; ")).toMatch(
      /components: partition:public\.moved_p3 -> partition:public\.moved_p5/,
    );
    expect(asked.hint).toBe(
      `SELECT ruvector_healing_approve(${asked.action_id}); approves it as it is now.`,
    );
    expect(await row(id)).toMatchObject({
      state: "expired",
      approved_by: null,
      replaced_by: String(asked.action_id),
    });
    await ticks(db, 2);
    expect(await places(db, "moved")).toBe(before);
    // Whoever still has the old number is told the new one.
    expect(await ask("approve", id)).toMatchObject({
      outcome: "deferred",
      reason: "expired",
      hint: expect.stringContaining(`ruvector_healing_approve(${asked.action_id})`),
    });
    expect(await ask("approve", asked.action_id)).toMatchObject({
      outcome: "started",
      approved_by: role,
    });
    await ticks(db, 3);
    expect(await row(asked.action_id)).toMatchObject({ state: "succeeded" });
    expect((await placement(db, "moved"))[5]).toBeLessThan(500);
  });

  it("half as many rows again is another state", async () => {
    const id = await waiting("grown");
    await db.client.query(
      `INSERT INTO grown SELECT g, 3, 'more', embedding
        FROM generate_series(100001, 102000) g, (SELECT embedding FROM grown LIMIT 1) e`,
    );
    expect(await ask("approve", id)).toMatchObject({
      outcome: "awaiting_approval",
      replaces: id,
      changed: expect.arrayContaining([expect.stringMatching(/^rows planned: \d+ -> \d+$/)]),
    });
  });

  it("a problem that went away needs nothing: said so, not done", async () => {
    const id = await waiting("healed");
    await db.client.query("DELETE FROM healed WHERE partition_id = 3 AND id % 10 <> 0");
    expect(await ask("approve", id)).toMatchObject({
      outcome: "deferred",
      reason: "nothing_to_do",
      state: "expired",
      message: expect.stringMatching(/not needed any more: nothing to heal/),
    });
    expect(await ask("approve", id)).toMatchObject({ outcome: "deferred", reason: "expired" });
  });

  it("an action whose problem went away stops waiting by itself, holds nothing up", async () => {
    const id = await waiting("by_itself");
    await set("by_itself", { recovery_hold_seconds: 0 });
    await db.client.query("DELETE FROM by_itself WHERE partition_id = 3 AND id % 10 <> 0");
    await ticks(db, 2);
    expect(await row(id)).toMatchObject({
      state: "expired",
      message: "not needed any more: the collection is well again",
    });
  });
});

describe("late", () => {
  it("an expired action says so, and what to type, whoever noticed first", async () => {
    const id = await waiting("late");
    await db.client.query(
      "UPDATE ruvector.healing_actions SET deadline = now() - interval '1 second' WHERE id = $1",
      [id],
    );
    expect(await ask("approve", id)).toMatchObject({
      outcome: "deferred",
      reason: "expired",
      state: "expired",
      message: expect.stringContaining("approved too late"),
      hint: expect.stringContaining("ruvector_healing_trigger('public.late')"),
    });
    expect(await ask("approve", id)).toMatchObject({ outcome: "deferred", reason: "expired" });
    expect(await row(id)).toMatchObject({ approved_by: null });

    const other = await waiting("late_too");
    await db.client.query(
      "UPDATE ruvector.healing_actions SET deadline = now() - interval '1 second' WHERE id = $1",
      [other],
    );
    await db.client.query("SELECT ruvector_healing_configure('{\"mode\": \"off\"}', 'late_too')");
    await ticks(db, 1);
    expect(await row(other)).toMatchObject({
      state: "expired",
      message: "nobody approved it in time",
    });
  });

  it("after the collection was unregistered: the action is over, its state is told", async () => {
    const id = await waiting("parted");
    expect(await raised(db.client, "SELECT ruvector_healing_unregister('parted')")).toMatchObject({
      code: "RV008",
    });
    await ask("abort", id);
    await db.client.query("SELECT ruvector_healing_unregister('parted')");
    expect(await raised(db.client, "SELECT ruvector_healing_approve($1)", [id])).toMatchObject({
      code: "RV007",
      detail: expect.stringContaining("aborted"),
      hint: expect.stringContaining("ruvector_healing_execute"),
    });
    expect(await ask("abort", id)).toMatchObject({ already: true, state: "aborted" });
  });

  it("after the table was dropped: RV003, and nothing begins", async () => {
    const id = await waiting("dropped");
    await db.client.query("DROP TABLE dropped");
    expect(await raised(db.client, "SELECT ruvector_healing_approve($1)", [id])).toMatchObject({
      code: "RV003",
    });
    await ticks(db, 1);
    expect(await row(id)).toMatchObject({ state: "failed", approved_by: null });
    await db.client.query("SELECT ruvector_healing_unregister('dropped')");
  });
});

describe("rejected", () => {
  it("keeps who and why; the loop asks for it neither at once nor after the cooldown", async () => {
    const id = await waiting("refused");
    expect(await ask("reject", id, "not during the sale")).toMatchObject({
      outcome: "completed",
      state: "aborted",
      message: "rejected: not during the sale",
    });
    expect(await row(id)).toMatchObject({
      rejected_by: role,
      rejection_reason: "not during the sale",
      approved_by: null,
    });
    expect(await ask("reject", id, "again")).toMatchObject({
      already: true,
      message: expect.stringContaining(`rejected already, by ${role}`),
    });
    expect(await row(id)).toMatchObject({ rejection_reason: "not during the sale" });
    expect(await raised(db.client, "SELECT ruvector_healing_approve($1)", [id])).toMatchObject({
      code: "RV007",
      detail: expect.stringContaining("not during the sale"),
      hint: expect.stringContaining(
        "ruvector_healing_execute('public.refused', 'rebalance_partitions')",
      ),
    });

    await set("refused", { min_healing_interval_seconds: 300 });
    expect(await db.value("SELECT ruvector_healing_trigger('refused')")).toMatchObject({
      outcome: "deferred",
      reason: "cooldown",
    });
    expect(
      await db.value(
        `SELECT ruvector_healing_status('refused') #>>
          '{collections,public.refused,cooldown_until}'`,
      ),
    ).toMatch(/Z$/);
    await set("refused", { min_healing_interval_seconds: 0 });
    await ticks(db, 2);
    const answer = await db.value<{ outcome: string; message: string }>(
      "SELECT ruvector_healing_trigger('refused')",
    );
    expect(answer).toMatchObject({
      outcome: "deferred",
      reason: "suspended",
      message: expect.stringMatching(
        pattern(
          /rebalance_partitions: suspended until \S+Z: \w+ rejected action \d+; to lift that: /,
          /SELECT ruvector_healing_resume/,
        ),
      ),
    });
    await set("refused", { rejection_seconds: 0 });
    expect(await db.value("SELECT ruvector_healing_trigger('refused')")).toMatchObject({
      outcome: "awaiting_approval",
    });
  });

  it("without a reason, and by an abort of what waits", async () => {
    const id = await waiting("silent");
    expect(await db.value("SELECT ruvector_healing_reject($1)", [id])).toMatchObject({
      state: "aborted",
      message: "rejected",
    });
    const other = await waiting("aborted");
    expect(await ask("abort", other)).toMatchObject({
      outcome: "completed",
      state: "aborted",
      rows_left: 0,
    });
    expect(await ask("abort", other)).toMatchObject({ already: true });
    // The loop does not ask again with its next tick.
    await ticks(db, 2);
    expect(
      await db.value(
        "SELECT count(*)::int FROM ruvector.healing_actions WHERE collection = 'public.aborted'",
      ),
    ).toBe(1);
  });
});

describe("the wrong action", () => {
  it("that never waited, that runs, that was undone", async () => {
    await makeTable(db, { table: "running", rows: HOT });
    await set("running", { stabilize_seconds: 60 });
    const { action_id: id } = await db.value<Answer>(
      "SELECT ruvector_healing_execute('running', 'rebalance_partitions')",
    );
    for (const call of ["approve($1)", "reject($1)"]) {
      expect(await raised(db.client, `SELECT ruvector_healing_${call}`, [id])).toMatchObject({
        code: "RV007",
        detail: expect.stringContaining("stabilizing"),
        hint: expect.stringContaining(`ruvector_healing_abort(${id})`),
      });
    }
    await ask("abort", id);
    expect(await ask("abort", id)).toMatchObject({ already: true, state: "aborted", rows_left: 0 });
    expect(await raised(db.client, "SELECT ruvector_healing_reject($1)", [id])).toMatchObject({
      code: "RV007",
    });
  });

  it.each([
    ["ruvector_healing_reject(99999)", "RV006"],
    ["ruvector_healing_reject(NULL)", "RV001"],
    ["ruvector_healing_reject(-1)", "RV006"],
    [`ruvector_healing_reject(99999, '${"x".repeat(1001)}')`, "RV001"],
    ["ruvector_healing_abort(NULL)", "RV001"],
  ])("%s", async (call, code) => {
    const error = await raised(db.client, `SELECT ${call}`);
    expect(error).toMatchObject({ code });
    expect(error.hint).toMatch(/./);
  });
});

describe("approved outside the maintenance windows", () => {
  const closed = async () => {
    const [hours] = await db.rows<{ from: string; to: string }>(
      `SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 hours', 'HH24:00') AS from,
        to_char(now() AT TIME ZONE 'UTC' + interval '3 hours', 'HH24:00') AS to`,
    );
    return { maintenance_windows: [hours] };
  };

  it("waits for the next one, and then begins", async () => {
    const id = await waiting("patient");
    await set("patient", await closed());
    expect(await ask("approve", id)).toMatchObject({
      outcome: "started",
      state: "planned",
      approved_by: role,
      message: expect.stringMatching(/begins with the maintenance window that opens at .*Z/),
    });
    const before = await places(db, "patient");
    await ticks(db, 3);
    expect(await row(id)).toMatchObject({ state: "planned" });
    expect(await places(db, "patient")).toBe(before);
    await set("patient", { maintenance_windows: [] });
    await ticks(db, 4);
    expect(await row(id)).toMatchObject({ state: "succeeded" });
  });

  it("asks again where the state moved meanwhile", async () => {
    const id = await waiting("overtaken");
    await set("overtaken", await closed());
    await ask("approve", id);
    await db.client.query(
      `INSERT INTO overtaken SELECT g, 3, 'more', embedding
        FROM generate_series(100001, 103000) g, (SELECT embedding FROM overtaken LIMIT 1) e`,
    );
    const before = await places(db, "overtaken");
    await set("overtaken", { maintenance_windows: [] });
    await ticks(db, 3);
    const { replaced_by, state } = await row(id);
    expect(state).toBe("expired");
    expect(await row(Number(replaced_by))).toMatchObject({
      state: "awaiting_approval",
      approved_by: null,
    });
    expect(await places(db, "overtaken")).toBe(before);
  });

  it("expires where none opens in time", async () => {
    const id = await waiting("forgotten");
    await set("forgotten", await closed());
    await ask("approve", id);
    await db.client.query(
      "UPDATE ruvector.healing_actions SET deadline = now() - interval '1 second' WHERE id = $1",
      [id],
    );
    await ticks(db, 1);
    expect(await row(id)).toMatchObject({
      state: "expired",
      message: "approved, but no maintenance window opened in time",
    });
  });
});

it("status shows what waits, with the statement, the fingerprint and when it expires", async () => {
  const id = await waiting("shown");
  const [shown] = await db.value<{ approve: string; fingerprint: string; deadline: string }[]>(
    "SELECT ruvector_healing_status('shown') -> 'active_remediations'",
  );
  expect(shown).toMatchObject({
    state: "awaiting_approval",
    approve: `SELECT ruvector_healing_approve(${id});`,
    fingerprint: (await row(id)).fingerprint,
    deadline: expect.stringMatching(/Z$/),
  });
});
