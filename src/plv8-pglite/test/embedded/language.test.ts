/**
 * The language on the embedded database beyond single calls: procedures, DO, notices, replaced
 * functions, rights, nesting.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { testEmbedded } from "../support/database.ts";

const db = testEmbedded();
const exec = (script: string) => db.database.exec(script);

describe("the end of a transaction in a procedure", () => {
  beforeAll(() => exec("CREATE TABLE kept (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)"));
  const kept = async () =>
    (await db.database.query<{ id: number }>("SELECT id FROM kept ORDER BY id")).map(
      ({ id }) => id,
    );
  const emptied = (work: () => Promise<unknown>) => async () => {
    await exec("DELETE FROM kept");
    await work();
  };

  it(
    "commit and rollback in a procedure",
    emptied(async () => {
      await exec(`CREATE PROCEDURE steps(n int) LANGUAGE plv8 AS $f$
      for (let i = 0; i < n; i++) { plv8.execute('INSERT INTO kept VALUES ($1)', [i]);
        if (i % 2) plv8.rollback(); else plv8.commit(); } $f$`);
      await db.database.query("CALL steps(4)");
      expect(await kept()).toEqual([0, 2]);
    }),
  );
  it(
    "commit and rollback in a DO block",
    emptied(async () => {
      await db.database.query(
        `DO LANGUAGE plv8 $f$ plv8.execute('INSERT INTO kept VALUES (1)'); plv8.commit();
          plv8.execute('INSERT INTO kept VALUES (2)'); plv8.rollback() $f$`,
      );
      expect(await kept()).toEqual([1]);
    }),
  );
  it(
    "a commit that fails can be caught, and the next transaction goes on",
    emptied(async () => {
      await exec(`CREATE PROCEDURE twice() LANGUAGE plv8 AS $f$
      plv8.execute('INSERT INTO kept VALUES (1), (1)');
      try { plv8.commit() } catch (e) { if (e.sqlerrcode !== '23505') throw e }
      plv8.execute('INSERT INTO kept VALUES (5)') $f$`);
      await db.database.query("CALL twice()");
      expect(await kept()).toEqual([5]);
    }),
  );
  it.each([
    ["in a transaction block", "BEGIN; CALL ends()", "2D000"],
    ["in a function", "SELECT ends_inside()", "2D000"],
    ["in a SECURITY DEFINER procedure", "CALL ends_as_owner()", "2D000"],
    ["in a subtransaction", "CALL ends_in_subtransaction()", "XX000"],
  ])("%s it is refused in words", async (_, statement, code) => {
    await exec(`
      CREATE OR REPLACE PROCEDURE ends() LANGUAGE plv8 AS 'plv8.commit()';
      CREATE OR REPLACE FUNCTION ends_inside() RETURNS void LANGUAGE plv8 AS 'plv8.commit()';
      CREATE OR REPLACE PROCEDURE ends_as_owner() LANGUAGE plv8 SECURITY DEFINER AS 'plv8.commit()';
      CREATE OR REPLACE PROCEDURE ends_in_subtransaction()
        LANGUAGE plv8 AS 'plv8.subtransaction(() => plv8.commit())'`);
    await expect(exec(statement)).rejects.toMatchObject({ code });
    await exec("ROLLBACK");
    expect(await db.value("SELECT 1")).toBe(1);
  });
  it("INOUT parameters of a procedure are refused, as plv8 does", async () => {
    await exec(
      `CREATE PROCEDURE changes(INOUT a int, INOUT b text)
        LANGUAGE plv8 AS $f$ return { a: a + 1, b: b + '!' } $f$`,
    );
    expect(await db.raised("CALL changes(1, 'x')")).toMatchObject({
      code: "0A000",
      message: "input of anonymous composite types is not implemented",
    });
  });
});

describe("replaced functions", () => {
  const define = (value: number) =>
    `CREATE OR REPLACE FUNCTION replaced() RETURNS int LANGUAGE plv8 AS 'return ${value}'`;
  const now = () => db.value<number>("SELECT replaced()");

  it("the code is always that of the function as this transaction sees it", async () => {
    await exec(define(1));
    expect(await now()).toBe(1);
    await exec(define(2));
    expect(await now()).toBe(2);
    await exec(`BEGIN; ${define(3)}`);
    expect(await now()).toBe(3);
    await exec("ROLLBACK");
    expect(await now()).toBe(2);
    await exec(`BEGIN; ${define(4)}; SAVEPOINT s; ${define(5)}`);
    expect(await now()).toBe(5);
    await exec("ROLLBACK TO s");
    expect(await now()).toBe(4);
    await exec("COMMIT");
    expect(await now()).toBe(4);
    await exec(`DROP FUNCTION replaced(); ${define(6)}`);
    expect(await now()).toBe(6);
  });
});

describe("messages", () => {
  it("elog reaches the client at its level", async () => {
    db.notices();
    await exec(
      `DO LANGUAGE plv8 $f$ plv8.elog(NOTICE, 'a', 1, null); plv8.elog(WARNING, '100 % of %s');
        plv8.elog(INFO, ''); plv8.elog(DEBUG1, 'hidden') $f$`,
    );
    expect(db.notices()).toEqual([
      { severity: "NOTICE", message: "a 1 null" },
      { severity: "WARNING", message: "100 % of %s" },
      { severity: "INFO", message: "" },
    ]);
  });
  it("an error's context names each function once, innermost first", async () => {
    await exec(`
      CREATE FUNCTION inner_one() RETURNS int LANGUAGE plv8 AS $f$ throw new Error('deep') $f$;
      CREATE FUNCTION middle() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN inner_one(); END';
      CREATE FUNCTION outer_one() RETURNS int LANGUAGE plv8 AS $f$
        return plv8.execute('SELECT middle() AS m')[0].m $f$;
      CREATE FUNCTION top_one() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN outer_one(); END'`);
    const { where } = await db.raised("SELECT top_one()");
    const lines = where!.split("\n").map((line) => line.replace(/ (LINE|line) .*/, ""));
    expect(lines).toEqual([
      "inner_one()",
      "PL/pgSQL function middle()",
      'SQL statement "SELECT middle() AS m"',
      "outer_one()",
      "PL/pgSQL function top_one()",
    ]);
  });
  it("PL/pgSQL catches an error of plv8 with its SQLSTATE", async () => {
    await exec(`
      CREATE FUNCTION divides() RETURNS int
        LANGUAGE plv8 AS $f$ return plv8.execute('SELECT 1/0 AS x') $f$;
      CREATE FUNCTION catches() RETURNS text
        LANGUAGE plpgsql
        AS 'BEGIN PERFORM divides(); EXCEPTION WHEN division_by_zero THEN RETURN SQLERRM; END'`);
    expect(await db.value("SELECT catches()")).toBe("division by zero");
  });
});

describe("code that runs while a result is converted", () => {
  it("cannot use plv8: its connection is closed", async () => {
    await exec(`CREATE FUNCTION late() RETURNS json
      LANGUAGE plv8 AS $f$ return { toJSON() { return plv8.execute('SELECT 1') } } $f$;
                CREATE FUNCTION around() RETURNS text
                  LANGUAGE plv8
                  AS $f$ try { plv8.execute('SELECT late()') } catch (e) { return e.message
                  + plv8.execute('SELECT 2 AS two')[0].two } $f$`);
    expect(await db.value("SELECT around()")).toBe(
      "plv8 cannot be used while a result is converted2",
    );
  });
  it("of a parameter can", async () => {
    await exec(`CREATE FUNCTION early() RETURNS json LANGUAGE plv8 AS $f$
      return plv8.execute('SELECT $1::json AS j',
        [{ toJSON() { return plv8.execute('SELECT 1 AS one') } }])[0].j $f$`);
    expect(await db.value("SELECT early()")).toEqual([{ one: 1 }]);
  });
});

describe("functions that PostgreSQL calls by itself", () => {
  it("of an aggregate, a default, a CHECK, an index, a sort", async () => {
    await exec(`
      CREATE FUNCTION twice(v int) RETURNS int IMMUTABLE STRICT LANGUAGE plv8 AS 'return v * 2';
      CREATE FUNCTION joins(state text, v int) RETURNS text IMMUTABLE
        LANGUAGE plv8 AS $f$ return (state ?? '') + v $f$;
      CREATE AGGREGATE joined(int) (sfunc = joins, stype = text);
      CREATE TABLE used (a int DEFAULT twice(4), b int CHECK (twice(b) < 100));
      CREATE INDEX ON used (twice(a));
      INSERT INTO used (b) VALUES (1), (2), (3)`);
    expect(
      await db.value("SELECT joined(b ORDER BY -twice(b)) FROM used WHERE twice(a) = 16"),
    ).toBe("321");
    expect((await db.raised("INSERT INTO used (b) VALUES (60)")).code).toBe("23514");
  });
  it("a window function is refused in words", async () => {
    await exec("CREATE FUNCTION ranks() RETURNS int WINDOW LANGUAGE plv8 AS 'return 1'");
    expect(await db.raised("SELECT ranks() OVER ()")).toMatchObject({
      code: "0A000",
      message: "window functions are not supported by the embedded plv8",
    });
  });
});

describe("rights", () => {
  beforeAll(() =>
    exec(`
      CREATE ROLE visitor;
      CREATE TABLE secret (id int);
      CREATE FUNCTION hidden() RETURNS int LANGUAGE plv8 AS 'return 1';
      REVOKE ALL ON FUNCTION hidden() FROM PUBLIC;
      GRANT CREATE ON SCHEMA public TO visitor`),
  );
  const asVisitor = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    await exec("BEGIN; SET LOCAL ROLE visitor");
    try {
      return await work();
    } finally {
      await exec("ROLLBACK");
    }
  };
  const visitorRuns = (body: string) =>
    asVisitor(async () => {
      await exec(`CREATE FUNCTION mine() RETURNS text LANGUAGE plv8 AS $f$ ${body} $f$`);
      return db.raised("SELECT mine()");
    });

  it("code has the rights of the role that runs it", async () => {
    expect((await visitorRuns("plv8.execute('SELECT * FROM secret')")).code).toBe("42501");
  });
  it("find_function wants EXECUTE", async () => {
    db.notices();
    expect((await visitorRuns("plv8.find_function('hidden')()")).message).toBe(
      "TypeError: plv8.find_function(...) is not a function",
    );
    expect(db.notices()).toMatchObject([
      { severity: "WARNING", message: "failed to find or no permission for js function hidden" },
    ]);
  });
  it("the language is a trusted one", async () => {
    expect(await db.value("SELECT lanpltrusted FROM pg_language WHERE lanname = 'plv8'")).toBe(
      true,
    );
  });
});

describe("hostile names", () => {
  it("functions, columns and parameters named as they should not be", async () => {
    await exec(`
      CREATE TABLE "We;ird ""t" ("__proto__" int, "constructor" text, "a b" int);
      INSERT INTO "We;ird ""t" VALUES (1, 'c', 2);
      CREATE FUNCTION "f""; throw 1 //"() RETURNS text
        LANGUAGE plv8 AS $f$ throw new Error('named') $f$`);
    await exec(`CREATE FUNCTION reads() RETURNS text LANGUAGE plv8 AS $f$
      const [row] = plv8.execute('SELECT * FROM "We;ird ""t"');
        return JSON.stringify(Object.entries(row)) $f$`);
    expect(await db.value("SELECT reads()")).toBe(
      '[["__proto__",1],["constructor","c"],["a b",2]]',
    );
    expect((await db.raised(`SELECT "f""; throw 1 //"()`)).where).toContain(
      'f"; throw 1 //() LINE 1',
    );
    for (const name of ["a b", "a = 1", "...a", "a, b", "class"]) {
      await expect(
        exec(`CREATE FUNCTION bad("${name}" int) RETURNS int LANGUAGE plv8 AS $f$ return 1 $f$`),
      ).rejects.toMatchObject({ code: "XX000", message: expect.stringContaining("SyntaxError") });
    }
  });
});
