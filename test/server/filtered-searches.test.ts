/**
 * Searches with filters that the owner named: told as rows returned and recall among the rows that
 * match, as a user's query gets them, and found again by an iterative scan.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, QUICK, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
const ROWS = 2000;

interface Search {
  readonly search: string;
  readonly indexes: readonly string[];
  readonly recall: number | null;
  readonly returned: number | null;
  readonly asked: number | null;
  readonly matches: number;
  readonly settings: Readonly<Record<string, string>>;
}
interface Sampled {
  readonly lambda: number;
  readonly metrics: { readonly filtered_searches?: readonly Search[] };
  readonly unmeasured: readonly { what: string; why: string; hint: string }[];
}

const sample = (table: string) =>
  db.value<Sampled>("SELECT ruvector_integrity_sample($1)", [table]);
const register = (table: string, searches: unknown, others: object = {}) =>
  db.value("SELECT ruvector_healing_register($1, $2)", [
    table,
    JSON.stringify({ searches, ...others }),
  ]);
const refused = (table: string, searches: unknown) =>
  raised(db.client, "SELECT ruvector_healing_register($1, $2)", [
    table,
    JSON.stringify({ searches }),
  ]);
/** A row a page: to read the whole table costs more than a search by its index. */
const makeTable = (table: string, columns: string, values: string) =>
  db.client.query(`
    CREATE TABLE ${table} (id int PRIMARY KEY, e vector(8) NOT NULL, pad text, ${columns})
      WITH (fillfactor = 10);
    INSERT INTO ${table} SELECT g, (SELECT array_agg((hashint8extended(g * 64 + d, 7)
        & 1023)::real) FROM generate_series(1, 8) d)::vector, repeat('x', 700), ${values}
      FROM generate_series(1, ${ROWS}) g;
    CREATE INDEX ${table}_e ON ${table} USING hnsw (e vector_l2_ops);
    ANALYZE ${table}`);
const settings = () =>
  db.rows(
    "SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase " +
      "WHERE d.datname = current_database()",
  );

beforeAll(async () => {
  db = await testDatabase();
  // The least that shows it: no trials, 20 searches each.
  const cheap = { recall_budget_ms: 60_000, recall_trial_ms: 0, recall_error: 0 };
  await configure(db, { ...QUICK, ...cheap, enabled: false });
  await makeTable("docs", `tenant_id int, status text, "Odd ""name" text`, "g % 50, 'z', 'it''s'");
});

describe("a filter that few of the nearest rows pass", () => {
  it("is told as rows returned of those there are, and lowers its index", async () => {
    await register("docs", []);
    expect((await sample("docs")).lambda).toBe(1);
    await register("docs", [{ where: { tenant_id: 7 } }]);
    const { lambda, metrics } = await sample("docs");
    const [found] = metrics.filtered_searches!;
    expect(found).toMatchObject({
      search: "tenant_id = 7",
      indexes: ["public.docs_e"],
      matches: ROWS / 50,
      asked: 10,
      settings: { "hnsw.iterative_scan": "off", "hnsw.ef_search": "40" },
    });
    expect(found!.returned).toBeLessThan(4);
    expect(found!.recall).toBeCloseTo(found!.returned! / 10, 1);
    expect(lambda).toBeLessThan(0.5);
    const { problem } = await db.value<{ problem: { class: string; summary: string } }>(
      "SELECT ruvector_healing_trigger('docs')",
    );
    expect(problem.class).toBe("recall_loss");
    expect(problem.summary).toMatch(
      /^Searches WHERE tenant_id = 7 return \d(\.\d)? of 10 rows by public\.docs_e \(hnsw\.ef_/,
    );
  });

  it("is exactly what a statement of the owner's gets", async () => {
    const { metrics } = await sample("docs");
    // The rows that are searched for, and each one's own search, by hand.
    const { returned } = (
      await db.rows<{ returned: number }>(`
      SELECT avg(n.rows)::float8 AS returned FROM (SELECT id, e FROM docs WHERE tenant_id = 7
             ORDER BY hashtext(ctid::text || (SELECT collection_id::text FROM ruvector.collections
               WHERE table_name = 'docs')) LIMIT 20) q
        CROSS JOIN LATERAL (SELECT count(*) AS rows FROM (SELECT id FROM docs d
          WHERE tenant_id = 7 ORDER BY d.e <-> q.e LIMIT 11) f WHERE f.id <> q.id) n`)
    )[0]!;
    expect(metrics.filtered_searches![0]!.returned).toBeCloseTo(returned, 6);
  });

  it("ruvector_healing_recall() has it after the indexes", async () => {
    const rows = await db.rows<{ index: string; k_: number; rows: number; note: string }>(
      "SELECT * FROM ruvector_healing_recall('docs')",
    );
    expect(rows[0]!.note).toBeNull();
    expect(rows[1]).toMatchObject({ index: "public.docs_e", k_: 10, rows: ROWS / 50 });
    expect(rows[1]!.note).toMatch(
      /^where \{"tenant_id": 7\}: \d\.\d of 10\.0 rows returned; hnsw\.ef_search 40, hnsw\.iter/,
    );
  });

  it("the scan goes on until there are enough: in strict order, set and taken back", async () => {
    expect(await settings()).toEqual([]);
    await configure(db, { enabled: true });
    const answer = await db.value<{ action_id: number; message: string }>(
      "SELECT ruvector_healing_execute('docs', 'tune_search')",
    );
    expect(answer.action_id, answer.message).not.toBeNull();
    for (let turn = 0; turn < 20; turn++) {
      await ticks(db, 1);
      const state = await db.value<string>(
        "SELECT state FROM ruvector.healing_actions WHERE id = $1",
        [answer.action_id],
      );
      if (state === "succeeded") break;
    }
    expect(await settings()).toEqual([{ setconfig: ["hnsw.iterative_scan=strict_order"] }]);
    const { lambda, metrics } = await sample("docs");
    expect(lambda).toBe(1);
    expect(metrics.filtered_searches![0]).toMatchObject({ returned: 10, asked: 10 });
    await db.client.query("SELECT ruvector_healing_rollback('docs')");
    await ticks(db, 2);
    expect(await settings()).toEqual([]);
    expect((await sample("docs")).lambda).toBeLessThan(0.5);
  });

  it("relaxed order is set where somebody asks for it, and says what it means", async () => {
    const { plan } = await db.value<{ plan: { value: string; locks: string[] } }>(
      `SELECT ruvector_healing_execute('docs', 'tune_search',
        '{"iterative_scan": "relaxed_order", "dry_run": true}')`,
    );
    expect(plan.value).toBe("relaxed_order");
    expect(plan.locks.at(-1)).toContain("out of the order of its ORDER BY");
  });

  it("a search that is named no more is no reason to keep what was set for it", async () => {
    await db.client.query("SELECT ruvector_healing_execute('docs', 'tune_search')");
    await ticks(db, 2);
    expect(await settings()).toHaveLength(1);
    await register("docs", [{ where: { tenant_id: 8 } }]);
    await configure(db, { tune_recheck_seconds: 0 });
    await ticks(db, 2);
    expect(
      await db.value("SELECT end_reason FROM ruvector.healing_leases ORDER BY id DESC LIMIT 1"),
    ).toBe("not needed any more: hnsw.iterative_scan = off finds what is due");
    await configure(db, { enabled: false, tune_recheck_seconds: 21_600 });
  });

  it("where the planner takes an index on the column, there is nothing wrong", async () => {
    await db.client.query("CREATE INDEX docs_tenant ON docs (tenant_id); ANALYZE docs");
    const { lambda, metrics } = await sample("docs");
    expect(lambda).toBe(1);
    expect(metrics.filtered_searches![0]).toMatchObject({ indexes: [], recall: 1, returned: 10 });
    await db.client.query("DROP INDEX docs_tenant");
    await db.client.query(
      "CREATE INDEX docs_8 ON docs USING hnsw (e vector_l2_ops) WHERE tenant_id = 8",
    );
    expect((await sample("docs")).metrics.filtered_searches![0]!.indexes).toEqual([
      "public.docs_8",
    ]);
    await db.client.query("DROP INDEX docs_8");
  });
});

describe("what a search is given as", () => {
  it("names and values of any kind, null among them", async () => {
    await register("docs", [
      { where: { 'Odd "name': "it's" }, k: 3 },
      { where: { status: ["z", null, "'; DROP TABLE docs; --"], tenant_id: "7" } },
      { where: { status: null } },
    ]);
    const { metrics, unmeasured } = await sample("docs");
    expect(metrics.filtered_searches!.map(({ search, matches }) => [search, matches])).toEqual([
      [`"Odd ""name" = 'it''s'`, ROWS],
      [
        "(status IN ('z', '''; DROP TABLE docs; --') OR status IS NULL) AND tenant_id = '7'",
        ROWS / 50,
      ],
      ["status IS NULL", 0],
    ]);
    expect(metrics.filtered_searches![2]).toMatchObject({ recall: null, returned: null });
    expect(unmeasured.filter(({ what }) => what.startsWith("searches"))).toEqual([]);
  });

  it.each([
    [[{ where: { tenant: 7 } }], 'no column "tenant"', "tenant_id, status"],
    [[{ where: { tenant_id: "seven" } }], '"seven" is no value of column "tenant_id"', "or null"],
    [[{ where: { tenant_id: 9007199254740992 } }], "more digits than are kept", "in quotes"],
    [[{ where: { tenant_id: 1e300 } }], "more digits than are kept", "in quotes"],
    [[{ where: { tenant_id: { a: 1 } } }], "is no value", "or a list"],
    [[{ where: { tenant_id: [[1]] } }], "is no value", "or a list"],
    [[{ where: { tenant_id: [] } }], "must have 1 to 100 values", "For example"],
    [[{ where: { status: "x".repeat(1001) } }], "longer than 1000", "shorter"],
    [[{ where: {} }], "must name 1 to 8 columns", "For example"],
    [[{ where: "tenant_id = 7" }], 'key "where" has a bad value', "where, k"],
    [[{ wher: { tenant_id: 7 } }], 'no key "wher"', 'mean "where"'],
    [[{ where: { tenant_id: 7 }, k: 0 }], 'key "k" has a bad value', "where, k"],
    [[7], "must be a JSON object", "where, k"],
    ["tenant_id = 7", 'key "searches" has a bad value', "Known keys"],
    [Array.from({ length: 17 }, () => ({ where: { id: 1 } })), "more than 16", "For example"],
  ])("what cannot be one is refused, with what to give (%#)", async (searches, message, hint) => {
    const error = await refused("docs", searches);
    expect(error).toMatchObject({ code: "RV001" });
    expect(error!.message).toContain(message);
    expect(error!.hint).toContain(hint);
  });

  it("a type without =, and one that is made of others", async () => {
    await db.client.query(`
      CREATE TYPE pair AS (a int, b int);
      CREATE DOMAIN never AS int CHECK (VALUE <> 3);
      CREATE TYPE mood AS ENUM ('sad', 'ok');`);
    await makeTable(
      "kinds",
      "j json, p pair, n never, m mood, a int[]",
      "'{}', NULL, 1, 'ok', '{1}'",
    );
    for (const where of [{ j: "{}" }, { p: "(1,2)" }])
      expect(await refused("kinds", [{ where }])).toMatchObject({
        code: "RV001",
        message: expect.stringContaining("cannot be compared in a search"),
      });
    // A domain's CHECK is not asked: it is its owner's code.
    await register("kinds", [{ where: { n: 3 } }, { where: { m: "ok" } }, { where: { a: "{1}" } }]);
    expect(
      (await sample("kinds")).metrics.filtered_searches!.map(({ matches }) => matches),
    ).toEqual([0, ROWS, ROWS]);
    expect(await refused("kinds", [{ where: { m: "glad" } }])).toMatchObject({
      message: expect.stringContaining('"glad" is no value'),
    });
  });

  it("a type whose values have a length: none of them is cut to one character", async () => {
    await db.client.query("CREATE DOMAIN country AS char(2)");
    await makeTable(
      "sized",
      "c char(2), d country, b bit(4), a char(2)[]",
      "'de', 'de', B'1010', '{de}'",
    );
    await register("sized", [
      { where: { c: "de" } },
      { where: { d: ["fr", "de"] } },
      { where: { b: "1010" } },
      { where: { a: "{de}" } },
    ]);
    expect(
      (await sample("sized")).metrics.filtered_searches!.map(({ matches }) => matches),
    ).toEqual([ROWS, ROWS, ROWS, ROWS]);
    await db.client.query("SELECT ruvector_healing_unregister('sized')");
    await db.client.query("DROP TABLE sized; DROP DOMAIN country");
  });

  it("an operator = that is code of somebody who is not trusted is not run", async () => {
    await db.client.query(`
      CREATE ROLE ruvector_test_mallory;
      CREATE FUNCTION mood_eq(mood, mood) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
      CREATE FUNCTION mood_cmp(mood, mood) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
      CREATE OPERATOR = (LEFTARG = mood, RIGHTARG = mood, FUNCTION = mood_eq);
      CREATE OPERATOR CLASS mood_ops DEFAULT FOR TYPE mood USING btree
        AS OPERATOR 3 =, FUNCTION 1 mood_cmp(mood, mood)`);
    // As the type has it: all are equal.
    await register("kinds", [{ where: { m: "sad" } }]);
    expect((await sample("kinds")).metrics.filtered_searches![0]!.matches).toBe(ROWS);
    await db.client.query("ALTER FUNCTION mood_eq(mood, mood) OWNER TO ruvector_test_mallory");
    expect(
      (await sample("kinds")).unmeasured.find(({ what }) => what === "searches WHERE m = 'sad'"),
    ).toMatchObject({
      why: expect.stringContaining("function public.mood_eq(public.mood,public.mood) of ruvector"),
      hint: expect.stringContaining("ALTER FUNCTION public.mood_eq"),
    });
    expect(await refused("kinds", [{ where: { m: "ok" } }])).toMatchObject({ code: "RV034" });
    await db.client.query(`
      DROP TABLE kinds; DROP OPERATOR CLASS mood_ops USING btree; DROP OPERATOR = (mood, mood);
      DROP FUNCTION mood_eq, mood_cmp; DROP ROLE ruvector_test_mallory`);
    await db.client.query("SELECT ruvector_healing_unregister('public.kinds')");
  });

  it("who may not read a column does not learn how many rows match", async () => {
    await db.client.query(`
      CREATE ROLE ruvector_test_half LOGIN; GRANT SELECT (id, e) ON docs TO ruvector_test_half;
      SELECT ruvector_healing_grant('ruvector_test_half', 'admin');
      SET ROLE ruvector_test_half`);
    expect(await refused("docs", [{ where: { status: "z" } }])).toMatchObject({
      code: "RV010",
      hint: "GRANT SELECT (status) ON public.docs TO ruvector_test_half;",
    });
    await register("docs", [{ where: { id: 3 } }]);
    await db.client.query(`
      RESET ROLE; SELECT ruvector_healing_revoke('ruvector_test_half');
      DROP OWNED BY ruvector_test_half; DROP ROLE ruvector_test_half`);
  });
});

describe("a table larger than recall_max_rows", () => {
  it("is told by a sample of its blocks; where none of those match, that is said", async () => {
    await configure(db, { recall_max_rows: 1000 });
    await register("docs", [{ where: { tenant_id: 7 } }, { where: { id: [1, 2, 3] } }]);
    const { metrics, unmeasured } = await sample("docs");
    const [tenant, few] = metrics.filtered_searches!;
    expect(tenant).toMatchObject({ indexes: ["public.docs_e"], asked: 10 });
    expect(tenant!.matches).toBeGreaterThan(0);
    expect(tenant!.returned).toBeLessThan(4);
    expect(tenant!.recall).toBeLessThan(0.5);
    if (few!.matches === 0)
      expect(unmeasured.map(({ what }) => what)).toContain("searches WHERE id IN (1, 2, 3)");
    await configure(db, { recall_max_rows: 50_000 });
  });
});

describe("a table that changes", () => {
  it("a column that was dropped or renamed is told, and ends no tick", async () => {
    await register("docs", [{ where: { status: "z" } }, { where: { tenant_id: 7 } }]);
    await db.client.query("ALTER TABLE docs RENAME COLUMN status TO state");
    const { metrics, unmeasured } = await sample("docs");
    expect(metrics.filtered_searches!.map(({ search }) => search)).toEqual(["tenant_id = 7"]);
    expect(unmeasured).toContainEqual({
      what: "searches WHERE status = 'z'",
      why: 'table public.docs has no column "status"',
      hint:
        "Name the searches anew: SELECT ruvector_healing_register('public.docs', " +
        `'{"searches": [...]}');`,
    });
    await configure(db, { enabled: true });
    await ticks(db, 2);
    expect(await db.value("SELECT errors::int FROM ruvector.healing_ticks")).toBe(0);
    await configure(db, { enabled: false });
    expect(
      (await db.rows<{ note: string }>("SELECT note FROM ruvector_healing_recall('docs')"))[1],
    ).toEqual({ note: 'where {"status": "z"}: table public.docs has no column "status"' });
    await db.client.query("ALTER TABLE docs ALTER COLUMN tenant_id TYPE text");
    expect((await sample("docs")).metrics.filtered_searches![0]!.matches).toBe(ROWS / 50);
  });
});

describe("a partitioned table", () => {
  it("is asked as a whole: what a query of all partitions gets", async () => {
    await db.client.query(`
      CREATE TABLE parts (id int, shard int, tenant_id int, e vector(8), pad text,
        PRIMARY KEY (id, shard)) PARTITION BY LIST (shard);
      CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0) WITH (fillfactor = 10);
      CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1) WITH (fillfactor = 10);
      INSERT INTO parts SELECT id, id % 2, (id / 2) % 50, e, pad FROM docs;
      CREATE INDEX ON parts USING hnsw (e vector_l2_ops);
      ANALYZE parts`);
    await register("parts", [{ where: { tenant_id: 7 } }, { where: { tenant_id: 7, shard: 1 } }]);
    const { lambda, metrics } = await sample("parts");
    const [whole, one] = metrics.filtered_searches!;
    expect(whole).toMatchObject({
      indexes: ["public.parts_0_e_idx", "public.parts_1_e_idx"],
      matches: ROWS / 50,
    });
    expect(one).toMatchObject({ matches: ROWS / 100 });
    expect(one!.indexes).not.toContain("public.parts_0_e_idx");
    expect(whole!.returned).toBeLessThan(5);
    expect(lambda).toBeLessThan(0.5);
  });
});
