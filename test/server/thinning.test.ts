/** History thins with age, and loses no minimum, no transition and no present state. */
import { beforeAll, describe, expect, it } from "vitest";
import { makeTable, ticks } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
let id: number;

/** A sample every 30 seconds for two days: dips in lambda, an hour of stress, some not known. */
beforeAll(async () => {
  db = await testDatabase();
  await makeTable(db, { rows: [10, 10, 10, 10] });
  await ticks(db, 1);
  id = await db.value<number>("SELECT collection_id FROM ruvector.collections");
  await db.client.query(
    `INSERT INTO ruvector.integrity_samples
       (collection_id, sampled_at, source, lambda, state, nodes, edges, metrics)
     SELECT $1, clock_timestamp() - make_interval(secs => 30 * i), 'measured',
       CASE WHEN i % 977 = 0 THEN NULL
         WHEN i % CASE WHEN i < 2700 THEN 101 ELSE 247 END = 0 THEN 0.5 - i / 100000.0 ELSE 1 END,
       CASE WHEN i BETWEEN 3000 AND 3120 THEN 1 ELSE 0 END, 5, 5, jsonb_build_object('i', i)
       FROM generate_series(1, 5760) i`,
    [id],
  );
});

const summary = async () =>
  (
    await db.rows(`
    SELECT (SELECT json_agg(l.lambda ORDER BY l.lambda) FROM (SELECT DISTINCT lambda
              FROM ruvector.integrity_samples WHERE lambda < 1) l)::text AS lows,
           (SELECT json_agg(s.state ORDER BY s.changed) FROM (
              SELECT state, min(sampled_at) AS changed FROM ruvector.integrity_samples
               GROUP BY state) s)::text AS states,
           count(*) FILTER (WHERE sampled_at > clock_timestamp() - interval '55 minutes')
             AS recent,
           count(*) FILTER (WHERE lambda IS NULL) AS unknown
      FROM ruvector.integrity_samples`)
  )[0];

const thin = () => db.value<number>("SELECT ruvector.healing_thin_samples($1)", [id]);

describe("samples that are old", () => {
  it("of an hour: the worst of each minute stays; of a day: of each hour", async () => {
    const before = await summary();
    expect(await thin()).toBeGreaterThan(3000);
    expect(await summary()).toEqual(before);
    const [most] = await db.rows(`
      SELECT (max(n) FILTER (WHERE age < '1 day'))::int AS minutes,
             (max(n) FILTER (WHERE age > '1 day 65 minutes'))::int AS hours
        FROM (SELECT clock_timestamp() - min(sampled_at) AS age, count(*) AS n
                FROM ruvector.integrity_samples
               WHERE sampled_at < clock_timestamp() - interval '62 minutes' AND lambda IS NOT NULL
               GROUP BY CASE WHEN sampled_at < clock_timestamp() - interval '1 day 62 minutes'
                 THEN date_bin('1 hour', sampled_at, 'epoch')
                 ELSE date_bin('1 minute', sampled_at, 'epoch') END, state) one`);
    expect(most).toEqual({ minutes: 1, hours: 1 });
  });

  it("stay as they are when they are thinned again, and the history reads on", async () => {
    expect(await thin()).toBeLessThanOrEqual(4);
    const rows = await db.rows<{ lambda: number }>(
      `SELECT lambda FROM ruvector_integrity_history(since := now() - interval '3 days',
         limit_ := 10000)`,
    );
    expect(rows.length).toBeLessThan(1650);
    expect(Math.min(...rows.map(({ lambda }) => lambda ?? 1))).toBeCloseTo(0.5 - 5681 / 100000, 9);
  });

  it("the one that the state goes by is never thinned, and a tick thins in turn", async () => {
    await db.client.query(`
      UPDATE ruvector.integrity_samples SET sampled_at = sampled_at - interval '3 days';
      INSERT INTO ruvector.integrity_samples
        (collection_id, sampled_at, source, lambda, state, nodes, edges)
      SELECT s.collection_id, m.sampled_at, m.source, 0, m.state, 5, 5
        FROM ruvector.integrity_state s JOIN ruvector.integrity_samples m ON m.id = s.sample_id`);
    const kept = () =>
      db.value<string>(`SELECT count(*) FROM ruvector.integrity_state s
        JOIN ruvector.integrity_samples m ON m.id = s.sample_id`);
    const before = await db.value<string>("SELECT count(*) FROM ruvector.integrity_samples");
    await db.client.query("UPDATE ruvector.healing_ticks SET ticks = 500 + $1::int - 1", [id]);
    await db.client.query("SELECT ruvector.healing_thin_samples($1)", [id]);
    expect(await kept()).toBe("1");
    await ticks(db, 1);
    expect(
      Number(await db.value<string>("SELECT count(*) FROM ruvector.integrity_samples")),
    ).toBeLessThan(Number(before));
  });

  it("that others say by are kept as long as those", async () => {
    await db.client.query(
      `DELETE FROM ruvector.integrity_samples;
       INSERT INTO ruvector.integrity_samples
         (id, collection_id, sampled_at, source, lambda, state, nodes, edges, metrics, same_as)
       SELECT i, ${id}, date_trunc('hour', clock_timestamp()) - interval '2 days'
           + make_interval(secs => 5 * i), 'measured', 1, 0, 5, 5,
         CASE i % 100 WHEN 1 THEN '{"said": true}'::jsonb ELSE '{}' END,
         CASE i % 100 WHEN 1 THEN NULL ELSE i - (i + 99) % 100 END
         FROM generate_series(1, 2000) i`,
    );
    expect(await thin()).toBeGreaterThan(1900);
    const rows = await db.rows<{ said: boolean | null }>(
      `SELECT metrics -> 'said' AS said
         FROM ruvector_integrity_history(since := now() - interval '3 days')`,
    );
    expect(rows.length).toBeGreaterThan(2);
    expect(rows.every(({ said }) => said === true)).toBe(true);
  });

  it("of no collection, or of nobody's, are none", async () => {
    expect(await db.value<number>("SELECT ruvector.healing_thin_samples(-1)")).toBe(0);
    expect(await db.value<number>("SELECT ruvector.healing_thin_samples(NULL)")).toBe(0);
  });
});
