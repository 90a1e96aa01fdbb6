import * as fc from "fast-check";
import { expect, it } from "vitest";
import { lambda2 } from "../../src/graph/lambda2.ts";
import {
  type PlainGraph,
  circulant,
  clique,
  clusteredGraph,
  hypercube,
  plainGraph,
  randomGraph,
  smallGraphs,
} from "./support/graphs.ts";

/** All eigenvalues of a symmetric matrix, by Jacobi's rotations. */
function eigenvalues(matrix: number[][]): number[] {
  const a = matrix.map((row) => [...row]);
  const n = a.length;
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p]![q]!) < 1e-14) continue;
        const angle = 0.5 * Math.atan2(2 * a[p]![q]!, a[q]![q]! - a[p]![p]!);
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[k]![p]!, a[k]![q]!];
          a[k]![p] = c * x - s * y;
          a[k]![q] = s * x + c * y;
        }
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[p]![k]!, a[q]![k]!];
          a[p]![k] = c * x - s * y;
          a[q]![k] = s * x + c * y;
        }
      }
    }
  }
  return a.map((row, i) => row[i]!).sort((x, y) => x - y);
}

function dense({ n, u, v, capacity }: PlainGraph): number {
  const weight = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let e = 0; e < u.length; e++) {
    if (u[e] === v[e]) continue;
    weight[u[e]!]![v[e]!]! += capacity[e]!;
    weight[v[e]!]![u[e]!]! += capacity[e]!;
  }
  const degree = weight.map((row) => row.reduce((sum, w) => sum + w, 0));
  // Of a node without edges the row is 0 (Chung's convention), and so is an eigenvalue.
  const laplacian = weight.map((row, i) =>
    row.map((w, j) => {
      if (degree[i] === 0 || degree[j] === 0) return 0;
      return (i === j ? 1 : 0) - w / Math.sqrt(degree[i]! * degree[j]!);
    }),
  );
  return eigenvalues(laplacian)[1]!;
}

const of = (graph: PlainGraph) => lambda2(graph.n, graph)!;

it("is the second smallest eigenvalue of the normalised Laplacian", () => {
  const larger = fc
    .tuple(fc.integer({ min: 10, max: 30 }), fc.integer({ min: 0, max: 60 }), fc.nat())
    .map(([n, extra, seed]) => randomGraph(n, extra, 10, seed));
  const clustered = fc
    .tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 3, max: 7 }), fc.nat())
    .map(([clusters, size, seed]) => clusteredGraph(clusters, size, 3, seed));
  fc.assert(
    fc.property(fc.oneof(smallGraphs, larger, clustered), (graph) => {
      expect(Math.abs(of(graph) - dense(graph))).toBeLessThan(1e-6);
    }),
    { numRuns: 150 },
  );
});

it.each<[string, PlainGraph, number]>([
  ["a clique", clique(20), 20 / 19],
  ["a hypercube", hypercube(6), 2 / 6],
  ["a ring of 1,000", circulant(1000, 1), 1 - Math.cos((2 * Math.PI) / 1000)],
  ["two nodes", plainGraph(2, [[0, 1, 0.3]]), 2],
  [
    "a chain of three",
    plainGraph(3, [
      [0, 1, 5],
      [1, 2, 5],
    ]),
    1,
  ],
  ["a graph in pieces", plainGraph(3, [[0, 1, 1]]), 0],
])("of %s is known", (_, graph, expected) => {
  expect(Math.abs(of(graph) - expected)).toBeLessThan(1e-6);
});

it("does not change when all capacities fall alike, and there is none below two nodes", () => {
  const graph = randomGraph(40, 100, 5, 3);
  const half = { ...graph, capacity: graph.capacity.map((c) => c / 2) };
  expect(of(half)).toBeCloseTo(of(graph), 9);
  expect(lambda2(1, plainGraph(1, []))).toBeNull();
});
