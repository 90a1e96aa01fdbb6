/**
 * A viewer of one tenant sees what belongs to that tenant: its collections, and actions that moved
 * its rows alone.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, makeTable, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
const acme = `ruvector_test_${process.pid}_acme`;
const bolt = `ruvector_test_${process.pid}_bolt`;
const all = `ruvector_test_${process.pid}_all`;
const stranger = `ruvector_test_${process.pid}_stranger`;
const roles = [acme, bolt, all, stranger];

async function as<T>(role: string, work: () => Promise<T>): Promise<T> {
  await db.client.query(`SET ROLE ${role}`);
  return work().finally(() => db.client.query("RESET ROLE"));
}

/** The collections that appear anywhere in what a role may read. */
async function seen(role: string): Promise<string[]> {
  const texts = await as(role, () =>
    Promise.all(
      [
        "SELECT ruvector_healing_status()::text",
        "SELECT json_agg(h)::text FROM ruvector_healing_history() h",
        "SELECT json_agg(e)::text FROM ruvector_healing_effectiveness() e",
        "SELECT json_agg(s)::text FROM ruvector_integrity_status() s",
        "SELECT json_agg(i)::text FROM ruvector_integrity_history() i",
        "SELECT string_agg(r, '') FROM ruvector_healing_report() r",
        "SELECT string_agg(r, '') FROM ruvector_healing_report('7 days', 'json') r",
        "SELECT json_agg(o)::text FROM ruvector_healing_list_occupancy() o",
      ].map((statement) => db.value<string | null>(statement)),
    ),
  );
  return ["of_acme", "of_bolt", "of_both", "of_nobody"].filter((table) =>
    texts.some((text) => text?.includes(table)),
  );
}

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...IN_ONE_GO, learning_enabled: false });
  for (const table of ["of_acme", "of_bolt", "of_nobody", "of_both"])
    await makeTable(db, { table, rows: HOT, register: false });
  // Of the rows of both, the first that move are acme's.
  await db.client.query(
    `ALTER TABLE of_both ADD COLUMN customer_id text;
      UPDATE of_both SET customer_id = CASE WHEN id < 1000 THEN 'acme' ELSE 'bolt' END`,
  );
  await db.client.query(`
    SELECT ruvector_healing_register('of_acme', '{"tenant": "acme", "movable": true}');
      SELECT ruvector_healing_register('of_bolt', '{"tenant": "bolt", "movable": true}');
    SELECT ruvector_healing_register('of_nobody', '{"movable": true}')`);
  for (const role of roles) await db.client.query(`CREATE ROLE ${role}`);
  await db.client.query(
    `SELECT ruvector_healing_grant('${acme}', 'viewer', tenant := 'acme');
      SELECT ruvector_healing_grant('${bolt}', 'viewer', 'bolt');
      SELECT ruvector_healing_grant('${all}', 'viewer')`,
  );
  for (const table of ["of_acme", "of_bolt", "of_nobody"]) {
    await db.client.query(`SELECT ruvector_healing_execute('${table}', 'rebalance_partitions')`);
  }
  await ticks(db, 2);
});

afterAll(async () => {
  for (const role of roles)
    await db.client.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
});

describe("a viewer of a tenant", () => {
  it("sees its tenant's collections only, everywhere; without a tenant it sees all", async () => {
    expect(await seen(acme)).toEqual(["of_acme"]);
    expect(await seen(bolt)).toEqual(["of_bolt"]);
    expect(await seen(all)).toEqual(["of_acme", "of_bolt", "of_nobody"]);
    expect(
      await as(acme, () => db.value("SELECT ruvector_healing_status() ->> 'total_healings_24h'")),
    ).toBe("1");
  });

  it("whose tenant has no collection is not told that there are none", async () => {
    await db.client.query(`SELECT ruvector_healing_grant('${stranger}', 'viewer', 'nobody')`);
    const lines = await as(stranger, () =>
      db.rows("SELECT * FROM ruvector_healing_report() AS line"),
    );
    await db.client.query(`SELECT ruvector_healing_revoke('${stranger}')`);
    expect(lines).toContainEqual({
      line: "  No collection of your tenants is registered; others are not shown.",
    });
  });

  it("is told of another tenant's collection what it is told of none", async () => {
    await as(acme, async () => {
      for (const call of [
        "ruvector_healing_status(%)",
        "ruvector_integrity_status(%)",
        "ruvector_integrity_history(%)",
        "ruvector_integrity_gate(%, 'insert')",
        "ruvector_contracted_graph(%)",
        "ruvector_healing_list_occupancy(%)",
      ]) {
        const [hidden, none] = [
          await raised(db.client, `SELECT * FROM ${call.replace("%", "'of_bolt'")}`),
          await raised(db.client, `SELECT * FROM ${call.replace("%", "'of_none'")}`),
        ];
        expect(hidden, call).toMatchObject({
          code: "RV002",
          detail: "Registered: public.of_acme.",
        });
        expect(JSON.parse(JSON.stringify(hidden).replaceAll("of_bolt", "of_none")), call).toEqual(
          none,
        );
      }
      expect(
        await db.value("SELECT ruvector_integrity_gate('of_acme', 'insert') ->> 'operation'"),
      ).toBe("insert");
    });
  });

  it("is not told of maintenance on another tenant's tables, which a reading names", async () => {
    // Autovacuum on one of them is in a reading now and then; this one holds it all.
    await db.client
      .query(`INSERT INTO ruvector.integrity_samples (collection_id, source, lambda, state, nodes,
        edges, metrics)
      SELECT collection_id, 'measured', 1, 0, 2, 1,
        '{"maintenance": {"autovacuum_delay": 2, "sessions": [{"relation": "of_bolt_p1"}],
                          "jobs": [{"name": "of_bolt nightly"}],
                          "blockers": [{"statement": "VACUUM of_bolt_p1"}]}}'
        FROM ruvector.collections WHERE table_name = 'of_acme'`);
    const newest = (role: string) =>
      as(role, () =>
        db.value(
          "SELECT metrics -> 'maintenance' FROM ruvector_integrity_history('of_acme') LIMIT 1",
        ),
      );
    expect(await newest(acme)).toEqual({ autovacuum_delay: 2 });
    expect(await newest(all)).toHaveProperty("sessions");
    expect(await seen(acme)).toEqual(["of_acme"]);
  });

  it("may not call what does not filter", async () => {
    for (const call of [
      "ruvector_healing_config()",
      "ruvector_healing_metrics()",
      "ruvector_healing_rights()",
      "ruvector_healing_trigger('of_acme')",
      "ruvector_healing_decisions()",
    ]) {
      expect(await as(acme, () => raised(db.client, `SELECT * FROM ${call}`)), call).toMatchObject({
        code: "42501",
        detail: undefined,
      });
    }
  });

  it("sees the actions on a shared collection that moved its tenant's rows alone", async () => {
    await db.client.query("SELECT ruvector_healing_register('of_both', '{\"movable\": true}')");
    await db.client.query(
      "SELECT ruvector_healing_execute('of_both', 'rebalance_partitions', '{\"max_moves\": 500}')",
    );
    // The loop moves the rest by itself: acme's rows and bolt's, so it is nobody's alone.
    await ticks(db, 4);
    const outcomes = await db.rows<{
      tenants: string[];
      tenant: string | null;
    }>(`SELECT progress -> 'tenants' AS tenants, o.tenant_id AS tenant
      FROM ruvector.healing_actions a JOIN ruvector.healing_outcomes o ON o.action_id = a.id
        WHERE a.collection LIKE '%of_both' ORDER BY a.id`);
    expect(outcomes.slice(0, 2)).toEqual([
      { tenants: ["acme"], tenant: "acme" },
      { tenants: ["acme", "bolt"], tenant: null },
    ]);
    const history = (role: string) =>
      as(role, () =>
        db.value(
          "SELECT count(*)::int FROM ruvector_healing_history() WHERE collection LIKE '%of_both'",
        ),
      );
    expect([await history(acme), await history(bolt), await history(all)]).toEqual([1, 0, 2]);
  });

  it("sees nothing once its role is renamed, rather than everything", async () => {
    await db.client.query(`ALTER ROLE ${bolt} RENAME TO ${bolt}_renamed`);
    try {
      expect(await seen(`${bolt}_renamed`)).toEqual([]);
    } finally {
      await db.client.query(`ALTER ROLE ${bolt}_renamed RENAME TO ${bolt}`);
    }
  });

  it(
    "lends nobody more than it has: a function of its own, called by a role without rights, " +
      "shows nothing",
    async () => {
      await db.client.query(`CREATE SCHEMA lent AUTHORIZATION ${acme}; SET ROLE ${acme};
      CREATE FUNCTION lent.look() RETURNS text
        LANGUAGE sql SECURITY DEFINER AS 'SELECT public.ruvector_healing_status()::text';
      GRANT USAGE ON SCHEMA lent TO ${stranger}; RESET ROLE`);
      expect(await as(stranger, () => db.value<string>("SELECT lent.look()"))).not.toMatch(
        /of_(acme|bolt|both|nobody)/,
      );
    },
  );

  it("becomes a viewer of everything, or of nothing, when it is granted or revoked", async () => {
    await db.client.query(`SELECT ruvector_healing_grant('${acme}', 'viewer')`);
    expect(await seen(acme)).toContain("of_bolt");
    await db.client.query(`SELECT ruvector_healing_grant('${acme}', 'viewer', 'bolt')`);
    expect(
      await as(acme, () => raised(db.client, "SELECT ruvector_healing_config()")),
    ).toMatchObject({ code: "42501" });
    expect((await seen(acme)).filter((table) => table !== "of_both")).toEqual(["of_bolt"]);
    await db.client.query(`SELECT ruvector_healing_revoke('${acme}')`);
    expect(
      await as(acme, () => raised(db.client, "SELECT ruvector_healing_status()")),
    ).toMatchObject({ code: "42501" });
    expect(
      await db.value("SELECT count(*)::int FROM ruvector.healing_tenants WHERE role_name = $1", [
        acme,
      ]),
    ).toBe(0);
  });
});

describe("while somebody is limited to a tenant", () => {
  const REPORT = `'{"metrics": {"memory_usage_pct": 7}}'`;
  const report = (table: string) => `SELECT ruvector_integrity_report('${table}', ${REPORT})`;
  beforeAll(() => db.client.query(`SELECT ruvector_healing_grant('${bolt}', 'viewer', 'bolt')`));

  it.each([
    ["its level", `SELECT ruvector_healing_grant('${stranger}', 'actuator')`],
    [
      "a grant by hand",
      `GRANT EXECUTE ON FUNCTION ruvector_integrity_report(text, jsonb) TO ${stranger}`,
    ],
  ])("a monitor that may report by %s reports on all collections", async (_, grant) => {
    await db.client.query(grant);
    try {
      for (const table of ["of_acme", "of_bolt", "of_nobody"])
        expect(await as(stranger, () => db.value(report(table)))).toHaveProperty("lambda");
      const error = await as(stranger, () => raised(db.client, report("of_nobdy")));
      expect(error).toMatchObject({
        code: "RV002",
        hint: expect.stringContaining("The nearest is public.of_nobody."),
      });
    } finally {
      await db.client.query(
        `SELECT ruvector_healing_revoke('${stranger}');
          REVOKE EXECUTE ON FUNCTION ruvector_integrity_report(text, jsonb) FROM ${stranger}`,
      );
    }
  });

  it("one that is limited itself reports on its tenant's", async () => {
    await db.client.query(`SELECT ruvector_healing_grant('${bolt}', 'actuator')`);
    expect(await as(bolt, () => db.value(report("of_bolt")))).toHaveProperty("lambda");
    const error = await as(bolt, () => raised(db.client, report("of_acme")));
    expect(error).toMatchObject({ code: "RV002", detail: "Registered: public.of_bolt." });
  });

  it("lends the right to report to nobody", async () => {
    await db.client.query(`CREATE SCHEMA lends AUTHORIZATION ${bolt}; SET ROLE ${bolt};
      CREATE FUNCTION lends.report(text) RETURNS jsonb LANGUAGE sql SECURITY DEFINER
        AS $$ SELECT public.ruvector_integrity_report($1, ${REPORT}) $$;
      GRANT USAGE ON SCHEMA lends TO ${stranger}; RESET ROLE`);
    const error = await as(stranger, () => raised(db.client, "SELECT lends.report('of_acme')"));
    expect(error).toMatchObject({ code: "RV002" });
  });
});

it.each([
  ["'operator', 'acme'", "RV031"],
  ["'viewer', ''", "RV031"],
  ["'actuator', 'acme'", "RV031"],
])("ruvector_healing_grant('x', %s)", async (more, code) => {
  expect(
    await raised(db.client, `SELECT ruvector_healing_grant('${stranger}', ${more})`),
  ).toMatchObject({ code });
});
