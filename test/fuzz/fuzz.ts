/**
 * Every ruvector_* function of the catalogue, called with generated arguments. Only documented
 * SQLSTATEs may come back, and nothing may die. Calls go in batches through a PL/pgSQL function
 * that catches what each raises and takes back what it did; a share is called for good, and ticks
 * run in between.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { root } from "../../build/project.ts";
import { SETTLED } from "../../src/configuration/settings.ts";
import { type Random, random } from "../chaos/random.ts";
import { argument, type Known } from "./values.ts";

export interface FuzzOptions {
  readonly url: string;
  readonly seed: number;
  /** Argument sets for each function. */
  readonly count: number;
  /** Only functions whose name contains it. */
  readonly only?: string;
  readonly log: (line: string) => void;
}

export interface Finding {
  readonly sqlstate: string;
  readonly message: string;
  readonly statement: string;
}

export interface FunctionResult {
  readonly name: string;
  readonly calls: number;
  /** How often each SQLSTATE came; "ok" where there was no error. */
  readonly states: Readonly<Record<string, number>>;
  readonly slowest_ms: number;
  readonly findings: readonly Finding[];
  /** One of each of PostgreSQL's own errors that came through. */
  readonly own: readonly Finding[];
}

interface Routine {
  readonly oid: string;
  readonly name: string;
  readonly qualified: string;
  readonly types: readonly string[];
  readonly names: readonly string[];
  readonly defaults: number;
  readonly comment: string;
  readonly variadic: boolean;
}

/**
 * PostgreSQL's own that may come through: what a value cannot be (class 22), what the caller may
 * not do, what is not there on this server, a lock that is not waited for, a race that is to be
 * retried, a cancel, and limits on depth or size (class 54).
 */
const OWN = /^(22\w{3}|54\w{3}|42501|0A000|55P03|40001|57014)$/;

const BATCH = 100;

/**
 * Called for good: so many of a hundred, and never what would start a loop of its own beside this
 * one.
 */
const FOR_GOOD = 0.04;
const NEVER_FOR_GOOD = /schedule|configure|uninstall/;

type Base = Omit<Known, "words" | "templates" | "ids"> & { readonly ids: string[] };

const HARNESS = `
  CREATE SCHEMA IF NOT EXISTS fuzz;
  CREATE OR REPLACE FUNCTION fuzz.batch(statements text[], for_good boolean[]) RETURNS jsonb
    LANGUAGE plpgsql AS $fuzz$
  DECLARE
    answers jsonb := '[]';
    began timestamptz;
    state text; said text; detail_ text; hint_ text;
  BEGIN
    FOR place IN 1 .. array_length(statements, 1) LOOP
      began := clock_timestamp();
      state := 'ok'; said := NULL; detail_ := NULL; hint_ := NULL;
      BEGIN
        EXECUTE statements[place];
        IF NOT for_good[place] THEN
          RAISE EXCEPTION USING ERRCODE = 'FZ000';
        END IF;
      EXCEPTION WHEN OTHERS THEN
        IF SQLSTATE <> 'FZ000' THEN
          GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT,
            detail_ = PG_EXCEPTION_DETAIL, hint_ = PG_EXCEPTION_HINT;
        END IF;
      END;
      answers := answers || jsonb_build_array(jsonb_build_array(state, left(said, 500),
        left(detail_, 2000), left(hint_, 2000), extract(epoch
        FROM clock_timestamp() - began) * 1000));
    END LOOP;
    RETURN answers;
  END $fuzz$`;

type Answer = readonly [
  sqlstate: string,
  message: string | null,
  detail: string | null,
  hint: string | null,
  ms: number,
];

/** SQLSTATEs of docs/errors.md, without the one that says "a defect". */
export async function documented(): Promise<Set<string>> {
  const page = await readFile(join(root, "docs/errors.md"), "utf8");
  return new Set(
    [...page.matchAll(/^\| (RV\d{3}) /gm)]
      .map(([, state]) => state!)
      .filter((state) => state !== "RV999"),
  );
}

export async function fuzz(options: FuzzOptions): Promise<FunctionResult[]> {
  const client = await connected(options.url);
  await client.query(HARNESS);
  const known = await prepare(client);
  const allowed = await documented();
  const routines = (await catalogue(client)).filter(
    ({ name }) => options.only === undefined || name.includes(options.only),
  );
  const results: FunctionResult[] = [];
  const session = { client };
  for (const routine of routines) {
    const result = await one(session, routine, options, known, allowed);
    options.log(
      `${routine.name}: ${result.calls} calls, ${Object.entries(result.states)
        .sort(([, a], [, b]) => b - a)
        .map(([state, count]) => `${count} ${state}`)
        .join(", ")}; slowest ${Math.round(result.slowest_ms)} ms`,
    );
    for (const { sqlstate, message, statement } of result.findings)
      options.log(`  FOUND ${sqlstate}: ${message}\n    ${statement.slice(0, 600)}`);
    for (const { sqlstate, message, statement } of result.own)
      options.log(`  PostgreSQL's own ${sqlstate}: ${message}\n    ${statement.slice(0, 300)}`);
    results.push(result);
  }
  await session.client.end();
  return results;
}

async function one(
  session: { client: pg.Client },
  routine: Routine,
  options: FuzzOptions,
  database: Base,
  allowed: ReadonlySet<string>,
): Promise<FunctionResult> {
  const choices = random(options.seed, routine.qualified, routine.types.join());
  const known: Known = {
    ...database,
    words: new Set(routine.names),
    templates: new Set(documentsIn(routine.comment)),
  };
  const states: Record<string, number> = {};
  const findings = new Map<string, Finding>();
  const own = new Map<string, Finding>();
  let slowest = 0;
  const judge = (statement: string, [state, message, detail, hint, ms]: Answer): void => {
    states[state] = (states[state] ?? 0) + 1;
    slowest = Math.max(slowest, ms);
    for (const word of (hint ?? "").match(/[a-z][a-z0-9_]{2,40}/g) ?? [])
      if (known.words.size < 150) known.words.add(word);
    for (const one of documentsIn(hint ?? ""))
      if (known.templates.size < 50) known.templates.add(one);
    if (state === "ok" || allowed.has(state)) return;
    const key = `${state} ${(message ?? "").replace(/\d+|"[^"]*"/g, "#").slice(0, 80)}`;
    const kept = OWN.test(state) ? own : findings;
    if (!kept.has(key))
      kept.set(key, {
        sqlstate: state,
        message: `${message ?? ""} ${(detail ?? "").slice(0, 300)}`,
        statement,
      });
  };
  const total = routine.types.length === 0 ? Math.min(options.count, 100) : options.count;
  for (let done = 0; done < total; done += BATCH) {
    const statements = Array.from({ length: Math.min(BATCH, total - done) }, () =>
      call(choices, routine, known),
    );
    const forGood = statements.map(
      () => !NEVER_FOR_GOOD.test(routine.name) && choices.chance(FOR_GOOD),
    );
    try {
      const { rows } = await session.client.query<{ answers: Answer[] }>(
        "SELECT fuzz.batch($1, $2) AS answers",
        [statements, forGood],
      );
      rows[0]!.answers.forEach((answer, place) => judge(statements[place]!, answer));
    } catch (error) {
      // The batch itself failed: one by one, to know which; what ends the session is found by that.
      options.log(`  a batch of ${routine.name} failed: ${(error as Error).message}`);
      for (const statement of statements)
        judge(statement, await alone(session, options.url, statement));
    }
    await between(session.client, database);
  }
  return {
    name: routine.qualified,
    calls: Object.values(states).reduce((sum, count) => sum + count, 0),
    states,
    slowest_ms: slowest,
    findings: [...findings.values()],
    own: [...own.values()],
  };
}

async function alone(
  session: { client: pg.Client },
  url: string,
  statement: string,
): Promise<Answer> {
  const began = Date.now();
  try {
    await session.client.query("SELECT 1");
  } catch {
    await session.client.end().catch(() => undefined);
    session.client = await connected(url);
  }
  try {
    await session.client.query(`BEGIN; ${statement}; ROLLBACK`);
    return ["ok", null, null, null, Date.now() - began];
  } catch (error) {
    const { code, message, detail, hint } = error as pg.DatabaseError;
    await session.client.query("ROLLBACK").catch(() => undefined);
    return [code ?? "dead backend", message, detail ?? null, hint ?? null, Date.now() - began];
  }
}

/** Time goes on: a real tick, so that actions are in all kinds of states. */
async function between(client: pg.Client, { ids }: Base): Promise<void> {
  await client.query("CALL ruvector_healing_tick()");
  // Those that were unregistered for good.
  await client.query(
    `SELECT ruvector_healing_register(name, '{"movable": true}') FROM unnest($1::text[]) name
      WHERE to_regclass(name) IS NOT NULL
                         AND NOT EXISTS (SELECT FROM ruvector.collections c
                           WHERE to_regclass(format('%I.%I', c.schema_name, c.table_name))
                           = to_regclass(name))`,
    [REGISTERED],
  );
  const { rows } = await client.query<{ id: string }>(`
    (SELECT id::text FROM ruvector.healing_actions ORDER BY healing_actions.id DESC LIMIT 10)
      UNION (SELECT id::text FROM ruvector.healing_actuations
      ORDER BY healing_actuations.id DESC LIMIT 5) ORDER BY 1`);
  ids.splice(0, ids.length, ...rows.map(({ id }) => id));
}

/** JSON objects between single quotes. */
const documentsIn = (said: string): string[] =>
  [...said.matchAll(/'(\{[^']+\})'/g)]
    .map(([, one]) => one!)
    .filter((one) => {
      try {
        return typeof JSON.parse(one) === "object";
      } catch {
        return false;
      }
    });

function call(
  choices: Random,
  { qualified, types, names, defaults, variadic }: Routine,
  known: Known,
): string {
  const left = choices.chance(0.2) ? choices.int(0, defaults) : 0;
  const given = types
    .slice(0, types.length - left)
    .map((type, place) => argument(choices, known, type, names[place] ?? ""));
  const named =
    names.length === types.length && names.every((name) => name !== "") && choices.chance(0.1);
  const written = given.map((value, place) => {
    const spread = variadic && place === types.length - 1 ? "VARIADIC " : "";
    return `${spread}${named ? `"${names[place]}" := ` : ""}${value}`;
  });
  return `SELECT * FROM ${qualified}(${written.join(", ")})`;
}

/**
 * All of them, in whatever schema; a procedure commits and is called for itself, a trigger function
 * by its trigger.
 */
const catalogue = async (client: pg.Client): Promise<Routine[]> =>
  (
    await client.query<Routine>(`
    SELECT p.oid::text, p.proname AS name, format('%I.%I', n.nspname, p.proname) AS qualified,
      p.pronargdefaults AS defaults,
           p.provariadic <> 0 AS variadic, coalesce(obj_description(p.oid, 'pg_proc'),
             '') AS comment,
           ARRAY(SELECT format_type(t.type, NULL)
             FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY t(type, place)
             ORDER BY place) AS types,
           (coalesce(p.proargnames, '{}'::text[]))[1:p.pronargs] AS names
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.proname LIKE 'ruvector\\_%' AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
       ORDER BY p.proname, p.oid`)
  ).rows;

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/**
 * Collections with usual and hostile names, tables that are none, actions that ended and one that
 * waits.
 */
const HOSTILE = `fuzz."we""ird.\u540d '; T"`;
const REGISTERED = ["fuzz.embeddings", HOSTILE, "fuzz.plain"];

async function prepare(client: pg.Client): Promise<Base> {
  for (const [table, rows] of [
    ["fuzz.embeddings", 400],
    [HOSTILE, 60],
  ] as const) {
    await client.query(`
      CREATE TABLE ${table} (id bigint, partition_id int, tenant text, payload text,
        used_at timestamptz DEFAULT now(), embedding vector(4), PRIMARY KEY (partition_id, id))
        PARTITION BY LIST (partition_id)`);
    for (const key of [0, 1, 2, 3])
      await client.query(
        `CREATE TABLE fuzz.${rows === 400 ? `embeddings_p${key}` : `"p ${key}"`}
          PARTITION OF ${table} FOR VALUES IN (${key})`,
      );
    await client.query(
      `INSERT INTO ${table}
        SELECT g, CASE WHEN g > $1 / 3 THEN 1
        ELSE g % 4 END, 't' || g % 3, md5(g::text), now(), ARRAY[g, 1, g % 7, 2]::vector
        FROM generate_series(1, $1::int) g`,
      [rows],
    );
    await client.query("SELECT ruvector_healing_register($1, '{\"movable\": true}')", [table]);
  }
  await client.query(`
    CREATE TABLE fuzz.plain (id bigint PRIMARY KEY, embedding vector(3));
    INSERT INTO fuzz.plain SELECT g, ARRAY[g, g % 5, 1]::vector FROM generate_series(1, 200) g;
    CREATE INDEX ON fuzz.plain USING ivfflat (embedding vector_l2_ops) WITH (lists = 3);
    CREATE TABLE fuzz.gone (id bigint PRIMARY KEY, embedding vector(3));
    CREATE TABLE fuzz.unregistered (id bigint PRIMARY KEY, embedding vector(3));
    CREATE TABLE fuzz.vectorless (x int); CREATE VIEW fuzz.a_view AS SELECT 1 AS x`);
  for (const table of ["fuzz.plain", "fuzz.gone"])
    await client.query("SELECT ruvector_healing_register($1)", [table]);
  await client.query("DROP TABLE fuzz.gone");
  await client.query(
    'DO $$ BEGIN CREATE ROLE "fuzz \'role"; EXCEPTION WHEN duplicate_object THEN NULL; END $$',
  );
  await client.query("SELECT ruvector_healing_configure($1)", [
    JSON.stringify({
      ...SETTLED,
      stabilize_seconds: 0,
      min_sample_interval_seconds: 0,
      slice_seconds: 0.05,
      batch_rows: 50,
      recall_budget_ms: 20,
    }),
  ]);
  await client.query("SELECT ruvector_healing_execute('fuzz.embeddings', 'rebalance_partitions')");
  await client.query("CALL ruvector_healing_tick()");
  await client.query(
    'SELECT ruvector_healing_actuator_report(\'fuzz\', \'{"workload": "fuzz/read", ' +
      '"replicas": 2}\')',
  );
  const { rows: strategies } = await client.query<{ name: string }>(
    "SELECT name FROM ruvector.healing_strategies() ORDER BY 1",
  );
  return {
    collections: [
      "fuzz.embeddings",
      "fuzz.embeddings",
      "fuzz.embeddings",
      "fuzz.embeddings",
      "embeddings",
      HOSTILE,
      `we"ird.\u540d '; T`,
      "fuzz.plain",
      "fuzz.gone",
      "fuzz.unregistered",
      "fuzz.vectorless",
      "fuzz.a_view",
      "fuzz.embeddings_p1",
    ],
    strategies: strategies.map(({ name }) => name),
    roles: ["fuzz 'role", "postgres", "pg_monitor", "public", "nobody at all"],
    ids: ["1", "2"],
  };
}
