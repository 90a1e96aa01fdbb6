import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_CENTROIDS_PER_GRAPH, contractedGraph } from "../../src/graph/contracted.ts";
import type { ContractedGraph } from "../../src/model/graph.ts";
import { minimumCut } from "../../src/graph/mincut/index.ts";
import {
  SIZES,
  bruteForceCut,
  plainGraph,
  simulatedCollection,
  sizeName,
} from "./support/graphs.ts";

const SIZE = { partitions: 5, centroids: 20, maintenance: 4, replicas: 2 };

/** Sum of the nominal capacities around every node. */
function boundaries({ nodes, edges }: ContractedGraph): number[] {
  const sums = nodes.map(() => 0);
  for (const { u, v, nominal } of edges) {
    sums[u]! += nominal;
    sums[v]! += nominal;
  }
  return sums;
}

const nominalCut = ({ nodes, edges }: ContractedGraph): number =>
  minimumCut(nodes.length, {
    u: edges.map((e) => e.u),
    v: edges.map((e) => e.v),
    capacity: edges.map((e) => e.nominal),
  })!.value;

function edgesBetween(graph: ContractedGraph, fromType: string, toType: string) {
  return graph.edges.filter(({ u, v }) => {
    const types = [graph.nodes[u]!.type, graph.nodes[v]!.type];
    return (
      (types[0] === fromType && types[1] === toType) ||
      (types[0] === toType && types[1] === fromType)
    );
  });
}

describe("contracted graph", () => {
  it.each(SIZES.map((size) => [sizeName(size), size] as const))(
    "of %s has a nominal minimum cut of 1",
    (_, size) => {
      const graph = contractedGraph(simulatedCollection(size));
      expect(nominalCut(graph)).toBeCloseTo(1, 9);
      const sums = boundaries(graph);
      const uneven = graph.nodes.filter(
        ({ type }, i) => type !== "shard" && Math.abs(sums[i]! - 1) > 1e-9,
      );
      expect(uneven).toEqual([]);
    },
  );

  it("has no cut below 1 whatever the sizes of its groups", () => {
    fc.assert(
      fc.property(
        fc.nat(5),
        fc.nat(3),
        fc.nat(3),
        fc.nat(2),
        (partitions, centroids, maintenance, replicas) => {
          const graph = contractedGraph(
            simulatedCollection({ partitions, centroids, maintenance, replicas }),
          );
          fc.pre(graph.nodes.length > 1 && graph.nodes.length <= 10);
          const edges = graph.edges.map(({ u, v, nominal }) => [u, v, nominal] as const);
          expect(bruteForceCut(plainGraph(graph.nodes.length, edges))).toBeCloseTo(1, 9);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("has no inner cut below 1 for every size of group around the limit of cliques", () => {
    for (let centroids = 1; centroids <= 40; centroids++) {
      const graph = contractedGraph(
        simulatedCollection({ partitions: 0, centroids, maintenance: 0, replicas: 0 }),
      );
      expect(nominalCut(graph)).toBeCloseTo(1, 9);
    }
  });

  it("lists nodes and edges in the order of the description", () => {
    const graph = contractedGraph(
      simulatedCollection({ partitions: 2, centroids: 1, maintenance: 1, replicas: 1 }),
    );
    expect(graph.nodes.map(({ id, type }) => [id, type])).toEqual([
      ["shard:0", "shard"],
      ["partition:0", "partition"],
      ["partition:1", "partition"],
      ["centroid:0", "centroid"],
      ["maintenance:0", "maintenance_dep"],
      ["replica:0", "replication_target"],
    ]);
    expect(graph.edges).toEqual([
      { u: 1, v: 2, type: "partition_link", nominal: 0.5, health: 1 },
      { u: 1, v: 0, type: "routing_link", nominal: 0.5, health: 1 },
      { u: 2, v: 0, type: "routing_link", nominal: 0.5, health: 1 },
      { u: 3, v: 0, type: "routing_link", nominal: 1, health: 1 },
      { u: 4, v: 0, type: "dependency", nominal: 1, health: 1 },
      { u: 5, v: 0, type: "replication", nominal: 1, health: 1 },
    ]);
    expect(contractedGraph(simulatedCollection(SIZE))).toEqual(
      contractedGraph(simulatedCollection(SIZE)),
    );
  });

  it("links small groups as cliques and large ones as circulants of degree 8", () => {
    const links = (centroids: number): number =>
      edgesBetween(
        contractedGraph(simulatedCollection({ ...SIZE, centroids })),
        "centroid",
        "centroid",
      ).length;
    expect([1, 2, 16, 17, 100].map(links)).toEqual([0, 1, 120, 68, 400]);
  });

  it("gives inner links their group's type and hub links theirs", () => {
    const graph = contractedGraph(simulatedCollection(SIZE));
    const types = (from: string, to: string) => [
      ...new Set(edgesBetween(graph, from, to).map(({ type }) => type)),
    ];
    expect(types("partition", "partition")).toEqual(["partition_link"]);
    expect(types("partition", "shard")).toEqual(["routing_link"]);
    expect(types("centroid", "centroid")).toEqual(["routing_link"]);
    expect(types("centroid", "shard")).toEqual(["routing_link"]);
    expect(types("maintenance_dep", "maintenance_dep")).toEqual(["dependency"]);
    expect(types("maintenance_dep", "shard")).toEqual(["dependency"]);
    expect(types("replication_target", "shard")).toEqual(["replication"]);
    expect(types("partition", "centroid")).toEqual([]);
    expect(types("partition", "maintenance_dep")).toEqual([]);
    expect(types("centroid", "maintenance_dep")).toEqual([]);
  });

  it("keeps the groups of several indexes apart", () => {
    const description = simulatedCollection({
      partitions: 0,
      centroids: 3,
      maintenance: 0,
      replicas: 0,
    });
    const [, centroids] = description.groups;
    const other = {
      ...centroids!,
      members: centroids!.members.map((m) => ({ ...m, id: `other ${m.id}` })),
    };
    const graph = contractedGraph({ ...description, groups: [centroids!, other] });
    expect(graph.nodes).toHaveLength(7);
    expect(edgesBetween(graph, "centroid", "centroid")).toHaveLength(6);
    expect(nominalCut(graph)).toBeCloseTo(1, 9);
  });

  it("gives a link the lower health of what it joins", () => {
    const faults = { "partition:0": 0.5, "partition:1": 0.4, partition: 0.45 };
    const graph = contractedGraph(simulatedCollection({ ...SIZE, partitions: 3 }, faults));
    const healthBetween = (a: number, b: number) =>
      graph.edges.find(({ u, v }) => u === a && v === b)!.health;
    expect(healthBetween(1, 2)).toBe(0.4);
    expect(healthBetween(1, 3)).toBe(0.5);
    expect(healthBetween(2, 3)).toBe(0.4);
    expect([1, 2, 3].map((member) => healthBetween(member, 0))).toEqual([0.45, 0.4, 0.45]);
  });

  it("keeps the capacity of what is not measured and says so", () => {
    const faults = { "partition:1": null, "replica:0": null, centroid: null, "centroid:2": NaN };
    const graph = contractedGraph(simulatedCollection(SIZE, faults));
    expect(graph.nodes.filter(({ measured }) => !measured).map(({ id }) => id)).toEqual([
      "partition:1",
      "centroid:2",
      "replica:0",
    ]);
    expect(graph.edges.every(({ health }) => health === 1)).toBe(true);
  });

  it("keeps health between 0 and 1", () => {
    const graph = contractedGraph(simulatedCollection(SIZE, { "replica:0": -1, "replica:1": 7 }));
    expect(
      graph.edges.filter(({ type }) => type === "replication").map(({ health }) => health),
    ).toEqual([0, 1]);
  });

  it("refuses two nodes of one id and masses that are none", () => {
    const description = simulatedCollection({
      partitions: 1,
      centroids: 0,
      maintenance: 0,
      replicas: 0,
    });
    expect(() =>
      contractedGraph({ ...description, shard: { id: "partition:0", label: "" } }),
    ).toThrow("partition:0");
    const [group] = description.groups;
    const heavy = {
      ...group!,
      members: group!.members.map((member) => ({ ...member, mass: NaN })),
    };
    expect(() => contractedGraph({ ...description, groups: [heavy] })).toThrow(RangeError);
  });

  it("of the largest collection stays below 1,000 nodes", () => {
    const graph = contractedGraph(
      simulatedCollection({
        partitions: 300,
        centroids: MAX_CENTROIDS_PER_GRAPH,
        maintenance: 10,
        replicas: 10,
      }),
    );
    expect(graph.nodes.length).toBeLessThan(1000);
  });
});
