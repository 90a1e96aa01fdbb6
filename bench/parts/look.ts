/** What one look at a collection costs, by its partitions and by its rows. */
import { each, exponentOf, interleaved, ratioOf, type Spread, spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import type { Bench } from "../database.ts";
import { costOf, prepare, SETTINGS } from "../tick/collections.ts";

const PARTITIONS = [4, 16, 64, 256];

const partitioned = (count: number): string => `
  CREATE TABLE p${count} (id int, shard int, embedding vector(8), PRIMARY KEY (id, shard))
    PARTITION BY LIST (shard);
  DO $do$ BEGIN FOR i IN 0..${count - 1} LOOP
    EXECUTE format('CREATE TABLE p${count}_%1$s PARTITION OF p${count} FOR VALUES IN (%1$s)', i);
  END LOOP; END $do$;
  INSERT INTO p${count} SELECT g, g % ${count},
    ARRAY(SELECT random() FROM generate_series(1, 8) WHERE g > 0)::vector
    FROM generate_series(1, ${64 * count}) g;
  SELECT ruvector_healing_register('p${count}')`;

const rowed = (count: number): string => `
  CREATE TABLE r${count} (id int PRIMARY KEY, embedding vector(32));
  INSERT INTO r${count} SELECT g,
    ARRAY(SELECT random() FROM generate_series(1, 32) WHERE g > 0)::vector
    FROM generate_series(1, ${count}) g;
  CREATE INDEX ON r${count} USING ivfflat (embedding vector_l2_ops) WITH (lists = 100);
  SELECT ruvector_healing_register('r${count}')`;

type Sizes = readonly { readonly size: number; readonly costs: readonly number[] }[];

/** A look at each of the tables, in turns. */
async function looks(
  { client }: Bench,
  context: Context,
  prefix: string,
  sizes: readonly number[],
): Promise<Sizes> {
  const cost = await costOf(client);
  const look = (size: number) => () =>
    each(cost, () => client.query("SELECT ruvector_integrity_sample($1)", [prefix + size]), 50);
  for (const size of sizes) await look(size)();
  const found = await interleaved(
    Object.fromEntries(sizes.map((size) => [size, look(size)])),
    context.quick ? 3 : 9,
  );
  return sizes.map((size) => ({ size, costs: found[size]! }));
}

function rowsOf(sizes: Sizes, what: string, most: number): Row[] {
  const medians = sizes.map(({ size, costs }) => ({ x: size, y: spreadOf(costs).median }));
  const [first, last] = [sizes[0]!, sizes.at(-1)!];
  const ratio: Spread = ratioOf(last.costs, first.costs);
  return [
    ...sizes.map(({ size, costs }) => row(`a look, ${size} ${what}`, "CPU ms", spreadOf(costs))),
    row(`${last.size} ${what} over ${first.size}`, "ratio", ratio, { most }),
    row(`growth by ${what}`, "exponent", { median: exponentOf(medians) }),
  ];
}

async function run(context: Context): Promise<readonly Row[]> {
  const bench = await context.database(SETTINGS);
  await prepare(bench.client);
  for (const count of PARTITIONS) await bench.client.query(partitioned(count));
  const usual = context.quick ? "10000,30000" : "10000,30000,100000,1000000";
  const rows = (context.options.rows ?? usual).split(",").map(Number);
  for (const count of rows) {
    context.say(`an ivfflat index on ${count} rows`);
    await bench.client.query(rowed(count));
  }
  await bench.client.query("VACUUM ANALYZE");
  const byPartitions = await looks(bench, context, "p", PARTITIONS);
  const byRows = await looks(bench, context, "r", rows);
  for (const [name, title, all] of [
    ["partitions", "A look at a collection", byPartitions],
    ["rows", "A look that measures recall, ivfflat", byRows],
  ] as const)
    context.plot({
      name,
      title,
      x: name,
      y: "milliseconds of a processor",
      series: [
        {
          name: "look",
          points: all.map(({ size, costs }) => ({ x: size, y: spreadOf(costs).median })),
        },
      ],
    });
  return [...rowsOf(byPartitions, "partitions", 4), ...rowsOf(byRows, "rows", 1.2)];
}

const part: Part = {
  name: "look",
  title: "a look by its partitions, and by the rows of an ivfflat index (--with rows=10000,30000)",
  target: "256 partitions at most 4 times 4; 1,000,000 rows at most 1.2 times 10,000",
  run,
};
export default part;
