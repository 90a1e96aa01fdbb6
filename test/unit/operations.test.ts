/** The table of operations, and what SQL says of the functions that call them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "../../build/project.ts";
import { OPERATIONS } from "../../src/api/operations.ts";

const folder = join(root, "sql");
const sql = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".sql"))
  .map((path) => readFileSync(join(folder, path), "utf8"));

/** Each function with its body. */
const functions = sql.flatMap((text) =>
  text
    .split(/(?=^CREATE OR REPLACE (?:FUNCTION|PROCEDURE) )/m)
    .map((body) => ({ name: /^CREATE OR REPLACE \w+ (?:\w+\.)?(\w+)/.exec(body)?.[1], body })),
);

const levels = new Map(
  sql
    .flatMap((text) => [...text.matchAll(/^ {2}\('(\w+)', '(\w+)', (?:true|false)\)/gm)])
    .map(([, routine, level]) => [routine, level] as const),
);

it.each(Object.entries(OPERATIONS))("%s is called by functions of its level", (name, { level }) => {
  const callers = functions.filter(({ body }) =>
    new RegExp(
      `healing_call\\(\\s*'${name.startsWith("tick_b") || name.startsWith("tick_o") ? "tick_" : name}'`,
    ).test(body),
  );
  expect(callers.length).toBeGreaterThan(0);
  const found = callers.map((caller) => levels.get(caller.name ?? ""));
  expect(found).toContain(level);
});

it("SQL calls no other operation", () => {
  const called = sql.flatMap((text) => [...text.matchAll(/healing_call\(\s*'(\w+)'/g)]);
  expect(called.length).toBeGreaterThan(15);
  expect(
    called.map(([, name]) => name!).filter((name) => name !== "tick_" && !(name in OPERATIONS)),
  ).toEqual([]);
});
