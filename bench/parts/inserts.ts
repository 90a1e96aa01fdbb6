/**
 * Inserts of one row, each a transaction of its own, into a table that is registered and no more,
 * and into one under a throttle that lets 99 % through (mode delay), beside the same into a bare
 * one.
 */
import { interleaved, ratioOf, type Sides, spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import { costOf, SETTINGS } from "../tick/collections.ts";

const TABLES = ["bare", "registered", "throttled"] as const;
const PARTITIONS = 8;
const NUMBERS = Array.from({ length: 64 }, (_, place) => Math.sin(place).toFixed(4));
const VECTOR = `[${NUMBERS.join(",")}]`;

const made = (table: string): string => `
  CREATE TABLE ${table} (id bigint NOT NULL, shard int NOT NULL, embedding vector(64),
    PRIMARY KEY (shard, id)) PARTITION BY LIST (shard);
  DO $do$ BEGIN FOR i IN 0..${PARTITIONS - 1} LOOP
    EXECUTE format('CREATE TABLE ${table}_%1$s PARTITION OF ${table} FOR VALUES IN (%1$s)', i);
  END LOOP; END $do$`;

async function run(context: Context): Promise<readonly Row[]> {
  const { client } = await context.database(SETTINGS);
  const inserts = context.quick ? 1500 : 6000;
  await client.query("CREATE SEQUENCE bench_ids");
  for (const table of TABLES) await client.query(made(table));
  for (const table of TABLES.slice(1))
    await client.query("SELECT ruvector_healing_register($1)", [table]);
  await client.query(
    `SELECT ruvector_healing_configure('{"stabilize_seconds": 3600, "slice_seconds": 60}')`,
  );
  await client.query(
    `SELECT ruvector_healing_execute('throttled', 'throttle_ingestion', '{"percent": 1}')`,
  );
  const { rows } = await client.query(
    "SELECT count(*)::int AS n FROM pg_trigger " +
      "WHERE tgrelid = 'throttled'::regclass AND tgname LIKE 'ruvector_healing_throttle_%'",
  );
  if (rows[0].n !== 2) throw new Error(`a throttle has 2 triggers on a table, not ${rows[0].n}`);
  const cpu = await costOf(client);
  const clock: Record<string, number[]> = {};
  const into = (table: string) => async (): Promise<number> => {
    const [began, before] = [performance.now(), cpu()];
    for (let done = 0; done < inserts; done++)
      await client.query(
        `INSERT INTO ${table} VALUES (nextval('bench_ids'), ${done % PARTITIONS}, '${VECTOR}')`,
      );
    (clock[table] ??= []).push(performance.now() - began);
    return (cpu() - before) / inserts;
  };
  const sides = Object.fromEntries(TABLES.map((table) => [table, into(table)])) as Sides;
  const costs = await interleaved(sides, context.quick ? 4 : 12);
  const ms = (table: string): readonly number[] => clock[table]!.slice(1);
  return [
    row("an insert into a bare table", "CPU ms", spreadOf(costs["bare"]!)),
    ...TABLES.slice(1).flatMap((table) => {
      const least = table === "registered" ? 0.98 : 0.9;
      return [
        row(`inserts, ${table}, by processor`, "speed", ratioOf(costs["bare"]!, costs[table]!), {
          least,
        }),
        row("the same by the clock", "speed", ratioOf(ms("bare"), ms(table)), { least }),
      ];
    }),
  ];
}

const part: Part = {
  name: "inserts",
  title: "inserts of one row without a throttle, and under one that lets 99 % through",
  target: "at least 98 % of a bare table's; under the throttle at least 90 %",
  run,
};
export default part;
