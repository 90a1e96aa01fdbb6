/**
 * Rows move only where the owner said so: by registration, or by a DEFAULT that asks
 * ruvector_healing_route() for this very table.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, makeTable } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await configure(db, IN_ONE_GO);
});

interface Registered {
  readonly collection_id: number;
  readonly limitations: readonly { readonly strategy: string; readonly reason: string }[];
}

const register = (table: string, options: object = {}) =>
  db.value<Registered>("SELECT ruvector_healing_register($1, $2)", [
    table,
    JSON.stringify(options),
  ]);

/** Whether rows of it may move, as registration answers and as a plan is refused or made. */
async function movable(table: string, options: object = {}): Promise<boolean> {
  const { limitations } = await register(table, options);
  const planned = await db.value<{ outcome: string; message?: string }>(
    "SELECT ruvector_healing_execute($1, 'rebalance_partitions', '{\"dry_run\": true}')",
    [table],
  );
  const without = limitations.find(({ strategy }) => strategy === "rebalance_partitions");
  expect(planned.outcome).toBe(without ? "deferred" : "dry_run");
  if (without) expect(without.reason).toMatch(/nobody said|movable = false/);
  return !without;
}

const setDefault = (table: string, expression: string) =>
  db.client.query(`ALTER TABLE ${table} ALTER partition_id SET DEFAULT ${expression}`);

describe("consent to move rows", () => {
  it("is not a column's name", async () => {
    await makeTable(db, { table: "named", rows: HOT, register: false });
    expect(await movable("named")).toBe(false);
    expect(await movable("named", { movable: true })).toBe(true);
    expect(await movable("named", { movable: false })).toBe(false);
  });

  it.each([
    "ruvector_healing_route('routed')::int",
    "ruvector_healing_route('public.routed')::int::smallint::int",
    "(ruvector_healing_route('\"routed\"', NULL))::int",
    "ruvector_healing_route(collection => 'routed', key => gen_random_uuid()::text)::int",
  ])("is a DEFAULT %s, unless registration says no", async (expression) => {
    await db.client.query("DROP TABLE IF EXISTS routed");
    await makeTable(db, { table: "routed", rows: HOT, register: false });
    await setDefault("routed", expression);
    expect(await movable("routed")).toBe(true);
    expect(await movable("routed", { movable: false })).toBe(false);
    expect(await movable("routed")).toBe(true);
  });

  it("ends with the DEFAULT, also without a new registration", async () => {
    await db.client.query("ALTER TABLE routed ALTER partition_id DROP DEFAULT");
    const refused = await db.value<{ reason: string; message: string; hint: string }>(
      "SELECT ruvector_healing_execute('routed', 'rebalance_partitions')",
    );
    expect(refused).toMatchObject({
      reason: "not_applicable",
      message: expect.stringMatching(/nobody said/),
      hint: expect.stringContaining("'{\"movable\": true}'"),
    });
    await setDefault("routed", "ruvector_healing_route('routed')::int");
    expect(
      await db.value(
        "SELECT ruvector_healing_execute('routed', 'rebalance_partitions', '{\"dry_run\": " +
          "true}') ->> 'outcome'",
      ),
    ).toBe("dry_run");
  });

  it.each([
    ["another table's", "ruvector_healing_route('named')::int"],
    ["one of several calls", "coalesce(ruvector_healing_route('unrouted')::int, 3)"],
    ["computed from it", "ruvector_healing_route('unrouted')::int + 0"],
    [
      "a function of that name, made by somebody else",
      "other.ruvector_healing_route('unrouted')::int",
    ],
    ["an overload of that name", "public.ruvector_healing_route('unrouted', 1)::int"],
    ["a text", "length('public.ruvector_healing_route(''unrouted''::text)')"],
    ["a constant", "3"],
  ])("is not a DEFAULT that is %s", async (_, expression) => {
    await db.client.query(`
      DROP TABLE IF EXISTS unrouted; CREATE SCHEMA IF NOT EXISTS other;
      CREATE OR REPLACE FUNCTION other.ruvector_healing_route(collection text,
        key text DEFAULT NULL) RETURNS text LANGUAGE sql AS 'SELECT ''1''';
      CREATE OR REPLACE FUNCTION public.ruvector_healing_route(collection text,
        key int) RETURNS text LANGUAGE sql AS 'SELECT ''1'''`);
    await makeTable(db, { table: "unrouted", rows: HOT, register: false });
    await setDefault("unrouted", expression);
    expect(await movable("unrouted")).toBe(false);
    await db.client.query("DROP FUNCTION public.ruvector_healing_route(text, int) CASCADE");
  });

  it("does not come with an installation that took the name for consent", async () => {
    await makeTable(db, { table: "old", rows: HOT, register: false });
    const { collection_id } = await register("old", { movable: true });
    // As it was kept before: no limitation, no option.
    await db.client.query(
      "UPDATE ruvector.collections SET options = '{}' WHERE collection_id = $1",
      [collection_id],
    );
    expect(
      await db.value(
        "SELECT ruvector_healing_execute('old', 'rebalance_partitions') ->> 'message'",
      ),
    ).toMatch(/nobody said/);
  });
});
