import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { components, minimumCut, worstFraction } from "../../src/graph/mincut/index.ts";
import { BestCut } from "../../src/graph/mincut/best-cut.ts";
import { growingScan } from "../../src/graph/mincut/growing-scan.ts";
import { blocks } from "../../src/graph/mincut/blocks.ts";
import { flowTree } from "../../src/graph/mincut/flow-tree.ts";
import { worstSurvivingFraction } from "../../src/graph/mincut/surviving-fraction.ts";
import { weakestNode } from "../../src/graph/mincut/weakest-node.ts";
import { scaleFor, toIntegerEdges } from "../../src/graph/mincut/scaling.ts";
import {
  type PlainGraph,
  bruteForceConnectivity,
  bruteForceCut,
  circulant,
  clique,
  clusteredGraph,
  crossing,
  hypercube,
  plainGraph,
  randomGraph,
  randomNumbers,
  regularGraph,
  shuffled,
  smallGraphs,
  stoerWagner,
} from "./support/graphs.ts";
import { FlowNetwork } from "./support/max-flow.ts";

const cutOf = (graph: PlainGraph) => minimumCut(graph.n, graph)!;
const PRECISION = 1e-9;

describe("minimum cut", () => {
  it("agrees with all cuts of small graphs", () => {
    fc.assert(
      fc.property(smallGraphs, (graph) => {
        const { value, side } = cutOf(graph);
        expect(Math.abs(value - bruteForceCut(graph))).toBeLessThan(PRECISION);
        expect([...new Set(side)].sort((a, b) => a - b)).toEqual([0, 1]);
        expect(value).toBe(crossing(graph, graph.capacity, side));
      }),
      { numRuns: 600 },
    );
  });

  it("agrees with Stoer and Wagner on larger graphs, where the scans do the work", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 45 }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom(1, 2, 10),
        fc.nat(),
        (n, density, levels, seed) => {
          const graph = randomGraph(n, n * density, levels, seed);
          const { value, side } = cutOf(graph);
          expect(value).toBe(stoerWagner(graph));
          expect(crossing(graph, graph.capacity, side)).toBe(value);
        },
      ),
      { numRuns: 80 },
    );
  });

  it("agrees with Stoer and Wagner on clusters, where many cuts are close to the best", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 3, max: 7 }),
        fc.constantFrom(1, 3, 10),
        fc.nat(),
        (clusters, size, levels, seed) => {
          const graph = clusteredGraph(clusters, size, levels, seed);
          expect(cutOf(graph).value).toBe(stoerWagner(graph));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("does not care whether an edge comes whole or in parallel parts", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 25 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(),
        (n, density, seed) => {
          const whole = randomGraph(n, n * density, 4, seed);
          const parts = plainGraph(
            n,
            whole.u.flatMap((u, e) =>
              Array.from({ length: whole.capacity[e]! }, () => [u, whole.v[e]!, 1] as const),
            ),
          );
          expect(cutOf(parts).value).toBe(stoerWagner(whole));
        },
      ),
      { numRuns: 80 },
    );
  });

  it.each<[string, PlainGraph, number]>([
    ["a hypercube", hypercube(7), 7],
    ["a circulant", circulant(150, 4), 8],
    ["a clique", clique(40), 39],
    ["a ring", circulant(50, 1), 2],
    ["two nodes", plainGraph(2, [[0, 1, 0.5]]), 0.5],
    [
      "parallel edges",
      plainGraph(3, [
        [0, 1, 1],
        [1, 0, 1],
        [1, 2, 0.75],
        [2, 1, 0.5],
      ]),
      1.25,
    ],
    [
      "a self-loop",
      plainGraph(2, [
        [0, 0, 9],
        [0, 1, 1],
      ]),
      1,
    ],
  ])("of %s", (_, graph, expected) => {
    expect(cutOf(graph).value).toBe(expected);
  });

  it("does not send a node with its heaviest edge when the others together are heavier", () => {
    // Two cliques and node 16 between them: 12 to the one by one edge, 7 + 6 to the other.
    const edges: [number, number, number][] = [
      [16, 0, 12],
      [16, 8, 7],
      [16, 9, 6],
    ];
    for (let i = 0; i < 8; i++)
      for (let j = i + 1; j < 8; j++) edges.push([i, j, 3], [8 + i, 8 + j, 3]);
    for (let seed = 0; seed < 20; seed++) {
      const { value, side } = cutOf(shuffled(plainGraph(17, edges), seed));
      expect(value).toBe(12);
      expect([8, 9]).toContain(side.reduce((sum, inside) => sum + inside, 0));
    }
  });

  it("agrees with Stoer and Wagner on regular graphs, where scans stall and flows decide", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(0, 1, 3, 100),
        fc.nat(),
        (n, rings, noise, seed) => {
          const whole = regularGraph(n, rings, seed);
          const random = randomNumbers(seed + 1);
          const graph = {
            ...whole,
            capacity: whole.capacity.map((c) => 8 * c + Math.floor(random() * (noise + 1))),
          };
          const { value, side } = cutOf(graph);
          expect(value).toBe(stoerWagner(graph));
          expect(crossing(graph, graph.capacity, side)).toBe(value);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("offers every better cut that one scan with flows meets, from any bound", () => {
    fc.assert(
      fc.property(smallGraphs, fc.boolean(), (graph, bounded) => {
        fc.pre(components(graph.n, graph).count === 1);
        const scale = 2 ** 40;
        const edges = toIntegerEdges(graph, scale);
        const best = new BestCut(graph.n);
        if (bounded) best.offerNode(0, new FlowNetwork(graph.n, edges).degree[0]!);
        growingScan(graph.n, edges, best, 0);
        expect(Math.abs(best.value / scale - bruteForceCut(graph))).toBeLessThan(PRECISION);
        expect(
          Math.abs(best.value / scale - crossing(graph, graph.capacity, best.side)),
        ).toBeLessThan(PRECISION);
      }),
      { numRuns: 300 },
    );
  });

  it("finds a cut beyond a hub that a group hangs on by many thin links", () => {
    // Two groups of 60 on one hub; of the second all links to the hub are a little weaker.
    const edges: [number, number, number][] = [];
    for (const [first, link] of [
      [1, 64],
      [61, 63],
    ] as const) {
      for (let i = 0; i < 60; i++) {
        edges.push([0, first + i, link]);
        for (let step = 1; step <= 4; step++)
          edges.push([first + i, first + ((i + step) % 60), 472]);
      }
    }
    const { value, side } = cutOf(plainGraph(121, edges));
    expect(value).toBe(Math.min(60 * 63, 63 + 8 * 472));
    expect(stoerWagner(plainGraph(121, edges))).toBe(value);
    expect(side.reduce((sum, inside) => sum + inside, 0) % 60).toBeLessThanOrEqual(1);
  });

  it("finds a planted cut", () => {
    const random = randomNumbers(7);
    const edges: [number, number, number][] = [];
    for (let k = 0; k < 3000; k++) {
      const zone = k % 2;
      edges.push([
        zone * 60 + Math.floor(random() * 60),
        zone * 60 + Math.floor(random() * 60),
        0.5 + random(),
      ]);
    }
    for (let k = 0; k < 5; k++)
      edges.push([Math.floor(random() * 60), 60 + Math.floor(random() * 60), 0.125]);
    const { value, side } = cutOf(plainGraph(120, edges));
    expect(value).toBe(0.625);
    expect(new Set(side.subarray(0, 60)).size).toBe(1);
    expect(new Set(side.subarray(60)).size).toBe(1);
  });

  it("does not depend on names or order", () => {
    fc.assert(
      fc.property(smallGraphs, fc.nat(), (graph, seed) => {
        expect(Math.abs(cutOf(shuffled(graph, seed)).value - cutOf(graph).value)).toBeLessThan(
          PRECISION,
        );
      }),
      { numRuns: 150 },
    );
  });

  it("is the same cut every time", () => {
    const graph = randomGraph(60, 200, 3, 5);
    expect(cutOf(graph)).toEqual(cutOf(graph));
  });

  it("of a graph in pieces is 0, around the smallest piece", () => {
    const graph = plainGraph(6, [
      [0, 1, 1],
      [1, 2, 1],
      [3, 4, 1],
      [2, 5, 0],
    ]);
    expect(cutOf(graph)).toEqual({ value: 0, side: Uint8Array.of(0, 0, 0, 0, 0, 1) });
    fc.assert(
      fc.property(smallGraphs, (g) => {
        const pieces = components(g.n, g);
        fc.pre(pieces.count > 1);
        const { value, side } = cutOf(g);
        expect(value).toBe(0);
        const inside = new Set([...pieces.label].filter((_, i) => side[i] === 1));
        expect(inside.size).toBe(1);
        expect(side.filter((x) => x === 1)).toHaveLength(Math.min(...pieces.size));
      }),
    );
  });

  it("does not exist below two nodes", () => {
    expect(minimumCut(0, plainGraph(0, []))).toBeNull();
    expect(minimumCut(1, plainGraph(1, [[0, 0, 1]]))).toBeNull();
    expect(minimumCut(2, plainGraph(2, []))).toEqual({ value: 0, side: Uint8Array.of(1, 0) });
  });

  it("never takes a little for nothing", () => {
    expect(
      cutOf(
        plainGraph(3, [
          [0, 1, 1e6],
          [1, 2, 1e-12],
        ]),
      ).value,
    ).toBe(1e-12);
    expect(cutOf(plainGraph(2, [[0, 1, 5e-324]])).value).toBe(5e-324);
    expect(cutOf(plainGraph(2, [[0, 1, 1e300]])).value).toBe(1e300);
  });

  it("stops at a bound that the caller knows", () => {
    const graph = circulant(100, 4);
    expect(minimumCut(graph.n, graph, { atLeast: 8 })!.value).toBe(8);
    fc.assert(
      fc.property(smallGraphs, (g) => {
        const exact = bruteForceCut(g);
        expect(minimumCut(g.n, g, { atLeast: exact })!.value).toBeCloseTo(exact, 8);
      }),
      { numRuns: 200 },
    );
  });

  it("refuses what is no graph", () => {
    const refused =
      (...edge: [number, number, number]) =>
      () =>
        minimumCut(2, plainGraph(2, [edge]));
    expect(refused(0, 1, -1)).toThrow(RangeError);
    expect(refused(0, 1, NaN)).toThrow("capacity NaN");
    expect(refused(0, 1, Infinity)).toThrow(RangeError);
    expect(refused(0, 2, 1)).toThrow("nodes go from 0 to 1");
    expect(refused(0, 0.5, 1)).toThrow(RangeError);
    expect(() => minimumCut(2, { u: [0], v: [1], capacity: [] })).toThrow("differ in length");
  });

  it("takes typed arrays", () => {
    const edges = {
      u: Int32Array.of(0, 1),
      v: Int32Array.of(1, 2),
      capacity: Float64Array.of(2, 1),
    };
    expect(minimumCut(3, edges)).toEqual({ value: 1, side: Uint8Array.of(0, 0, 1) });
  });
});

describe("scaling", () => {
  it("keeps sums of units exact", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-200, max: 1e300, noNaN: true }), (total) => {
        const units = total * scaleFor(total);
        expect(units).toBeLessThanOrEqual(2 ** 52);
        expect(units).toBeGreaterThan(2 ** 51);
      }),
    );
  });
});

describe("maximum flow", () => {
  it("is the minimum cut between two nodes, and names its side", () => {
    fc.assert(
      fc.property(smallGraphs, (graph) => {
        const scale = 2 ** 40;
        const network = new FlowNetwork(graph.n, toIntegerEdges(graph, scale));
        const connectivity = bruteForceConnectivity(graph);
        for (let source = 0; source < graph.n; source++) {
          const sink = (source + 1) % graph.n;
          const flow = network.maxFlow(source, sink) / scale;
          const { sourceSide } = network;
          expect([sourceSide[source], sourceSide[sink]]).toEqual([1, 0]);
          const ofSide = crossing(graph, graph.capacity, sourceSide);
          expect(
            Math.abs(flow - connectivity[source]![sink]!) + Math.abs(flow - ofSide),
          ).toBeLessThan(PRECISION);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("takes back flow that turned out to be in the way", () => {
    const edges: [number, number, number][] = [
      [2, 0, 2],
      [5, 1, 2],
      [1, 2, 2],
      [4, 5, 3],
      [4, 2, 3],
      [1, 3, 3],
      [0, 3, 3],
    ];
    expect(new FlowNetwork(6, toIntegerEdges(plainGraph(6, edges), 1)).maxFlow(0, 5)).toBe(5);
  });

  it("stops at a limit", () => {
    const network = new FlowNetwork(
      3,
      toIntegerEdges(
        plainGraph(3, [
          [0, 1, 5],
          [1, 2, 5],
          [0, 2, 5],
        ]),
        1,
      ),
    );
    expect(network.maxFlow(0, 2)).toBe(10);
    expect(network.maxFlow(0, 2, 6.5)).toBe(7);
    expect(network.maxFlow(0, 2, 100)).toBe(10);
  });
});

describe("flow-equivalent tree", () => {
  /** The lightest tree edge between a and b; 0 when there is no way. */
  function connectivityInTree(tree: ReturnType<typeof flowTree>, a: number, b: number): number {
    const seen = new Map([[a, Infinity]]);
    for (const node of seen.keys()) {
      tree.value.forEach((value, t) => {
        const ends = [tree.u[t]!, tree.v[t]!];
        const other = ends[0] === node ? ends[1]! : ends[1] === node ? ends[0]! : -1;
        if (other >= 0 && !seen.has(other)) seen.set(other, Math.min(value, seen.get(node)!));
      });
    }
    return seen.get(b) ?? 0;
  }

  it("holds the minimum cut of every pair", () => {
    fc.assert(
      fc.property(smallGraphs, (graph) => {
        const tree = flowTree(graph.n, graph);
        const expected = bruteForceConnectivity(graph);
        expect(tree.value.length).toBe(graph.n - components(graph.n, graph).count);
        let error = 0;
        for (let a = 0; a < graph.n; a++) {
          for (let b = 0; b < a; b++) {
            error = Math.max(error, Math.abs(connectivityInTree(tree, a, b) - expected[a]![b]!));
          }
        }
        expect(error).toBeLessThan(PRECISION);
      }),
      { numRuns: 150 },
    );
  });
});

describe("worst surviving fraction", () => {
  it("is the worst of all pairs", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 30 }),
        // Links beside those of a tree, for each node.
        fc.constantFrom(0, 0.2, 0.5, 1, 2, 5),
        fc.constantFrom(1, 2, 100),
        fc.nat(),
        (n, density, levels, seed) => {
          const nominal = randomGraph(n, Math.round(n * density), levels, seed);
          const random = randomNumbers(seed + 1);
          const current = {
            ...nominal,
            capacity: nominal.capacity.map((c) => (c * Math.ceil(random() * 8)) / 8),
          };
          const before = new FlowNetwork(n, toIntegerEdges(nominal, 8));
          const now = new FlowNetwork(n, toIntegerEdges(current, 8));
          let expected = Infinity;
          for (let a = 0; a < n; a++) {
            for (let b = 0; b < a; b++)
              expected = Math.min(expected, now.maxFlow(a, b) / before.maxFlow(a, b));
          }
          const { fraction } = worstSurvivingFraction(current, flowTree(n, nominal));
          expect(fraction).toBeCloseTo(expected, 10);
          const byBlock = worstFraction(n, current, nominal)!;
          expect(byBlock.fraction).toBeCloseTo(expected, 10);
          // Its side has it.
          let designed = 0;
          for (let a = 0; a < n; a++) {
            for (let b = 0; b < a; b++) {
              if (byBlock.side[a] !== byBlock.side[b])
                designed = Math.max(designed, before.maxFlow(a, b));
            }
          }
          const crosses = crossing(current, current.capacity, byBlock.side);
          expect((crosses * 8) / designed).toBeCloseTo(expected, 10);
        },
      ),
      { numRuns: 80 },
    );
  });

  it("where one node has it, is found without a tree, or not at all", () => {
    let found = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 30 }),
        fc.integer({ min: 0, max: 5 }),
        fc.constantFrom(1, 2, 100),
        fc.nat(),
        (n, density, levels, seed) => {
          const nominal = randomGraph(n, n * density, levels, seed);
          const random = randomNumbers(seed + 1);
          const current = {
            ...nominal,
            capacity: nominal.capacity.map((c) => (c * Math.ceil(random() * 8)) / 8),
          };
          const node = weakestNode(n, current, nominal);
          if (!node) return;
          found++;
          const worst = worstSurvivingFraction(current, flowTree(n, nominal));
          expect(node.fraction).toBeCloseTo(worst.fraction, 10);
          expect(node.side.filter((inside) => inside === 1)).toHaveLength(1);
          expect(node.side).toEqual(worst.side);
        },
      ),
      { numRuns: 200 },
    );
    expect(found).toBeGreaterThan(50);
  });
});

describe("blocks", () => {
  it("are parted by the nodes whose loss parts the graph, and by nothing else", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 25 }),
        fc.nat({ max: 30 }),
        fc.nat(),
        (n, extra, seed) => {
          const graph = randomGraph(n, extra, 1, seed);
          const found = blocks(n, graph).edges;
          const blockOf = new Map(found.flatMap((own, block) => [...own].map((e) => [e, block])));
          const joined = graph.u.map((u, e) => (u === graph.v[e] ? -1 : e)).filter((e) => e >= 0);
          expect([...blockOf.keys()].sort((a, b) => a - b)).toEqual(joined);
          // Two edges at a node are in one block just where, without the node, their other ends
          // are one piece.
          for (let node = 0; node < n; node++) {
            const without = {
              ...graph,
              capacity: graph.capacity.map((c, e) =>
                graph.u[e] === node || graph.v[e] === node ? 0 : c,
              ),
            };
            const { label } = components(n, without);
            const at = joined.filter((e) => graph.u[e] === node || graph.v[e] === node);
            const far = (e: number): number =>
              label[graph.u[e] === node ? graph.v[e]! : graph.u[e]!]!;
            for (const e of at) {
              for (const other of at)
                expect(blockOf.get(e) === blockOf.get(other)).toBe(far(e) === far(other));
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
