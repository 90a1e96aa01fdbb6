/** What an undo says and does where partitions have gone, or cannot go. */
import { beforeAll, describe, expect, it } from "vitest";
import {
  configure,
  HOT,
  IN_ONE_GO,
  makeTable,
  placement,
  places,
  ticks,
} from "../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { waitEnds } from "../support/patience.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...IN_ONE_GO, learning_enabled: false, breaker_failures: 1000 });
});

const last = () =>
  db
    .rows<{ state: string; message: string }>(
      "SELECT state, message FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1",
    )
    .then(([row]) => row!);

/** Rows of a table of this name have begun to move to its first partition; nothing else begins. */
async function begun(table: string): Promise<void> {
  await makeTable(db, { table, rows: HOT });
  await configure(db, { enabled: true, batch_rows: 50, slice_seconds: 0.01 });
  await db.client.query("SELECT ruvector_healing_execute($1, 'rebalance_partitions')", [table]);
  expect((await last()).state).toBe("executing");
  await configure(db, { enabled: false, batch_rows: 10000, slice_seconds: 60 });
}

async function ended(): Promise<{ state: string; message: string }> {
  const end = waitEnds();
  while (/executing|stabilizing|rolling_back/.test((await last()).state) && Date.now() < end)
    await ticks(db, 1);
  return last();
}

describe("an undo", () => {
  it("does not call deleted what was taken out with its partition", async () => {
    await begun("split");
    await db.client.query("ALTER TABLE split DETACH PARTITION split_p0");
    const { state, message } = await ended();
    expect(state).toBe("failed");
    expect(message).toMatch(/no partition of (?:public\.)?split takes partition_id = 0 any more/);
    expect(message).toMatch(
      /\d+ rows deleted since, or taken out of the table with their partition/,
    );
  });

  it("takes back what it can where a source is gone, and says which rows stay", async () => {
    await configure(db, { enabled: true });
    await makeTable(db, { table: "sourced", rows: [100, 100, 700, 1100, 100, 100] });
    const [before, all] = [await placement(db, "sourced"), await places(db, "sourced")];
    const act = async (max_moves: number) => {
      await db.client.query(
        "SELECT ruvector_healing_execute('sourced', 'rebalance_partitions', $1)",
        [{ max_moves }],
      );
      expect((await ended()).state).toBe("succeeded");
    };
    await act(400);
    await act(2000);
    await configure(db, { enabled: false });
    const sources = await db.rows<{ from: string; action: number }>(`
      SELECT s.details ->> 'from' AS "from", s.action_id::int AS action
        FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id
       WHERE s.kind = 'move_rows' AND a.collection ~ 'sourced' ORDER BY s.id DESC`);
    const gone = sources[0]!.from;
    // Older steps of other sources lie behind it, and an older action.
    expect(sources.some(({ from, action }) => from !== gone && action === sources[0]!.action)).toBe(
      true,
    );
    const key = gone.slice(-1);
    await db.client.query(`ALTER TABLE sourced DETACH PARTITION ${gone}`);
    const [rows] = await db.rows<{ n: number }>("SELECT count(*)::int AS n FROM sourced");
    await db.client.query("SELECT ruvector_healing_rollback('sourced')");
    const { state, message } = await ended();
    expect(state).toBe("rollback_failed");
    expect(message).toMatch(new RegExp(`\\d+ of ${gone} in sourced_p\\d`));
    expect(message).toContain(`takes partition_id = ${key} any more`);
    expect(await db.rows("SELECT count(*)::int AS n FROM sourced")).toEqual([rows]);
    // Only a person can go on with it: no tick looks at the collection for it.
    expect(
      await db.value(`SELECT count(*)::int FROM ruvector.healing_pending(ARRAY(
        SELECT collection_id FROM ruvector.collections WHERE table_name = 'sourced'))`),
    ).toBe(0);
    // The older action is not held up by what cannot be undone.
    const older = sources.at(-1)!.action;
    const undoOlder = async (): Promise<string> => {
      await db.client.query("SELECT ruvector_healing_rollback('sourced', $1)", [older]);
      const state = "SELECT state FROM ruvector.healing_actions WHERE id = $1";
      const end = waitEnds();
      while ((await db.value(state, [older])) === "rolling_back" && Date.now() < end)
        await ticks(db, 1);
      return db.value<string>(state, [older]);
    };
    expect(await undoOlder()).toMatch(/^(rollback_failed|rolled_back)$/);
    const now = await placement(db, "sourced");
    for (const [place, rows_then] of Object.entries(before))
      if (place !== key) expect(now[place], place).toBeGreaterThanOrEqual(rows_then);
    // With the partition there again the rest goes back.
    await db.client.query(
      `ALTER TABLE sourced ATTACH PARTITION ${gone} FOR VALUES IN (${key});
       SELECT ruvector_healing_rollback('sourced', ${sources[0]!.action})`,
    );
    expect(await ended()).toMatchObject({ state: "rolled_back" });
    await undoOlder();
    expect(await placement(db, "sourced")).toEqual(before);
    expect(await places(db, "sourced")).toBe(all);
  });

  it("knows a partition that is being detached concurrently", async () => {
    await begun("parting");
    const [reader, owner] = [await db.connect(), await db.connect()];
    await reader.query("BEGIN; SELECT count(*) FROM parting");
    const { pid } = (await owner.query("SELECT pg_backend_pid() AS pid")).rows[0];
    const detach = owner
      .query("ALTER TABLE parting DETACH PARTITION parting_p0 CONCURRENTLY")
      .catch(() => undefined);
    await expect
      .poll(() => db.value("SELECT bool_or(inhdetachpending) FROM pg_inherits"))
      .toBe(true);
    await reader.query("SELECT pg_cancel_backend($1)", [pid]);
    await detach;
    await reader.query("COMMIT");
    expect((await ended()).message).toMatch(
      /no partition of (?:public\.)?parting takes partition_id = 0 any more/,
    );
    return undefined;
  });

  it("moves nothing in a table that was put in the place of the one it began with", async () => {
    await configure(db, { enabled: true });
    await begun("swapped");
    const before = Object.fromEntries(HOT.map((rows, place) => [place, rows]));
    await db.client.query("ALTER TABLE swapped RENAME TO swapped_old");
    // Loaded anew: all rows are where no move has put them.
    await makeTable(db, { table: "incoming", rows: [2100, 0, 0, 0], register: false });
    await db.client.query("ALTER TABLE incoming RENAME TO swapped");
    const [old, anew] = [await places(db, "swapped_old"), await places(db, "swapped")];
    const { state, message } = await ended();
    expect(state).toBe("failed");
    expect(message).toContain("the table that they are of was replaced: this one has its name");
    expect(await places(db, "swapped")).toEqual(anew);
    expect(await places(db, "swapped_old")).toEqual(old);
    // Once it is back, so are its rows.
    const undo = "SELECT ruvector_healing_rollback('swapped')";
    await db.client.query(undo);
    expect(await ended()).toMatchObject({ state: "rollback_failed" });
    expect(await places(db, "swapped")).toEqual(anew);
    await db.client.query(
      "ALTER TABLE swapped RENAME TO swapped_new; ALTER TABLE swapped_old RENAME TO swapped",
    );
    await ticks(db, 1);
    await db.client.query(undo);
    expect(await ended()).toMatchObject({ state: "rolled_back" });
    expect(await placement(db, "swapped")).toEqual(before);
  });

  it("does not read a journal by another primary key", async () => {
    await configure(db, { enabled: true });
    await makeTable(db, { table: "keyed", rows: HOT, register: false });
    await db.client.query(`
      ALTER TABLE keyed DROP CONSTRAINT keyed_pkey;
      ALTER TABLE keyed ADD COLUMN other bigint, ADD COLUMN third int DEFAULT 1;
      UPDATE keyed SET other = 2101 - id;
      ALTER TABLE keyed ADD PRIMARY KEY (partition_id, id, other)`);
    const register = () =>
      db.client.query("SELECT ruvector_healing_register('keyed', '{\"movable\": true}')");
    await register();
    const before = await places(db, "keyed");
    await db.client.query("SELECT ruvector_healing_execute('keyed', 'rebalance_partitions')");
    await configure(db, { enabled: false });
    await ticks(db, 2);
    expect((await last()).state).toBe("succeeded");
    const moved = await places(db, "keyed");
    expect(moved).not.toBe(before);
    for (const key of ["partition_id, other, id", "partition_id, id, other, third"]) {
      await db.client.query(
        `ALTER TABLE keyed DROP CONSTRAINT keyed_pkey; ALTER TABLE keyed ADD PRIMARY KEY (${key})`,
      );
      await register();
      await db.client.query("SELECT ruvector_healing_rollback('keyed')");
      const { state, message } = await ended();
      expect(state).toBe("rollback_failed");
      expect(message).toMatch(/they were journaled by \(id, other\), and its primary key is/);
      expect(await places(db, "keyed")).toBe(moved);
    }
    // A column of another name is the same column.
    await db.client.query(`
      ALTER TABLE keyed DROP CONSTRAINT keyed_pkey;
      ALTER TABLE keyed RENAME other TO another;
      ALTER TABLE keyed ADD PRIMARY KEY (partition_id, id, another)`);
    await register();
    await db.client.query("SELECT ruvector_healing_rollback('keyed')");
    expect(await ended()).toMatchObject({ state: "rolled_back" });
    expect(await places(db, "keyed")).toBe(before);
  });

  it("does not take a column that was made anew under the name for the journal's", async () => {
    await configure(db, { enabled: true });
    await makeTable(db, { table: "numbered", rows: HOT });
    await db.client.query("SELECT ruvector_healing_execute('numbered', 'rebalance_partitions')");
    await configure(db, { enabled: false });
    await ticks(db, 2);
    expect((await last()).state).toBe("succeeded");
    await db.client.query(`
      ALTER TABLE numbered DROP CONSTRAINT numbered_pkey;
      ALTER TABLE numbered RENAME id TO former;
      ALTER TABLE numbered ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY;
      ALTER TABLE numbered ADD PRIMARY KEY (partition_id, id)`);
    const moved = await places(db, "numbered");
    await db.client.query("SELECT ruvector_healing_rollback('numbered')");
    const { state, message } = await ended();
    expect(state).toBe("rollback_failed");
    expect(message).toContain("its primary key is (id) now, beside the partition column: a column");
    expect(await places(db, "numbered")).toBe(moved);
    // What the HINT says to type.
    await db.client.query(`
      ALTER TABLE numbered DROP COLUMN id; ALTER TABLE numbered RENAME former TO id;
      ALTER TABLE numbered ADD PRIMARY KEY (partition_id, id);
      SELECT ruvector_healing_register('numbered', '{"movable": true}')`);
    await db.client.query("SELECT ruvector_healing_rollback('numbered')");
    expect(await ended()).toMatchObject({ state: "rolled_back" });
    expect(Object.values(await placement(db, "numbered"))).toEqual(HOT);
  });

  it("finds the cold partition that it made by another name, and in another schema", async () => {
    await configure(db, { enabled: true });
    await makeTable(db, { table: "moving", rows: HOT, register: false });
    await db.client.query(`
      ALTER TABLE moving ADD COLUMN used timestamptz;
      UPDATE moving SET used = now() - id * interval '1 minute'`);
    await db.client.query("SELECT ruvector_healing_register('moving', $1)", [
      { movable: true, access_column: "used", cold_partition: 99 },
    ]);
    const before = await places(db, "moving");
    await db.client.query(
      "SELECT ruvector_integrity_report('moving', '{\"metrics\": {\"memory_usage_pct\": 99}}')",
    );
    await db.client.query(
      "SELECT ruvector_healing_execute('moving', 'evict_cold_data', '{\"share\": 0.3}')",
    );
    await configure(db, { enabled: false });
    await db.client.query(`CREATE SCHEMA colder; ALTER TABLE moving_cold SET SCHEMA colder;
      ALTER TABLE colder.moving_cold RENAME TO frozen`);
    expect(await db.value("SELECT count(*)::int FROM colder.frozen")).toBeGreaterThan(0);
    expect(
      await db.value("SELECT statement FROM ruvector.healing_left_behind() WHERE what ~ 'cold'"),
    ).toContain("DROP TABLE colder.frozen;");
    await db.client.query("SELECT ruvector_healing_rollback('moving')");
    expect(await ended()).toMatchObject({ state: "rolled_back" });
    expect(await places(db, "moving")).toBe(before);
    expect(await db.value("SELECT to_regclass('colder.frozen')")).toBeNull();
  });

  it("leaves the cold partition that it made where a view is on it", async () => {
    await configure(db, { enabled: true });
    await makeTable(db, { table: "kept", rows: HOT, register: false });
    await db.client.query(`
      ALTER TABLE kept ADD COLUMN used timestamptz;
      UPDATE kept SET used = now() - id * interval '1 minute'`);
    await db.client.query("SELECT ruvector_healing_register('kept', $1)", [
      { movable: true, access_column: "used", cold_partition: 99 },
    ]);
    await db.client.query(
      "SELECT ruvector_integrity_report('kept', '{\"metrics\": {\"memory_usage_pct\": 99}}')",
    );
    await db.client.query(
      "SELECT ruvector_healing_execute('kept', 'evict_cold_data', '{\"share\": 0.3}')",
    );
    await configure(db, { enabled: false });
    await db.client.query("CREATE VIEW on_cold AS SELECT * FROM kept_cold");
    expect(await db.value("SELECT count(*)::int FROM on_cold")).toBeGreaterThan(0);
    await db.client.query("SELECT ruvector_healing_rollback('kept')");
    expect(await ended()).toMatchObject({ state: "rolled_back" });
    expect(await db.value("SELECT count(*)::int FROM on_cold")).toBe(0);
    expect(
      await db.value(
        "SELECT message FROM ruvector.healing_events WHERE kind = 'action_partition_stays'",
      ),
    ).toMatch(/kept_cold stays: something depends on it/);
  });
});
