import { type Case, code } from "./case.ts";

const callee =
  "CREATE FUNCTION callee(a int) RETURNS int LANGUAGE # AS $c$ return a * a $c$; CREATE " +
  "FUNCTION other(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';";

export const OBJECT: readonly Case[] = [
  code("find_function by name", "return @.find_function('callee')(5)", "25", "same", callee),
  code(
    "find_function by signature",
    "return @.find_function('callee(int)')(6)",
    "36",
    "same",
    callee,
  ),
  code(
    "find_function of another language",
    "@.find_function('other')",
    { code: "XX000", message: "javascript function is not found" },
    "same",
    callee,
  ),
  code("find_function of nothing", "@.find_function('nothing_here')", { code: "42883" }),
  code("elog(ERROR) throws", "try { @.elog(ERROR, 'a', 1) } catch (e) { return e.message }", "a 1"),
  code("elog wants a known level", "@.elog(3, 'x')", {
    code: "XX000",
    message: "invalid error level",
  }),
  code(
    "the levels are numbers in order",
    "return [DEBUG5, DEBUG4, DEBUG3, DEBUG2, DEBUG1, LOG, INFO, NOTICE, WARNING, ERROR].join()",
    "10,11,12,13,14,15,17,18,19,21",
  ),
  code("quote_literal", `return @.quote_literal("it's \\\\")`, "E'it''s \\\\'", {
    differs: "not there",
  }),
  code(
    "quote_ident",
    `return @.quote_ident('Weird; "x') + @.quote_ident('plain')`,
    '"Weird; ""x"plain',
    { differs: "not there" },
  ),
  code("quote_nullable", "return @.quote_nullable(null) + @.quote_nullable('x')", "NULL'x'", {
    differs: "not there",
  }),
  code("version is a text", "return typeof @.version", "string"),
  code(
    "nothing of Node.js",
    "return [typeof process, typeof require, typeof setTimeout, typeof console, typeof " +
      "TextEncoder].join()",
    "undefined,undefined,undefined,object,undefined",
    { differs: "no console" },
  ),
  code(
    "globalThis is shared between functions",
    "globalThis.kept = 5; return @.find_function('reader')()",
    "5",
    "same",
    "CREATE FUNCTION reader() RETURNS int LANGUAGE # AS $c$ return globalThis.kept $c$;",
  ),
  code("commit in a function", "@.commit()", { code: "2D000" }),
];
