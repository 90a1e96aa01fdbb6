/**
 * pause_maintenance with real pg_cron jobs on the real server: paused, drained, resumed on every
 * path.
 */
import { describe, expect, it } from "vitest";
import { pattern } from "../support/pattern.ts";
import { configure, makeTable, QUICK, ticks } from "./support/collection.ts";
import { cronDatabase, type CronDatabase, external } from "./support/cron.ts";
import { waitEnds } from "../support/patience.ts";

const db: CronDatabase = external ? (undefined as never) : await cronDatabase();

const CONTENDING = {
  ...QUICK,
  stabilize_seconds: 1,
  drain_seconds: 20,
  slice_seconds: 0.5,
  pause_seconds: 600,
  blocked_writer_seconds: [0.05, 0.1, 0.5],
  max_auto_heal_impact: 0.5,
  strategy_retry_seconds: 0,
  ineffective_outcomes: 100,
};

const job = (name: string, schedule: string, command: string): Promise<string> =>
  db.value<string>("SELECT cron.schedule($1, $2, $3)::text", [name, schedule, command]);

const active = (name: string): Promise<boolean | undefined> =>
  db.value("SELECT active FROM cron.job WHERE jobname = $1", [name]);

const running = (name: string, wanted: boolean): Promise<boolean> =>
  db.until<boolean>(
    "SELECT EXISTS (SELECT FROM cron.job_run_details d JOIN cron.job j USING (jobid) WHERE " +
      "j.jobname = $1 AND d.status = 'running')",
    (is) => is === wanted,
    [name],
  );

interface Answer {
  readonly outcome: string;
  readonly action_id: number;
  readonly state: string;
  readonly strategy: string;
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
  readonly problem: { class: string; job_types: string[]; summary: string };
  readonly plan: { jobs: { name: string }[]; left: { name: string; reason: string }[] };
  readonly predicted_lambda: number;
}

const pause = (table: string, params: object): Promise<Answer> =>
  db.value<Answer>("SELECT ruvector_healing_execute($1, 'pause_maintenance', $2)", [
    table,
    JSON.stringify(params),
  ]);

const state = (id: number): Promise<{ state: string; message: string; verified: boolean | null }> =>
  db
    .rows<{ state: string; message: string; verified: boolean | null }>(
      "SELECT state, message, verified FROM ruvector.healing_actions WHERE id = $1",
      [id],
    )
    .then(([row]) => row!);

/** Ticks until the action has ended. */
async function ended(
  id: number,
): Promise<{ state: string; message: string; verified: boolean | null }> {
  const end = waitEnds();
  for (;;) {
    await ticks(db, 1);
    const now = await state(id);
    if (
      !["planned", "executing", "stabilizing", "rolling_back"].includes(now.state) ||
      Date.now() > end
    )
      return now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const LOW: readonly number[] = [20, 20, 20, 20];

/** The only action is over, no job and no lease is left: the next test begins anew. */
async function cleared(table: string): Promise<void> {
  await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": false}', $1)", [table]);
  await db.client.query("SELECT cron.unschedule(jobid) FROM cron.job");
  await ticks(db, 1);
  expect(
    await db.value("SELECT count(*)::int FROM ruvector.healing_leases WHERE ended_at IS NULL"),
  ).toBe(0);
}

describe.skipIf(external)("pause_maintenance", () => {
  it(
    "pauses the job that holds writers up, once its run has ended, verifies it, and resumes it " +
      "when the lease is over",
    async () => {
      await configure(db, CONTENDING);
      await makeTable(db, { table: "held", rows: LOW });
      await job(
        "holder",
        "1 second",
        "BEGIN; LOCK TABLE held IN SHARE MODE; SELECT pg_sleep(2); COMMIT",
      );
      await job("bystander", "0 0 1 1 *", "SELECT 1");
      const writer = await db.connect();
      let stop = false;
      const writing = (async () => {
        for (let id = 1_000_000; !stop; id++) {
          await writer.query("INSERT INTO held SELECT $1, 0, 'w', embedding FROM held LIMIT 1", [
            id,
          ]);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })();
      try {
        const end = waitEnds();
        let id: number | undefined;
        while (id === undefined && Date.now() < end) {
          await ticks(db, 1);
          id =
            (await db.value<number | undefined>(
              `SELECT max(id)::int FROM ruvector.healing_actions
              WHERE strategy_name = 'pause_maintenance'`,
            )) ?? undefined;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        const [action] = await db.rows<{
          problem: Answer["problem"] & { details: { job_types: string[] } };
          plan: Answer["plan"];
          predicted_lambda: number;
          initial_lambda: number;
        }>(
          `SELECT problem, plan, predicted_lambda, initial_lambda FROM ruvector.healing_actions
          WHERE id = $1`,
          [id],
        );
        expect(action?.problem.details.job_types).toContain("holder");
        expect(action?.problem.summary).toMatch(
          /holder \(pid \d+\) holds up 1 session on public\.held/,
        );
        expect(action?.plan.jobs.map(({ name }) => name)).toEqual(["holder"]);
        expect(action?.predicted_lambda).toBeGreaterThan(0.9);
        expect(await ended(id!)).toMatchObject({ state: "succeeded", verified: true });
        expect(await active("holder")).toBe(false);
        expect(await active("bystander")).toBe(true);
        // Not one run was cut short.
        expect(
          await db.value("SELECT count(*)::int FROM cron.job_run_details WHERE status = 'failed'"),
        ).toBe(0);
        const status = await db.value<{
          leases: { kind: string; target: { name: string }; strategy: string }[];
        }>("SELECT ruvector_healing_status('held')");
        expect(status.leases).toMatchObject([
          { kind: "paused_job", strategy: "pause_maintenance", target: { name: "holder" } },
        ]);
        expect(await db.value("SELECT ruvector_healing_explain($1)", [id])).toContain(
          "paused pg_cron job holder",
        );
      } finally {
        stop = true;
        await writing;
      }
      await db.client.query(
        "SELECT ruvector_healing_configure('{\"max_attempts_per_hour\": 0}', 'held')",
      );
      await db.client.query("UPDATE ruvector.healing_leases SET expires_at = clock_timestamp()");
      await ticks(db, 1);
      expect(await active("holder")).toBe(true);
      await cleared("held");
    },
  );

  it(
    "undoes itself when it did not help, and touches no job that somebody deleted or switched " +
      "on meanwhile",
    async () => {
      await makeTable(db, { table: "undone", rows: LOW });
      await db.client.query(
        'SELECT ruvector_healing_configure(\'{"enabled": false, "stabilize_seconds": 0}\', ' +
          "'undone')",
      );
      for (const name of ["one", "two", "three"]) await job(name, "0 0 1 1 *", "SELECT 1");
      const answer = await pause("undone", { jobs: ["one", "two", "three"] });
      expect(answer).toMatchObject({ outcome: "stabilizing", strategy: "pause_maintenance" });
      expect([await active("one"), await active("two"), await active("three")]).toEqual([
        false,
        false,
        false,
      ]);
      await db.client.query(
        `SELECT cron.alter_job(jobid, active := true), cron.alter_job(jobid,
        schedule := '1 1 1 1 *') FROM cron.job WHERE jobname = 'two'`,
      );
      await db.client.query("SELECT cron.unschedule('three')");
      expect(await ended(answer.action_id)).toMatchObject({
        state: "rolled_back",
        verified: false,
      });
      expect(
        await db.rows(
          `SELECT jobname, schedule, active FROM cron.job WHERE jobname NOT LIKE 'ruvector%'
          ORDER BY 1`,
        ),
      ).toEqual([
        { jobname: "one", schedule: "0 0 1 1 *", active: true },
        { jobname: "two", schedule: "1 1 1 1 *", active: true },
      ]);
      await cleared("undone");
    },
  );

  it(
    "undoes what it did when an error comes in the middle, and on abort; a running job is left " +
      "to end",
    async () => {
      await makeTable(db, { table: "broken", rows: LOW });
      await db.client.query(
        'SELECT ruvector_healing_configure(\'{"enabled": false, "stabilize_seconds": 600}\', ' +
          "'broken')",
      );
      await job("idle", "0 0 1 1 *", "SELECT 1");
      await job("busy", "1 second", "SELECT pg_sleep(3)");
      await running("busy", true);
      const aborted = await pause("broken", { jobs: ["idle", "busy"] });
      expect(aborted).toMatchObject({ outcome: "started", state: "executing" });
      expect([await active("idle"), await active("busy")]).toEqual([false, true]);
      expect(
        await db.value("SELECT ruvector_healing_abort($1) ->> 'state'", [aborted.action_id]),
      ).toBe("aborted");
      expect([await active("idle"), await active("busy")]).toEqual([true, true]);

      await db.client.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'not this one'; END $$;
      CREATE TRIGGER refuse BEFORE UPDATE ON cron.job FOR EACH ROW WHEN (new.jobname = 'busy')
        EXECUTE FUNCTION refuse()`);
      try {
        await running("busy", true);
        const failing = await pause("broken", { jobs: ["idle", "busy"] });
        const end = await ended(failing.action_id);
        expect(end.state).toBe("failed");
        expect(end.message).toContain("not this one");
        expect([await active("idle"), await active("busy")]).toEqual([true, true]);
      } finally {
        await db.client.query("DROP TRIGGER refuse ON cron.job");
      }
      expect(
        await db.value("SELECT count(*)::int FROM cron.job_run_details WHERE status = 'failed'"),
      ).toBe(0);
      await cleared("broken");
    },
  );

  it("goes on without a job that does not end in time, and never cuts its run short", async () => {
    await makeTable(db, { table: "endless", rows: LOW });
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"enabled": false, "stabilize_seconds": 0, ' +
        "\"drain_seconds\": 0.2}', 'endless')",
    );
    await job("endless", "1 second", "SELECT pg_sleep(60)");
    await running("endless", true);
    const answer = await pause("endless", { jobs: ["endless"] });
    expect((await ended(answer.action_id)).state).toBe("rolled_back");
    expect(
      await db.value(
        `SELECT details ->> 'hint' FROM ruvector.healing_events WHERE kind = 'action_not_drained'
          AND action_id = $1`,
        [answer.action_id],
      ),
    ).toMatch(/^SELECT cron\.alter_job\(\d+, active := false\);$/);
    expect(await active("endless")).toBe(true);
    expect(
      await db.value(
        `SELECT d.status FROM cron.job_run_details d JOIN cron.job j USING (jobid)
          WHERE j.jobname = 'endless' ORDER BY d.runid DESC LIMIT 1`,
      ),
    ).toBe("running");
    await cleared("endless");
  });

  it("leaves off what somebody switched off while its run was waited for", async () => {
    await makeTable(db, { table: "theirs", rows: LOW });
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"enabled": false, "stabilize_seconds": 600, ' +
        "\"drain_seconds\": 600}', 'theirs')",
    );
    const off = async (): Promise<void> => {
      await db.client.query(
        "SELECT cron.alter_job(jobid, active := false) FROM cron.job WHERE jobname = 'long'",
      );
    };
    const schedule = (): Promise<string> =>
      db.value<string>("SELECT schedule FROM cron.job WHERE jobname = 'long'");
    for (const resumed of [
      "ruvector_healing_rollback('theirs')",
      "ruvector.healing_end_pauses('0')",
    ]) {
      await job("long", "1 second", "SELECT pg_sleep(60)");
      await running("long", true);
      const answer = await pause("theirs", { jobs: ["long"] });
      expect(answer.state).toBe("executing");
      await off();
      await db.client.query("UPDATE ruvector.healing_leases SET expires_at = clock_timestamp()");
      await db.client.query(`SELECT ${resumed}`);
      expect([await active("long"), await schedule()]).toEqual([false, "1 second"]);
      await db.client.query(
        `SELECT ruvector_healing_abort($1) FROM ruvector.healing_actions
          WHERE id = $1 AND state IN ('executing', 'stabilizing')`,
        [answer.action_id],
      );
      await cleared("theirs");
    }
  });

  it.each([
    [
      "healing is switched off",
      "SELECT ruvector_healing_configure('{\"enabled\": false}', 'released')",
    ],
    [
      "its time is over",
      "UPDATE ruvector.healing_leases SET expires_at = clock_timestamp() WHERE ended_at IS NULL",
    ],
    ["the loop is unscheduled", "SELECT ruvector_healing_unschedule()"],
    ["a human rolls back", "SELECT ruvector_healing_rollback('released')"],
  ])("resumes the job when %s", async (_reason, statement) => {
    if (await db.value("SELECT to_regclass('released') IS NULL"))
      await makeTable(db, { table: "released", rows: LOW });
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"enabled": true, "stabilize_seconds": 600}\', ' +
        "'released')",
    );
    await job("nightly", "0 0 1 1 *", "SELECT 1");
    const answer = await pause("released", { jobs: ["nightly"] });
    expect(await active("nightly")).toBe(false);
    await db.client.query(statement);
    await ticks(db, 1);
    expect(await active("nightly")).toBe(true);
    await db.client.query(
      `SELECT ruvector_healing_abort($1) FROM ruvector.healing_actions
        WHERE id = $1 AND state = 'stabilizing'`,
      [answer.action_id],
    );
    await cleared("released");
  });

  it("waits to resume while somebody changes pg_cron's jobs, and is in nobody's way", async () => {
    await makeTable(db, { table: "contested", rows: LOW });
    await db.client.query(
      'SELECT ruvector_healing_configure(\'{"enabled": false, "stabilize_seconds": 600}\', ' +
        "'contested')",
    );
    await job("nightly", "0 0 1 1 *", "SELECT 1");
    const { action_id } = await pause("contested", { jobs: ["nightly"] });
    const human = await db.connect();
    await human.query(
      "BEGIN; UPDATE cron.job SET schedule = '5 5 * * *' WHERE jobname = 'nightly'",
    );
    expect(await db.value("SELECT ruvector_healing_abort($1) ->> 'state'", [action_id])).toBe(
      "rolling_back",
    );
    expect(await active("nightly")).toBe(false);
    await human.query("COMMIT");
    expect((await ended(action_id)).state).toBe("aborted");
    expect(
      await db.rows("SELECT schedule, active FROM cron.job WHERE jobname = 'nightly'"),
    ).toEqual([{ schedule: "5 5 * * *", active: true }]);
    await cleared("contested");
  });

  it(
    "switches a job on again when its time is over and no tick comes: the loop died, or was " +
      "another timer's",
    async () => {
      await configure(db, CONTENDING);
      await makeTable(db, { table: "orphaned", rows: LOW });
      const jobid = await job("nightly", "0 3 * * *", "SELECT 1");
      const { action_id } = await pause("orphaned", { jobs: ["nightly"] });
      expect(await active("nightly")).toBe(false);
      const watch =
        "SELECT count(*)::int FROM cron.job WHERE jobname = ruvector.healing_job_name('watch')";
      expect(await db.value(watch)).toBe(1);
      await db.client.query(
        `UPDATE ruvector.healing_leases SET expires_at = clock_timestamp() - interval '16 seconds'
        WHERE action_id = $1`,
        [action_id],
      );
      expect(
        await db.value(
          "SELECT l FROM jsonb_array_elements(ruvector_healing_status('orphaned') -> 'leases') l",
        ),
      ).toMatchObject({
        overdue: true,
        note: expect.stringContaining(
          `By hand: SELECT cron.alter_job(${jobid}, active := true, schedule := '0 3 * * *');`,
        ),
      });
      // As pg_cron runs it. The first run may be of the minute that is just over.
      await db.client.query("SELECT ruvector.healing_watch()");
      expect(await active("nightly")).toBe(true);
      expect(
        await db.value("SELECT end_reason FROM ruvector.healing_leases WHERE action_id = $1", [
          action_id,
        ]),
      ).toBe("its time is over, and no tick came");
      expect(await db.value(watch)).toBe(0);
      // The action ends as it would have.
      await ended(action_id);
      await cleared("orphaned");
    },
  );

  it("never pauses a job of priority high or its own loop; says who else holds up", async () => {
    await makeTable(db, { table: "kept", rows: LOW });
    await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": false}', 'kept')");
    await job("precious", "0 0 1 1 *", "SELECT 1");
    await db.client.query("SELECT ruvector_healing_job_priority('precious', 'high')");
    await job("ruvector_healing_tick", "0 0 1 1 *", "SELECT 1");
    const refused = await pause("kept", { jobs: ["precious", "ruvector_healing_tick"] });
    expect(refused).toMatchObject({ outcome: "deferred", reason: "nothing_to_do" });
    expect(refused.message).toContain("precious: its priority is high");
    expect(refused.message).toContain("ruvector_healing_tick: there is no active job");
    await db.client.query("SELECT ruvector_healing_job_priority('precious', NULL)");
    expect((await pause("kept", { jobs: ["precious"], dry_run: true })).plan.jobs).toHaveLength(1);

    // A person's index build that waits for a transaction, and the writers behind it.
    const [reader, builder, writer] = [await db.connect(), await db.connect(), await db.connect()];
    await reader.query(
      "BEGIN; INSERT INTO kept SELECT 777777, 0, 'w', embedding FROM kept LIMIT 1",
    );
    const pid = (await builder.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]!
      .pid;
    const building = builder.query("CREATE INDEX ON kept_p0 (payload)");
    await db.until<boolean>(
      "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)",
      (is) => is,
      [pid],
    );
    const writing = writer.query(
      "INSERT INTO kept SELECT 777778, 0, 'w', embedding FROM kept_p1 LIMIT 1",
    );
    await db.until<boolean>(
      "SELECT count(*) = 2 FROM pg_locks WHERE relation = 'kept_p0'::regclass AND NOT granted",
      (is) => is,
    );
    const none = await db.value<Answer>(
      "SELECT ruvector_healing_execute('kept', 'pause_maintenance')",
    );
    expect(none.message).toContain(
      `pid ${pid} (CREATE INDEX ON kept_p0 (payload)) holds up 1 session on public.kept_p0`,
    );
    expect(none.hint).toContain(`SELECT pg_cancel_backend(${pid});`);
    await reader.query("ROLLBACK");
    await building;
    await writing;
    await cleared("kept");
  });

  it("shows jobs that run, are due and fail; no contention: they hold nobody up", async () => {
    await makeTable(db, { table: "queued", rows: LOW });
    await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": false}', 'queued')");
    for (let place = 0; place < 11; place++)
      await job(`forgotten ${place}`, "1 second", "SELECT * FROM a_table_that_was_dropped");
    await job("failing", "1 second", "SELECT 1/0");
    await job("slow", "1 second", "SELECT pg_sleep(25)");
    await job("ruvector_healing_other", "1 second", "SELECT pg_sleep(1)");
    const seen =
      "SELECT coalesce(jsonb_object_agg(j ->> 'name', j), '{}') FROM " +
      "jsonb_array_elements(ruvector_integrity_sample('queued') #> " +
      "'{metrics,maintenance,jobs}') j";
    interface Seen {
      failing?: { failing: boolean; last_message: string };
      slow?: { running: boolean; due: boolean };
    }
    const found = await db.until<Seen>(seen, ({ failing, slow }) =>
      Boolean(failing?.failing && slow?.due),
    );
    expect(found).toMatchObject({
      failing: { failing: true },
      slow: { running: true, due: true, failing: false },
    });
    expect(found.failing?.last_message).toContain("division by zero");
    expect(Object.keys(found)).not.toContain("ruvector_healing_other");
    await db.until<number>(
      "SELECT (ruvector_integrity_sample('queued') #>> '{metrics,maintenance,failing_jobs}')::int",
      (failing) => failing === 12,
    );
    await ticks(db, 3);
    expect(await db.rows("SELECT lambda, state FROM ruvector_integrity_status('queued')")).toEqual([
      { lambda: 1, state: "normal" },
    ]);
    expect(
      await db.value(
        `SELECT metrics ->> 'maintenance_queue_depth'
          FROM ruvector_integrity_history('queued', limit_ := 1)`,
      ),
    ).toBe("0");
    for (const operation of ["insert", "bulk_insert", "create_index"]) {
      expect(
        await db.value("SELECT ruvector_integrity_gate('queued', $1) ->> 'decision'", [operation]),
      ).toBe("allow");
    }
    expect(
      (await db.value<string>("SELECT ruvector_healing_explain('queued')")).replace(/\s+/g, " "),
    ).toMatch(
      pattern(
        /12 jobs of pg_cron failed at their last run, and hold nobody up: /,
        /.* \(ERROR: .*\), .* and 9 more\./,
      ),
    );
    // Switched off, it is nobody's any more.
    await db.client.query(
      "SELECT cron.alter_job(jobid, active := false) FROM cron.job WHERE jobname <> 'failing'",
    );
    await db.until<number>(
      "SELECT (ruvector_integrity_sample('queued') #>> '{metrics,maintenance,failing_jobs}')::int",
      (failing) => failing === 1,
    );
    await cleared("queued");
  });

  it("sees and pauses what a plain role may: its own jobs, with the right to alter", async () => {
    const role = `ruvector_test_${process.pid}_plain`;
    await db.client.query(`CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA ruvector TO ${role}`);
    await db.client.query(
      `GRANT EXECUTE ON FUNCTION ruvector.healing_cron(bigint, bigint[]),
        ruvector.healing_cron_job(bigint), ruvector.healing_server_setting(text, text),
        ruvector.healing_alter_job(bigint, boolean, text), ruvector.healing_sees_rows(regclass),
        ruvector.healing_changed_by_others(regclass)
        TO ${role}`,
    );
    const theirs = await job("theirs", "0 0 1 1 *", "SELECT 1");
    const plain = await db.connect();
    const ask = async <T>(statement: string): Promise<T> =>
      Object.values((await plain.query(statement)).rows[0] as object)[0] as T;
    try {
      // As healing_call() has it: row security that would hide something is an error.
      await plain.query(`SET ROLE ${role}; SET row_security = off`);
      expect(await ask("SELECT ruvector.healing_cron(0, '{}')")).toMatchObject({
        installed: true,
        denied: expect.stringContaining("permission denied for schema cron"),
      });
      await db.client.query(`GRANT USAGE ON SCHEMA cron TO ${role}`);
      const own = await ask<string>("SELECT cron.schedule('own', '0 0 1 1 *', 'SELECT 1')::text");
      expect(await ask("SELECT ruvector.healing_cron(0, '{}')")).toMatchObject({
        others_hidden: true,
        jobs: [{ jobid: own, jobname: "own" }],
      });
      // What the hint has is typed, and there is nothing to be told of any more.
      for (const table of ["cron.job", "cron.job_run_details"]) {
        const there = await ask("SELECT ruvector.healing_cron(0, '{}') -> 'others_hidden'");
        expect(there).toBe(true);
        await db.client.query(
          `CREATE POLICY ruvector_healing_sees ON ${table} FOR SELECT TO ${role} USING (true)`,
        );
      }
      const seen = await ask<{ jobs: { jobname: string }[] }>(
        "SELECT ruvector.healing_cron(0, '{}')",
      );
      expect(seen).toMatchObject({ others_hidden: false });
      expect(seen.jobs.map(({ jobname }) => jobname)).toEqual(["theirs", "own"]);
      await db.client.query(
        `CREATE POLICY hides ON cron.job AS RESTRICTIVE TO ${role} USING (jobname = 'own')`,
      );
      expect(await ask("SELECT ruvector.healing_cron(0, '{}')")).toMatchObject({
        others_hidden: true,
        jobs: [{ jobname: "own" }],
      });
      await db.client.query(
        `DROP POLICY hides ON cron.job; DROP POLICY ruvector_healing_sees ON cron.job;
         DROP POLICY ruvector_healing_sees ON cron.job_run_details`,
      );
      // pg_cron's settings are not shown to it, and nothing stumbles over that.
      expect(await ask("SELECT ruvector.healing_server_setting('cron.timezone', 'hidden')")).toBe(
        "hidden",
      );
      expect(await ask(`SELECT ruvector.healing_cron_job(${theirs})`)).toMatchObject({
        found: false,
      });
      await expect(
        plain.query(`SELECT ruvector.healing_alter_job(${own}, false, NULL)`),
      ).rejects.toThrow("permission denied for function alter_job");
      await db.client.query(`GRANT EXECUTE ON FUNCTION cron.alter_job TO ${role}`);
      await plain.query(`SELECT ruvector.healing_alter_job(${own}, false, NULL)`);
      expect(await active("own")).toBe(false);
    } finally {
      await plain.end();
      await db.client.query("SELECT cron.unschedule(jobid) FROM cron.job");
      await db.client.query(
        `REVOKE EXECUTE ON FUNCTION cron.alter_job FROM ${role}; REVOKE USAGE ON SCHEMA cron
          FROM ${role}; DROP OWNED BY ${role}; DROP ROLE ${role}`,
      );
    }
  });
});
