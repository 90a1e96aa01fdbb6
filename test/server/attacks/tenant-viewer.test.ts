/**
 * A viewer of one tenant, beside another tenant: not a word of it, whatever stands in its
 * collection's way. What it sees otherwise: test/integration/tenants.test.ts.
 */
import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { configure, HOT, IN_ONE_GO, makeTable, ticks } from "../../support/collection.ts";
import { asked, type TestDatabase, testDatabase } from "../../support/database.ts";
import { type Cast, cast, readable } from "./roles.ts";

let db: TestDatabase;
let roles: Cast;
let acme: pg.Client;
let everything: pg.Client;
/** In every name of the other tenant's: its tables, its role, its jobs. */
const OTHER = /zirconia/;

const both = async (): Promise<readonly [limited: string, whole: string]> => [
  await readable(acme, "of_acme"),
  await readable(everything, "of_acme"),
];

beforeAll(async () => {
  db = await testDatabase();
  roles = cast(db);
  await configure(db, { ...IN_ONE_GO, learning_enabled: false });
  for (const table of ["of_acme", "of_zirconia"])
    await makeTable(db, { table, rows: HOT, register: false });
  await db.client.query(
    `SELECT ruvector_healing_register('of_acme', '{"tenant": "acme", "movable": true}');
      SELECT ruvector_healing_register('of_zirconia', '{"tenant": "zirconia", "movable": true}')`,
  );
  acme = await (await roles.role("acme", "viewer", "acme")).connect();
  everything = await (await roles.role("all", "viewer")).connect();
});
afterAll(() => roles.end());

it("is not told which action, of whom, opened the circuit breaker", async () => {
  await db.client.query(`UPDATE ruvector.healing_breaker SET state = 'open', opened_at = now(),
      open_until = now() + interval '1 hour',
    reason = 'actions endangered the server; the last: action 1 (rebalance_partitions on '
      'public.of_zirconia): lambda fell'`);
  try {
    await ticks(db, 1);
    const [limited, whole] = await both();
    expect(whole).toMatch(OTHER);
    expect(limited).not.toMatch(OTHER);
    expect(limited).toContain("held back: breaker");
  } finally {
    await db.client.query("SELECT ruvector_healing_breaker_close('over')");
  }
});

it("is not told which jobs of pg_cron are paused for its collection", async () => {
  await db.client.query(`
    WITH action AS (
      INSERT INTO ruvector.healing_actions (collection_id, collection, strategy_name, problem_class,
        problem, state, origin, initiated_by, initial_lambda, initial_state, target_lambda,
                                            plan, progress, started_at, deadline, message,
                                              reversible)
      SELECT c.collection_id, 'public.of_acme', 'pause_maintenance', 'maintenance_contention', '{}',
        'stabilizing', 'loop', 'loop', 0.5, 1, 0.9,
             '{"jobs": [{"jobid": "7", "name": "zirconia_nightly"}]}', '{"paused": ["7"]}', now(),
               now() + interval '1 hour', 'waits for zirconia_nightly to end', true
        FROM ruvector.collections c WHERE c.table_name = 'of_acme'
      RETURNING id, collection_id)
    INSERT INTO ruvector.healing_leases (action_id, collection_id, strategy_name, kind, target,
      previous, expires_at)
    SELECT id, collection_id, 'pause_maintenance', 'paused_job',
      '{"jobid": "7", "name": "zirconia_nightly"}', '{}', now() + interval '1 hour' FROM action`);
  const told = (client: pg.Client) =>
    asked(client).value<string>(
      `SELECT ruvector_healing_status()::text || (SELECT json_agg(h)::text
        FROM ruvector_healing_history() h)`,
    );
  const [limited, whole] = [await told(acme), await told(everything)];
  expect(whole).toMatch(OTHER);
  expect(limited).not.toMatch(OTHER);
  expect(limited).toContain("pause_maintenance: stabilizing");
});

it("learns nothing of the other by what errors say, by keys, by asking for both", async () => {
  const { value } = asked(acme);
  const told = (statement: string) =>
    value<string>(`SELECT ${statement}`).catch(
      (error: pg.DatabaseError) => `${error.code} ${error.message} ${error.detail} ${error.hint}`,
    );
  for (const name of ["of_zirconia", "public.of_zirconia", '"of_zirconia"', "of_zirconia_p0"]) {
    for (const call of [
      "ruvector_healing_status(%)::text",
      "ruvector_contracted_graph(%)::text",
      "ruvector_integrity_gate(%, 'insert')::text",
    ]) {
      const asking = (what: string) => told(call.replace("%", `'${what}'`));
      // As for a collection that is not there.
      expect((await asking(name)).replaceAll("zirconia", "nobody"), `${call} ${name}`).toBe(
        await asking(name.replaceAll("zirconia", "nobody")),
      );
    }
  }
});
