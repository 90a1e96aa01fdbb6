/** What a tick costs while all are healthy, by their number. */
import { each, exponentOf, interleaved, ratioOf, spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import { privateMemoryOf } from "../cpu.ts";
import type { Bench } from "../database.ts";
import {
  connection,
  costOf,
  grow,
  PARTITIONS,
  prepare,
  SETTINGS,
  settle,
  statementsOf,
  tick,
} from "../tick/collections.ts";

const MOST_MEMORY_MB = 20;
const TABLES = "SELECT * FROM pg_stat_user_tables";

interface Found {
  readonly collections: number;
  readonly ms: number;
  readonly statements: number;
  readonly rows: readonly Row[];
}

async function at(bench: Bench, context: Context, collections: number): Promise<Found> {
  await grow(bench, context, collections);
  const { client } = bench;
  await settle(client);
  const cost = await costOf(client);
  const rounds = context.quick ? 3 : collections > 200 ? 5 : 9;
  const of = (work: () => Promise<unknown>) => () => each(cost, work, 100);
  const costs = await interleaved(
    { tick: of(() => tick(client)), tables: of(() => client.query(TABLES)) },
    rounds,
  );
  const fresh: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < (context.quick ? 2 : 5); round++)
    fresh.push(
      await connection(bench, async (one) => {
        const before = await privateMemoryOf(one);
        const ms = await costOf(one);
        await tick(one);
        const taken = ms();
        const after = await privateMemoryOf(one);
        if (before !== null && after !== null) memory.push(after - before);
        return taken;
      }),
    );
  const counted = [];
  for (let round = 0; round < 5; round++) counted.push(await statementsOf(client));
  const statements = spreadOf(counted.map((one) => one.statements)).median;
  const checks = spreadOf(counted.map((one) => one.checks)).median;
  const most = Math.max(...counted.map((one) => one.statements));
  const name = `${collections} collections`;
  context.say(`${name}: ${spreadOf(costs.tick).median} ms, ${statements} statements`);
  return {
    collections,
    ms: spreadOf(costs.tick).median,
    statements,
    rows: [
      row(`${name}: a tick`, "CPU ms", spreadOf(costs.tick)),
      row(`${name}: ${TABLES}`, "CPU ms", spreadOf(costs.tables)),
      row(`${name}: a tick over that`, "ratio", ratioOf(costs.tick, costs.tables), {
        ...(collections >= 100 && { most: 15 }),
      }),
      row(`${name}: a tick in a new connection`, "CPU ms", spreadOf(fresh)),
      ...(memory.length === 0
        ? []
        : [
            row(`${name}: memory that its first tick adds to a session`, "MB", spreadOf(memory), {
              ...(collections >= 1000 && { most: MOST_MEMORY_MB }),
            }),
          ]),
      row(`${name}: statements of a tick`, "statements", { median: statements }),
      row(`${name}: most of ${counted.length}: one is looked at now and then`, "statements", {
        median: most,
      }),
      row(`${name}: checks of foreign keys beside them`, "statements", { median: checks }),
    ],
  };
}

async function run(context: Context): Promise<readonly Row[]> {
  const usual = context.quick ? "1,10,100" : "1,10,100,500";
  const sizes = (context.options.sizes ?? usual).split(",").map(Number);
  const bench = await context.database(SETTINGS);
  await prepare(bench.client);
  const found: Found[] = [];
  for (const size of sizes) found.push(await at(bench, context, size));
  const grown = found.filter(({ collections }) => collections >= 10);
  context.plot({
    name: "growth",
    title: `A tick while all are healthy, ${PARTITIONS} partitions each`,
    x: "collections",
    y: "milliseconds of a processor",
    series: [
      { name: "tick", points: found.map(({ collections, ms }) => ({ x: collections, y: ms })) },
    ],
  });
  const exponent = (of: (one: Found) => number): number =>
    exponentOf(grown.map((one) => ({ x: one.collections, y: of(one) })));
  return [
    ...found.flatMap(({ rows }) => rows),
    ...(grown.length < 2
      ? []
      : [
          row(
            `growth from ${grown[0]!.collections} to ${grown.at(-1)!.collections}: time`,
            "exponent",
            { median: exponent(({ ms }) => ms) },
            { most: 1.05 },
          ),
          row(
            `growth from ${grown[0]!.collections} to ${grown.at(-1)!.collections}: statements`,
            "exponent",
            { median: exponent(({ statements }) => statements) },
            { most: 0.05 },
          ),
        ]),
  ];
}

const part: Part = {
  name: "tick",
  title: `a tick while all are healthy, ${PARTITIONS} partitions each (--with sizes=1,10,100,1000)`,
  target: `at most 15 times ${TABLES} at 100; exponent at most 1.05; statements do not grow`,
  run,
};
export default part;
