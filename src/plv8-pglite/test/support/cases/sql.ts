import { type Case, code, numbers } from "./case.ts";

export const SQL: readonly Case[] = [
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
