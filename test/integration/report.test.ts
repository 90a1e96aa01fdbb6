/** What happened since a time, in words and as JSON, against what the tables and tests know. */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, makeTable, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

interface Report {
  readonly all_kept: boolean;
  readonly sensed: readonly Record<string, unknown>[];
  readonly actions: readonly Record<string, unknown>[];
  readonly totals: Record<string, number>;
  readonly foreseen: readonly Record<string, unknown>[];
  readonly events: readonly { readonly kind: string; readonly message: string }[];
}

const lines = async (argument = "'7 days'"): Promise<string> =>
  (
    await db.rows<{ line: string }>(
      `SELECT line FROM ruvector_healing_report(${argument}) WITH ORDINALITY r(line, n) ORDER BY n`,
    )
  )
    .map(({ line }) => line)
    .join("\n");
const report = (argument = "'7 days'"): Promise<Report> =>
  db.value<Report>(`SELECT ruvector_healing_report(${argument}, 'json')::jsonb`);

/** Joined again where they were wrapped. */
const flat = (text: string): string => text.replace(/\s+/g, " ");

beforeAll(async () => {
  db = await testDatabase();
});

describe("a day of the loop", () => {
  beforeAll(async () => {
    await configure(db, { ...IN_ONE_GO, mode: "observe" });
    await makeTable(db, { table: "docs", rows: HOT });
    await makeTable(db, { table: "watched", rows: HOT });
    await ticks(db, 2);
    await db.client.query(`SELECT ruvector_healing_configure('{"mode": "auto"}', 'docs')`);
    await ticks(db, 5);
  });

  it("says what was sensed, done, what it cost, and what a person would have done", async () => {
    const { rows, wal } = (
      await db.rows<{ rows: string; wal: string }>(
        "SELECT sum(rows) AS rows, sum(wal_bytes) AS wal FROM ruvector.healing_steps",
      )
    )[0]!;
    expect(Number(rows)).toBeGreaterThan(100);
    const found = await report();
    expect(new Set(found.sensed.map(({ collection }) => collection))).toEqual(
      new Set(["public.docs", "public.watched"]),
    );
    expect(found.totals).toMatchObject({
      actions: 1,
      succeeded: 1,
      undone: 0,
      rows: Number(rows),
      wal_bytes: Number(wal),
    });
    expect(found.actions).toMatchObject([
      { strategy: "rebalance_partitions", state: "succeeded", rows: Number(rows), verified: true },
    ]);
    expect(found.foreseen).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ collection: "public.watched", mode: "observe", open: true }),
      ]),
    );
    const text = flat(await lines());
    expect(text).toMatch(/public\.docs: below its thresholds for .* lambda down to 0\.\d+/);
    expect(text).toMatch(
      /rebalance_partitions on public\.docs: helped, lambda 0\.\d+ -> 1, verified/,
    );
    expect(text).toMatch(/pick the rows, move [\d,]+ of them in \d+ transactions/);
    expect(text).toContain("public.watched: rebalance_partitions would have begun (mode observe)");
    expect(text).toContain("FOR UPDATE on at most");
  });

  it("says what was undone, and how many rows went back", async () => {
    await db.client.query("SELECT ruvector_healing_rollback('docs')");
    await ticks(db, 1);
    const [action] = (await report()).actions;
    expect(action).toMatchObject({ state: "rolled_back", rows_undone: action!["rows"] });
    const text = flat(await lines());
    expect(text).toContain("What was undone or came to nothing");
    expect(text).toMatch(/action \d+, rebalance_partitions on public\.docs: rolled back/);
    expect(text).toMatch(/then see that it did not stay, and take it back/);
    expect(text).not.toContain("What was done");
    // It is well no more.
    expect(text).not.toContain("Well again");
  });

  it("keeps to 100 columns, and to what a screen may be given", async () => {
    await db.client.query(
      "INSERT INTO ruvector.healing_events (kind, message) VALUES ('table_missing', $1)",
      [`\u001b[31m${"x".repeat(250)}\u202e ${"word ".repeat(60)}`],
    );
    const text = await lines();
    for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(100);
    expect(text).toContain("?[31mx");
    expect(text).not.toMatch(/[\u001b\u202e]/);
  });

  it("takes a time, an interval and nothing; what lies before it is left out", async () => {
    for (const argument of ["'yesterday'", "interval '1 hour'", "now() - interval '1 hour'"])
      expect((await report(argument)).actions, argument).toHaveLength(1);
    expect(
      await db.value("SELECT count(*)::int FROM ruvector_healing_report() r WHERE r ~ '^What'"),
    ).toBeGreaterThan(4);
    expect((await report("'-infinity'")).all_kept).toBe(true);
    const after = await report("now() - interval '1 microsecond'");
    expect([after.actions, after.events]).toEqual([[], []]);
  });

  it("holds nothing back of a collection that is well; no work where none was", async () => {
    await makeTable(db, { table: "well", rows: [150, 150, 150, 150] });
    await makeTable(db, { table: "limited", rows: HOT });
    await db.client.query(
      `SELECT ruvector_healing_configure('{"mode": "approve", "max_rows_per_hour": 0}', 'limited')`,
    );
    await db.client.query(`SELECT ruvector_healing_configure('{"mode": "auto"}', 'well')`);
    await ticks(db, 3);
    expect(await db.value("SELECT ruvector_healing_trigger('well')")).toMatchObject({
      reason: "healthy",
    });
    const waits = "SELECT id FROM ruvector.healing_actions WHERE state = 'awaiting_approval'";
    await db.client.query(
      `SELECT ruvector_healing_configure('{"max_rows_per_hour": null}', 'limited')`,
    );
    await ticks(db, 2);
    await db.client.query(
      `SELECT ruvector_healing_configure('{"max_rows_per_hour": 0}', 'limited')`,
    );
    await db.client.query(`SELECT ruvector_healing_approve((${waits}))`);
    await ticks(db, 2);
    const found = await report();
    expect(found.actions.find(({ collection }) => collection === "public.limited")).toMatchObject({
      state: "aborted",
      rows: 0,
      by_hand: null,
    });
    const text = flat(await lines());
    expect(text).not.toContain("public.well: healthy");
    expect(text).not.toContain("move 0 of them");
    for (const table of ["well", "limited"])
      await db.client.query("SELECT ruvector_healing_unregister($1)", [table]);
  });

  it("says of what was never looked at that it was not", async () => {
    await makeTable(db, { table: "unseen", rows: [10, 10] });
    const text = flat(await lines());
    expect(text).toContain("public.unseen: lambda was not measured. Now unknown.");
    await db.client.query("SELECT ruvector_healing_unregister('unseen')");
  });

  it("counts no rows where none were moved: a throttle that was ended", async () => {
    await makeTable(db, { table: "held", rows: HOT });
    await db.client.query(
      "SELECT ruvector_healing_execute('held', 'throttle_ingestion', '{\"percent\": 50}')",
    );
    await db.client.query("SELECT ruvector_healing_rollback('held')");
    const found = await report();
    expect(found.actions.find(({ collection }) => collection === "public.held")).toMatchObject({
      strategy: "throttle_ingestion",
      state: "rolled_back",
      rows_undone: 0,
    });
    expect(found.totals["rows_undone"]).toBe(found.totals["rows"]);
    await ticks(db, 1);
    await db.client.query("SELECT ruvector_healing_unregister('held')");
  });
});

describe("what is no time", () => {
  it.each([
    ["NULL", "Got NULL."],
    ["NULL::timestamptz", "Got NULL."],
    ["NULL::interval", "Got NULL."],
    ["'90 apples'", "Got '90 apples'."],
    ["'999999999 years'", "Got '999999999 years'."],
    ["'-3 days'", "Got '-3 days'"],
    ["'0 s'", "Got '0 s'"],
    ["'tomorrow'", "now it is"],
    ["now() + interval '1 hour'", "now it is"],
    ["'7 days', 'yaml'", "Got 'yaml'."],
    ["'7 days', NULL", "Got NULL."],
  ])("%s", async (argument, detail) => {
    const error = await raised(db.client, `SELECT ruvector_healing_report(${argument})`);
    expect(error).toMatchObject({ code: "RV001", detail: expect.stringContaining(detail) });
    // What the HINT says can be typed.
    const typed = /SELECT [^;]*;/.exec(error.hint ?? "")?.[0];
    if (typed !== undefined) expect((await db.rows(typed)).length).toBeGreaterThan(0);
    else expect(error.hint).toContain("now()");
  });
});
