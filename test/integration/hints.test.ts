/** What people type first and wrongly: the HINT has a statement, and typing it works. */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, LEVEL, makeTable, QUICK, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

/** The statements of a HINT, run one after the other as a person would type them. */
const typedFrom = async (hint: string | undefined): Promise<void> => {
  const statements = hint!.match(/\b(SELECT|CREATE)\b[^;]*;/g)!;
  expect(statements.length).toBeGreaterThan(0);
  for (const statement of statements) await db.client.query(statement);
};

/** Calls of a collection that is not registered, by its name. */
const unknown = (name: string): string[] => [
  `SELECT ruvector_healing_configure('{"mode": "observe"}', '${name}')`,
  `SELECT ruvector_healing_unregister('${name}')`,
  `SELECT ruvector_healing_trigger('${name}')`,
  `SELECT ruvector_healing_route('${name}')`,
];

beforeAll(async () => {
  db = await testDatabase();
  // Nothing is registered, and there is no table that could be: what is typed works all the same.
  for (const typed of ["SELECT ruvector_healing_trigger()", ...unknown("nope")]) {
    const error = await raised(db.client, typed);
    expect(error.code).toMatch(/^RV00[12]$/);
    await db.client.query("BEGIN");
    await typedFrom(error.hint);
    await db.client.query("ROLLBACK");
  }
  await makeTable(db, { table: "docs", rows: LEVEL });
  await db.client.query("CALL ruvector_healing_tick()");
});

describe("is answered with what was meant", () => {
  it.each([
    [
      "SELECT * FROM ruvector_healing_history('docs')",
      "SELECT * FROM ruvector_healing_history() WHERE collection = 'public.docs';",
    ],
    [
      "SELECT * FROM ruvector_healing_decisions('docs')",
      "SELECT * FROM ruvector_healing_decisions() WHERE collection = 'public.docs';",
    ],
    [
      "SELECT * FROM ruvector_healing_forecasts('docs')",
      "SELECT * FROM ruvector_healing_forecasts() WHERE collection = 'public.docs';",
    ],
    [
      "SELECT * FROM ruvector_healing_history('2 moons')",
      "SELECT * FROM ruvector_healing_history('7 days');",
    ],
    ["SELECT ruvector_healing_report('docs')", "SELECT ruvector_healing_explain('public.docs');"],
    ["SELECT ruvector_healing_trigger()", "SELECT ruvector_healing_trigger('public.docs');"],
    ["SELECT ruvector_healing_explain()", "SELECT ruvector_healing_explain('public.docs');"],
    ["SELECT ruvector_integrity_sample()", "SELECT ruvector_integrity_sample('public.docs');"],
    ["SELECT ruvector_contracted_graph()", "SELECT ruvector_contracted_graph('public.docs');"],
    ["SELECT ruvector_integrity_lambda2()", "SELECT ruvector_integrity_lambda2('public.docs');"],
    [
      "SELECT ruvector_healing_configure()",
      "SELECT ruvector_healing_configure('{\"min_healing_interval_seconds\": 300}');",
    ],
    [
      "SELECT ruvector_healing_breaker_close()",
      "SELECT ruvector_healing_breaker_close('the disk was full, it is not any more');",
    ],
    [
      "SELECT ruvector_integrity_gate()",
      "SELECT ruvector_integrity_gate('public.docs', 'insert');",
    ],
    [
      "SELECT ruvector_healing_execute()",
      "SELECT ruvector_healing_execute('public.docs', 'rebalance_partitions', " +
        "'{\"dry_run\": true}');",
    ],
    [
      "SELECT ruvector_healing_approve()",
      "SELECT action_id, state FROM ruvector_healing_history();",
    ],
    [
      "SELECT * FROM ruvector_healing_recall_curve()",
      "SELECT * FROM ruvector_healing_recall_curve('public.docs');",
    ],
    [
      "SELECT ruvector_healing_configure('mode', 'observe')",
      'SELECT ruvector_healing_configure(\'{"mode": "observe"}\');',
    ],
    [
      "SELECT ruvector_healing_configure('mode', 'observe', 'docs')",
      "SELECT ruvector_healing_configure('{\"mode\": \"observe\"}', 'docs');",
    ],
    [
      "SELECT ruvector_healing_configure('mode=observe', 'docs')",
      "SELECT ruvector_healing_configure('{\"mode\": \"observe\"}', 'docs');",
    ],
    ...["nope", "", "observe", "{mode: observe}"].map((typed) => [
      `SELECT ruvector_healing_configure('${typed}')`,
      'SELECT ruvector_healing_configure(\'{"mode": "observe"}\');',
    ]),
    [
      "SELECT ruvector_healing_configure('batch_rows')",
      "SELECT ruvector_healing_configure('{\"batch_rows\": 10000}');",
    ],
    [
      "SELECT ruvector_healing_configure('strategy_modes', '{\"tune_search\": \"approve\"}')",
      'SELECT ruvector_healing_configure(\'{"strategy_modes": {"tune_search": "approve"}}\');',
    ],
    [
      "SELECT ruvector_healing_configure('batch_rows=50')",
      "SELECT ruvector_healing_configure('{\"batch_rows\": 50}');",
    ],
    [
      "SELECT ruvector_healing_configure('docs', '{\"mode\": \"off\"}')",
      "SELECT ruvector_healing_configure('{\"mode\": \"off\"}', 'docs');",
    ],
    [
      "SELECT ruvector_healing_register('docs', 'movable')",
      "SELECT ruvector_healing_register('docs', '{\"movable\": true}');",
    ],
    ...["movable=false", "movabel: false", " movable  false "].map((typed) => [
      `SELECT ruvector_healing_register('docs', '${typed}')`,
      "SELECT ruvector_healing_register('docs', '{\"movable\": false}');",
    ]),
    [
      "SELECT ruvector_healing_register('docs', 'vector_column=embedding')",
      "SELECT ruvector_healing_register('docs', '{\"vector_column\": \"embedding\"}');",
    ],
    ...["", "observe", "{movable: true", "it''s \\ odd", "tenant_column"].map((typed) => [
      `SELECT ruvector_healing_register('docs', '${typed}')`,
      "SELECT ruvector_healing_register('docs');",
    ]),
    ...["dry_run", "dry-run", "please", ""].map((typed) => [
      `SELECT ruvector_healing_execute('docs', 'rebalance_partitions', '${typed}')`,
      "SELECT ruvector_healing_execute('docs', 'rebalance_partitions', '{\"dry_run\": true}');",
    ]),
    [
      "SELECT ruvector_healing_execute('docs', 'rebalance_partitions', 'max_moves=10')",
      "SELECT ruvector_healing_execute('docs', 'rebalance_partitions', '{\"max_moves\": 10}');",
    ],
    [
      "SELECT * FROM ruvector_integrity_history('docs', '2 moons')",
      "SELECT * FROM ruvector_integrity_history(NULL, '7 days');",
    ],
    [
      "SELECT * FROM ruvector_integrity_history('docs', '-1 day')",
      "SELECT * FROM ruvector_integrity_history(NULL, '7 days');",
    ],
    [
      "SELECT * FROM ruvector_integrity_history('7 days', 'docs')",
      "SELECT * FROM ruvector_integrity_history('public.docs', '7 days');",
    ],
    [
      "SELECT ruvector_healing_configure('bach_rows', '50')",
      "SELECT ruvector_healing_configure('{\"batch_rows\": 50}');",
    ],
  ] as [typed: string, meant: string][])("%s", async (typed, meant) => {
    const error = await raised(db.client, typed);
    expect(error).toMatchObject({ code: "RV001", hint: expect.stringContaining(meant) });
    await db.client.query(meant);
  });

  it("a tick inside a transaction or a function, and not where it may commit", async () => {
    await db.client.query("BEGIN");
    const error = await raised(db.client, "CALL ruvector_healing_tick()");
    expect(error).toMatchObject({ code: "RV019", hint: "ROLLBACK; CALL ruvector_healing_tick();" });
    for (const statement of error.hint!.split("; ")) await db.client.query(statement);
    expect(
      await raised(
        db.client,
        "DO $$ BEGIN CALL ruvector_healing_tick(); EXCEPTION WHEN SQLSTATE 'RV012' THEN END $$",
      ),
    ).toMatchObject({ code: "RV019" });
    // Where it may commit, in somebody's own procedure too, it does.
    await db.client.query("DO $$ BEGIN CALL ruvector_healing_tick(); END $$");
  });
});

describe("a collection that is not registered", () => {
  it.each(["nope", "dosc", "lettrs", "letters", "other.letters"])(
    "%s: what there is instead, and it works",
    async (name) => {
      await db.client.query(
        `BEGIN; CREATE SCHEMA other; CREATE TABLE other.letters (id int, embedding vector(3))`,
      );
      for (const typed of unknown(name)) {
        await db.client.query("SAVEPOINT typed");
        const error = await raised(db.client, typed);
        expect(error).toMatchObject({ code: "RV002" });
        await db.client.query("ROLLBACK TO typed");
        await typedFrom(error.hint);
        await db.client.query("ROLLBACK TO typed");
        if (typed.includes("route") && !name.includes("letters")) continue;
        expect(error.hint).toContain(
          { nope: "collection_name", dosc: "public.docs" }[name] ??
            "ruvector_healing_register('other.letters')",
        );
      }
      await db.client.query("ROLLBACK");
    },
  );
});

it("a rollback by its action; a driver's parameter stays of its type", async () => {
  await configure(db, { ...QUICK, mode: "auto", require_approval: ["hotspot_congestion"] });
  await makeTable(db, { table: "hot", rows: HOT });
  await ticks(db, 2);
  const id = await db.value<string>("SELECT max(id) FROM ruvector.healing_actions");
  expect(await raised(db.client, `SELECT ruvector_healing_rollback(${id})`)).toMatchObject({
    code: "RV001",
    hint: `SELECT ruvector_healing_rollback('public.hot', ${id});`,
  });
  expect(await raised(db.client, "SELECT ruvector_healing_rollback(999999)")).toMatchObject({
    code: "RV006",
  });
  await db.client.query(`SELECT ruvector_healing_approve('${id}')`);
  // $1 is a bigint in both places.
  await db.client.query(
    "SELECT ruvector_healing_abort($1) FROM ruvector.healing_actions WHERE id = $1",
    [id],
  );
  expect(await db.value(`SELECT state FROM ruvector.healing_actions WHERE id = ${id}`)).toBe(
    "aborted",
  );
  // JSON in a text without a type, with one, and as JSON.
  for (const cast of ["", "::text", "::varchar", "::jsonb"]) {
    await db.client.query(`SELECT ruvector_healing_configure($1${cast})`, ['{"mode": "auto"}']);
    await db.client.query(`SELECT ruvector_healing_register('docs', $1${cast})`, [
      { movable: false },
    ]);
    const dry = await db.value(
      `SELECT ruvector_healing_execute('docs', 'rebalance_partitions', $1${cast})`,
      ['{"dry_run": true}'],
    );
    expect(dry).toMatchObject({ action_id: null });
  }
  // What a driver made of an object that it took for a text.
  expect(
    await raised(db.client, "SELECT ruvector_healing_register('docs', $1)", ["[object Object]"]),
  ).toMatchObject({ code: "RV001", hint: expect.stringContaining("cast to jsonb") });
});

it("JSON in quotes takes no right but that of the form with JSON", async () => {
  const role = `ruvector_test_${process.pid}_by_hand`;
  await db.client.query(
    `CREATE ROLE ${role}; GRANT USAGE ON SCHEMA ruvector TO ${role};
      GRANT EXECUTE ON FUNCTION ruvector.healing_register(oid, jsonb),
        ruvector_healing_register(text, jsonb), ruvector_healing_register(text, text) TO ${role};
      SET ROLE ${role}`,
  );
  try {
    await db.client.query("SELECT ruvector_healing_register('docs', '{\"movable\": false}')");
  } finally {
    await db.client.query(`RESET ROLE; DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

it("a role that is none, and an action that is judged wrongly", async () => {
  const role = `ruvector_test_${process.pid}_hinted`;
  await db.client.query(`CREATE ROLE ${role}`);
  try {
    for (const call of ["grant(%, 'viewer')", "revoke(%)", "trust(%)", "distrust(%)"]) {
      const typed = `SELECT ruvector_healing_${call.replace("%", `'${role}x'`)}`;
      const error = await raised(db.client, typed);
      expect(error).toMatchObject({
        code: "RV030",
        hint: expect.stringContaining(`The nearest is ${role}.`),
      });
      await typedFrom(error.hint);
    }
  } finally {
    await db.client.query(`DROP ROLE ${role}`);
  }
  const id = await db.value<string>("SELECT max(id) FROM ruvector.healing_actions");
  for (const given of ["5", "'NaN'", "'-Infinity'", "1, repeat('x', 1001)"])
    expect(
      await raised(db.client, `SELECT ruvector_healing_feedback(${id}, ${given})`),
    ).toMatchObject({
      code: "RV001",
      hint: `SELECT ruvector_healing_feedback(${id}, 1, 'searches are fast again');`,
    });
});

it("history takes a time, or how long ago", async () => {
  for (const since of ["'7 days'", "'yesterday'", "now() - interval '1 hour'", "current_date - 3"])
    for (const call of ["healing_history(", "integrity_history('docs', "])
      await db.client.query(`SELECT * FROM ruvector_${call}${since})`);
  await db.client.query("SELECT * FROM ruvector_healing_history($1)", ["2 hours"]);
});

describe("configure answers with what changed", () => {
  const configured = (argument: string): Promise<unknown> =>
    db.value(`SELECT ruvector_healing_configure(${argument})`);

  it("old and new by setting, and nothing of what was the same", async () => {
    await configured(`'{"batch_rows": null}'`);
    expect(await configured(`'{"batch_rows": 77, "max_moves": 1000000}'`)).toEqual({
      batch_rows: { old: 10_000, new: 77 },
    });
    expect(await configured(`'{"batch_rows": 77}'::jsonb`)).toEqual({});
    // Set for the collection as it is for all: it works as before.
    expect(await configured(`'{"batch_rows": 77}', 'docs'`)).toEqual({});
    expect(await configured(`'{"batch_rows": 5}', 'docs'`)).toEqual({
      batch_rows: { old: 77, new: 5 },
    });
    expect(await configured(`'{"batch_rows": null}', 'docs'`)).toEqual({
      batch_rows: { old: 5, new: 77 },
    });
    expect(await configured(`'{"batch_rows": null}'`)).toEqual({
      batch_rows: { old: 77, new: 10_000 },
    });
    expect(await configured("'{}'")).toEqual({});
  });
});

describe("what writes, where nothing can be written", () => {
  // Every function of a level that may change something, with arguments that would come to it.
  const WRITES: Readonly<Record<string, string>> = {
    ruvector_healing_trigger: "('docs')",
    ruvector_healing_execute: "('docs', 'rebalance_partitions')",
    ruvector_healing_approve: "(1)",
    ruvector_healing_reject: "(1, 'no')",
    ruvector_healing_abort: "(1)",
    ruvector_healing_rollback: "('docs')",
    ruvector_healing_feedback: "(1, 1)",
    ruvector_healing_resume: "('rebalance_partitions', 'docs')",
    ruvector_healing_breaker_close: "('it is over')",
    ruvector_healing_tick: "()",
    ruvector_integrity_sample: "('docs')",
    ruvector_healing_register: "('docs')",
    ruvector_healing_unregister: "('docs')",
    ruvector_healing_configure: `('{"mode": "auto"}')`,
    ruvector_healing_schedule: "('5 seconds')",
    ruvector_healing_unschedule: "()",
    ruvector_healing_job_priority: "('nightly', 'high')",
    ruvector_healing_grant: "('postgres', 'viewer')",
    ruvector_healing_revoke: "('postgres')",
    ruvector_healing_audit_rotate_key: "()",
    ruvector_healing_uninstall: "()",
    ruvector_healing_trust: "('postgres')",
    ruvector_healing_distrust: "('postgres')",
    ruvector_healing_actuator_connect: "('actuator-1')",
    ruvector_healing_actuator_report: `('actuator-1', '{"workload": "w", "replicas": 1}')`,
    ruvector_healing_actuation_take: "('actuator-1')",
    ruvector_healing_actuation_answer: "(1, true, '{}')",
    ruvector_healing_alerts: "('actuator-1', 'hook')",
    ruvector_healing_alerts_sent: "('actuator-1', 'hook', ARRAY[0])",
    ruvector_healing_audit_head: "()",
    ruvector_healing_audit_sign: `('', '', '${"00".repeat(64)}')`,
    ruvector_integrity_report: `('docs', '{"lambda": 1}')`,
  };
  /** And these look, though a viewer may not. */
  const READS: Readonly<Record<string, string>> = {
    ruvector_healing_recall: "('docs')",
    ruvector_healing_recall_curve: "('docs')",
    ruvector_healing_audit_export: "()",
    ruvector_healing_audit_links: "()",
  };
  const call = ([name, given]: [string, string]): string =>
    `${name === "ruvector_healing_tick" ? "CALL" : "SELECT"} ${name}${given}`;

  it("are all that a viewer may not call", async () => {
    const names = await db.rows<{ routine: string }>(
      `SELECT routine FROM ruvector.healing_levels() WHERE routine LIKE 'ruvector%'
        AND level IN ('operator', 'admin', 'installer', 'actuator') ORDER BY routine COLLATE "C"`,
    );
    expect([...Object.keys(WRITES), ...Object.keys(READS)].sort()).toEqual(
      names.map(({ routine }) => routine),
    );
  });

  it.each(Object.entries(WRITES).map(call))("in a read-only session: %s", async (typed) => {
    await db.client.query("SET default_transaction_read_only = on");
    try {
      const error = await raised(db.client, typed);
      expect(error).toMatchObject({
        code: "25006",
        message: "this transaction is read-only: nothing can be written in it",
        hint: "ROLLBACK; SET default_transaction_read_only = off;  and call it again.",
      });
      for (const statement of error.hint!.match(/[A-Z][^;]*;/g)!) await db.client.query(statement);
      expect(await db.value("SHOW transaction_read_only")).toBe("off");
    } finally {
      await db.client.query("RESET default_transaction_read_only");
    }
  });

  it("in a read-only transaction; typed, it is done", async () => {
    await db.client.query("BEGIN READ ONLY");
    const typed = `SELECT ruvector_healing_configure('{"batch_rows": 77}', 'docs')`;
    const error = await raised(db.client, typed);
    expect(error).toMatchObject({
      code: "25006",
      detail: "Asked for: configure.",
      hint: "ROLLBACK; BEGIN READ WRITE;  and call it again.",
    });
    for (const statement of error.hint!.match(/[A-Z][^;]*;/g)!) await db.client.query(statement);
    await db.client.query(`${typed}; ROLLBACK`);
  });

  it.each(Object.entries(READS).map(call))("answers all the same: %s", async (typed) => {
    await db.client.query("BEGIN READ ONLY");
    try {
      await db.client.query(typed);
    } finally {
      await db.client.query("ROLLBACK");
    }
  });
});

/** A strategy that rests on one collection does not rest everywhere, and the other way round. */
describe("resuming a strategy says what still rests, and where", () => {
  // What tests before these were refused or had undone rests as well.
  beforeAll(() => db.client.query("SELECT ruvector_healing_resume('rebalance_partitions', 'hot')"));

  const rest = (where: string | null) =>
    db.client.query(
      `INSERT INTO ruvector.healing_suspensions (collection_id, strategy_name, problem_class, kind,
         reason)
       SELECT c.collection_id, 'rebalance_partitions', 'hotspot_congestion', 'failures',
         'it did not help'
         FROM (SELECT 1) one LEFT JOIN ruvector.collections c ON c.table_name = $1`,
      [where],
    );
  const resting = () =>
    db.value<number>(
      `SELECT count(*)::int FROM ruvector.collections c, ruvector.healing_suspended(c.collection_id)
        WHERE c.table_name = 'docs'`,
    );
  const ON_DOCS = "SELECT ruvector_healing_resume('rebalance_partitions', 'public.docs');";
  const EVERYWHERE = "SELECT ruvector_healing_resume('rebalance_partitions');";

  it.each([
    ["on public.docs", "docs", EVERYWHERE, ON_DOCS],
    ["everywhere", null, ON_DOCS, EVERYWHERE],
  ])("%s", async (place, where, typed, lifts) => {
    await rest(where);
    const said = await db.value<{ lifted: object[]; message: string }>(typed.replace(";", ""));
    expect(said).toMatchObject({
      lifted: [],
      message: expect.stringContaining("rebalance_partitions still rests, nothing was lifted: "),
    });
    expect(said.message).toContain(`${place} until `);
    expect(said.message).toContain(`${lifts} lifts that`);
    expect(await resting()).toBe(1);
    await typedFrom(said.message);
    expect(await resting()).toBe(0);
    expect(await db.value(typed.replace(";", ""))).toMatchObject({
      message: expect.stringContaining("may be tried again"),
    });
  });

  it("names the strategy that was meant", async () => {
    const error = await raised(db.client, "SELECT ruvector_healing_resume('rebalance_partition')");
    expect(error.code).toBe("RV004");
    expect(error.hint).toMatch(/^The nearest is rebalance_partitions[.] Strategies: compact/);
  });
});

it.each(["tune_search", "vacuum_index", "rebuild_index"])(
  "%s says of an index that is not there that it is not",
  async (strategy) => {
    const answer = await db.value<{ message: string }>(
      "SELECT ruvector_healing_execute('docs', $1, '{\"index\": \"docs_nope\"}')",
      [strategy],
    );
    expect(answer.message).toBe("there is no vector index docs_nope on public.docs");
  },
);

it("what a table without partitions to route to is told can be typed by a viewer", async () => {
  await db.client.query(
    `CREATE TABLE plain_one (id int PRIMARY KEY, e vector(3));
     SELECT ruvector_healing_register('plain_one')`,
  );
  const viewer = `ruvector_test_${process.pid}_reader`;
  await db.client
    .query(`CREATE ROLE ${viewer}; SELECT ruvector_healing_grant('${viewer}', 'viewer');
    SET ROLE ${viewer}`);
  try {
    const error = await raised(db.client, "SELECT ruvector_healing_route('plain_one')");
    expect(error.code).toBe("RV003");
    const said = await db.value(/SELECT[^;]*;/.exec(error.hint!)![0]);
    expect(said).toContain("the table is not partitioned");
  } finally {
    await db.client.query(
      `RESET ROLE; DROP OWNED BY ${viewer}; DROP ROLE ${viewer};
       SELECT ruvector_healing_unregister('plain_one'); DROP TABLE plain_one`,
    );
  }
});
