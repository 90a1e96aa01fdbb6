/** An operation that statement_timeout ends while it is in JavaScript: what to type is said. */
import { beforeAll, expect, inject, it } from "vitest";
import { configure, LEVEL, makeTable, QUICK } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false });
  await makeTable(db, { table: "docs", rows: LEVEL });
});

interface Raised {
  readonly code: string;
  readonly hint?: string;
}

/** The first error that says more than PostgreSQL does: where the clock rings is chance. */
async function interrupted(call: string): Promise<Raised | undefined> {
  for (let ms = 10; ms < 200; ms += 10) {
    await db.client.query(`SET statement_timeout = ${ms}`);
    const error = await db.client.query(call).then(
      () => undefined,
      (one: Raised) => one,
    );
    await db.client.query("SET statement_timeout = 0");
    if (error === undefined) continue;
    expect(error.code).toBe("57014");
    if (error.hint !== undefined) return error;
  }
  return undefined;
}

it("is PostgreSQL's own cancel, with a HINT that works", async () => {
  const call = "SELECT ruvector_integrity_sample('docs')";
  const error = await interrupted(call);
  // Nothing may catch what plv8 raises: the code, and PostgreSQL's own words.
  if (inject("language") === "plv8") return;
  expect(error).toMatchObject({
    hint: "SET statement_timeout = 0;  and call it again.",
    detail: expect.stringContaining("Operation sample was interrupted"),
  });
  for (const typed of [error!.hint!.split(";")[0]!, call]) await db.client.query(typed);
});
