/** The longest tick where a look at every collection is due at once. */
import { spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import { costOf, grow, prepare, SETTINGS, settle, tick } from "../tick/collections.ts";

const DUE = {
  "behind an upgrade": "UPDATE ruvector.healing_rests SET server = 'another'",
  "behind a crash, which loses all counters":
    "UPDATE ruvector.healing_rests SET counted = counted + 1e9",
} as const;

/** Ticks behind it that are measured: the first ones are the longest. */
const TICKS = 10;

async function run(context: Context): Promise<readonly Row[]> {
  const usual = context.quick ? "10,100" : "100,500";
  const sizes = (context.options.sizes ?? usual).split(",").map(Number);
  const bench = await context.database(SETTINGS);
  const { client } = bench;
  await prepare(client);
  const rows: Row[] = [];
  for (const size of sizes) {
    await grow(bench, context, size);
    const cost = await costOf(client);
    const ticked = async (times: number): Promise<number[]> => {
      const costs: number[] = [];
      for (let round = 0; round < times; round++) {
        const before = cost();
        await tick(client);
        costs.push(cost() - before);
      }
      return costs;
    };
    const name = `${size} collections`;
    const first = await ticked(1);
    rows.push(row(`${name}: the first tick`, "CPU ms", { median: first[0]! }, { most: 1000 }));
    await settle(client);
    rows.push(row(`${name}: a tick without`, "CPU ms", spreadOf(await ticked(5))));
    for (const [what, statement] of Object.entries(DUE)) {
      await client.query(statement);
      const costs = await ticked(TICKS);
      const most = Math.max(...costs);
      rows.push(
        row(`${name}, ${what}: the longest tick`, "CPU ms", { median: most }, { most: 1000 }),
      );
      context.say(`${name}, ${what}: ${costs.join(", ")} ms`);
      await settle(client);
    }
  }
  return rows;
}

const part: Part = {
  name: "due",
  title: "ticks in which a look at every collection is due (--with sizes=100,500)",
  target: "no tick longer than 1 s for 500 healthy collections",
  run,
};
export default part;
