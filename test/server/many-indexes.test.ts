/** More vector indexes than recall_budget_ms measures at once: partial ones, or of partitions. */
import { expect, it } from "vitest";
import { configure, QUICK, ticks } from "./support/collection.ts";
import { testDatabase } from "./support/database.ts";

const INDEXES = 4;

it("a setting is not judged by indexes whose turn has not come since", async () => {
  const db = await testDatabase();
  await configure(db, {
    ...QUICK,
    enabled: false,
    recall_budget_ms: 60_000,
    recall_trial_ms: 0,
    recall_target: 0.95,
    search_cost_ratio: 100,
  });
  await db.client.query(`
    CREATE ROLE ruvector_test_many LOGIN; ALTER ROLE ruvector_test_many SET hnsw.ef_search = 10;
    CREATE TABLE many (id int PRIMARY KEY, tenant int, e vector(32));
    INSERT INTO many SELECT g, g % ${INDEXES},
        (SELECT array_agg((hashint8extended(g * 64 + d, 7) & 1023)::real)
           FROM generate_series(1, 32) d)::vector FROM generate_series(1, 2400) g`);
  for (let tenant = 0; tenant < INDEXES; tenant++)
    await db.client.query(`CREATE INDEX many_${tenant} ON many USING hnsw (e vector_l2_ops)
      WITH (m = 6, ef_construction = 32) WHERE tenant = ${tenant}`);
  await db.client.query("ANALYZE many; ALTER TABLE many OWNER TO ruvector_test_many");
  await db.client.query("SELECT ruvector_healing_register('many')");
  const { lambda } = await db.value<{ lambda: number }>("SELECT ruvector_integrity_sample('many')");
  expect(lambda).toBeLessThan(0.8);

  const { action_id, message } = await db.value<{ action_id: number; message: string }>(
    "SELECT ruvector_healing_execute('many', 'tune_search')",
  );
  expect(action_id, message).not.toBeNull();
  await configure(db, { recall_budget_ms: 1 });
  const messages: string[] = [];
  for (let turn = 0; turn < 4 * INDEXES; turn++) {
    await ticks(db, 1);
    const action = await db.value<{ state: string; message: string }>(
      `SELECT jsonb_build_object('state', state, 'message', message)
         FROM ruvector.healing_actions WHERE id = $1`,
      [action_id],
    );
    messages.push(`${action.state}: ${action.message}`);
    if (action.state !== "executing" && action.state !== "stabilizing") break;
  }
  expect(messages.at(-1), messages.join("\n")).toMatch(/^succeeded: verified/);
  expect(messages.join("\n")).toMatch(/waits until searches by public\.many_\d/);
});
