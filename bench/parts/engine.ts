/** The minimum cut in PLJS over the same code in V8, on the same graphs, in turns. */
import { build } from "esbuild";
import { MINIFIED, TARGET } from "../../build/sections.ts";
import { root } from "../../build/project.ts";
import { minimumCut } from "../../src/graph/mincut/index.ts";
import { cpuOf } from "../cpu.ts";
import type { Bench } from "../database.ts";
import { interleaved, ratioOf, spreadOf } from "../measure.ts";
import { type Family, families } from "../mincut/families.ts";
import { type Context, type Part, type Row, row } from "../part.ts";

const MOST = 25;
/** Processes are charged in hundredths of a second. */
const LEAST_MS = 400;
const NODES = [1000, 5000];

/** Runs of a cut in one call, by which what it costs to bring the graph there is lost. */
const FUNCTION = (code: string) => `
  CREATE OR REPLACE FUNCTION bench_cut(graph text, runs integer) RETURNS float8 LANGUAGE pljs
  AS $bench_engine$
    if (!globalThis.benchCut) globalThis.benchCut = (() => { ${code}; return bench.minimumCut; })();
    const { n, u, v, capacity, atLeast } = JSON.parse(graph);
    const edges = { u: Int32Array.from(u), v: Int32Array.from(v),
      capacity: Float64Array.from(capacity) };
    let value = 0;
    for (let run = 0; run < runs; run++)
      value = benchCut(n, edges, atLeast === undefined ? {} : { atLeast }).value;
    return value;
  $bench_engine$`;

async function load({ client }: Bench): Promise<void> {
  const built = await build({
    entryPoints: ["src/graph/mincut/index.ts"],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "iife",
    globalName: "bench",
    ...MINIFIED,
    target: TARGET,
  });
  await client.query(FUNCTION(built.outputFiles[0]!.text));
}

function v8Ms(runs: number, work: () => unknown): number {
  const before = process.cpuUsage();
  for (let run = 0; run < runs; run++) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / runs;
}

async function measure(
  { client }: Bench,
  cost: () => number,
  { name, graph, atLeast }: Family,
  rounds: number,
): Promise<readonly Row[]> {
  const text = JSON.stringify({
    n: graph.n,
    u: [...graph.u],
    v: [...graph.v],
    capacity: [...graph.capacity],
    atLeast,
  });
  const spent = async (runs: number): Promise<number> => {
    const before = cost();
    await client.query("SELECT bench_cut($1, $2)", [text, runs]);
    return cost() - before;
  };
  const cut = () => minimumCut(graph.n, graph, atLeast === undefined ? {} : { atLeast })!;
  const { rows } = await client.query<{ value: number }>("SELECT bench_cut($1, 1) AS value", [
    text,
  ]);
  if (Math.abs(rows[0]!.value - cut().value) > 1e-9)
    throw new Error(`${name}: PLJS finds ${rows[0]!.value}, V8 ${cut().value}`);
  let runs = 1;
  while ((await spent(runs)) < LEAST_MS) runs *= 2;
  const costs = await interleaved(
    // What the call takes without a cut is not the engine's.
    {
      pljs: async () => ((await spent(runs)) - (await spent(0))) / runs,
      v8: async () => v8Ms(4 * runs, cut),
    },
    rounds,
  );
  return [
    row(`${name}: the cut in PLJS`, "CPU ms", spreadOf(costs.pljs)),
    row(`${name}: over V8`, "ratio", ratioOf(costs.pljs, costs.v8), { most: MOST }),
  ];
}

async function run(context: Context): Promise<readonly Row[]> {
  const bench = await context.database();
  const cost = await cpuOf(bench.client);
  const { rows } = await bench.client.query("SELECT FROM pg_extension WHERE extname = 'pljs'");
  if (cost === null || rows.length === 0) {
    context.say("needs PLJS, and a server whose processes are seen");
    return [];
  }
  await load(bench);
  const found: Row[] = [];
  for (const family of families()) {
    if (!NODES.includes(family.graph.n) || !/^(operational|two zones)/.test(family.name)) continue;
    context.say(family.name);
    found.push(...(await measure(bench, cost, family, context.quick ? 3 : 7)));
  }
  return found;
}

const part: Part = {
  name: "engine",
  title: "the minimum cut in PLJS over the same code in V8, operational graphs",
  target: `at most ${MOST} times`,
  run,
};
export default part;
