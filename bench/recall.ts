/**
 * How good the measurement of recall is, and what it costs, on real vectors:
 *
 *   node build/run.mjs bench/recall.ts [--json] [--sets words-128,digits-784] [--rows 10000,30000]
 *     [--tries 100] [--samples 20] [--error 0.03] [--max-rows 50000] [--queries 1500]
 *     [--methods hnsw,ivfflat] [--name bench]
 *
 * Truth: plain searches for `queries` rows by the index, compared with exact ones in JavaScript.
 * Against it healing_measure_index, `tries` times, each with other rows. Also its cost by rows, the
 * exponent, and what follows for a million rows.
 */
import { parseArgs } from "node:util";
import type pg from "pg";
import { benchDatabase, printTable } from "./database.ts";
import { copyRows, indexOn, shuffled, tableFor } from "./data/load.ts";
import { type DataSet, dataSet, type SetName } from "./data/sets.ts";
import { cpuOf } from "./cpu.ts";
import { line, mean, powerLaw, quantile, rounded, searchesFor } from "./recall/figures.ts";
import { blocksOf, measure, measureOften, type Wanted } from "./recall/measured.ts";
import { limitsOf, truth } from "./recall/truth.ts";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    sets: { type: "string", default: "words-128,digits-784" },
    rows: { type: "string", default: "10000,30000" },
    tries: { type: "string", default: "100" },
    samples: { type: "string", default: "20" },
    error: { type: "string", default: "0.03" },
    "max-rows": { type: "string", default: "50000" },
    methods: { type: "string", default: "hnsw,ivfflat" },
    queries: { type: "string", default: "1500" },
    name: { type: "string", default: "bench" },
  },
});
const K = 10;
const WITHIN = Number(flags.error);
const tries = Number(flags.tries);
const samples = Number(flags.samples);
/** As the loop has them by default, but for the time: that is bounded by itself, below. */
const defaults = { k: K, samples, budget_ms: 3_600_000, max_rows: Number(flags["max-rows"]) };

/** What a new session has, and a setting that finds less, or more. */
const SETTINGS = {
  hnsw: { name: "hnsw.ef_search", values: [40, 15] },
  ivfflat: { name: "ivfflat.probes", values: [1, 4] },
} as const;
type Method = keyof typeof SETTINGS;

interface Quality {
  readonly set: string;
  readonly rows: number;
  readonly index: string;
  /** Of the rows, that exact answers are read from. */
  readonly share: number;
  readonly recall: number;
  readonly until: string;
  readonly measured: number;
  readonly bias: number;
  readonly of_one: number;
  readonly error_p95: number;
  readonly within: number;
  readonly searches: number;
  readonly needed: number;
  readonly ms: number;
}

/** Measurements, and milliseconds of a processor that one takes; of the clock where unseen. */
async function timed(client: pg.Client, wanted: Wanted, times: number) {
  const cpu = await cpuOf(client);
  const before = cpu?.();
  const all = await measureOften(client, wanted, times);
  const ms = cpu ? (cpu() - before!) / times : mean(all.map((one) => one.duration_ms));
  return { all, ms };
}

async function quality(
  client: pg.Client,
  set: DataSet,
  rows: readonly number[],
  method: Method,
  known: { queries: readonly number[]; limits: readonly number[] },
): Promise<Quality[]> {
  const { name, values } = SETTINGS[method];
  const found: Quality[] = [];
  for (const value of values) {
    const real = await truth(client, set, `${name} = ${value}`, { ...known, k: K });
    for (const error of [undefined, WITHIN]) {
      const wanted = { ...defaults, probes: value, ...(error !== undefined && { error }) };
      const { all, ms } = await timed(client, wanted, tries);
      const figures = all.map(({ recall }) => recall);
      const errors = figures.map((recall) => Math.abs(recall - real.recall));
      found.push({
        set: set.name,
        rows: rows.length,
        index: `${method} ${name.split(".")[1]} ${value}`,
        share: rounded(all[0]!.share, 2),
        recall: rounded(real.recall, 3),
        until: error === undefined ? `${samples} searches` : `error ${error}`,
        measured: rounded(mean(figures), 3),
        bias: rounded(mean(figures) - real.recall, 3),
        of_one: rounded(real.deviation, 3),
        error_p95: rounded(quantile(errors, 0.95), 3),
        within: rounded((100 * errors.filter((one) => one <= WITHIN).length) / tries, 0),
        searches: rounded(mean(all.map((one) => one.samples)), 0),
        needed: searchesFor(real.deviation, WITHIN),
        ms: rounded(ms, 0),
      });
      console.error(JSON.stringify(found.at(-1)));
    }
  }
  return found;
}

interface Cost {
  readonly set: string;
  readonly rows: number;
  readonly index: string;
  readonly exact_all_ms: number;
  readonly exact_all_blocks: number;
  readonly default_ms: number;
  readonly default_blocks: number;
  readonly bounded_clock_ms: number;
  readonly bounded_searches: number;
}

/** Comparing with all rows, with those of recall_max_rows, and that in recall_budget_ms. */
async function cost(client: pg.Client, set: DataSet, rows: number, method: Method): Promise<Cost> {
  const all: Wanted = { ...defaults, probes: 0, max_rows: 1e9 };
  const usual: Wanted = { ...defaults, probes: 0 };
  const ms = async (wanted: Wanted): Promise<number> => (await timed(client, wanted, 5)).ms;
  // A tenth of what it takes: the bound must be seen to bind.
  const whole = await ms(all);
  const bounded = await measure(client, { ...all, budget_ms: Math.max(1, whole / 10) }, 1);
  return {
    set: set.name,
    rows,
    index: method,
    exact_all_ms: rounded(whole, 0),
    exact_all_blocks: await blocksOf(client, all),
    default_ms: rounded(await ms(usual), 0),
    default_blocks: await blocksOf(client, usual),
    bounded_clock_ms: rounded(bounded.duration_ms, 0),
    bounded_searches: bounded.samples,
  };
}

const MILLION = 1e6;
/** Measurements an hour, by recall_interval_seconds; their time at most, by recall_budget_ms. */
const EVERY_SECONDS = 300;
const BUDGET_MS = 1000;

function laws(costs: readonly Cost[]): Record<string, string | number>[] {
  const whatOf = ({ set, index }: Cost): string => `${set} ${index}`;
  return [...new Set(costs.map(whatOf))].flatMap((what) => {
    const points = costs.filter((one) => whatOf(one) === what);
    if (points.length < 2) return [];
    const by = (y: (cost: Cost) => number): { x: number; y: number }[] =>
      points.map((point) => ({ x: point.rows, y: y(point) }));
    const ms = by((point) => point.exact_all_ms);
    const blocks = by((point) => point.exact_all_blocks);
    // A table is read once a batch: beyond what is fixed the cost is a line.
    const million = (of: typeof ms): number => line(of).fixed + line(of).each * MILLION;
    return [
      {
        what,
        exponent_ms: rounded(powerLaw(ms).exponent, 2),
        exponent_blocks: rounded(powerLaw(blocks).exponent, 2),
        million_ms: rounded(million(ms), 0),
        million_blocks: rounded(million(blocks), 0),
        million_ms_per_search: rounded(million(ms) / samples, 0),
        bound_ms_an_hour: (3600 / EVERY_SECONDS) * BUDGET_MS,
      },
    ];
  });
}

const bench = await benchDatabase(flags.name, "ruvector_bench_recall", {
  fsync: "off",
  shared_buffers: "1GB",
  max_wal_size: "4GB",
});
const qualities: Quality[] = [];
const costs: Cost[] = [];
try {
  for (const name of flags.sets.split(",") as SetName[]) {
    const set = dataSet(name);
    const order = shuffled(set, 1);
    for (const count of flags.rows.split(",").map(Number)) {
      const rows = order.slice(0, count);
      // Evenly: the first rows of a graph are not like the last ones.
      const queries = rows.filter((_, i) => i % Math.ceil(count / Number(flags.queries)) === 0);
      const limits = limitsOf(set, rows, queries, K);
      await bench.client.query(`DROP TABLE IF EXISTS t; ${tableFor("t", set)}`);
      await copyRows(
        bench.client,
        "t",
        set,
        rows.map((row) => ({ id: row, row })),
      );
      await bench.client.query("VACUUM (ANALYZE) t");
      await bench.client.query("SET maintenance_work_mem = '1GB'");
      for (const method of flags.methods.split(",") as Method[]) {
        await bench.client.query(
          `DROP INDEX IF EXISTS t_index; CREATE INDEX t_index ON t ${indexOn(set, method, count)}`,
        );
        qualities.push(...(await quality(bench.client, set, rows, method, { queries, limits })));
        costs.push(await cost(bench.client, set, rows.length, method));
      }
    }
  }
} finally {
  await bench.end();
}
if (flags.json) console.log(JSON.stringify({ qualities, costs, laws: laws(costs) }, null, 1));
else {
  console.log(`\nerror of recall@${K}, ${tries} tries (within: of 100, within ${WITHIN})`);
  printTable(qualities);
  console.log(`\ncost of one measurement of ${samples} searches`);
  printTable(costs);
  console.log("");
  printTable(laws(costs));
}
