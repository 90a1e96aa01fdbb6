/**
 * maintenance_contention is sensed from real faults: what waits for whom, index builds, starved
 * autovacuum, jobs, and what may not be read.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { configure, makeTable, QUICK, ticks } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";
import { waitEnds } from "../support/patience.ts";

let db: TestDatabase;

interface Sample {
  readonly lambda: number;
  readonly metrics: {
    readonly maintenance_queue_depth: number | null;
    readonly maintenance?: {
      readonly blocked_writer_seconds: Record<string, number>;
      readonly autovacuum_delay: number | null;
      readonly blockers: readonly {
        pid: number;
        kind: string;
        relation: string;
        statement: string | null;
        waiting: number[];
        application: string;
        query_start: number;
      }[];
      readonly sessions: readonly { pid: number; kind: string; relation: string }[];
      readonly backlog: readonly {
        table: string;
        reason: string;
        value: number;
        threshold: number;
        switched_off: boolean;
      }[];
    };
  };
  readonly unmeasured: readonly { what: string; why: string; hint: string }[];
}

const sample = (table: string): Promise<Sample> =>
  db.value<Sample>("SELECT ruvector_integrity_sample($1)", [table]);

const backend = async (client: pg.Client): Promise<number> =>
  (await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]!.pid;

/** Polls until a session waits for a lock. */
async function waits(pid: number): Promise<void> {
  const end = waitEnds();
  while (
    !(await db.value<boolean>(
      `SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted
        AND waitstart < clock_timestamp() - interval '0.2 s')`,
      [pid],
    ))
  ) {
    if (Date.now() > end) throw new Error(`session ${pid} does not wait`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const write = (client: pg.Client, table: string, id: number) =>
  client.query(`INSERT INTO ${table} VALUES (${id}, 0, 'w', '[1,2,3,4,5,6,7,8]')`);

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, {
    ...QUICK,
    enabled: false,
    stabilize_seconds: 5,
    blocked_writer_seconds: [0.01, 0.1, 0.4],
  });
});

describe("writers that wait", () => {
  it("for an index build that waits itself are counted, and the build is named", async () => {
    await makeTable(db, { table: "built", rows: [50, 50, 50, 50] });
    const [open, builder, writer, second] = [
      await db.connect(),
      await db.connect(),
      await db.connect(),
      await db.connect(),
    ];
    const pid = await backend(builder);
    const writerPid = await backend(writer);
    expect((await sample("built")).lambda).toBe(1);
    await open.query("BEGIN");
    await write(open, "built", 900_001);
    const building = builder.query("CREATE INDEX built_plain ON built_p0 (payload)");
    await waits(pid);
    const writers = [write(writer, "built", 900_002), write(second, "built", 900_003)];
    await waits(writerPid);
    const taken = await sample("built");
    const found = taken.metrics.maintenance!;
    expect(found.blocked_writer_seconds["index_build"]).toBeGreaterThan(0.1);
    expect(found.blocked_writer_seconds["total"]).toBeCloseTo(
      found.blocked_writer_seconds["index_build"]!,
      6,
    );
    const culprit = found.blockers.find((one) => one.pid === pid);
    expect(culprit).toMatchObject({
      kind: "index_build",
      relation: "public.built_p0",
      statement: "CREATE INDEX built_plain ON built_p0 (payload)",
    });
    expect(culprit?.waiting).toHaveLength(2);
    expect(culprit?.query_start).toBeGreaterThan(1_700_000_000);
    expect(found.sessions.map((one) => one.pid)).toContain(pid);
    expect(taken.metrics.maintenance_queue_depth).toBeGreaterThanOrEqual(1);
    expect(taken.lambda).toBeLessThan(0.8);
    const answer = await db.value<{
      problem: { class: string; job_types: string[]; queue_depth: number; summary: string };
      reason: string;
    }>("SELECT ruvector_healing_trigger('built')");
    expect(answer.problem.class).toBe("maintenance_contention");
    expect(answer.problem.job_types).toContain(`index_build (pid ${pid})`);
    expect(answer.problem.summary).toContain(`(pid ${pid}) holds up 2 sessions on public.built_p0`);
    // pg_cron's jobs lie in another database, and are no part of it.
    const none = await db.value<{ reason: string; message: string; hint: string }>(
      "SELECT ruvector_healing_execute('built', 'pause_maintenance')",
    );
    expect(none.reason).toBe("nothing_to_do");
    expect(none.message).toMatch(
      new RegExp(`pid ${pid} \\(CREATE INDEX built_plain .*\\) holds up \\d sessions? on public`),
    );
    expect(none.hint).toContain(`pg_cancel_backend(${pid});`);
    await open.query("COMMIT");
    await Promise.all([building, ...writers]);
  });

  it("are counted to their end, and are forgotten once they are over", async () => {
    await makeTable(db, { table: "over", rows: [50, 50, 50, 50] });
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"stabilize_seconds\": 1}', 'over')",
    );
    const [holder, writer] = [await db.connect(), await db.connect()];
    const pid = await backend(writer);
    await holder.query("BEGIN; LOCK TABLE over_p0 IN SHARE MODE");
    const writing = write(writer, "over", 900_001);
    await waits(pid);
    const during = (await sample("over")).metrics.maintenance!.blocked_writer_seconds["other"]!;
    expect(during).toBeGreaterThan(0.2);
    await db.value("SELECT pg_sleep(0.3)");
    await holder.query("COMMIT");
    await writing;
    const after = (await sample("over")).metrics.maintenance!;
    expect(after.blockers).toEqual([]);
    // The wait went on for 0.3 s after the sample that saw it.
    const seconds = await db.value<number>(
      `SELECT sum((c -> 'seconds' ->> 'other')::float8)
        FROM ruvector.integrity_measurements,
        jsonb_array_elements(value -> 'blocked' -> 'chunks') c WHERE kind = 'maintenance'
        AND collection_id = (SELECT collection_id FROM ruvector.collections
        WHERE table_name = 'over')`,
    );
    expect(seconds).toBeGreaterThan(during * 0.99 + 0.25);
    await db.value("SELECT pg_sleep(1.1)");
    expect((await sample("over")).lambda).toBe(1);
  });

  it("for a row of another writer are no matter of maintenance", async () => {
    await makeTable(db, { table: "rows", rows: [50, 50, 50, 50] });
    const [holder, writer] = [await db.connect(), await db.connect()];
    const pid = await backend(writer);
    await holder.query("BEGIN; UPDATE rows SET payload = 'x' WHERE id = 1");
    const writing = writer.query("UPDATE rows SET payload = 'y' WHERE id = 1");
    await waits(pid);
    const taken = await sample("rows");
    expect(taken.metrics.maintenance?.blockers ?? []).toEqual([]);
    expect(taken.lambda).toBe(1);
    // Once a statement of maintenance queues behind the same row's table, it is still the writer
    // who waits for a writer.
    await holder.query("COMMIT");
    await writing;
  });
});

describe("autovacuum", () => {
  it("that never comes by is sensed by the dead rows over PostgreSQL's own threshold", async () => {
    await makeTable(db, { table: "starved", rows: [100, 100, 100, 100] });
    // In naptimes: the server that the files share has one of a day.
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"autovacuum_delay\": [0.0000001, 0.0000002, 0.1]}', " +
        "'starved')",
    );
    await db.client.query(
      `ALTER TABLE starved_p1 SET (autovacuum_vacuum_threshold = 10,
        autovacuum_vacuum_scale_factor = 0.1)`,
    );
    await db.client.query("ANALYZE starved");
    await db.client.query(
      `DELETE FROM starved WHERE partition_id = 1 AND id % 2 = 0;
        SELECT pg_stat_force_next_flush()`,
    );
    await sample("starved");
    await db.value("SELECT pg_sleep(0.2)");
    const taken = await sample("starved");
    expect(taken.metrics.maintenance?.backlog).toMatchObject([
      {
        table: "public.starved_p1",
        reason: "dead_rows",
        value: 50,
        threshold: 20,
        switched_off: false,
      },
    ]);
    expect(taken.metrics.maintenance?.autovacuum_delay).toBeGreaterThan(0.0000002);
    expect(taken.lambda).toBeLessThan(0.8);
    await db.client.query("VACUUM starved_p1");
    await db.client.query("SELECT pg_stat_force_next_flush()");
    expect((await sample("starved")).lambda).toBe(1);
  });

  it("that is switched off is not behind: its owner vacuums at night", async () => {
    await makeTable(db, { table: "own_time", rows: [100, 100, 100, 100] });
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"autovacuum_delay\": [0.0000001, 0.0000002, 0.1]}', " +
        "'own_time')",
    );
    await db.client.query(
      `ALTER TABLE own_time_p1 SET (autovacuum_enabled = off, autovacuum_vacuum_threshold = 10,
        autovacuum_vacuum_scale_factor = 0.1)`,
    );
    await db.client.query("ANALYZE own_time");
    await db.client.query(
      `DELETE FROM own_time WHERE partition_id = 1 AND id % 2 = 0;
        SELECT pg_stat_force_next_flush()`,
    );
    await sample("own_time");
    await db.value("SELECT pg_sleep(0.2)");
    const taken = await sample("own_time");
    expect(await db.value("SELECT pg_stat_get_dead_tuples('own_time_p1'::regclass)::int")).toBe(50);
    // Absent, or 0 beside something else of the moment, such as a worker of autovacuum.
    expect(taken.metrics.maintenance?.autovacuum_delay ?? 0).toBe(0);
    expect(taken.lambda).toBe(1);
  });
});

describe("what may not be read", () => {
  it("is said with the GRANT, is not healthy, and does not break a tick", async () => {
    const name = `ruvector_test_${process.pid}_owner`;
    const other = await testDatabase();
    const language = inject("language");
    await other.client.query(`DROP SCHEMA ruvector CASCADE`);
    for (const { routine } of await other.rows<{ routine: string }>(
      `SELECT oid::regprocedure::text AS routine FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname ~ '^ruvector_' AND prokind = 'f'`,
    )) {
      await other.client.query(`DROP FUNCTION IF EXISTS ${routine} CASCADE`);
    }
    await other.client.query("DROP PROCEDURE IF EXISTS ruvector_healing_tick()");
    await other.client.query(`
      CREATE ROLE ${name} LOGIN; GRANT CREATE ON DATABASE "${other.name}" TO ${name};
        GRANT CREATE ON SCHEMA public TO ${name}`);
    try {
      const url = new URL(other.url);
      url.username = name;
      const owner = new pg.Client({ connectionString: url.href });
      await owner.connect();
      try {
        const script = await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8");
        await owner.query(`BEGIN; ${script}; COMMIT`);
        await owner.query(
          `CREATE TABLE mine (id int PRIMARY KEY, embedding vector(3));
            SELECT ruvector_healing_register('mine')`,
        );
        const taken = (
          await owner.query<{ taken: Sample }>("SELECT ruvector_integrity_sample('mine') AS taken")
        ).rows[0]!.taken;
        expect(taken.unmeasured).toContainEqual({
          what: "autovacuum workers, vacuums and index builds of other roles",
          why: expect.any(String),
          hint: `GRANT pg_read_all_stats TO ${name};`,
        });
        expect(taken.unmeasured).toContainEqual(
          expect.objectContaining({
            what: "scheduled jobs",
            hint: `GRANT pg_read_all_settings TO ${name};`,
          }),
        );
        // Waiting is seen all the same: pg_locks is shown to everybody.
        const [holder, writer] = [await other.connect(), await other.connect()];
        const pid = await backend(writer);
        await holder.query("BEGIN; LOCK TABLE mine IN SHARE MODE");
        const writing = writer.query("INSERT INTO mine VALUES (1, '[1,2,3]')");
        await waits(pid);
        const blocked = (
          await owner.query<{ taken: Sample }>("SELECT ruvector_integrity_sample('mine') AS taken")
        ).rows[0]!.taken;
        expect(blocked.metrics.maintenance?.blockers).toMatchObject([
          { kind: "other", relation: "public.mine", statement: null, waiting: [pid] },
        ]);
        await holder.query("COMMIT");
        await writing;
        await owner.query("CALL ruvector_healing_tick()");
        expect((await owner.query("SELECT last_error FROM ruvector.healing_ticks")).rows).toEqual([
          { last_error: null },
        ]);
        // A table of somebody else's cannot be throttled, and says so.
        await other.client.query(
          `CREATE TABLE theirs (id int PRIMARY KEY, embedding vector(3));
            GRANT SELECT, UPDATE, INSERT ON theirs TO ` + name,
        );
        const registered = (
          await owner.query<{ r: { limitations: object[] } }>(
            "SELECT ruvector_healing_register('theirs') AS r",
          )
        ).rows[0]!.r;
        expect(registered.limitations).toContainEqual({
          strategy: "throttle_ingestion",
          reason:
            "public.theirs belongs to postgres: only its owner can remove the trigger that " +
            "throttles",
          hint: `GRANT postgres TO ${name}; and register the table again.`,
        });
        await other.client.query(`GRANT pg_read_all_stats TO ${name}`);
        const after = (
          await owner.query<{ taken: Sample }>("SELECT ruvector_integrity_sample('mine') AS taken")
        ).rows[0]!.taken;
        expect(after.unmeasured.map(({ what }) => what)).not.toContain(
          "autovacuum workers, vacuums and index builds of other roles",
        );
      } finally {
        await owner.end();
      }
    } finally {
      await other.client.query(
        `REASSIGN OWNED BY ${name} TO postgres; DROP OWNED BY ${name}; DROP ROLE ${name}`,
      );
    }
  });

  it("of pg_cron, whose jobs are in another database, is said", async () => {
    await makeTable(db, { table: "elsewhere", rows: [50, 50, 50, 50] });
    const elsewhere = await db.value<string | null>(
      "SELECT current_setting('cron.database_name', true)",
    );
    const taken = await sample("elsewhere");
    if (elsewhere === null) return;
    expect(taken.unmeasured).toContainEqual(
      expect.objectContaining({
        what: "scheduled jobs",
        why: expect.stringContaining(`keeps its jobs in database ${elsewhere}`),
      }),
    );
    const none = await db.value<{ reason: string; hint: string }>(
      "SELECT ruvector_healing_execute('elsewhere', 'pause_maintenance')",
    );
    expect(none).toMatchObject({ reason: "nothing_to_do" });
    expect(none.hint).toContain(
      `In database ${elsewhere}: SELECT cron.alter_job(jobid, active := false)`,
    );
    // A pushed depth wins.
    await db.client.query(
      "SELECT ruvector_integrity_report('elsewhere', '{\"metrics\": " +
        '{"maintenance_queue_depth": 40}}\')',
    );
    expect(await db.value("SELECT lambda FROM ruvector_integrity_status('elsewhere')")).toBeCloseTo(
      0.3,
      6,
    );
    await ticks(db, 1);
  });
});
