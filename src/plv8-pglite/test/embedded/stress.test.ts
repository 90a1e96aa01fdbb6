/**
 * The embedded database under what should break it. After each a clean error or the value, and a
 * database that still answers.
 */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { testEmbedded } from "../support/database.ts";

const db = testEmbedded();

beforeAll(() =>
  db.database.exec(`
    CREATE TABLE t (id int PRIMARY KEY);
    CREATE FUNCTION good(a int) RETURNS int
      LANGUAGE plv8 AS $f$ return plv8.execute('SELECT ' + a + ' + 1 AS x')[0].x $f$;
    CREATE FUNCTION inserts_and_throws(a int) RETURNS int
      LANGUAGE plv8 AS $f$ plv8.execute('INSERT INTO t VALUES (' + a + ')');
      throw new Error('x') $f$;
    CREATE FUNCTION divides() RETURNS int
      LANGUAGE plv8 AS $f$ return plv8.execute('SELECT 1/0 AS x')[0].x $f$;
    CREATE FUNCTION catches() RETURNS int
      LANGUAGE plv8 AS $f$ try { plv8.execute('SELECT divides()') } catch (e) { return e.sqlerrcode
      === '22012' ? 1 : 0 } $f$;
    CREATE FUNCTION echo(v anyelement) RETURNS anyelement LANGUAGE plv8 AS $f$ return v $f$;
    CREATE FUNCTION repeats(part text, times int) RETURNS text
      LANGUAGE plv8 AS $f$ return part.repeat(times) $f$;
    CREATE FUNCTION many(n int) RETURNS int[]
      LANGUAGE plv8 AS $f$ return Array.from({ length: n }, (_, i) => i) $f$`),
);
afterEach(async () => expect(await db.value("SELECT good(1)")).toBe(2));

describe("many calls", () => {
  it("20,000 calls with errors and rollbacks leave the memory as it was", async () => {
    // All within the database: what is asked is the language, not the way to it.
    await db.database.exec(`
      CREATE FUNCTION round(n int) RETURNS int LANGUAGE plpgsql AS $f$
      DECLARE wrong int := 0; caught text;
      BEGIN
        FOR i IN 1..n LOOP
          IF good(i) <> i + 1 OR catches() <> 1 THEN wrong := wrong + 1; END IF;
          BEGIN PERFORM inserts_and_throws(i); wrong := wrong + 1;
            EXCEPTION WHEN internal_error THEN NULL; END;
          BEGIN PERFORM divides(); wrong := wrong + 1;
            EXCEPTION WHEN division_by_zero THEN NULL; END;
        END LOOP;
        RETURN wrong;
      END $f$`);
    const bytes = () =>
      db.value<number>("SELECT sum(total_bytes)::int FROM pg_backend_memory_contexts");
    // Each round: 5 calls of plv8 functions (catches calls divides).
    expect(await db.value("SELECT round(200)")).toBe(0);
    const before = await bytes();
    for (let part = 0; part < 19; part++) expect(await db.value("SELECT round(200)")).toBe(0);
    expect(await bytes()).toBeLessThan(before + 1_000_000);
    expect(await db.value("SELECT count(*)::int FROM t")).toBe(0);
  });
  it("calls from a client, each in its own transaction", async () => {
    for (let call = 0; call < 500; call++) {
      expect(await db.raised(`SELECT inserts_and_throws(${call})`)).toMatchObject({
        code: "XX000",
        message: "x",
      });
      expect(await db.value("SELECT catches()")).toBe(1);
    }
  });
  it("plans that nobody frees", async () => {
    await db.database.exec(
      `CREATE FUNCTION plans() RETURNS int LANGUAGE plv8 AS $f$ let n = 0;
        for (let i = 0; i < 500; i++) n += plv8.prepare('SELECT 1 AS x').execute()[0].x;
        return n $f$`,
    );
    expect(await db.value("SELECT plans()")).toBe(500);
  });
});

describe("recursion without end", () => {
  it.each([
    [
      "in JavaScript",
      "CREATE FUNCTION deep() RETURNS int LANGUAGE plv8 AS $f$ const f = () => f() + 1; " +
        "return f() $f$",
    ],
    [
      "in JavaScript that runs SQL at every level",
      "CREATE FUNCTION deep() RETURNS int LANGUAGE plv8 AS $f$ const pad = (n, ...rest) => n " +
        "=== 0 ? deeper() : pad(n - 1, ...rest, 1) + 1; const deeper = () => { " +
        "plv8.execute('SELECT 1'); return pad(300) }; return deeper() $f$",
    ],
    [
      "through SQL",
      "CREATE FUNCTION deep() RETURNS int LANGUAGE plv8 AS $f$ return plv8.execute('SELECT " +
        "deep() AS x')[0].x $f$",
    ],
    [
      "in PL/pgSQL",
      "CREATE FUNCTION deep() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN deep(); END'",
    ],
    [
      "through PL/pgSQL and back",
      "CREATE FUNCTION deep2() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN deep(); END'; " +
        "CREATE FUNCTION deep() RETURNS int LANGUAGE plv8 AS $f$ return plv8.execute('SELECT " +
        "deep2() AS x')[0].x $f$",
    ],
    [
      "in a trigger",
      "CREATE TABLE loops (id int); CREATE FUNCTION again() RETURNS trigger LANGUAGE plv8 AS " +
        "$f$ plv8.execute('INSERT INTO loops VALUES (1)') $f$; CREATE TRIGGER again BEFORE " +
        "INSERT ON loops FOR EACH ROW EXECUTE FUNCTION again(); CREATE FUNCTION deep() RETURNS " +
        "void LANGUAGE sql AS 'INSERT INTO loops VALUES (1)'",
    ],
  ])("%s", async (_, script) => {
    await db.database.exec(`BEGIN; ${script}`);
    expect(await db.raised("SELECT deep()")).toMatchObject({
      code: "54001",
      message: "stack depth limit exceeded",
    });
    await db.database.exec("ROLLBACK");
  });
  it.each([
    "plv8.execute('SELECT count(*) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid')",
    "plv8.execute('SELECT good(1)')",
    "plv8.execute('SELECT ' + '(1 + '.repeat(500) + '1' + ')'.repeat(500))",
    "plv8.prepare('SELECT $1::int').execute([1])",
    "plv8.elog(DEBUG1, 'x')",
    "plv8.quote_literal('x')",
    "plv8.subtransaction(() => plv8.execute('SELECT 1/0'))",
  ])("%s where JavaScript's stack ends", async (work) => {
    // Tried at each of the last 2,000 levels: somewhere among them the room is just too small.
    await db.database.exec(`BEGIN; CREATE FUNCTION edge() RETURNS int LANGUAGE plv8 AS $f$
      let tries = 0;
      const f = (n) => { try { return f(n + 1) } catch (e) { if (++tries > 2000) return tries;
        if (tries % 20 === 0) ${work}; throw e } };
      try { return f(0) } catch (e) { return tries } $f$`);
    await db
      .value("SELECT edge()")
      .catch((error: { message: string }) => expect(error.message).toMatch(/stack depth|division/));
    await db.database.exec("ROLLBACK");
  });
  it("200 levels are allowed, and an error from below comes up through all of them", async () => {
    await db.database.exec(
      `CREATE FUNCTION down(n int) RETURNS int
        LANGUAGE plv8 AS $f$ if (n === 0) throw new Error('ground');
        return plv8.execute('SELECT down(' + (n - 1) + ') AS x')[0].x $f$`,
    );
    const error = await db.raised("SELECT down(150)");
    expect(error.message).toBe("ground");
    expect(error.where!.match(/down\(\) LINE/g)).toHaveLength(151);
  });
});

describe("output without end", () => {
  it("rows", async () => {
    await db.database.exec(
      `CREATE FUNCTION endless() RETURNS SETOF text
        LANGUAGE plv8 AS $f$ const row = 'x'.repeat(1e6); for (;;) plv8.return_next(row) $f$`,
    );
    expect(await db.raised("SELECT count(*) FROM endless()")).toMatchObject({
      code: "54000",
      message: "the result set is too large",
    });
  });
  it("one text", async () => {
    await db.database.exec(
      `CREATE FUNCTION longest() RETURNS text LANGUAGE plv8 AS $f$ let s = 'x';
        for (;;) s += s $f$`,
    );
    expect((await db.raised("SELECT longest()")).message).toMatch(/Invalid string length/);
  });
});

describe("large and hostile values", () => {
  it("64 MB of text out and in", async () => {
    expect(await db.value("SELECT length(repeats('é', 32 * 1024 * 1024))")).toBe(32 * 1024 * 1024);
    expect(await db.value("SELECT length(echo(repeat('x', 64 * 1024 * 1024)))")).toBe(
      64 * 1024 * 1024,
    );
  });
  it("arrays of 100,000 elements", async () => {
    expect(await db.value("SELECT cardinality(echo(many(100000)))")).toBe(100_000);
    expect(await db.value("SELECT sum(x)::text FROM unnest(echo(many(100000))) x")).toBe(
      "4999950000",
    );
  });
  it("300,000 rows read", async () => {
    await db.database.exec(
      `CREATE FUNCTION reads(n int) RETURNS int
        LANGUAGE plv8 AS $f$ return plv8.execute('SELECT g, g::text AS t FROM generate_series(1, '
        + n + ') g').length $f$`,
    );
    expect(await db.value("SELECT reads(300000)")).toBe(300_000);
  });
  it.each([
    ["quotes", "'\"''`\\"],
    ["line ends", "a\r\n\u2028b"],
    ["emoji", "\u{1F600}\u200d\u{1F600}"],
    ["byte order mark", "\ufeffx"],
    ["right to left", "\u202eabc"],
    ["nothing", ""],
  ])("%s come back as they were, as value, parameter and in JSON", async (_, text) => {
    await db.database.exec(
      `CREATE OR REPLACE FUNCTION ways(v text) RETURNS text[]
        LANGUAGE plv8 AS $f$ return [v, plv8.execute('SELECT $1::text AS v', [v])[0].v,
        plv8.execute('SELECT ' + plv8.quote_literal(v) + ' AS v')[0].v,
        JSON.parse(JSON.stringify(v))] $f$`,
    );
    expect(await db.value("SELECT ways($1)", [text])).toEqual([text, text, text, text]);
  });
  it.each([
    ["plv8.execute('SELECT 1 AS a \\0 FROM nothing')[0].a", "1"],
    ["plv8.execute('SELECT $1::text AS a', ['a\\0b'])[0].a", "a"],
    ["plv8.quote_literal('a\\0b')", "'a'"],
    ["plv8.prepare('SELECT $1 + 1 AS a', ['int\\0']).execute([1])[0].a", "2"],
  ])("%s: the text ends at the NUL character", async (code, gives) => {
    await db.database.exec(
      `CREATE OR REPLACE FUNCTION nul() RETURNS text LANGUAGE plv8 AS $f$ return ${code} $f$`,
    );
    expect(await db.value("SELECT nul()")).toBe(gives);
  });
  it("so does a message", async () => {
    await db.database.exec(
      "CREATE OR REPLACE FUNCTION nul() RETURNS text LANGUAGE plv8 AS $f$ throw new " +
        "Error('a\\0b') $f$",
    );
    expect((await db.raised("SELECT nul()")).message).toBe("a");
  });
});
