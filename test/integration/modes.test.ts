/**
 * How far the loop goes by itself: off, observe, recommend, approve, auto, by collection and by
 * strategy.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  configure,
  forget,
  HOT,
  IN_ONE_GO,
  LEVEL,
  makeTable,
  places,
  ticks,
} from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";
import { pattern } from "../support/pattern.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, IN_ONE_GO);
});

interface Forecast {
  readonly forecast_id: string;
  readonly mode: string;
  readonly strategy: string;
  readonly evaluations: string;
  readonly initial_lambda: number;
  readonly predicted_lambda: number;
  readonly actual_lambda: number | null;
  readonly recovered: boolean | null;
  readonly scored_at: Date | null;
  readonly disturbed_by: string | null;
  readonly closed_at: Date | null;
  readonly closed_because: string | null;
  readonly statement: string;
}

const forecasts = (table: string) =>
  db.rows<Forecast>("SELECT * FROM ruvector_healing_forecasts() WHERE collection = $1", [
    `public.${table}`,
  ]);
const actions = (table: string) =>
  db.rows<{
    strategy_name: string;
    state: string;
    message: string;
    considered: { name: string; reason_code: string }[];
  }>(
    `SELECT strategy_name, state, message, considered FROM ruvector.healing_actions
      WHERE collection = $1 ORDER BY id`,
    [`public.${table}`],
  );
const set = (table: string, settings: object) =>
  db.client.query("SELECT ruvector_healing_configure($1, $2)", [JSON.stringify(settings), table]);
const due = (table: string) =>
  db.client.query(
    `UPDATE ruvector.healing_forecasts SET made_at = made_at - (due_at - clock_timestamp()),
      due_at = clock_timestamp() WHERE collection = $1 AND scored_at IS NULL`,
    [`public.${table}`],
  );

async function hot(table: string, settings: object): Promise<void> {
  await makeTable(db, { table, rows: HOT });
  await set(table, settings);
}

describe("off", () => {
  afterAll(() => forget(db));

  it("does nothing and says what would change that; a human's order still works", async () => {
    await hot("is_off", { mode: "off" });
    await ticks(db, 2);
    expect(await actions("is_off")).toEqual([]);
    expect(await forecasts("is_off")).toEqual([]);
    expect(await db.value("SELECT ruvector_healing_trigger('is_off')")).toMatchObject({
      outcome: "deferred",
      reason: "mode",
      measured: "off",
      hint: `SELECT ruvector_healing_configure('{"mode": "auto"}', 'public.is_off');`,
    });
    expect(
      await db.value("SELECT ruvector_healing_execute('is_off', 'rebalance_partitions')"),
    ).toMatchObject({ outcome: "stabilizing" });
  });
});

describe("observe", () => {
  afterAll(() => forget(db));

  it(
    "keeps what it would have done, once, moves nothing, and scores it when the action would " +
      "have been verified",
    async () => {
      await hot("watched", { mode: "observe", min_healing_interval_seconds: 300 });
      const before = await places(db, "watched");
      await ticks(db, 3);
      expect(await actions("watched")).toEqual([]);
      expect(await places(db, "watched")).toBe(before);
      const [open] = await forecasts("watched");
      expect(open).toMatchObject({
        mode: "observe",
        strategy: "rebalance_partitions",
        evaluations: "3",
        predicted_lambda: 1,
        scored_at: null,
        closed_at: null,
      });
      expect(open!.initial_lambda).toBeCloseTo(0.32, 1);
      const [refusal] = await db.rows<{
        reason: string;
        message: string;
        measured: string;
        count: string;
      }>(
        `SELECT reason, message, measured, count::text FROM ruvector.healing_refusals
        WHERE collection = 'public.watched' AND closed_at IS NULL`,
      );
      expect(refusal).toMatchObject({
        reason: "mode",
        measured: "observe",
        count: "3",
        message: expect.stringMatching(
          /observe.*rebalance_partitions would change \d+ rows, lambda foreseen 1/,
        ),
      });

      await due("watched");
      await ticks(db, 1);
      const [scored] = await forecasts("watched");
      // Nobody did anything, and it did not get better.
      expect(scored).toMatchObject({
        forecast_id: open!.forecast_id,
        recovered: false,
        disturbed_by: null,
        closed_because: "without it lambda went 0.32 -> 0.32",
      });
      expect(scored!.actual_lambda).toBeCloseTo(0.32, 1);
      expect(
        await db.value(
          `SELECT count(*)::int FROM ruvector.healing_events WHERE kind = 'forecast_scored'
          AND collection = 'public.watched'`,
        ),
      ).toBe(1);
      // As an action would have, it cools down before the next one.
      await ticks(db, 2);
      expect(await forecasts("watched")).toHaveLength(1);
      await set("watched", { min_healing_interval_seconds: 0 });
      await ticks(db, 1);
      expect(await forecasts("watched")).toHaveLength(2);
    },
  );

  it("measures natural recovery: a collection that got well by itself", async () => {
    await db.client.query("DELETE FROM watched WHERE partition_id = 3 AND id % 10 <> 0");
    await due("watched");
    await set("watched", { recovery_hold_seconds: 0 });
    await ticks(db, 2);
    const [scored] = await forecasts("watched");
    expect(scored).toMatchObject({ recovered: true, actual_lambda: 1 });
    const scores = await db.value<object[]>(
      "SELECT ruvector_healing_status('watched') -> 'forecasts'",
    );
    expect(scores).toEqual([
      expect.objectContaining({
        strategy: "rebalance_partitions",
        made: 2,
        scored: 2,
        recovered_by_itself: 1,
      }),
    ]);
  });

  it("answers a trigger with the plan that it does not carry out", async () => {
    await hot("asked", { mode: "observe" });
    expect(await db.value("SELECT ruvector_healing_trigger('asked')")).toMatchObject({
      outcome: "deferred",
      reason: "mode",
      strategy: "rebalance_partitions",
      predicted_lambda: 1,
      action_id: null,
      forecast_id: expect.any(Number),
      plan: expect.objectContaining({ moves: expect.any(Array) }),
      hint: "SELECT ruvector_healing_execute('public.asked', 'rebalance_partitions');",
    });
  });

  it("is why nothing happens, in words, with what would", async () => {
    await ticks(db, 1);
    const text = await db.value<string>("SELECT ruvector_healing_explain('asked')");
    expect(text).toMatch(
      pattern(
        /mode: the mode of public\.asked is observe \(mode\): /,
        /rebalance_partitions would change \d+ rows/,
      ),
    );
    expect(text).toMatch(/Behind that: rebalance_partitions, lambda foreseen 1/);
  });

  it("does not score what nobody looked at in its time", async () => {
    await db.client.query(
      `UPDATE ruvector.healing_forecasts SET made_at = now() - interval '3 hours',
        due_at = now() - interval '2 hours' WHERE collection = 'public.asked'`,
    );
    await ticks(db, 1);
    const scored = (await forecasts("asked")).find(({ scored_at }) => scored_at !== null);
    expect(scored).toMatchObject({
      actual_lambda: null,
      recovered: null,
      closed_because: "not scored: no sample was taken at its time",
    });
  });

  it("of one strategy lets the next one act, and is not scored by what that did", async () => {
    await hot("shared", {
      strategy_modes: { rebalance_partitions: "observe" },
      max_auto_heal_impact: 0.6,
    });
    await ticks(db, 1);
    const [action] = await actions("shared");
    expect(action).toMatchObject({ strategy_name: "drain_hot_partition" });
    expect(action!.considered).toContainEqual(
      expect.objectContaining({ name: "rebalance_partitions", reason_code: "held" }),
    );
    expect(await forecasts("shared")).toMatchObject([
      { strategy: "rebalance_partitions", closed_at: null },
    ]);
    await ticks(db, 1);
    await due("shared");
    await ticks(db, 1);
    const [scored] = await forecasts("shared");
    expect(scored!.disturbed_by).not.toBeNull();
    expect(scored).toMatchObject({ actual_lambda: null, recovered: null });
  });
});

describe("recommend", () => {
  afterEach(() => forget(db));

  it("shows the statement to type, blocks nothing, is done once somebody typed it", async () => {
    await hot("advised", { mode: "recommend" });
    await ticks(db, 2);
    expect(await actions("advised")).toEqual([]);
    const [open] = await db.value<
      { statement: string; predicted_lambda: number; strategy: string }[]
    >("SELECT ruvector_healing_status('advised') -> 'recommendations'");
    expect(open).toMatchObject({
      strategy: "rebalance_partitions",
      predicted_lambda: 1,
      statement: "SELECT ruvector_healing_execute('public.advised', 'rebalance_partitions');",
    });
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_events WHERE kind = 'recommended'
          AND collection = 'public.advised'`,
      ),
    ).toBe(1);
    const answer = await db.value<{ action_id: number; outcome: string }>(open!.statement);
    expect(answer.outcome).toBe("stabilizing");
    expect(
      await db.value("SELECT ruvector_healing_status('advised') -> 'recommendations'"),
    ).toEqual([]);
    expect(await forecasts("advised")).toMatchObject([
      { closed_because: `carried out as action ${answer.action_id}` },
    ]);
  });

  it("stays open when it was scored, and goes when the problem does", async () => {
    await hot("passing", { mode: "recommend", recovery_hold_seconds: 0 });
    await ticks(db, 1);
    await due("passing");
    await ticks(db, 1);
    expect(await forecasts("passing")).toMatchObject([{ recovered: false, closed_at: null }]);
    await db.client.query("DELETE FROM passing WHERE partition_id = 3 AND id % 10 <> 0");
    await ticks(db, 2);
    expect(await forecasts("passing")).toMatchObject([
      { closed_because: "the collection is well again" },
    ]);
  });

  it("goes when its collection is unregistered", async () => {
    await hot("gone", { mode: "recommend" });
    await ticks(db, 1);
    await db.client.query("SELECT ruvector_healing_unregister('gone')");
    expect(await forecasts("gone")).toMatchObject([
      { closed_because: "the collection was unregistered" },
    ]);
  });
});

describe("approve", () => {
  afterEach(() => forget(db));

  it("plans, and waits", async () => {
    await hot("waiting", { mode: "approve" });
    await ticks(db, 3);
    expect(await actions("waiting")).toMatchObject([
      { state: "awaiting_approval", message: expect.stringContaining("approve") },
    ]);
    expect(
      await db.value("SELECT ruvector_healing_status('waiting') #> '{collections,public.waiting}'"),
    ).toMatchObject({ mode: "approve", strategy_modes: {} });
  });
});

describe("the more careful of two", () => {
  afterEach(() => forget(db));

  it.each([
    ["auto", "approve", "awaiting_approval"],
    ["approve", "auto", "awaiting_approval"],
    ["recommend", "auto", "recommend"],
    ["observe", "recommend", "observe"],
    ["auto", "recommend", "recommend"],
  ])("collection %s, strategy %s: %s", async (mode, own, result) => {
    const table = `careful_${mode}_${own}`;
    await hot(table, {
      mode,
      strategy_modes: { rebalance_partitions: own, throttle_ingestion: "off" },
    });
    await ticks(db, 1);
    const [action] = await actions(table);
    const [forecast] = await forecasts(table);
    expect(action?.state ?? forecast?.mode).toBe(result);
  });

  it("a strategy that is off is passed over, and why; where all are, that is said", async () => {
    await hot("left_out", {
      strategy_modes: { rebalance_partitions: "off" },
      max_auto_heal_impact: 0.6,
    });
    await ticks(db, 1);
    const [action] = await actions("left_out");
    expect(action).toMatchObject({ strategy_name: "drain_hot_partition" });
    expect(action!.considered).toContainEqual(
      expect.objectContaining({ name: "rebalance_partitions", reason_code: "mode_off" }),
    );
    await hot("all_out", {
      strategy_modes: { rebalance_partitions: "off", throttle_ingestion: "off" },
    });
    expect(await db.value("SELECT ruvector_healing_trigger('all_out')")).toMatchObject({
      outcome: "no_strategy",
      message: expect.stringContaining("its mode is off"),
    });
  });
});

describe("strategy_modes", () => {
  afterEach(() => forget(db));

  const inForce = (collection: string | null) =>
    db.value("SELECT value FROM ruvector_healing_config($1) WHERE key = 'strategy_modes'", [
      collection,
    ]);

  it("are laid over each other strategy by strategy, and taken back one by one", async () => {
    await makeTable(db, { table: "layers", rows: LEVEL });
    await configure(db, { strategy_modes: { drain_hot_partition: "off" } });
    await configure(db, { strategy_modes: { compact_indexes: "approve" } });
    await set("layers", { strategy_modes: { compact_indexes: "observe" } });
    expect(await inForce("layers")).toEqual({
      drain_hot_partition: "off",
      compact_indexes: "observe",
    });
    expect(
      await db.value(
        `SELECT ruvector.healing_settings(collection_id) -> 'strategy_modes'
          FROM ruvector.collections WHERE table_name = 'layers'`,
      ),
    ).toEqual({ drain_hot_partition: "off", compact_indexes: "observe" });
    await set("layers", { strategy_modes: { compact_indexes: null } });
    expect(await inForce("layers")).toEqual({
      drain_hot_partition: "off",
      compact_indexes: "approve",
    });
    await configure(db, { strategy_modes: null });
    expect(await inForce(null)).toEqual({});
  });

  it.each([
    ['{"mode": "automatic"}', "RV001", /automatic/, /auto/],
    ['{"mode": null, "strategy_modes": []}', "RV001", /\[\]/, /drain_hot_partition/],
    ['{"strategy_modes": {"rebalance": "auto"}}', "RV004", /rebalance/, /"rebalance_partitions"/],
    ['{"strategy_modes": {"__proto__": "auto"}}', "RV004", /auto/, /__proto__/],
    [
      '{"strategy_modes": {"rebalance_partitions": "recomend"}}',
      "RV001",
      /recomend/,
      /"recommend"/,
    ],
    ['{"strategy_modes": {"rebalance_partitions": {"a": 1}}}', "RV001", /"a":1/, /Did you mean/],
  ])("%s is refused", async (settings, code, detail, hint) => {
    const error = await raised(db.client, "SELECT ruvector_healing_configure($1)", [settings]);
    expect(error).toMatchObject({ code });
    expect(error.detail).toMatch(detail);
    expect(`${error.hint} ${error.message}`).toMatch(hint);
  });
});

it("forecasts are asked for like the history", async () => {
  expect(
    await raised(db.client, "SELECT * FROM ruvector_healing_forecasts(limit_ := -1)"),
  ).toMatchObject({ code: "RV001" });
  expect(
    await raised(db.client, "SELECT * FROM ruvector_healing_forecasts(since := NULL)"),
  ).toMatchObject({ code: "RV001" });
  expect(await db.rows("SELECT * FROM ruvector_healing_forecasts(limit_ := 1)")).toHaveLength(1);
});

describe("a new collection", () => {
  it(
    "is watched first: no action and no forecast before its seconds and samples; registering " +
      "again does not begin anew; a person need not wait",
    async () => {
      await hot("fresh", { settle_seconds: 900, settle_samples: 3 });
      await ticks(db, 2);
      expect(await actions("fresh")).toEqual([]);
      const refusal = () =>
        db.rows<{ reason: string; measured: number; message: string; flips_at: string }>(
          `SELECT reason, measured, message, flips_at FROM ruvector_healing_decisions()
          WHERE collection = 'public.fresh' AND open`,
        );
      expect(await refusal()).toEqual([
        {
          reason: "settling",
          measured: 2,
          message: expect.stringMatching(/watched first: until 20\d\d-.*Z, and for 1 more sample /),
          flips_at: expect.stringContaining(
            `SELECT ruvector_healing_configure('{"settle_seconds": 0, "settle_samples": 0}', ` +
              "'public.fresh');",
          ),
        },
      ]);
      // As an installation has it that is older than the count of samples in the state's record:
      // its kept samples are counted.
      await db.client.query(
        `UPDATE ruvector.integrity_state SET hysteresis = hysteresis - 'samples'
        WHERE collection_id = ruvector.healing_collection('fresh')`,
      );
      await ticks(db, 1);
      expect((await refusal())[0]).toMatchObject({
        measured: 3,
        message: expect.not.stringContaining("more sample"),
      });
      await db.client.query(
        `UPDATE ruvector.collections SET registered_at = registered_at - interval '899 s'
        WHERE table_name = 'fresh'`,
      );
      await db.client.query("SELECT ruvector_healing_register('fresh', '{\"movable\": true}')");
      await db.client.query(
        `UPDATE ruvector.collections SET registered_at = registered_at - interval '1 s'
        WHERE table_name = 'fresh'`,
      );
      await ticks(db, 1);
      expect(await actions("fresh")).toMatchObject([{ strategy_name: "rebalance_partitions" }]);

      await hot("impatient", { settle_seconds: 900, settle_samples: 3 });
      expect(await db.value("SELECT ruvector_healing_trigger('impatient')")).toMatchObject({
        strategy: "rebalance_partitions",
      });
    },
  );
});
