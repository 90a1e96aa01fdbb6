/**
 * One who may connect, and at most create in public: what it can lock, name, run by pg_cron or
 * shout stops neither the loop nor a person, and runs with nobody else's rights.
 */
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, makeTable, ticks } from "../../support/collection.ts";
import { raised } from "../../support/database.ts";
import { type CronDatabase, cronDatabase, external } from "../support/cron.ts";
import { type Cast, cast, type Role, ticksOn } from "./roles.ts";

const db: CronDatabase = external ? (undefined as never) : await cronDatabase();
let roles: Cast;
let role: Role;
let eve: pg.Client;

describe.skipIf(external)("one who may connect", () => {
  beforeAll(async () => {
    roles = cast(db);
    await configure(db, { ...IN_ONE_GO, learning_enabled: false });
    await makeTable(db, { table: "locked", rows: HOT });
    role = await roles.role("eve");
    eve = await role.connect();
    await db.client.query(
      `CREATE TABLE public.ran (what text, ran_as name); GRANT INSERT ON public.ran TO PUBLIC`,
    );
  });
  afterAll(() => roles.end());

  const tickCount = () => db.value<string>("SELECT ticks::text FROM ruvector.healing_ticks");
  const ran = () => db.rows("SELECT DISTINCT what, ran_as FROM public.ran");

  it("takes every advisory key of older versions, and holds up nobody", async () => {
    // First shown to bite on something of the same shape.
    await eve.query("SELECT pg_advisory_lock(1381389896, 0)");
    expect(await db.value("SELECT pg_try_advisory_xact_lock(1381389896, 0)")).toBe(false);
    for (const [kind, id] of [
      [1381389896, -1],
      [1381389896, -2],
      [1381389896, -40],
      [1381389896, 1],
      [1381389897, 1],
      [1381389897, 2],
    ])
      await eve.query("SELECT pg_advisory_lock($1, $2)", [kind, id]);
    const before = Number(await tickCount());
    expect(await ticksOn(db, "locked")).toEqual({ ticked: true, sampled: true });
    expect(Number(await tickCount())).toBe(before + 1);
    expect(
      await db.value("SELECT ruvector_healing_configure('{\"max_attempts_per_hour\": 30}')"),
    ).toBeTruthy();
    expect(await db.value("SELECT ruvector_healing_verify_audit() -> 'unchained'")).toBe(0);
    await db.client.query(
      `SELECT ruvector_healing_grant('${role.name}', 'viewer');
        SELECT ruvector_healing_revoke('${role.name}')`,
    );
    await eve.query("SELECT pg_advisory_unlock_all()");
  });

  it("reads, locks and writes none of our locks, and calls none of our internals", async () => {
    for (const statement of [
      "SELECT FROM ruvector.healing_locks FOR UPDATE",
      "SELECT FROM ruvector.healing_locks",
      "BEGIN; LOCK TABLE ruvector.healing_locks",
      "DELETE FROM ruvector.healing_locks",
      "SELECT ruvector.healing_try_lock('tick')",
      "SELECT ruvector.ruvector_healing_status()",
      "SELECT ruvector_healing_status()",
    ]) {
      expect(await raised(eve, statement), statement).toMatchObject({ code: "42501" });
      await eve.query("ROLLBACK");
    }
  });

  describe("who may create in public", () => {
    beforeAll(() => db.client.query(`GRANT CREATE ON SCHEMA public TO ${role.name}`));
    afterAll(async () => {
      await db.client.query(
        `DO $$ DECLARE r regprocedure; BEGIN FOR r IN SELECT oid FROM pg_proc
          WHERE proowner = '${role.name}'::regrole LOOP
          EXECUTE format('DROP ROUTINE %s', r); END LOOP; END $$`,
      );
      await db.client.query(`REVOKE CREATE ON SCHEMA public FROM ${role.name}`);
    });

    it(
      "is found by what calls a function of public by its name, though its search_path is " +
        "pinned",
      async () => {
        await db.client.query(`
        CREATE FUNCTION public.control_samples(options jsonb) RETURNS SETOF text LANGUAGE sql AS $$
          SELECT 'ours' $$;
        CREATE FUNCTION public.control() RETURNS text
          LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
          SELECT string_agg(s, '') FROM public.control_samples('{}') s $$`);
        await eve.query(
          `CREATE FUNCTION public.control_samples(text) RETURNS SETOF text LANGUAGE sql AS $$
          INSERT INTO public.ran VALUES ('control', current_user); SELECT 'hers' $$`,
        );
        expect(await db.value("SELECT public.control()")).toBe("hers");
        expect(await ran()).toEqual([{ what: "control", ran_as: "postgres" }]);
        await db.client.query("TRUNCATE public.ran");
      },
    );

    it(
      "puts a better match and an ambiguous one beside every function of ours: none is called, " +
        "and loop and programs go on",
      async () => {
        const ours = await db.rows<{ name: string; kind: string; given: string; count: number }>(`
        SELECT p.proname AS name, p.prokind AS kind, pg_get_function_identity_arguments(p.oid)
          AS given, p.pronargs::int AS count
          FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname ~ '^ruvector_'
            AND p.proowner = 'postgres'::regrole`);
        expect(ours.length).toBeGreaterThan(45);
        let made = 0;
        for (const { name, kind, given, count } of ours) {
          const body =
            `LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ran VALUES ('${name}', ` +
            `current_user)${kind === "p" ? "" : "; RETURN NULL"}; END $$`;
          const head = (list: string) =>
            kind === "p"
              ? `CREATE PROCEDURE public.${name}(${list}) ${body}`
              : `CREATE FUNCTION public.${name}(${list}) RETURNS jsonb ${body}`;
          const lists = new Set([
            "extra_ int DEFAULT 1",
            given.includes("VARIADIC")
              ? "a text, b text"
              : [given, "extra_ int DEFAULT 1"].filter(Boolean).join(", "),
          ]);
          // A constant in quotes is a text before it is anything else.
          if (count > 0) lists.add(Array.from({ length: count }, () => "text").join(", "));
          for (const list of lists)
            made += await eve.query(head(list)).then(
              () => 1,
              ({ code }: pg.DatabaseError) => (expect(code, head(list)).toBe("42723"), 0),
            );
        }
        // The forms of one name take each other's places.
        expect(made).toBeGreaterThan(2 * new Set(ours.map(({ name }) => name)).size);
        expect(await raised(db.client, "CALL public.ruvector_healing_tick()")).toMatchObject({
          code: "42725",
        });
        expect(await raised(db.client, "SELECT public.ruvector_healing_status()")).toMatchObject({
          code: "42725",
        });
        await db.client.query("SELECT public.ruvector_healing_approve('1')");
        expect(await ran()).toEqual([{ what: "ruvector_healing_approve", ran_as: "postgres" }]);
        await db.client.query("TRUNCATE public.ran");
        expect(await ticksOn(db, "locked")).toEqual({ ticked: true, sampled: true });
        for (const call of [
          "ruvector_healing_metrics()",
          "ruvector_healing_metrics(true)",
          "ruvector_healing_status()",
          "ruvector_healing_explain('locked')",
          "ruvector_healing_explain('1')",
          "ruvector_healing_configure('{\"max_attempts_per_hour\": 31}')",
          "ruvector_healing_configure('{\"max_attempts_per_hour\": 31}', 'locked')",
          "ruvector_integrity_sample('locked')",
          "ruvector_healing_trigger('locked')",
          "ruvector_healing_verify_audit()",
          "ruvector_contracted_graph('locked')",
          "ruvector_healing_breaker_close('x')",
          "ruvector_healing_rights()",
          "ruvector_healing_verdict()",
          "ruvector_integrity_status()",
          "ruvector_integrity_history()",
          "ruvector_healing_history()",
          "ruvector_healing_config()",
          "ruvector_healing_forecasts()",
          "ruvector_healing_metric_samples('ruvector_integrity_lambda')",
          "ruvector_healing_schedule('10 seconds')",
          "ruvector_healing_unschedule()",
        ])
          await db.client.query(`SELECT * FROM ruvector.${call}`);
        expect(await ran()).toEqual([]);
        expect(await db.value("SELECT errors::int FROM ruvector.healing_ticks")).toBe(0);
      },
    );

    it("makes types, tables and operators named as what our loop and programs use", async () => {
      await eve.query(`CREATE TABLE public.collections (x int);
        CREATE TYPE public.healing_actions AS (x int);
        CREATE TEMP TABLE healing_locks (kind text, id int); CREATE SEQUENCE public.healing_ticks;
        CREATE FUNCTION public.array_position(text[], text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
          INSERT INTO public.ran VALUES ('array_position', current_user); RETURN 1; END $$;
        SELECT lo_create(0) FROM generate_series(1, 100)`);
      try {
        await db.client.query("SELECT array_position(ARRAY['a'], 'a'::text)");
        expect(await ran()).toEqual([{ what: "array_position", ran_as: "postgres" }]);
        await db.client.query("TRUNCATE public.ran");
        const { readCollection } = await import("../../../src/commands/status-data/collection.ts");
        const { readOverview } = await import("../../../src/commands/status-data/overview.ts");
        const session = await db.connect();
        let before: Promise<unknown> = Promise.resolve();
        const query = (statement: string, parameters: readonly unknown[] = []) => {
          const answer = before.then(() => session.query(statement, [...parameters]));
          before = answer.catch(() => undefined);
          return answer.then(({ rows }) => rows as never);
        };
        expect((await readOverview(query)).collections.map(({ name }) => name)).toEqual([
          "public.locked",
        ]);
        expect(
          (
            await readCollection(query, "public.locked", 60, () =>
              Promise.reject(new Error("not asked for")),
            )
          ).readings.length,
        ).toBeGreaterThan(0);
        expect(await ticksOn(db, "locked")).toEqual({ ticked: true, sampled: true });
        expect(await ran()).toEqual([]);
      } finally {
        await eve.query(
          `DROP TABLE public.collections; DROP TYPE public.healing_actions;
            DROP SEQUENCE public.healing_ticks`,
        );
      }
    });
  });

  describe("a lease ends when it is due", () => {
    it("a throttle, though its triggers stay in place while she reads its table", async () => {
      await makeTable(db, { table: "throttled", rows: [20, 20, 20] });
      await db.client.query(
        `GRANT SELECT ON throttled TO ${role.name};
          SELECT ruvector_healing_configure('{"enabled": false}', 'throttled')`,
      );
      await db.client.query(
        `SELECT ruvector_healing_execute('throttled', 'throttle_ingestion',
          '{"percent": 99, "mode": "reject", "throttle_seconds": 2}')`,
      );
      await eve.query("BEGIN; LOCK TABLE throttled IN ACCESS SHARE MODE");
      try {
        expect(
          await raised(db.client, "BEGIN; LOCK TABLE throttled IN ACCESS EXCLUSIVE MODE NOWAIT"),
        ).toMatchObject({ code: "55P03" });
        await db.client.query("ROLLBACK");
        const insert =
          "INSERT INTO throttled SELECT 100000 + g, 1, 'w', '[1,2,3,4,5,6,7,8]' FROM " +
          "generate_series(1, 1) g";
        const codes = async () => {
          const found: string[] = [];
          for (let turn = 0; turn < 5; turn++) {
            found.push(
              await db.client.query(`BEGIN; ${insert}`).then(
                () => "",
                (error: pg.DatabaseError) => error.code ?? "",
              ),
            );
            await db.client.query("ROLLBACK");
          }
          return found.join();
        };
        expect(await codes()).toContain("RV012");
        await expect.poll(async () => (await ticks(db, 1), codes())).toBe(",,,,");
        expect(
          await db.value("SELECT count(*)::int FROM pg_trigger WHERE tgname LIKE 'ruvector%'"),
        ).toBeGreaterThan(0);
      } finally {
        await eve.query("ROLLBACK");
      }
      const left = () =>
        db.value<number>("SELECT count(*)::int FROM pg_trigger WHERE tgname LIKE 'ruvector%'");
      await expect.poll(async () => (await ticks(db, 1), left())).toBe(0);
    });

    it("a paused job, though she locks what she can of pg_cron's table", async () => {
      await db.client.query(
        `GRANT USAGE ON SCHEMA cron TO ${role.name};
          SELECT cron.schedule('nightly', '0 0 1 1 *', 'SELECT 1')`,
      );
      await configure(db, { pause_seconds: 1 });
      await eve.query(
        "BEGIN; LOCK TABLE cron.job IN ACCESS SHARE MODE; SELECT pg_advisory_lock(1381389897, 1)",
      );
      try {
        expect(
          await raised(db.client, "BEGIN; LOCK TABLE cron.job IN ACCESS EXCLUSIVE MODE NOWAIT"),
        ).toMatchObject({ code: "55P03" });
        await db.client.query("ROLLBACK");
        await db.client.query(
          `SELECT ruvector_healing_execute('throttled', 'pause_maintenance',
            '{"jobs": ["nightly"], "pause_seconds": 1}')`,
        );
        const active = () =>
          db.value<boolean>("SELECT active FROM cron.job WHERE jobname = 'nightly'");
        expect(await active()).toBe(false);
        await expect.poll(async () => (await ticks(db, 1), active())).toBe(true);
      } finally {
        await eve.query("ROLLBACK; SELECT pg_advisory_unlock_all()");
      }
    });
  });

  it("a pause ends when it is due, though somebody holds its collection", async () => {
    const holder = await db.connect();
    const active = () => db.value<boolean>("SELECT active FROM cron.job WHERE jobname = 'nightly'");
    await db.client.query(
      `SELECT ruvector_healing_execute('throttled', 'pause_maintenance',
        '{"jobs": ["nightly"], "pause_seconds": 4}')`,
    );
    expect(await active()).toBe(false);
    await holder.query("BEGIN; SELECT ruvector_integrity_sample('throttled')");
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_lock_holders('collection')
          WHERE pid = $1`,
        [await holder.query("SELECT pg_backend_pid() AS pid").then(({ rows }) => rows[0].pid)],
      ),
    ).toBe(1);
    await expect.poll(async () => (await ticks(db, 1), active())).toBe(true);
    await holder.query("ROLLBACK");
  });

  it("names jobs and statements of hers like ours: neither ended nor taken for ours", async () => {
    await db.client.query("SELECT ruvector_healing_schedule('1 hour')");
    await eve.query(
      `SELECT cron.schedule('ruvector_healing_tick', '0 0 1 1 *', 'SELECT 1'),
        cron.schedule('ruvector_healing_job_1', '0 0 1 1 *', 'SELECT 1')`,
    );
    await db.client.query("SELECT ruvector_healing_unschedule()");
    expect(
      await db.rows(`SELECT jobname FROM cron.job WHERE username = '${role.name}' ORDER BY 1`),
    ).toEqual([{ jobname: "ruvector_healing_job_1" }, { jobname: "ruvector_healing_tick" }]);
    await eve.query("SELECT cron.unschedule(jobid) FROM cron.job WHERE username = current_user");
    // A one-off job waits for its minute; her statement begins with its comment, as the job's own
    // will.
    await db.client
      .query(`CREATE TABLE plain (id bigint PRIMARY KEY, payload text, embedding vector(3));
        INSERT INTO plain SELECT g, md5(g::text), '[1,2,3]' FROM generate_series(1, 2000) g;
      CREATE INDEX plain_payload ON plain (payload); SELECT ruvector_healing_register('plain')`);
    expect(
      await db.value(
        "SELECT ruvector_healing_execute('plain', 'compact_indexes', '{\"indexes\": " +
          "[\"public.plain_payload\"]}') ->> 'outcome'",
      ),
    ).toBe("started");
    await expect
      .poll(
        async () => (
          await ticks(db, 1),
          db.value("SELECT count(*)::int FROM ruvector.healing_jobs WHERE state = 'scheduled'")
        ),
      )
      .toBe(1);
    const id = await db.value<string>(
      "SELECT id::text FROM ruvector.healing_jobs WHERE state = 'scheduled'",
    );
    const hers = eve.query(`/* ruvector_healing job ${id} */ SELECT pg_sleep(2)`).then(
      () => "slept",
      (error: pg.DatabaseError) => error.code,
    );
    const look =
      "SELECT pid FROM pg_stat_activity WHERE starts_with(query, $1) AND state = 'active'";
    await expect
      .poll(async () => (await db.rows(look, [`/* ruvector_healing job ${id} */`])).length)
      .toBe(1);
    await ticks(db, 1);
    expect(
      await db.rows(
        `SELECT state, pid FROM ruvector.healing_jobs WHERE id = ${id} AND pid = ANY (SELECT pid
          FROM pg_stat_activity WHERE usename = '${role.name}')`,
      ),
    ).toEqual([]);
    await db.client.query(
      "SELECT ruvector_healing_abort(id) FROM ruvector.healing_actions WHERE finished_at IS NULL",
    );
    await ticks(db, 2);
    expect(await hers).toBe("slept");
  });

  it(
    "shouts on our channels, and holds every connection that others may have: a tick hears " +
      "none and needs no other",
    async () => {
      const listener = await db.connect();
      let heard = 0;
      listener.on("notification", () => heard++);
      await listener.query("LISTEN ruvector_healing_actuation");
      await eve.query(
        `SELECT pg_notify(c, 'x' || g)
        FROM generate_series(1, 5000) g, unnest(ARRAY['ruvector_healing',
        'ruvector_healing_actuation']) c`,
      );
      await listener.query("SELECT 1");
      expect(heard).toBe(5000);
      await db.client.query(`ALTER ROLE ${role.name} CONNECTION LIMIT 2`);
      await role.connect();
      await expect(role.connect()).rejects.toMatchObject({ code: "53300" });
      expect((await ticksOn(db, "throttled")).ticked).toBe(true);
    },
  );

  it("locks come and go with their collection, and come back in a restored dump", async () => {
    const kinds = () =>
      db.value(
        `SELECT array_agg(kind || ' ' || id ORDER BY kind, id) FROM ruvector.healing_locks
          WHERE id <> 0`,
      );
    const ids = await db.value<string[]>(
      `SELECT array_agg('collection ' || collection_id ORDER BY collection_id)
        FROM ruvector.collections`,
    );
    expect(await kinds()).toEqual(ids);
    await db.client.query("DELETE FROM ruvector.healing_locks");
    await db.client.query("CALL ruvector_healing_tick()");
    expect(await kinds()).toEqual(ids);
    expect(
      await db.value(
        "SELECT array_agg(kind ORDER BY kind) FROM ruvector.healing_locks WHERE id = 0",
      ),
    ).toEqual(["audit", "rights", "settings", "tick", "weights"]);
    for (
      let n = 0;
      n < 20 &&
      (await db.value(
        "SELECT count(*)::int FROM ruvector.healing_actions WHERE finished_at IS NULL",
      )) !== 0;
      n++
    )
      await ticks(db, 1);
    await db.client.query(
      `SELECT ruvector_healing_unregister('locked');
        SELECT ruvector_healing_unregister('throttled');
        SELECT ruvector_healing_unregister('plain')`,
    );
    expect(await kinds()).toBeNull();
  });
});
