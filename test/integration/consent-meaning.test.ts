/**
 * What the catalogue or the registration itself says against consent, on tables that
 * test/server/consent-conditions.test.ts cannot have.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, makeTable } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await configure(db, {
    ...IN_ONE_GO,
    learning_enabled: false,
    breaker_failures: 1000,
    strategy_retry_seconds: 0,
    max_active_actions: 1000,
  });
});

interface Registered {
  readonly limitations: readonly { readonly strategy: string; readonly reason: string }[];
}

/** Why its rows are not moved; empty: they are. */
async function reasons(table: string, options: object = {}): Promise<string> {
  const { limitations } = await db.value<Registered>("SELECT ruvector_healing_register($1, $2)", [
    table,
    JSON.stringify({ movable: true, ...options }),
  ]);
  return limitations
    .filter(({ strategy }) => strategy === "rebalance_partitions")
    .map(({ reason }) => reason)
    .join("; ");
}

describe("a partition key", () => {
  const ICU =
    "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = ";
  it.each([
    ["numeric", "", true],
    ["numeric(6,2)", "", false],
    ["interval", "", true],
    ["float8", "", true],
    ["text", "", false],
    ["text COLLATE blind", `${ICU}false)`, true],
    ["char(4)", "", false],
    ["mood", "CREATE TYPE mood AS ENUM ('1', '2', '3')", false],
    ["uuid", "", false],
  ])("of type %s", async (type, make, alike) => {
    if (make !== "") await db.client.query(make);
    const value = (n: number) =>
      type === "uuid" ? `'0000000${n}-0000-0000-0000-000000000000'` : `'${n}'`;
    await db.client.query(`
      DROP TABLE IF EXISTS typed;
      CREATE TABLE typed (k ${type}, id int, v vector(2), PRIMARY KEY (k, id))
        PARTITION BY LIST (k);
      CREATE TABLE typed_1 PARTITION OF typed FOR VALUES IN (${value(1)});
      CREATE TABLE typed_2 PARTITION OF typed FOR VALUES IN (${value(2)})`);
    expect(await reasons("typed")).toBe(
      alike ? "values of the partition column can be equal and written differently: k" : "",
    );
  });
});

describe("a registration", () => {
  it("does not consent to what it says otherwise", async () => {
    await makeTable(db, { table: "said", rows: HOT, register: false });
    expect(await reasons("said")).toBe("");
    expect(await reasons("said", { tenant_column: "partition_id" })).toMatch(
      /partition_id says whose a row is: it is the tenant column/,
    );
    expect(await reasons("said", { access_column: "partition_id" })).toMatch(
      /partition_id is the access_column/,
    );
    expect(await reasons("said", { searches: [{ where: { partition_id: 3 }, k: 5 }] })).toMatch(
      /searches that were named at registration filter by the partition column/,
    );
    expect(await reasons("said", { searches: [{ where: { payload: "a" }, k: 5 }] })).toBe("");
    await db.client.query("ALTER TABLE said RENAME partition_id TO tenant_id");
    expect(await reasons("said")).toMatch(/tenant_id says whose a row is/);
    expect(
      await db.value(
        "SELECT ruvector_healing_execute('said', 'rebalance_partitions') ->> 'reason'",
      ),
    ).toBe("not_applicable");
    expect(await db.value("SELECT count(*)::int FROM said WHERE tenant_id = 3")).toBe(HOT[3]);
  });
});

describe("constraints that are NOT ENFORCED", () => {
  it("say what leads where all the same", async (context) => {
    if ((await db.value<number>("SELECT current_setting('server_version_num')::int")) < 180000)
      return context.skip();
    await makeTable(db, { table: "aimed", rows: HOT, register: false });
    await db.client.query(`
      ALTER TABLE aimed ADD COLUMN document int;
      CREATE TABLE places (p int PRIMARY KEY);
      ALTER TABLE aimed ADD CONSTRAINT of_document FOREIGN KEY (document) REFERENCES places
        NOT ENFORCED`);
    expect(await reasons("aimed")).toBe("");
    await db.client.query(
      "ALTER TABLE aimed ADD CONSTRAINT at FOREIGN KEY (partition_id) REFERENCES places NOT " +
        "ENFORCED",
    );
    expect(await reasons("aimed")).toMatch(/the table has foreign keys: at to/);
    await db.client.query(`
      ALTER TABLE aimed DROP CONSTRAINT at;
      CREATE TABLE aims (p int, i bigint, CONSTRAINT hits FOREIGN KEY (p, i) REFERENCES aimed
        NOT ENFORCED)`);
    expect(await reasons("aimed")).toMatch(/foreign keys point at the table: hits of/);
    await db.client.query(`
      DROP TABLE aims;
      ALTER TABLE aimed ADD CONSTRAINT computed CHECK (partition_id = id % 8) NOT ENFORCED`);
    expect(await reasons("aimed")).toMatch(/constraints say.*computed on/);
    return undefined;
  });
});
