/**
 * Times the reading of lambda beside a baseline, in one run on one thread:
 *
 *   node --import tsx bench/mincut.ts [nodes ...]      default: 200 1000 5000
 *
 * The graphs are simulated. The baseline is the textbook algorithm for the same value: Stoer and
 * Wagner's with a binary heap, written plainly below. Every figure is a median, in milliseconds;
 * the two must agree on the value.
 */
import { performance } from "node:perf_hooks";
import { contractedGraph } from "../src/graph/contracted.ts";
import { nominalTree, read, readPushed } from "../src/graph/reading.ts";
import { minimumCut } from "../src/graph/mincut/index.ts";
import type { ContractedGraph } from "../src/model/graph.ts";
import {
  type CollectionSize,
  type Faults,
  simulatedCollection,
  twoZones,
  weakened,
} from "../test/unit/support/graphs.ts";

/** Time that the runs of one figure may take together, and how many there are at most. */
const BUDGET_MS = 400;
const MOST_RUNS = 51;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

/** Median duration of `run` after warming up; what takes longer than the budget runs once. */
function time(run: () => unknown): number {
  const once = (): number => {
    const started = performance.now();
    run();
    return performance.now() - started;
  };
  const first = once();
  if (first > BUDGET_MS) return first;
  const runs = Math.max(1, Math.min(MOST_RUNS, Math.floor(BUDGET_MS / first)));
  for (let i = 0; i < runs >> 1; i++) once();
  return median(Array.from({ length: runs }, once));
}

interface Columns {
  readonly n: number;
  readonly u: Int32Array;
  readonly v: Int32Array;
  readonly capacity: Float64Array;
}

const columnsOf = ({ nodes, edges }: ContractedGraph): Columns => ({
  n: nodes.length,
  u: Int32Array.from(edges, (edge) => edge.u),
  v: Int32Array.from(edges, (edge) => edge.v),
  capacity: Float64Array.from(edges, (edge) => edge.nominal * edge.health),
});

/**
 * The baseline: M. Stoer, F. Wagner: A simple min-cut algorithm. J. ACM 44 (1997), with a binary
 * heap of (reach, node) entries; outdated entries are skipped when they surface. Neighbours are
 * kept in maps.
 */
function stoerWagnerHeap({ n, u, v, capacity }: Columns): number {
  const neighbours = Array.from({ length: n }, () => new Map<number, number>());
  const join = (a: number, b: number, w: number): void => {
    neighbours[a]!.set(b, (neighbours[a]!.get(b) ?? 0) + w);
  };
  for (let e = 0; e < u.length; e++) {
    if (u[e] === v[e]) continue;
    join(u[e]!, v[e]!, capacity[e]!);
    join(v[e]!, u[e]!, capacity[e]!);
  }
  const alive = new Set(neighbours.keys());
  const reach = new Float64Array(n);
  let best = Infinity;
  while (alive.size > 1) {
    const [before, last] = lastTwo(neighbours, alive, reach);
    best = Math.min(best, reach[last]!);
    for (const [other, w] of neighbours[last]!) {
      neighbours[other]!.delete(last);
      if (other === before) continue;
      join(before, other, w);
      join(other, before, w);
    }
    alive.delete(last);
  }
  return best;
}

/** One phase: the last two nodes in order of reach. */
function lastTwo(
  neighbours: readonly Map<number, number>[],
  alive: ReadonlySet<number>,
  reach: Float64Array,
): [number, number] {
  const waiting = new Set(alive);
  const heap = new Heap();
  for (const node of alive) {
    reach[node] = 0;
    heap.push(0, node);
  }
  let before = -1;
  let last = -1;
  while (waiting.size > 0) {
    const node = heap.pop();
    if (!waiting.delete(node)) continue;
    before = last;
    last = node;
    for (const [other, w] of neighbours[node]!) {
      if (waiting.has(other)) heap.push((reach[other]! += w), other);
    }
  }
  return [before, last];
}

class Heap {
  private readonly keys: number[] = [];
  private readonly nodes: number[] = [];

  push(key: number, node: number): void {
    const { keys, nodes } = this;
    let at = keys.length;
    for (; at > 0 && keys[(at - 1) >> 1]! < key; at = (at - 1) >> 1) {
      keys[at] = keys[(at - 1) >> 1]!;
      nodes[at] = nodes[(at - 1) >> 1]!;
    }
    keys[at] = key;
    nodes[at] = node;
  }

  pop(): number {
    const { keys, nodes } = this;
    const top = nodes[0]!;
    const key = keys.pop()!;
    const node = nodes.pop()!;
    if (keys.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= keys.length) break;
      if (child + 1 < keys.length && keys[child + 1]! > keys[child]!) child++;
      if (keys[child]! <= key) break;
      keys[at] = keys[child]!;
      nodes[at] = nodes[child]!;
      at = child;
    }
    keys[at] = key;
    nodes[at] = node;
    return top;
  }
}

type Row = Readonly<Record<string, string>>;

const ms = (value: number): string =>
  value < 10 ? value.toFixed(3) : value < 100 ? value.toFixed(1) : value.toFixed(0);

function print(title: string, rows: readonly Row[]): void {
  const heads = Object.keys(rows[0]!);
  const widths = heads.map((head) =>
    Math.max(head.length, ...rows.map((row) => row[head]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ");
  console.log(`\n${title}\n${line(heads)}`);
  for (const row of rows) console.log(line(heads.map((head) => row[head]!)));
}

const sizeOf = ({ nodes, edges }: ContractedGraph): string => `${nodes.length} / ${edges.length}`;

/** The baseline's time on a graph, after checking that it finds the same value. */
function baseline(graph: ContractedGraph, expected: number): number {
  const columns = columnsOf(graph);
  let value = 0;
  const taken = time(() => (value = stoerWagnerHeap(columns)));
  if (Math.abs(value - expected) > 1e-9)
    throw new Error(`the baseline finds ${value}, the reading ${expected}`);
  return taken;
}

function collectionOf(nodes: number): CollectionSize {
  const partitions = Math.round(nodes / 5);
  return { partitions, centroids: nodes - partitions - 15, maintenance: 10, replicas: 4 };
}

function balancedRows(nodes: number): Row[] {
  const states: [string, Faults][] = [
    ["healthy", {}],
    ["one hot partition", { "partition:3": 0.5 }],
    ["memory pressure", { partition: 0.9 }],
  ];
  return states.map(([state, faults]) => {
    const graph = contractedGraph(simulatedCollection(collectionOf(nodes), faults));
    const { raw } = read(graph);
    const reading = time(() => read(graph));
    const search = time(() => read(graph, { shortcuts: false }));
    const reference = baseline(graph, raw!);
    return {
      "nodes / edges": sizeOf(graph),
      state,
      read: ms(reading),
      "without shortcuts": ms(search),
      "baseline (Stoer-Wagner, heap)": ms(reference),
      "baseline / read": (reference / reading).toFixed(0),
    };
  });
}

function pushedRows(nodes: number): Row[] {
  const healthy = twoZones(nodes);
  const sick = weakened(healthy, 0.2, ({ u, v }) => u === 20 || v === 20);
  return [["healthy, noise", healthy] as const, ["one sick node", sick] as const].map(
    ([state, graph]) => {
      const { n, ...edges } = columnsOf(graph);
      const tree = nominalTree(graph);
      const cut = time(() => minimumCut(n, edges));
      const reference = baseline(graph, minimumCut(n, edges)!.value);
      return {
        "nodes / edges": sizeOf(graph),
        state,
        "minimum cut": ms(cut),
        "baseline (Stoer-Wagner, heap)": ms(reference),
        "baseline / cut": (reference / cut).toFixed(0),
        "nominal tree": ms(time(() => nominalTree(graph))),
        "readPushed, tree kept": ms(time(() => readPushed(graph, tree))),
      };
    },
  );
}

const wanted = process.argv.slice(2).map(Number);
const sizes = wanted.length > 0 ? wanted : [200, 1000, 5000];
if (!sizes.every((nodes) => Number.isInteger(nodes) && nodes >= 50)) {
  console.error("usage: node --import tsx bench/mincut.ts [nodes ...]   (whole numbers from 50)");
  process.exit(2);
}
console.log(`medians in milliseconds, one thread, node ${process.versions.node}`);
print("contracted graphs of simulated collections (balanced)", sizes.flatMap(balancedRows));
print("simulated installations of two zones (pushed)", sizes.flatMap(pushedRows));
