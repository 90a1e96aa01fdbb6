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

/** The two phases of a tick are called by one statement. */
const asCalled = (name: string): string => (/^tick_(batch|observe)$/.test(name) ? "tick_" : name);

it.each(Object.entries(OPERATIONS))("%s is called by functions of its level", (name, { level }) => {
  const call = new RegExp(`healing_call\\(\\s*'${asCalled(name)}'`);
  const callers = functions.filter(({ body }) => call.test(body));
  expect(callers.length).toBeGreaterThan(0);
  expect(callers.map((caller) => levels.get(caller.name ?? ""))).toContain(level);
});

it("SQL calls no other operation", () => {
  const called = sql.flatMap((text) => [...text.matchAll(/healing_call\(\s*'(\w+)'/g)]);
  expect(called.length).toBeGreaterThan(15);
  expect(
    called.map(([, name]) => name!).filter((name) => name !== "tick_" && !(name in OPERATIONS)),
  ).toEqual([]);
});
