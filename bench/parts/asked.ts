/** What people, monitors and applications ask often: gate, status, metrics. */
import { each, exponentOf, interleaved, ratioOf, spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import { costOf, grow, prepare, SETTINGS, settle } from "../tick/collections.ts";

const ASKED = {
  gate: { statement: "SELECT ruvector_integrity_gate('c1', 'insert')", most: 1.5 },
  status: { statement: "SELECT ruvector_healing_status()", most: 5 },
  metrics: { statement: "SELECT ruvector_healing_metrics()", most: 5 },
} as const;

/** Each over a PL/pgSQL function that returns a constant. */
async function run(context: Context): Promise<readonly Row[]> {
  const bench = await context.database(SETTINGS);
  const { client } = bench;
  await prepare(client);
  await client.query(
    "CREATE FUNCTION bench_constant() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
  );
  const cost = await costOf(client);
  const most = context.quick ? 10 : 100;
  const rows: Row[] = [];
  const points: Record<string, { x: number; y: number }[]> = { status: [], metrics: [] };
  for (const size of [1, most / 4, most].map(Math.ceil)) {
    await grow(bench, context, size);
    await settle(client);
    // A statement each, as people and monitors ask.
    const of = (statement: string) => () => each(cost, () => client.query(statement), 200);
    const costs = await interleaved(
      {
        constant: of("SELECT bench_constant()"),
        gate: of(ASKED.gate.statement),
        status: of(ASKED.status.statement),
        metrics: of(ASKED.metrics.statement),
      },
      context.quick ? 3 : 9,
    );
    for (const [name, { most: target }] of Object.entries(ASKED)) {
      const own = costs[name as keyof typeof ASKED];
      const what = `${name}, ${size} collections`;
      rows.push(row(what, "CPU ms", spreadOf(own)));
      points[name]?.push({ x: size, y: spreadOf(own).median });
      if (size === 1)
        rows.push(
          row(`${name} over a constant`, "ratio", ratioOf(own, costs.constant), { most: target }),
        );
    }
  }
  for (const [name, found] of Object.entries(points)) {
    const [first, last] = [found[0]!, found.at(-1)!];
    rows.push(
      row(
        `${name}, each collection more`,
        "CPU ms",
        { median: (last.y - first.y) / (last.x - first.x) },
        { most: 0.1 },
      ),
      row(`${name}, growth`, "exponent", { median: exponentOf(found) }),
    );
  }
  return rows;
}

const part: Part = {
  name: "asked",
  title: "the gate, status and metrics over a PL/pgSQL function that returns a constant",
  target: "gate 1.5 x, status and metrics 5 x; below 0.1 ms a collection more",
  run,
};
export default part;
