/**
 * Trigger functions on the embedded database: NEW, OLD, TG_*, and what the result does to the row.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { testEmbedded } from "../support/database.ts";

const db = testEmbedded();

beforeAll(() =>
  db.database.exec(`
    CREATE FUNCTION tell() RETURNS trigger LANGUAGE plv8 AS $f$
      plv8.elog(NOTICE, JSON.stringify([NEW === undefined ? 'undefined' : NEW,
        OLD === undefined ? 'undefined' : OLD,
        TG_NAME, TG_WHEN, TG_LEVEL, TG_OP, typeof TG_RELID, TG_TABLE_NAME, TG_TABLE_SCHEMA,
          TG_ARGV]));
      return NEW;
    $f$;
    CREATE FUNCTION run() RETURNS trigger
      LANGUAGE plv8 AS $f$ return new Function('NEW', 'OLD', TG_ARGV[0])(NEW, OLD) $f$`),
);

/** A table with one trigger that runs the code, in a transaction that is rolled back. */
async function withTrigger<Value>(
  timing: string,
  code: string,
  work: () => Promise<Value>,
  columns = "id int, name text",
): Promise<Value> {
  await db.database.exec(`
    BEGIN;
    CREATE TABLE watched (${columns});
    INSERT INTO watched (id) VALUES (1), (2);
    CREATE TRIGGER watch ${timing} ON watched FOR EACH ROW EXECUTE FUNCTION run($c$${code}$c$)`);
  try {
    return await work();
  } finally {
    await db.database.exec("ROLLBACK");
  }
}
const rows = () => db.database.query("SELECT * FROM watched ORDER BY id");

describe("what a trigger function is told", () => {
  it.each([
    [
      "BEFORE INSERT",
      "ROW",
      "INSERT INTO watched VALUES (5, 'x')",
      { id: 5, name: "x" },
      "undefined",
    ],
    [
      "AFTER UPDATE",
      "ROW",
      "UPDATE watched SET name = 'y' WHERE id = 1",
      { id: 1, name: "y" },
      { id: 1, name: null },
    ],
    [
      "BEFORE DELETE",
      "ROW",
      "DELETE FROM watched WHERE id = 1",
      "undefined",
      { id: 1, name: null },
    ],
    ["AFTER UPDATE", "STATEMENT", "UPDATE watched SET name = 'y'", "undefined", "undefined"],
    ["BEFORE TRUNCATE", "STATEMENT", "TRUNCATE watched", "undefined", "undefined"],
  ])("%s FOR EACH %s", async (timing, level, statement, after, before) => {
    await db.database.exec(`
      BEGIN;
      CREATE SCHEMA place;
      SET LOCAL search_path = place, public;
      CREATE TABLE watched (id int, name text);
      INSERT INTO watched (id) VALUES (1), (2);
      CREATE TRIGGER "Watch it" ${timing} ON watched FOR EACH ${level}
        EXECUTE FUNCTION tell('a', 'it''s')`);
    db.notices();
    await db.database.exec(`${statement}; ROLLBACK`);
    const told = db.notices().map(({ message }) => JSON.parse(message) as unknown);
    const [when, operation] = timing.split(" ");
    expect(told).toEqual([
      [
        after,
        before,
        "Watch it",
        when,
        level,
        operation,
        "number",
        "watched",
        "place",
        ["a", "it's"],
      ],
    ]);
  });

  it("INSTEAD OF, on a view", async () => {
    await db.database.exec(
      `BEGIN; CREATE VIEW seen AS SELECT 1 AS id;
        CREATE TRIGGER t INSTEAD OF INSERT ON seen FOR EACH ROW EXECUTE FUNCTION tell()`,
    );
    db.notices();
    await db.database.exec("INSERT INTO seen VALUES (7); ROLLBACK");
    expect(db.notices()[0]!.message).toContain('"INSTEAD OF","ROW","INSERT"');
  });
});

describe("what the result does", () => {
  const insert = () => db.database.query("INSERT INTO watched VALUES (9, 'as given') RETURNING *");

  it("a changed NEW is stored", async () => {
    expect(
      await withTrigger("BEFORE INSERT", "NEW.name = NEW.name.toUpperCase(); return NEW", insert),
    ).toEqual([{ id: 9, name: "AS GIVEN" }]);
  });
  it("without a result the row stays as it was, also when NEW was changed", async () => {
    expect(await withTrigger("BEFORE INSERT", "NEW.name = 'changed'", insert)).toEqual([
      { id: 9, name: "as given" },
    ]);
  });
  it("null skips the row", async () => {
    expect(await withTrigger("BEFORE INSERT", "return null", insert)).toEqual([]);
    const left = await withTrigger(
      "BEFORE DELETE",
      "return OLD.id === 2 ? null : OLD",
      async () => (await db.database.query("DELETE FROM watched"), rows()),
    );
    expect(left).toEqual([{ id: 2, name: null }]);
  });
  it("an AFTER trigger's result is ignored", async () => {
    expect(await withTrigger("AFTER INSERT", "return null", insert)).toHaveLength(1);
  });
  it(
    "columns that were not changed keep what a JavaScript value cannot hold; dropped columns " +
      "are left out",
    async () => {
      const found = await withTrigger(
        "BEFORE UPDATE",
        "NEW.name = Object.keys(NEW).join(); return NEW",
        async () => {
          await db.database.exec("ALTER TABLE watched DROP COLUMN gone");
          return db.database.query(
            "UPDATE watched SET id = 3 WHERE id = 2 RETURNING name, at::text, exact::text",
          );
        },
        "id int, gone int, name text, at timestamp DEFAULT '2024-01-01 00:00:00.123456', exact " +
          "numeric DEFAULT 12345678901234567890.123456789",
      );
      expect(found).toEqual([
        {
          name: "id,name,at,exact",
          at: "2024-01-01 00:00:00.123456",
          exact: "12345678901234567890.123456789",
        },
      ]);
    },
  );
  it("an error ends the statement and carries its detail and hint", async () => {
    const error = await withTrigger(
      "BEFORE INSERT",
      "throw Object.assign(new Error('not here'), { detail: 'd', hint: 'h' })",
      () => db.raised("INSERT INTO watched VALUES (1)"),
    );
    expect(error).toMatchObject({ code: "XX000", message: "not here", detail: "d", hint: "h" });
  });
  it.each([
    ["delete NEW.name; return NEW", "field name / property name mismatch"],
    ["return 5", "argument must be an object"],
    ["NEW.id = 'x'; return NEW", 'invalid input syntax for type integer: "x"'],
  ])("%s is refused", async (code, message) => {
    expect(
      (await withTrigger("BEFORE INSERT", code, () => db.raised("INSERT INTO watched VALUES (1)")))
        .message,
    ).toBe(message);
  });
  it("a deferred constraint trigger's error comes at COMMIT", async () => {
    await db.database.exec(`
      CREATE TABLE later (id int);
      CREATE CONSTRAINT TRIGGER late AFTER
        INSERT ON later DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION run('throw new Error("at the end")')`);
    await db.database.exec("BEGIN; INSERT INTO later VALUES (1)");
    expect(await db.raised("COMMIT")).toMatchObject({ message: "at the end" });
    expect(await db.value("SELECT count(*)::int FROM later")).toBe(0);
  });
  it("a trigger function cannot be called by itself, nor have arguments", async () => {
    expect((await db.raised("SELECT tell()")).code).toBe("0A000");
    expect(
      (await db.raised("CREATE FUNCTION bad(a int) RETURNS trigger LANGUAGE plv8 AS ''")).code,
    ).toBe("42P13");
  });
});
