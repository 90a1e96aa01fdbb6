/** Who may execute what: by the catalogue, so that a function nobody thought about is found. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../build/project.ts";
import { readLevels } from "../../build/rights-table.ts";
import { configure, HOT, IN_ONE_GO, makeTable } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
const made: string[] = [];

/** A role of this test file; roles are the server's, so that names must not meet. */
const named = (name: string): string => `ruvector_test_${process.pid}_${name}`;

async function makeRole(name: string, level?: string): Promise<string> {
  const role = named(name);
  await db.client.query(`CREATE ROLE "${role}"`);
  made.push(role);
  if (level !== undefined)
    await db.client.query("SELECT ruvector_healing_grant($1, $2)", [role, level]);
  return role;
}

async function as<T>(role: string, work: () => Promise<T>): Promise<T> {
  await db.client.query(`SET ROLE "${role}"`);
  try {
    return await work();
  } finally {
    await db.client.query("RESET ROLE");
  }
}

interface Routine {
  readonly name: string;
  readonly kind: string;
  readonly signature: string;
  readonly arguments: readonly {
    readonly name: string;
    readonly type: string;
    readonly optional: boolean;
  }[];
}

/** Every routine of ours, internals too. */
const routines = (): Promise<Routine[]> =>
  db.rows<Routine>(`
    SELECT p.proname AS name, p.prokind AS kind, p.oid::regprocedure::text AS signature,
           coalesce((SELECT json_agg(json_build_object('name', p.proargnames[place], 'type',
             format_type(type, NULL), 'optional', place > p.pronargs - p.pronargdefaults)
             ORDER BY place)
              FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a(type, place)), '[]') AS arguments
      FROM pg_proc p WHERE p.pronamespace = 'ruvector'::regnamespace
        OR (p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'ruvector\\_%')
     ORDER BY 1`);

/** A call that reaches the function, whatever it makes of its arguments. */
const KNOWN: Readonly<Record<string, string>> = {
  collection: "'embeddings'",
  operation: "'insert'",
  action_id: "1",
};
const callOf = ({ name, kind, signature, arguments: all }: Routine): string => {
  const given = all
    .filter(({ optional }) => !optional)
    .map(({ name: argument, type }) => `${KNOWN[argument] ?? "NULL"}::${type}`);
  return (
    `${kind === "p" ? "CALL" : "SELECT"} ` +
    `${signature.startsWith("ruvector.") ? "ruvector" : "public"}.${name}(${given.join(", ")})`
  );
};

beforeAll(async () => {
  db = await testDatabase();
  // An undo that takes more than the second of a slice, on a busy machine, answers that it has
  // started.
  await configure(db, IN_ONE_GO);
  await makeTable(db, { rows: HOT });
  await db.client.query(
    "SELECT ruvector_healing_execute('embeddings', 'rebalance_partitions', '{\"max_moves\": 10}')",
  );
});

afterAll(async () => {
  for (const role of made) await db.client.query(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
});

describe("the list of levels", () => {
  it(
    "has a line for every function of public: add yours to " + "sql/rights/levels.sql",
    async () => {
      expect(
        await db.rows("SELECT routine FROM ruvector_healing_rights() WHERE level = 'owner'"),
      ).toEqual([]);
    },
  );

  it("names only what there is, once, with a level that exists", async () => {
    const levels = await readLevels();
    expect(levels).toEqual(
      await db.rows(
        `SELECT routine, level, by_tenant AS "byTenant" FROM ruvector.healing_levels()`,
      ),
    );
    expect(new Set(levels.map(({ routine }) => routine)).size).toBe(levels.length);
    const names = new Set((await routines()).map(({ name }) => name));
    for (const { routine, level } of levels) {
      expect(names, routine).toContain(routine);
      expect(
        ["everybody", "viewer", "operator", "admin", "actuator", "installer", "table_owner"],
        routine,
      ).toContain(level);
    }
  });

  it("has a line for every function that another one calls in the name of its caller", async () => {
    const calls = `
      WITH levels AS (SELECT * FROM ruvector.healing_levels())
      SELECT p.proname AS caller, m[1] AS called FROM pg_proc p
        JOIN levels l ON l.routine = p.proname AND l.level <> 'installer'
        CROSS JOIN LATERAL regexp_matches(regexp_replace(p.prosrc, '--[^\\n]*', '', 'g'),
          '\\m((?:healing|ruvector)_\\w+)\\s*\\(', 'g') m
       WHERE p.pronamespace IN ('ruvector'::regnamespace, 'public'::regnamespace)
         AND NOT p.prosecdef AND m[1] IN (SELECT proname FROM pg_proc)`;
    expect((await db.rows(calls)).length).toBeGreaterThan(20);
    expect(
      await db.rows(`SELECT DISTINCT c.* FROM (${calls}) c, ruvector.healing_levels() f
        WHERE f.routine = c.caller AND NOT EXISTS (SELECT FROM ruvector.healing_levels() l
          WHERE l.routine = c.called AND l.level IN (f.level, 'everybody'))`),
    ).toEqual([]);
  });
});

describe("what a level may execute", () => {
  const ranks = {
    viewer: ["viewer"],
    operator: ["viewer", "operator"],
    admin: ["viewer", "operator", "admin"],
    actuator: ["actuator"],
  };
  it.each(Object.entries(ranks))(
    "%s: what is on its list and no other function, internals included",
    async (level, ranks) => {
      const role = await makeRole(`is_${level}`, level);
      const levels = new Map((await readLevels()).map((one) => [one.routine, one.level]));
      const all = await routines();
      expect(all.length).toBeGreaterThan(60);
      for (const routine of all) {
        const wanted =
          routine.name === `healing_level_${level}` ? level : (levels.get(routine.name) ?? "owner");
        const may = wanted === "everybody" || ranks.includes(wanted);
        expect(
          await db.value("SELECT has_function_privilege($1, $2::regprocedure, 'EXECUTE')", [
            role,
            routine.signature,
          ]),
          routine.signature,
        ).toBe(may);
        if (may) continue;
        // And really: the error is about the function and about nothing that it would have said.
        const error = await as(role, () => raised(db.client, callOf(routine)));
        expect(error, routine.signature).toMatchObject({ code: "42501", detail: undefined });
        expect(error.message).toMatch(/^permission denied for (function|procedure|schema) /);
      }
      expect(
        await as(role, () => raised(db.client, "SELECT * FROM ruvector.collections")),
      ).toMatchObject({ code: "42501" });
    },
  );

  it("a viewer changes nothing: all it may call runs in a read-only transaction", async () => {
    const role = await makeRole("reads", "viewer");
    let called = 0;
    for (const routine of await routines()) {
      if (
        !(await db.value("SELECT has_function_privilege($1, $2::regprocedure, 'EXECUTE')", [
          role,
          routine.signature,
        ]))
      )
        continue;
      await db.client.query("BEGIN READ ONLY");
      const code = await as(role, () =>
        db.client.query(callOf(routine)).then(
          () => "00000",
          ({ code }: { code: string }) => db.client.query("ROLLBACK; BEGIN").then(() => code),
        ),
      );
      await db.client.query("ROLLBACK");
      expect(code, routine.signature).toMatch(/^(00000|RV0\d\d)$/);
      called += code === "00000" ? 1 : 0;
    }
    expect(called).toBeGreaterThan(10);
  });

  it("an operator works with actions and cannot change what the loop may do", async () => {
    const role = await makeRole("works", "operator");
    const answer = await as(role, () =>
      db.value<{ outcome: string }>("SELECT ruvector_healing_rollback('embeddings')"),
    );
    expect(answer.outcome).toBe("completed");
    await as(role, () => db.client.query("CALL ruvector_healing_tick()"));
    for (const call of [
      "ruvector_healing_configure('{}')",
      "ruvector_healing_grant('postgres', 'admin')",
      "ruvector_healing_unregister('embeddings')",
    ]) {
      expect(await as(role, () => raised(db.client, `SELECT ${call}`)), call).toMatchObject({
        code: "42501",
      });
    }
  });

  it("an admin registers, configures and grants", async () => {
    const role = await makeRole("rules", "admin");
    const other = await makeRole("other");
    await as(role, async () => {
      await db.client.query("SELECT ruvector_healing_configure('{\"max_attempts_per_hour\": 5}')");
      await db.client.query(
        "SELECT ruvector_healing_register('embeddings', '{\"movable\": true}')",
      );
      await db.client.query("SELECT ruvector_healing_grant($1, 'viewer')", [other]);
    });
    await as(other, () => db.client.query("SELECT ruvector_healing_status()"));
  });

  it("a role without any level is told nothing but that it may not", async () => {
    const role = await makeRole("nobody");
    for (const routine of await routines()) {
      if (routine.name === "ruvector_healing_route") continue;
      expect(
        await as(role, () => raised(db.client, callOf(routine))),
        routine.signature,
      ).toMatchObject({ code: "42501", detail: undefined, hint: undefined });
    }
  });
});

describe("granting and revoking", () => {
  it("a lower level takes what the higher one gave, leaves what was granted by hand", async () => {
    const role = await makeRole("changes", "admin");
    const may = (call: string) =>
      db.value("SELECT has_function_privilege($1, $2, 'EXECUTE')", [role, call]);
    expect(await db.value("SELECT ruvector_healing_grant($1, 'viewer')", [role])).toMatchObject({
      before: ["admin"],
    });
    expect(await may("ruvector_healing_configure(jsonb, text)")).toBe(false);
    expect(await may("ruvector_healing_status(text)")).toBe(true);
    await db.client.query(
      `GRANT EXECUTE ON FUNCTION ruvector_healing_approve(bigint) TO "${role}"`,
    );
    await db.client.query("SELECT ruvector_healing_grant($1, 'viewer')", [role]);
    expect(await may("ruvector_healing_approve(bigint)")).toBe(true);
    await db.client.query("SELECT ruvector_healing_grant($1, 'actuator')", [role]);
    expect(
      await db.value(
        `SELECT array_agg(level ORDER BY level) FROM ruvector.healing_level_holders()
          WHERE role_name = $1`,
        [role],
      ),
    ).toEqual(["actuator", "viewer"]);
    await db.client.query("SELECT ruvector_healing_revoke($1)", [role]);
    expect(
      await db.rows(
        `SELECT p.oid::regprocedure FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a
          JOIN pg_roles r ON r.oid = a.grantee WHERE r.rolname = $1`,
        [role],
      ),
    ).toEqual([]);
    expect(await db.value("SELECT has_schema_privilege($1, 'ruvector', 'USAGE')", [role])).toBe(
      false,
    );
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_events WHERE details ->> 'role' = $1
          AND kind IN ('rights_granted', 'rights_revoked')`,
        [role],
      ),
    ).toBe(5);
  });

  it("names of roles are only names", async () => {
    const role = await makeRole(`"; DROP TABLE embeddings; --'\n é`.replaceAll('"', '""'));
    const name = role.replaceAll('""', '"');
    await db.client.query("SELECT ruvector_healing_grant($1, 'viewer')", [name]);
    expect(
      await db.value(
        "SELECT has_function_privilege($1::name, 'ruvector_healing_status(text)', 'EXECUTE')",
        [name],
      ),
    ).toBe(true);
    await db.client.query("SELECT ruvector_healing_revoke($1)", [name]);
    expect(await db.value("SELECT count(*)::int FROM embeddings")).toBe(
      HOT.reduce((a, b) => a + b),
    );
  });

  const bad: readonly (readonly [string, string, RegExp, RegExp])[] = [
    ["ruvector_healing_grant(NULL, 'viewer')", "RV030", /NULL/, /pg_roles/],
    ["ruvector_healing_grant('nobody at all', 'viewer')", "RV030", /nobody at all/, /pg_roles/],
    ["ruvector_healing_grant('public', 'viewer')", "RV030", /PUBLIC/, /pg_roles/],
    ["ruvector_healing_grant(session_user::text, 'viewer')", "RV030", /belongs to it/, /./],
    ["ruvector_healing_grant('nobody at all', NULL)", "RV031", /NULL/, /viewer reads/],
    ["ruvector_healing_grant('nobody at all', 'Viewer')", "RV031", /'Viewer'/, /viewer reads/],
    ["ruvector_healing_revoke(NULL)", "RV030", /NULL/, /./],
    ["ruvector_healing_revoke('nobody at all')", "RV030", /nobody at all/, /./],
  ];
  it.each(bad)("%s", async (call, code, detail, hint) => {
    const error = await raised(db.client, `SELECT ${call}`);
    expect(error).toMatchObject({ code });
    expect(error.detail).toMatch(detail);
    expect(error.hint).toMatch(hint);
  });
});

describe("an upgrade", () => {
  it(
    "gives what is new to those who hold its level, and keeps what was granted and revoked by " +
      "hand",
    async () => {
      const script = await readFile(
        join(root, `dist/ruvector_healing.${db.engine.language}.sql`),
        "utf8",
      );
      const viewer = await makeRole("upgraded", "viewer");
      const app = await makeRole("app");
      const may = (role: string, call: string) =>
        db.value("SELECT has_function_privilege($1, $2, 'EXECUTE')", [role, call]);
      await db.client.query(`
      GRANT EXECUTE ON FUNCTION ruvector_integrity_gate(text, text) TO "${app}";
      GRANT EXECUTE ON FUNCTION ruvector_healing_abort(bigint) TO "${viewer}";
      REVOKE EXECUTE ON FUNCTION ruvector_healing_config(text) FROM "${viewer}";
      GRANT EXECUTE ON FUNCTION ruvector_healing_trigger(text) TO PUBLIC`);
      // As if the version before had lacked it, and its twin in schema ruvector.
      await db.client.query("DROP FUNCTION ruvector_healing_effectiveness() CASCADE");
      await db.client.query(`BEGIN; ${script} COMMIT;`);
      expect(await may(viewer, "ruvector_healing_effectiveness()")).toBe(true);
      expect(await may(app, "ruvector_healing_effectiveness()")).toBe(false);
      expect(await may(app, "ruvector_integrity_gate(text, text)")).toBe(true);
      expect(await may(viewer, "ruvector_healing_abort(bigint)")).toBe(true);
      expect(await may(viewer, "ruvector_healing_config(text)")).toBe(false);
      expect(await may(app, "ruvector_healing_trigger(text)")).toBe(false);
    },
  );
});
