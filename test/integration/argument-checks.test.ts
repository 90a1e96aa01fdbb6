/**
 * What is wrong with an argument is said whatever rows there are: PostgreSQL 15 to 17 ask a
 * function in a condition for each row, and for none where there is none.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
});

const LISTS = [
  "ruvector_healing_history",
  "ruvector_healing_decisions",
  "ruvector_healing_forecasts",
  "ruvector_integrity_history",
];
const NAMED = [
  "ruvector_integrity_history",
  "ruvector_integrity_status",
  "ruvector_healing_list_occupancy",
  "ruvector_healing_config",
  "ruvector_healing_status",
];

const CASES: readonly (readonly [call: string, code: string])[] = [
  ...LISTS.flatMap((name) =>
    [`${name}(since := NULL)`, `${name}(limit_ := NULL)`, `${name}(limit_ := -1)`].map(
      (call) => [call, "RV001"] as const,
    ),
  ),
  ...["NULL", "-1"].map(
    (limit) => [`ruvector_healing_audit_links(limit_ := ${limit})`, "RV001"] as const,
  ),
  // Left out altogether.
  ...["lambda2", "report"].map((name) => [`ruvector_integrity_${name}()`, "RV001"] as const),
  ...["breaker_close", "configure"].map((name) => [`ruvector_healing_${name}()`, "RV001"] as const),
  ["ruvector_healing_grant('postgres')", "RV031"],
  ["ruvector_healing_revoke()", "RV030"],
  ...NAMED.map((name) => [`${name}(collection := 'nope')`, "RV002"] as const),
];

describe("on an empty installation", () => {
  it.each(CASES)("%s: %s", async (call, code) => {
    expect(await raised(db.client, `SELECT * FROM ${call}`)).toMatchObject({ code });
  });
});
