import { type Case, code, numbers } from "./case.ts";

export const ERRORS: readonly Case[] = [
  code("a thrown Error", "throw new Error('went wrong')", {
    code: "XX000",
    message: "went wrong",
    where: "f() LINE 1:  throw new Error",
  }),
  code(
    "a thrown Error with detail and hint",
    "throw Object.assign(new Error('m'), { detail: 'd', hint: 'h' })",
    { code: "XX000", message: "m", detail: "d", hint: "h" },
  ),
  code(
    "another kind of error keeps its name",
    "undefinedFunction()",
    { code: "XX000", message: "ReferenceError: undefinedFunction is not defined" },
    { differs: "QuickJS words it another way" },
  ),
  code("a thrown text", "throw 'text'", { code: "XX000", message: "text" }),
  code("the SQLSTATE of a SQL error that nobody catches", "@.execute('SELECT 1/0')", {
    code: "22012",
    message: "division by zero",
    where: 'SQL statement "SELECT 1/0"',
  }),
  code(
    "fields of a caught SQL error",
    "try { @.execute(\"INSERT INTO numbers VALUES (1, 'again')\") } catch (e) { return [e " +
      "instanceof Error, e.sqlerrcode, e.detail, e.table_name, e.constraint_name].join('|') }",
    "true|23505|Key (id)=(1) already exists.|numbers|numbers_pkey",
    { differs: "message only" },
    numbers,
  ),
  code(
    "a caught SQL error thrown again",
    "try { @.execute(\"INSERT INTO numbers VALUES (1, 'again')\") } catch (e) { throw e }",
    { code: "23505", detail: "Key (id)=(1) already exists." },
    "same",
    numbers,
  ),
  code(
    "going on after a caught SQL error",
    "try { @.execute('SELECT 1/0') } catch (e) { return @.execute('SELECT 5 AS five')[0].five }",
    "5",
  ),
  {
    ...code(
      "a thrown value whose text cannot be had",
      "throw { toString() { throw 1 } }",
      { code: "XX000", message: "unknown exception" },
      { differs: "(null)" },
    ),
    plv8: { leftOut: "ends the server" },
  },
  {
    ...code(
      "a function that calls itself through SQL without end",
      "return @.execute('SELECT pg_temp.f() AS again')[0].again",
      { code: "54001", message: "stack depth limit exceeded" },
      { leftOut: "not tried" },
    ),
    plv8: { leftOut: "ends the server" },
  },
];
