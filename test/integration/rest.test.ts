/**
 * A healthy tick starts no JavaScript: what was found plainly healthy is found so again without it
 * as long as nothing has changed, and says what JavaScript would say.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, forget, IN_ONE_GO, makeTable, QUICK, ticks } from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, mode: "observe" });
});

interface Kept {
  readonly id: string;
  readonly lambda: number;
  readonly state: string;
  readonly nodes: number;
  readonly edges: number;
  readonly rested: boolean;
  readonly metrics: Record<string, unknown>;
  readonly unmeasured: unknown;
}

/** Of its newest sample: the figures, without those of the whole machine. */
async function newest(table = "embeddings"): Promise<Kept> {
  const [kept] = await db.rows<Kept>(
    `SELECT m.id, m.lambda, m.state, m.nodes, m.edges, m.same_as IS NOT NULL AS rested,
            h.metrics - 'memory' AS metrics, coalesce(o.unmeasured, m.unmeasured) AS unmeasured
       FROM ruvector.integrity_samples m JOIN ruvector.collections c USING (collection_id)
       LEFT JOIN ruvector.integrity_samples o ON o.id = m.same_as
      CROSS JOIN LATERAL (SELECT * FROM ruvector_integrity_history(c.table_name, limit_ => 1)) h
      WHERE c.table_name = $1 ORDER BY m.id DESC LIMIT 1`,
    [table],
  );
  return kept!;
}

/** Ticks until it rests; how many that took. */
async function untilAtRest(table = "embeddings"): Promise<number> {
  for (let tick = 1; tick <= 6; tick++) {
    await ticks(db, 1);
    if ((await newest(table)).rested) return tick;
  }
  const why = await db.rows(
    `SELECT r.*, n.*, s.sample_id AS now_sample FROM ruvector.collections c
       LEFT JOIN ruvector.healing_rests r USING (collection_id)
       LEFT JOIN ruvector.healing_seen(ARRAY[c.collection_id]) n ON true
       LEFT JOIN ruvector.integrity_state s ON s.collection_id = c.collection_id`,
  );
  throw new Error(`never at rest: ${JSON.stringify([await newest(table), why])}`);
}

/** Which of all would rest in the tick that comes now; nothing of it is kept. */
async function restsAfter(change: string): Promise<boolean> {
  await db.client.query("BEGIN");
  try {
    await db.client.query(change);
    const resting = await db.value<number[]>(
      "SELECT ruvector.healing_rest(ARRAY(SELECT collection_id FROM ruvector.collections))",
    );
    return resting.length > 0;
  } finally {
    await db.client.query("ROLLBACK");
  }
}

/**
 * Counters, and pages as an index was built, stay as they are when that is taken back. What falls
 * due by time does so on a busy machine before all changes were tried.
 */
const seeAnew = (): Promise<unknown> =>
  db.client.query(`
    UPDATE ruvector.integrity_measurements SET measured_at = clock_timestamp();
    UPDATE ruvector.healing_rests r
       SET counted = n.counted, seen = n.seen, server = ruvector.healing_server_seen(),
         due_at = clock_timestamp() + interval '1 hour', looked_at = clock_timestamp()
      FROM ruvector.healing_seen(ARRAY(SELECT collection_id FROM ruvector.collections)) n
     WHERE n.collection_id = r.collection_id`);

/**
 * Whether it would rest as it is. Autovacuum may be at it in that moment, or another test makes a
 * role: both are looked at, and over soon.
 */
async function restsUnchanged(): Promise<boolean> {
  for (let turn = 1; ; turn++) {
    await seeAnew();
    const rests = await restsAfter("SELECT 1");
    if (rests || turn === 20) return rests;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What JavaScript must look at, whatever comes of it. Each is taken back. */
const CHANGES: Readonly<Record<string, string>> = {
  "an index is made": "CREATE INDEX more ON embeddings (payload)",
  "an index is rebuilt": "REINDEX INDEX embeddings_p1_pkey",
  "an index goes": "ALTER TABLE embeddings DROP CONSTRAINT embeddings_pkey",
  "an index is told to leave room": "ALTER INDEX embeddings_p1_pkey SET (fillfactor = 50)",
  "a partition is emptied": "TRUNCATE embeddings_p3",
  "a partition is made": "CREATE TABLE added PARTITION OF embeddings FOR VALUES IN (99)",
  "a partition goes": "ALTER TABLE embeddings DETACH PARTITION embeddings_p3",
  "a partition is renamed": "ALTER TABLE embeddings_p2 RENAME TO embeddings_px",
  "the table is renamed": "ALTER TABLE embeddings RENAME TO others",
  "storage parameters change": "ALTER TABLE embeddings_p1 SET (autovacuum_enabled = off)",
  "a column comes": "ALTER TABLE embeddings ADD COLUMN extra int",
  "a column is renamed": "ALTER TABLE embeddings RENAME COLUMN payload TO other",
  "a column goes": "ALTER TABLE embeddings DROP COLUMN payload",
  "a default comes": "ALTER TABLE embeddings ALTER partition_id SET DEFAULT 1",
  "a foreign key comes":
    "CREATE TABLE refers (p int, i bigint, FOREIGN KEY (p, i) REFERENCES embeddings)",
  "a trigger comes": `
     CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
     CREATE TRIGGER note AFTER UPDATE ON embeddings FOR EACH ROW EXECUTE FUNCTION note()`,
  "it is published": "CREATE PUBLICATION moves FOR TABLE embeddings",
  "its settings change": `SELECT ruvector_healing_configure('{"recall_k": 9}', 'embeddings')`,
  "everybody's settings change": `SELECT ruvector_healing_configure('{"recall_k": 9}')`,
  "a setting of the server changes": "SET LOCAL track_counts = off",
  "a monitor reports": `
     SELECT ruvector_integrity_report('embeddings', '{"metrics": {"memory_usage_pct": 20}}')`,
  "somebody takes a sample": "SELECT ruvector_integrity_sample('embeddings')",
  "a route is lowered": "UPDATE ruvector.healing_routes SET weight = 0.5",
  "it is registered as something else": `
     SELECT ruvector_healing_register('embeddings', '{"movable": false}')`,
  "it is set aside":
    "UPDATE ruvector.healing_turns SET since = clock_timestamp(), until = clock_timestamp()",
  "another tick serves it":
    "UPDATE ruvector.healing_turns SET serving_since = clock_timestamp(), serving_pid = 1",
  "a forecast waits to be scored": `
     INSERT INTO ruvector.healing_forecasts (collection_id, collection, mode, problem_class,
       problem, strategy_name, plan, initial_lambda, due_at)
     SELECT collection_id, 'c', 'observe', 'unknown', '{}', 's', '{}', 0.5, clock_timestamp()
       FROM ruvector.collections`,
  "something is due":
    "UPDATE ruvector.healing_rests SET due_at = clock_timestamp() - interval '1 second'",
  "nothing has been due for ten minutes":
    "UPDATE ruvector.healing_rests SET looked_at = clock_timestamp() - interval '11 minutes'",
  "its sample was removed": "DELETE FROM ruvector.integrity_samples",
  "a measurement is outdated":
    "UPDATE ruvector.integrity_measurements SET measured_at = 'epoch' WHERE kind = 'fragmentation'",
  "the clock was set back":
    "UPDATE ruvector.integrity_state SET sampled_at = sampled_at + interval '1 hour'",
  "its state is not normal": "UPDATE ruvector.integrity_state SET state = 1",
  "another version was installed": "UPDATE ruvector.healing_rests SET server = 'another'",
};

/** The same, of which counters stay whatever is taken back. */
const TRAFFIC: Readonly<Record<string, string>> = {
  "rows are read": "SELECT count(payload) FROM embeddings",
  "rows are written": "UPDATE embeddings SET payload = 'x' WHERE id = 1",
  "rows are deleted": "DELETE FROM embeddings WHERE id < 3",
};

describe("one collection", () => {
  beforeAll(async () => {
    await makeTable(db, { rows: [400, 400, 400, 400] });
  });

  it("rests once it was found plainly healthy, and its samples go on", async () => {
    await untilAtRest();
    const before = await newest();
    const [was] = await db.rows<{ samples: number; at: Date }>(
      `SELECT (hysteresis ->> 'samples')::int AS samples, sampled_at AS at
         FROM ruvector.integrity_state`,
    );
    await ticks(db, 3);
    const after = await newest();
    expect(Number(after.id)).toBe(Number(before.id) + 3);
    expect({ ...after, id: before.id }).toEqual(before);
    const [is] = await db.rows<{ samples: number; at: Date }>(
      `SELECT (hysteresis ->> 'samples')::int AS samples, sampled_at AS at
         FROM ruvector.integrity_state`,
    );
    expect(is!.samples).toBe(was!.samples + 3);
    expect(is!.at.getTime()).toBeGreaterThan(was!.at.getTime());
  });

  it("says what JavaScript says of it", async () => {
    await untilAtRest();
    const rested = await newest();
    await db.client.query("SELECT ruvector_integrity_sample('embeddings')");
    const looked = await newest();
    expect(looked.rested).toBe(false);
    expect({ ...looked, id: rested.id, rested: true }).toEqual(rested);
  });

  it("is looked at when anything of it changes", async () => {
    await untilAtRest();
    const overlooked: string[] = [];
    for (const [what, change] of Object.entries(CHANGES)) {
      expect(await restsUnchanged(), `before ${what}`).toBe(true);
      if (await restsAfter(change)) overlooked.push(what);
    }
    expect(overlooked).toEqual([]);
  });

  it.each(Object.entries(TRAFFIC))("is looked at when %s", async (_, change) => {
    await untilAtRest();
    expect(await restsAfter(change)).toBe(false);
  });
});

describe("several", () => {
  const rested = async (): Promise<boolean[]> => {
    const found: boolean[] = [];
    for (const table of ["a", "b", "c"]) found.push((await newest(table)).rested);
    return found;
  };

  beforeAll(async () => {
    await forget(db);
    await configure(db, { ...IN_ONE_GO, mode: "auto" });
    for (const table of ["a", "b", "c"]) await makeTable(db, { table, rows: [400, 400, 400] });
    // Else autovacuum does so at some time, and what it finds makes each be looked at.
    await db.client.query("ANALYZE a, b, c");
    for (const table of ["a", "b", "c"]) await untilAtRest(table);
  });

  it("leave each other at rest", async () => {
    await db.client.query("DELETE FROM b WHERE id = 1");
    await ticks(db, 1);
    expect(await newest("a")).toMatchObject({ rested: true });
    expect(await newest("b")).toMatchObject({ rested: false });
    expect(await newest("c")).toMatchObject({ rested: true });
    await untilAtRest("b");
  });

  it("have what is due in turns, the longest overdue first", async () => {
    await db.client.query(
      `UPDATE ruvector.healing_rests r SET duration_ms = 200,
              due_at = clock_timestamp() - make_interval(secs => CASE c.table_name
                WHEN 'a' THEN 10 WHEN 'b' THEN 30 ELSE 20 END)
         FROM ruvector.collections c WHERE c.collection_id = r.collection_id`,
    );
    await ticks(db, 1);
    expect(await rested()).toEqual([true, false, false]);
    await ticks(db, 1);
    expect(await rested()).toEqual([false, true, true]);
  });

  it("are looked at again one by one where nothing is due", async () => {
    await db.client.query(
      `UPDATE ruvector.healing_resting SET looked_at = NULL;
       UPDATE ruvector.healing_rests r SET due_at = NULL,
              looked_at = clock_timestamp() - make_interval(mins => CASE c.table_name
                WHEN 'a' THEN 11 WHEN 'b' THEN 30 ELSE 20 END)
         FROM ruvector.collections c WHERE c.collection_id = r.collection_id`,
    );
    await ticks(db, 1);
    expect(await rested()).toEqual([true, false, true]);
    await ticks(db, 1);
    expect(await rested()).toEqual([true, true, true]);
    await db.client.query(
      "UPDATE ruvector.healing_resting SET looked_at = looked_at - interval '15 seconds'",
    );
    await ticks(db, 1);
    expect(await rested()).toEqual([true, true, false]);
  });

  it("have their turns one after the other where the server lost count of all", async () => {
    await db.client.query(
      `UPDATE ruvector.healing_rests SET counted = counted + 1000, duration_ms = 200,
              due_at = NULL, looked_at = clock_timestamp()`,
    );
    await ticks(db, 1);
    const first = await rested();
    expect(first.filter(Boolean)).toHaveLength(1);
    await ticks(db, 1);
    expect(await rested()).toEqual(first.map((one) => !one));
  });

  it("are each served by themselves where none can be kept at once", async () => {
    await db.client.query(`
      CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'no' USING ERRCODE = 'XX001'; END $$;
      CREATE TRIGGER bad BEFORE INSERT ON ruvector.integrity_samples FOR EACH ROW
        WHEN (NEW.same_as IS NOT NULL) EXECUTE FUNCTION bad()`);
    await ticks(db, 1);
    for (const table of ["a", "b", "c"])
      expect(await newest(table)).toMatchObject({ rested: false });
    await db.client.query("DROP FUNCTION bad() CASCADE");
    for (const table of ["a", "b", "c"]) await untilAtRest(table);
  });

  it("are each served by themselves behind a tick that never came to its end", async () => {
    await db.client.query("UPDATE ruvector.healing_resting SET begun_at = clock_timestamp()");
    await ticks(db, 1);
    expect(await newest("a")).toMatchObject({ rested: false });
    await ticks(db, 1);
    expect(await newest("a")).toMatchObject({ rested: true });
  });

  it("wake for the one that goes sick, which is decided about as ever", async () => {
    await db.client.query("UPDATE c SET partition_id = 1 WHERE partition_id <> 1 AND id % 3 > 0");
    await ticks(db, 1);
    expect(await newest("a")).toMatchObject({ rested: true });
    expect(await newest("c")).toMatchObject({ rested: false });
    await ticks(db, 2);
    const [action] = await db.rows(
      "SELECT strategy_name FROM ruvector.healing_actions WHERE collection = 'public.c'",
    );
    expect(action).toEqual({ strategy_name: "rebalance_partitions" });
  });
});
