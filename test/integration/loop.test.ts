/** The loop: sensed, healed by ticks, verified, learned from, undone. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  checksum,
  configure,
  forget,
  HOT,
  IN_ONE_GO,
  LEVEL,
  makeTable,
  placement,
  places,
  ticks,
} from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { pattern } from "../support/pattern.ts";
import { shiftStored } from "../support/stored-times.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, IN_ONE_GO);
});

const history = (collection: string) =>
  db.rows<{
    action_id: string;
    collection: string;
    state: string;
    verified: boolean | null;
    message: string;
    rows_moved: string;
    initial_lambda: number;
    final_lambda: number;
    initiated_by: string;
  }>("SELECT * FROM ruvector_healing_history() WHERE collection = $1", [`public.${collection}`]);

describe("a hot partition", () => {
  afterAll(() => forget(db));

  it("is sensed with its witness, healed by ticks alone, verified and learned from", async () => {
    await makeTable(db, { rows: HOT });
    const before = await checksum(db);
    await ticks(db, 1);
    const [status] = await db.rows<{
      state: string;
      lambda: number;
      witness_edges: { type: string }[];
    }>("SELECT * FROM ruvector_integrity_status('embeddings')");
    expect(status?.state).toBe("stress");
    expect(status?.lambda).toBeCloseTo(0.32, 1);
    expect(status?.witness_edges.filter(({ type }) => type === "partition_link")).toHaveLength(7);
    await ticks(db, 3);
    const [action] = await history("embeddings");
    expect(action).toMatchObject({
      state: "succeeded",
      verified: true,
      final_lambda: 1,
      collection: "public.embeddings",
    });
    expect(Number(action?.rows_moved)).toBe(1260 - Math.floor((2100 / 8) * 1.5 * 0.95));
    expect(await checksum(db)).toEqual(before);
    const [strategy] = await db.rows<{ name: string; weight: number; outcomes: string }>(
      "SELECT * FROM ruvector_healing_effectiveness()",
    );
    expect(strategy).toMatchObject({ name: "rebalance_partitions", outcomes: "1" });
    // success rate 1 times (1 + (1 - lambda) / lambda) is 1 / lambda.
    expect(strategy?.weight).toBeCloseTo(1 / action!.initial_lambda, 4);
  });

  it("comes back to normal after lambda held", async () => {
    await configure(db, { recovery_hold_seconds: 0 });
    await ticks(db, 2);
    expect(await db.value("SELECT state FROM ruvector_integrity_status('embeddings')")).toBe(
      "normal",
    );
  });
});

describe("rollback", () => {
  afterAll(() => forget(db));

  it("restores the exact placement of every row that still exists", async () => {
    await makeTable(db, { table: "undone", rows: HOT });
    const before = await places(db, "undone");
    const answer = await db.value<{ outcome: string; rows_moved: number }>(
      "SELECT ruvector_healing_trigger('undone')",
    );
    expect(answer.outcome).toBe("stabilizing");
    expect(answer.rows_moved).toBeGreaterThan(800);
    expect(await places(db, "undone")).not.toBe(before);
    const back = await db.value<{ outcome: string; state: string; rows_left: number }>(
      "SELECT ruvector_healing_rollback('undone')",
    );
    expect(back).toMatchObject({ outcome: "completed", state: "rolled_back", rows_left: 0 });
    expect(await places(db, "undone")).toBe(before);
    expect(
      await db.value(
        "SELECT feedback_score FROM ruvector.healing_outcomes WHERE collection = 'public.undone'",
      ),
    ).toBe(-1);
  });

  it(
    "leaves out rows deleted since, or put elsewhere by the application, and keeps rows whose " +
      "place was taken",
    async () => {
      await makeTable(db, { table: "changed", rows: HOT });
      const moved = await db.value<{ action_id: number }>(
        "SELECT ruvector_healing_trigger('changed')",
      );
      const ids = await db.rows<{ id: string }>(
        `SELECT (j.row ->> 0) AS id
        FROM ruvector.healing_steps s CROSS JOIN jsonb_array_elements(s.journal) j(row)
        WHERE s.action_id = $1 AND kind = 'move_rows' ORDER BY s.id LIMIT 12`,
        [moved.action_id],
      );
      await db.client.query("DELETE FROM changed WHERE id = $1", [ids[0]!.id]);
      await db.client.query(
        `UPDATE changed SET partition_id = (partition_id + 1) % 8 + CASE
        WHEN (partition_id + 1) % 8 = 3 THEN 1 ELSE 0 END WHERE id = ANY ($1)`,
        [ids.slice(2).map(({ id }) => id)],
      );
      // What keys a DEFAULT partition holds is not written anywhere: its rows are looked for.
      await db.client.query("CREATE TABLE changed_rest PARTITION OF changed DEFAULT");
      await db.client.query("UPDATE changed SET partition_id = 4711 WHERE id = $1", [
        ids.at(-1)!.id,
      ]);
      await db.client.query(
        "INSERT INTO changed SELECT $1, 3, 'taken', embedding FROM changed LIMIT 1",
        [ids[1]!.id],
      );
      const back = await db.value<{ state: string; message: string; rows_left: number }>(
        "SELECT ruvector_healing_rollback('changed')",
      );
      expect(back.state, back.message).toBe("rolled_back");
      expect(back.rows_left, back.message).toBe(1);
      expect(
        await db.value("SELECT ruvector_healing_rollback('changed', $1)", [moved.action_id]),
      ).toMatchObject({ already: true, rows_left: 1 });
      expect(back.message).toContain(
        "1 row deleted since; 10 rows put into another partition since, left there; 1 row left",
      );
      expect(back.message).toContain("1 row left where they are");
      expect(await db.value("SELECT count(*)::int FROM changed WHERE id = $1", [ids[1]!.id])).toBe(
        2,
      );
    },
  );
});

describe("verification", () => {
  afterAll(() => forget(db));

  it("undoes an action that did not help", async () => {
    await makeTable(db, { table: "hopeless", rows: HOT });
    const before = await places(db, "hopeless");
    // Half of what is needed: lambda rises, but not by the tenth that the setting asks for.
    await db.client.query("SELECT ruvector_healing_configure($1, 'hopeless')", [
      JSON.stringify({ verify_ratio: 10, stabilize_seconds: 1, enabled: false }),
    ]);
    const answer = await db.value<{ outcome: string; action_id: number }>(
      "SELECT ruvector_healing_execute('hopeless', 'rebalance_partitions', '{\"max_moves\": 200}')",
    );
    expect(answer.outcome).toBe("stabilizing");
    await db.client.query("SELECT pg_sleep(1.1)");
    await ticks(db, 3);
    const [action] = await history("hopeless");
    expect(action).toMatchObject({ state: "rolled_back", verified: false });
    expect(action?.message).toContain("not verified");
    expect(await places(db, "hopeless")).toBe(before);
    expect(
      await db.rows(
        `SELECT success, verified, rolled_back FROM ruvector.healing_outcomes
          WHERE collection = 'public.hopeless'`,
      ),
    ).toEqual([{ success: true, verified: false, rolled_back: true }]);
  });

  it("is followed by the next strategy, and not by the same one at once", async () => {
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"enabled": true, "max_auto_heal_impact": ' +
        "0.6}', 'hopeless')",
    );
    await ticks(db, 1);
    const [next] = await db.rows<{
      strategy_name: string;
      considered: { name: string; reason_code: string }[];
    }>(
      `SELECT strategy_name, considered FROM ruvector.healing_actions
        WHERE collection = 'public.hopeless' ORDER BY id DESC LIMIT 1`,
    );
    expect(next?.strategy_name).toBe("drain_hot_partition");
    expect(next?.considered).toContainEqual(
      expect.objectContaining({
        name: "rebalance_partitions",
        reason_code: "failed_recently",
        reason: expect.stringMatching(
          pattern(
            /^suspended until \S+Z: action \d+ did not help; to lift that: /,
            /SELECT ruvector_healing_resume\('rebalance_partitions', 'public.hopeless'\);$/,
          ),
        ),
      }),
    );
    // Held back in vain: the rows are where they are, and nobody inserts any.
    expect(next?.considered).toContainEqual(
      expect.objectContaining({ name: "throttle_ingestion", reason_code: "no_gain_foreseen" }),
    );
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"enabled": false, "strategy_retry_seconds": ' +
        "0}', 'hopeless')",
    );
    const answer = await db.value<{ action_id: number }>(
      `SELECT ruvector_healing_abort(max(id)) FROM ruvector.healing_actions
        WHERE collection = 'public.hopeless'`,
    );
    expect(answer).toMatchObject({ state: "aborted" });
    const again = await db.value<object>("SELECT ruvector_healing_trigger('hopeless')");
    // Once its time is over it is weighed again; healing is off here, so that nothing is started.
    expect(again).toMatchObject({
      outcome: "deferred",
      reason: "disabled",
      considered: expect.arrayContaining([
        expect.objectContaining({ name: "rebalance_partitions", reason_code: "lower_weight" }),
      ]),
    });
  });

  it("undoes a slice that lowers lambda, and keeps the slices before it", async () => {
    await makeTable(db, { table: "worse", rows: HOT });
    await db.client.query("SELECT ruvector_healing_configure($1, 'worse')", [
      JSON.stringify({ batch_rows: 50, slice_seconds: 0.01, enabled: false }),
    ]);
    await db.value("SELECT ruvector_healing_execute('worse', 'rebalance_partitions')");
    const [before] = await history("worse");
    expect(before?.state).toBe("executing");
    const kept = await db.value<number>(
      "SELECT sum(rows)::int FROM ruvector.healing_steps WHERE action_id = $1 AND slice = 0",
      [before!.action_id],
    );
    // Somebody pours rows into the hot partition during the next slice.
    await db.client.query(
      `INSERT INTO worse SELECT g, 3, 'more', embedding
        FROM generate_series(100001, 105000) g, (SELECT embedding FROM worse LIMIT 1) e`,
    );
    await ticks(db, 3);
    const events = await db.rows<{ kind: string }>(
      "SELECT kind FROM ruvector.healing_events WHERE action_id = $1 ORDER BY id",
      [before!.action_id],
    );
    expect(events.map(({ kind }) => kind)).toContain("action_slice_undone");
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_steps WHERE action_id = $1 AND slice = 1
          AND undone_at IS NULL`,
        [before!.action_id],
      ),
    ).toBe(0);
    expect(kept).toBeGreaterThan(0);
    // Nothing was verified, so the rest goes back as well, in as many slices of one batch as it
    // takes.
    for (let tick = 0; tick < 40 && (await history("worse"))[0]!.state !== "rolled_back"; tick++)
      await ticks(db, 1);
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_steps WHERE action_id = $1
          AND undone_at IS NULL`,
        [before!.action_id],
      ),
    ).toBe(0);
    expect((await history("worse"))[0]).toMatchObject({ state: "rolled_back" });
    expect(
      await db.value("SELECT count(*)::int FROM worse WHERE id <= 2100 AND partition_id = 3"),
    ).toBe(1260);
  });
});

describe("a healthy collection", () => {
  it("reads 1 and nothing is done", async () => {
    await makeTable(db, { table: "level", rows: LEVEL });
    const answer = await db.value<{ outcome: string; reason: string; flips_at: string }>(
      "SELECT ruvector_healing_trigger('level')",
    );
    expect(answer).toMatchObject({ outcome: "deferred", reason: "healthy" });
    await ticks(db, 2);
    expect(await db.value("SELECT lambda FROM ruvector_integrity_status('level')")).toBe(1);
    expect(await placement(db, "level")).toEqual({
      0: 300,
      1: 300,
      2: 300,
      3: 300,
      4: 300,
      5: 300,
      6: 300,
      7: 300,
    });
  });
});

describe("a clock that was set back by a day", () => {
  const DAY = 86_400;
  /** All that is stored lies ahead, as it does after such a jump. */
  const setBack = () => shiftStored(db.client, () => DAY);
  /** So much time has passed since. */
  const later = (seconds: number) => shiftStored(db.client, () => -seconds);
  const set = (table: string, settings: object) =>
    db.client.query("SELECT ruvector_healing_configure($1, $2)", [settings, table]);
  afterAll(() => forget(db));

  it("has an action stabilize for its seconds, and no longer", async () => {
    await makeTable(db, { table: "back", rows: HOT });
    // Longer than any machine takes for a tick.
    await set("back", { stabilize_seconds: 3000 });
    await db.client.query("SELECT ruvector_healing_execute('back', 'rebalance_partitions')");
    expect((await history("back"))[0]?.state).toBe("stabilizing");
    await later(1000);
    // What it has open elsewhere goes with it.
    await db.client.query(`
      WITH a AS (SELECT id, collection_id, collection,
          clock_timestamp() + interval '2 minutes' AS at
          FROM ruvector.healing_actions WHERE collection = 'public.back'),
      job AS (INSERT INTO ruvector.healing_jobs (action_id, collection_id, purpose, command,
          start_at, start_by, deadline)
        SELECT id, collection_id, 'a test', 'SELECT 1', at, at, at FROM a)
      INSERT INTO ruvector.healing_actuations (action_id, collection, kind, target, wanted,
        deadline)
      SELECT id, collection, 'scale', '{"workload": "w"}', '{"replicas": 2}', at FROM a`);
    await setBack();
    await ticks(db, 1);
    expect((await history("back"))[0]?.state).toBe("stabilizing");
    expect(
      await db.value(`SELECT count(*)::int FROM (SELECT deadline FROM ruvector.healing_jobs
        WHERE purpose = 'a test' UNION ALL SELECT deadline FROM ruvector.healing_actuations) d
        WHERE d.deadline < clock_timestamp() + interval '2 hours'`),
    ).toBe(2);
    await db.client.query(`DELETE FROM ruvector.healing_jobs WHERE purpose = 'a test';
      DELETE FROM ruvector.healing_actuations`);
    expect(
      await db.value(`SELECT message FROM ruvector.healing_events
        WHERE kind = 'action_clock_set_back' ORDER BY id DESC LIMIT 1`),
    ).toMatch(/the server's clock was set back by 8\d{4} s/);
    await later(3001);
    await ticks(db, 1);
    expect((await history("back"))[0]).toMatchObject({ state: "succeeded", verified: true });
  });

  it("has an undo end at its deadline", async (context) => {
    if (db.engine.sessions === 1) return context.skip();
    await set("back", { rollback_timeout_seconds: 3600 });
    // Whatever it comes to waits.
    const holder = await db.connect();
    await holder.query("BEGIN; SELECT FROM back FOR UPDATE");
    await db.client.query("SELECT ruvector_healing_rollback('back')");
    expect((await history("back"))[0]?.state).toBe("rolling_back");
    await setBack();
    await ticks(db, 1);
    expect((await history("back"))[0]?.state).toBe("rolling_back");
    await later(3601);
    await ticks(db, 1);
    expect((await history("back"))[0]?.state).toBe("rollback_failed");
    await holder.query("ROLLBACK");
    return undefined;
  });

  it("has a request for approval expire in its time", async () => {
    await makeTable(db, { table: "asking", rows: HOT });
    await set("asking", { mode: "approve", approval_ttl_seconds: 7200 });
    await db.client.query("SELECT ruvector_healing_trigger('asking')");
    expect((await history("asking"))[0]?.state).toBe("awaiting_approval");
    await setBack();
    await ticks(db, 1);
    expect((await history("asking"))[0]?.state).toBe("awaiting_approval");
    await later(7201);
    await ticks(db, 1);
    expect((await history("asking"))[0]?.state).toBe("expired");
  });

  /** An action of the table began and failed so many seconds ago; ahead where below 0. */
  const ended = (table: string, id: number, ago: number) =>
    db.client.query(
      `INSERT INTO ruvector.healing_actions SELECT (made.a).* FROM (
        SELECT jsonb_populate_record(a, jsonb_build_object('id', $2::int, 'state', 'failed',
          'failure', 'worsened', 'origin', 'loop', 'started_at', t.at, 'finished_at', t.at)) AS a
          FROM ruvector.healing_actions a
         CROSS JOIN (SELECT clock_timestamp() - make_interval(secs => $3::float8) AS at) t
         WHERE a.collection = $1 LIMIT 1) made`,
      [`public.${table}`, id, ago],
    );

  it("has the pause between two actions begin with the last one, not with one ahead", async () => {
    await set("asking", { min_healing_interval_seconds: 600 });
    await ended("asking", 1_000_001, -DAY);
    await ended("asking", 1_000_002, 0);
    expect(await db.value("SELECT ruvector_healing_trigger('asking')")).toMatchObject({
      outcome: "deferred",
      reason: "cooldown",
    });
    await db.client.query("DELETE FROM ruvector.healing_actions WHERE id >= 1000000");
  });

  it("counts nothing of before against what begins now", async () => {
    const counted = async () => {
      const [row] = await db.rows<{ failures: number; rows: string; cooldown: string | null }>(`
        SELECT f.failures, w.rows, ruvector_healing_status('back')
          #>> '{collections,public.back,cooldown_until}' AS cooldown
          FROM ruvector.healing_failures() f CROSS JOIN ruvector.healing_written(NULL) w`);
      const metric = await db.value<number>(`
        SELECT value FROM ruvector.healing_metrics_of_collections()
         WHERE family = 'ruvector_healing_cooldown' AND 'public.back' = ANY (labels)`);
      return { ...row!, metric };
    };
    await set("back", { min_healing_interval_seconds: 600 });
    await configure(db, { breaker_window_seconds: 600 });
    await ended("back", 1_000_000, 0);
    await db.client.query(`
      UPDATE ruvector.healing_steps s SET executed_at = clock_timestamp()
        FROM ruvector.healing_actions a WHERE a.id = s.action_id AND a.collection = 'public.back'`);
    const before = await counted();
    expect(before).toMatchObject({ failures: 1, metric: 1, cooldown: expect.any(String) });
    expect(Number(before.rows)).toBeGreaterThan(0);
    await setBack();
    expect(await counted()).toEqual({ failures: 0, rows: "0", cooldown: null, metric: 0 });
    await later(DAY);
    await db.client.query("DELETE FROM ruvector.healing_actions WHERE id >= 1000000");
    await configure(db, { breaker_window_seconds: null });
  });

  it("has the circuit breaker let one through in its time", async () => {
    await db.client.query(
      `UPDATE ruvector.healing_breaker SET state = 'open', opened_at = clock_timestamp(),
        opens = 1, reason = 'a test', open_until = clock_timestamp() + interval '1 hour'`,
    );
    const state = () => db.value("SELECT ruvector_healing_breaker() ->> 'state'");
    await setBack();
    await ticks(db, 1);
    expect(await state()).toBe("open");
    await later(3601);
    await ticks(db, 1);
    expect(await state()).not.toBe("open");
    await db.client.query("SELECT ruvector_healing_breaker_close('a test')");
  });
});
