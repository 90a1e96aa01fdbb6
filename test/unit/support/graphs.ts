/**
 * Oracles, graph generators and simulated collections for the tests of the sensor. Nothing here is
 * product code.
 */
import * as fc from "fast-check";
import type { CollectionDescription, GroupKind } from "../../../src/graph/contracted.ts";
import type {
  ContractedGraph,
  EdgeType,
  GraphEdge,
  GraphNode,
  NodeType,
} from "../../../src/model/graph.ts";

export interface PlainGraph {
  readonly n: number;
  readonly u: number[];
  readonly v: number[];
  readonly capacity: number[];
}

/** Mulberry32: a small deterministic generator of numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// --- generators ----------------------------------------------------------------------------------

/** Few distinct values make ties; 0 makes dead edges; 0.1 and 1/3 make rounding. */
const capacities = fc.oneof(
  fc.constantFrom(0, 1, 1, 2, 3),
  fc.constantFrom(0, 0.1, 0.25, 1 / 3, 0.9),
  fc.double({ min: 1e-3, max: 1, noNaN: true }),
);

/**
 * Up to nine nodes with parallel edges, self-loops, edges of capacity 0, and often in several
 * pieces.
 */
export const smallGraphs: fc.Arbitrary<PlainGraph> = fc
  .integer({ min: 2, max: 9 })
  .chain((n) =>
    fc
      .array(fc.tuple(fc.nat(n - 1), fc.nat(n - 1), capacities), { maxLength: 24 })
      .map((edges) => plainGraph(n, edges)),
  );

export function plainGraph(
  n: number,
  edges: readonly (readonly [number, number, number])[],
): PlainGraph {
  return {
    n,
    u: edges.map((e) => e[0]),
    v: edges.map((e) => e[1]),
    capacity: edges.map((e) => e[2]),
  };
}

/** A connected random graph: a random tree plus `extra` edges; capacities 1 to `levels`. */
export function randomGraph(n: number, extra: number, levels: number, seed: number): PlainGraph {
  const random = randomNumbers(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const edges: [number, number, number][] = [];
  for (let i = 1; i < n; i++) edges.push([i, below(i), 1 + below(levels)]);
  for (let k = 0; k < extra; k++) edges.push([below(n), below(n), 1 + below(levels)]);
  return plainGraph(n, edges);
}

/**
 * Dense clusters with many links between them: the cuts around clusters and around nodes are close
 * to each other in value, which is where a test that merges a little too much goes wrong.
 */
export function clusteredGraph(
  clusters: number,
  size: number,
  levels: number,
  seed: number,
): PlainGraph {
  const random = randomNumbers(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const n = clusters * size;
  const edges: [number, number, number][] = [];
  for (let i = 0; i < n; i++) {
    const cluster = i - (i % size);
    for (let k = 0; k < size; k++) edges.push([i, cluster + below(size), 1 + below(levels)]);
    if (random() < 0.7) edges.push([i, below(n), 1 + below(levels)]);
  }
  return plainGraph(n, edges);
}

export function circulant(n: number, steps: number): PlainGraph {
  const edges: [number, number, number][] = [];
  for (let i = 0; i < n; i++) for (let s = 1; s <= steps; s++) edges.push([i, (i + s) % n, 1]);
  return plainGraph(n, edges);
}

/** The union of so many random rings: every node has a degree of twice that. */
export function regularGraph(n: number, rings: number, seed: number): PlainGraph {
  const random = randomNumbers(seed);
  const edges: [number, number, number][] = [];
  for (let r = 0; r < rings; r++) {
    const ring = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [ring[i], ring[j]] = [ring[j]!, ring[i]!];
    }
    ring.forEach((node, i) => edges.push([node, ring[(i + 1) % n]!, 1]));
  }
  return plainGraph(n, edges);
}

export function hypercube(dimensions: number): PlainGraph {
  const edges: [number, number, number][] = [];
  for (let i = 0; i < 1 << dimensions; i++) {
    for (let d = 0; d < dimensions; d++) if ((i & (1 << d)) === 0) edges.push([i, i | (1 << d), 1]);
  }
  return plainGraph(1 << dimensions, edges);
}

export function clique(n: number): PlainGraph {
  const edges: [number, number, number][] = [];
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) edges.push([i, j, 1]);
  return plainGraph(n, edges);
}

/** The same graph under other node numbers and with its edges in another order and direction. */
export function shuffled(graph: PlainGraph, seed: number): PlainGraph {
  const random = randomNumbers(seed);
  const permutation = (count: number): number[] => {
    const places = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [places[i], places[j]] = [places[j]!, places[i]!];
    }
    return places;
  };
  const name = permutation(graph.n);
  return plainGraph(
    graph.n,
    permutation(graph.u.length).map((e) => {
      const ends = [name[graph.u[e]!]!, name[graph.v[e]!]!] as const;
      return random() < 0.5
        ? [ends[0], ends[1], graph.capacity[e]!]
        : [ends[1], ends[0], graph.capacity[e]!];
    }),
  );
}

// --- oracles -------------------------------------------------------------------------------------

/** All cuts of a small graph, as sides that do not hold the last node. The array is reused. */
function* allCuts(n: number): Generator<Uint8Array> {
  const side = new Uint8Array(n);
  for (let bits = 1; bits < 1 << (n - 1); bits++) {
    for (let i = 0; i < n; i++) side[i] = (bits >> i) & 1;
    yield side;
  }
}

export function crossing(
  { u, v }: PlainGraph,
  capacity: readonly number[],
  side: Uint8Array,
): number {
  let sum = 0;
  for (let e = 0; e < u.length; e++) if (side[u[e]!] !== side[v[e]!]) sum += capacity[e]!;
  return sum;
}

/** The minimum cut, by looking at all 2^(n-1) - 1 cuts. */
export function bruteForceCut(graph: PlainGraph): number {
  let best = Infinity;
  for (const side of allCuts(graph.n)) best = Math.min(best, crossing(graph, graph.capacity, side));
  return best;
}

/** connectivity[a][b]: the minimum cut between a and b, by looking at all cuts. */
export function bruteForceConnectivity(
  graph: PlainGraph,
  capacity: readonly number[] = graph.capacity,
): number[][] {
  const { n } = graph;
  const least = Array.from({ length: n }, () => new Array<number>(n).fill(Infinity));
  for (const side of allCuts(n)) {
    const value = crossing(graph, capacity, side);
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < n; b++)
        if (side[a] !== side[b]) least[a]![b] = Math.min(least[a]![b]!, value);
    }
  }
  return least;
}

/**
 * The definition of lambda, literally: the least c(S) / max kappa over all cuts that separate
 * something designed to be connected.
 */
export function bruteForceFraction(graph: PlainGraph, current: readonly number[]): number {
  const kappa = bruteForceConnectivity(graph);
  let worst = Infinity;
  for (const side of allCuts(graph.n)) {
    let severed = 0;
    for (let a = 0; a < graph.n; a++) {
      for (let b = 0; b < a; b++)
        if (side[a] !== side[b]) severed = Math.max(severed, kappa[a]![b]!);
    }
    if (severed > 0) worst = Math.min(worst, crossing(graph, current, side) / severed);
  }
  return worst;
}

/**
 * Stoer and Wagner's minimum cut on a matrix: slow and simple, for graphs too large to enumerate.
 */
export function stoerWagner(graph: PlainGraph): number {
  const { n, u, v, capacity } = graph;
  const weight = Array.from({ length: n }, () => new Float64Array(n));
  for (let e = 0; e < u.length; e++) {
    if (u[e] === v[e]) continue;
    weight[u[e]!]![v[e]!]! += capacity[e]!;
    weight[v[e]!]![u[e]!]! += capacity[e]!;
  }
  const alive = Array.from({ length: n }, (_, i) => i);
  let best = Infinity;
  while (alive.length > 1) {
    const reach = new Float64Array(n);
    const waiting = [...alive];
    let last = -1;
    let before = -1;
    while (waiting.length > 0) {
      let at = 0;
      for (let k = 1; k < waiting.length; k++)
        if (reach[waiting[k]!]! > reach[waiting[at]!]!) at = k;
      before = last;
      last = waiting.splice(at, 1)[0]!;
      for (const other of waiting) reach[other]! += weight[last]![other]!;
    }
    best = Math.min(best, reach[last]!);
    for (const other of alive) {
      weight[before]![other]! += weight[last]![other]!;
      weight[other]![before]! += weight[other]![last]!;
    }
    weight[before]![before] = 0;
    alive.splice(alive.indexOf(last), 1);
  }
  return best;
}

// --- collections ---------------------------------------------------------------------------------

export interface CollectionSize {
  readonly partitions: number;
  readonly centroids: number;
  readonly maintenance: number;
  readonly replicas: number;
  /** Vector indexes; none where it is left out. */
  readonly indexes?: number;
}

/** Sizes from the smallest to the largest that is meant to be built. */
export const SIZES: readonly CollectionSize[] = [
  { partitions: 2, centroids: 0, maintenance: 0, replicas: 0 },
  { partitions: 1, centroids: 1, maintenance: 1, replicas: 1 },
  { partitions: 3, centroids: 6, maintenance: 4, replicas: 1 },
  { partitions: 5, centroids: 10, maintenance: 4, replicas: 1 },
  { partitions: 8, centroids: 20, maintenance: 4, replicas: 2 },
  { partitions: 1, centroids: 0, maintenance: 4, replicas: 0, indexes: 1 },
  { partitions: 12, centroids: 20, maintenance: 4, replicas: 2, indexes: 24 },
  { partitions: 64, centroids: 400, maintenance: 5, replicas: 3 },
  { partitions: 200, centroids: 512, maintenance: 10, replicas: 5 },
];

export const sizeName = ({
  partitions,
  centroids,
  maintenance,
  replicas,
}: CollectionSize): string =>
  `${partitions} partitions, ${centroids} centroids, ${maintenance} maintenance, ${replicas} ` +
  "replicas";

/**
 * What is sick in a simulated collection: health by node id (`partition:0`, `centroid:3`,
 * `replica:1`), or by group (`partition`).
 */
export type Faults = Readonly<Record<string, number | null>>;

/** A collection in which all is healthy but the faults; each partition holds 1,000 rows. */
export function simulatedCollection(
  size: CollectionSize,
  faults: Faults = {},
): CollectionDescription {
  const healthOf = (name: string): number | null => (name in faults ? faults[name]! : 1);
  const group = (kind: GroupKind, prefix: string, count: number, mass: number) => ({
    kind,
    hubHealth: healthOf(prefix),
    members: Array.from({ length: count }, (_, i) => {
      const id = `${prefix}:${i}`;
      return { id, label: `${prefix} ${i}`, mass, health: healthOf(id) };
    }),
  });
  return {
    shard: { id: "shard:0", label: "shard 0" },
    groups: [
      group("partition", "partition", size.partitions, 1000),
      group("centroid", "centroid", size.centroids, 0),
      group("maintenance_dep", "maintenance", size.maintenance, 0),
    ],
    replicas: Array.from({ length: size.replicas }, (_, i) => {
      const id = `replica:${i}`;
      return { id, label: id, mass: 0, health: healthOf(id) };
    }),
    indexes: Array.from({ length: size.indexes ?? 0 }, (_, i) => {
      const id = `vector_index:${i}`;
      return { id, label: id, mass: 1000, health: healthOf(id) };
    }),
  };
}

/**
 * A contracted graph around a plain one, all nodes partitions of mass 1; `nominal` is the plain
 * graph's capacity.
 */
export function asContracted(graph: PlainGraph, health: readonly number[]): ContractedGraph {
  return {
    nodes: Array.from({ length: graph.n }, (_, i) => ({
      id: `node:${i}`,
      type: "partition",
      label: `node ${i}`,
      mass: 1,
      measured: true,
    })),
    edges: graph.u.map((u, e) => ({
      u,
      v: graph.v[e]!,
      type: "partition_link",
      nominal: graph.capacity[e]!,
      health: health[e]!,
    })),
  };
}

// --- a simulated installation, as an outside monitor would push it
// --------------------------------------------------

/**
 * Two zones of shards, partitions on three shards each, centroids on three partitions each,
 * maintenance on two shards, replicas on one: about four edges per node, nothing balanced. Healthy
 * edges have a health of 0.9 to 1.
 */
export function twoZones(nodeCount: number, seed = 1): ContractedGraph {
  const random = randomNumbers(seed);
  const nodes: GraphNode[] = [];
  const edges: GraphEdge[] = [];
  const below = (limit: number): number => Math.floor(random() * limit);
  const add = (type: NodeType, mass: number): number =>
    nodes.push({
      id: `${type}:${nodes.length}`,
      type,
      label: `${type} ${nodes.length}`,
      mass,
      measured: true,
    }) - 1;
  const link = (u: number, v: number, type: EdgeType, nominal: number): void => {
    edges.push({ u, v, type, nominal, health: 0.9 + 0.1 * random() });
  };
  const shardsPerZone = Math.max(4, Math.round(nodeCount / 200));
  const shards = [0, 1].map(() => Array.from({ length: shardsPerZone }, () => add("shard", 0)));
  for (const zone of shards) {
    for (let i = 0; i < zone.length; i++)
      for (let j = i + 1; j < zone.length; j++) link(zone[i]!, zone[j]!, "partition_link", 1);
  }
  for (let i = 0; i < 4; i++) link(shards[0]![i]!, shards[1]![i]!, "routing_link", 0.75);
  const partitions: number[][] = [[], []];
  const attach = (
    node: number,
    targets: readonly number[],
    count: number,
    type: EdgeType,
    nominal: number,
  ): void => {
    const first = below(targets.length);
    const stride = 1 + below(Math.max(1, Math.floor((targets.length - 1) / count)));
    for (let k = 0; k < Math.min(count, targets.length); k++) {
      link(node, targets[(first + k * stride) % targets.length]!, type, nominal);
    }
  };
  for (let i = 0; nodes.length < nodeCount; i++) {
    const zone = i % 2;
    const kind = i % 20;
    if (kind < 6) {
      const partition = add("partition", 1000);
      attach(partition, shards[zone]!, 3, "routing_link", 0.9);
      if (partitions[zone]!.length > 0)
        attach(partition, partitions[zone]!.slice(-6), 3, "partition_link", 0.6);
      partitions[zone]!.push(partition);
    } else if (kind < 16) {
      attach(add("centroid", 10), partitions[zone]!, 4, "routing_link", 0.3 + 0.1 * below(4));
    } else if (kind < 18) {
      attach(add("maintenance_dep", 0), shards[zone]!, 2, "dependency", 0.5);
    } else {
      attach(add("replication_target", 0), shards[zone]!, 1, "replication", 0.8);
    }
  }
  return { nodes, edges };
}

/** The same graph with the health of some edges multiplied. */
export function weakened(
  graph: ContractedGraph,
  factor: number,
  which: (edge: GraphEdge, index: number) => boolean,
): ContractedGraph {
  return {
    nodes: graph.nodes,
    edges: graph.edges.map((edge, e) =>
      which(edge, e) ? { ...edge, health: edge.health * factor } : edge,
    ),
  };
}
