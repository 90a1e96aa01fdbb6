/** Limits over all collections when several sessions meet them at the same moment. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type pg from "pg";
import { configure, HOT, IN_ONE_GO, makeTable, ticks } from "./support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;
let sessions: pg.Client[];

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, {
    ...IN_ONE_GO,
    stabilize_seconds: 3600,
    learning_enabled: false,
    strategy_retry_seconds: 0,
    rejection_seconds: 0,
  });
  for (const table of ["a", "b", "c"]) await makeTable(db, { table, rows: HOT });
  sessions = await Promise.all([1, 2, 3].map(() => db.connect()));
  // What each session has loaded makes the three meet closer to each other.
  await Promise.all(
    sessions.map((session) => session.query("SELECT ruvector_contracted_graph('a')")),
  );
});

afterAll(() => configure(db, { enabled: false }));

interface Answer {
  readonly outcome: string;
  readonly reason?: string;
  readonly action_id: number | null;
}

const trigger = async (session: pg.Client, collection: string): Promise<Answer> =>
  (await session.query("SELECT ruvector_healing_trigger($1) AS a", [collection])).rows[0].a;
const active = (): Promise<number> =>
  db.value(
    `SELECT count(*)::int FROM ruvector.healing_actions
      WHERE state IN ('planned', 'executing', 'stabilizing', 'rolling_back')`,
  );
async function end(): Promise<void> {
  await db.client.query(
    "SELECT ruvector_healing_abort(id) FROM ruvector.healing_actions WHERE finished_at IS NULL",
  );
}

describe("max_active_actions", () => {
  it("holds for an action of another session whose transaction has not ended", async () => {
    await configure(db, { max_active_actions: 1 });
    const [first, second] = sessions as [pg.Client, pg.Client];
    await first.query("BEGIN");
    expect((await trigger(first, "a")).action_id).not.toBeNull();
    // The second session sees no action, and yet there is one.
    expect(await active()).toBe(0);
    expect(await trigger(second, "b")).toMatchObject({
      outcome: "deferred",
      reason: "global_limit",
      measured: 1,
    });
    await first.query("ROLLBACK");
    expect((await trigger(second, "b")).action_id).not.toBeNull();
    expect(await trigger(first, "a")).toMatchObject({
      outcome: "deferred",
      reason: "global_limit",
      measured: 1,
      flips_at: expect.stringContaining("max_active_actions above 1"),
    });
    await end();
  });

  it(
    "is never exceeded by sessions that decide at the same moment, and one of the rounds fills " +
      "it",
    async () => {
      await configure(db, { max_active_actions: 1 });
      let most = 0;
      for (let round = 0; round < 5; round++) {
        const answers = await Promise.all(
          sessions.map((session, place) => trigger(session, ["a", "b", "c"][place]!)),
        );
        const started = answers.filter(({ action_id }) => action_id !== null).length;
        expect(started).toBeLessThanOrEqual(1);
        expect(await active()).toBe(started);
        for (const answer of answers.filter(({ action_id }) => action_id === null))
          expect(answer).toMatchObject({ outcome: "deferred", reason: "global_limit" });
        most = Math.max(most, started);
        await end();
      }
      expect(most).toBe(1);
    },
  );

  it("an action that waits for approval takes no place, but waits for one after it", async () => {
    await configure(db, { max_active_actions: 1 });
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"require_approval\": [\"hotspot_congestion\"]}', 'a')",
    );
    const waiting = await trigger(sessions[0]!, "a");
    expect(waiting).toMatchObject({ outcome: "awaiting_approval" });
    expect(await trigger(sessions[1]!, "b")).toMatchObject({ outcome: "stabilizing" });
    await db.client.query("SELECT ruvector_healing_approve($1)", [waiting.action_id]);
    await ticks(db, 1);
    expect(
      await db.rows("SELECT state, message FROM ruvector.healing_actions WHERE id = $1", [
        waiting.action_id,
      ]),
    ).toEqual([
      {
        state: "planned",
        message:
          "waits: 1 action at work on all collections, at most 1 at a time (max_active_actions)",
      },
    ]);
    expect(
      (
        await db.value<string>("SELECT ruvector_healing_explain($1::bigint)", [waiting.action_id])
      ).replaceAll(/\s+/g, " "),
    ).toContain("It begins later: it waits: 1 action at work on all collections");
    await db.client.query(
      `SELECT ruvector_healing_abort(id) FROM ruvector.healing_actions
        WHERE collection = 'public.b' AND finished_at IS NULL`,
    );
    await ticks(db, 1);
    expect(
      await db.value("SELECT state FROM ruvector.healing_actions WHERE id = $1", [
        waiting.action_id,
      ]),
    ).not.toBe("planned");
    await end();
    await db.client.query("SELECT ruvector_healing_configure('{\"require_approval\": null}', 'a')");
  });
});

describe("circuit breaker", () => {
  const events = (kind: string): Promise<number> =>
    db.value("SELECT count(*)::int FROM ruvector.healing_events WHERE kind = $1", [kind]);
  /**
   * Ends the active action of a collection as one that made it worse, in the session's own
   * transaction.
   */
  const failing = (session: pg.Client, collection: string) =>
    session
      .query(
        `UPDATE ruvector.healing_actions SET state = 'rolled_back', verified = false,
          failure = 'worsened', finished_at = clock_timestamp() WHERE collection = $1
          AND finished_at IS NULL`,
        [`public.${collection}`],
      )
      .then(() => session.query("SELECT ruvector.healing_breaker_update()"));

  it(
    "is opened once by two sessions that see the last failure at the same time, and by none " +
      "that rolls back",
    async () => {
      await configure(db, { max_active_actions: 10, breaker_failures: 2 });
      const [first, second, third] = sessions as [pg.Client, pg.Client, pg.Client];
      for (const table of ["a", "b", "c"]) await trigger(db.client, table);
      await failing(first, "a");
      await first.query("BEGIN");
      await failing(first, "b");
      expect((await first.query("SELECT state FROM ruvector.healing_breaker")).rows).toEqual([
        { state: "open" },
      ]);
      // The other sees its own failure beside the first one, finds the row taken, and waits for
      // nobody.
      await second.query("BEGIN");
      await failing(second, "c");
      expect((await second.query("SELECT state FROM ruvector.healing_breaker")).rows).toEqual([
        { state: "closed" },
      ]);
      expect(await raised(third, "SELECT ruvector_healing_breaker_close('a test')")).toMatchObject({
        code: "RV016",
      });
      await first.query("ROLLBACK");
      expect(await events("breaker_open")).toBe(0);
      await second.query("COMMIT");
      // Nobody has opened it, and yet it holds: what it counts is looked at anew.
      expect(await trigger(third, "a")).toMatchObject({ outcome: "deferred", reason: "breaker" });
      expect(await db.value("SELECT state FROM ruvector.healing_breaker")).toBe("open");
      await ticks(db, 2);
      expect(await events("breaker_open")).toBe(1);
    },
  );

  it("half open lets through one action of two sessions", async () => {
    await end();
    // What the others moved is still where it went: they are well.
    for (const table of ["d", "e"]) await makeTable(db, { table, rows: HOT });
    await db.client.query(
      `UPDATE ruvector.healing_breaker SET state = 'half_open', probe_action_id = NULL,
        half_open_at = clock_timestamp()`,
    );
    const [first, second] = sessions as [pg.Client, pg.Client];
    await first.query("BEGIN");
    expect(await trigger(first, "d")).toMatchObject({ outcome: "stabilizing" });
    expect(await trigger(second, "e")).toMatchObject({
      outcome: "deferred",
      reason: "breaker",
      flips_at: "action of another session ends verified",
    });
    await first.query("ROLLBACK");
    expect(await trigger(second, "e")).toMatchObject({ outcome: "stabilizing" });
    expect(await trigger(first, "d")).toMatchObject({
      outcome: "deferred",
      reason: "breaker",
      flips_at: expect.stringMatching(/^action \d+ ends verified$/),
    });
  });
});
