/** What stands in one list, and is repeated: SQLSTATEs and locks. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "../../build/project.ts";
import { SQLSTATES } from "../../src/base/errors.ts";
import { STRATEGIES } from "../../src/strategies/registry.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");

const under = (folder: string, ending: string): string =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(ending))
    .map((path) => read(join(folder, path)))
    .join("\n");

const sql = under("sql", ".sql");
const every = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map(([, found]) => found!))].sort();

it("docs/errors.md has the SQLSTATEs of src/base/errors.ts, with their names", () => {
  const documented = [...read("docs/errors.md").matchAll(/^\| (RV\d{3}) \| (\w+) \|/gm)];
  expect(Object.fromEntries(documented.map(([, code, name]) => [name, code]))).toEqual(SQLSTATES);
});

it("SQL raises no other, and each is raised somewhere", () => {
  const codes: readonly string[] = Object.values(SQLSTATES);
  // RV000 ends a subtransaction that is to be taken back: nobody meets it.
  const raised = every(sql, /'(RV\d{3})'/g).filter((code) => code !== "RV000");
  expect(raised.filter((code) => !codes.includes(code))).toEqual([]);
  const names = every(under("src", ".ts"), /"(\w+)"/g);
  const unused = Object.entries(SQLSTATES)
    .filter(([name, code]) => !raised.includes(code) && !names.includes(name))
    .map(([name]) => name);
  // Thrown by the bundle's entry, for what nobody foresaw.
  expect(unused).toEqual(["internal_error"]);
});

it("docs/locks.md names the locks between our sessions, and no other is taken", () => {
  const made = every(
    /FUNCTION ruvector\.healing_make_locks[\s\S]*?VALUES ([^\n]*)/.exec(sql)![1]!,
    /'(\w+)'/g,
  );
  const documented = /`([a-z, ]+)`, and for each\s+collection `(\w+)`/.exec(read("docs/locks.md"))!;
  expect(documented[1]!.split(", ").sort()).toEqual(made);
  const taken = every(sql + under("src", ".ts"), /healing_(?:try|take)_lock\(\s*'(\w+)'/g);
  expect(taken.filter((kind) => ![...made, documented[2]].includes(kind))).toEqual([]);
});

it.each(["docs/limits.md", "docs/configuration.md"])(
  "%s names the strategies that a long transaction keeps from beginning",
  (page) => {
    const says = read(page)
      .split("\n")
      .find((line) => /long transactions|\| `preflight_transaction_seconds` \|/.test(line))!;
    const waits = STRATEGIES.filter(({ preflight }) => preflight.includes("transactions"));
    expect(every(says, /\b([a-z]+_(?:index(?:es)?|centroids|partitions?))\b/g)).toEqual(
      waits.map(({ name }) => name).sort(),
    );
  },
);
