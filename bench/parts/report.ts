/** What a monitor outside pays to push a graph, and each tick while that stands. */
import { randomNumbers } from "../../test/unit/support/graphs.ts";
import { interleaved, ratioOf, spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import type { Bench } from "../database.ts";
import { costOf, grow, prepare, SETTINGS } from "../tick/collections.ts";

/** Of linked nodes, at random, by health: all well, one node at a third, or 0.6 to 1 each. */
type Kind = "healthy" | "one node" | "noise";

function graphOf(nodes: number, edges: number, kind: Kind): string {
  const random = randomNumbers(7);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pairs = Array.from({ length: edges }, (_, e): [number, number] =>
    e < nodes - 1 ? [e + 1, below(e + 1)] : [below(nodes), below(nodes)],
  );
  const health = (a: number, b: number): number => {
    if (kind === "healthy") return 1;
    return kind === "noise" ? 0.6 + 0.4 * random() : a === 5 || b === 5 ? 1 / 3 : 1;
  };
  return JSON.stringify({
    nodes: Array.from({ length: nodes }, (_, i) => ({
      id: `node:${i}`,
      type: i === 0 ? "shard" : "partition",
      mass: 1,
    })),
    edges: pairs.map(([a, b]) => {
      const nominal = 0.2 + 0.8 * random();
      const capacity = nominal * health(a, b);
      return { from: `node:${a}`, to: `node:${b}`, type: "routing_link", capacity, nominal };
    }),
  });
}

const GRAPHS: readonly (readonly [number, number, Kind, number])[] = [
  [1000, 3000, "healthy", 150],
  [1000, 3000, "one node", 150],
  [1000, 3000, "noise", 150],
  [10_000, 30_000, "noise", 5000],
  [10_000, 100_000, "one node", 5000],
  [10_000, 100_000, "noise", 5000],
];

const push = (bench: Bench, cost: () => number, graph: string) => async (): Promise<number> => {
  const began = cost();
  await bench.client.query("SELECT ruvector_integrity_report('c1', $1::jsonb)", [graph]);
  return cost() - began;
};

async function run(context: Context): Promise<readonly Row[]> {
  const bench = await context.database(SETTINGS);
  const { client } = bench;
  await prepare(client);
  await grow(bench, context, 1);
  const cost = await costOf(client);
  const rows: Row[] = [];
  const sample = async (): Promise<number> => {
    const began = cost();
    for (let k = 0; k < 5; k++) await client.query("SELECT ruvector_integrity_sample('c1')");
    return (cost() - began) / 5;
  };
  await sample();
  const without = await times(sample, context.quick ? 3 : 9);
  for (const [nodes, edges, kind, most] of GRAPHS) {
    const graph = graphOf(nodes, edges, kind);
    const name = `${nodes} nodes, ${edges} edges, ${kind}`;
    context.say(`pushing ${name}`);
    const { pushed, taken } = await interleaved(
      {
        pushed: push(bench, cost, graph),
        // The server's own part: the document, read and kept.
        taken: async () => {
          const began = cost();
          await client.query("SELECT octet_length(($1::jsonb)::text)", [graph]);
          return cost() - began;
        },
      },
      context.quick ? 3 : 7,
    );
    rows.push(
      row(`a report, ${name}`, "CPU ms", spreadOf(pushed), { most }),
      row("the document alone, to and fro", "CPU ms", spreadOf(taken)),
      row(
        "a look while it stands, over one without",
        "ratio",
        ratioOf(await times(sample, 3), without),
      ),
    );
  }
  return rows;
}

async function times(measure: () => Promise<number>, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let k = 0; k < count; k++) found.push(await measure());
  return found;
}

const part: Part = {
  name: "report",
  title: "a graph that a monitor pushes, and looks while it stands",
  target: "1,000 nodes in 150 ms, 10,000 nodes and 100,000 edges in 5 s; looks as without it",
  run,
};
export default part;
