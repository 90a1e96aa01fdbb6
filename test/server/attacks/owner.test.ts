/**
 * The owner of a table against the loop of a superuser. Whatever code hangs on the table, none of
 * it runs while the loop reads, plans, moves, undoes and commits; and what a trusted role's code
 * leaves behind in the session is found.
 */
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checksum, configure, IN_ONE_GO } from "../../support/collection.ts";
import { pattern } from "../../support/pattern.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";
import { type Attacker, attacker, bite, type Code, EVERY_KIND, ownedTable } from "./code.ts";

let db: TestDatabase;
let eve: Attacker;
const REBALANCE = (t: string): string =>
  `SELECT ruvector_healing_execute('${t}', 'rebalance_partitions') AS answer`;
const register = (t: string) =>
  db.value<{ limitations: { strategy: string; reason: string; hint: string }[] }>(
    `SELECT ruvector_healing_register('${t}', '{"movable": true}')`,
  );
const answerOf = (statement: string): Promise<string> =>
  db.client.query(statement).then(
    ({ rows }) => JSON.stringify(rows),
    (error: pg.DatabaseError) => `${error.code}: ${error.message}`,
  );

/** What the loop and people do with a collection: read, undo, plan, move, commit. */
async function everything(t: string): Promise<string> {
  const said: string[] = [];
  for (const statement of [
    `SELECT ruvector_integrity_sample('${t}')`,
    `SELECT ruvector_healing_rollback('${t}')`,
    REBALANCE(t),
    `SELECT ruvector_healing_execute('${t}', 'rebuild_centroids')`,
    `SELECT * FROM ruvector_healing_recall('${t}', 3, 3)`,
    `SELECT ruvector_healing_trigger('${t}')`,
    "CALL ruvector_healing_tick()",
  ])
    said.push(await answerOf(statement));
  return said.join("\n");
}
/** A tick visits each collection that is left. */
const forget = (t: string): Promise<unknown> =>
  db.client.query(
    `DELETE FROM ruvector.healing_actions WHERE collection = '${t}';
      SELECT ruvector_healing_unregister('${t}'); DROP TABLE ${t} CASCADE`,
  );
const unmeasured = (t: string) =>
  db.value<{ what: string; why: string; hint: string }[]>(`
  SELECT unmeasured
    FROM ruvector.integrity_samples JOIN ruvector.collections c USING (collection_id)
    WHERE format('%s.%s', schema_name, table_name) = '${t}' ORDER BY id DESC LIMIT 1`);

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...IN_ONE_GO, learning_enabled: false });
  eve = await attacker(db, "eve");
});
afterAll(async () => {
  await db.client.query(`DROP OWNED BY ${eve.role} CASCADE; DROP ROLE ${eve.role}`);
});

describe("code of a role that nobody trusts", () => {
  const kinds = EVERY_KIND.map((code, place): [string, Code, string] => [
    code.kind,
    code,
    `eve.k_${place}`,
  ]);
  it.each(kinds)("%s: never runs", async (_, code, t) => {
    if (code.before) await eve.as(code.before("eve", t));
    await ownedTable(eve, t, code.table?.(t));
    const type = Boolean(code.table) && code.refused !== null;
    await register(t);
    const [before, moved] = [await checksum(db, t), await answerOf(REBALANCE(t))];
    if (!type) expect(moved).toMatch(/"rows_moved":[1-9]/);
    await (code.superuser ? db.client.query(code.attach("eve", t)) : eve.as(code.attach("eve", t)));
    await eve.ran();
    await bite(db, code, "eve", t);
    expect(await eve.ran(), "bites outside the loop").toBeGreaterThan(0);
    const said = await everything(t);
    expect(await eve.ran(), said).toBe(0);
    expect(await checksum(db, t).finally(() => eve.ran())).toEqual(before);
    expect(await db.value("SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
    const { limitations } = await register(t);
    const reasons = (strategy: string) =>
      limitations.filter(
        (one) =>
          one.strategy === strategy && one.reason.startsWith("code of roles that are not trusted"),
      );
    const gaps = (await unmeasured(t)).filter(({ what }) => what === "partition rows");
    expect(reasons("rebalance_partitions").length).toBe(code.refused ? 1 : 0);
    expect(reasons("compact_indexes").length).toBe(code.refused === "read" ? 1 : 0);
    expect(gaps.length).toBe(code.refused === "read" ? 1 : 0);
    for (const { hint, reason } of reasons("rebalance_partitions")) {
      expect(reason).toContain(eve.role);
      expect(hint).toContain(`SELECT ruvector_healing_trust('${eve.role}');`);
    }
    await forget(t);
  });

  it("does not make its owner superuser by a cursor that is materialised at COMMIT", async () => {
    await ownedTable(eve, "eve.cursor");
    await eve.as(`
      CREATE FUNCTION eve.evil() RETURNS int LANGUAGE plpgsql AS $$
        BEGIN IF session_user <> '${eve.role}' THEN
        EXECUTE 'ALTER ROLE ${eve.role} SUPERUSER'; END IF; RETURN 1; END $$;
      CREATE FUNCTION eve.vol() RETURNS void LANGUAGE plpgsql AS $$
        BEGIN IF session_user <> '${eve.role}' THEN
        EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT eve.evil()'; END IF; END $$;
      CREATE FUNCTION eve.f(v public.vector) RETURNS public.vector LANGUAGE plpgsql IMMUTABLE AS $$
        BEGIN PERFORM eve.vol(); RETURN v; END $$;
      CREATE INDEX ON eve.cursor_3
        USING ivfflat ((eve.f(embedding)::public.vector(3)) public.vector_l2_ops)
        WITH (lists = 1)`);
    const isSuper = () => db.value("SELECT rolsuper FROM pg_roles WHERE rolname = $1", [eve.role]);
    await db.client.query("BEGIN; INSERT INTO eve.cursor VALUES (999, 3, 'x', '[1,2,3]')");
    await db.client.query("COMMIT");
    expect(await isSuper(), "bites outside the loop").toBe(true);
    await db.client.query(`CLOSE ALL; ALTER ROLE ${eve.role} NOSUPERUSER`);
    await register("eve.cursor");
    await everything("eve.cursor");
    expect(await isSuper()).toBe(false);
    await forget("eve.cursor");
  });

  it("waits for nobody's tick by sleeping, and fills nothing by what it raises", async () => {
    await ownedTable(eve, "eve.slow");
    await eve.as(`
      CREATE FUNCTION eve.sleep(v text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
        BEGIN IF session_user <> '${eve.role}' THEN PERFORM pg_sleep(1);
        RAISE '%', repeat('x', 4000000); END IF; RETURN v; END $$;
      CREATE INDEX ON eve.slow_3 ((eve.sleep('x') || payload))`);
    const began = Date.now();
    expect(
      (await raised(db.client, "SELECT count(*) FROM eve.slow_3 WHERE payload = 'x'")).message
        .length,
    ).toBe(4_000_000);
    expect(Date.now() - began).toBeGreaterThanOrEqual(1000);
    const size = () =>
      db.value<number>(
        `SELECT sum(pg_total_relation_size(oid))::int FROM pg_class
          WHERE relnamespace = 'ruvector'::regnamespace AND relkind = 'r'`,
      );
    const before = await size();
    await register("eve.slow");
    const texts = await everything("eve.slow");
    expect((await size()) - before).toBeLessThan(2_000_000);
    expect(texts).not.toContain("xxxx");
    await forget("eve.slow");
  });

  it(
    "cannot be added while rows are read: the lock keeps indexes away, and what needs less is " +
      "found before anything is kept",
    async () => {
      await ownedTable(eve, "eve.race");
      await register("eve.race");
      const [reader, other] = [await db.connect(), await db.connect()];
      await other.query(`SET SESSION AUTHORIZATION ${eve.role}; SET lock_timeout = '100ms'`);
      await reader.query("BEGIN; SELECT ruvector_integrity_sample('eve.race')");
      await eve.ran();
      for (const statement of [
        "CREATE INDEX ON eve.race_3 ((eve.text('x') || payload))",
        "ALTER TABLE eve.race ADD CHECK (eve.yes(payload))",
        "CREATE TRIGGER watch BEFORE UPDATE ON eve.race_3 FOR EACH ROW EXECUTE FUNCTION " +
          "eve.watch()",
      ]) {
        expect(await raised(other, statement), statement).toMatchObject({ code: "55P03" });
      }
      // Weaker than any lock that writers could live with.
      await other.query(
        "CREATE STATISTICS eve.late ON (eve.text('x') || payload), id FROM eve.race_3",
      );
      await reader.query("SELECT ruvector_integrity_sample('eve.race'); COMMIT");
      expect(await eve.ran()).toBe(0);
      expect((await unmeasured("eve.race")).map(({ what }) => what)).toContain("partition rows");
      await forget("eve.race");
    },
  );
});

describe("event triggers", () => {
  it(
    "of a function that nobody trusts: nothing is made, granted, altered or dropped, and it " +
      "does not run",
    async () => {
      await ownedTable(eve, "eve.event");
      await register("eve.event");
      // Where the function that runs statements as the owner is not there yet, it cannot be made,
      // and nothing is read.
      await db.client.query("SELECT ruvector_integrity_sample('eve.event')");
      await eve.as(
        "CREATE FUNCTION eve.event() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN " +
          "PERFORM eve.note(); END $$",
      );
      await db.client.query(
        `CREATE EVENT TRIGGER eve_sees ON ddl_command_end
        WHEN TAG IN ('CREATE TABLE', 'CREATE FUNCTION', 'CREATE TRIGGER', 'CREATE INDEX',
        'ALTER INDEX', 'ALTER FUNCTION', 'GRANT', 'REVOKE', 'COMMENT',
        'REFRESH MATERIALIZED VIEW') EXECUTE FUNCTION eve.event()`,
      );
      try {
        await db.client.query("CREATE TABLE public.bitten (x int)");
        expect(await eve.ran(), "bites outside the loop").toBeGreaterThan(0);
        const said = [await everything("eve.event")];
        for (const call of [
          "ruvector_healing_execute('eve.event', 'throttle_ingestion')",
          "ruvector_healing_execute('eve.event', 'compact_indexes')",
          `ruvector_healing_grant('${eve.role}', 'viewer')`,
          `ruvector_healing_revoke('${eve.role}')`,
          "ruvector_healing_audit_rotate_key()",
        ])
          said.push(await answerOf(`SELECT ${call}`));
        expect(await eve.ran(), said.join("\n")).toBe(0);
        expect(said.at(-1)).toMatch(
          pattern(
            /^RV034: code of a role that is not trusted would run with this change: /,
            /function eve\.event\(\) of .* \(event trigger eve_sees\)$/,
          ),
        );
        // Rows move all the same: that changes no catalogue.
        expect(said[0]).toMatch(/"rows_moved":[1-9]/);
        await db.client.query("ALTER EVENT TRIGGER eve_sees DISABLE");
        expect(await answerOf("SELECT ruvector_healing_audit_rotate_key()")).toContain("key_id");
      } finally {
        await db.client.query("DROP EVENT TRIGGER eve_sees");
      }
      await forget("eve.event");
    },
  );
});

describe("trust", () => {
  it(
    "or another owner of the function, as the HINT says, lets the loop go on; it can be taken " +
      "back",
    async () => {
      await ownedTable(eve, "eve.hinted");
      await eve.as("ALTER TABLE eve.hinted ADD CHECK (eve.yes(payload))");
      const refused = (await register("eve.hinted")).limitations.find(
        ({ strategy }) => strategy === "rebalance_partitions",
      )!;
      const [, alter] = /(ALTER FUNCTION [^;]+;)/.exec(refused.hint)!;
      const [, trust, role] = /(SELECT ruvector_healing_trust\('([^']+)'\);)/.exec(refused.hint)!;
      await db.client.query("BEGIN");
      await db.client.query(alter!);
      expect(
        (await register("eve.hinted")).limitations.filter(
          ({ strategy }) => strategy === "rebalance_partitions",
        ),
      ).toEqual([]);
      await db.client.query("ROLLBACK");
      expect(await db.value(trust!)).toEqual({ role, trusted: true, before: false });
      await eve.ran();
      expect(await answerOf(REBALANCE("eve.hinted"))).toMatch(/"rows_moved":[1-9]/);
      expect(await eve.ran()).toBeGreaterThan(0);
      expect(
        await db.value("SELECT granted_to FROM ruvector_healing_rights() WHERE level = 'trusted'"),
      ).toEqual([eve.role]);
      // An admin's revoke takes rights; trust is none.
      await db.client.query("SELECT ruvector_healing_revoke($1)", [eve.role]);
      expect(await db.value("SELECT ruvector_healing_distrust($1)", [eve.role])).toEqual({
        role: eve.role,
        trusted: false,
        before: true,
      });
      expect(
        await db.value("SELECT ruvector_healing_rollback('eve.hinted') ->> 'message'"),
      ).toMatch(/not trusted/);
      expect(await eve.ran()).toBe(0);
      expect(
        await db.rows(
          `SELECT kind FROM ruvector.healing_events WHERE kind LIKE 'trust%'
          AND details ->> 'role' = $1 ORDER BY id`,
          [eve.role],
        ),
      ).toEqual([{ kind: "trust_given" }, { kind: "trust_taken" }]);
    },
  );

  it(
    "is given by a superuser or the installing role, by nobody else, whatever level or grant " +
      "they hold",
    async () => {
      const admin = `${db.name}_admin`;
      await db.client.query(
        `CREATE ROLE ${admin};
          SELECT ruvector_healing_grant('${admin}', 'admin'); SET ROLE ${admin}`,
      );
      expect(await raised(db.client, `SELECT ruvector_healing_trust('${eve.role}')`)).toMatchObject(
        {
          code: "42501",
        },
      );
      await db.client.query(
        `RESET ROLE; GRANT EXECUTE ON FUNCTION ruvector_healing_trust(text) TO ${admin}; SET ` +
          `ROLE ${admin}`,
      );
      expect(await raised(db.client, `SELECT ruvector_healing_trust('${eve.role}')`)).toMatchObject(
        {
          code: "42501",
          message: expect.stringContaining("only a superuser"),
        },
      );
      expect(
        await raised(
          db.client,
          `GRANT EXECUTE ON FUNCTION ruvector.healing_level_trusted() TO ${eve.role}`,
        ),
      ).toMatchObject({ code: "42501" });
      await db.client.query("RESET ROLE");
      expect(await raised(db.client, "SELECT ruvector_healing_trust(NULL)")).toMatchObject({
        code: "RV030",
      });
      expect(
        await raised(db.client, "SELECT ruvector_healing_trust('nobody there')"),
      ).toMatchObject({
        code: "RV030",
      });
      await db.client.query(`DROP OWNED BY ${admin}; DROP ROLE ${admin}`);
    },
  );

  it("goes with the role: one that is made again under its name has none", async () => {
    const again = `${db.name}_again`;
    await db.client.query(`CREATE ROLE ${again}; SELECT ruvector_healing_trust('${again}')`);
    expect(await raised(db.client, `DROP ROLE ${again}`)).toMatchObject({ code: "2BP01" });
    await db.client.query(`DROP OWNED BY ${again}; DROP ROLE ${again}; CREATE ROLE ${again}`);
    expect(
      await db.value(
        "SELECT $1::regrole::oid IN (SELECT r FROM ruvector.healing_trusted_roles() r)",
        [again],
      ),
    ).toBe(false);
    await db.client.query(`DROP ROLE ${again}`);
  });
});

describe("types of the owner's own that bring no code", () => {
  const labels = (count: number): string =>
    Array.from({ length: count }, (_, place) => `'${place}'`).join(", ");

  it("pass without a word as key and as identity, and rows move and go back", async () => {
    await eve.as(`CREATE TYPE eve.region AS ENUM (${labels(6)});
      CREATE TYPE eve.step
      AS ENUM (${Array.from({ length: 5300 }, (_, place) => `'${place}'`).join(", ")});
      CREATE TYPE eve.span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi)`);
    await ownedTable(eve, "eve.plain", { key: "eve.region", id: "eve.step" });
    await eve.as(
      "ALTER TABLE eve.plain ADD marks eve.region[], ADD width eve.span; CREATE UNIQUE INDEX " +
        "ON eve.plain_3 (marks, width)",
    );
    expect(
      (await register("eve.plain")).limitations.filter(({ reason }) =>
        reason.includes("not trusted"),
      ),
    ).toEqual([]);
    const before = await checksum(db, "eve.plain");
    expect(await answerOf(REBALANCE("eve.plain"))).toMatch(/"rows_moved":[1-9]/);
    expect(await checksum(db, "eve.plain")).toEqual(before);
    expect(await answerOf("SELECT ruvector_healing_rollback('eve.plain')")).toContain(
      "rolled_back",
    );
    expect(
      await db.rows(
        `SELECT partition_id::text AS key, count(*)::int AS rows FROM eve.plain GROUP BY 1
          ORDER BY 1`,
      ),
    ).toEqual([20, 20, 20, 210, 20, 20].map((rows, place) => ({ key: String(place), rows })));
    await forget("eve.plain");
  });

  it("are not cast, whatever casts their owner gives them in that very moment", async () => {
    await ownedTable(eve, "eve.casted", { key: "eve.region", id: "eve.step" });
    await eve.as(`
      CREATE FUNCTION eve.out(v eve.region) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
        PERFORM eve.note(); RETURN enum_out(v); END $$;
      CREATE FUNCTION eve.out(v eve.step) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
        PERFORM eve.note(); RETURN enum_out(v); END $$;
      CREATE FUNCTION eve.into(v text) RETURNS eve.region LANGUAGE plpgsql AS $$ BEGIN
        PERFORM eve.note(); RETURN (SELECT e FROM unnest(enum_range(NULL::eve.region)) e
        WHERE enum_out(e)::text = v); END $$;
      CREATE CAST (eve.region AS text) WITH FUNCTION eve.out(eve.region);
        CREATE CAST (text AS eve.region) WITH FUNCTION eve.into(text);
        CREATE CAST (eve.step AS text) WITH FUNCTION eve.out(eve.step)`);
    await db.client.query(
      "SELECT max(partition_id::text), max(id::text), max('1'::text::eve.region) FROM eve.casted",
    );
    expect(await eve.ran(), "bites outside the loop").toBeGreaterThan(0);
    // So that it is the statements that are looked at: nobody stops them.
    await db.client.query("SELECT ruvector_healing_trust($1)", [eve.role]);
    await register("eve.casted");
    expect(await answerOf(REBALANCE("eve.casted"))).toMatch(/"rows_moved":[1-9]/);
    expect(await answerOf("SELECT ruvector_healing_rollback('eve.casted')")).toContain(
      "rolled_back",
    );
    expect(await eve.ran()).toBe(0);
    await db.client.query("SELECT ruvector_healing_distrust($1)", [eve.role]);
    expect(await answerOf(REBALANCE("eve.casted"))).toContain("not trusted");
    await forget("eve.casted");
  });
});

describe("the second line: a trusted role's code", () => {
  beforeAll(async () => {
    await db.client.query(`SELECT ruvector_healing_trust('${eve.role}')`);
    await eve.as(`
      CREATE TABLE eve.private (id int); ALTER TABLE eve.private ENABLE ROW LEVEL SECURITY;
        CREATE POLICY mine ON eve.private USING (id::text = current_setting('eve.tenant', true));
      CREATE TABLE eve.other (id int);
        CREATE FUNCTION eve.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO eve.fired VALUES (current_user); RETURN NULL; END $$;
      CREATE TABLE eve.fired (who name); GRANT INSERT ON eve.fired TO PUBLIC;
      CREATE CONSTRAINT TRIGGER late AFTER
        INSERT ON eve.other DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION eve.late()`);
  });
  afterAll(async () => {
    await db.client.query(`SELECT ruvector_healing_distrust('${eve.role}')`);
  });

  /** Whether the session is as it was, by what each of them leaves. */
  const STATE = `SELECT (SELECT count(*)::int FROM pg_cursors
    WHERE is_holdable) AS cursors, coalesce(current_setting('eve.tenant', true), '') AS tenant,
    current_setting('statement_timeout') AS timeout,
    (SELECT count(*)::int FROM pg_class WHERE relnamespace = pg_my_temp_schema()) AS temporary`;
  const leaves: readonly (readonly [string, string, boolean])[] = [
    [
      "a cursor WITH HOLD",
      "IF NOT EXISTS (SELECT FROM pg_cursors WHERE name = 'kept') THEN EXECUTE 'DECLARE kept " +
        "CURSOR WITH HOLD FOR SELECT 1'; END IF",
      true,
    ],
    [
      "a prepared statement in another's place",
      "EXECUTE 'DEALLOCATE ALL; PREPARE s_1 AS SELECT 2'",
      true,
    ],
    ["a setting", "PERFORM set_config('statement_timeout', '12345', false)", true],
    ["a setting that a policy reads", "PERFORM set_config('eve.tenant', '7', false)", true],
    ["an advisory lock", "PERFORM pg_advisory_lock(pg_backend_pid())", true],
    ["a temporary table", "CREATE TEMP TABLE IF NOT EXISTS collections (id int)", true],
  ];
  it.each(leaves)("that leaves %s has the operation undone", async (what, statement) => {
    const t = "eve.leaving";
    await ownedTable(eve, t);
    await register(t);
    await eve.as(
      "CREATE OR REPLACE FUNCTION eve.leave(v text) RETURNS boolean LANGUAGE plpgsql AS $$ " +
        `BEGIN IF session_user <> '${eve.role}' THEN ${statement}; END IF; RETURN true; END ` +
        `$$; ALTER TABLE ${t} ADD CHECK (eve.leave(payload)) NOT VALID`,
    );
    const bitten = await db.connect();
    const session = await db.connect();
    for (const one of [bitten, session]) await one.query("PREPARE s_1 AS SELECT 1");
    const digest = async (of: pg.Client) =>
      (await of.query("SELECT ruvector.healing_session_state() AS state")).rows[0].state as string;
    const clean = await digest(bitten);
    await bitten.query(
      `UPDATE ${t} SET partition_id = 0 WHERE partition_id = 3 AND id = (SELECT min(id)
        FROM ${t}_3)`,
    );
    expect(await digest(bitten), "bites outside the loop").not.toBe(clean);
    const [rows, before] = [await checksum(db, t), (await session.query(STATE)).rows];
    const error = await raised(
      session,
      `SELECT ruvector_healing_execute('${t}', 'rebalance_partitions')`,
    );
    expect(error, what).toMatchObject({ code: "RV033" });
    expect((await session.query(STATE)).rows).toEqual(before);
    expect(await checksum(db, t)).toEqual(rows);
    await forget(t);
  });

  it("leaves nothing when it only ran because something was read, whatever it set", async () => {
    const t = "eve.reading";
    await ownedTable(eve, t);
    await register(t);
    await eve.as(`CREATE FUNCTION eve.sets(v text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
      BEGIN IF session_user <> '${eve.role}' THEN PERFORM set_config('nobody.reads', 'it', false);
      PERFORM nextval('eve.calls'); END IF; RETURN v; END $$;
      CREATE INDEX ON ${t}_3 ((eve.sets('x') || payload))`);
    const session = await db.connect();
    await eve.ran();
    await session.query(`SELECT ruvector_integrity_sample('${t}')`);
    expect(await eve.ran()).toBeGreaterThan(0);
    expect(
      (await session.query("SELECT coalesce(current_setting('nobody.reads', true), '') AS kept"))
        .rows,
    ).toEqual([{ kept: "" }]);
    await forget(t);
  });

  it("has its deferred triggers fired as itself, before anybody commits", async () => {
    const t = "eve.deferring";
    await ownedTable(eve, t);
    await register(t);
    await eve.as(
      "CREATE FUNCTION eve.writes(v text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN " +
        `INSERT INTO eve.other VALUES (1); RETURN true; END $$; ALTER TABLE ${t} ADD CHECK ` +
        "(eve.writes(payload)) NOT VALID; TRUNCATE eve.fired",
    );
    await db.client.query("BEGIN");
    expect(await answerOf(REBALANCE(t))).toMatch(/"rows_moved":[1-9]/);
    const during = await db.value<number>("SELECT count(*)::int FROM eve.fired");
    await db.client.query("COMMIT");
    expect(during).toBeGreaterThan(0);
    expect(await db.rows("SELECT DISTINCT who FROM eve.fired")).toEqual([{ who: eve.role }]);
    expect(await db.value("SELECT count(*)::int FROM eve.fired")).toBe(during);
  });

  it("may not call an operation from within one, which would forget the outer one", async () => {
    const t = "eve.nesting";
    await ownedTable(eve, t);
    await register(t);
    await db.client.query(`SELECT ruvector_healing_grant('${eve.role}', 'viewer')`);
    await eve.as(`CREATE FUNCTION eve.calls_us(v text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
        IF session_user <> '${eve.role}' THEN
          PERFORM set_config('statement_timeout', '12345', false);
          PERFORM public.ruvector_contracted_graph('${t}'); END IF; RETURN true; END $$;
      ALTER TABLE ${t} ADD CHECK (eve.calls_us(payload)) NOT VALID`);
    const [bitten, session] = [await db.connect(), await db.connect()];
    await bitten.query(
      `UPDATE ${t} SET partition_id = 0 WHERE partition_id = 3 AND id = (SELECT min(id)
        FROM ${t}_3)`,
    );
    const {
      rows: [answer],
    } = await session.query(REBALANCE(t));
    expect(JSON.stringify(answer)).toMatch(/may not call another one/);
    expect(
      await db.value(
        `SELECT count(*)::int
          FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id
          WHERE a.collection = '${t}'`,
      ),
    ).toBe(0);
    expect((await session.query("SHOW statement_timeout")).rows).toEqual([
      { statement_timeout: "0" },
    ]);
    // And the session works on.
    expect(
      (await session.query(`SELECT ruvector_contracted_graph('${t}') IS NOT NULL AS graph`)).rows,
    ).toEqual([{ graph: true }]);
    // Caught, it is no way out either.
    await eve.as(`CREATE OR REPLACE FUNCTION eve.calls_us(v text) RETURNS boolean
      LANGUAGE plpgsql AS $$ BEGIN
        IF session_user <> '${eve.role}' THEN
          PERFORM set_config('statement_timeout', '12345', false);
          BEGIN PERFORM public.ruvector_contracted_graph('${t}');
          EXCEPTION WHEN OTHERS THEN NULL; END; END IF; RETURN true; END $$`);
    expect(
      await raised(session, `SELECT ruvector_healing_execute('${t}', 'rebalance_partitions')`),
    ).toMatchObject({ code: "RV033" });
    expect((await session.query("SHOW statement_timeout")).rows).toEqual([
      { statement_timeout: "0" },
    ]);
  });
});
