/** NOTIFY on the channel ruvector_healing, and the lines in the server's log. */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, makeTable, ticks } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

interface Told {
  readonly kind: string;
  readonly collection: string | null;
  readonly action_id: number | null;
  readonly message: string;
  readonly at: string;
}

let db: TestDatabase;
const told: Told[] = [];
const payloads: string[] = [];

/**
 * What has been told since the last time, once the connection has been asked (notifications come
 * before the answer).
 */
async function heard(): Promise<Told[]> {
  await listener.query("SELECT 1");
  return told.splice(0);
}
let listener: Awaited<ReturnType<TestDatabase["connect"]>>;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, IN_ONE_GO);
  listener = await db.connect();
  listener.on("notification", ({ channel, payload }) => {
    expect(channel).toBe("ruvector_healing");
    payloads.push(payload!);
    told.push(JSON.parse(payload!) as Told);
  });
  await listener.query("LISTEN ruvector_healing");
});

describe("the channel ruvector_healing", () => {
  it("tells of the state of a collection and of every transition of its action", async () => {
    await makeTable(db, { rows: HOT });
    await ticks(db, 4);
    const all = await heard();
    expect(all.map(({ kind }) => kind)).toEqual([
      "state_stress",
      "action_planned",
      "action_executing",
      "action_stabilizing",
      "action_succeeded",
    ]);
    expect(new Set(all.map(({ collection }) => collection))).toEqual(
      new Set(["public.embeddings"]),
    );
    expect(all.slice(1).map(({ action_id }) => action_id)).toEqual([1, 1, 1, 1]);
    expect(all[0]).toMatchObject({
      action_id: null,
      message: expect.stringMatching(/^normal -> stress: lambda 0\.3/) as string,
    });
    expect(Math.abs(Date.parse(all[0]!.at) - Date.now())).toBeLessThan(60_000);
  });

  it("tells of an action that waits for approval, and of none that was not committed", async () => {
    await makeTable(db, { table: "asked", rows: HOT });
    await configure(db, { require_approval: ["hotspot_congestion"] });
    await db.client.query("BEGIN");
    await db.client.query("SELECT ruvector_healing_trigger('asked')");
    expect(await heard()).toEqual([]);
    await db.client.query("ROLLBACK");
    expect(await heard()).toEqual([]);
    await db.client.query("SELECT ruvector_healing_trigger('asked')");
    expect((await heard()).map(({ kind }) => kind)).toContain("action_awaiting_approval");
    await db.client.query("SELECT ruvector_healing_abort(max(id)) FROM ruvector.healing_actions");
    const [aborted] = await heard();
    // The reason may quote a user's data, and everybody may listen.
    expect(aborted?.kind).toBe("action_aborted");
    expect(aborted?.message).toMatch(
      /^action \d+: aborted\. SELECT ruvector_healing_explain\(\d+\); says why\.$/,
    );
    await configure(db, { require_approval: [] });
  });

  it("tells of transitions that plain SQL made, and writes them into the audit trail", async () => {
    await makeTable(db, { table: "broken", rows: HOT });
    await configure(db, { max_retries: 0 });
    await db.client.query("SELECT ruvector_healing_trigger('broken')");
    await db.client.query(
      "UPDATE ruvector.healing_actions SET state = 'executing', finished_at = NULL, plan = " +
        "'\"nonsense\"' WHERE collection = 'public.broken'",
    );
    await db.client.query(
      `UPDATE ruvector.healing_actions SET strategy_name = 'none_such'
        WHERE collection = 'public.broken'`,
    );
    await heard();
    await db.client.query("CALL ruvector_healing_tick()");
    const turned = await db.value<string>(
      "SELECT state FROM ruvector.healing_actions WHERE collection = 'public.broken'",
    );
    expect(["rolling_back", "failed", "rollback_failed"]).toContain(turned);
    expect((await heard()).map(({ kind }) => kind)).toContain(
      `action_${turned === "rollback_failed" ? "rolling_back" : turned}`,
    );
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_events WHERE collection = 'public.broken'
          AND message LIKE 'too many failures in a row%'`,
      ),
    ).toBe(1);
    // After max_retries errors in a row, none here, a collection is passed over for a while.
    await db.value("SELECT ruvector_healing_resume(collection => 'broken')");
    await db.client.query("CALL ruvector_healing_tick()");
    expect(
      await db.value(
        "SELECT state FROM ruvector.healing_actions WHERE collection = 'public.broken'",
      ),
    ).toMatch(/^(failed|rollback_failed)$/);
    expect(
      await db.rows(
        `SELECT success, rolled_back, error_message ~ 'tick failed' AS says
          FROM ruvector.healing_outcomes WHERE collection = 'public.broken'`,
      ),
    ).toEqual([{ success: false, rolled_back: true, says: true }]);
    await heard();
  });

  it("stays under 8000 bytes, whatever a message holds", async () => {
    for (const message of [
      "x".repeat(100_000),
      "\u00e9".repeat(9_000),
      "\u0001".repeat(9_000),
      "\u{1F600}".repeat(5_000),
      '"\\'.repeat(9_000),
    ]) {
      await db.client.query(
        `INSERT INTO ruvector.healing_events (collection, kind, message)
          VALUES ($1, 'state_critical', $2)`,
        [`public."${"\u{1F600}".repeat(15)}"`, message],
      );
    }
    const all = await heard();
    expect(all).toHaveLength(5);
    for (const { message } of all) expect(message.length).toBeGreaterThan(700);
    for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8000);
  });

  it("says nothing of configuration, registration and errors", async () => {
    await db.client.query(
      `INSERT INTO ruvector.healing_events (kind, message)
        VALUES ('action_error', 'secret'), ('configured', 'secret'), ('tick_failed', 'secret')`,
    );
    expect(await heard()).toEqual([]);
  });
});

describe("log lines", () => {
  it(
    "are one for each transition, with the action's number, on one line whatever a table is " +
      "called",
    async () => {
      const lines: string[] = [];
      const client = await db.connect();
      client.on("notice", ({ message }) => void lines.push(message ?? ""));
      // A client may ask for what the server's log gets.
      await client.query("SET client_min_messages = log");
      await makeTable(
        { ...db, client },
        { table: '"forged\nLOG:  ruvector_healing: action_failed"', rows: HOT },
      );
      const about = 'public."forged LOG:  ruvector_healing: action_failed"';
      for (let tick = 0; tick < 4; tick++) await client.query("CALL ruvector_healing_tick()");
      const id = await db.value<string>("SELECT max(id)::text FROM ruvector.healing_actions");
      const own = lines.filter((line) => line.includes("forged"));
      for (const line of own) expect(line).not.toContain("\n");
      for (const state of ["planned", "executing", "stabilizing", "succeeded"]) {
        expect(
          own.filter((line) =>
            line.startsWith(`ruvector_healing: action_${state} (${about}, action ${id}): `),
          ),
          state,
        ).toHaveLength(1);
      }
      expect(
        own.filter((line) => line.startsWith(`ruvector_healing: state_stress (${about}): `)),
      ).toHaveLength(1);
    },
  );
});
