/**
 * Writers at work during a rebalance and its rollback: every acknowledged row is there once, as it
 * was last written.
 */
import type pg from "pg";
import { beforeAll, expect, it } from "vitest";
import { configure, makeTable, QUICK } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, batch_rows: 50, slice_seconds: 0.05, enabled: false });
});

/** What a writer knows of its own rows: id to payload; deleted rows are not in it. */
interface Ledger {
  readonly rows: Map<number, string>;
  readonly retries: { serialization: number };
  readonly statements: number;
}

/**
 * Inserts, updates and deletes its own rows until told to stop. 40001 ("already moved to another
 * partition") is retried as the documentation asks; any other error fails the test.
 */
async function write(
  client: pg.Client,
  owned: number[],
  firstNew: number,
  running: () => boolean,
): Promise<Ledger> {
  const rows = new Map(owned.map((id) => [id, ""]));
  for (const { id, payload } of (
    await client.query("SELECT id::int, payload FROM embeddings WHERE id = ANY($1)", [owned])
  ).rows)
    rows.set(id, payload);
  const retries = { serialization: 0 };
  let next = firstNew;
  let statements = 0;
  const ids = [...owned];
  while (running()) {
    const kind = statements++ % 4;
    const id = kind === 0 ? next++ : ids[Math.floor(Math.random() * ids.length)]!;
    const payload = `w${statements}-${id}`;
    for (;;) {
      try {
        if (kind === 0) {
          await client.query("INSERT INTO embeddings VALUES ($1, 3, $2, '[1,2,3,4,5,6,7,8]')", [
            id,
            payload,
          ]);
          rows.set(id, payload);
          ids.push(id);
        } else if (kind === 3 && statements % 20 === 3) {
          await client.query("DELETE FROM embeddings WHERE id = $1", [id]);
          rows.delete(id);
        } else {
          const { rowCount } = await client.query(
            "UPDATE embeddings SET payload = $2 WHERE id = $1",
            [id, payload],
          );
          // A row that is there is updated: a move must not hide it from a writer.
          expect(rowCount, `update of ${id}`).toBe(rows.has(id) ? 1 : 0);
          if (rows.has(id)) rows.set(id, payload);
        }
        break;
      } catch (error) {
        if ((error as { code?: string }).code !== "40001") throw error;
        retries.serialization++;
      }
    }
  }
  return { rows, retries, statements };
}

it("loses, doubles and changes no row while it rebalances and rolls back", async () => {
  await makeTable(db, { rows: [300, 300, 300, 8000, 300, 300, 300, 300] });
  const all = (await db.rows<{ id: number }>("SELECT id::int FROM embeddings ORDER BY id")).map(
    ({ id }) => id,
  );
  let running = true;
  const writers = await Promise.all(
    [0, 1, 2, 3].map(async (place) => {
      const client = await db.connect();
      return {
        done: write(
          client,
          all.filter((id) => id % 4 === place),
          1_000_000 * (place + 1),
          () => running,
        ),
      };
    }),
  );
  await db.value("SELECT ruvector_healing_execute('embeddings', 'rebalance_partitions')");
  const state = () =>
    db.value<string>("SELECT state FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1");
  const until = async (wanted: readonly string[]) => {
    for (let turn = 0; turn < 400 && !wanted.includes(await state()); turn++)
      await db.client.query("CALL ruvector_healing_tick()");
    return state();
  };
  expect(await until(["succeeded", "rolled_back", "failed"])).toBe("succeeded");
  expect(
    await db.value("SELECT (progress ->> 'rows')::int FROM ruvector.healing_actions"),
  ).toBeGreaterThan(3000);
  await db.value("SELECT ruvector_healing_rollback('embeddings')");
  expect(await until(["rolled_back", "rollback_failed"])).toBe("rolled_back");
  running = false;
  const ledgers = await Promise.all(writers.map(({ done }) => done));

  const expected = new Map(ledgers.flatMap(({ rows }) => [...rows]));
  const found = await db.rows<{ id: number; payload: string }>(
    "SELECT id::int, payload FROM embeddings",
  );
  expect(found.length).toBe(expected.size);
  expect(new Map(found.map(({ id, payload }) => [id, payload]))).toEqual(expected);
  // The writers really were in the way, and everything original that still exists is back where it
  // was.
  expect(ledgers.reduce((sum, { statements }) => sum + statements, 0)).toBeGreaterThan(1000);
  expect(
    await db.value(
      `SELECT count(*)::int FROM embeddings WHERE partition_id NOT IN (3) AND id BETWEEN 901
        AND 8900`,
    ),
  ).toBe(0);
});
