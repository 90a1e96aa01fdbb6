/**
 * The plain script for a server, unmodified, on the embedded database: from a hot partition to a
 * healed one.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build } from "../../build/build.ts";
import { root } from "../../build/project.ts";
import { type EmbeddedDatabase, openEmbedded } from "../../src/plv8-pglite/index.ts";

let database: EmbeddedDatabase;

beforeAll(async () => {
  await build();
  database = await openEmbedded();
  await database.exec("CREATE EXTENSION vector");
  await database.exec(await readFile(join(root, "dist/ruvector_healing.plv8.sql"), "utf8"));
  await database.exec(`
    CREATE TABLE embeddings (id bigint GENERATED ALWAYS AS IDENTITY, partition_id int NOT NULL,
      embedding vector(3), PRIMARY KEY (id, partition_id))
      PARTITION BY LIST (partition_id);
    CREATE TABLE embeddings_1 PARTITION OF embeddings FOR VALUES IN (1);
    CREATE TABLE embeddings_2 PARTITION OF embeddings FOR VALUES IN (2);
    CREATE TABLE embeddings_3 PARTITION OF embeddings FOR VALUES IN (3);
    CREATE TABLE embeddings_4 PARTITION OF embeddings FOR VALUES IN (4);
    INSERT INTO embeddings (partition_id, embedding)
      SELECT CASE WHEN i % 10 < 7 THEN 1 ELSE 2 + i % 3 END, ARRAY[i, i + 1, i + 2]::vector
        FROM generate_series(1, 2000) i;
    ANALYZE embeddings`);
});
afterAll(() => database.close());

const one = async <Value>(expression: string): Promise<Value> =>
  (await database.query<{ value: Value }>(`SELECT ${expression} AS value`))[0]!.value;
const sizes = () =>
  database.query<{ key: number; rows: number }>(
    "SELECT partition_id AS key, count(*)::int AS rows FROM embeddings GROUP BY 1 ORDER BY 1",
  );

describe("the install script on the embedded database", () => {
  it("registers, heals, ticks, tells, and undoes itself", async () => {
    const before = await sizes();
    expect(before[0]!.rows).toBe(1400);
    const { collection } = await one<{ collection: string }>(
      "ruvector_healing_register('embeddings', '{\"movable\": true}')",
    );
    expect(collection).toBe("public.embeddings");

    const answer = await one<{ strategy: string }>("ruvector_healing_trigger('embeddings')");
    expect(answer).toMatchObject({ strategy: "rebalance_partitions" });
    const healed = await sizes();
    expect(healed[0]!.rows).toBeLessThan(1400);
    expect(healed.reduce((sum, { rows }) => sum + rows, 0)).toBe(2000);

    const status = () =>
      one<{
        collections: Record<string, { lambda: number }>;
        last_tick_error: string | null;
      }>("ruvector_healing_status()");
    // A slice is a second: on a busy machine it takes more than one.
    await expect
      .poll(
        async () => {
          await database.exec("CALL ruvector_healing_tick()");
          return (await status()).collections["public.embeddings"]!.lambda;
        },
        { timeout: 60_000 },
      )
      .toBeGreaterThan(0.8);
    expect((await status()).last_tick_error).toBeNull();

    await one("ruvector_healing_rollback('embeddings')");
    await expect
      .poll(async () => (await database.exec("CALL ruvector_healing_tick()"), sizes()))
      .toEqual(before);
  });
});
