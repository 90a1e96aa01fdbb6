/** Graphs that the minimum cut is measured on: what is read, and what stalls algorithms. */
import { contractedGraph } from "../../src/graph/contracted.ts";
import type { ContractedGraph } from "../../src/model/graph.ts";
import {
  type Faults,
  type PlainGraph,
  circulant,
  clique,
  hypercube,
  plainGraph,
  randomGraph,
  randomNumbers,
  regularGraph,
  simulatedCollection,
  twoZones,
  weakened,
} from "../../test/unit/support/graphs.ts";

export interface Columns {
  readonly n: number;
  readonly u: Int32Array;
  readonly v: Int32Array;
  readonly capacity: Float64Array;
}

export interface Family {
  readonly name: string;
  readonly graph: Columns;
  /** What the product knows of this graph: no cut is below it. */
  readonly atLeast?: number;
}

const columnsOf = ({ nodes, edges }: ContractedGraph): Columns => ({
  n: nodes.length,
  u: Int32Array.from(edges, (edge) => edge.u),
  v: Int32Array.from(edges, (edge) => edge.v),
  capacity: Float64Array.from(edges, (edge) => edge.nominal * edge.health),
});

const typed = ({ n, u, v, capacity }: PlainGraph): Columns => ({
  n,
  u: Int32Array.from(u),
  v: Int32Array.from(v),
  capacity: Float64Array.from(capacity),
});

/** The same graph with every capacity multiplied by 0.9 to 1. */
function noisy(graph: Columns, seed = 3): Columns {
  const random = randomNumbers(seed);
  return { ...graph, capacity: graph.capacity.map((c) => c * (0.9 + 0.1 * random())) };
}

export function collection(nodes: number, faults: Faults = {}): Columns {
  const partitions = Math.round(nodes / 5);
  const size = { partitions, centroids: nodes - partitions - 15, maintenance: 10, replicas: 4 };
  return columnsOf(contractedGraph(simulatedCollection(size, faults)));
}

/** Two dense halves with a few weak edges between them. */
export function planted(n: number, m: number, across = 10): Columns {
  const random = randomNumbers(11);
  const half = n / 2;
  const edges: [number, number, number][] = [];
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let k = 0; k < m - across; k++) {
    const zone = (k % 2) * half;
    edges.push([zone + below(half), zone + below(half), 0.5 + random()]);
  }
  for (let k = 0; k < across; k++) edges.push([below(half), half + below(half), 0.25]);
  return typed(plainGraph(n, edges));
}

/** As `planted`, with nothing across: two pieces, as after a lost network. */
const disconnected = (n: number, m: number): Columns => planted(n, m, 0);

function torus(side: number): Columns {
  const edges: [number, number, number][] = [];
  for (let x = 0; x < side; x++) {
    for (let y = 0; y < side; y++) {
      edges.push([x * side + y, ((x + 1) % side) * side + y, 1]);
      edges.push([x * side + y, x * side + ((y + 1) % side), 1]);
    }
  }
  return typed(plainGraph(side * side, edges));
}

/** Health 0.9 to 1 for everything: no bound is reached. */
function noisyCollection(nodes: number): Columns {
  return noisy(collection(nodes));
}

export function families(): Family[] {
  const sizes = [200, 1000, 5000];
  const sickZone = (n: number): ContractedGraph =>
    weakened(twoZones(n), 0.2, ({ u, v }) => u === 20 || v === 20);
  return [
    ...sizes.flatMap((n): Family[] => [
      {
        name: `operational ${n}, hot partition`,
        graph: collection(n, { "partition:3": 0.5 }),
        atLeast: 0.5,
      },
      {
        name: `operational ${n}, memory pressure`,
        graph: collection(n, { partition: 0.9 }),
        atLeast: 0.9,
      },
      { name: `operational ${n}, hot, no bound`, graph: collection(n, { "partition:3": 0.5 }) },
      { name: `operational ${n}, noise`, graph: noisyCollection(n) },
      { name: `operational ${n}, healthy, no bound`, graph: collection(n) },
      { name: `two zones ${n}`, graph: columnsOf(twoZones(n)) },
      { name: `two zones ${n}, sick node`, graph: columnsOf(sickZone(n)) },
    ]),
    { name: "planted 1,000/40,000", graph: planted(1000, 40_000) },
    { name: "planted 1,000/4,000", graph: planted(1000, 4000) },
    { name: "disconnected 1,000/4,000", graph: disconnected(1000, 4000) },
    { name: "disconnected 1,000/40,000", graph: disconnected(1000, 40_000) },
    { name: "circulant 1,000 x 8", graph: typed(circulant(1000, 4)) },
    { name: "circulant 1,000 x 8, noise", graph: noisy(typed(circulant(1000, 4))) },
    { name: "random regular 1,000 x 8", graph: typed(regularGraph(1000, 4, 5)) },
    { name: "random regular 1,000 x 8, noise", graph: noisy(typed(regularGraph(1000, 4, 5))) },
    { name: "hypercube 1,024", graph: typed(hypercube(10)) },
    { name: "hypercube 1,024, noise", graph: noisy(typed(hypercube(10))) },
    { name: "torus 1,024", graph: torus(32) },
    { name: "torus 1,024, noise", graph: noisy(torus(32)) },
    { name: "clique 400", graph: typed(clique(400)) },
    { name: "clique 400, noise", graph: noisy(typed(clique(400))) },
    { name: "random 1,000/10,000", graph: typed(randomGraph(1000, 9001, 10, 1)) },
    { name: "random 10,000/100,000", graph: typed(randomGraph(10_000, 90_001, 10, 1)) },
    { name: "two zones 10,000", graph: columnsOf(twoZones(10_000)) },
  ];
}
