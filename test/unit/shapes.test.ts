import { describe, expect, test } from "vitest";
import { parseShape, readShapes, statementsOf } from "../shapes/shape.ts";

const FILE = `-- What it is:
-- 10 rows.
-- collection: t
-- options: {"movable": true}
-- [tables]
CREATE TABLE t (id int);
-- [every hour]
-- a comment
INSERT INTO t
VALUES (1);
-- [at 02:00]
DELETE FROM t;
-- [fault: index_fragmentation]
VACUUM t;
`;

describe("the catalogue of shapes", () => {
  test("all files are read: 40 and more, each with a collection and something it is", () => {
    const shapes = readShapes();
    expect(shapes.length).toBeGreaterThanOrEqual(40);
    expect(new Set(shapes.map(({ name }) => name)).size).toBe(shapes.length);
    // Without a fault are only those that have nothing to be spoiled.
    expect(shapes.filter(({ fault }) => fault === null).map(({ name }) => name)).toEqual(["empty"]);
  });

  test("a file has a head and sections", () => {
    expect(parseShape("one", FILE)).toEqual({
      name: "one",
      about: "What it is: 10 rows.",
      collection: "t",
      options: { movable: true },
      needs: null,
      refused: null,
      tables: ["CREATE TABLE t (id int);"],
      load: [],
      everyHour: ["INSERT INTO t\nVALUES (1);"],
      at: { 2: ["DELETE FROM t;"] },
      fault: { class: "index_fragmentation", statements: ["VACUUM t;"] },
    });
  });

  test.each([
    ["collection: t", "other: t", "the head has no line `-- collection: ...`"],
    ["[every hour]", "[each hour]", "there is no section of the kind [each hour]"],
    ["index_fragmentation", "bloat", "there is no problem class bloat"],
    ["[tables]", "[load]", "there is no section [tables]"],
  ])("what is wrong in a file is said: %s", (from, to, message) => {
    expect(() => parseShape("one", FILE.replace(from, to))).toThrow(
      `test/shapes/catalogue/one.sql: ${message}`,
    );
  });

  test("statements end at a line's end, not within a body", () => {
    expect(statementsOf("DO $$ BEGIN\n  PERFORM 1;\nEND $$;\nSELECT 1;\n")).toEqual([
      "DO $$ BEGIN\n  PERFORM 1;\nEND $$;",
      "SELECT 1;",
    ]);
    expect(() => statementsOf("SELECT 1\n")).toThrow(
      "a statement does not end with a semicolon: SELECT 1",
    );
  });
});
