/** ruvector_integrity_gate: what may go ahead in which state. */
import { beforeAll, expect, it } from "vitest";
import { LEVEL, makeTable } from "./support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await makeTable(db, { rows: LEVEL });
});

const decision = (operation: string) =>
  db.value<string>("SELECT ruvector_integrity_gate('embeddings', $1) ->> 'decision'", [operation]);

it("allows everything before the first sample and while the collection is well", async () => {
  expect(await db.value("SELECT ruvector_integrity_gate('embeddings', 'copy')")).toMatchObject({
    decision: "allow",
    state: null,
    reason: "not sampled yet: The loop has never run here.",
  });
  await db.client.query("SELECT ruvector_integrity_sample('embeddings')");
  expect(await Promise.all(["search", "insert", "bulk_insert"].map(decision))).toEqual([
    "allow",
    "allow",
    "allow",
  ]);
});

it("follows state and risk, and lets go when nobody samples any more", async () => {
  await db.client.query("UPDATE ruvector.integrity_state SET state = 1");
  expect(await Promise.all(["search", "insert", "reindex"].map(decision))).toEqual([
    "allow",
    "throttle",
    "defer",
  ]);
  await db.client.query("UPDATE ruvector.integrity_state SET state = 2");
  expect(await Promise.all(["low", "medium", "high"].map(decision))).toEqual([
    "allow",
    "defer",
    "reject",
  ]);
  await db.client.query(
    "UPDATE ruvector.integrity_state SET sampled_at = sampled_at - interval '6 minutes'",
  );
  const asked = () => db.value("SELECT ruvector_integrity_gate('embeddings', 'reindex')");
  expect(await asked()).toMatchObject({
    decision: "allow",
    reason: expect.stringMatching(/too old to go by: The loop has never run here/),
  });
});

it("says of the loop what all say: it runs, comes by the hour, or does not run", async () => {
  const asked = () => db.value("SELECT ruvector_integrity_gate('embeddings', 'reindex')");
  const ticked = (every: number, ago: string) =>
    db.client.query(
      `UPDATE ruvector.healing_ticks SET started_at = clock_timestamp() - $2::interval,
        finished_at = clock_timestamp() - $2::interval, interval_seconds = $1`,
      [every, ago],
    );
  await ticked(5, "1 second");
  expect(await asked()).toMatchObject({
    decision: "allow",
    reason: expect.stringMatching(
      /too old to go by: the loop runs, and has not come to this collection/,
    ),
  });
  await ticked(3600, "1 second");
  expect(await asked()).toMatchObject({ decision: "reject", state: "critical" });
  await ticked(5, "10 minutes");
  expect(await asked()).toMatchObject({
    decision: "allow",
    reason: expect.stringMatching(/too old to go by: The loop does not run: its last tick was at /),
  });
});

it("refuses what it does not know, and says what it knows", async () => {
  for (const [statement, code] of [
    ["SELECT ruvector_integrity_gate('embeddings', 'truncate'' --')", "RV001"],
    ["SELECT ruvector_integrity_gate('embeddings', NULL)", "RV001"],
    ["SELECT ruvector_integrity_gate(NULL, 'insert')", "RV001"],
    ["SELECT ruvector_integrity_gate('nothing', 'insert')", "RV002"],
  ] as const)
    expect(await raised(db.client, statement)).toMatchObject({
      code,
      hint: expect.stringMatching(/\w/),
    });
});
