/** What may not stand in the install script: some tool on its way would rewrite it or stumble. */
import knex from "knex";
import pgMinify from "pg-minify";
import { beforeAll, expect, it } from "vitest";
import { makeBundles } from "../../build/bundle.ts";
import { extensionScript } from "../../build/extension.ts";
import { LANGUAGES } from "../../build/project.ts";
import { MARKERS, refuseRewritten, rewritten } from "../../build/rewritten.ts";
import { oneStatementScript, plainScript, readSources } from "../../build/script.ts";

const byKnex = (script: string): string =>
  knex({ client: "pg" }).raw(script).toSQL().toNative().sql;

let made: Parameters<typeof plainScript> extends [unknown, ...infer Rest] ? Rest : never;

beforeAll(async () => {
  made = [await makeBundles(), await readSources()];
});

it.each(LANGUAGES)("finds nothing in the script for %s, nor in its extension", (language) => {
  const script = plainScript(language, ...made);
  expect(rewritten(script)).toEqual([]);
  const one = oneStatementScript(language, ...made);
  expect(rewritten(one)).toEqual([]);
  expect(one).not.toContain(";");
  expect(byKnex(script)).toBe(script);
  expect(pgMinify(script).length).toBeGreaterThan(script.length / 2);
  const [head, ...rest] = extensionScript(language, ...made).split("\n\\echo");
  expect(rest).toHaveLength(1);
  expect(rewritten(head + rest[0]!)).toEqual([]);
});

it("knows what knex rewrites, and what pg-minify stumbles over", () => {
  expect(byKnex("SELECT a ? 'b' -- Why?")).toBe("SELECT a $1 'b' -- Why$2");
  expect(() => pgMinify("RAISE NOTICE $$don't$$;")).toThrow(/Unclosed text/);
  expect(() => pgMinify('RAISE NOTICE $$an inch is 1"\n"$$;')).toThrow(/Multi-line quoted/);
});

it.each([
  ["WHERE settings ? 'a'", "?", "knex"],
  ["-- Why?", "?", "knex"],
  ["E'(:id|x)'", ":id", "alembic"],
  ["format('%s :name', x)", ":name", "psql"],
  ["E'\\\\:'", "\\:", "alembic"],
  ["x::DATABASE_NAME", ":DATABASE_NAME", "graphile-migrate"],
  ["--! no-transaction", "--! no-transaction", "graphile-migrate"],
  ["--> statement-breakpoint", "--> statement-breakpoint", "drizzle-kit"],
  ["  -- Down Migration", "  -- Down Migration", "node-pg-migrate"],
  ["\\connect other", "\\connect other", "sqitch"],
  ["'${name}'", "${", "Flyway"],
  ["LANGUAGE {{LANGUAGE}}", "{{", "build"],
  ["@extschema@.f()", "@extschema@", "CREATE EXTENSION"],
  ["@extschema:vector@.f()", "@extschema:vector@", "CREATE EXTENSION"],
  ["AS 'MODULE_PATHNAME'", "MODULE_PATHNAME", "CREATE EXTENSION"],
  ["'\u00e9'", "\u00e9", "encoding"],
  ["SELECT 1;\r", "\r", "encoding"],
  ["'\0'", "\0", "encoding"],
  ["-- migrate:down", "-- migrate:down", "dbmate"],
  ['RAISE NOTICE $$an inch is 1"\n$$;', '"\n$$;', "graphile-migrate"],
  ["RAISE NOTICE $$don't$$;", "'t$$;", "graphile-migrate"],
  ["replace(x, '\\', '/');", "', '", "graphile-migrate"],
])("refuses %j: the line, what, and who minds", (line, token, tool) => {
  const script = `SELECT 1;\n-- And\n${line}\n`;
  expect(rewritten(script)).toContainEqual(expect.stringMatching(/^line 3: /));
  expect(() => refuseRewritten(script, "it.sql")).toThrow(JSON.stringify(token).slice(1, -1));
  expect(() => refuseRewritten(script, "it.sql")).toThrow(tool);
  expect(() => refuseRewritten(script, "it.sql")).toThrow("it.sql");
});

it.each([
  "a::text, b[1:2], c[1:k]",
  "x := 1",
  "'HH24:MI:SS'",
  "'[[:space:]]'",
  "RAISE '% of %', a, b",
  "format('%I.%L', a, b)",
  "E'\\\\d+\\n'",
  "$1",
  "-- It's a comment, and don't mind.",
  "'it''s'",
  'a."Column"',
  `${MARKERS.begin}\nSELECT 1;\n${MARKERS.end}`,
])("lets %j pass", (line) => {
  expect(rewritten(`SELECT 1;\n${line}\n`)).toEqual([]);
});
