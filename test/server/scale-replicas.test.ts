/**
 * scale_replicas with a fake actuator that speaks the real protocol: success, undo, errors,
 * timeouts, aborts, two takers.
 */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { configure, HOT, makeTable, QUICK, ticks } from "./support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "./support/database.ts";
import { type FakeActuator, fakeActuator } from "./support/fake-actuator.ts";

const WORKLOAD = `default/ruvector"read'; drop`;

let db: TestDatabase;
let actuator: FakeActuator;

const witness = Array.from({ length: 7 }, (_, place) => ({
  type: "partition_link",
  from: "partition:a",
  from_type: "partition",
  to: `partition:${place}`,
  to_type: "partition",
  capacity: 0.03,
  nominal: 0.125,
}));
/**
 * An outside monitor says where lambda is: the replicas' effect is not this test's to bring about.
 */
const lambdaIs = (lambda: number) =>
  db.client.query("SELECT ruvector_integrity_report('embeddings', $1)", [
    JSON.stringify({ lambda, witness_edges: lambda < 1 ? witness : [] }),
  ]);
const execute = (params: object = {}) =>
  db.value<Record<string, unknown>>(
    "SELECT ruvector_healing_execute('embeddings', 'scale_replicas', $1)",
    [JSON.stringify(params)],
  );
const last = async () =>
  (
    await db.rows<{ action_id: string; state: string; message: string; verified: boolean | null }>(
      "SELECT action_id, state, message, verified FROM ruvector_healing_history()",
    )
  )[0]!;
const requests = () =>
  db.rows<{ id: string; state: string; replicas: number; previous: number; cancel: boolean }>(`
  SELECT id, state, (wanted ->> 'replicas')::int AS replicas,
    (wanted ->> 'previous')::int AS previous, cancel_requested_at IS NOT NULL AS cancel
    FROM ruvector.healing_actuations WHERE action_id = (SELECT max(action_id)
      FROM ruvector.healing_actuations) ORDER BY id`);
/** Time passes for the open request, and for what has ended. */
const later = (seconds: number) =>
  db.client.query(
    `
  UPDATE ruvector.healing_actuations SET deadline = deadline - make_interval(secs => $1),
    answered_at = answered_at - make_interval(secs => $1)
   WHERE id = (SELECT max(id) FROM ruvector.healing_actuations)`,
    [seconds],
  );

beforeAll(async () => {
  db = await testDatabase();
  await makeTable(db, { rows: HOT });
  await configure(db, {
    ...QUICK,
    enabled: false,
    scale_workload: WORKLOAD,
    report_ttl_seconds: 3600,
  });
});

beforeEach(async () => {
  await lambdaIs(0.32);
  actuator = fakeActuator(db.client, WORKLOAD, 2);
  await actuator.report();
});

describe("a plan", () => {
  it("asks for half as many again, and takes nothing for granted", async () => {
    const { outcome, plan, predicted_lambda } = await execute({ dry_run: true });
    expect(outcome).toBe("dry_run");
    expect(plan).toMatchObject({
      workload: WORKLOAD,
      replicas_before: 2,
      replicas_after: 3,
      actuator: "fake",
      rows: 0,
      locks: [expect.stringContaining("none on")],
    });
    expect((plan as { note: string }).note).toContain("move no rows");
    expect(predicted_lambda).toBeCloseTo(0.32, 1);
    actuator.replicas = 5;
    await actuator.report();
    expect((await execute({ dry_run: true }))["plan"]).toMatchObject({
      replicas_before: 5,
      replicas_after: 8,
    });
    await actuator.report({ max_replicas: 6 });
    expect((await execute({ dry_run: true }))["plan"]).toMatchObject({ replicas_after: 6 });
    expect(await db.value("SELECT count(*)::int FROM ruvector.healing_actuations")).toBe(0);
  });

  it("is refused with what to do where nothing can be scaled", async () => {
    actuator.replicas = 10;
    await actuator.report();
    expect(await execute()).toMatchObject({
      outcome: "deferred",
      reason: "nothing_to_do",
      message: expect.stringContaining("has 10 replicas, max_replicas is 10"),
      hint: expect.stringContaining('"max_replicas": 15'),
    });
    actuator.replicas = 0;
    await actuator.report();
    expect(await execute()).toMatchObject({
      reason: "nothing_to_do",
      message: expect.stringContaining("scaled to 0"),
    });
    await db.client.query(
      "UPDATE ruvector.healing_actuators SET reported_at = reported_at - interval '61 seconds'",
    );
    expect(await execute()).toMatchObject({
      reason: "nothing_to_do",
      message: expect.stringMatching(/fake has not reported .* for 6\d s/),
    });
    await db.client.query("DELETE FROM ruvector.healing_actuators");
    expect(await execute()).toMatchObject({
      reason: "nothing_to_do",
      message: expect.stringContaining("no actuator has ever reported"),
      hint: expect.stringContaining("ruvector_healing_actuator_report"),
    });
    await configure(db, { scale_workload: null });
    expect(await execute()).toMatchObject({
      reason: "not_applicable",
      message: expect.stringContaining("scale_workload"),
      hint: expect.stringContaining("ruvector_healing_configure"),
    });
    await configure(db, { scale_workload: WORKLOAD });
    for (const bad of [7, "x".repeat(254), "a\nb", ["x"]]) {
      expect(
        await raised(db.client, "SELECT ruvector_healing_configure($1)", [
          JSON.stringify({ scale_workload: bad }),
        ]),
        String(bad),
      ).toMatchObject({ code: "RV001" });
    }
  });
});

describe("an action", () => {
  it("waits for the actuator, is verified, and is taken back when a human asks", async () => {
    const listener = await db.connect();
    const told: string[] = [];
    listener.on("notification", ({ payload }) => told.push(payload ?? ""));
    await listener.query("LISTEN ruvector_healing_actuation");
    expect(await execute()).toMatchObject({
      outcome: "started",
      state: "executing",
      message: expect.stringContaining("waits for the actuator"),
    });
    await expect
      .poll(() => told.map((payload) => JSON.parse(payload) as object))
      .toMatchObject([{ kind: "scale", workload: WORKLOAD }]);
    await ticks(db, 2);
    expect(await last()).toMatchObject({
      state: "executing",
      message: expect.stringContaining("waits for the actuator"),
    });
    expect(await actuator.report()).toMatchObject({ requests: 1 });
    expect(await actuator.serve()).toMatchObject({
      kind: "scale",
      target: { workload: WORKLOAD },
      wanted: { replicas: 3, previous: 2 },
    });
    await lambdaIs(0.9);
    await ticks(db, 2);
    expect(await last()).toMatchObject({ state: "succeeded", verified: true });
    expect(await requests()).toMatchObject([{ state: "succeeded", replicas: 3 }]);

    expect(await db.value("SELECT ruvector_healing_rollback('embeddings')")).toMatchObject({
      outcome: "started",
    });
    await ticks(db, 1);
    expect(await last()).toMatchObject({ state: "rolling_back" });
    expect((await actuator.serve()).wanted).toEqual({ replicas: 2, previous: 3 });
    await ticks(db, 1);
    expect(await last()).toMatchObject({ state: "rolled_back" });
    expect(actuator.replicas).toBe(2);
  });

  it("is taken back where lambda did not rise", async () => {
    await execute();
    await actuator.serve();
    await ticks(db, 3);
    expect(await last()).toMatchObject({
      state: "rolling_back",
      message: expect.stringContaining("not verified"),
    });
    expect((await actuator.serve()).wanted).toEqual({ replicas: 2, previous: 3 });
    await ticks(db, 1);
    expect(await last()).toMatchObject({ state: "rolled_back", verified: false });
    expect(actuator.replicas).toBe(2);
  });

  it("fails with the actuator's word where it could not, asks for the previous count", async () => {
    await execute();
    await actuator.fail((await actuator.take())!, "quota exceeded");
    // Half of it was done: the count is the new one.
    actuator.replicas = 3;
    await actuator.report();
    await ticks(db, 1);
    expect(await last()).toMatchObject({
      state: "rolling_back",
      message: expect.stringContaining("RV021"),
    });
    await ticks(db, 1);
    const undo = (await actuator.take())!;
    expect(undo.wanted).toEqual({ replicas: 2, previous: 3 });
    // An undo that fails is asked for again, but not at once.
    await actuator.fail(undo, "still no quota");
    await ticks(db, 2);
    expect(await requests()).toHaveLength(2);
    await later(31);
    await ticks(db, 1);
    await actuator.serve();
    await ticks(db, 1);
    expect(await last()).toMatchObject({
      state: "failed",
      message: expect.stringContaining("quota exceeded"),
    });
    expect((await requests()).map(({ state }) => state)).toEqual(["failed", "failed", "succeeded"]);
  });

  it("that could not begin leaves nothing to take back", async () => {
    await execute();
    const request = (await actuator.take())!;
    await actuator.fail(request, "no such workload");
    await ticks(db, 2);
    expect(await last()).toMatchObject({
      state: "failed",
      message: expect.stringContaining("no such workload"),
    });
    expect(await requests()).toHaveLength(1);
  });

  it("ends where nobody takes the request in time, and nobody can take it then", async () => {
    await execute();
    await later(301);
    expect(await actuator.take()).toBeNull();
    await ticks(db, 2);
    expect(await last()).toMatchObject({
      state: "failed",
      message: expect.stringContaining("no actuator took the request in time"),
    });
    expect(await requests()).toMatchObject([{ state: "expired" }]);
  });

  it("ends where no answer comes in time; a late one is refused, changes nothing", async () => {
    await execute();
    const request = (await actuator.take())!;
    await later(301);
    expect(
      await raised(db.client, "SELECT ruvector_healing_actuation_answer($1, true)", [request.id]),
    ).toMatchObject({ code: "RV023" });
    await ticks(db, 2);
    expect(await last()).toMatchObject({
      state: "rolling_back",
      message: expect.stringContaining("fake did not answer in time"),
    });
    expect(
      await raised(db.client, "SELECT ruvector_healing_actuation_answer($1, true)", [request.id]),
    ).toMatchObject({ code: "RV023", detail: expect.stringContaining("had to be answered by") });
    expect((await actuator.serve()).wanted).toEqual({ replicas: 2, previous: 3 });
    await ticks(db, 1);
    expect(await last()).toMatchObject({ state: "failed" });
    expect((await requests()).map(({ state }) => state)).toEqual(["expired", "succeeded"]);
  });

  it("is aborted at once before it is taken, and by an undo afterwards", async () => {
    await execute();
    expect(
      await db.value("SELECT ruvector_healing_abort($1)", [(await last()).action_id]),
    ).toMatchObject({ outcome: "completed", state: "aborted" });
    expect(await requests()).toMatchObject([{ state: "cancelled" }]);
    expect(await actuator.take()).toBeNull();

    await execute();
    const request = (await actuator.take())!;
    expect(
      await db.value("SELECT ruvector_healing_abort($1)", [(await last()).action_id]),
    ).toMatchObject({ outcome: "started", state: "rolling_back" });
    expect(await requests()).toMatchObject([{ state: "taken", cancel: true }]);
    await ticks(db, 2);
    // Its undo is not handed out while it is at work.
    expect(await requests()).toHaveLength(1);
    await actuator.carryOut(request);
    await ticks(db, 1);
    await actuator.serve();
    await ticks(db, 1);
    expect(await last()).toMatchObject({ state: "aborted" });
    expect(actuator.replicas).toBe(2);
  });

  it("leaves alone what somebody else scaled meanwhile, and says so", async () => {
    await execute();
    await actuator.serve();
    actuator.replicas = 7;
    await actuator.report();
    await ticks(db, 3);
    expect(await last()).toMatchObject({
      state: "rolled_back",
      message: expect.stringContaining("somebody else scaled the workload"),
    });
    expect(await requests()).toHaveLength(1);
    expect(
      await db.value(
        "SELECT count(*)::int FROM ruvector.healing_events WHERE kind = 'action_left_alone'",
      ),
    ).toBe(1);
  });

  it("waits for approval when the loop wants it", async () => {
    // What the tests before rolled back and aborted by hand would keep the loop from it for a day.
    await configure(db, {
      enabled: true,
      max_auto_heal_impact: 0.25,
      strategy_retry_seconds: 0,
      ineffective_outcomes: 100,
      rejection_seconds: 0,
      exploration_seconds: 0,
    });
    try {
      await ticks(db, 1);
      expect(await last()).toMatchObject({
        state: "awaiting_approval",
        message: expect.stringContaining("scale_replicas needs approval"),
      });
      await ticks(db, 2);
      expect(await actuator.take()).toBeNull();
      await db.client.query("SELECT ruvector_healing_approve($1)", [(await last()).action_id]);
      await ticks(db, 1);
      await actuator.serve();
      await lambdaIs(1);
      await ticks(db, 2);
      expect(await last()).toMatchObject({ state: "succeeded" });
      expect(
        await db.value("SELECT ruvector_healing_explain($1)", [(await last()).action_id]),
      ).toContain(`asked for 3 replicas of ${WORKLOAD} instead of 2`);
    } finally {
      await configure(db, {
        enabled: false,
        max_auto_heal_impact: null,
        strategy_retry_seconds: null,
        ineffective_outcomes: null,
        rejection_seconds: null,
        exploration_seconds: null,
      });
    }
  });
});

describe("the protocol", () => {
  it("hands a request to one taker, whoever asks, and one of a workload at a time", async () => {
    await execute();
    const takers = await Promise.all(Array.from({ length: 6 }, () => db.connect()));
    const answers = await Promise.all(
      takers
        .map((client, place) => fakeActuator(client, WORKLOAD, 2, `taker${place}`))
        .map(async (taker) => {
          await taker.report();
          return taker.take();
        }),
    );
    expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
    // A second request for the workload waits until the first has its answer.
    const second =
      await db.value<string>(`INSERT INTO ruvector.healing_actuations (action_id, collection, kind,
        target, wanted, deadline)
      SELECT action_id, collection, kind, target, wanted, deadline FROM ruvector.healing_actuations
        ORDER BY id DESC LIMIT 1 RETURNING id`);
    expect(await actuator.take()).toBeNull();
    await actuator.carryOut(answers.find((answer) => answer !== null)!);
    expect(String((await actuator.take())!.id)).toBe(second);
    await db.client.query("SELECT ruvector_healing_abort($1)", [(await last()).action_id]);
    await db.client.query("DELETE FROM ruvector.healing_actuations WHERE id = $1", [second]);
    await actuator.serve();
    await ticks(db, 1);
    expect(await last()).toMatchObject({ state: "aborted" });
  });

  it(
    "hands one that is being taken in an open transaction to nobody else, and a tick does not " +
      "wait for it",
    async () => {
      await execute();
      const slow = await db.connect();
      await slow.query("BEGIN");
      const held = await fakeActuator(slow, WORKLOAD, 2).take();
      expect(held).not.toBeNull();
      expect(await actuator.take()).toBeNull();
      expect(
        await db.value("SELECT ruvector_healing_abort($1)", [(await last()).action_id]),
      ).toMatchObject({ outcome: "started" });
      await ticks(db, 1);
      await slow.query("ROLLBACK");
      await ticks(db, 1);
      expect(await last()).toMatchObject({ state: "aborted" });
      expect(await requests()).toMatchObject([{ state: "cancelled" }]);
    },
  );

  it(
    "hands a request out again when its taker falls silent, and refuses what that one says " +
      "later",
    async () => {
      const claimed = (seconds: number) =>
        db.client.query(
          `UPDATE ruvector.healing_actuations SET claimed_until = claimed_until
          - make_interval(secs => $1) WHERE state = 'taken'`,
          [seconds],
        );
      await execute();
      const other = fakeActuator(db.client, WORKLOAD, 2, "other");
      await other.report();
      const request = (await actuator.take())!;
      expect(await other.take()).toBeNull();
      await claimed(59);
      expect(await other.take()).toBeNull();
      // Its report says that it is at it, and which requests are its own: after a restart it goes
      // on with them.
      expect(await actuator.report()).toMatchObject({
        claims: [{ id: request.id, wanted: { replicas: 3, previous: 2 }, cancel: false }],
      });
      await claimed(59);
      expect(await other.report()).toMatchObject({ claims: [] });
      expect(await other.take()).toBeNull();
      await claimed(2);
      expect((await other.take())!).toMatchObject({
        id: request.id,
        wanted: { replicas: 3, previous: 2 },
      });
      expect(await actuator.report()).toMatchObject({ claims: [] });
      expect(await actuator.take()).toBeNull();
      const late =
        'SELECT ruvector_healing_actuation_answer($1, false, \'{"actuator": "fake", "error": ' +
        '"too slow"}\')';
      expect(await raised(db.client, late, [request.id])).toMatchObject({
        code: "RV024",
        detail: expect.stringContaining("taken by other"),
      });
      // Who leaves gives what it is at to the next; one that is to be given up is handed to nobody.
      expect(await other.report({ leaving: true })).toMatchObject({ left: true });
      expect(await actuator.take()).toMatchObject({ id: request.id });
      await db.client.query("SELECT ruvector_healing_abort($1)", [(await last()).action_id]);
      expect(await actuator.report()).toMatchObject({ claims: [{ id: request.id, cancel: true }] });
      await other.report();
      await claimed(61);
      expect(await other.take()).toBeNull();
      await actuator.fail(request, "asked to stop");
      await ticks(db, 2);
      expect(await last()).toMatchObject({ state: "aborted" });
      await db.client.query("DELETE FROM ruvector.healing_actuators WHERE actuator = 'other'");
    },
  );

  it("leaves alone what somebody else scaled before the actuator takes it back", async () => {
    await execute();
    await actuator.serve();
    await ticks(db, 3);
    const undo = (await actuator.take())!;
    expect(undo.wanted).toEqual({ replicas: 2, previous: 3 });
    await db.client.query("SELECT ruvector_healing_actuation_answer($1, false, $2)", [
      undo.id,
      JSON.stringify({ error: "it has 7", replicas: 7, left_alone: true }),
    ]);
    await ticks(db, 1);
    expect(await last()).toMatchObject({
      state: "rolled_back",
      message: expect.stringContaining("somebody else scaled the workload"),
    });
  });

  it("asks again where what it left alone is the very count to be taken back", async () => {
    await execute();
    await actuator.serve();
    await ticks(db, 3);
    const undo = (await actuator.take())!;
    await db.client.query("SELECT ruvector_healing_actuation_answer($1, false, $2)", [
      undo.id,
      JSON.stringify({ replicas: undo.wanted.previous, left_alone: true }),
    ]);
    await db.client.query(
      `UPDATE ruvector.healing_actuations SET answered_at = answered_at - interval '1 hour'
        WHERE id = $1`,
      [undo.id],
    );
    await ticks(db, 1);
    expect(await last()).toMatchObject({ state: "rolling_back" });
    const again = (await actuator.take())!;
    expect(again.wanted).toEqual(undo.wanted);
    await db.client.query("SELECT ruvector_healing_actuation_answer($1, false, $2)", [
      again.id,
      JSON.stringify({ replicas: again.wanted.replicas, left_alone: true }),
    ]);
    await ticks(db, 1);
    const { state, message } = await last();
    expect([state, message]).toEqual(["rolled_back", expect.not.stringContaining("somebody")]);
  });

  it("gives an actuator only what it serves", async () => {
    await execute();
    const other = fakeActuator(db.client, "default/other", 1, "other");
    expect(await other.take()).toBeNull();
    expect(await other.report()).toMatchObject({ requests: 0 });
    expect(await other.take()).toBeNull();
    expect((await actuator.take())!.wanted.replicas).toBe(3);
    await db.client.query("SELECT ruvector_healing_abort($1)", [(await last()).action_id]);
    await actuator.fail({ id: Number((await requests())[0]!.id) } as never, "asked to stop");
    await ticks(db, 2);
    expect(await last()).toMatchObject({ state: "aborted" });
  });

  it("hands out nothing that nobody waits for any more", async () => {
    await execute();
    await db.client.query("BEGIN");
    await db.client.query(
      "UPDATE ruvector.healing_actions SET state = 'failed' WHERE state = 'executing'",
    );
    expect(await actuator.take()).toBeNull();
    await db.client.query("ROLLBACK");
    expect(await actuator.take()).not.toBeNull();
    await db.client.query("SELECT ruvector_healing_abort($1)", [(await last()).action_id]);
    await actuator.fail({ id: Number((await requests())[0]!.id) } as never, "asked to stop");
    await ticks(db, 2);
  });

  it("needs the right to these three functions and no other", async () => {
    const role = `actuator_${process.pid}`;
    await db.client.query(`CREATE ROLE ${role}`);
    const session = await db.connect();
    try {
      await session.query(`SET ROLE ${role}`);
      const mine = fakeActuator(session, WORKLOAD, 2, "mine");
      await expect(mine.report()).rejects.toMatchObject({ code: "42501" });
      await expect(mine.take()).rejects.toMatchObject({ code: "42501" });
      await db.client
        .query(`GRANT EXECUTE ON FUNCTION ruvector_healing_actuator_report(text, jsonb),
          ruvector_healing_actuation_take(text),
                                                       ruvector_healing_actuation_answer(bigint,
                                                         boolean, jsonb) TO ${role}`);
      await mine.report();
      await execute();
      expect((await mine.serve()).wanted.replicas).toBe(3);
      await lambdaIs(1);
      await ticks(db, 2);
      expect(await last()).toMatchObject({ state: "succeeded" });
      await expect(
        session.query("SELECT * FROM ruvector.healing_actuations"),
      ).rejects.toMatchObject({ code: "42501" });
    } finally {
      await session.query("RESET ROLE");
      await db.client.query(
        `DROP OWNED BY ${role}; DROP ROLE ${role}; DELETE FROM ruvector.healing_actuators
          WHERE actuator = 'mine'`,
      );
    }
  });

  it("takes an answer twice, but not another one", async () => {
    await execute();
    const { id } = await actuator.serve();
    expect(
      await db.value("SELECT ruvector_healing_actuation_answer($1, true)", [id]),
    ).toMatchObject({ state: "succeeded" });
    expect(
      await raised(db.client, "SELECT ruvector_healing_actuation_answer($1, false)", [id]),
    ).toMatchObject({ code: "RV023", detail: "It is succeeded." });
    await ticks(db, 3);
    await actuator.serve();
    await ticks(db, 1);
    expect(await last()).toMatchObject({ state: "rolled_back" });
  });

  it("says what is wrong with bad input", async () => {
    for (const call of [
      "ruvector_healing_actuation_take(NULL)",
      "ruvector_healing_actuation_take('')",
      "ruvector_healing_actuation_take('two words')",
      "ruvector_healing_actuation_take(repeat('x', 201))",
      "ruvector_healing_actuator_report('a', NULL)",
      "ruvector_healing_actuator_report('a', '[]')",
      "ruvector_healing_actuator_report('a', '{}')",
      'ruvector_healing_actuator_report(\'a\', \'{"workload": "", "replicas": 1}\')',
      "ruvector_healing_actuator_report('a', '{\"workload\": \"w\"}')",
      'ruvector_healing_actuator_report(\'a\', \'{"workload": "w", "replicas": -1}\')',
      'ruvector_healing_actuator_report(\'a\', \'{"workload": "w", "replicas": 1.5}\')',
      'ruvector_healing_actuator_report(\'a\', \'{"workload": "w", "replicas": 1e9}\')',
      'ruvector_healing_actuator_report(\'a\', \'{"workload": "w", "replicas": 1, ' +
        '"max_replicas": "many"}\')',
      'ruvector_healing_actuator_report(\'a\', \'{"workload": "w", "replicas": 1, "leaving": ' +
        '"yes"}\')',
      "ruvector_healing_actuation_answer(NULL, true)",
      "ruvector_healing_actuation_answer(1, NULL)",
      "ruvector_healing_actuation_answer(1, true, '7')",
      "ruvector_healing_actuation_answer(1, true, NULL)",
      'ruvector_healing_actuation_answer(1, true, \'{"replicas": "three"}\')',
      'ruvector_healing_actuation_answer(1, false, \'{"left_alone": true, "replicas": -3.7}\')',
    ]) {
      const error = await raised(db.client, `SELECT ${call}`);
      expect(error, call).toMatchObject({
        code: "RV001",
        detail: expect.stringContaining("Got"),
        hint: expect.stringContaining("SELECT ruvector_healing_"),
      });
    }
    expect(
      await raised(db.client, "SELECT ruvector_healing_actuation_answer(999999, true)"),
    ).toMatchObject({ code: "RV022" });
  });
});
