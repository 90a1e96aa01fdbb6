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
  expect(await db.value("SELECT ruvector_integrity_gate('embeddings', 'copy')")).toMatchObject({ decision: "allow", state: null, reason: "not sampled yet" });
  await db.client.query("SELECT ruvector_integrity_sample('embeddings')");
  expect(await Promise.all(["search", "insert", "bulk_insert"].map(decision))).toEqual(["allow", "allow", "allow"]);
});

it("follows state and risk, and lets go when nobody samples any more", async () => {
  await db.client.query("UPDATE ruvector.integrity_state SET state = 1");
  expect(await Promise.all(["search", "insert", "reindex"].map(decision))).toEqual(["allow", "throttle", "defer"]);
  await db.client.query("UPDATE ruvector.integrity_state SET state = 2");
  expect(await Promise.all(["low", "medium", "high"].map(decision))).toEqual(["allow", "defer", "reject"]);
  await db.client.query("UPDATE ruvector.integrity_state SET sampled_at = sampled_at - interval '6 minutes'");
  expect(await db.value("SELECT ruvector_integrity_gate('embeddings', 'reindex')")).toMatchObject({ decision: "allow", reason: expect.stringContaining("does not run") });
});

it("refuses what it does not know, and says what it knows", async () => {
  for (const [statement, code] of [
    ["SELECT ruvector_integrity_gate('embeddings', 'truncate'' --')", "RV001"],
    ["SELECT ruvector_integrity_gate('embeddings', NULL)", "RV001"],
    ["SELECT ruvector_integrity_gate(NULL, 'insert')", "RV001"],
    ["SELECT ruvector_integrity_gate('nothing', 'insert')", "RV002"],
  ] as const) expect(await raised(db.client, statement)).toMatchObject({ code, hint: expect.stringMatching(/\w/) });
});
