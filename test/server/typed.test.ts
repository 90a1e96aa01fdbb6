/**
 * What explain, answers and HINTs tell people to type is typed: for every strategy in every state
 * of an action, and for a collection in every situation in which nothing happens. Nothing of it may
 * end in an error: an unknown name, a wrong state, a placeholder.
 */
import type pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { STRATEGY_NAMES } from "../../src/strategies/registry.ts";
import { ACTIVE_STATES, type ActionState, ENDED_STATES } from "../../src/model/action.ts";
import { configure, HOT, IN_ONE_GO, LEVEL, makeTable, ticks } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
/** The newest action of each strategy, ended as succeeded with its changes in place. */
const made = new Map<string, { id: string; table: string }>();

const execute = (table: string, strategy: string, params: object) =>
  db.value<{ action_id: number; outcome: string; message: string }>(
    "SELECT ruvector_healing_execute($1, $2, $3)",
    [table, strategy, JSON.stringify(params)],
  );
const own = (table: string, settings: object) =>
  db.client.query("SELECT ruvector_healing_configure($1, $2)", [JSON.stringify(settings), table]);
const collectionOf = (table: string) => `public.${table}`;

/** A name that has to be quoted wherever it is written. */
const AWKWARD = `"it's; a\u001b name"`;

const SWAPPED = {
  index: "public.i",
  kept: "public.i_old",
  built: "public.i_new",
  name: "i",
  heap: "public.t",
  oid: "0",
};

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, {
    ...IN_ONE_GO,
    enabled: false,
    max_active_actions: 1000,
    scale_workload: "w",
    stabilize_seconds: 60,
  });
  const real: Record<string, [string, object]> = {
    rebalance_partitions: [AWKWARD, { max_moves: 50 }],
    drain_hot_partition: ["drained", { keep_rows: 300 }],
    throttle_ingestion: ["throttled", { percent: 50, mode: "reject" }],
    scale_replicas: ["scaled", {}],
  };
  for (const [strategy, [table, params]] of Object.entries(real)) {
    await makeTable(db, { table, rows: HOT });
    if (strategy === "scale_replicas")
      await db.client.query(
        `SELECT ruvector_healing_actuator_report('a', '{"workload": "w", "replicas": 2}')`,
      );
    await begin(strategy, table, params);
  }
  await db.client.query(`
    CREATE TABLE evicted (id bigint NOT NULL, partition_id int NOT NULL, used timestamptz NOT NULL,
      embedding vector(3), PRIMARY KEY (partition_id, id)) PARTITION BY LIST (partition_id)`);
  for (const place of [0, 1, 9])
    await db.client.query(
      `CREATE TABLE evicted_p${place} PARTITION OF evicted FOR VALUES IN (${place})`,
    );
  await db.client.query(
    `INSERT INTO evicted SELECT g, g % 2, now() - g * interval '1 minute', '[1,2,3]'
      FROM generate_series(1, 1000) g`,
  );
  await db.client.query(
    `SELECT ruvector_healing_register('evicted',
      '{"movable": true, "access_column": "used", "cold_partition": "9"}')`,
  );
  await begin("evict_cold_data", "evicted", { share: 0.1 });
  // What needs pg_cron: the rows that such actions leave.
  const rows: Record<string, [boolean, string, object, object[]]> = {
    pause_maintenance: [true, "pause", { name: "nightly", jobid: "1" }, []],
    compact_indexes: [false, "reindex", { index: "public.i", table_oid: "0" }, []],
    vacuum_index: [false, "vacuum", { table: "public.t", dead: 5 }, []],
    tune_search: [
      true,
      "tune_search",
      { role: "nobody", setting: "hnsw.ef_search", value: 80, was: null },
      [],
    ],
    rebuild_centroids: [true, "swap_index", SWAPPED, [{ memory: null }]],
    rebuild_index: [true, "swap_index", SWAPPED, [{ memory: null }]],
  };
  for (const [strategy, [reversible, kind, details, journal]] of Object.entries(rows)) {
    const table = `rows_${strategy}`;
    await makeTable(db, { table, rows: LEVEL });
    const id = await db.value<string>(
      `
      INSERT INTO ruvector.healing_actions (collection_id, collection, state, initiated_by, origin,
        problem_class, problem, considered, strategy_name, reversible, plan, plan_state,
                                            initial_lambda, initial_state, target_lambda, message,
                                              started_at, finished_at)
      SELECT c.collection_id, $2, 'stabilizing', initiated_by, 'loop', problem_class, problem,
        considered, $3, $4, plan || '{"jobs": [], "targets": [], "indexes": [],
          "tables": [], "roles": [], "setting": "hnsw.ef_search", "value": 80}', plan_state,
             0.5, 1, 1, 'the plan is carried out', now(), NULL
        FROM ruvector.healing_actions a, ruvector.collections c
          WHERE a.id = $1 AND c.table_name = $5 RETURNING id`,
      [made.get("rebalance_partitions")!.id, collectionOf(table), strategy, reversible, table],
    );
    const [{ action_id: lease }] = (await db.rows<{ action_id: string }>(
      `
      INSERT INTO ruvector.healing_leases (action_id, collection_id, strategy_name, kind, target,
        previous, expires_at)
      SELECT $1, c.collection_id, $2, 'paused_job', '{"jobid": "1"}', '{}',
        now() + interval '1 hour' FROM ruvector.collections c WHERE c.table_name = $3
        RETURNING id AS action_id`,
      [id, strategy, table],
    )) as [{ action_id: string }];
    if (strategy !== "pause_maintenance")
      await db.client.query("DELETE FROM ruvector.healing_leases WHERE id = $1", [lease]);
    const job = await db.value<string>(
      `INSERT INTO ruvector.healing_jobs (action_id, collection_id, purpose, command, state,
        start_at, start_by, deadline, started_at, ended_at)
      SELECT $1, collection_id, 'reindex', 'REINDEX', 'succeeded', now(), now(), now(), now(), now()
        FROM ruvector.collections WHERE table_name = $2 RETURNING id`,
      [id, table],
    );
    await db.client.query(
      `INSERT INTO ruvector.healing_steps (action_id, slice, kind, details, rows, journal)
        VALUES ($1, 0, $2, $3, 0, $4)`,
      [
        id,
        kind,
        JSON.stringify({ ...details, job }),
        JSON.stringify(strategy === "pause_maintenance" ? [{ lease }] : journal),
      ],
    );
    made.set(strategy, { id, table });
  }
  for (const { id } of made.values()) {
    await db.client.query(
      `UPDATE ruvector.healing_actions SET state = 'succeeded', verified = true, final_lambda = 1,
        finished_at = now() WHERE id = $1`,
      [id],
    );
    await db.client.query("SELECT ruvector.healing_record_outcome($1, true)", [id]);
  }
});

async function begin(strategy: string, table: string, params: object): Promise<void> {
  const answer = await execute(table, strategy, params);
  expect(answer.action_id, `${strategy}: ${JSON.stringify(answer).slice(0, 600)}`).not.toBeNull();
  made.set(strategy, { id: String(answer.action_id), table });
}

/**
 * Statements in a text, as a reader copies them: from the first word to the semicolon that ends a
 * line or is followed by a word.
 */
const statementsIn = (text: string): string[] =>
  [...text.matchAll(/\b(?:SELECT|CALL|VACUUM|GRANT|ALTER ROLE) (?:'(?:[^']|'')*'|[^;'\n])*;/g)].map(
    ([statement]) => statement,
  );

/** All texts of an answer. */
const textsIn = (value: unknown): string[] =>
  typeof value === "string"
    ? [value]
    : value !== null && typeof value === "object"
      ? Object.values(value).flatMap(textsIn)
      : [];

interface Typed {
  readonly statement: string;
  readonly told: string;
  readonly error: string | null;
  readonly hints: readonly string[];
}

/** Typed in a savepoint, and taken back. */
async function type(statement: string, told: string): Promise<Typed> {
  await db.client.query("SAVEPOINT typed");
  try {
    // A procedure that commits cannot be called within a transaction: it is called beside.
    const { rows } = statement.startsWith("CALL ")
      ? { rows: [] }
      : await db.client.query<Record<string, unknown>>(statement);
    return {
      statement,
      told,
      error: null,
      hints: rows.flatMap((row) => textsIn(row)).flatMap(statementsIn),
    };
  } catch (error) {
    const { code, message, hint } = error as pg.DatabaseError;
    return { statement, told, error: `${code}: ${message}`, hints: statementsIn(hint ?? "") };
  } finally {
    await db.client.query("ROLLBACK TO typed");
  }
}

/**
 * What was typed already in a state that is still the same: it was taken back, so it would answer
 * the same.
 */
type Known = Map<string, Typed>;

async function typeOnce(statement: string, told: string, known: Known): Promise<Typed> {
  const typed = known.get(statement) ?? (await type(statement, told));
  known.set(statement, typed);
  return typed;
}

/** What an explanation says to type, and what the answers to that say: none may end in an error. */
async function typeAll(
  texts: readonly string[],
  told: string,
  known: Known = new Map(),
): Promise<string[]> {
  const failed: string[] = [];
  for (const statement of new Set(texts.flatMap(statementsIn))) {
    const { error } = await typeOnce(statement, told, known);
    if (error !== null) failed.push(`${told}: ${statement} -> ${error}`);
  }
  return failed;
}

/** In a transaction that is taken back. */
async function within<T>(work: () => Promise<T>): Promise<T> {
  await db.client.query("BEGIN");
  try {
    return await work();
  } finally {
    await db.client.query("ROLLBACK");
  }
}

it("each strategy's steps are told with what they are about", async () => {
  expect([...made.keys()]).toContain("vacuum_index");
  for (const { id } of made.values())
    expect(await db.value("SELECT ruvector_healing_explain($1::bigint)", [id])).not.toMatch(
      /undefined|\[object|NaN/,
    );
  const text = await within(async () => {
    const { id } = made.get("vacuum_index")!;
    await db.client.query(
      "UPDATE ruvector.healing_steps SET undone_at = now() WHERE action_id = $1",
      [id],
    );
    return db.value<string>("SELECT ruvector_healing_explain($1::bigint)", [id]);
  });
  expect(text).toContain("vacuumed public.t (5 dead rows)");
  // It cannot be.
  expect(text).not.toContain("undone since");
});

describe("an action", () => {
  const change: Readonly<Record<ActionState, string>> = {
    planned: "started_at = NULL, finished_at = NULL, verified = NULL",
    awaiting_approval:
      "started_at = NULL, finished_at = NULL, verified = NULL, deadline = now() + interval " +
      "'1 hour'",
    executing: "finished_at = NULL, verified = NULL, deadline = now() + interval '1 hour'",
    stabilizing: "finished_at = NULL, verified = NULL, stabilize_until = now() + interval '1 hour'",
    rolling_back:
      "finished_at = NULL, verified = false, rollback_reason = 'not verified', rollback_to = " +
      "'rolled_back', deadline = now() + interval '1 hour'",
    succeeded: "verified = true",
    rolled_back: "verified = false, rollback_reason = 'not verified'",
    rollback_failed:
      "verified = false, rollback_reason = 'not verified', message = 'undo not finished in time'",
    failed: "verified = NULL, failure = '22023', message = '22023: a test'",
    aborted: "verified = NULL, rollback_reason = 'abort asked for'",
    expired: "started_at = NULL, verified = NULL, message = 'nobody approved it in time'",
  };
  const WITHOUT_STEPS: readonly ActionState[] = ["planned", "awaiting_approval", "expired"];
  const UNDONE: readonly ActionState[] = ["rolled_back", "aborted"];
  const WITHOUT_OUTCOME: readonly ActionState[] = [...ACTIVE_STATES, "aborted", "expired"];

  async function into(state: ActionState, id: string): Promise<void> {
    await db.client.query(
      `UPDATE ruvector.healing_actions SET state = '${state}', ${change[state]} WHERE id = $1`,
      [id],
    );
    if (WITHOUT_STEPS.includes(state))
      await db.client.query("DELETE FROM ruvector.healing_steps WHERE action_id = $1", [id]);
    if (UNDONE.includes(state))
      await db.client.query(
        "UPDATE ruvector.healing_steps SET undone_at = now(), journal = '[]' WHERE action_id = $1",
        [id],
      );
    if (WITHOUT_OUTCOME.includes(state))
      await db.client.query("DELETE FROM ruvector.healing_outcomes WHERE action_id = $1", [id]);
  }

  const STATES: readonly ActionState[] = [...ACTIVE_STATES, ...ENDED_STATES];

  it("was made of every strategy", () => {
    expect([...made.keys()].sort()).toEqual([...STRATEGY_NAMES].sort());
  });

  it.each([...STRATEGY_NAMES])(
    "of %s says in every state what works when typed",
    async (strategy) => {
      const { id, table } = made.get(strategy)!;
      const failed: string[] = [];
      for (const state of STATES) {
        failed.push(
          ...(await within(async () => {
            await into(state, id);
            const name = await db.value<string>(
              "SELECT collection FROM ruvector.healing_actions WHERE id = $1",
              [id],
            );
            const text = await db.value<string>("SELECT ruvector_healing_explain($1::bigint)", [
              id,
            ]);
            // Something of an action that changes things, or has: a way to stop, to undo, or to
            // judge it.
            if (state !== "rolling_back" && state !== "expired" && state !== "aborted")
              expect(statementsIn(text), `${strategy} ${state}:\n${text}`).not.toEqual([]);
            const whole = await db.value<string>("SELECT ruvector_healing_explain($1::text)", [
              name,
            ]);
            const status = await db.value("SELECT ruvector_healing_status($1)", [name]);
            const known: Known = new Map();
            const problems = await typeAll(
              [text, whole, ...textsIn(status)],
              `${strategy} ${state}`,
              known,
            );
            // And whatever else is typed of it: where that is refused, what the HINT says works.
            for (const asked of [
              `SELECT ruvector_healing_approve(${id})`,
              `SELECT ruvector_healing_reject(${id}, 'no')`,
              `SELECT ruvector_healing_abort(${id})`,
              `SELECT ruvector_healing_feedback(${id}, 1)`,
              "SELECT ruvector_healing_rollback((SELECT collection FROM " +
                `ruvector.healing_actions WHERE id = ${id}), ${id})`,
              "SELECT ruvector_healing_rollback((SELECT collection FROM " +
                `ruvector.healing_actions WHERE id = ${id}))`,
            ]) {
              const { error, hints } = await typeOnce(asked, state, known);
              if (error !== null && !/^RV0\d\d: /.test(error))
                problems.push(`${strategy} ${state}: ${asked} -> ${error}`);
              if (error !== null && hints.length === 0)
                problems.push(
                  `${strategy} ${state}: ${asked} -> ${error}, and no hint says what to type`,
                );
              problems.push(
                ...(await typeAll(hints, `${strategy} ${state}, hint of ${asked}`, known)),
              );
            }
            return problems;
          })),
        );
      }
      expect(failed).toEqual([]);
      expect(table).not.toBe("");
    },
  );

  it("that lies under a newer one, or beside one at work, says what is first", async () => {
    const { id } = made.get("drain_hot_partition")!;
    const failed = await within(async () => {
      // Hot again, by rows: traffic alone is not.
      await db.client.query(`INSERT INTO drained (id, partition_id)
        SELECT g, 3 FROM generate_series(100001, 101000) g`);
      await db.client.query("SELECT pg_stat_force_next_flush()");
      const later = await execute("drained", "rebalance_partitions", { max_moves: 20 });
      expect(later.action_id, JSON.stringify(later)).not.toBeNull();
      const busy = await typeAll(
        [await db.value<string>("SELECT ruvector_healing_explain($1::bigint)", [id])],
        "busy",
      );
      await db.client.query(
        `UPDATE ruvector.healing_actions SET state = 'succeeded', verified = true,
          finished_at = now() WHERE id = $1`,
        [later.action_id],
      );
      const text = await db.value<string>("SELECT ruvector_healing_explain($1::bigint)", [id]);
      expect(text).toContain(
        `SELECT ruvector_healing_rollback('public.drained', ${later.action_id})`,
      );
      return [...busy, ...(await typeAll([text], "under a newer one"))];
    });
    expect(failed).toEqual([]);
  });

  it("of a table that is gone, or is not registered any more", async () => {
    const failed = await within(async () => {
      await db.client.query("SELECT ruvector_healing_unregister('throttled')");
      return typeAll(
        [
          await db.value<string>("SELECT ruvector_healing_explain($1::bigint)", [
            made.get("throttle_ingestion")!.id,
          ]),
        ],
        "unregistered",
      );
    });
    expect(failed).toEqual([]);
  });
});

describe("a collection on which nothing happens", () => {
  /** A hot table and what stands in the way of healing it, by the reason that is expected. */
  const SITUATIONS: Readonly<
    Record<string, { settings?: object; sql?: string; reason?: string | null }>
  > = {
    disabled: { settings: { enabled: false }, reason: "disabled" },
    off: { settings: { mode: "off" }, reason: "mode" },
    observe: { settings: { mode: "observe" }, reason: "mode" },
    recommend: { settings: { mode: "recommend" }, reason: "mode" },
    "a closed window": {
      settings: {
        maintenance_windows: [
          {
            days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].slice(0, 1),
            from: "00:00",
            to: "00:01",
          },
        ],
      },
      reason: undefined as never,
    },
    cooldown: {
      settings: { min_healing_interval_seconds: 3600 },
      sql: ended("'succeeded'"),
      reason: "cooldown",
    },
    attempts: {
      settings: { max_attempts_per_hour: 1 },
      sql: ended("'succeeded'"),
      reason: "attempts",
    },
    "no attempts at all": { settings: { max_attempts_per_hour: 0 }, reason: "attempts" },
    ineffective: {
      settings: { ineffective_outcomes: 1, strategy_retry_seconds: 0 },
      sql: `${ended("'rolled_back'")}; ${outcomes(1)}`,
      reason: "ineffective",
    },
    "too much impact": { settings: { max_auto_heal_impact: 0 }, reason: "no_strategy" },
    "a small blast radius": { settings: { max_rows_per_hour: 10 }, reason: "blast_radius" },
    "few locks": { settings: { max_locks_per_action: 1 }, reason: "blast_radius" },
    "a suspension": { sql: suspension("collection_id"), reason: undefined as never },
    "a suspension everywhere": { sql: suspension("NULL"), reason: undefined as never },
    "an oscillation": {
      sql:
        "INSERT INTO ruvector.healing_suspensions (collection_id, strategy_name, kind, reason) " +
        "SELECT collection_id, 'rebalance_partitions', 'oscillation', 'a test' FROM " +
        "ruvector.collections WHERE table_name = 'sick'",
      reason: undefined as never,
    },
    "weight 0": { sql: outcomes(3), reason: undefined as never },
    "no gain": {
      settings: {
        strategy_modes: { rebalance_partitions: "off" },
        verify_ratio: 10,
        max_auto_heal_impact: 0.4,
      },
      reason: undefined as never,
    },
    approval: { settings: { mode: "approve" }, reason: null },
    "an action at work": { settings: { stabilize_seconds: 60 }, reason: null },
    "an open breaker": {
      sql:
        "UPDATE ruvector.healing_breaker SET state = 'open', reason = 'a test', opened_at = " +
        "now(), opens = 1, open_until = now() + interval '1 hour'",
      reason: "breaker",
    },
    "a half open breaker": {
      sql:
        "UPDATE ruvector.healing_breaker SET state = 'half_open', reason = 'a test', opens = " +
        "1, half_open_at = now(), probe_action_id = (SELECT max(id) FROM " +
        "ruvector.healing_actions)",
      reason: undefined as never,
    },
    "a full server": {
      sql:
        'UPDATE ruvector.healing_config SET settings = settings || \'{"max_active_actions": ' +
        "0}' WHERE collection_id = 0",
      reason: "global_limit",
    },
    "an unknown problem": {
      sql: `SELECT ruvector_integrity_report('sick', '{"lambda": 0.1, "witness_edges": []}')`,
      reason: "unknown_problem",
    },
    "a loop that stands still": {
      sql:
        "UPDATE ruvector.healing_ticks SET started_at = now() - interval '1 hour', " +
        "interval_seconds = 5",
      settings: { enabled: false },
      reason: "disabled",
    },
    "a loop that never ran": {
      sql: "UPDATE ruvector.healing_ticks SET started_at = NULL",
      settings: { enabled: false },
      reason: "disabled",
    },
    "a lost breaker row": { sql: "DELETE FROM ruvector.healing_breaker", reason: "breaker" },
  };

  /** An action that ended a moment ago. */
  function ended(state: string): string {
    return `INSERT INTO ruvector.healing_actions (collection_id, collection, state, initiated_by,
      origin, problem_class, problem, strategy_name, reversible, plan, initial_lambda,
      initial_state, target_lambda, message, started_at, finished_at)
      SELECT c.collection_id, 'public.sick', ${state}, 'x', 'loop', 'hotspot_congestion', a.problem,
        'rebalance_partitions', true, a.plan, 0.3, 1, 1, 'a test', now(), now()
        FROM ruvector.healing_actions a, ruvector.collections c
          WHERE a.strategy_name = 'rebalance_partitions' AND c.table_name = 'sick'
          ORDER BY a.id LIMIT 1`;
  }
  function outcomes(n: number): string {
    return `INSERT INTO ruvector.healing_outcomes (collection_id, collection, problem_class,
      problem_details, strategy_name, started_at, completed_at, success, verified, initial_lambda)
      SELECT collection_id, 'public.sick', 'hotspot_congestion', '{}', 'rebalance_partitions',
        now(), now(), true, false, 0.3 FROM ruvector.collections, generate_series(1, ${n})
        WHERE table_name = 'sick';
      INSERT INTO ruvector.healing_weights
        VALUES ('rebalance_partitions', 'hotspot_congestion', 0, ${n},
        now()) ON CONFLICT (strategy_name, problem_class) DO UPDATE SET weight = 0`;
  }
  function suspension(where: string): string {
    return (
      "INSERT INTO ruvector.healing_suspensions (collection_id, strategy_name, problem_class, " +
      `kind, reason, failure) SELECT ${where}, 'rebalance_partitions', 'hotspot_congestion', ` +
      "'failures', 'a test', 'unverified' FROM ruvector.collections WHERE table_name = 'sick'"
    );
  }

  beforeAll(async () => {
    await makeTable(db, { table: "sick", rows: HOT });
    await configure(db, { enabled: true });
    await db.client.query("SELECT ruvector_integrity_sample('sick')");
  });

  it.each(Object.keys(SITUATIONS))("because of %s: what is said to type works", async (name) => {
    const { settings = {}, sql, reason } = SITUATIONS[name]!;
    const failed = await within(async () => {
      await own("sick", { strategy_retry_seconds: 3600, ...settings });
      if (sql) await db.client.query(sql);
      const texts = [await db.value<string>("SELECT ruvector_healing_explain('sick')")];
      const answer = await db.value<{ reason?: string; action_id: number | null; hint?: string }>(
        "SELECT ruvector_healing_trigger('sick')",
      );
      if (reason !== undefined)
        expect(answer.reason ?? null, JSON.stringify(answer).slice(0, 800)).toBe(reason);
      texts.push(
        ...textsIn(answer),
        await db.value<string>("SELECT ruvector_healing_explain('sick')"),
        ...textsIn(await db.value("SELECT ruvector_healing_status()")),
        ...(await db.rows("SELECT * FROM ruvector_healing_decisions()")).flatMap(textsIn),
        ...(await db.rows("SELECT message FROM ruvector.healing_events WHERE at >= now()")).flatMap(
          textsIn,
        ),
      );
      const known: Known = new Map();
      const all = await typeAll(texts, name, known);
      expect(texts.flatMap(statementsIn), `${name}: nothing to type in\n${texts[0]}`).not.toEqual(
        [],
      );
      // What a person asks for past all that answers, and its hints work as well.
      for (const strategy of name === "disabled" ? STRATEGY_NAMES : []) {
        const dry = `'{"dry_run": true}'`;
        const asked = `SELECT ruvector_healing_execute('sick', '${strategy}', ${dry})`;
        const { error, hints } = await typeOnce(asked, name, known);
        if (error !== null) all.push(`${name}: ${asked} -> ${error}`);
        all.push(
          ...(await typeAll(
            hints.filter((hint) => !/cron\.|CREATE EXTENSION/.test(hint)),
            `${name}, answer of ${asked}`,
            known,
          )),
        );
      }
      return all;
    });
    expect(failed).toEqual([]);
  });

  it("because its table is gone", async () => {
    const failed = await within(async () => {
      await db.client.query("DROP TABLE sick CASCADE");
      return typeAll([await db.value<string>("SELECT ruvector_healing_explain('sick')")], "gone");
    });
    expect(failed).toEqual([]);
  });

  it("the statement that runs a turn of the loop does", async () => {
    await db.client.query("UPDATE ruvector.healing_ticks SET started_at = NULL");
    expect(
      statementsIn(await db.value<string>("SELECT ruvector_healing_explain('sick')")),
    ).toContain("CALL ruvector_healing_tick();");
    await ticks(db, 1);
    expect(await db.value("SELECT started_at IS NOT NULL FROM ruvector.healing_ticks")).toBe(true);
  });
});
