/**
 * One verdict for people: every combination of what it is made of, and what a collection reads as
 * on its way from bad to well.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { VERDICTS, type Verdict } from "../../src/model/problem.ts";
import { configure, HOT, IN_ONE_GO, makeTable, ticks } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { pattern } from "../support/pattern.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
});

interface Case {
  readonly there: boolean;
  readonly sampled: boolean;
  readonly age: number;
  readonly state: number;
  readonly lambda: number | null;
  readonly action: string | null;
}

interface Row extends Case {
  readonly id: number;
  readonly loop: string;
  readonly verdict: Verdict;
  readonly sentence: string;
}

const STRESS = 0.8,
  MARGIN = 0.05;
const LAMBDAS = [null, 0, 0.27, 0.3, 0.5, 0.7999, 0.8, 0.82, 0.85, 0.8501, 1];
const ACTIONS = [
  null,
  "planned",
  "waits_for_window",
  "awaiting_approval",
  "executing",
  "stabilizing",
  "rolling_back",
];
const LOOPS = { running: "1 second", stopped: "1 hour", never_ran: null } as const;

/** What docs/monitoring.md says, and not how the SQL has it. */
function expected({ there, sampled, age, state, lambda, action }: Case): Verdict {
  if (!there || !sampled || age > 100) return "unknown";
  if (["planned", "executing", "stabilizing"].includes(action ?? "")) return "healing";
  const well = lambda !== null && lambda > STRESS + MARGIN;
  if (state > 0) return well ? "recovering" : state === 2 ? "critical" : "stress";
  if (lambda === null) return "unknown";
  return lambda < STRESS ? "suspect" : "healthy";
}

describe("the truth table", () => {
  let rows: Row[];

  beforeAll(async () => {
    // One table behind all of them: a verdict reads rows of ours, and whether the table is there.
    await db.client.query("CREATE TABLE public.there (id int PRIMARY KEY, e vector(3)); BEGIN");
    await db.client.query(
      `
      CREATE TEMPORARY TABLE cases AS
      SELECT 1000 + row_number() OVER () AS id, there, sampled, age, state, lambda, action
        FROM (VALUES (true), (false)) t(there), (VALUES (true), (false)) s(sampled),
          (VALUES (1), (3600)) a(age), generate_series(0, 2) st(state),
             unnest($1::float8[]) l(lambda), unnest($2::text[]) c(action)`,
      [LAMBDAS, ACTIONS],
    );
    await db.client.query(`
      INSERT INTO ruvector.collections (collection_id, schema_name, table_name, relid,
        partition_strategy, vector_column, vector_type)
      OVERRIDING SYSTEM VALUE
      SELECT id, 'public', 'gone_' || id, CASE WHEN there THEN 'there'::regclass::oid
        ELSE 1 END, 'none', 'e', 'vector' FROM cases;
      INSERT INTO ruvector.integrity_state (collection_id, state, since, lambda, sampled_at,
        sample_id, hysteresis)
      SELECT id, state, now(), lambda, clock_timestamp() - make_interval(secs => age), 0,
             '{"below_stress": 1, "below_critical": 1, "above_stress_since": 1768000000}' FROM cases
               WHERE sampled;
      INSERT INTO ruvector.healing_actions (collection_id, collection, state, initiated_by, origin,
        problem_class, problem, strategy_name, reversible, plan, initial_lambda,
                                            initial_state, target_lambda, progress)
      SELECT id, 'x', CASE action WHEN 'waits_for_window' THEN 'planned'
        ELSE action END, 'me', 'loop', 'unknown', '{}', 'rebalance_partitions', true, '{}', 0.5, 1,
        1,
             CASE action WHEN 'waits_for_window' THEN '{"waits_for_window": true}'
               ELSE '{}' END::jsonb FROM cases WHERE action IS NOT NULL`);
    rows = [];
    for (const [loop, ago] of Object.entries(LOOPS)) {
      await db.client.query(
        `UPDATE ruvector.healing_ticks SET interval_seconds = 5,
          started_at = clock_timestamp() - $1::interval,
          finished_at = clock_timestamp() - $1::interval`,
        [ago],
      );
      const found = await db.rows<Row>(
        `SELECT c.*, v.verdict, v.sentence
          FROM cases c JOIN ruvector.healing_verdicts() v ON v.collection_id = c.id`,
      );
      rows.push(...found.map((row) => ({ ...row, loop })));
    }
    await db.client.query("ROLLBACK");
  });

  it("has every combination", () => {
    expect(rows).toHaveLength(2 * 2 * 2 * 3 * LAMBDAS.length * ACTIONS.length * 3);
    expect(new Set(rows.map(({ verdict }) => verdict))).toEqual(new Set(VERDICTS));
  });

  it("is what the documentation says, in every row of it", () => {
    expect(rows.filter((row) => row.verdict !== expected(row))).toEqual([]);
  });

  it(
    "never calls anything bad healthy or recovering, nor anything well critical, stress or " +
      "suspect, nor what was seen and is known unknown",
    () => {
      const of = (...verdicts: Verdict[]) =>
        rows.filter(({ verdict }) => verdicts.includes(verdict));
      expect(
        of("healthy", "recovering").filter(
          ({ lambda, there, sampled, age }) =>
            lambda === null || lambda < STRESS || !there || !sampled || age > 100,
        ),
      ).toEqual([]);
      expect(of("healthy").filter(({ state }) => state > 0)).toEqual([]);
      expect(
        of("critical", "stress", "suspect").filter(
          ({ lambda }) => lambda !== null && lambda > STRESS + MARGIN,
        ),
      ).toEqual([]);
      expect(of("suspect").filter(({ lambda }) => lambda === null || lambda >= STRESS)).toEqual([]);
      expect(
        of("unknown").filter(
          ({ lambda, there, sampled, age }) => there && sampled && age <= 100 && lambda !== null,
        ),
      ).toEqual([]);
    },
  );

  it("comes with one short sentence, which says nothing that is not so", () => {
    for (const row of rows) {
      const { sentence, loop, action, lambda, verdict } = row;
      expect(sentence, JSON.stringify(row)).toMatch(/^[^\n]{5,400}[^.\n]$/);
      if (loop === "running") expect(sentence).not.toMatch(/does not run|never run/);
      if (/waits for approval/.test(sentence)) expect(action).toBe("awaiting_approval");
      if (/being undone/.test(sentence)) expect(action).toBe("rolling_back");
      if (/maintenance window/.test(sentence)) expect(action).toBe("waits_for_window");
      if (/better, and not well/.test(sentence))
        expect(lambda !== null && lambda >= STRESS && lambda <= STRESS + MARGIN).toBe(true);
      const [, shown, bound] = /lambda ([\d.]+) is below ([\d.]+)/.exec(sentence) ?? [];
      if (shown !== undefined) expect(Number(shown), sentence).toBeLessThan(Number(bound));
      if (verdict === "healing")
        expect(sentence).toMatch(
          /^action \d+ \(rebalance_partitions\) is (planned|executing|stabilizing)/,
        );
    }
  });
});

describe("from bad to well", () => {
  const verdict = async () =>
    (
      await db.rows<{ verdict: Verdict; sentence: string }>(
        "SELECT verdict, sentence FROM ruvector_healing_verdict('embeddings')",
      )
    )[0]!;

  it("everybody says the same at every step; the first bad sample is not healthy", async () => {
    await configure(db, {
      ...IN_ONE_GO,
      stress_samples: 3,
      critical_samples: 3,
      recovery_hold_seconds: 3600,
    });
    await makeTable(db, { rows: HOT });
    const seen: Verdict[] = [];
    for (let tick = 0; tick < 8 && seen.at(-1) !== "recovering"; tick++) {
      await ticks(db, 1);
      const { verdict: now, sentence } = await verdict();
      const status = await db.value<{ verdict: string; sentence: string }>(
        "SELECT ruvector_healing_status() #> '{collections,public.embeddings}'",
      );
      expect(status).toMatchObject({ verdict: now, sentence });
      expect(
        await db.rows(
          `SELECT labels[2] AS verdict
            FROM ruvector_healing_metric_samples('ruvector_healing_verdict_info')`,
        ),
      ).toEqual([{ verdict: now }]);
      const explained = await db.value<string>("SELECT ruvector_healing_explain('embeddings')");
      expect(explained.replace(/\s+/g, " ")).toMatch(
        new RegExp(`^public\\.embeddings is ${now}: `),
      );
      expect(explained).not.toMatch(now === "healthy" ? /no match/ : /nothing to heal/);
      if (seen.at(-1) !== now) seen.push(now);
    }
    expect(seen).toEqual(["suspect", "healing", "recovering"]);
    expect((await verdict()).sentence).toMatch(
      pattern(
        /^lambda is 1; state stress is left once it has been above 0.85 for 3600 s, /,
        /which it is since 20\d\d-/,
      ),
    );
    expect(
      await db.rows("SELECT reason FROM ruvector.healing_refusals WHERE closed_at IS NULL"),
    ).toEqual([]);
  });

  it(
    "a reading that was pushed and is bad is suspect at once, and one that nobody can read is " +
      "unknown",
    async () => {
      await db.client.query(
        "CREATE TABLE pushed (id int PRIMARY KEY, e vector(3)); SELECT " +
          "ruvector_healing_register('pushed'); SELECT " +
          'ruvector_healing_configure(\'{"stress_samples": 3, "critical_samples": 3}\', ' +
          "'pushed')",
      );
      const of = async () =>
        (
          await db.rows<{ verdict: Verdict; sentence: string }>(
            "SELECT verdict, sentence FROM ruvector_healing_verdict('pushed')",
          )
        )[0]!;
      expect(await of()).toEqual({
        verdict: "unknown",
        sentence: "not sampled yet: the next tick does",
      });
      await db.client.query("SELECT ruvector_integrity_report('pushed', '{\"lambda\": 0.27}')");
      expect(await of()).toEqual({
        verdict: "suspect",
        sentence:
          "lambda 0.27 is below 0.3; not confirmed yet: 1 of the 3 samples in a row that make " +
          "it critical",
      });
      await db.client.query("DROP TABLE pushed");
      expect(await of()).toEqual({ verdict: "unknown", sentence: "its table is gone" });
    },
  );
});

describe("a database that is read-only for the loop", () => {
  const read = async () => ({
    loop: await db.value<string>("SELECT sentence FROM ruvector.healing_loop()"),
    status: JSON.stringify(await db.value("SELECT ruvector_healing_status()")),
    explained: (await db.value<string>("SELECT ruvector_healing_explain('embeddings')")).replace(
      /\s+/g,
      " ",
    ),
  });

  it("says so after the first missing tick, and what to type; typed, it is over", async () => {
    await configure(db, { recovery_hold_seconds: 0 });
    await ticks(db, 2);
    await db.client.query(
      `UPDATE ruvector.healing_ticks SET interval_seconds = 5,
        started_at = clock_timestamp() - interval '14 seconds', finished_at = started_at`,
    );
    expect((await read()).loop).toMatch(/^The loop runs: /);
    await db.client.query(
      `ALTER DATABASE "${await db.value<string>("SELECT current_database()")}"
        SET default_transaction_read_only = on`,
    );
    const { loop, status, explained } = await read();
    expect(loop).toMatch(
      pattern(
        /^The loop cannot write, and nothing is sensed or healed: /,
        /default_transaction_read_only is on for database /,
      ),
    );
    expect(status).toContain("The loop cannot write");
    expect(explained).toMatch(
      /THE LOOP CANNOT WRITE, .* Nothing happens before the loop runs and can write/,
    );
    expect(explained).not.toMatch(/nothing to heal/i);
    const typed = await db.value<string>("SELECT statement FROM ruvector.healing_loop()");
    expect(typed).toMatch(/^ALTER DATABASE \S+ RESET default_transaction_read_only;$/);
    await db.client.query(typed);
    expect((await read()).loop).toMatch(/^The loop runs: /);
  });
});
