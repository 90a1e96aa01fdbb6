/**
 * Whoever calls, and whoever may create objects: names that mean something else, settings that run
 * code, objects that stand where ours are to be.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { configure, HOT, IN_ONE_GO, makeTable } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
const mallory = `ruvector_test_${process.pid}_mallory`;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...IN_ONE_GO, learning_enabled: false });
  await makeTable(db, { rows: HOT });
  await db.client.query(`CREATE ROLE ${mallory}; CREATE SCHEMA evil AUTHORIZATION ${mallory};
      GRANT CREATE ON SCHEMA public TO ${mallory};
    CREATE TABLE evil.log (what text, ran_as name); GRANT INSERT ON evil.log TO PUBLIC;
      GRANT USAGE ON SCHEMA evil TO PUBLIC`);
});

afterAll(async () => {
  await db.client.query(`DROP OWNED BY ${mallory} CASCADE; DROP ROLE ${mallory}`);
});

describe("names that mean something else on the caller's search_path", () => {
  const CALLS = [
    "SELECT public.ruvector_healing_register('public.embeddings', '{\"movable\": true}')",
    "SELECT public.ruvector_integrity_sample('public.embeddings')",
    "SELECT public.ruvector_healing_execute('public.embeddings', 'rebalance_partitions')",
    "CALL public.ruvector_healing_tick()",
    "SELECT public.ruvector_healing_rollback('public.embeddings')",
    "CALL public.ruvector_healing_tick()",
    "SELECT public.ruvector_healing_status()",
    "SELECT * FROM public.ruvector_healing_history()",
    "SELECT public.ruvector_healing_explain(1)",
    "SELECT * FROM public.ruvector_healing_effectiveness()",
    "SELECT * FROM public.ruvector_integrity_status()",
    "SELECT * FROM public.ruvector_integrity_history()",
    "SELECT public.ruvector_integrity_gate('public.embeddings', 'insert')",
    "SELECT public.ruvector_contracted_graph('public.embeddings')",
    "SELECT * FROM public.ruvector_healing_config()",
    "SELECT * FROM public.ruvector_healing_rights()",
    "SELECT public.ruvector_healing_route('public.embeddings', 'x')",
    "SELECT * FROM public.ruvector_healing_recall('public.embeddings')",
    "SELECT public.ruvector_healing_configure('{\"max_attempts_per_hour\": 5}')",
    "SELECT * FROM public.ruvector_healing_decisions()",
    "SELECT public.ruvector_healing_metrics()",
    `SELECT public.ruvector_healing_grant('${mallory}', 'viewer')`,
    `SELECT public.ruvector_healing_revoke('${mallory}')`,
  ];

  it("are never asked: functions, operators, types, temporary tables of one name", async () => {
    await db.client.query(`SET ROLE ${mallory}; SET check_function_bodies = off;
      CREATE FUNCTION evil.note(what text) RETURNS boolean
        LANGUAGE plpgsql SET search_path = pg_catalog AS $$ BEGIN INSERT INTO evil.log
        VALUES (what, current_user); RETURN true; END $$;
      CREATE FUNCTION evil.now() RETURNS pg_catalog.timestamptz LANGUAGE sql AS $$
        SELECT CASE WHEN evil.note('now') THEN pg_catalog.now() END $$;
      CREATE FUNCTION evil.clock_timestamp() RETURNS pg_catalog.timestamptz LANGUAGE sql AS $$
        SELECT CASE WHEN evil.note('clock_timestamp') THEN pg_catalog.clock_timestamp() END $$;
      CREATE FUNCTION evil.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$
        SELECT evil.note('format')::text $$;
      CREATE FUNCTION evil.jsonb_build_object(text, text) RETURNS pg_catalog.jsonb
        LANGUAGE sql AS $$ SELECT CASE WHEN evil.note('jsonb_build_object')
        THEN '{}'::pg_catalog.jsonb END $$;
      CREATE FUNCTION evil.left(text, int) RETURNS text LANGUAGE sql AS $$
        SELECT evil.note('left')::text $$;
      CREATE FUNCTION evil.array_length(anyarray, int) RETURNS int LANGUAGE sql AS $$
        SELECT evil.note('array_length')::int $$;
      CREATE FUNCTION evil.coalesce(text, text) RETURNS text LANGUAGE sql AS $$
        SELECT evil.note('coalesce')::text $$;
      CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE sql AS $$
        SELECT evil.note('=') $$;
      CREATE FUNCTION evil.eq_int(int, int) RETURNS boolean LANGUAGE sql AS $$
        SELECT evil.note('= int') $$;
      CREATE FUNCTION evil.minus(pg_catalog.timestamptz, pg_catalog.timestamptz) RETURNS interval
        LANGUAGE sql AS $$ SELECT CASE WHEN evil.note('-') THEN interval '0' END $$;
      CREATE FUNCTION evil.has(jsonb, text) RETURNS boolean LANGUAGE sql AS $$
        SELECT evil.note('?') $$;
      CREATE FUNCTION evil.more(int, int) RETURNS boolean LANGUAGE sql AS $$
        SELECT evil.note('>') $$;
      CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
      CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.eq_int);
      CREATE OPERATOR evil.> (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.more);
      CREATE OPERATOR evil.- (LEFTARG = pg_catalog.timestamptz, RIGHTARG = pg_catalog.timestamptz,
        FUNCTION = evil.minus);
      CREATE OPERATOR evil.? (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = evil.has);
      CREATE DOMAIN evil.timestamptz AS pg_catalog.timestamptz CHECK (evil.note('timestamptz'));
      CREATE DOMAIN evil.text AS pg_catalog.text CHECK (evil.note('text'));
      CREATE DOMAIN evil.jsonb AS pg_catalog.jsonb CHECK (evil.note('jsonb'));
      RESET ROLE`);
    const hostile = await db.connect();
    // The installing role itself, with such a path, and with temporary objects of our names: what
    // is not pinned would run as it.
    await hostile.query(`CREATE TEMP TABLE collections (x int);
      CREATE TEMP TABLE healing_actions (x int); CREATE TEMP TABLE pg_class (x int);
      CREATE TEMP TABLE pg_roles (x int);
      SET search_path = evil, pg_catalog, public`);
    for (const call of CALLS) await hostile.query(call);
    expect(await db.rows("SELECT DISTINCT what FROM evil.log")).toEqual([]);
    expect(await db.value("SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
  });
});

describe("settings of the caller that run code", () => {
  it("the engine's start_proc starts no function of the caller in our JavaScript", async () => {
    const language = inject("language");
    await db.client.query(`
      GRANT USAGE ON LANGUAGE ${language} TO ${mallory};
        SELECT ruvector_healing_grant('${mallory}', 'viewer'); SET ROLE ${mallory};
      CREATE FUNCTION evil.start() RETURNS void
        LANGUAGE ${language} AS $$ throw new Error("started in the JavaScript of another role"); $$;
        RESET ROLE`);
    const session = await db.connect();
    await session.query(`SET ROLE ${mallory}; SET ${language}.start_proc = 'evil.start'`);
    expect(
      (await session.query("SELECT ruvector_contracted_graph('embeddings') ->> 'nodes' AS nodes"))
        .rows[0].nodes,
    ).toContain("partition");
    // That it would start something: in mallory's own JavaScript it does.
    const { message, detail } = await raised(session, `DO LANGUAGE ${language} $$ var x = 1; $$`);
    expect(`${message} ${detail}`).toContain("started in the JavaScript of another role");
  });

  it.runIf(inject("language") === "plv8")("v8_flags are not the caller's", async () => {
    await db.client.query(`SELECT ruvector_healing_grant('${mallory}', 'viewer')`);
    const asked = "SELECT ruvector_contracted_graph('embeddings') ->> 'lambda' IS NULL AS nothing";
    const flags = "SET plv8.v8_flags = '--disallow-code-generation-from-strings'";
    const session = await db.connect();
    await session.query(`${flags}; SET ROLE ${mallory}`);
    await session.query(asked);
    // That they would bite: where the caller's own JavaScript was first.
    const other = await db.connect();
    await other.query(`${flags}; DO LANGUAGE plv8 $$ var x = 1; $$`);
    expect((await raised(other, asked)).message).toContain("Code generation");
  });

  it("to keep it so says nothing: no warning in a new session, nor in a tick's log", async () => {
    const session = await db.connect();
    const said: string[] = [];
    session.on("notice", ({ message }) => said.push(String(message)));
    await session.query("SELECT ruvector_integrity_sample('embeddings')");
    await session.query("CALL ruvector_healing_tick()");
    expect(said.filter((message) => /not closed|start_proc|failed to find/.test(message))).toEqual(
      [],
    );
  });
});

describe("what others changed for all JavaScript of the role's session", () => {
  const language = inject("language");
  const CHANGES = [
    ["Object.prototype.extra = 'x'", "Object.prototype.extra"],
    ["Object.defineProperty(Object.prototype, 'get', { value: 1 })", "Object.prototype.get"],
    ["Object.prototype.value = 5", "Object.prototype.value"],
    ["Object.prototype.error = 'x'", "Object.prototype.error"],
    ["Array.prototype.toJSON = function () { return 'x' }", "Array.prototype.toJSON"],
    ["Object.prototype.toJSON = function () { return {} }", "Object.prototype.toJSON"],
    ["Object.prototype['a\"b'] = 1", "Object.prototype.a?b"],
  ];
  const CALLS = [
    "SELECT ruvector_contracted_graph('embeddings')",
    "SELECT ruvector_healing_configure('{\"nope\": 1}')",
  ];

  it.each(CHANGES)("%s: is said, and nothing is done", async (change, named) => {
    for (const before of [true, false]) {
      const session = await db.connect();
      if (!before) await session.query(CALLS[0]!);
      await session.query(`DO LANGUAGE ${language} $js$ ${change} $js$`);
      for (const call of CALLS)
        expect(await raised(session, call)).toMatchObject({
          code: "RV039",
          detail: `There is ${named}.`,
          hint: expect.stringContaining("new connection"),
        });
    }
  });

  it("what nothing of ours meets is no matter: frozen prototypes, more methods", async () => {
    const session = await db.connect();
    await session.query(`DO LANGUAGE ${language} $$
      Array.prototype.last = function () { return this[this.length - 1]; };
      BigInt.prototype.toJSON = function () { return String(this); };
      for (const each of [Object, Array, Error, Function, Map]) Object.freeze(each.prototype); $$`);
    await session.query(CALLS[0]!);
    expect((await raised(session, CALLS[1]!)).code).toBe("RV005");
  });
});

describe("a caller deep within functions that call each other", () => {
  it("is refused before JavaScript starts: at 400 levels plv8 would end the server", async () => {
    const session = await db.connect();
    await session.query(`CREATE FUNCTION pg_temp.deep(levels int) RETURNS text
        LANGUAGE plpgsql AS $$
      BEGIN
        IF levels = 0 THEN
          RETURN ruvector_contracted_graph('embeddings') ->> 'lambda';
        END IF;
        RETURN pg_temp.deep(levels - 1);
      END $$`);
    await session.query("SELECT pg_temp.deep(20)");
    expect(await raised(session, "SELECT pg_temp.deep(60)")).toMatchObject({
      code: "54001",
      message: "called too deep within other functions to start JavaScript",
      hint: expect.stringContaining("outside of the recursion"),
    });
  });
});

describe("objects of others where ours are to be", () => {
  const script = () =>
    readFile(join(root, `dist/ruvector_healing.${inject("language")}.sql`), "utf8");
  const remove = `DROP SCHEMA ruvector CASCADE;
    DO $$ DECLARE r regprocedure; BEGIN FOR r IN SELECT oid FROM pg_proc
      WHERE proname LIKE 'ruvector\\_%' LOOP
      EXECUTE format('DROP ROUTINE %s', r); END LOOP; END $$`;
  const plants: readonly (readonly [string, string, RegExp])[] = [
    [
      "the schema",
      `CREATE SCHEMA ruvector AUTHORIZATION ${mallory}`,
      /^schema ruvector belongs to/,
    ],
    [
      "a table",
      `CREATE SCHEMA ruvector; GRANT ALL ON SCHEMA ruvector TO ${mallory}; SET ROLE ` +
        `${mallory}; CREATE TABLE ruvector.collections (x int); RESET ROLE`,
      /^relation ruvector\.collections belongs to/,
    ],
    [
      "a function",
      `SET ROLE ${mallory}; CREATE FUNCTION public.ruvector_healing_status(collection text ` +
        "DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$; RESET ROLE",
      /^routine ruvector_healing_status\(text\) belongs to/,
    ],
    [
      "an overload of one",
      `SET ROLE ${mallory}; CREATE FUNCTION public.ruvector_healing_abort(action_id int) ` +
        "RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$; RESET ROLE",
      /^routine ruvector_healing_abort\(integer\) belongs to/,
    ],
  ];
  it.each(plants)("%s stops the installation", async (_, plant, message) => {
    await db.client.query(`BEGIN; ${remove}; ${plant}`);
    const error = await raised(db.client, await script());
    await db.client.query("ROLLBACK");
    expect(error).toMatchObject({
      code: "RV032",
      detail: expect.stringContaining("must belong to one role"),
    });
    expect(error.message).toMatch(message);
    expect(error.hint).toContain(mallory);
  });
});
