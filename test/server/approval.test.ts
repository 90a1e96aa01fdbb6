/** Several people, and the loop, at one waiting action at the same time. */
import { beforeAll, describe, expect, it } from "vitest";
import { checksum, configure, HOT, makeTable, QUICK } from "./support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, {
    ...QUICK,
    slice_seconds: 60,
    mode: "approve",
    strategy_modes: { throttle_ingestion: "off" },
    learning_enabled: false,
  });
});

interface Answer {
  readonly outcome: string;
  readonly state: string;
  readonly already?: boolean;
  readonly reason?: string;
  readonly action_id: number;
  readonly replaces?: number;
}

async function waiting(table: string): Promise<number> {
  // What a test before approved is still planned where the approval won: left so, four of them are
  // max_active_actions, and nothing begins any more.
  await db.client.query(
    "SELECT ruvector_healing_abort(id) FROM ruvector.healing_actions WHERE finished_at IS NULL",
  );
  await db.client.query("DELETE FROM ruvector.collections");
  await makeTable(db, { table, rows: HOT });
  const answer = await db.value<Answer>("SELECT ruvector_healing_trigger($1)", [table]);
  expect(answer).toMatchObject({ outcome: "awaiting_approval" });
  return answer.action_id;
}

const sessions = (count: number) => Promise.all(Array.from({ length: count }, () => db.connect()));
type Client = Awaited<ReturnType<typeof db.connect>>;
const ask = async (
  client: Client,
  name: string,
  id: number,
): Promise<Answer | { code: string }> => {
  try {
    // Whoever finds the collection busy for five seconds is told so, and asks again.
    for (;;) {
      const answer = (await client.query(`SELECT ruvector_healing_${name}($1) AS a`, [id])).rows[0]
        .a as Answer;
      if (answer.reason !== "collection_busy") return answer;
    }
  } catch (error) {
    return { code: (error as { code: string }).code };
  }
};
const events = (id: number, kind: string) =>
  db.value<number>(
    "SELECT count(*)::int FROM ruvector.healing_events WHERE action_id = $1 AND kind = $2",
    [id, kind],
  );
const state = (id: number) =>
  db.value<string>("SELECT state FROM ruvector.healing_actions WHERE id = $1", [id]);

describe("at once", () => {
  it("five approvers: one approves, the others are told that it was done", async () => {
    const id = await waiting("many");
    const answers = (await Promise.all(
      (await sessions(5)).map((client) => ask(client, "approve", id)),
    )) as Answer[];
    expect(answers.map(({ outcome }) => outcome)).toEqual(Array(5).fill("started"));
    expect(answers.filter(({ already }) => already !== true)).toHaveLength(1);
    expect(await events(id, "action_planned")).toBe(1);
  });

  it("approve against abort, against reject: one of them wins, and both say what is", async () => {
    for (const other of ["abort", "reject"]) {
      for (let round = 0; round < 3; round++) {
        const id = await waiting(`against_${other}_${round}`);
        const before = await checksum(db, `against_${other}_${round}`);
        const [one, two] = await sessions(2);
        const [approved, stopped] = await Promise.all([
          ask(one!, "approve", id),
          ask(two!, other, id),
        ]);
        if ("code" in approved) {
          expect([approved.code, "state" in stopped && stopped.state]).toEqual([
            "RV007",
            "aborted",
          ]);
          expect(await state(id)).toBe("aborted");
        } else {
          expect(approved.outcome).toBe("started");
          // An abort after the approval stops it all the same; a rejection comes too late for that,
          // and says what would.
          expect(
            other === "abort"
              ? "state" in stopped && stopped.state
              : "code" in stopped && stopped.code,
          ).toBe(other === "abort" ? "aborted" : "RV007");
          expect(await state(id)).toBe(other === "abort" ? "aborted" : "planned");
        }
        expect(await checksum(db, `against_${other}_${round}`)).toEqual(before);
      }
    }
  });

  it(
    "two approvers of a state that moved: one new action asks, and whoever is second is told " +
      "its number",
    async () => {
      const id = await waiting("moving");
      await db.client.query(
        `INSERT INTO moving SELECT g, 3, 'more', embedding
        FROM generate_series(100001, 103000) g, (SELECT embedding FROM moving LIMIT 1) e`,
      );
      const answers = (await Promise.all(
        (await sessions(2)).map((client) => ask(client, "approve", id)),
      )) as Answer[];
      expect(answers.map(({ outcome }) => outcome).sort()).toEqual([
        "awaiting_approval",
        "deferred",
      ]);
      const asks = answers.find(({ outcome }) => outcome === "awaiting_approval")!;
      expect(answers.find(({ outcome }) => outcome === "deferred")).toMatchObject({
        reason: "expired",
        replaced_by: asks.action_id,
      });
      expect(
        await db.value(
          "SELECT count(*)::int FROM ruvector.healing_actions WHERE collection = 'public.moving'",
        ),
      ).toBe(2);
    },
  );
});

describe("while the loop runs", () => {
  it("approved in the middle of ticks: it begins once, and is carried out", async () => {
    const id = await waiting("ticking");
    const before = await checksum(db, "ticking");
    const [ticker, person] = await sessions(2);
    let on = true;
    const ticks = (async () => {
      while (on) await ticker!.query("CALL ruvector_healing_tick()");
    })();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await ask(person!, "approve", id)).toMatchObject({ outcome: "started" });
    for (let turn = 0; turn < 300 && (await state(id)) !== "succeeded"; turn++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    on = false;
    await ticks;
    expect(await state(id)).toBe("succeeded");
    expect(await events(id, "action_executing")).toBe(1);
    expect(await checksum(db, "ticking")).toEqual(before);
    expect(await db.value("SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
  });

  it("approved in a transaction that is rolled back: it was not", async () => {
    const id = await waiting("undecided");
    const [person] = await sessions(1);
    await person!.query("BEGIN");
    expect(await ask(person!, "approve", id)).toMatchObject({ outcome: "started" });
    await person!.query("ROLLBACK");
    expect(await state(id)).toBe("awaiting_approval");
  });

  it("from a snapshot older than another session's rejection: an error, no approval", async () => {
    const id = await waiting("old_view");
    const [person] = await sessions(1);
    await person!.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await person!.query("SELECT count(*) FROM ruvector.healing_actions");
    await db.client.query("SELECT ruvector_healing_reject($1)", [id]);
    expect(await raised(person!, "SELECT ruvector_healing_approve($1)", [id])).toMatchObject({
      code: "40001",
    });
    await person!.query("ROLLBACK");
    expect(await state(id)).toBe("aborted");
  });
});
