/**
 * Only useful actions are taken: what foresees no gain is not begun, what fails alike rests, and
 * what people say counts.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configure, forget, HOT, IN_ONE_GO, makeTable, ticks } from "./support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "./support/database.ts";
import { pattern } from "../support/pattern.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...IN_ONE_GO, max_active_actions: 1000, max_auto_heal_impact: 0.3 });
});

interface Answer {
  readonly outcome: string;
  readonly reason?: string;
  readonly message?: string;
  readonly measured?: unknown;
  readonly flips_at?: string;
  readonly notice?: string;
  readonly hint?: string;
  readonly action_id: number | null;
  readonly state?: string;
  readonly already?: boolean;
  readonly predicted_lambda: number | null;
  readonly considered: readonly {
    readonly name: string;
    readonly weight: number;
    readonly reason_code: string;
    readonly reason: string;
  }[];
}

const own = (table: string, settings: object) =>
  db.client.query("SELECT ruvector_healing_configure($1, $2)", [JSON.stringify(settings), table]);
const trigger = (table: string): Promise<Answer> =>
  db.value("SELECT ruvector_healing_trigger($1)", [table]);
const execute = (table: string, strategy: string, params: object = {}): Promise<Answer> =>
  db.value("SELECT ruvector_healing_execute($1, $2, $3)", [
    table,
    strategy,
    JSON.stringify(params),
  ]);
const of = ({ considered }: Answer, strategy: string) =>
  considered.find(({ name }) => name === strategy);
const states = (table: string) =>
  db.rows<{ strategy_name: string; state: string; failure: string | null }>(
    `SELECT strategy_name, state, failure FROM ruvector.healing_actions WHERE collection = $1
      ORDER BY id`,
    [`public.${table}`],
  );
const events = (kind: string) =>
  db.rows<{ message: string; collection: string | null; actor: string }>(
    `SELECT message, collection, actor FROM ruvector.healing_events WHERE kind = $1
      ORDER BY id DESC`,
    [kind],
  );
const suspended = (table: string) =>
  db.value<
    {
      strategy: string;
      kind: string;
      until: string;
      reason: string;
      resume: string;
      everywhere: boolean;
      problem_class: string;
    }[]
  >("SELECT ruvector_healing_status($1) #> ARRAY['collections', $2, 'suspended']", [
    table,
    `public.${table}`,
  ]);
/** Time passes for what is suspended, and for what was learned. */
const later = (seconds: number) =>
  db.client.query(
    `
  WITH s AS (UPDATE ruvector.healing_suspensions SET suspended_at = suspended_at
    - make_interval(secs => $1)),
       a AS (UPDATE ruvector.healing_actions
         SET finished_at = finished_at - make_interval(secs => $1))
  UPDATE ruvector.healing_outcomes SET completed_at = completed_at - make_interval(secs => $1)`,
    [seconds],
  );

/**
 * One action of the loop that does not help: it passes by what it foresees, and not by what is
 * asked for when it is judged.
 */
async function futile(table: string): Promise<void> {
  await own(table, { enabled: true, max_moves: 200, verify_ratio: null });
  expect(await trigger(table)).toMatchObject({ outcome: "stabilizing" });
  await own(table, { verify_ratio: 10 });
  for (let turn = 0; turn < 3 && (await states(table)).at(-1)!.state !== "rolled_back"; turn++)
    await ticks(db, 1);
  expect((await states(table)).at(-1)).toEqual({
    strategy_name: "rebalance_partitions",
    state: "rolled_back",
    failure: "unverified",
  });
  await own(table, { enabled: false, verify_ratio: null });
}

describe("no gain foreseen", () => {
  afterAll(() => forget(db));

  /** Months, nearly all rows in one of them, and somebody who inserts into it. */
  async function months(table: string): Promise<void> {
    await db.client.query(
      `CREATE TABLE ${table} (id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, e vector(3),
        PRIMARY KEY (id, at)) PARTITION BY RANGE (at)`,
    );
    for (let month = 1; month <= 9; month++)
      await db.client.query(
        `CREATE TABLE ${table}_${month} PARTITION OF ${table} FOR VALUES
          FROM ('2026-0${month}-01') TO ('2026-${String(month + 1).padStart(2, "0")}-01')`,
      );
    // Some in each: a month without any is in no mean.
    await db.client.query(
      `INSERT INTO ${table} (at, e) SELECT make_date(2026, 1 + g % 9, 5), '[1,2,3]'
        FROM generate_series(1, 180) g`,
    );
    await db.client.query(
      `INSERT INTO ${table} (at, e) SELECT '2026-05-05', '[1,2,3]' FROM generate_series(1, 3000)`,
    );
    await db.client.query("SELECT ruvector_healing_register($1, '{}')", [table]);
    // As somebody may ask for, who wants such partitions judged.
    await own(table, { max_auto_heal_impact: 0.4, judge_partition_load: true });
  }
  const insert = (table: string) =>
    db.client.query(
      `INSERT INTO ${table} (at, e) SELECT '2026-05-05', '[1,2,3]' FROM generate_series(1, 50)`,
    );

  it(
    "is no action, with what is foreseen, what is asked for and what would flip it; inserts " +
      "are as fast as ever",
    async () => {
      await months("months");
      for (let turn = 0; turn < 4; turn++) {
        await insert("months");
        await ticks(db, 1);
      }
      const lambda = await db.value<number>(
        "SELECT lambda FROM ruvector_integrity_status('months')",
      );
      expect(lambda).toBeLessThan(0.8);
      await insert("months");
      const answer = await trigger("months");
      expect(answer).toMatchObject({
        outcome: "deferred",
        reason: "no_gain_foreseen",
        message: expect.stringContaining("throttle_ingestion foresees lambda"),
        flips_at: expect.stringMatching(/^a plan that foresees lambda above 0\.\d+$/),
      });
      const {
        lambda: now,
        predicted_lambda,
        needed_lambda,
      } = answer.measured as { lambda: number; predicted_lambda: number; needed_lambda: number };
      expect(needed_lambda).toBeCloseTo(1.1 * now, 9);
      expect(predicted_lambda).toBeLessThanOrEqual(needed_lambda);
      expect(of(answer, "throttle_ingestion")).toMatchObject({ reason_code: "no_gain_foreseen" });
      expect(await states("months")).toEqual([]);
      expect(await db.value("SELECT count(*)::int FROM ruvector.healing_leases")).toBe(0);
      expect(
        await db.rows(
          `SELECT reason, open FROM ruvector_healing_decisions() WHERE collection = 'public.months'
          AND open`,
        ),
      ).toEqual([{ reason: "no_gain_foreseen", open: true }]);
      expect(await db.value("SELECT ruvector_healing_explain('months')")).toMatch(
        /Nothing happens because of no_gain_foreseen: throttle_ingestion foresees lambda/,
      );
    },
  );

  it("is told to whoever names the strategy, and done all the same", async () => {
    await insert("months");
    const dry = await execute("months", "throttle_ingestion", { dry_run: true });
    expect(dry).toMatchObject({
      outcome: "dry_run",
      notice: expect.stringMatching(
        pattern(
          /^throttle_ingestion foresees lambda .* it would be undone, /,
          /unless something else changes meanwhile$/,
        ),
      ),
    });
    await own("months", { stabilize_seconds: 60 });
    const done = await execute("months", "throttle_ingestion");
    expect(done).toMatchObject({ notice: dry.notice, action_id: expect.any(Number) });
    await db.client.query("SELECT ruvector_healing_abort($1)", [done.action_id]);
    await own("months", { enabled: false });
  });

  it("is foreseen where nothing is inserted", async () => {
    await makeTable(db, { table: "idle", rows: HOT });
    await own("idle", {
      max_auto_heal_impact: 0.4,
      strategy_modes: { rebalance_partitions: "off" },
    });
    await ticks(db, 1);
    await db.client.query(
      `UPDATE ruvector.integrity_measurements SET value = jsonb_set(value, '{rates}', '{}')
        WHERE kind = 'activity'`,
    );
    expect(await trigger("idle")).toMatchObject({
      outcome: "deferred",
      reason: "no_gain_foreseen",
      message: expect.stringContaining("throttle_ingestion foresees lambda 0.32 -> 0.32"),
    });
    await own("idle", { enabled: false });
  });
});

describe("a strategy that fails alike", () => {
  afterAll(() => forget(db));

  it(
    "rests on that collection and class, twice as long each time, until it is verified or " +
      "resumed",
    async () => {
      await makeTable(db, { table: "alike", rows: HOT });
      await futile("alike");
      const hours = async () =>
        (Date.parse((await suspended("alike")).find(({ kind }) => kind === "failures")!.until) -
          Date.now()) /
        3_600_000;
      expect(await suspended("alike")).toMatchObject([
        {
          strategy: "rebalance_partitions",
          problem_class: "hotspot_congestion",
          kind: "failures",
          everywhere: false,
          reason: expect.stringMatching(/^action \d+ did not help$/),
          resume: "SELECT ruvector_healing_resume('rebalance_partitions', 'public.alike');",
        },
      ]);
      expect(await hours()).toBeCloseTo(1, 1);
      const [said] = await events("strategy_suspended");
      expect(said).toMatchObject({
        collection: "public.alike",
        message: expect.stringMatching(
          pattern(
            /^rebalance_partitions is left alone for hotspot_congestion until \S+Z: /,
            /action \d+ did not help\. /,
            /SELECT ruvector_healing_resume\('rebalance_partitions', 'public.alike'\); /,
            /lifts that\.$/,
          ),
        ),
      });
      await own("alike", { enabled: true });
      const waits = await trigger("alike");
      expect(waits).toMatchObject({
        reason: "suspended",
        measured: "rebalance_partitions",
        flips_at: expect.stringMatching(/Z$/),
        message: expect.stringContaining(
          "ruvector_healing_resume('rebalance_partitions', 'public.alike')",
        ),
      });
      expect(of(waits, "rebalance_partitions")).toMatchObject({ reason_code: "failed_recently" });
      expect(await db.value("SELECT ruvector_healing_explain('alike')")).toContain(
        "SELECT ruvector_healing_resume('rebalance_partitions', 'public.alike');   -- lets " +
          "rebalance_partitions be tried again",
      );
      for (const expected of [2, 4]) {
        await later(8 * 3600);
        await futile("alike");
        expect(await hours()).toBeCloseTo(expected, 1);
      }
      expect((await suspended("alike"))[0]!.reason).toMatch(/did not help, 3 times in a row$/);
      await own("alike", { strategy_retry_max_seconds: 5400 });
      expect(await hours()).toBeCloseTo(1.5, 1);
      await own("alike", { strategy_retry_max_seconds: null });
    },
  );

  it("has weight 0 by then and is not taken; a person who resumes it has it tried", async () => {
    const weights = () =>
      db.rows(
        `SELECT weight, outcomes FROM ruvector.healing_weights
          WHERE strategy_name = 'rebalance_partitions' AND problem_class = 'hotspot_congestion'`,
      );
    expect(await weights()).toEqual([{ weight: 0, outcomes: 3 }]);
    await later(8 * 3600);
    expect(await suspended("alike")).toEqual([]);
    await own("alike", { enabled: true });
    const zero = await trigger("alike");
    expect(zero).toMatchObject({ reason: "suspended", measured: "rebalance_partitions" });
    expect(of(zero, "rebalance_partitions")).toMatchObject({
      weight: 0,
      reason_code: "weight_zero",
      reason: expect.stringContaining(
        "after 3 outcomes of which none counts as a success: it is tried once again from",
      ),
    });
    const answer = await db.value(
      "SELECT ruvector_healing_resume('rebalance_partitions', 'alike')",
    );
    expect(answer).toMatchObject({
      strategy: "rebalance_partitions",
      collection: "public.alike",
      lifted: [],
      message: expect.stringContaining("it was not suspended"),
    });
    const [event] = await events("strategy_resumed");
    expect(event).toMatchObject({
      collection: "public.alike",
      message: expect.stringContaining("rebalance_partitions may be tried again on public.alike"),
    });
    const tried = await trigger("alike");
    expect(tried).toMatchObject({ outcome: "stabilizing" });
    expect(of(tried, "rebalance_partitions")!.reason).toContain(
      "its weight is 0, and no other may be used: tried once again",
    );
    await own("alike", { verify_ratio: 10 });
    await ticks(db, 3);
    // What failed before it was resumed is not in a row with it.
    expect((await suspended("alike"))[0]!.reason).toMatch(/^action \d+ did not help$/);
    await own("alike", { enabled: false, verify_ratio: null });
  });

  it("is tried once again after exploration_seconds, and by class", async () => {
    await makeTable(db, { table: "explored", rows: HOT });
    expect(of(await trigger("explored"), "rebalance_partitions")).toMatchObject({
      reason_code: "weight_zero",
    });
    await own("explored", { exploration_seconds: 7 * 86_400 });
    await later(86_400);
    expect(of(await trigger("explored"), "rebalance_partitions")).toMatchObject({
      reason_code: "weight_zero",
    });
    await own("explored", { exploration_seconds: null, stabilize_seconds: 60 });
    const tried = await trigger("explored");
    expect(tried).toMatchObject({ outcome: "stabilizing" });
    await db.client.query("SELECT ruvector_healing_abort($1)", [tried.action_id]);
    await own("explored", { enabled: false });
  });

  it("is forgotten once its outcomes are older than the window", async () => {
    await db.client.query(
      "UPDATE ruvector.healing_weights SET updated_at = updated_at - interval '31 days'",
    );
    await own("explored", {
      enabled: true,
      rejection_seconds: 0,
      strategy_modes: { rebalance_partitions: "approve" },
    });
    const asks = await trigger("explored");
    expect(of(asks, "rebalance_partitions")).toMatchObject({ weight: 1, reason_code: "chosen" });
    expect(asks).toMatchObject({ outcome: "awaiting_approval" });
    // A rollback of what waits is a no to it, and no outcome.
    expect(await db.value("SELECT ruvector_healing_rollback('explored')")).toMatchObject({
      outcome: "completed",
      state: "aborted",
      rows_left: 0,
    });
    await own("explored", { enabled: false });
    await db.client.query(
      "DELETE FROM ruvector.healing_weights; DELETE FROM ruvector.healing_outcomes",
    );
  });

  it("on several collections rests everywhere, and the loop goes on", async () => {
    await forget(db);
    for (const table of ["wide_a", "wide_b", "wide_c"]) {
      await makeTable(db, { table, rows: HOT });
      // What it taught so far is not what this is about.
      await own(table, { learning_enabled: false });
      await futile(table);
    }
    expect((await events("strategy_suspended"))[0]).toMatchObject({
      collection: null,
      message: expect.stringMatching(
        pattern(
          /^rebalance_partitions is left alone for hotspot_congestion on every collection /,
          /until \S+Z: it did not help on 3 collections within a day/,
        ),
      ),
    });
    await makeTable(db, { table: "wide_d", rows: HOT });
    const answer = await trigger("wide_d");
    expect(answer).toMatchObject({ reason: "suspended" });
    expect(await suspended("wide_d")).toMatchObject([
      { everywhere: true, resume: "SELECT ruvector_healing_resume('rebalance_partitions');" },
    ]);
    expect(await db.value("SELECT ruvector_healing_breaker()")).toMatchObject({
      state: "closed",
      failures: 0,
    });
    // On the collection it is not suspended: the statement says where.
    expect(
      await db.value("SELECT ruvector_healing_resume('rebalance_partitions', 'wide_d')"),
    ).toMatchObject({ lifted: [] });
    expect(await trigger("wide_d")).toMatchObject({ reason: "suspended" });
    expect(await db.value("SELECT ruvector_healing_resume('rebalance_partitions')")).toMatchObject({
      lifted: [{ kind: "failures" }],
    });
    await own("wide_d", { stabilize_seconds: 60 });
    const begun = await trigger("wide_d");
    expect(begun).toMatchObject({ outcome: "stabilizing" });
    await db.client.query("SELECT ruvector_healing_abort($1)", [begun.action_id]);
    await own("wide_d", { enabled: false });
  });

  it("cannot be resumed by a wrong name", async () => {
    for (const bad of ["nope", null, "x'; DROP TABLE y; --", "x".repeat(10_000)]) {
      expect(await raised(db.client, "SELECT ruvector_healing_resume($1)", [bad])).toMatchObject({
        code: "RV004",
        hint: expect.stringContaining("rebalance_partitions"),
      });
    }
    expect(
      (await raised(db.client, "SELECT ruvector_healing_resume('rebalance_partitions', 'nope')"))
        .code,
    ).toBe("RV002");
  });
});

describe("what people say", () => {
  afterAll(() => forget(db));

  let id: number;
  const say = (score: number | string | null, note: string | null = null) =>
    db.value<Record<string, unknown>>("SELECT ruvector_healing_feedback($1, $2, $3)", [
      id,
      score,
      note,
    ]);
  const weight = () =>
    db.value<number>(
      "SELECT weight FROM ruvector_healing_effectiveness() WHERE name = 'rebalance_partitions'",
    );

  it("counts in the weight, is visible, audited, may be said anew and taken back", async () => {
    await db.client.query(
      "DELETE FROM ruvector.healing_weights; DELETE FROM ruvector.healing_outcomes",
    );
    await makeTable(db, { table: "judged", rows: HOT });
    id = (await trigger("judged")).action_id!;
    await ticks(db, 1);
    const before = await weight();
    expect(before).toBeGreaterThan(2);
    expect(await say(-0.5, "searches\u001b[31m got slower")).toMatchObject({
      outcome: "completed",
      action_id: id,
      feedback: -0.5,
      note: "searches?[31m got slower",
      weight: expect.closeTo(before / 2, 4),
    });
    expect(await weight()).toBeCloseTo(before / 2, 4);
    const [outcome] = await db.value<object[]>(
      `SELECT recent_outcomes FROM ruvector_healing_effectiveness()
        WHERE name = 'rebalance_partitions'`,
    );
    const role = await db.value<string>("SELECT session_user::text");
    expect(outcome).toMatchObject({
      action_id: id,
      feedback: -0.5,
      feedback_by: role,
      feedback_note: "searches?[31m got slower",
    });
    expect(
      await db.value("SELECT message FROM ruvector_healing_history() WHERE action_id = $1", [id]),
    ).toContain(`; judged -0.5 by ${role}: searches?[31m got slower`);
    expect(await db.value("SELECT ruvector_healing_explain($1::bigint)", [id])).toContain(
      `${role} judged it -0.5 (-1 to 1): searches?[31m got slower.`,
    );
    expect((await events("action_feedback"))[0]).toMatchObject({
      message: "judged -0.5: searches?[31m got slower",
      actor: role,
    });
    expect(await say(1)).toMatchObject({ feedback: 1, weight: expect.closeTo(before, 4) });
    expect(await say(null)).toMatchObject({ feedback: null, feedback_by: null });
    expect(await weight()).toBeCloseTo(before, 4);
    expect(await db.value("SELECT (ruvector_healing_verify_audit() ->> 'ok')::boolean")).not.toBe(
      false,
    );
  });

  it(
    "of a rollback is -1, unless it was said otherwise; and the same is not tried again by " +
      "itself",
    async () => {
      await say(0.5, "it was right");
      expect(await db.value("SELECT ruvector_healing_rollback('judged')")).toMatchObject({
        state: "rolled_back",
      });
      const score = () =>
        db.value("SELECT feedback_score FROM ruvector.healing_outcomes WHERE action_id = $1", [id]);
      expect(await score()).toBe(0.5);
      expect(await say(null)).toMatchObject({ feedback: -1 });
      expect(await score()).toBe(-1);
      expect(await db.value("SELECT ruvector_healing_explain($1::bigint)", [id])).toContain(
        "A human undid it, which counts as -1 (-1 to 1).",
      );
      const again = await trigger("judged");
      expect(again).toMatchObject({ outcome: "deferred", reason: "suspended" });
      expect(of(again, "rebalance_partitions")).toMatchObject({
        reason_code: "rejected_recently",
        reason: expect.stringContaining(`a person rolled back action ${id} of it`),
      });
      expect(await suspended("judged")).toMatchObject([
        { kind: "human_undo", problem_class: "hotspot_congestion" },
      ]);
      await own("judged", { rejection_seconds: 0, mode: "approve" });
      const asks = await trigger("judged");
      expect(asks).toMatchObject({ outcome: "awaiting_approval" });
      expect(
        await raised(db.client, "SELECT ruvector_healing_feedback($1, 1)", [asks.action_id]),
      ).toMatchObject({ code: "RV007", detail: "Its state is awaiting_approval." });
      await db.client.query("SELECT ruvector_healing_reject($1, 'no')", [asks.action_id]);
      expect(
        await raised(db.client, "SELECT ruvector_healing_feedback($1, 1)", [asks.action_id]),
      ).toMatchObject({
        code: "RV007",
        message: expect.stringContaining("does not count in the weight"),
      });
      await own("judged", { rejection_seconds: null, min_healing_interval_seconds: 0 });
      const refused = await trigger("judged");
      expect(of(refused, "rebalance_partitions")).toMatchObject({
        reason_code: "rejected_recently",
        reason: expect.stringContaining(`rejected action ${asks.action_id}`),
      });
      await own("judged", { enabled: false });
    },
  );

  it("is nothing where it is nearer to it than what is kept can be", async () => {
    await db.client.query("BEGIN");
    for (const score of ["1e-320", "-5e-46", "1e-37"])
      expect(
        await db.value("SELECT ruvector_healing_feedback($1, $2::float8) -> 'feedback'", [
          id,
          score,
        ]),
      ).toBeCloseTo(0, 30);
    await db.client.query("ROLLBACK");
  });

  it("is refused with what to type where it is nonsense, and nothing is kept of it", async () => {
    const kept = () =>
      db.value("SELECT to_jsonb(o) FROM ruvector.healing_outcomes o WHERE action_id = $1", [id]);
    const before = await kept();
    for (const score of [2, -1.01, "NaN", "Infinity", "-Infinity"]) {
      expect(
        await raised(db.client, "SELECT ruvector_healing_feedback($1, $2::float8)", [id, score]),
        String(score),
      ).toMatchObject({
        code: "RV001",
        hint: expect.stringContaining("SELECT ruvector_healing_feedback("),
      });
    }
    expect(
      await raised(db.client, "SELECT ruvector_healing_feedback($1, 1, $2)", [
        id,
        "x".repeat(1001),
      ]),
    ).toMatchObject({ code: "RV001", detail: "Got 1001 characters." });
    expect((await raised(db.client, "SELECT ruvector_healing_feedback(NULL, 1)")).code).toBe(
      "RV001",
    );
    expect((await raised(db.client, "SELECT ruvector_healing_feedback(99999999, 1)")).code).toBe(
      "RV006",
    );
    expect(await kept()).toEqual(before);
  });
});

describe("rollback", () => {
  it("without an id undoes the newest that can be undone, with one that very action", async () => {
    await makeTable(db, { table: "undo", rows: HOT });
    await own("undo", { enabled: false, rejection_seconds: 0 });
    const first = (await execute("undo", "rebalance_partitions", { max_moves: 300 })).action_id!;
    await ticks(db, 1);
    // What cannot be undone comes after it: an action as compact_indexes leaves it.
    const compacted = await db.value<string>(
      `
      INSERT INTO ruvector.healing_actions (collection_id, collection, state, initiated_by, origin,
        problem_class, problem, strategy_name, reversible, plan, initial_lambda, initial_state,
        target_lambda, message, started_at, finished_at)
      SELECT collection_id, collection, 'succeeded', initiated_by, 'loop', 'index_fragmentation',
        problem, 'compact_indexes', false, plan, 0.5, 1, 1, 'verified', now(), now()
        FROM ruvector.healing_actions WHERE id = $1 RETURNING id`,
      [first],
    );
    await db.client.query(
      `INSERT INTO ruvector.healing_steps (action_id, slice, kind, details, rows, journal)
        VALUES ($1, 0, 'reindex', '{}', 0, '[{}]')`,
      [compacted],
    );
    const typed = /SELECT ruvector_healing_rollback\([^;]*;/.exec(
      await db.value<string>("SELECT ruvector_healing_explain($1::bigint)", [first]),
    )![0];
    expect(typed).toBe(`SELECT ruvector_healing_rollback('public.undo', ${first});`);
    expect(
      await raised(db.client, "SELECT ruvector_healing_rollback('undo', $1)", [compacted]),
    ).toMatchObject({
      code: "RV007",
      message: `action ${compacted} (compact_indexes) cannot be undone`,
      hint: `SELECT ruvector_healing_explain(${compacted}); says what it did.`,
    });
    const second = (await execute("undo", "rebalance_partitions", { max_moves: 300 })).action_id!;
    await ticks(db, 1);
    // Rows that were moved twice are not where the first one has put them.
    expect(await raised(db.client, typed)).toMatchObject({
      code: "RV007",
      message: expect.stringContaining(`action ${second} moved rows`),
      hint: expect.stringContaining(`SELECT ruvector_healing_rollback('public.undo', ${second});`),
    });
    expect(await db.value("SELECT ruvector_healing_rollback('undo')")).toMatchObject({
      action_id: second,
      state: "rolled_back",
    });
    expect(await db.value("SELECT ruvector_healing_rollback('undo', $1)", [second])).toMatchObject({
      already: true,
      state: "rolled_back",
    });
    expect(await db.value(typed)).toMatchObject({ action_id: first, state: "rolled_back" });
    expect(await raised(db.client, "SELECT ruvector_healing_rollback('undo')")).toMatchObject({
      code: "RV007",
      hint: expect.stringContaining("ruvector_healing_history()"),
    });
    expect(await db.value("SELECT count(*)::int FROM undo WHERE partition_id = 3")).toBe(1260);
  });

  it(
    "is refused for another collection's action, one that is not there, and while another is " +
      "at work",
    async () => {
      await makeTable(db, { table: "other", rows: HOT });
      await own("other", { enabled: false, stabilize_seconds: 60, rejection_seconds: 0 });
      const done = (await execute("other", "rebalance_partitions", { max_moves: 300 })).action_id!;
      expect(
        await raised(db.client, "SELECT ruvector_healing_rollback('undo', $1)", [done]),
      ).toMatchObject({ code: "RV006", detail: "It was on public.other." });
      expect(
        (await raised(db.client, "SELECT ruvector_healing_rollback('other', 99999999)")).code,
      ).toBe("RV006");
      await db.client.query(
        `UPDATE ruvector.healing_actions SET state = 'succeeded', verified = true,
        finished_at = now() WHERE id = $1`,
        [done],
      );
      const busy = (await execute("other", "rebalance_partitions", { max_moves: 1 })).action_id!;
      expect(
        await raised(db.client, "SELECT ruvector_healing_rollback('other', $1)", [done]),
      ).toMatchObject({
        code: "RV007",
        hint: expect.stringContaining(`SELECT ruvector_healing_abort(${busy});`),
      });
      expect(await db.value("SELECT ruvector_healing_rollback('other', NULL)")).toMatchObject({
        action_id: busy,
        state: "rolled_back",
      });
      expect(
        await db.value("SELECT ruvector_healing_rollback(collection := 'other', action_id := $1)", [
          done,
        ]),
      ).toMatchObject({ action_id: done, state: "rolled_back" });
    },
  );
});
