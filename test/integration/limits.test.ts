/** What holds the loop as a whole back: the circuit breaker, the number of actions at once; and how it says so. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, makeTable, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...IN_ONE_GO, breaker_failures: 2, strategy_retry_seconds: 0, max_active_actions: 1000, learning_enabled: false });
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

const trigger = (collection: string): Promise<Answer> => db.value("SELECT ruvector_healing_trigger($1)", [collection]);
const execute = (collection: string, params: object = {}): Promise<Answer> =>
  db.value("SELECT ruvector_healing_execute($1, 'rebalance_partitions', $2)", [collection, JSON.stringify(params)]);
const breaker = (): Promise<Breaker> => db.value("SELECT ruvector_healing_breaker()");
const events = (kind: string): Promise<number> => db.value("SELECT count(*)::int FROM ruvector.healing_events WHERE kind = $1", [kind]);
const own = (collection: string, settings: object): Promise<unknown> => db.client.query("SELECT ruvector_healing_configure($1, $2)", [JSON.stringify(settings), collection]);
const healed = (table: string): Promise<unknown> => db.client.query(`SELECT ruvector_healing_unregister($1)`, [table]).then(() => db.client.query(`DROP TABLE ${table}`));

/** A collection whose actions never verify: half of what is needed, and ten times the effect is asked for. */
async function hopeless(table: string): Promise<void> {
  await makeTable(db, { table, rows: HOT });
  await own(table, { max_moves: 200, verify_ratio: 10 });
}

/** One action of the loop on it that is undone because it did not help. */
async function fail(table: string): Promise<void> {
  expect(await trigger(table)).toMatchObject({ outcome: "stabilizing" });
  for (let turn = 0; turn < 5; turn++) {
    await ticks(db, 1);
    const state = await db.value("SELECT state FROM ruvector.healing_actions WHERE collection = $1 ORDER BY id DESC LIMIT 1", [`public.${table}`]);
    if (state === "rolled_back") break;
  }
  // Not again at once.
  await own(table, { enabled: false });
}

describe("circuit breaker", () => {
  it("opens when actions on several collections did not help, says so once, and holds the loop back", async () => {
    await hopeless("first");
    await fail("first");
    expect(await breaker()).toMatchObject({ state: "closed", failures: 1 });
    await hopeless("second");
    await fail("second");
    expect(await breaker()).toMatchObject({ state: "open", failures: 2, reason: expect.stringMatching(/^2 actions on 2 collection\(s\) failed or did not help within 3600 s; the last: action \d+ \(rebalance_partitions on public.second\)/) });
    expect(await db.value("SELECT ruvector_healing_status() #>> '{breaker,state}'")).toBe("open");
    await makeTable(db, { table: "third", rows: HOT });
    expect(await trigger("third")).toMatchObject({ outcome: "deferred", reason: "breaker", measured: 2, flips_at: expect.stringMatching(/Z: then one action is let through$/) });
    await ticks(db, 2);
    expect(await db.value("SELECT count(*)::int FROM ruvector.healing_actions WHERE collection = 'public.third'")).toBe(0);
    expect(await events("breaker_open")).toBe(1);
  });

  it("does not hold back a person who names a strategy, and tells them", async () => {
    const answer = await execute("third", { max_moves: 1 });
    expect(answer).toMatchObject({ outcome: "stabilizing", notice: expect.stringContaining("the circuit breaker is open") });
    expect(await db.value("SELECT ruvector_healing_abort($1)", [answer.action_id])).toMatchObject({ state: "aborted" });
    expect(await breaker()).toMatchObject({ state: "open", failures: 2 });
  });

  it("lets one action through after its time; when that does not help it opens again, for twice as long", async () => {
    await configure(db, { breaker_open_seconds: 100 });
    await db.client.query("UPDATE ruvector.healing_breaker SET open_until = clock_timestamp()");
    await ticks(db, 1);
    // third is sick and was let through.
    const probe = await breaker();
    expect(probe).toMatchObject({ state: "half_open", probe_action_id: expect.any(Number) });
    expect(await db.value("SELECT collection FROM ruvector.healing_actions WHERE id = $1", [probe.probe_action_id])).toBe("public.third");
    await own("first", { enabled: true });
    expect(await trigger("first")).toMatchObject({ outcome: "deferred", reason: "breaker", flips_at: `action ${probe.probe_action_id} ends verified` });
    await own("first", { enabled: false });
    await own("third", { max_moves: 200, verify_ratio: 10 });
    // It was planned with all its moves; what it is measured by is not what it reaches.
    await db.client.query("UPDATE ruvector.healing_actions SET initial_lambda = 1 WHERE id = $1", [probe.probe_action_id]);
    await ticks(db, 4);
    expect(await db.value("SELECT state FROM ruvector.healing_actions WHERE id = $1", [probe.probe_action_id])).toBe("rolled_back");
    const again = await breaker();
    expect(again).toMatchObject({ state: "open", probe_action_id: null, reason: expect.stringContaining(`action ${probe.probe_action_id}, let through to see, ended as rolled_back`) });
    expect(await db.value<number>("SELECT extract(epoch FROM open_until - opened_at)::int FROM ruvector.healing_breaker")).toBe(200);
    expect(await events("breaker_open")).toBe(2);
  });

  it("closes when the action that was let through is verified", async () => {
    await db.client.query("SELECT ruvector_healing_configure('{\"max_moves\": null, \"verify_ratio\": null}', 'third')");
    await db.client.query("UPDATE ruvector.healing_breaker SET open_until = clock_timestamp()");
    await ticks(db, 4);
    expect(await db.value("SELECT state FROM ruvector.healing_actions WHERE collection = 'public.third' ORDER BY id DESC LIMIT 1")).toBe("succeeded");
    expect(await breaker()).toMatchObject({ state: "closed", failures: 0, last_closed_by: "the loop", last_close_reason: expect.stringMatching(/^action \d+ was let through and verified$/) });
    expect(await db.value("SELECT opens FROM ruvector.healing_breaker")).toBe(0);
  });

  it("closes where nothing is sick any more once its time is over, and not before", async () => {
    await db.client.query("UPDATE ruvector.healing_breaker SET state = 'open', opened_at = clock_timestamp(), opens = 1, reason = 'a test', open_until = clock_timestamp() + interval '1 hour'");
    await healed("first");
    await healed("second");
    await configure(db, { recovery_hold_seconds: 0 });
    await ticks(db, 3);
    expect(await db.value("SELECT max(state)::int FROM ruvector.integrity_state")).toBe(0);
    expect(await breaker()).toMatchObject({ state: "open" });
    await db.client.query("UPDATE ruvector.healing_breaker SET open_until = clock_timestamp()");
    await ticks(db, 1);
    expect(await breaker()).toMatchObject({ state: "half_open" });
    await ticks(db, 1);
    expect(await breaker()).toMatchObject({ state: "closed", last_close_reason: "its time is over and every collection was sampled as normal" });
  });

  it("is closed by hand with a reason, also twice; nothing else closes it", async () => {
    await db.client.query("UPDATE ruvector.healing_breaker SET state = 'open', opened_at = clock_timestamp(), opens = 3, reason = 'a test', open_until = clock_timestamp() + interval '1 hour'");
    for (const empty of [null, "", "  ", "x".repeat(1001)]) {
      expect(await raised(db.client, "SELECT ruvector_healing_breaker_close($1)", [empty])).toMatchObject({ code: "RV001", hint: expect.stringContaining("ruvector_healing_breaker_close(") });
    }
    expect(await breaker()).toMatchObject({ state: "open" });
    expect(await db.value("SELECT ruvector_healing_breaker_close('looked at it')")).toMatchObject({ state: "closed", was: "open", last_close_reason: "looked at it" });
    expect(await db.value("SELECT ruvector_healing_breaker_close('looked again')")).toMatchObject({ state: "closed", was: "closed", last_close_reason: "looked again" });
    expect(await db.value("SELECT opens FROM ruvector.healing_breaker")).toBe(0);
    expect(await db.value("SELECT message FROM ruvector.healing_events WHERE kind = 'breaker_closed' ORDER BY id DESC LIMIT 1")).toContain("looked at it");
  });

  it("counts neither what people run by name nor what people undo", async () => {
    await hopeless("asked");
    await own("asked", { enabled: false });
    for (let times = 0; times < 2; times++) {
      await execute("asked", { max_moves: 200 });
      await ticks(db, 3);
    }
    expect(await db.value("SELECT count(*)::int FROM ruvector.healing_actions WHERE collection = 'public.asked' AND state = 'rolled_back' AND verified = false")).toBe(2);
    expect(await breaker()).toMatchObject({ state: "closed", failures: 0 });
    await own("asked", { enabled: true, stabilize_seconds: 60 });
    await trigger("asked");
    await db.value("SELECT ruvector_healing_rollback('asked')");
    expect(await breaker()).toMatchObject({ failures: 0 });
    await own("asked", { enabled: false });
  });
});

describe("refusals", () => {
  afterEach(() => configure(db, { refusal_escalation_seconds: null }));

  it("are decisions, with the value that flips them, beside the actions that were started", async () => {
    await makeTable(db, { table: "decided", rows: HOT });
    await own("decided", { max_attempts_per_hour: 0 });
    await ticks(db, 2);
    const of = "SELECT * FROM ruvector_healing_decisions(limit_ := 1000) WHERE collection = 'public.decided'";
    expect(await db.rows(of)).toEqual([expect.objectContaining({
      decision: "refused", reason: "attempts", problem_class: "hotspot_congestion", measured: 0, flips_at: "max_attempts_per_hour above 0",
      count: "2", open: true, escalated_at: null, action_id: null,
    })]);
    await own("decided", { max_attempts_per_hour: 10 });
    await ticks(db, 1);
    const [acted, refused] = await db.rows<Record<string, unknown>>(of);
    expect(acted).toMatchObject({ decision: "acted", reason: "loop", strategy: "rebalance_partitions", open: true, measured: { lambda: expect.closeTo(0.32, 1) } });
    expect(acted!["message"]).toContain("rebalance_partitions: highest weight");
    expect(refused).toMatchObject({ decision: "refused", reason: "attempts", open: false });
    expect(await raised(db.client, "SELECT * FROM ruvector_healing_decisions(NULL)")).toMatchObject({ code: "RV001" });
    expect(await raised(db.client, "SELECT * FROM ruvector_healing_decisions(limit_ := -1)")).toMatchObject({ code: "RV001" });
  });

  it("that last too long are escalated once; a cooldown never is", async () => {
    await makeTable(db, { table: "held", rows: HOT });
    await own("held", { max_attempts_per_hour: 0 });
    await ticks(db, 1);
    const escalated = () => db.value("SELECT count(*)::int FROM ruvector.healing_events WHERE kind = 'refusal_escalated' AND collection = 'public.held'");
    const older = (seconds: number) => db.client.query("UPDATE ruvector.healing_refusals SET first_at = first_at - make_interval(secs => $1) WHERE collection = 'public.held'", [seconds]);
    await older(3500);
    await ticks(db, 1);
    expect(await escalated()).toBe(0);
    await older(200);
    await ticks(db, 2);
    expect(await escalated()).toBe(1);
    expect(await db.value("SELECT escalated_at IS NOT NULL FROM ruvector_healing_decisions() WHERE collection = 'public.held'")).toBe(true);
    expect(await db.value("SELECT message FROM ruvector.healing_events WHERE kind = 'refusal_escalated' AND collection = 'public.held'"))
      .toMatch(/^nothing has been done about hotspot_congestion for 370\d s \(refused 3 times\): 0 attempts in the last hour/);
    // A cooldown, just as old.
    await own("held", { max_attempts_per_hour: 10, min_healing_interval_seconds: 86_400 });
    await db.value("SELECT ruvector_healing_abort((ruvector_healing_execute('held', 'rebalance_partitions', '{\"max_moves\": 1}') ->> 'action_id')::bigint)");
    await ticks(db, 1);
    expect(await db.value("SELECT reason FROM ruvector.healing_refusals WHERE collection = 'public.held' AND closed_at IS NULL")).toBe("cooldown");
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
    const reasons = () => db.rows<{ reason: string; count: string; open: boolean }>("SELECT reason, count, open FROM ruvector_healing_decisions(limit_ := 1000) WHERE collection = 'public.turns' AND decision = 'refused' ORDER BY reason, open");
    expect(await reasons()).toEqual([{ reason: "attempts", count: "2", open: false }, { reason: "no_strategy", count: "2", open: true }]);
    await turn({ max_auto_heal_impact: null });
    await turn({ max_attempts_per_hour: 0, stabilize_seconds: 0 });
    await ticks(db, 2);
    await db.client.query("INSERT INTO turns SELECT g, 3, 'more', embedding FROM generate_series(100001, 130000) g, (SELECT embedding FROM turns LIMIT 1) e");
    await ticks(db, 2);
    expect((await reasons()).filter(({ reason }) => reason === "attempts")).toEqual([{ reason: "attempts", count: "2", open: false }, { reason: "attempts", count: expect.any(String), open: true }]);
  });
});
