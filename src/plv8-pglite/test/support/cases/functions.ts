import { type Case, code, pair } from "./case.ts";

export const FUNCTIONS: readonly Case[] = [
  {
    about: "arguments without a name are $1, $2",
    setup:
      "CREATE FUNCTION pg_temp.f(int, text) RETURNS text LANGUAGE # AS $f$ return $1 + $2 $f$;",
    call: "SELECT pg_temp.f(1, 'x')",
    gives: "1x",
    pljs: "same",
  },
  {
    about: "STRICT is not called with NULL",
    setup: "CREATE FUNCTION pg_temp.f(a int) RETURNS int STRICT LANGUAGE # AS $f$ return 1 $f$;",
    call: "SELECT pg_temp.f(NULL)::text",
    gives: null,
    pljs: "same",
  },
  {
    about: "VARIADIC comes as an array",
    setup:
      "CREATE FUNCTION pg_temp.f(VARIADIC a int[]) RETURNS int LANGUAGE # AS $f$ return " +
      "a.length $f$;",
    call: "SELECT pg_temp.f(1, 2, 3)::text",
    gives: "3",
    pljs: "same",
  },
  {
    about: "polymorphic array",
    setup:
      "CREATE FUNCTION pg_temp.f(a anyarray) RETURNS anyarray LANGUAGE # AS $f$ return " +
      "a.reverse() $f$;",
    call: "SELECT pg_temp.f(ARRAY['a', 'b'])::text",
    gives: "{b,a}",
    pljs: "same",
  },
  {
    about: "one OUT parameter",
    setup: "CREATE FUNCTION pg_temp.f(a int, OUT b int) LANGUAGE # AS $f$ return a + 1 $f$;",
    call: "SELECT pg_temp.f(1)::text",
    gives: "2",
    pljs: "same",
  },
  {
    about: "several OUT parameters",
    setup:
      "CREATE FUNCTION pg_temp.f(a int, OUT b int, OUT c text) LANGUAGE # AS $f$ return { b: " +
      "a, c: 'x' } $f$;",
    call: "SELECT pg_temp.f(1)::text",
    raises: { code: "0A000", message: "input of anonymous composite types is not implemented" },
    pljs: { differs: "the row" },
  },
  {
    about: "RETURNS record with columns at the call",
    setup:
      "CREATE FUNCTION pg_temp.f() RETURNS record LANGUAGE # AS $f$ return { x: 1, y: 'z' } $f$;",
    call: "SELECT x || y FROM pg_temp.f() AS r (x int, y text)",
    raises: { code: "0A000", message: "input of anonymous composite types is not implemented" },
    pljs: { differs: "the row" },
  },
  {
    about: "SETOF a scalar: return_next, then the returned array",
    setup:
      "CREATE FUNCTION pg_temp.f() RETURNS SETOF int LANGUAGE # AS $f$ @.return_next(1); " +
      "@.return_next(null); return [3, 4] $f$;",
    call: "SELECT string_agg(coalesce(f::text, '-'), ',') FROM pg_temp.f()",
    gives: "1,-,3,4",
    pljs: { leftOut: "return_next(null) ends PLJS's server" },
  },
  {
    about: "SETOF in the select list",
    setup:
      "CREATE FUNCTION pg_temp.f() RETURNS SETOF int LANGUAGE # AS $f$ @.return_next(1); " +
      "return [2] $f$;",
    call: "SELECT count(*)::text FROM (SELECT pg_temp.f()) f",
    gives: "2",
    pljs: "same",
  },
  {
    about: "SETOF that returns nothing is empty",
    setup: "CREATE FUNCTION pg_temp.f() RETURNS SETOF int LANGUAGE # AS $f$ $f$;",
    call: "SELECT count(*)::text FROM pg_temp.f()",
    gives: "0",
    pljs: "same",
  },
  {
    about: "SETOF a row type",
    setup:
      `${pair} CREATE FUNCTION pg_temp.f() RETURNS SETOF pair LANGUAGE # AS $f$ ` +
      "@.return_next({ a: 1, b: 'x' }); return [{ a: 2, b: null }] $f$;",
    call: "SELECT json_agg(f)::text FROM pg_temp.f()",
    gives: '[{"a":1,"b":"x"}, \n {"a":2,"b":null}]',
    pljs: { differs: "a returned array is one row" },
  },
  {
    about: "RETURNS TABLE",
    setup:
      "CREATE FUNCTION pg_temp.f(n int) RETURNS TABLE (a int, b text[]) LANGUAGE # AS $f$ " +
      "for (let i = 0; i < n; i++) @.return_next({ a: i, b: ['x', null] }) $f$;",
    call: "SELECT json_agg(f)::text FROM pg_temp.f(2) f",
    gives: '[{"a":0,"b":["x",null]}, \n {"a":1,"b":["x",null]}]',
    pljs: "same",
  },
  {
    about: "a row that lacks a column is an error that can be caught",
    setup:
      `${pair} CREATE FUNCTION pg_temp.f() RETURNS SETOF pair LANGUAGE # AS $f$ try { ` +
      "@.return_next({ a: 1 }) } catch (e) { return [{ a: 2, b: e.message }] } $f$;",
    call: "SELECT b FROM pg_temp.f()",
    gives: "field name / property name mismatch",
    pljs: { differs: "NULL for what is missing" },
  },
  code("return_next outside of a set", "@.return_next(1)", {
    code: "XX000",
    message: "return_next called in context that cannot accept a set",
  }),
  {
    about: "CREATE FUNCTION refuses code that does not compile",
    setup: "",
    call: "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE # AS $f$ retrn 1 x $f$",
    raises: { code: "XX000", message: "SyntaxError" },
    pljs: { differs: "the function is made" },
  },
  {
    about: "code that closes the function and begins another",
    setup:
      "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE # AS $f$ return 1 }); (function () { " +
      "return 2 $f$",
    call: "SELECT pg_temp.f()::text",
    gives: "2",
    pljs: { differs: "does not compile, when it is called" },
  },
  {
    about: "CREATE FUNCTION refuses code that closes the function and leaves none",
    setup: "",
    call: "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE # AS $f$ }); ({ $f$",
    raises: { code: "XX000", message: "SyntaxError" },
    pljs: { differs: "the function is made" },
    plv8: { leftOut: "calling it ends the server" },
  },
  {
    about: "CREATE FUNCTION refuses cstring",
    setup: "",
    call: "CREATE FUNCTION pg_temp.f(a cstring) RETURNS int LANGUAGE # AS $f$ $f$",
    raises: { code: "0A000", message: "cannot accept type cstring" },
    pljs: { differs: "the function is made" },
  },
];
