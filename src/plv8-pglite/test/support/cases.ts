/**
 * plv8's behaviour, case by case, in SQL: run on the embedded database and on a server's plv8
 * (3.2.2), which must agree, and on its PLJS: `pljs` says that it agrees, what it does instead
 * (PLJS 1.0.5), or why the case is left out there (some inputs end the server or show foreign
 * memory). Of an error PLJS keeps the text only: it comes as XX000 with the text in DETAIL, and
 * that counts as agreeing. `@` stands for the object (plv8, pljs), `#` for the language.
 */

export interface Outcome {
  /** The value as text; null for SQL NULL. */
  readonly gives?: string | null;
  /** An error: SQLSTATE, and what message, DETAIL, HINT or CONTEXT contain. */
  readonly raises?: {
    readonly code: string;
    readonly message?: string;
    readonly detail?: string;
    readonly hint?: string;
    readonly where?: string;
  };
}

export interface Case extends Outcome {
  readonly about: string;
  readonly setup?: string;
  /** A SELECT of one column and one row. */
  readonly call: string;
  readonly pljs: "same" | { readonly differs: string } | { readonly leftOut: string };
  /** The one warning that comes with it on plv8. */
  readonly warns?: string;
  /** What plv8 itself does instead, so that the case is not tried on it. */
  readonly plv8?: { readonly leftOut: string };
}

type Pljs = Case["pljs"];

const describeValue = `
  const kind = v === null ? 'null' : Array.isArray(v) ? 'Array' : v instanceof Date ? 'Date'
    : v instanceof Uint8Array ? 'Uint8Array' : typeof v;
  return kind + ' ' + (kind === 'bigint' ? String(v)
    : kind === 'Date' ? (isNaN(v) ? 'Invalid' : v.toISOString())
    : kind === 'Uint8Array' ? Array.from(v).join(',')
    : Object.is(v, NaN) ? 'NaN' : JSON.stringify(v));`;

/** What a function is given for an argument. */
function argument(
  type: string,
  value: string,
  gives: string,
  pljs: Pljs = "same",
  before = "",
): Case {
  return {
    about: `argument ${value}::${type}`,
    setup:
      `${before} CREATE FUNCTION pg_temp.f(v ${type}) RETURNS text LANGUAGE # AS $f$ ` +
      `${describeValue} $f$;`,
    call: `SELECT pg_temp.f(${value}::${type})`,
    gives,
    pljs,
  };
}

/** What comes of a returned value. */
function result(
  type: string,
  code: string,
  outcome: string | null | Outcome["raises"],
  pljs: Pljs = "same",
  before = "",
): Case {
  return {
    about: `return ${code} as ${type}`,
    setup:
      `${before} CREATE FUNCTION pg_temp.f() RETURNS ${type} LANGUAGE # AS $f$ return ${code} ` +
      "$f$;",
    call: "SELECT pg_temp.f()::text",
    ...(typeof outcome === "object" && outcome !== null
      ? { raises: outcome }
      : { gives: outcome ?? null }),
    pljs,
  };
}

/** What code gives that returns a text. */
function code(
  about: string,
  body: string,
  outcome: string | null | Outcome["raises"],
  pljs: Pljs = "same",
  setup = "",
  plv8?: Case["plv8"],
): Case {
  return {
    about,
    setup: `${setup} CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE # AS $f$ ${body} $f$;`,
    call: "SELECT pg_temp.f()",
    ...(typeof outcome === "object" && outcome !== null
      ? { raises: outcome }
      : { gives: outcome ?? null }),
    pljs,
    ...(plv8 && { plv8 }),
  };
}

const pair = "CREATE TYPE pair AS (a int, b text);";
const positive = "CREATE DOMAIN positive AS int CHECK (value > 0);";
const numbers =
  "CREATE TABLE numbers (id int PRIMARY KEY, name text); INSERT INTO numbers SELECT i, 'n' " +
  "|| i FROM generate_series(1, 10) i;";

const ARGUMENTS: readonly Case[] = [
  argument("int2", "-5", "number -5"),
  argument("int4", "'-2147483648'", "number -2147483648"),
  argument("int8", "9007199254740993", "bigint 9007199254740993"),
  argument("int8", "7", "bigint 7"),
  argument("float4", "1.5", "number 1.5"),
  argument("float8", "0.1", "number 0.1"),
  argument("float8", "'NaN'", "number NaN"),
  argument("numeric", "1.25", "number 1.25"),
  argument("bool", "false", "boolean false"),
  argument("text", "'q''uo\"te'", 'string "q\'uo\\"te"'),
  argument("text", "U&'\\FEFFbom'", 'string "\ufeffbom"'),
  argument("varchar", "'x'", 'string "x"'),
  argument("char(3)", "'x'", 'string "x  "'),
  argument("bytea", "'\\x00ff'", "Uint8Array 0,255", { differs: "raw bytes in a text" }),
  argument("json", `'{"a":[1,null]}'`, 'object {"a":[1,null]}'),
  argument("jsonb", `'{"b":1,"a":"x"}'`, 'object {"a":"x","b":1}'),
  argument("date", "'2024-02-29'", "Date 2024-02-29T00:00:00.000Z"),
  argument("timestamp", "'2024-02-29 12:00:00.123'", "Date 2024-02-29T12:00:00.123Z"),
  argument("timestamptz", "'2024-02-29 12:00:00+02'", "Date 2024-02-29T10:00:00.000Z"),
  argument("date", "'infinity'", "Date Invalid"),
  argument("oid", "4294967295", "number -1", { differs: "the OID" }),
  argument("int[]", "ARRAY[1, NULL, 3]", "Array [1,null,3]"),
  argument("int[]", "'{}'", "Array []"),
  argument("int[]", "ARRAY[[1, 2], [3, 4]]", "Array [1,2,3,4]"),
  argument("text[]", `'{"a,b","c\\"d",NULL,"NULL"}'`, 'Array ["a,b","c\\"d",null,"NULL"]'),
  argument("pair", "ROW(1, 'x')", 'object {"a":1,"b":"x"}', "same", pair),
  argument(
    "pair[]",
    "ARRAY[ROW(1, 'x')::pair, NULL]",
    'Array [{"a":1,"b":"x"},null]',
    "same",
    pair,
  ),
  argument("positive", "3", 'string "3"', { differs: "the base type's value" }, positive),
  argument("interval", "'1 day'", 'string "1 day"', { leftOut: "PLJS reads raw bytes in a text" }),
  argument(
    "uuid",
    "'00000000-0000-0000-0000-00000000000a'",
    'string "00000000-0000-0000-0000-00000000000a"',
    { differs: "raw bytes in a text" },
  ),
  argument("regclass", "'pg_class'", 'string "pg_class"', { differs: "the OID" }),
  argument("int4range", "'[1,3)'", 'string "[1,3)"', { leftOut: "PLJS reads raw bytes in a text" }),
  argument("int", "NULL", "null null"),
  argument("anyelement", "5", "number 5"),
];

const RESULTS: readonly Case[] = [
  result("int4", "1.9", "1"),
  result("int4", "-1.9", "-1"),
  result("int4", "'12'", "12"),
  result(
    "int4",
    "'x'",
    { code: "22P02", message: 'invalid input syntax for type integer: "x"' },
    { differs: "0" },
  ),
  result("int4", "2 ** 31", "-2147483648"),
  result("int8", "9223372036854775807n", "9223372036854775807"),
  result("int8", "2 ** 53", "9007199254740992"),
  result("numeric", "0.1 + 0.2", "0.3"),
  result("numeric", "123456789012345678901234567890n", "123456789012345678901234567890"),
  result("float8", "0.1 + 0.2", "0.30000000000000004"),
  result("float4", "1.1", "1.1"),
  result("bool", "true", "true"),
  result("bool", "'yes'", "true"),
  result("text", "5", "5"),
  result("text", "[1, 2]", "1,2", { leftOut: "PLJS reads foreign memory" }),
  result("text", "null", null),
  result("text", "undefined", null),
  result("text", "'\\u{1F600}\\u2028'", "\u{1F600}\u2028"),
  result("text", "'a\\0b'", "a"),
  result("text", "'\\ud800x'", "\ufffd\ufffd\ufffdx"),
  result("json", "{ a: [1, undefined] }", '{"a":[1,null]}'),
  result("json", "'[1]'", "[1]", { differs: "a JSON string" }),
  result("json", "'abc'", { code: "22P02" }, { differs: "a JSON string" }),
  result("jsonb", "{ b: 1, a: [true, null] }", '{"a": [true, null], "b": 1}'),
  result("jsonb", "'abc'", '"abc"'),
  result("jsonb", "5", "5"),
  result("jsonb", "[1n]", '["1"]'),
  result("jsonb", "'a\\0b'", '"a"', { differs: "a jsonb that holds a NUL" }),
  result("bytea", "new Uint8Array([0, 255])", "\\x00ff"),
  result("date", "new Date(Date.UTC(2024, 1, 29, 23))", "2024-02-29"),
  result("date", "new Date(-1)", "1970-01-01"),
  result("date", "new Date(NaN)", "-infinity"),
  result("timestamp", "new Date(Date.UTC(2024, 1, 29, 1, 2, 3, 4))", "2024-02-29 01:02:03.004"),
  result("timestamptz", "new Date(NaN)", "2000-01-01 00:00:00+00"),
  result("timestamp", "'2024-01-01'", "2024-01-01 00:00:00", { differs: "NULL" }),
  result("int[]", "[1, null, 3.7]", "{1,NULL,3}"),
  result("int[]", "[]", "{}"),
  result("int[]", "5", { code: "XX000", message: "value is not an Array" }),
  result("text[]", `["a,b", "q'", null, "NULL"]`, `{"a,b",q',NULL,"NULL"}`),
  result("pair", "{ a: 1, b: 'x', more: 2 }", "(1,x)", "same", pair),
  result(
    "pair",
    "{ a: 1 }",
    { code: "XX000", message: "field name / property name mismatch" },
    { differs: "NULL for what is missing" },
    pair,
  ),
  result(
    "pair",
    "5",
    { code: "XX000", message: "argument must be an object" },
    { differs: "a row of NULLs" },
    pair,
  ),
  result("pair[]", "[{ a: 1, b: null }, null]", '{"(1,)",NULL}', "same", pair),
  result("positive", "5", "5", "same", positive),
  result("positive", "-5", { code: "23514" }, { differs: "the value, unchecked" }, positive),
  result("interval", "'1 day'", "1 day", { leftOut: "PLJS reads foreign memory" }),
  result("void", "5", "", { differs: "an error in FROM, a text otherwise" }),
];

const FUNCTIONS: readonly Case[] = [
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

const ERRORS: readonly Case[] = [
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
  code(
    "a thrown value whose text cannot be had",
    "throw { toString() { throw 1 } }",
    { code: "XX000", message: "unknown exception" },
    { differs: "(null)" },
    "",
    { leftOut: "ends the server" },
  ),
  code(
    "a function that calls itself through SQL without end",
    "return @.execute('SELECT pg_temp.f() AS again')[0].again",
    { code: "54001", message: "stack depth limit exceeded" },
    { leftOut: "not tried" },
    "",
    { leftOut: "ends the server" },
  ),
];

const SQL: readonly Case[] = [
  code(
    "rows are an array of objects",
    "return JSON.stringify(@.execute('SELECT id, name FROM numbers WHERE id < 3 ORDER BY id'))",
    '[{"id":1,"name":"n1"},{"id":2,"name":"n2"}]',
    "same",
    numbers,
  ),
  code(
    "rows are of the function's own realm",
    "const rows = @.execute('SELECT ARRAY[1] AS a'); return [rows instanceof Array, rows[0] " +
      "instanceof Object, rows[0].a instanceof Array].join()",
    "true,true,true",
  ),
  code(
    "parameters as an array",
    "return @.execute('SELECT $1::int + $2::int AS sum', [1, 2])[0].sum",
    "3",
  ),
  code(
    "parameters one by one",
    "return @.execute('SELECT $1::int + $2::int AS sum', 1, 2)[0].sum",
    "3",
  ),
  code(
    "types of parameters from the statement",
    "return @.execute('SELECT name FROM numbers WHERE id = $1', ['3'])[0].name",
    "n3",
    "same",
    numbers,
  ),
  code(
    "null as a parameter",
    "return String(@.execute('SELECT $1::int AS nothing', [null])[0].nothing)",
    "null",
    { leftOut: "a null parameter ends PLJS's server" },
  ),
  code(
    "a Date as a parameter",
    "return @.execute('SELECT $1::date::text AS day', [new Date(0)])[0].day",
    "1970-01-01",
    { leftOut: "a Date parameter ends PLJS's server" },
  ),
  code(
    "an array as a parameter",
    "return @.execute('SELECT 2 = ANY ($1::int[]) AS found', [[1, 2]])[0].found",
    "true",
    { leftOut: "PLJS reads foreign memory for parameters of types it does not know" },
  ),
  code(
    "too few parameters",
    "@.execute('SELECT $1::int, $2::int', [1])",
    { code: "XX000", message: "parameter numbers mismatch: 2 != 1" },
    { leftOut: "not tried: PLJS reads parameters that are not there" },
  ),
  code(
    "a parameter of EXPLAIN",
    "return @.execute('EXPLAIN (costs off) SELECT * FROM numbers WHERE id = $1', [1]).length > 0",
    "true",
    "same",
    numbers,
  ),
  code(
    "UPDATE gives the number of rows",
    "return @.execute('UPDATE numbers SET name = name WHERE id < 4')",
    "3",
    "same",
    numbers,
  ),
  code(
    "RETURNING gives rows",
    "return @.execute('DELETE FROM numbers WHERE id < 3 RETURNING id').length",
    "2",
    "same",
    numbers,
  ),
  code("DDL gives 0", "return @.execute('CREATE TABLE made (a int)')", "0"),
  code(
    "count(*) is a BigInt",
    "return typeof @.execute('SELECT count(*) AS n FROM numbers')[0].n",
    "bigint",
    "same",
    numbers,
  ),
  code("transaction commands are refused", "@.execute('BEGIN')", {
    code: "XX000",
    message: "current transaction is aborted, commands ignored until end of transaction block",
  }),
  code(
    "a statement that fails leaves nothing",
    "try { @.execute(\"INSERT INTO numbers VALUES (50, 'x'), (1, 'y')\") } catch (e) {} " +
      "return String(@.execute('SELECT count(*)::int AS n FROM numbers')[0].n)",
    "10",
    "same",
    numbers,
  ),
  code(
    "prepare, execute twice, free",
    "const plan = @.prepare('SELECT name FROM numbers WHERE id = $1', ['int']); const names " +
      "= [plan.execute([1])[0].name, plan.execute([2])[0].name]; plan.free(); return " +
      "names.join()",
    "n1,n2",
    "same",
    numbers,
  ),
  code(
    "prepare without types",
    "const plan = @.prepare('SELECT name FROM numbers WHERE id = $1'); const found = " +
      "plan.execute([3])[0].name; plan.free(); return found",
    "n3",
    { differs: "Unable to prepare parameters" },
    numbers,
  ),
  code(
    "a plan's parameters are counted",
    "const plan = @.prepare('SELECT 1 AS x'); plan.execute([1])",
    { code: "XX000", message: "plan expected 0 argument(s), given is 1" },
    { differs: "other words" },
  ),
  code(
    "a freed plan",
    "const plan = @.prepare('SELECT 1 AS x'); plan.free(); plan.execute()",
    { code: "XX000", message: "plan expected -1 argument(s), given is 0" },
    { leftOut: "not tried: PLJS uses the freed plan" },
  ),
  code(
    "a cursor: one row, several, backward, move, the end",
    `const cursor = @.prepare('SELECT id FROM numbers ORDER BY id').cursor();
     const ids = (rows) => rows.map((row) => row.id);
     const seen = [cursor.fetch().id, ids(cursor.fetch(2)), ids(cursor.fetch(-1))];
     cursor.move(2); seen.push(cursor.fetch().id);
     cursor.move(100); seen.push(cursor.fetch() === undefined); cursor.close();
     return JSON.stringify(seen)`,
    "[1,[2,3],[2],5,true]",
    { differs: "a fetch of several is no array of rows" },
    numbers,
  ),
  code(
    "a closed cursor",
    "const cursor = @.prepare('SELECT 1 AS x').cursor(); cursor.close(); cursor.fetch()",
    { code: "XX000", message: "cannot find cursor" },
    { differs: "other words" },
  ),
  code("subtransaction gives its function's value", "return @.subtransaction(() => 5)", "5"),
  code(
    "subtransaction rolls back on a throw",
    "try { @.subtransaction(() => { @.execute('DELETE FROM numbers'); throw new Error('no') " +
      "}) } catch (e) { return e.message + @.execute('SELECT count(*)::int AS n FROM " +
      "numbers')[0].n }",
    "no10",
    "same",
    numbers,
  ),
  code(
    "subtransaction rolls back on a SQL error",
    "try { @.subtransaction(() => { @.execute('DELETE FROM numbers'); @.execute('SELECT " +
      "1/0') }) } catch (e) { return String(@.execute('SELECT count(*)::int AS n FROM " +
      "numbers')[0].n) }",
    "10",
    "same",
    numbers,
  ),
];

let starts = 0;

/**
 * Of a role whose JavaScript has not started in the session: others' may have. The embedded
 * database has one global scope for all roles.
 */
function start(
  about: string,
  name: string,
  gives: string,
  pljs: Pljs,
  more: { readonly setup?: string; readonly warns?: string } = {},
): Case {
  const mark = `globalThis.begun_${++starts}`;
  return {
    about,
    setup: `CREATE FUNCTION began() RETURNS void LANGUAGE # AS $f$ ${mark} = (${mark} || 0) + 1 $f$;
      CREATE FUNCTION seen() RETURNS text LANGUAGE # AS $f$ return String(${mark}) $f$;
      CREATE ROLE starter;
        ${more.setup ?? ""} SET LOCAL @.start_proc = '${name}'; SET LOCAL ROLE starter;`,
    call: "SELECT seen() || ' ' || seen()",
    gives,
    pljs,
    ...(more.warns !== undefined && { warns: more.warns }),
  };
}

const START: readonly Case[] = [
  start("start_proc runs once, when a role's JavaScript starts", "began", "1 1", "same"),
  start("set to the empty text it is looked up", "", "undefined undefined", "same", {
    warns: "failed to find js function invalid name syntax",
  }),
  start(
    "a function that is not there is a warning",
    "nothing_here",
    "undefined undefined",
    "same",
    { warns: 'failed to find js function function "nothing_here" does not exist' },
  ),
  start("so is one that the role may not execute", "began", "undefined undefined", "same", {
    setup: "REVOKE ALL ON FUNCTION began() FROM PUBLIC;",
    warns: "failed to find js function began",
  }),
  start("one of another language is nothing", "others.began", "undefined undefined", "same", {
    setup:
      "CREATE SCHEMA others; GRANT USAGE ON SCHEMA others TO PUBLIC; CREATE FUNCTION " +
      "others.began() RETURNS void LANGUAGE sql AS '';",
  }),
];

const identity = `
  class Mine extends Error {
    constructor(message) {
      super(message); this.name = 'Mine'; this.document = { sqlstate: 'RV001' };
    }
  }
  const thrown = new Mine('words');`;
const canceled =
  "@.execute(\"DO $do$ BEGIN RAISE EXCEPTION USING ERRCODE = 'query_canceled', MESSAGE = " +
  "'canceled'; END $do$\")";
const swallow =
  "CREATE FUNCTION pg_temp.swallow() RETURNS text LANGUAGE plpgsql AS $s$ BEGIN RETURN " +
  "pg_temp.f(); EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $s$;";

/**
 * A cancel is what SQL raises with SQLSTATE 57014; WHEN OTHERS lets it pass. Lost on the way it is
 * swallowed, and the statement goes on.
 */
function cancel(
  about: string,
  body: string,
  outcome: string | Outcome["raises"],
  pljs: Pljs,
): Case {
  return { ...code(about, body, outcome, pljs, swallow), call: "SELECT pg_temp.swallow()" };
}

const SUBTRANSACTION: readonly Case[] = [
  code(
    "an error comes out of subtransaction as another one",
    `${identity} try { @.subtransaction(() => { throw thrown }) } catch (e) { return [e === ` +
      "thrown, e instanceof Mine, e instanceof Error, typeof e.document, e.message].join() }",
    "false,false,true,undefined,Mine: words",
    { differs: "the error itself" },
  ),
  code(
    "and so does a SQL error",
    "try { @.subtransaction(() => { @.execute('SELECT 1/0') }) } catch (e) { return " +
      "[e.message, e.sqlerrcode, e.code].join() }",
    "division by zero,,",
  ),
  code("which nobody catches", "@.subtransaction(() => { @.execute('SELECT 1/0') })", {
    code: "XX000",
    message: "division by zero",
  }),
  code(
    "a text comes out as an Error",
    "try { @.subtransaction(() => { throw 'words' }) } catch (e) { return e instanceof Error " +
      "&& e.message }",
    "words",
    { differs: "the text" },
  ),
  code(
    "kept inside and thrown again outside it is itself",
    `${identity} let kept; try { try { @.subtransaction(() => { try { throw thrown } catch ` +
      "(e) { kept = e; throw e } }) } catch (e) { throw kept } } catch (e) { return [e === " +
      "thrown, e.document.sqlstate].join() }",
    "true,RV001",
  ),
];

const CANCEL: readonly Case[] = [
  cancel(
    "a cancel is no error for WHEN OTHERS",
    canceled,
    { code: "57014", message: "canceled" },
    { differs: "XX000, swallowed" },
  ),
  cancel(
    "nor is one that was caught and thrown again",
    `try { ${canceled} } catch (e) { throw e }`,
    { code: "57014", message: "canceled" },
    { differs: "XX000, swallowed" },
  ),
  cancel(
    "out of subtransaction it is, and is swallowed",
    `@.subtransaction(() => { ${canceled} })`,
    "XX000 canceled",
    { differs: "other words" },
  ),
  cancel(
    "kept inside and thrown again outside it is not",
    `let kept; try { @.subtransaction(() => { try { ${canceled} } catch (e) { kept = e; ` +
      "throw e } }) } catch (e) { throw kept }",
    { code: "57014", message: "canceled" },
    { differs: "XX000, swallowed" },
  ),
];

const callee =
  "CREATE FUNCTION callee(a int) RETURNS int LANGUAGE # AS $c$ return a * a $c$; CREATE " +
  "FUNCTION other(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';";

const OBJECT: readonly Case[] = [
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

export const CASES: Readonly<Record<string, readonly Case[]>> = {
  ARGUMENTS,
  RESULTS,
  FUNCTIONS,
  ERRORS,
  SQL,
  START,
  SUBTRANSACTION,
  CANCEL,
  OBJECT,
};

export const inLanguage = (text: string, language: "plv8" | "pljs"): string =>
  text.replaceAll("@", language).replaceAll("#", language);
