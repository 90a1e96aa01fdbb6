/** The longest tick where everything that is measured now and then is due at once. */
import { spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import { costOf, grow, makeDue, prepare, SETTINGS, tick } from "../tick/collections.ts";

/** Each tick until nothing is due any more. */
const MOST_TICKS = 200;

async function run(context: Context): Promise<readonly Row[]> {
  const usual = context.quick ? "10,100" : "100,500";
  const sizes = (context.options.sizes ?? usual).split(",").map(Number);
  const bench = await context.database(SETTINGS);
  const { client } = bench;
  await prepare(client);
  const rows: Row[] = [];
  for (const size of sizes) {
    await grow(bench, context, size);
    for (let settled = 0; settled < 3; settled++) await tick(client);
    const cost = await costOf(client);
    const plain: number[] = [];
    for (let round = 0; round < 5; round++) {
      const before = cost();
      await tick(client);
      plain.push(cost() - before);
    }
    await makeDue(client, "fragmentation");
    const [clock, cpu]: [number[], number[]] = [[], []];
    let due = size;
    while (due > 0 && clock.length < MOST_TICKS) {
      const [began, before] = [performance.now(), cost()];
      await tick(client);
      clock.push(performance.now() - began);
      cpu.push(cost() - before);
      const left =
        await client.query(`SELECT count(*)::int AS n FROM ruvector.integrity_measurements
        WHERE kind = 'fragmentation' AND measured_at < clock_timestamp() - interval '12 hours'`);
      due = Number(left.rows[0].n);
      if (clock.length % 10 === 0)
        context.say(`${size} collections: ${Math.round(clock.at(-1)!)} ms, ${due} are still due`);
    }
    const name = `${size} collections`;
    rows.push(
      row(
        `${name}: the longest tick while it is due for all`,
        "CPU ms",
        {
          median: Math.max(...cpu),
        },
        { most: 1000 },
      ),
      row(`${name}: the same by the clock`, "ms", { median: Math.max(...clock) }),
      row(`${name}: ticks until all were measured`, "ticks", { median: clock.length }),
      row(`${name}: a tick without`, "CPU ms", spreadOf(plain)),
    );
  }
  return rows;
}

const part: Part = {
  name: "fragmentation",
  title: "ticks in which the fragmentation of all collections is due (--with sizes=100,500)",
  target: "no tick longer than 1 s for 500 healthy collections",
  run,
};
export default part;
