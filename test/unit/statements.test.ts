/**
 * Which statements are taken to address rows by their partition: texts as pg_stat_statements keeps
 * them.
 */
import { addresses } from "../../src/collection/statement-text.ts";
import { describe, expect, it } from "vitest";
import { leastCpuMs } from "./support/cpu.ts";

const wanted = {
  table: { schema: "app", name: "r" },
  column: "shard_id",
  partitions: [
    { schema: "app", name: "r_0" },
    { schema: "parts", name: "R 1" },
  ],
};
const named = (query: string): boolean => addresses(query, wanted);

describe("named", () => {
  it.each([
    "SELECT * FROM r WHERE shard_id = $1 AND doc = $2",
    "select body from App.R as x where x.Shard_Id in ($1, $2)",
    'SELECT * FROM "r" WHERE "shard_id" = $1',
    "SELECT d.*, r.e FROM docs d JOIN r ON r.shard_id = d.shard_id AND r.doc = d.id",
    "SELECT * FROM docs LEFT JOIN r USING (shard_id, doc)",
    "SELECT * FROM ONLY r WHERE (doc, shard_id) = ($1, $2)",
    "SELECT * FROM r WHERE doc IN (SELECT id FROM docs ORDER BY id) AND shard_id IS NOT " +
      "DISTINCT FROM $1",
    "UPDATE r SET body = $1 WHERE doc = $2 AND shard_id = $3",
    "DELETE FROM r USING docs d WHERE r.shard_id = d.shard",
    "WITH x AS (SELECT $1 AS s) SELECT * FROM r, x WHERE r.shard_id = x.s OR $2",
    "MERGE INTO r USING new n ON r.shard_id = n.shard_id WHEN MATCHED THEN DO NOTHING",
    "DECLARE c CURSOR FOR SELECT * FROM r WHERE shard_id = $1",
    "/* app */ INSERT INTO r (shard_id, doc) VALUES ($1, $2) ON CONFLICT (shard_id, doc) DO " +
      "UPDATE SET body = excluded.body",
    "INSERT INTO r VALUES ($1, $2) ON CONFLICT DO NOTHING",
    "INSERT INTO app.r_0 VALUES ($1, $2) ON CONFLICT ON CONSTRAINT r_0_pkey DO NOTHING",
    "INSERT INTO r (shard_id) VALUES (ruvector_healing_route($1)::int) ON CONFLICT DO NOTHING",
    "SELECT count(*) FROM r_0",
    'UPDATE parts."R 1" SET body = $1 WHERE doc = $2',
  ])("%s", (query) => expect(named(query)).toBe(true));
});

describe("left out", () => {
  it.each([
    "SELECT * FROM r WHERE doc = $1",
    "SELECT shard_id, count(*) FROM r WHERE doc > $1 GROUP BY shard_id ORDER BY shard_id",
    "SELECT * FROM r WHERE doc IN (SELECT id FROM docs WHERE x) ORDER BY shard_id",
    "INSERT INTO r (shard_id, doc) VALUES ($1, $2)",
    "INSERT INTO r_0 VALUES ($1)",
    "INSERT INTO copies SELECT * FROM r ON CONFLICT (shard_id) DO NOTHING",
    "UPDATE docs SET shard_id = $1 WHERE shard_id = $2",
    "SELECT * FROM other.r WHERE shard_id = $1",
    'SELECT * FROM "R" WHERE shard_id = $1',
    'SELECT * FROM r WHERE "Shard_id" = $1',
    "SELECT * FROM rr WHERE shard_id = $1",
    "SELECT * FROM docs WHERE note = 'FROM r WHERE shard_id = 1' -- FROM r_0",
    "SELECT * FROM docs WHERE note = E'it\\'s FROM r_0' /* FROM r WHERE shard_id */",
    "SELECT $q$ FROM r_0 $q$ FROM docs",
    "SELECT * FROM r WHERE note = 'cut off in the middle: shard_id",
    "CREATE TABLE r_2 PARTITION OF r FOR VALUES IN (2)",
    "COPY r_0 TO stdout",
    "VACUUM r_0",
    "",
    "UPDATE r SET shard_id = x.s FROM ruvector.healing_moves x WHERE shard_id = $1",
  ])("%s", (query) => expect(named(query)).toBe(false));
});

const leastMs = (query: string): number => leastCpuMs(() => named(query), 25);

// Read in quadratic time, eight times the text takes 64 times as long.
it.each(["$1, ", "'", "$a", "/*", '"', "(", "e'\\"])("reads long texts of %s in one go", (part) => {
  const text = (length: number): string =>
    `SELECT * FROM r WHERE doc IN (${part.repeat(Math.ceil(length / part.length))}`;
  leastMs(text(1000));
  expect(leastMs(text(8000)) / Math.max(0.02, leastMs(text(1000)))).toBeLessThan(48);
});
