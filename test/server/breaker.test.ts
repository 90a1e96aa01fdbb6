/**
 * What holds the loop as a whole back: the circuit breaker, the number of actions at once; and how
 * it says so.
 */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  configure,
  forget,
  HOT,
  IN_ONE_GO,
  makeTable,
  placement,
  ticks,
} from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";
import { pattern } from "../support/pattern.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, {
    ...IN_ONE_GO,
    breaker_failures: 2,
    strategy_retry_seconds: 0,
    max_active_actions: 1000,
    learning_enabled: false,
    rejection_seconds: 0,
  });
});

interface Answer {
  readonly outcome: string;
  readonly reason?: string;
  readonly message?: string;
  readonly measured?: unknown;
  readonly flips_at?: string;
  readonly notice?: string;
  readonly action_id: number | null;
  readonly state?: string;
}

interface Breaker {
  readonly state: string;
  readonly reason: string | null;
  readonly open_until: string | null;
  readonly probe_action_id: number | null;
  readonly failures: number;
  readonly last_close_reason: string | null;
  readonly last_closed_by: string | null;
}

const trigger = (collection: string): Promise<Answer> =>
  db.value("SELECT ruvector_healing_trigger($1)", [collection]);
const execute = (collection: string, params: object = {}): Promise<Answer> =>
  db.value("SELECT ruvector_healing_execute($1, 'rebalance_partitions', $2)", [
    collection,
    JSON.stringify(params),
  ]);
const breaker = (): Promise<Breaker> => db.value("SELECT ruvector_healing_breaker()");
const events = (kind: string): Promise<number> =>
  db.value("SELECT count(*)::int FROM ruvector.healing_events WHERE kind = $1", [kind]);
const own = (collection: string, settings: object): Promise<unknown> =>
  db.client.query("SELECT ruvector_healing_configure($1, $2)", [
    JSON.stringify(settings),
    collection,
  ]);
const healed = (table: string): Promise<unknown> =>
  db.client
    .query(`SELECT ruvector_healing_unregister($1)`, [table])
    .then(() => db.client.query(`DROP TABLE ${table}`));

/**
 * Somebody fills the hot partition while an action on it is at work: lambda is lower after it than
 * before.
 */
const worsen = (table: string, from: number): Promise<unknown> =>
  db.client.query(
    `INSERT INTO ${table} SELECT g, 3, 'more', embedding
      FROM generate_series($1::int, $1::int + 4999) g, (SELECT embedding FROM ${table} LIMIT 1) e`,
    [from],
  );

const ended = async (
  table: string,
): Promise<{ state: string; failure: string | null } | undefined> => {
  const last = () =>
    db.rows<{ state: string; failure: string | null }>(
      `SELECT state, failure FROM ruvector.healing_actions WHERE collection = $1
        ORDER BY id DESC LIMIT 1`,
      [`public.${table}`],
    );
  for (let turn = 0; turn < 5; turn++) {
    await ticks(db, 1);
    if ((await last())[0]?.state === "rolled_back") break;
  }
  return (await last())[0];
};

/**
 * One action of the loop on it after which lambda is lower than before, as if it were the action's
 * doing.
 */
async function fail(table: string): Promise<void> {
  expect(await trigger(table)).toMatchObject({ outcome: "stabilizing" });
  await worsen(table, 1_000_000);
  expect(await ended(table)).toEqual({ state: "rolled_back", failure: "worsened" });
  // Not again at once.
  await own(table, { enabled: false });
}

/**
 * One that does not help, and is undone without harm: it passes by what it foresees, and not by
 * what is asked for when it is judged.
 */
async function futile(table: string): Promise<void> {
  await own(table, { max_moves: 200 });
  expect(await trigger(table)).toMatchObject({ outcome: "stabilizing" });
  await own(table, { verify_ratio: 10 });
  expect(await ended(table)).toEqual({ state: "rolled_back", failure: "unverified" });
  await own(table, { enabled: false, max_moves: null, verify_ratio: null });
}

describe("circuit breaker", () => {
  it("does not count what was undone without harm, on however many collections", async () => {
    for (const table of ["futile_a", "futile_b", "futile_c"]) {
      await makeTable(db, { table, rows: HOT });
      await futile(table);
    }
    expect(await breaker()).toMatchObject({ state: "closed", failures: 0 });
    for (const table of ["futile_a", "futile_b", "futile_c"]) await healed(table);
  });

  it(
    "opens when actions on several collections made it worse, says so once, and holds the loop " +
      "back",
    async () => {
      await makeTable(db, { table: "first", rows: HOT });
      await fail("first");
      expect(await breaker()).toMatchObject({ state: "closed", failures: 1 });
      await makeTable(db, { table: "second", rows: HOT });
      await fail("second");
      expect(await breaker()).toMatchObject({
        state: "open",
        failures: 2,
        reason: expect.stringMatching(
          pattern(
            /^2 actions on 2 collections endangered the server within 3600 s; the last: /,
            /action \d+ \(rebalance_partitions on public.second\)/,
          ),
        ),
      });
      expect(await db.value("SELECT ruvector_healing_status() #>> '{breaker,state}'")).toBe("open");
      await makeTable(db, { table: "third", rows: HOT });
      expect(await trigger("third")).toMatchObject({
        outcome: "deferred",
        reason: "breaker",
        measured: 2,
        flips_at: expect.stringMatching(/Z: then one action is let through$/),
      });
      await ticks(db, 2);
      expect(
        await db.value(
          "SELECT count(*)::int FROM ruvector.healing_actions WHERE collection = 'public.third'",
        ),
      ).toBe(0);
      expect(await events("breaker_open")).toBe(1);
    },
  );

  it("does not hold back a person who names a strategy, and tells them", async () => {
    const answer = await execute("third", { max_moves: 1 });
    expect(answer).toMatchObject({
      outcome: "stabilizing",
      notice: expect.stringContaining("the circuit breaker is open"),
    });
    expect(await db.value("SELECT ruvector_healing_abort($1)", [answer.action_id])).toMatchObject({
      state: "aborted",
    });
    expect(await breaker()).toMatchObject({ state: "open", failures: 2 });
  });

  it(
    "lets one action through after its time; when that makes it worse it opens again, for " +
      "twice as long",
    async () => {
      await configure(db, { breaker_open_seconds: 100 });
      await db.client.query("UPDATE ruvector.healing_breaker SET open_until = clock_timestamp()");
      await ticks(db, 1);
      // third is sick and was let through.
      const probe = await breaker();
      expect(probe).toMatchObject({ state: "half_open", probe_action_id: expect.any(Number) });
      expect(
        await db.value("SELECT collection FROM ruvector.healing_actions WHERE id = $1", [
          probe.probe_action_id,
        ]),
      ).toBe("public.third");
      await own("first", { enabled: true });
      expect(await trigger("first")).toMatchObject({
        outcome: "deferred",
        reason: "breaker",
        flips_at: `action ${probe.probe_action_id} ends verified`,
      });
      await own("first", { enabled: false });
      await worsen("third", 1_000_000);
      expect(await ended("third")).toEqual({ state: "rolled_back", failure: "worsened" });
      const again = await breaker();
      expect(again).toMatchObject({
        state: "open",
        probe_action_id: null,
        reason: expect.stringContaining(
          `action ${probe.probe_action_id}, let through to see, ended as rolled_back`,
        ),
      });
      expect(
        await db.value<number>(
          "SELECT extract(epoch FROM open_until - opened_at)::int FROM ruvector.healing_breaker",
        ),
      ).toBe(200);
      expect(await events("breaker_open")).toBe(2);
    },
  );

  it("closes when the action that was let through is verified", async () => {
    await db.client.query("UPDATE ruvector.healing_breaker SET open_until = clock_timestamp()");
    // Four, and more where slices are short for a busy machine.
    await expect
      .poll(async () => {
        await ticks(db, 1);
        return db.value(
          `SELECT state FROM ruvector.healing_actions WHERE collection = 'public.third'
            ORDER BY id DESC LIMIT 1`,
        );
      })
      .toBe("succeeded");
    expect(await breaker()).toMatchObject({
      state: "closed",
      failures: 0,
      last_closed_by: "the loop",
      last_close_reason: expect.stringMatching(/^action \d+ was let through and verified$/),
    });
    expect(await db.value("SELECT opens FROM ruvector.healing_breaker")).toBe(0);
  });

  it("closes where nothing is sick any more once its time is over, and not before", async () => {
    await db.client.query(
      `UPDATE ruvector.healing_breaker SET state = 'open', opened_at = clock_timestamp(),
        opens = 1, reason = 'a test', open_until = clock_timestamp() + interval '1 hour'`,
    );
    await healed("first");
    await healed("second");
    await configure(db, { recovery_hold_seconds: 0 });
    await expect
      .poll(async () => {
        await ticks(db, 1);
        return db.value("SELECT max(state)::int FROM ruvector.integrity_state");
      })
      .toBe(0);
    expect(await breaker()).toMatchObject({ state: "open" });
    await db.client.query("UPDATE ruvector.healing_breaker SET open_until = clock_timestamp()");
    await ticks(db, 1);
    expect(await breaker()).toMatchObject({ state: "half_open" });
    await ticks(db, 1);
    expect(await breaker()).toMatchObject({
      state: "closed",
      last_close_reason: "its time is over and every collection was sampled as normal",
    });
  });

  it("is closed by hand with a reason, also twice; nothing else closes it", async () => {
    await db.client.query(
      `UPDATE ruvector.healing_breaker SET state = 'open', opened_at = clock_timestamp(),
        opens = 3, reason = 'a test', open_until = clock_timestamp() + interval '1 hour'`,
    );
    for (const empty of [null, "", "  ", "x".repeat(1001)]) {
      expect(
        await raised(db.client, "SELECT ruvector_healing_breaker_close($1)", [empty]),
      ).toMatchObject({
        code: "RV001",
        hint: expect.stringContaining("ruvector_healing_breaker_close("),
      });
    }
    expect(await breaker()).toMatchObject({ state: "open" });
    expect(await db.value("SELECT ruvector_healing_breaker_close('looked at it')")).toMatchObject({
      state: "closed",
      was: "open",
      last_close_reason: "looked at it",
    });
    expect(await db.value("SELECT ruvector_healing_breaker_close('looked again')")).toMatchObject({
      state: "closed",
      was: "closed",
      last_close_reason: "looked again",
    });
    expect(await db.value("SELECT opens FROM ruvector.healing_breaker")).toBe(0);
    expect(
      await db.value(
        `SELECT message FROM ruvector.healing_events WHERE kind = 'breaker_closed'
          ORDER BY id DESC LIMIT 1`,
      ),
    ).toContain("looked again");
  });

  it("does not hold back an approval, and whoever gave it is told", async () => {
    await makeTable(db, { table: "approved", rows: HOT });
    await own("approved", { require_approval: ["hotspot_congestion"] });
    const { action_id } = await trigger("approved");
    const open = (yes: boolean) =>
      db.client.query(
        yes
          ? `UPDATE ruvector.healing_breaker SET state = 'open', reason = 'for a test',
               opened_at = now(), open_until = now() + interval '1 hour'`
          : `UPDATE ruvector.healing_breaker SET state = 'closed', reason = NULL,
               opened_at = NULL, open_until = NULL`,
      );
    await open(true);
    expect(await db.value("SELECT ruvector_healing_approve($1)", [action_id])).toMatchObject({
      state: "planned",
      notice: expect.stringMatching(
        /circuit breaker is open: .*; this was approved and goes past it/,
      ),
    });
    await open(false);
    await db.value("SELECT ruvector_healing_abort($1)", [action_id]);
    await healed("approved");
  });

  it("counts neither what people run by name nor what people undo", async () => {
    await makeTable(db, { table: "asked", rows: HOT });
    await own("asked", { enabled: false });
    await execute("asked", { max_moves: 200 });
    await worsen("asked", 1_000_000);
    expect(await ended("asked")).toEqual({ state: "rolled_back", failure: "worsened" });
    expect(await breaker()).toMatchObject({ state: "closed", failures: 0 });
    await own("asked", { enabled: true, stabilize_seconds: 60 });
    await trigger("asked");
    await db.value("SELECT ruvector_healing_rollback('asked')");
    expect(await breaker()).toMatchObject({ failures: 0 });
    await own("asked", { enabled: false });
  });
});

describe("refusals", () => {
  beforeAll(() => over());
  afterEach(() => over());
  afterEach(() => configure(db, { refusal_escalation_seconds: null }));

  it("are decisions, with the value that flips them, beside the actions started", async () => {
    await makeTable(db, { table: "decided", rows: HOT });
    await own("decided", { max_attempts_per_hour: 0 });
    await ticks(db, 2);
    const of =
      "SELECT * FROM ruvector_healing_decisions(limit_ := 1000) WHERE collection = " +
      "'public.decided'";
    expect(await db.rows(of)).toEqual([
      expect.objectContaining({
        decision: "refused",
        reason: "attempts",
        problem_class: "hotspot_congestion",
        measured: 0,
        flips_at: "max_attempts_per_hour above 0",
        count: "2",
        open: true,
        escalated_at: null,
        action_id: null,
      }),
    ]);
    await own("decided", { max_attempts_per_hour: 10 });
    await ticks(db, 1);
    const [acted, refused] = await db.rows<Record<string, unknown>>(of);
    expect(acted).toMatchObject({
      decision: "acted",
      reason: "loop",
      strategy: "rebalance_partitions",
      open: true,
      measured: { lambda: expect.closeTo(0.32, 1) },
    });
    expect(acted!["message"]).toContain("rebalance_partitions: highest weight");
    expect(refused).toMatchObject({ decision: "refused", reason: "attempts", open: false });
    expect(await raised(db.client, "SELECT * FROM ruvector_healing_decisions(NULL)")).toMatchObject(
      { code: "RV001" },
    );
    expect(
      await raised(db.client, "SELECT * FROM ruvector_healing_decisions(limit_ := -1)"),
    ).toMatchObject({ code: "RV001" });
  });

  it("that last too long are escalated once; a cooldown never is", async () => {
    await makeTable(db, { table: "held", rows: HOT });
    await own("held", { max_attempts_per_hour: 0 });
    await ticks(db, 1);
    const escalated = () =>
      db.value(
        `SELECT count(*)::int FROM ruvector.healing_events WHERE kind = 'refusal_escalated'
          AND collection = 'public.held'`,
      );
    const older = (seconds: number) =>
      db.client.query(
        `UPDATE ruvector.healing_refusals SET first_at = first_at - make_interval(secs => $1)
          WHERE collection = 'public.held'`,
        [seconds],
      );
    await older(3500);
    await ticks(db, 1);
    expect(await escalated()).toBe(0);
    await older(200);
    await ticks(db, 2);
    expect(await escalated()).toBe(1);
    expect(
      await db.value(
        `SELECT escalated_at IS NOT NULL FROM ruvector_healing_decisions()
          WHERE collection = 'public.held'`,
      ),
    ).toBe(true);
    const [said] = await db.rows<{ message: string; held: number }>(`
      SELECT e.message, extract(epoch FROM r.escalated_at - r.first_at)::float8 AS held
        FROM ruvector.healing_events e
          JOIN ruvector.healing_refusals r ON r.collection = e.collection
          AND r.escalated_at IS NOT NULL
       WHERE e.kind = 'refusal_escalated' AND e.collection = 'public.held'`);
    const [, seconds] =
      pattern(
        /^nothing has been done about hotspot_congestion for (\d+) s \(refused 3 times\): /,
        /0 attempts in the last hour/,
      ).exec(said!.message) ?? [];
    // As long as it has been held on this machine: 3700 s of the test, and what the ticks took.
    expect(Number(seconds), said!.message).toBeGreaterThanOrEqual(3700);
    expect(Math.abs(Number(seconds) - said!.held), said!.message).toBeLessThanOrEqual(1);
    // A cooldown, just as old.
    await own("held", { max_attempts_per_hour: 10, min_healing_interval_seconds: 86_400 });
    await db.value(
      "SELECT ruvector_healing_abort((ruvector_healing_execute('held', " +
        "'rebalance_partitions', '{\"max_moves\": 1}') ->> 'action_id')::bigint)",
    );
    await ticks(db, 1);
    expect(
      await db.value(
        `SELECT reason FROM ruvector.healing_refusals WHERE collection = 'public.held'
          AND closed_at IS NULL`,
      ),
    ).toBe("cooldown");
    await older(80_000);
    await ticks(db, 1);
    expect(await escalated()).toBe(1);
  });

  it("that come in turns are each as old as they are, and an action ends that", async () => {
    await makeTable(db, { table: "turns", rows: HOT });
    const turn = async (settings: object) => {
      await own("turns", settings);
      await ticks(db, 1);
    };
    const impact = { max_attempts_per_hour: 10, max_auto_heal_impact: 0 };
    await turn({ max_attempts_per_hour: 0 });
    await turn(impact);
    await turn({ max_attempts_per_hour: 0 });
    await turn(impact);
    const reasons = () =>
      db.rows<{ reason: string; count: string; open: boolean }>(
        `SELECT reason, count, open FROM ruvector_healing_decisions(limit_ := 1000)
          WHERE collection = 'public.turns' AND decision = 'refused' ORDER BY reason, open`,
      );
    expect(await reasons()).toEqual([
      { reason: "attempts", count: "2", open: false },
      { reason: "no_strategy", count: "2", open: true },
    ]);
    await turn({ max_auto_heal_impact: null });
    await turn({ max_attempts_per_hour: 0, stabilize_seconds: 0 });
    await ticks(db, 2);
    await db.client.query(
      `INSERT INTO turns SELECT g, 3, 'more', embedding
        FROM generate_series(100001, 105000) g, (SELECT embedding FROM turns LIMIT 1) e`,
    );
    await ticks(db, 2);
    expect((await reasons()).filter(({ reason }) => reason === "attempts")).toEqual([
      { reason: "attempts", count: "2", open: false },
      { reason: "attempts", count: expect.any(String), open: true },
    ]);
  });
});

/** With what is at work taken back: it would count as what was changed within the hour. */
const over = (): Promise<unknown> =>
  db.client
    .query(
      "SELECT ruvector_healing_abort(id) FROM ruvector.healing_actions WHERE finished_at IS NULL",
    )
    .then(() => forget(db));

describe("blast radius", () => {
  beforeAll(async () => {
    await configure(db, { breaker_failures: 1000 });
    await over();
  });
  afterEach(over);

  const steps = (collection: string) =>
    db.rows<{ rows: number }>(
      `SELECT s.rows
         FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id
        WHERE a.collection = $1 AND s.kind = 'move_rows' ORDER BY s.id`,
      [`public.${collection}`],
    );
  const action = (collection: string) =>
    db
      .rows<{
        state: string;
        verified: boolean | null;
        message: string;
        rows: number;
        plan: Record<string, number>;
      }>(
        `SELECT state, verified, message, (progress ->> 'rows')::int AS rows, plan
          FROM ruvector.healing_actions WHERE collection = $1 ORDER BY id DESC LIMIT 1`,
        [`public.${collection}`],
      )
      .then(([row]) => row!);

  it("trims a plan that still helps, and refuses one that would not", async () => {
    await makeTable(db, { table: "trimmed", rows: HOT });
    const whole = await db.value<{ plan: Record<string, number> }>(
      "SELECT ruvector_healing_execute('trimmed', 'rebalance_partitions', '{\"dry_run\": true}')",
    );
    await own("trimmed", { max_bytes_per_action: Math.round(whole.plan["bytes"]! / 2) });
    const less = (await trigger("trimmed")) as Answer & { plan: Record<string, number> };
    expect(less).toMatchObject({
      outcome: "stabilizing",
      plan: { trimmed_from: whole.plan["rows"] },
    });
    expect(less.plan["rows"]!).toBeLessThanOrEqual(whole.plan["rows"]! / 2);
    expect(less.plan["bytes"]!).toBeLessThanOrEqual(whole.plan["bytes"]! / 2);
    await ticks(db, 1);
    expect(await action("trimmed")).toMatchObject({ state: "succeeded", rows: less.plan["rows"] });

    await makeTable(db, { table: "hardly", rows: HOT });
    await own("hardly", { max_rows_per_hour: 10 });
    expect(await trigger("hardly")).toMatchObject({
      outcome: "deferred",
      reason: "blast_radius",
      measured: whole.plan["rows"],
      flips_at: `max_rows_per_hour of ${whole.plan["rows"]} or more`,
      message: `the plan would move ${whole.plan["rows"]} rows: max_rows_per_hour is 10 rows`,
    });
    expect(
      await db.value(
        `SELECT reason FROM ruvector_healing_decisions() WHERE collection = 'public.hardly'
          AND open`,
      ),
    ).toBe("blast_radius");
    // Whoever names the strategy has its size in mind.
    expect(await execute("hardly")).toMatchObject({ outcome: "stabilizing" });
  });

  it("what others moved within the hour counts for the whole server", async () => {
    const [{ rows } = { rows: "0" }] = await db.rows<{ rows: string }>(
      "SELECT rows FROM ruvector.healing_written()",
    );
    await configure(db, { max_server_rows_per_hour: Number(rows) + 5 });
    await makeTable(db, { table: "last", rows: HOT });
    expect(await trigger("last")).toMatchObject({
      outcome: "deferred",
      reason: "blast_radius",
      message: expect.stringMatching(
        pattern(
          /on all collections within the last hour, with what is under way: /,
          /max_server_rows_per_hour is/,
        ),
      ),
      flips_at: expect.stringMatching(/or from \S+Z on, as the hour passes$/),
    });
    await configure(db, { max_server_rows_per_hour: null });
    expect(
      await raised(
        db.client,
        "SELECT ruvector_healing_configure('{\"max_server_rows_per_hour\": 5}', 'last')",
      ),
    ).toMatchObject({ code: "RV001" });
  });

  it.each([
    ["max_rows_per_hour", 50],
    ["max_rows_per_hour", 1],
    ["max_moves", 50],
  ] as const)(
    "a limit that shrinks between two slices holds for the very next batch: %s, %i rows left",
    async (setting, left) => {
      const table = `shrinks_${setting}_${left}`;
      await makeTable(db, { table, rows: HOT });
      await own(table, { batch_rows: 100, slice_seconds: 0.01, verify_ratio: 1.1 });
      const { action_id } = await trigger(table);
      const moved = (await action(table)).rows;
      expect(moved).toBeGreaterThan(0);
      await own(table, { [setting]: moved + left });
      await ticks(db, 4);
      expect(
        await db.rows(
          `SELECT sum(s.rows)::int AS moved, a.message
            FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id
            WHERE a.id = $1 GROUP BY a.id`,
          [action_id],
        ),
      ).toEqual([
        {
          moved: moved + left,
          message: expect.stringContaining(
            `${moved + left} rows moved, and ${setting} leaves ${moved + left}`,
          ),
        },
      ]);
      // What the loop has begun meanwhile is undone in one slice.
      await own(table, { enabled: false, slice_seconds: 60 });
    },
  );

  it(
    "stops an action that has used it up while it executes: what helped stays, what did not is " +
      "undone, nothing is left without a reason",
    async () => {
      for (const [table, verify_ratio, state] of [
        ["stays", 1.1, "succeeded"],
        ["goes", 10, "rolled_back"],
      ] as const) {
        await makeTable(db, { table, rows: HOT });
        const before = await placement(db, table);
        await own(table, { batch_rows: 200, slice_seconds: 0.01, verify_ratio });
        expect(await trigger(table)).toMatchObject({ outcome: "started" });
        // Half of the plan is what it may come to, from now on.
        const { plan } = await action(table);
        await own(table, { max_rows_per_hour: Math.floor(plan["rows"]! / 2) });
        await ticks(db, 12);
        const ended = await action(table);
        expect(ended).toMatchObject({
          state,
          message: expect.stringContaining("stopped at its blast radius: "),
        });
        expect(ended.message).toContain("max_rows_per_hour leaves");
        const moved = (await steps(table)).reduce((sum, step) => sum + step.rows, 0);
        expect(moved).toBeLessThanOrEqual(Math.floor(plan["rows"]! / 2));
        expect(moved).toBeGreaterThan(plan["rows"]! / 2 - 201);
        // The undo was more than the hour allows, and went on.
        if (state === "rolled_back") expect(await placement(db, table)).toEqual(before);
        else expect(ended.rows).toBe(moved);
        await own(table, { enabled: false });
      }
    },
  );

  it(
    "an action that has done nothing yet when it is used up ends without a trace, and is no " +
      "failure",
    async () => {
      await makeTable(db, { table: "early", rows: HOT });
      await own("early", { require_approval: ["hotspot_congestion"] });
      const waiting = await trigger("early");
      expect(waiting).toMatchObject({ outcome: "awaiting_approval" });
      const failures = (await breaker()).failures;
      await db.client.query("SELECT ruvector_healing_approve($1)", [waiting.action_id]);
      await own("early", { max_rows_per_hour: 0 });
      await ticks(db, 1);
      expect(await action("early")).toMatchObject({
        state: "aborted",
        message: expect.stringContaining(
          "stopped at its blast radius: 0 rows moved, and max_rows_per_hour leaves 0",
        ),
      });
      expect(await steps("early")).toEqual([]);
      expect(await breaker()).toMatchObject({ failures });
    },
  );

  it("a batch that locks more than it may is taken back", async () => {
    await makeTable(db, { table: "locks", rows: HOT });
    await own("locks", { require_approval: ["hotspot_congestion"] });
    const waiting = await trigger("locks");
    const { plan } = await action("locks");
    expect(plan["relation_locks"]).toBeGreaterThan(9);
    await own("locks", { max_locks_per_action: 5, enabled: false });
    await db.client.query("SELECT ruvector_healing_approve($1)", [waiting.action_id]);
    await ticks(db, 2);
    expect(await action("locks")).toMatchObject({
      state: "failed",
      message: expect.stringMatching(/a batch locked \d+ relations, max_locks_per_action is 5/),
    });
    expect(await db.value("SELECT count(*)::int FROM locks WHERE partition_id = 3")).toBe(1260);
    // What the plan says is what was locked, or a little more.
    const held = Number(/locked (\d+) relations/.exec((await action("locks")).message)![1]);
    expect(held).toBeLessThanOrEqual(plan["relation_locks"]!);
    await own("locks", { enabled: true, require_approval: [] });
    expect(await trigger("locks")).toMatchObject({
      outcome: "deferred",
      reason: "blast_radius",
      measured: plan["relation_locks"],
      flips_at: `max_locks_per_action of ${plan["relation_locks"]} or more`,
    });
  });
});

describe("oscillation", () => {
  afterEach(over);

  const ratio = (table: string): Promise<number | null> =>
    db
      .value(
        "SELECT ruvector_healing_status($1) #>> ARRAY['collections', $2, 'net_zero_move_ratio']",
        [table, `public.${table}`],
      )
      .then((text) => (text === null ? null : Number(text)));

  it(
    "a plan that takes back what was moved suspends the strategy, with its reason, and the " +
      "next one is weighed",
    async () => {
      await makeTable(db, { table: "swing", rows: HOT });
      await own("swing", { max_auto_heal_impact: 0.3 });
      expect(await ratio("swing")).toBeNull();
      const earlier = await execute("swing", { max_moves: 1 });
      await db.value("SELECT ruvector_healing_abort($1)", [earlier.action_id]);
      // What the journal would hold if that action had brought the rows of the hot partition there
      // from all others.
      await db.client.query(
        `
      INSERT INTO ruvector.healing_steps (action_id, slice, kind, details, rows, journal)
      SELECT $1, 0, 'move_rows', jsonb_build_object('from', 'swing_p' || i, 'to', 'swing_p3',
        'from_key', i::text, 'to_key', '3'), 150,
             (SELECT jsonb_agg(jsonb_build_array(id::text)) FROM swing WHERE partition_id = 3)
        FROM generate_series(0, 7) i WHERE i <> 3`,
        [earlier.action_id],
      );
      expect(await trigger("swing")).toMatchObject({
        outcome: "deferred",
        reason: "oscillation",
        message: expect.stringContaining("rebalance_partitions would move"),
      });
      expect(
        await db.rows(
          `SELECT strategy_name, kind FROM ruvector.healing_suspended((SELECT collection_id
          FROM ruvector.collections WHERE table_name = 'swing'))`,
        ),
      ).toEqual([{ strategy_name: "rebalance_partitions", kind: "oscillation" }]);
      expect(
        await db.value(
          "SELECT ruvector_healing_status('swing') #> '{collections,public.swing,suspended}'",
        ),
      ).toEqual([
        expect.objectContaining({ strategy: "rebalance_partitions", kind: "oscillation" }),
      ]);
      // From now on it is not even planned.
      expect(await trigger("swing")).toMatchObject({
        outcome: "deferred",
        reason: "oscillation",
        measured: "rebalance_partitions",
        flips_at: expect.stringMatching(/^\d{4}-.*Z$/),
      });
      expect(await events("strategy_suspended")).toBeGreaterThan(0);
      // A person may; what they move back is seen.
      const back = await execute("swing");
      expect(back).toMatchObject({ outcome: "stabilizing" });
      expect(
        await db.value(
          "SELECT sum(came_back)::int FROM ruvector.healing_steps WHERE action_id = $1",
          [back.action_id],
        ),
      ).toBeGreaterThan(0);
      await own("swing", { oscillation_suspend_seconds: 0, oscillation_window_seconds: 0 });
      expect(
        await db.value(
          `SELECT count(*)::int FROM ruvector.healing_suspended((SELECT collection_id
          FROM ruvector.collections WHERE table_name = 'swing'))`,
        ),
      ).toBe(0);
    },
  );

  it("what a person rolled back or aborted is not tried again for the time set", async () => {
    await makeTable(db, { table: "unwanted", rows: HOT });
    await own("unwanted", {
      max_auto_heal_impact: 0.3,
      stabilize_seconds: 60,
      rejection_seconds: 86_400,
    });
    await trigger("unwanted");
    await db.value("SELECT ruvector_healing_rollback('unwanted')");
    expect(await ratio("unwanted")).toBe(1);
    await ticks(db, 2);
    expect(
      await db.value(
        "SELECT count(*)::int FROM ruvector.healing_actions WHERE collection = 'public.unwanted'",
      ),
    ).toBe(1);
    expect(await trigger("unwanted")).toMatchObject({
      outcome: "deferred",
      reason: "suspended",
      message: expect.stringMatching(
        /rebalance_partitions: suspended until \S+Z: a person rolled back action \d+ of it/,
      ),
    });
    await own("unwanted", { rejection_seconds: 0 });
    const again = await trigger("unwanted");
    expect(again).toMatchObject({ outcome: "stabilizing" });
    await own("unwanted", { rejection_seconds: 86_400 });
    await db.value("SELECT ruvector_healing_abort($1)", [again.action_id]);
    expect(await trigger("unwanted")).toMatchObject({
      reason: "suspended",
      message: expect.stringContaining("a person aborted action"),
    });
    expect(await execute("unwanted", { dry_run: true })).toMatchObject({ outcome: "dry_run" });
  });
});
