/** The minimum cut in V8 beside LEMON's and Boost's in the same run, and lambda2 beside the cut. */
import { type Baselines, startBaselines } from "../mincut/baselines.ts";
import { type Family, families } from "../mincut/families.ts";
import { interleaved, ratioOf, spreadOf } from "../measure.ts";
import { type Context, type Part, type Row, row } from "../part.ts";
import { lambda2 } from "../../src/graph/lambda2.ts";
import { minimumCut } from "../../src/graph/mincut/index.ts";

/** Runs of one figure take about so long together. */
const BUDGET_MS = 30;
const ROUNDS = 7;
const MOST_OF_LEMON = 1.5;
const LEAST_OF_BOOST = 200;
const MOST_OF_CUT = 10;

function cpuMs(runs: number, work: () => unknown): number {
  const before = process.cpuUsage();
  for (let run = 0; run < runs; run++) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / runs;
}

async function measure(
  context: Context,
  baselines: Baselines | string,
  { name, graph, atLeast }: Family,
): Promise<Row[]> {
  const cut = () => minimumCut(graph.n, graph, atLeast === undefined ? {} : { atLeast })!;
  const runs = Math.max(1, Math.min(200, Math.round(BUDGET_MS / Math.max(0.01, cpuMs(3, cut)))));
  cpuMs(runs, cut);
  const rounds = context.quick ? 3 : ROUNDS;
  if (typeof baselines === "string") {
    const { own } = await interleaved({ own: async () => cpuMs(runs, cut) }, rounds);
    return [row(`${name}: the cut`, "ms", spreadOf(own), { note: baselines })];
  }
  const around1000 = graph.n >= 1000 && graph.n < 1100;
  const costs = await interleaved(
    {
      own: async () => cpuMs(runs, cut),
      drift: async () => (around1000 ? cpuMs(3, () => lambda2(graph.n, graph)) : 0),
      lemon: async () => (await baselines.ask("lemon", 5, graph)).ms,
      built: async () => (await baselines.ask("built", 5, graph)).ms,
    },
    rounds,
  );
  const { value } = await baselines.ask("lemon", 1, graph);
  if (Math.abs(value - cut().value) > 1e-4 * (1 + value))
    throw new Error(`${name}: LEMON finds ${value}, the product ${cut().value}`);
  const operational = /^(operational|two zones)/.test(name) && graph.n >= 1000;
  const rows = [
    row(`${name}: the cut`, "ms", spreadOf(costs.own)),
    row(`${name}: over LEMON from the columns on`, "ratio", ratioOf(costs.own, costs.built), {
      most: operational ? 1 : MOST_OF_LEMON,
    }),
    row(`${name}: over LEMON, its graph built before`, "ratio", ratioOf(costs.own, costs.lemon)),
  ];
  if (!around1000) return rows;
  const boost = (await baselines.ask("boost", 1, graph)).ms;
  rows.push(
    row(`${name}: Boost over it`, "ratio", spreadOf(costs.own.map((own) => boost / own)), {
      least: LEAST_OF_BOOST,
    }),
    row(`${name}: lambda2 over the cut`, "ratio", ratioOf(costs.drift, costs.own), {
      most: MOST_OF_CUT,
    }),
  );
  return rows;
}

async function run(context: Context): Promise<readonly Row[]> {
  const baselines = startBaselines();
  if (typeof baselines === "string") context.say(baselines);
  const only = context.options.family;
  const rows: Row[] = [];
  for (const family of families()) {
    if (only !== undefined && !family.name.includes(only)) continue;
    if (context.quick && family.graph.n > 1100) continue;
    context.say(family.name);
    rows.push(...(await measure(context, baselines, family)));
  }
  if (typeof baselines !== "string") baselines.end();
  return rows;
}

const part: Part = {
  name: "mincut",
  title: "the minimum cut beside LEMON and Boost, no server (--with family=TEXT)",
  target: "1.5 x LEMON, 1 x on operational graphs of 1,000 nodes on, Boost 200 x at 1,000",
  run,
};
export default part;
